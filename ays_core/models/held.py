"""The one real model in memory: brought there by a job, used by its name, freed for the next."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch

from ays_core.job import Job, Progress
from ays_core.models.checkpoints import Checkpoint, check_room, download
from ays_core.models.device import free_caches
from ays_core.models.pipelines import PipelineModel, load_pipeline
from ays_core.paths import ModelSpec

TRIED = 5  # rows of the first call
_held: PipelineModel | None = None
_staying: dict[str, PipelineModel] = {}  # those that are never freed, by name
_known: dict[str, ModelSpec] = {}  # of every model that was here: small, and still to be shown
_loads: dict[str, int] = {}  # how often each was brought here: the weights behind a name may change


def current() -> PipelineModel | None:
    return _held


def held_spec(name: str) -> ModelSpec | None:
    """The spec of a model that is or was in memory."""
    return _known.get(name)


def loads(name: str) -> int:
    """How often the model of this name was brought here: results of an earlier time may differ."""
    return _loads.get(name, 0)


def hold(model: PipelineModel) -> PipelineModel:
    """Keep `model`, instead of the one before."""
    global _held
    if model is not _held:
        release()
    _held = model
    _known[model.spec.key] = model.spec
    _loads[model.spec.key] = loads(model.spec.key) + 1
    return model


def stay(model: PipelineModel) -> None:
    """Keep `model` beside others for as long as the process lives: one place for all, as where a
    GPU is lent to a process that cannot load."""
    _staying[model.spec.key] = model


def release() -> None:
    """Free the memory of the model that is held, unless it stays."""
    global _held
    if _held is None or _staying.get(_held.spec.key) is _held:
        _held = None
        return
    _held.pipe.remove_all_hooks()  # of parts that waited in main memory
    _held = None
    free_caches()


def rest() -> None:
    """After work with the model: parts that take turns on a card leave it, and nothing that is no
    longer needed stays there."""
    if _held is None:
        return
    _held.pipe.maybe_free_model_hooks()
    free_caches()


def bring(checkpoint: Checkpoint, *, size: int | None = None) -> Job[PipelineModel]:
    """Download what is missing, load, try one call: then the model is held. The one before is freed
    first, so that both need not fit."""
    size = checkpoint.checked_size(size)
    if checkpoint.source in _staying:
        if size:
            raise ValueError(f"{checkpoint.source} is here in its own size, and in no other")
        return hold(_staying[checkpoint.source])
    folder: Path = yield from download(checkpoint)
    release()
    check_room(checkpoint)
    yield Progress("reading the weights", 0, 1)
    model = load_pipeline(
        checkpoint.file or folder,
        name=checkpoint.source,
        size=size,
        config=folder if checkpoint.file else None,
        variant=checkpoint.variant,
    )
    stated = {"licence": checkpoint.licence, "revision": checkpoint.revision}
    model.spec = replace(model.spec, **stated)
    yield Progress("one call to try it", 0, 1)
    hold(model)
    try:
        x = torch.zeros(TRIED, *model.spec.sample_shape)
        with torch.no_grad():
            model.denoise(x, 1.0, None)  # its first row tells what fits, the others the time
    except BaseException:
        release()
        raise
    return model

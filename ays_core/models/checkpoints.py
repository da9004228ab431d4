"""Checkpoints: what one is before its weights are read, from its configs alone.

Of a Hub repository come its configs and its safetensors, nothing else, and only after one has seen
how large they are and under which licence. What is in the local cache, or in a folder, needs no
network.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from ays_core.job import Job
from ays_core.models.configs import config_of, read_index, scheduler_in
from ays_core.models.device import GIB, HALF, best_device, best_dtype, free_memory
from ays_core.models.hub import (
    HUB_ID,
    INDEX,
    Unreachable,
    cached,
    fetch,
    fetch_all,
    look_up,
    snapshots,
)
from ays_core.models.pipelines import family_of
from ays_core.models.pipelines.base import PipelineModel
from ays_core.models.pipelines.noise import read_noise

WEIGHTS = re.compile(
    r"(?:model|diffusion_pytorch_model)(?:\.(?P<variant>[a-z]\w*))?(?:-\d{5}-of-\d{5})?"
    r"(?:\.(?P<late>[a-z]\w*))?\.(?P<kind>safetensors|bin)"
)
HEADER = 100_000_000  # bytes; safetensors allows no longer one
CONFIGS = (".json", ".txt", ".model")
LEAST = 4  # times that multiple, or a network has nothing left to halve
ROOT_CONFIGS = ("config.json", "scheduler_config.json")  # of a part that has no folder of its own


@dataclass(frozen=True)
class Checkpoint:
    """One checkpoint as it is found. `size`: bytes of what is read; `missing`: (file, bytes) still
    to be fetched into the cache. `facts`: read from its configs, to be shown. `multiple`: of which
    a picture's side in pixels is one, where that is known."""

    source: str
    folder: Path
    facts: Mapping[str, str]
    size: int
    licence: str = ""
    revision: str = ""
    variant: str | None = None
    file: Path | None = None  # of a single-file checkpoint, whose configs are in `folder`
    missing: tuple[tuple[str, int], ...] = field(default=())
    multiple: int = 1

    @property
    def to_fetch(self) -> int:
        return sum(size for _, size in self.missing)

    def checked_size(self, size: int | None) -> int | None:
        """Pixels of a side, None for the checkpoint's own, or a `ValueError`."""
        if size and (size % self.multiple or size < LEAST * self.multiple):
            raise ValueError(
                f"a picture's side is {size} px; for {self.facts['pipeline']} it must be a "
                f"multiple of {self.multiple}, from {LEAST * self.multiple} on"
            )
        return size or None


def find(source: str, config: str = "") -> Checkpoint:
    """What is at a Hub id, in a folder, or in one .safetensors file with its `config` folder.

    Of a Hub repository that is not here only its configs are fetched, which are kilobytes. Raises
    `ValueError` for what is none of them, is not supported, or cannot be reached.
    """
    path = Path(source).expanduser()
    if path.is_file():
        if path.suffix != ".safetensors":
            raise ValueError(f"{path.name} is not a .safetensors file: nothing else is read")
        if not config:
            raise ValueError(
                f"{path.name} is a single file: give the folder of its configs as well"
            )
        folder = Path(config).expanduser()
        return Checkpoint(
            str(path),
            folder,
            read_facts(folder),
            path.stat().st_size,
            file=path,
            multiple=side_multiple(folder),
        )
    if source and path.is_dir():
        facts = read_facts(path)
        needed, variant = choose(read_index(path), files_in(path))
        return Checkpoint(
            str(path),
            path,
            facts,
            sum(needed.values()),
            variant=variant,
            multiple=side_multiple(path),
        )
    if HUB_ID.fullmatch(source):
        return find_on_hub(source)
    raise ValueError(f"{source!r} is neither a folder, nor a .safetensors file, nor a Hub id")


def files_in(folder: Path) -> dict[str, int]:
    """Bytes by name of a pipeline's files: its own and those of its parts, behind links, too."""
    return {
        file.relative_to(folder).as_posix(): file.stat().st_size
        for pattern in ("*", "*/*")
        for file in folder.glob(pattern)
        if file.is_file()
    }


def find_on_hub(source: str) -> Checkpoint:
    """A Hub repository, or what the cache has of it where the Hub cannot be reached."""
    try:
        there = look_up(source)
    except Unreachable:
        return find_in_cache(source)
    if INDEX not in there.files:
        raise ValueError(f"{source} is no diffusers pipeline: it has no {INDEX}")
    folder = Path(fetch(source, INDEX, there.revision)).parent
    index = read_index(folder)
    needed, variant = choose(index, there.files)
    for name in needed:
        if name.endswith("config.json"):
            fetch(source, name, there.revision)
    return Checkpoint(
        source,
        folder,
        read_facts(folder),
        sum(needed.values()),
        there.licence,
        there.revision,
        variant,
        missing=tuple((n, size) for n, size in needed.items() if not (folder / n).exists()),
        multiple=side_multiple(folder),
    )


def find_in_cache(source: str) -> Checkpoint:
    """A Hub repository from the local cache alone: the newest revision that is there in full."""
    newest_first, lacking = snapshots(source), ""
    for folder in newest_first:
        try:
            local = find(str(folder))
        except ValueError as refused:
            lacking = lacking or str(refused)
            continue
        return Checkpoint(
            source,
            folder,
            local.facts,
            local.size,
            revision=folder.name,
            variant=local.variant,
            multiple=local.multiple,
        )
    here = ", ".join(name for name, _ in cached() if name != source) or "none that are here"
    why = f"is here only in part ({lacking})" if newest_first else "is not here"
    raise ValueError(
        f"the Hub cannot be reached, and {source} {why}: give a local folder, or one of {here}"
    )


def side_multiple(folder: Path) -> int:
    """Of what a picture's side is a multiple, by the configs of the network and the VAE."""
    family = family_of(str(read_index(folder)["_class_name"]))
    try:
        return family.multiple(config_of(folder, family.part), config_of(folder, "vae"))
    except (KeyError, TypeError):
        return 1  # the networks will say more of such a config when they are made


def read_facts(folder: Path) -> dict[str, str]:
    """Family, noise axis and range, from the configs alone. Raises `ValueError` for what its family
    cannot run."""
    index = read_index(folder)
    name = str(index["_class_name"])
    family: type[PipelineModel] = family_of(name)
    family.check(str(folder), index, config_of(folder, family.part))
    try:
        noise = read_noise(scheduler_in(folder, index))
    except (KeyError, TypeError) as error:
        raise ValueError(f"the scheduler config of {folder} lacks {error}") from None
    top = "infinity (t = 1)" if noise.path.name == "flow" else f"{noise.sigma_max:.4g}"
    return {
        "pipeline": name,
        **noise.facts,
        "native levels": f"sigma {noise.sigma_min:.3g} to {top}",
    }


def choose(index: Mapping[str, Any], files: Mapping[str, int]) -> tuple[dict[str, int], str | None]:
    """Of a repository's `files` (bytes by name): what a pipeline is read from, and which variant of
    the weights. Half-precision weights where the machine works in half precision, if all parts have
    them. Raises `ValueError` for a part that has no safetensors.

    A part without a folder of its own lies beside the index, as that of old unconditional models.
    """
    family = family_of(str(index.get("_class_name")))
    parts = [
        part
        for part, made in index.items()
        if isinstance(made, list) and len(made) == 2 and made[0] and part not in family.unneeded
    ]
    weights: dict[str, dict[str | None, dict[str, int]]] = {family.part: {}}
    needed = {name: size for name, size in files.items() if name == INDEX}
    for part in parts:
        for name, file, configs in files_of(part, files):
            matched = WEIGHTS.fullmatch(file)
            if matched and matched["kind"] == "safetensors":
                variant = matched["variant"] or matched["late"]
                sets = weights.setdefault(part, {})
                sets.setdefault(variant, {})[name] = files[name]
            elif matched:
                weights.setdefault(part, {})
            elif file.endswith(configs):
                needed[name] = files[name]
    half = best_dtype(best_device()) in HALF
    for variant in ("fp16", None) if half else (None, "fp16"):
        if all(variant in sets for sets in weights.values()):
            for sets in weights.values():
                needed |= sets[variant]
            return needed, variant
    lacking = [part for part, sets in weights.items() if not sets] or list(weights)
    raise ValueError(f"its {', '.join(lacking)} cannot be loaded from safetensors: it has none")


def files_of(part: str, files: Mapping[str, int]) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """The files of a part: (where, its own name, how its configs end)."""
    within = [name for name in files if name.startswith(f"{part}/") and name.count("/") == 1]
    if within:
        yield from ((name, name.rpartition("/")[2], CONFIGS) for name in within)
    elif part == "scheduler":
        yield from ((name, name, ROOT_CONFIGS) for name in files if name in ROOT_CONFIGS)
    else:
        yield from ((name, name, ROOT_CONFIGS) for name in files if "/" not in name)


def check_room(checkpoint: Checkpoint) -> None:
    """Raises `ValueError` where main memory, through which weights go to any device, cannot hold
    them in the precision in which they are used."""
    folder = checkpoint.folder
    family = family_of(str(read_index(folder)["_class_name"]))
    dtype = torch.float32 if family.precise else best_dtype(best_device())
    names, _ = ({}, None) if checkpoint.file else choose(read_index(folder), files_in(folder))
    files = [checkpoint.file] if checkpoint.file else [folder / name for name in names]
    needed = sum(numbers_in(file) for file in files if file.suffix == ".safetensors")
    needed, free = needed * dtype.itemsize, free_memory("cpu")
    if needed > free:
        raise ValueError(
            f"its weights take {needed / GIB:.1f} GiB of main memory, and {free / GIB:.1f} GiB are "
            "free: free some, or choose a smaller model"
        )


def numbers_in(file: Path) -> int:
    """How many numbers a safetensors file holds, by its header; 0 where that cannot be read."""
    with file.open("rb") as opened:
        length = int.from_bytes(opened.read(8), "little")
        try:
            header = json.loads(opened.read(min(length, HEADER)))
            return sum(math.prod(t["shape"]) for k, t in header.items() if k != "__metadata__")
        except (ValueError, TypeError, KeyError, AttributeError):
            return 0  # reading the weights will say what is wrong


def download(checkpoint: Checkpoint) -> Job[Path]:
    """Fetch what is missing; returns the folder."""
    if checkpoint.missing:
        yield from fetch_all(checkpoint.source, checkpoint.revision, checkpoint.missing)
    return checkpoint.folder

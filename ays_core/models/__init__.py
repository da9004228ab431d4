"""Models by name: what can be sampled from. Each file adapts one family to D(x, sigma)."""

from collections.abc import Callable
from pathlib import Path

from ays_core.catalogue import UnknownKey
from ays_core.denoiser import Model
from ays_core.job import Progress, run
from ays_core.models import points, scenes, unet  # noqa: F401 - they fill the catalogue
from ays_core.models.checkpoints import Checkpoint, find
from ays_core.models.drawn import drawn_model, drawn_name, is_drawn, read_points
from ays_core.models.entry import MODELS, ModelEntry
from ays_core.models.held import bring, current, held_spec
from ays_core.models.hub import HUB_ID
from ays_core.models.mixture import Mixture, read_mixture
from ays_core.paths import ModelSpec

__all__ = [
    "MODELS",
    "Mixture",
    "ModelEntry",
    "drawn_name",
    "embedded",
    "in_memory",
    "load_model",
    "read_mixture",
    "read_points",
    "spec_of",
]


def embedded(name: str) -> bool:
    """Whether anyone may have this model at once: one of the catalogue, or one drawn by hand."""
    return name in MODELS or is_drawn(name)


def load_model(
    name: str,
    on_found: Callable[[Checkpoint], object] = lambda _: None,
    on_progress: Callable[[Progress], object] = lambda _: None,
) -> Model:
    """A model by its catalogue key, from points drawn by hand (`drawn:x,y;x,y@spread`), from the
    path of a mixture file (JSON, see `read_mixture`), or a diffusers pipeline in a folder or at a
    Hub id (owner/name), which is downloaded if need be.

    `on_found` is told of a checkpoint before any of its weights are fetched, `on_progress` how far
    that is. Raises `UnknownKey` for what is none of them, `ValueError` for what cannot be used.
    """
    if embedded(name):
        return in_memory(name)
    path = Path(name)
    if path.suffix == ".json":
        return read_mixture(path)
    if (path / "model_index.json").is_file() or (HUB_ID.fullmatch(name) and not path.exists()):
        there = current()
        if there and there.spec.key == name:
            return there
        on_found(found := find(name))
        return run(bring(found), on_progress)
    raise UnknownKey(
        f"unknown model {name!r}; give the path of a mixture file (.json) or of a diffusers "
        f"pipeline, a Hub id, or one of: {', '.join(MODELS)}"
    )


def in_memory(name: str) -> Model:
    """A model of the catalogue, one drawn by hand, or the one that is held: nothing is loaded for
    the asking."""
    if is_drawn(name):
        return drawn_model(name)
    there = current()
    if there is not None and there.spec.key == name:
        return there
    if name not in MODELS and held_spec(name) is not None:
        raise ValueError(f"{name} is no longer in memory: load it again")
    return MODELS[name].load()


def spec_of(name: str) -> ModelSpec:
    """What is known of a model of the catalogue, one drawn by hand, or one that is or was held."""
    if is_drawn(name):
        return drawn_model(name).spec
    return held_spec(name) or MODELS[name].spec

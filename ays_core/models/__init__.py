"""Models by name: what can be sampled from. Each file adapts one family to D(x, sigma)."""

from pathlib import Path

from ays_core.catalogue import UnknownKey
from ays_core.denoiser import Model
from ays_core.models import points  # noqa: F401 - fills the catalogue
from ays_core.models.entry import MODELS, ModelEntry
from ays_core.models.mixture import Mixture, read_mixture

__all__ = ["MODELS", "Mixture", "ModelEntry", "load_model", "read_mixture"]


def load_model(name: str) -> Model:
    """A model by its catalogue key, or from the path of a mixture file (JSON, see `read_mixture`).

    Raises `UnknownKey` for what is neither, `ValueError` for a file that cannot be used.
    """
    if name in MODELS:
        return MODELS[name].load()
    path = Path(name)
    if path.suffix == ".json":
        return read_mixture(path)
    raise UnknownKey(
        f"unknown model {name!r}; give the path of a mixture file (.json) "
        f"or one of: {', '.join(MODELS)}"
    )

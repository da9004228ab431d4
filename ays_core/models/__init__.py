"""Models by name: what can be sampled from. Each file adapts one family to D(x, sigma)."""

import re
from pathlib import Path

from ays_core.catalogue import UnknownKey
from ays_core.denoiser import Model
from ays_core.models import points, scenes  # noqa: F401 - they fill the catalogue
from ays_core.models.entry import MODELS, ModelEntry
from ays_core.models.mixture import Mixture, read_mixture
from ays_core.models.pipelines import load_pipeline

__all__ = ["MODELS", "Mixture", "ModelEntry", "load_model", "read_mixture"]

HUB_ID = re.compile(r"\w[\w.-]*/\w[\w.-]*")


def load_model(name: str) -> Model:
    """A model by its catalogue key, from the path of a mixture file (JSON, see `read_mixture`), or
    a diffusers pipeline in a folder or at a Hub id (owner/name).

    Raises `UnknownKey` for what is none of them, `ValueError` for what cannot be used.
    """
    if name in MODELS:
        return MODELS[name].load()
    path = Path(name)
    if path.suffix == ".json":
        return read_mixture(path)
    if (path / "model_index.json").is_file() or HUB_ID.fullmatch(name):
        return load_pipeline(name)
    raise UnknownKey(
        f"unknown model {name!r}; give the path of a mixture file (.json) or of a diffusers "
        f"pipeline, a Hub id, or one of: {', '.join(MODELS)}"
    )

"""Samples as they are shown: a strip of pictures or a cloud of points, and the plane behind it."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from ays_core.models import Mixture, in_memory
from ays_core.sampling import SampleRun
from components.pictures import Cloud, Strip, cloud, density, strip
from components.state import decoded


@lru_cache(maxsize=256)
def picture(model: str, run: SampleRun, settings: str = "") -> dict[str, Strip | Cloud]:
    """The run as a strip of pictures with its `settings` inside, or as a cloud of points. A run is
    hashed by its tensors."""
    shown = pictures_of(model, run)
    if shown.ndim == 4:
        return {"strip": strip(shown, settings=settings)}
    estimates = [decoded(model, x0) for _, x0 in run.trajectory]  # of the first few points
    paths = np.stack([*estimates, shown[: len(estimates[0])]], axis=1) if estimates else None
    return {"cloud": cloud(shown, paths)}


def pictures_of(model: str, run: SampleRun) -> np.ndarray:
    """The samples of a run, decoded; as its job made them of a network's."""
    return decoded(model, run.samples) if run.pictures is None else run.pictures


@lru_cache(maxsize=64)
def field_of(model: str) -> dict:
    """Where points are drawn, and the true density behind them; nothing for other models."""
    exact = in_memory(model)
    if not isinstance(exact, Mixture):
        return {}
    values = exact.density()
    return {"extent": exact.extent(), "density": "" if values is None else density(values)}

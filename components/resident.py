"""Models that are in memory before the first visitor comes."""

from __future__ import annotations

import logging

from ays_core.job import run
from ays_core.models import MODELS
from ays_core.models.checkpoints import find
from ays_core.models.held import bring, release, stay
from components.comparison import warm
from components.jobs import LENDS
from components.limits import LIMITS

__all__ = ["settle", "warm"]


def settle() -> None:
    """On a ZeroGPU Space, the networks that it offers. They are placed on a GPU that is only lent
    later, which it can pretend in the main thread while the app starts, and nowhere else."""
    if not LENDS:
        return
    MODELS["scenes_unet"].load()
    for source in LIMITS.allowed:
        try:
            stay(run(bring(find(source))))
        except ValueError as refused:  # the others are offered nonetheless
            logging.getLogger(__name__).warning("%s is not offered: %s", source, refused)
        release()

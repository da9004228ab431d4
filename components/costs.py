"""What work costs here: the machine, seconds a call, evaluations and their time."""

from __future__ import annotations

import os
import time
from functools import cache

from ays_core.denoiser import bind
from ays_core.models import in_memory
from ays_core.models.device import device_words
from ays_core.models.held import current
from ays_core.models.pipelines.base import DATA_STEPS
from ays_core.sampling import start_noise
from components.state import SHOWN_SEED, Studio


def machine() -> str:
    """Where the arithmetic happens, and what is loaded there."""
    there = current()
    loaded = f" · {there.spec.label} on {there.placed}" if there is not None else ""
    cores = f" · {os.cpu_count()} cores" if device_words().startswith("CPU") else ""
    return f"{device_words()}{cores}{loaded}"


@cache
def _seconds_a_call(model: str, condition: str, guidance: float) -> float:
    bound = bind(in_memory(model), condition, guidance)
    x = start_noise(bound.spec, 16, SHOWN_SEED)

    def seconds(sigma: float) -> float:
        began = time.perf_counter()
        bound(x, sigma)
        return time.perf_counter() - began

    levels = (10.0, 1.0, 0.1)
    # the fastest of some at each level: what else runs at the moment is not part of it
    return sum(min(seconds(sigma) for _ in range(5)) for sigma in levels) / len(levels)


def seconds_a_call(studio: Studio) -> float:
    """One denoiser call for 16 samples of the chosen model, measured here; of a loaded one, what
    its latest call took."""
    if studio.instant:
        return _seconds_a_call(studio.model, studio.condition, studio.guidance)
    return network_seconds(16, studio.guidance != 1 and bool(studio.conditions))


def network_seconds(evaluations: int, guided: bool) -> float:
    """So many evaluations of the loaded network, by its latest call; 0 before there was one."""
    there = current()
    took = there.batches.seconds_a_row if there is not None else None
    return evaluations * (2 if guided else 1) * (took or 0.0)


def lasted(seconds: float) -> str:
    """How long something took, as precise as one clock is."""
    return f"{1000 * seconds:.0f} ms" if seconds < 0.095 else f"{seconds:.2f} s"


def drawing(studio: Studio, num: int) -> int:
    """Evaluations for `num` samples of a network itself, which stand for its data."""
    return 0 if studio.instant or studio.pictures else DATA_STEPS * num


def seconds_for(studio: Studio, evaluations: int) -> float:
    """What so many denoiser evaluations, of one sample each, will take here."""
    return evaluations / 16 * seconds_a_call(studio)

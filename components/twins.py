"""Closed forms with their sigma range tuned: each is a search of its own, made once."""

from __future__ import annotations

from collections.abc import Hashable

from ays_core.denoiser import Bound
from ays_core.job import Job
from ays_core.optimizers.tuned_range import tuned
from ays_core.schedule import Schedule
from ays_core.schedules import SCHEDULES
from components.recent import Recent
from components.state import Studio

_tuned: Recent[Schedule] = Recent(256)


def known_twin(studio: Studio, base: str) -> Schedule | None:
    """The range-tuned twin of a closed form, where it was searched for before."""
    return shipped_twin(studio, base) or _tuned.get(tuned_key(studio, base))


def twin_job(studio: Studio, bound: Bound, base: str) -> Job[Schedule]:
    """The range-tuned twin of a closed form; `bound` is the Studio's."""
    known = known_twin(studio, base)
    if known is not None:
        return known
    zero = studio.yours.final_zero
    found = yield from tuned(bound, base, studio.num_steps, studio.solver, final_zero=zero)
    return _tuned.put(tuned_key(studio, base), found)


def shipped_twin(studio: Studio, base: str) -> Schedule | None:
    """The range-tuned twin that was searched beforehand for just this, if there is one."""
    key = f"{base}_tuned_{studio.model}_{studio.solver}_{studio.num_steps}"
    if studio.condition or not studio.yours.final_zero or key not in SCHEDULES:
        return None
    return SCHEDULES[key].make(studio.num_steps, studio.spec)


def tuned_key(studio: Studio, base: str) -> Hashable:
    """Everything that a range-tuned twin depends on."""
    return (
        studio.model,
        studio.condition,
        studio.negative,
        studio.guidance,
        studio.solver,
        studio.num_steps,
        studio.yours.final_zero,
        base,
    )

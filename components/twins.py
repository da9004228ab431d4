"""Closed forms with their sigma range tuned: each is a search of its own, made once."""

from __future__ import annotations

from collections.abc import Hashable

from ays_core.compare import reference_run
from ays_core.denoiser import Bound
from ays_core.job import Job
from ays_core.models.held import loads
from ays_core.optimizers.entry import training_noise
from ays_core.optimizers.tuned_range import tuned
from ays_core.sampling import SampleRun
from ays_core.schedule import Schedule
from ays_core.schedules import SCHEDULES
from ays_core.solvers import SOLVERS
from components.recent import Recent
from components.state import Studio

NOISES, LOOK = 64, 16  # that a range is searched on: all of them, and for a first look

_tuned: Recent[Schedule] = Recent(256)
_references: Recent[SampleRun] = Recent(32)


def known_twin(studio: Studio, base: str) -> Schedule | None:
    """The range-tuned twin of a closed form, where it was searched for before."""
    return shipped_twin(studio, base) or _tuned.get(tuned_key(studio, base))


def twin_job(studio: Studio, bound: Bound, base: str) -> Job[Schedule]:
    """The range-tuned twin of a closed form; `bound` is the Studio's."""
    known = known_twin(studio, base)
    if known is not None:
        return known
    found = yield from tuned(
        bound,
        base,
        studio.num_steps,
        studio.solver,
        num=NOISES,
        look=LOOK,
        final_zero=studio.yours.final_zero,
        reference=(yield from reference_job(studio, bound)),
    )
    return _tuned.put(tuned_key(studio, base), found)


def reference_job(studio: Studio, bound: Bound) -> Job[SampleRun | None]:
    """What the noises of a search should end as, for a solver that is tried on each by itself."""
    if SOLVERS[studio.solver].stochastic:
        return None
    where = sampled(studio)
    known = _references.get(where)
    if known is not None:
        return known
    found = yield from reference_run(bound, training_noise(bound, NOISES, 0))
    return _references.put(where, found)


def shipped_twin(studio: Studio, base: str) -> Schedule | None:
    """The range-tuned twin that was searched beforehand for just this, if there is one."""
    key = f"{base}_tuned_{studio.model}_{studio.solver}_{studio.num_steps}"
    if studio.condition or not studio.yours.final_zero or key not in SCHEDULES:
        return None
    return SCHEDULES[key].make(studio.num_steps, studio.spec)


def tuned_key(studio: Studio, base: str) -> Hashable:
    """Everything that a range-tuned twin depends on."""
    yours = studio.yours
    return (*sampled(studio), studio.solver, yours.num_steps, yours.final_zero, base)


def sampled(studio: Studio) -> tuple[Hashable, ...]:
    """What is sampled, whatever the noise, the solver and its levels."""
    words = (studio.condition, studio.negative, studio.guidance)
    return (studio.model, loads(studio.model), *words)

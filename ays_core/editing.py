"""Operations on a schedule: each takes a value and gives a new one, so each is one undo step.

Resampling is `Schedule.with_steps`, scaling to other ends is `schedules.scaled`, a formula typed by
hand is `formula.py`. Levels are compared and mixed in ln sigma; a final 0 stays unless an operation
is about it. What was done is in the origin: "edited", the operation, and what was edited.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, Literal

import numpy as np

from ays_core.params import Range, parse_params
from ays_core.paths import RANGE_SLACK, ModelSpec
from ays_core.schedule import Origin, Schedule


def smooth(
    schedule: Schedule,
    *,
    amount: Annotated[float, Range(0, 1, "how far a level moves to the middle of its two")] = 0.5,
    rounds: Annotated[int, Range(1, 100, "how often")] = 1,
) -> Schedule:
    """Every inner level moves towards the geometric mean of its neighbours; both ends stay.

    lam_i <- (1 - amount) lam_i + amount (lam_{i-1} + lam_{i+1}) / 2
    """
    parse_params(smooth, {"amount": amount, "rounds": rounds})
    lam = np.log(schedule.positive)
    for _ in range(rounds):
        lam[1:-1] = (1 - amount) * lam[1:-1] + amount * (lam[:-2] + lam[2:]) / 2
    return edited(schedule, _between_ends(schedule, lam), "smooth", amount=amount, rounds=rounds)


def blend(
    schedule: Schedule,
    other: Schedule,
    *,
    weight: Annotated[float, Range(0, 1, "0 is this schedule, 1 is the other")] = 0.5,
) -> Schedule:
    """sigma^(1 - weight) * other^weight, level by level; `other` is resampled to this one's steps.

    Steps and end (a final 0 or not) are this schedule's.
    """
    parse_params(blend, {"weight": weight})
    sigma, lam = np.array(schedule.positive), np.log(other.positive)
    fraction, known = (np.linspace(0, 1, len(levels)) for levels in (sigma, lam))
    levels = sigma ** (1 - weight) * np.exp(np.interp(fraction, known, lam)) ** weight
    levels = levels.tolist()
    return edited(schedule, levels, "blend", weight=weight, other=other.origin.method)


def subdivide(
    schedule: Schedule, *, parts: Annotated[int, Range(2, 10, "steps made of every step")] = 2
) -> Schedule:
    """Every step between positive levels in `parts` equal ones in ln sigma. Old levels stay."""
    parse_params(subdivide, {"parts": parts})
    levels = []
    for sigma, sigma_next in pairwise(schedule.positive):
        levels += [sigma * (sigma_next / sigma) ** (k / parts) for k in range(parts)]
    return edited(schedule, [*levels, schedule.positive[-1]], "subdivide", parts=parts)


def split(schedule: Schedule, at: int) -> tuple[Schedule, Schedule]:
    """Two schedules that share level `at`: the noisy part and the clean part."""
    if not 1 <= at < schedule.num_steps:
        raise ValueError(f"split at level {at}: give one from 1 to {schedule.num_steps - 1}")
    parts = schedule.sigmas[: at + 1], schedule.sigmas[at:]
    noisy, clean = (Schedule(part, _origin(schedule, "split", at=at)) for part in parts)
    return noisy, clean


def concatenate(first: Schedule, second: Schedule) -> Schedule:
    """`first`, then `second`. A level they share is kept once; otherwise a step joins them."""
    if first.final_zero:
        raise ValueError("the first schedule ends in 0: no level can follow")
    last, next_ = first.sigmas[-1], second.sigmas[0]
    if next_ > last:
        raise ValueError(
            f"the second schedule starts at {next_:g}, above {last:g} where the first ends"
        )
    rest = second.sigmas[1:] if next_ == last else second.sigmas
    origin = _origin(first, "concatenate", other=second.origin.method)
    return Schedule((*first.sigmas, *rest), origin)


def snap(schedule: Schedule, spec: ModelSpec) -> Schedule:
    """Every positive level to the nearest whole timestep that the model knows.

    Timesteps are indices of a VP model's table, thousandths of a flow model's time. Raises
    `ValueError` for a model without timesteps, and where two levels fall on the same one.
    """
    if spec.path.name == "ve":
        raise ValueError(f"{spec.label} has no timesteps to snap to")
    times_of_one = 1000 if spec.path.name == "flow" else 1
    largest = np.array(spec.sigma_max * (1 + RANGE_SLACK))
    timesteps = np.minimum(
        np.rint(times_of_one * spec.path.time(np.array(schedule.positive))),
        np.floor(times_of_one * spec.path.time(largest)),
    )
    for i in np.flatnonzero(np.diff(timesteps) == 0):
        raise ValueError(f"levels {i} and {i + 1} both fall on timestep {timesteps[i]:g}")
    levels = spec.path.sigma(timesteps / times_of_one).tolist()
    return edited(schedule, levels, "snap", model=spec.key)


def with_final_zero(schedule: Schedule, how: Literal["append", "replace"]) -> Schedule:
    """The schedule ending in 0: one step more, or in place of its last level. `ValueError` for one
    that does already."""
    if schedule.final_zero:
        raise ValueError("the schedule ends in 0 already")
    kept = schedule.sigmas if how == "append" else schedule.sigmas[:-1]
    return Schedule((*kept, 0.0), _origin(schedule, f"{how}_zero"))


def without_final_zero(schedule: Schedule) -> Schedule:
    """The schedule without the step into 0: one step less. `ValueError` for one that has none."""
    if not schedule.final_zero:
        raise ValueError(f"the schedule has no final 0: it ends at {schedule.sigmas[-1]:g}")
    return Schedule(schedule.positive, _origin(schedule, "drop_zero"))


def edited(
    schedule: Schedule, levels: Sequence[float], operation: str, **params: object
) -> Schedule:
    """New positive levels for a schedule, with its final 0 if it has one."""
    sigmas = (*levels, 0.0) if schedule.final_zero else tuple(levels)
    return Schedule(sigmas, _origin(schedule, operation, **params))


def _origin(schedule: Schedule, operation: str, **params: object) -> Origin:
    origin = schedule.origin
    return Origin("edited", {"operation": operation, **params}, origin.reference, origin.method)


def _between_ends(schedule: Schedule, lam: np.ndarray) -> list[float]:
    """exp(lam) with the schedule's own end levels, not within rounding of them."""
    levels = np.exp(lam).tolist()
    levels[0], levels[-1] = schedule.positive[0], schedule.positive[-1]
    return levels

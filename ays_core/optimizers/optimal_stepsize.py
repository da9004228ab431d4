"""OSS: the few levels of a fine trajectory that lead closest to its end.

Pei et al. 2025, Optimal Stepsize for Diffusion Sampling (arXiv:2503.21774), as its text says it:
every layer of the programme adds one step, and the first step starts at the first level. One
predecessor is kept for the whole batch, so the result is one schedule for all samples, `shared`;
the authors' own is one schedule per sample and then their `median`. One run finds the schedules of
every number of steps up to the one asked for: they are in the record, and `for_steps` reads them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any

import numpy as np

from ays_core.denoiser import Bound
from ays_core.job import Job, relay
from ays_core.metrics import squared_errors
from ays_core.optimizers.entry import OPTIMIZERS, OptimizerEntry, training_noise
from ays_core.optimizers.record import record, shape
from ays_core.optimizers.stepsize_search import Search, live_levels, search
from ays_core.optimizers.teacher import TEACHERS, replay, teacher_grid
from ays_core.params import Choice, Range
from ays_core.schedule import Schedule

__all__ = ["Search", "optimal_stepsize", "search"]

KINDS = {"shared": ("shared",), "median": ("median",), "both": ("shared", "median")}
OBJECTIVE = "root mean square error to the teacher's end, by number of steps"


def optimal_stepsize(  # noqa: PLR0913 - every one of them is a control
    denoise: Bound,
    start: Schedule,
    solver: str,
    *,
    seed: int = 0,
    teacher_steps: Annotated[
        int, Range(20, 400, "steps of the fine trajectory whose levels are chosen from", step=10)
    ] = 100,
    teacher: Annotated[
        str, Choice(TEACHERS, "how that trajectory's levels are spaced; start: as the start's")
    ] = "karras",
    kind: Annotated[
        str,
        Choice(
            tuple(KINDS),
            "shared: the one schedule that is best for all noises; median: of each noise's own, "
            "as the authors do; both: whichever ends closer, twice the work",
        ),
    ] = "shared",
    free_first: Annotated[
        bool,
        Choice(
            ("true", "false"),
            "true: the first level is chosen too, at or below the start's, as if its range were "
            "tuned; false: it stays",
        ),
    ] = False,
    num: Annotated[int, Range(8, 1024, "start noises to optimise on", log=True)] = 128,
) -> Job[Schedule]:
    """The levels whose first-order steps end closest to a fine trajectory's end, with the number of
    steps, the first level and the end of `start`. With a final 0 the last positive level is free
    down to sigma_min.

    The search takes first-order steps whatever `solver` is; `solver` is what the result is meant
    for, and is judged with. The objective is the root mean square error to the teacher's end; where
    `start` has a lower one on these noises, `start` itself is returned.
    """
    noise = training_noise(denoise, num, seed)
    grid = teacher_grid(denoise, start, teacher, teacher_steps)
    own = {"teacher_steps": teacher_steps, "teacher": teacher, "kind": kind}
    own |= {"free_first": free_first, "num": num, "seed": seed}
    spent = 0

    def made(levels: Schedule, by: Search, evaluations: int, more: dict[str, Any]) -> Schedule:
        curve = [float(np.mean(cost)) ** 0.5 for cost in by.cost.values()]
        about = {"evaluations": evaluations, "objective": OBJECTIVE, "curve": curve}
        return replace(
            levels, origin=record("oss", denoise, start, levels, solver, own | more, **about)
        )

    def best_so_far(found: Search) -> Schedule:
        k = max(found.indices)
        levels = Schedule(tuple(grid.sigmas[i] for i in one_for_all(found.indices[k], grid)))
        if k < start.num_steps and len(levels.positive) < 2:
            return start  # one positive level is no curve yet
        return made(levels.with_steps(start.num_steps), found, spent + found.evaluations, {})

    x = grid.sigmas[0] * noise
    searches: dict[str, Search] = {}
    tried: dict[str, Schedule] = {"start": start}
    for name in KINDS[kind]:
        job = search(
            denoise, grid, x, start.num_steps, shared=name == "shared", free_first=free_first
        )
        before = list(tried.values())[-1]
        searches[name] = yield from relay(
            job,
            lambda p, b=before: replace(p, snapshot=best_so_far(p.snapshot) if p.snapshot else b),
        )
        tried[name] = best_so_far(searches[name])
        spent += searches[name].evaluations
    errors = dict[str, float]()
    for name, schedule in tried.items():
        replayed = replay(denoise, schedule, schedule.sigmas[0] * noise)
        end = yield from relay(replayed, lambda p: replace(p, snapshot=tried[KINDS[kind][0]]))
        target = next(iter(searches.values())).end
        errors[name] = float(squared_errors(end, target).mean()) ** 0.5
    best = min(searches, key=errors.__getitem__)
    kept = "start" if errors["start"] < errors[best] else best
    more = {
        "error": errors[kept],
        "start_error": errors["start"],
        "errors": errors,
        "chosen": kept,
        "levels": {name: list(tried[name].sigmas) for name in searches},
        "teacher_sigmas": list(grid.sigmas),
        "by_steps": [one_for_all(found, grid) for found in searches[best].indices.values()],
    }
    return made(tried[kept], searches[best], spent + len(tried) * start.num_steps * num, more)


def for_steps(found: Schedule, num_steps: int) -> Schedule | None:
    """What the run that found `found` has for another number of steps; None where its record has
    nothing that makes sense."""
    if num_steps == found.num_steps:
        return found
    params: Mapping[str, Any] = found.origin.params
    try:
        levels, indices = params["teacher_sigmas"], params["by_steps"][num_steps - 1]
        made = Schedule(tuple(levels[i] for i in indices))
    except (KeyError, IndexError, TypeError, ValueError):
        return None
    if made.num_steps != num_steps or len(made.positive) < 2:
        return None
    of_the_other = ("error", "errors", "start_error", "chosen", "levels")
    about = {key: value for key, value in params.items() if key not in of_the_other}
    return Schedule(made.sigmas, replace(found.origin, params=about | shape(made)))


def one_for_all(indices: np.ndarray, grid: Schedule) -> list[int]:
    """One list of positions in `grid`: the given one, or the median over samples, (B, k + 1).

    The median may name a level twice; the missing ones go where ln sigma is emptiest.
    """
    if indices.ndim == 1:
        return indices.tolist()
    chosen = set(np.sort(indices, axis=0)[(len(indices) - 1) // 2].tolist())
    lam = -np.log(grid.positive)
    while len(chosen) < indices.shape[1]:
        taken = [lam[i] for i in chosen if i < len(lam)]
        free = [i for i in range(len(lam)) if i not in chosen]
        chosen.add(max(free, key=lambda i: np.abs(lam[i] - taken).min()))
    return sorted(chosen)


def evaluations(
    start: Schedule,
    _solver: str = "",
    *,
    teacher_steps: int = 100,
    kind: str = "shared",
    free_first: bool = False,
    num: int = 128,
    **_own: object,
) -> int:
    """What `optimal_stepsize` costs: teacher, layers and the comparison with the start."""
    n, runs = start.num_steps, len(KINDS[kind])
    layers = sum(len(live_levels(k, teacher_steps, free_first)) for k in range(1, n + 1)) - 1
    return num * (runs * (teacher_steps + layers) + (runs + 1) * n)


OPTIMIZERS.add(
    OptimizerEntry(
        "oss",
        "Optimal stepsize (OSS)",
        optimal_stepsize,
        "Pei et al. 2025, Optimal Stepsize for Diffusion Sampling, arXiv:2503.21774",
        about="Picks the few levels of a fine trajectory by which first-order steps end closest.",
        seeds=lambda _solver, *, num=128, **_own: num,
        evaluations=evaluations,
    )
)

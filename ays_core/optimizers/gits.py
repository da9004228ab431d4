"""GITS: steps short where sampling trajectories bend away from the straight line to their end.

Chen et al. 2024, On the Trajectory Regularity of ODE-based Diffusion Sampling (arXiv:2405.11326).
A step's cost is by how much its end lies further from the chord, the line from a trajectory's start
to its end, than the fine trajectory itself does there. Costs of steps are added up, so the cheapest
schedule is a shortest path, found exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated

import numpy as np
import torch

from ays_core.denoiser import Batch, Bound, Denoiser
from ays_core.job import Job, Progress, relay
from ays_core.optimizers.entry import OPTIMIZERS, OptimizerEntry, training_noise
from ays_core.optimizers.record import record
from ays_core.optimizers.teacher import teacher_grid
from ays_core.params import Range
from ays_core.schedule import Schedule
from ays_core.solvers import first_order_step, pin

TEACHER, TEACHER_SOLVER = "karras", "ipndm"  # the authors'
SAME = 1e-9  # in ln sigma: closer levels are one
OBJECTIVE = "weighted sum of the steps' deviations from the chord, by number of steps"


def gits(
    denoise: Bound,
    start: Schedule,
    solver: str,
    *,
    seed: int = 0,
    teacher_steps: Annotated[
        int, Range(20, 400, "steps of the fine trajectory whose levels are chosen from", step=10)
    ] = 60,
    coefficient: Annotated[
        float,
        Range(
            0.8, 1.3, "above 1, every step weighs more than the one before it: shorter at the end"
        ),
    ] = 1.15,
    num: Annotated[int, Range(8, 1024, "start noises to measure on", log=True)] = 128,
) -> Job[Schedule]:
    """The cheapest schedule with the steps and the ends of `start`; with a final 0 the last
    positive level is free down to sigma_min. `curve`: the least cost with 1, 2, ... steps.

    One fine trajectory is all it takes. `solver` is what the result is meant for; the steps that
    are measured are first-order ones, from the fine trajectory itself. Where `start` costs less by
    the same measure, it is returned.
    """
    noise = training_noise(denoise, num, seed)
    grid = teacher_grid(denoise, start, TEACHER, teacher_steps)
    if start.num_steps > grid.num_steps:
        raise ValueError(
            f"{start.num_steps} steps along a teacher of {grid.num_steps}: it needs as many or more"
        )
    beside = off_grid(grid, start)
    levels, cost = yield from relay(
        cost_matrix(denoise, grid, noise, beside),
        lambda p: Progress("teacher", p.done, p.total, snapshot=start),
    )
    of_grid, of_start = ([nearest(levels, s) for s in x.sigmas] for x in (grid, start))
    paths = cheapest(cost[np.ix_(of_grid[:-1], of_grid)], start.num_steps, coefficient)
    costs = [path_cost(cost, [of_grid[i] for i in path], coefficient) for path in paths]
    start_cost = path_cost(cost, of_start, coefficient)
    found = Schedule(tuple(grid.sigmas[i] for i in paths[-1]))
    kept = found if costs[-1] <= start_cost else start
    own = {"teacher_steps": teacher_steps, "coefficient": coefficient, "num": num, "seed": seed}
    origin = record(
        "gits",
        denoise,
        start,
        kept,
        solver,
        own | {"cost": min(costs[-1], start_cost), "start_cost": start_cost},
        evaluations=num * (teacher_steps + len(beside)),
        objective=OBJECTIVE,
        curve=costs,
    )
    return Schedule(kept.sigmas, origin)


def off_grid(grid: Schedule, start: Schedule) -> list[float]:
    """The levels of `start` that are none of the grid's."""
    inner = start.sigmas[1:-1]
    return [s for s in inner if abs(np.log(grid.sigmas[nearest(grid.sigmas, s)] / s)) > SAME]


def nearest(levels: Sequence[float], sigma: float) -> int:
    """The position of the level closest to `sigma`."""
    return int(np.abs(np.array(levels) - sigma).argmin())


def cost_matrix(
    denoise: Denoiser, grid: Schedule, noise: Batch, beside: Sequence[float] = ()
) -> Job[tuple[tuple[float, ...], np.ndarray]]:
    """Levels, those of `grid` and of `beside`, and cost[i, j], mean over samples: by how much a
    first-order step from the trajectory at level i ends further from the chord, at level j, than
    the trajectory is there. Infinite for j <= i. To a level beside the grid the trajectory goes by
    a first-order step from the one above.

    The step's end r x_i + (1 - r) D_i, r = sigma_j / sigma_i, has the offset r a_i + (1 - r) b_i
    from the chord, if x_i and D_i have the offsets a_i and b_i. So three products of offsets per
    level and sample give all costs.
    """
    stepper = pin(TEACHER_SOLVER, grid)
    x, levels, states, estimates = stepper.start(noise), list[float](), [], []
    total = grid.num_steps + len(beside)
    for sigma, sigma_next in pairwise(grid.sigmas):
        between = sorted((s for s in beside if sigma_next < s < sigma), reverse=True)
        with torch.no_grad():
            x0 = denoise(x, sigma)
        for level in (sigma, *between):
            with torch.no_grad():
                state = x if level == sigma else first_order_step(x, x0, sigma, level)
                estimate = x0 if level == sigma else denoise(state, level)
            levels.append(level)
            states.append(state.flatten(1))
            estimates.append(estimate.flatten(1))
            yield Progress("trajectory", len(levels), total)
        x = stepper.step(x, x0)
    levels.append(grid.sigmas[-1])

    first = states[0].double()
    chord = torch.nn.functional.normalize(x.flatten(1).double() - first, dim=1)

    def offset(state: torch.Tensor) -> torch.Tensor:
        away = state.double() - first
        return away - (away * chord).sum(1, keepdim=True) * chord

    products = []  # |a_i|^2, a_i b_i and |b_i|^2: (level, 3, sample)
    for state, estimate in zip(states, estimates, strict=True):
        a, b = offset(state), offset(estimate)
        products.append(torch.stack([(a * a).sum(1), (a * b).sum(1), (b * b).sum(1)]))
    aa, ab, bb = (part.cpu().numpy() for part in torch.stack(products, dim=1))
    sigmas = np.array(levels)
    own = np.append(np.sqrt(aa).mean(axis=1), 0.0)  # the end lies on the chord
    cost = np.full((len(sigmas) - 1, len(sigmas)), np.inf)
    for i in range(len(sigmas) - 1):
        r = (sigmas[i + 1 :] / sigmas[i])[:, None]
        squared = r**2 * aa[i] + 2 * r * (1 - r) * ab[i] + (1 - r) ** 2 * bb[i]
        cost[i, i + 1 :] = np.sqrt(squared.clip(min=0)).mean(axis=1) - own[i + 1 :]
    return tuple(levels), cost


def cheapest(cost: np.ndarray, num_steps: int, coefficient: float) -> list[list[int]]:
    """The cheapest paths from the first level to the last with 1 ... `num_steps` steps, as indices.

    least_k(i) = min_j cost_ij + coefficient least_{k-1}(j): a step weighs `coefficient` times the
    one before it.
    """
    end = cost.shape[1] - 1
    least = np.append(np.full(end, np.inf), 0.0)  # of no steps: only from the end itself
    chosen: list[np.ndarray] = []
    paths: list[list[int]] = []
    for _ in range(num_steps):
        total = cost + coefficient * least
        chosen.append(total.argmin(axis=1))
        least = np.append(total.min(axis=1), np.inf)
        path = [0]
        for step in reversed(chosen):
            path.append(int(step[path[-1]]))
        paths.append(path)
    return paths


def path_cost(cost: np.ndarray, path: list[int], coefficient: float) -> float:
    """What `cheapest` minimises, for any path."""
    return float(sum(coefficient**k * cost[step] for k, step in enumerate(pairwise(path))))


def evaluations(
    start: Schedule,
    _solver: str = "",
    *,
    denoise: Bound | None = None,
    teacher_steps: int = 60,
    num: int = 128,
    **_own: object,
) -> int:
    """What `gits` costs: its fine trajectory, and D at the levels of `start` that are not on it,
    at most all of them."""
    inner = start.num_steps - 1
    if denoise:
        inner = len(off_grid(teacher_grid(denoise, start, TEACHER, teacher_steps), start))
    return num * (teacher_steps + inner)


OPTIMIZERS.add(
    OptimizerEntry(
        "gits",
        "GITS",
        gits,
        "Chen et al. 2024, On the Trajectory Regularity of ODE-based Diffusion Sampling, "
        "arXiv:2405.11326",
        about="Takes short steps where trajectories bend, measured on one fine run: the cheapest.",
        seeds=lambda _solver, *, num=128, **_own: num,
        evaluations=evaluations,
    )
)

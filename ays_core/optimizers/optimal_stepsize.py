"""OSS: which few of a fine trajectory's levels lead closest to its end.

Pei et al. 2025, Optimal Stepsize for Diffusion Sampling (arXiv:2503.21774), as its text says it:
every layer of the programme adds one step, and the first step starts at the first level. One
predecessor is kept for the whole batch, so the result is one schedule for all samples; the
authors' own, one schedule per sample and then their median, is `shared=False`.

The programme keeps one state per level and layer: the k-step state closest to the teacher's. That
is a beam of width one, not a global optimum, though measured against brute force it comes close.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated

import numpy as np
import torch

from ays_core.denoiser import Batch, Bound, Denoiser
from ays_core.job import Job, Progress, relay
from ays_core.metrics import squared_errors
from ays_core.optimizers.entry import OPTIMIZERS, OptimizerEntry, record, training_noise
from ays_core.optimizers.teacher import TEACHERS, replay, teacher_grid
from ays_core.params import Choice, Range
from ays_core.schedule import Schedule
from ays_core.solvers import first_order_step

CHUNK = 1 << 17  # elements of a level's states that are turned into float64 at a time


@dataclass(frozen=True, eq=False)
class Search:
    """What one run of the programme found, for every number of steps k up to the one asked for.

    `indices[k]`: positions in the teacher's levels, first 0, last the teacher's last: (k + 1,), or
    (B, k + 1) where each sample has its own. `cost[k]`: mean squared error, per element, to the
    teacher's end state: (), or (B,). `end`: that end state, (B, *sample_shape). `evaluations`:
    denoiser calls times samples.
    """

    indices: Mapping[int, np.ndarray]
    cost: Mapping[int, np.ndarray]
    end: Batch
    evaluations: int


def search(
    denoise: Denoiser, teacher: Schedule, x: Batch, num_steps: int, *, shared: bool = True
) -> Job[Search]:
    """The best schedules of 1 ... `num_steps` first-order steps along levels of `teacher`.

    `x`: states at the teacher's first level, (B, *sample_shape). `shared`: one schedule for the
    batch, else one per sample. Costs about num_steps times the teacher's steps in calls, whole
    batch at one level each, and holds three batches per level of the teacher in x's dtype. Yields
    after every call; the snapshot is the `Search` so far, None before the first layer is done.
    """
    if not 1 <= num_steps <= teacher.num_steps:
        raise ValueError(
            f"{num_steps} steps along a teacher of {teacher.num_steps}: it needs at least as many"
        )
    programme = _Programme(denoise, teacher, x, shared)
    end = teacher.num_steps
    total = end + sum(end - k + 1 for k in range(2, num_steps + 1))

    def progress(stage: str) -> Progress:
        snapshot = programme.found() if programme.layers else None
        return Progress(stage, programme.calls, total, snapshot)

    for i in range(end):
        programme.teach(i)
        yield progress("teacher")
    for k in range(1, num_steps + 1):
        for i in programme.live(k):
            if k > 1:  # the first layer's only state is the teacher's first
                programme.evaluate(i)
                yield progress(f"step {k} of {num_steps}")
        programme.add_layer(k, last=k == num_steps)
    return programme.found()


class _Programme:
    """The tables of the dynamic programme.

    States are kept without their share of the start noise, w = x - sigma n with n = x_0 / sigma_0:
    a first-order step is the same formula on w, which stays of the data's size at every level, so
    neither x's dtype nor the products below lose the small differences that are compared here.

    Shapes: level, group, element. A group shares its predecessors: the whole batch, or one sample.
    Index 0 is the noisy end. `u`: teacher's states; `w`: kept states; `d`: D at kept states.
    """

    def __init__(self, denoise: Denoiser, teacher: Schedule, x: Batch, shared: bool) -> None:
        self.denoise, self.sigmas, self.shape = denoise, teacher.sigmas, x.shape
        self.shared = shared
        self.levels = torch.tensor(teacher.sigmas, dtype=torch.float64, device=x.device)
        self.noise = x / self.sigmas[0]
        groups = 1 if shared else len(x)
        levels = len(self.sigmas)
        self.u = x.new_zeros(levels, groups, x.numel() // groups)
        self.w = torch.zeros_like(self.u)
        self.d = torch.zeros_like(self.u)
        # Inner products with the kept states, float64, (group, level, level) and (group, level)
        zeros = partial(torch.zeros, dtype=torch.float64, device=x.device)
        self.wu, self.ww = zeros(groups, levels, levels), zeros(groups, levels)
        self.uu = zeros(groups, levels)
        self.layers: list[torch.Tensor] = []  # predecessor of every level, (group, level)
        self.costs: list[torch.Tensor] = []  # at the last level, (group,)
        self.calls = 0

    def teach(self, i: int) -> None:
        """One step of the teacher, from level i to i + 1."""
        self.d[i] = self._call(i, self.u[i])
        sigma, sigma_next = self.sigmas[i : i + 2]
        self.u[i + 1] = first_order_step(self.u[i], self.d[i], sigma, sigma_next)
        self.uu[:, i + 1] = self.u[i + 1].double().square().sum(1)

    def live(self, k: int) -> range:
        """Levels that k - 1 steps can lead to, and from which a step goes on."""
        return range(1) if k == 1 else range(k - 1, len(self.sigmas) - 1)

    def evaluate(self, i: int) -> None:
        """D at the state kept at level i."""
        self.d[i] = self._call(i, self.w[i])

    def _call(self, i: int, state: torch.Tensor) -> torch.Tensor:
        sigma = self.sigmas[i]
        self.calls += 1
        with torch.no_grad():
            x = state.view(self.shape) + sigma * self.noise
            return self.denoise(x, sigma).reshape(state.shape)

    def add_layer(self, k: int, *, last: bool) -> None:
        """Layer k: the best predecessor i of every level j, and the states that come of it.

        cost_ij = |r w_i + (1 - r) d_i - u_j|^2, r = sigma_j / sigma_i. Expanded it takes one matrix
        product, d u^T: products with w follow from the layer before, and no state (i, j) is made.
        """
        live, end = self.live(k), len(self.sigmas)
        i, j = slice(live.start, live.stop), slice(end - 1 if last else k, end)
        d_u, d_w, d_d = _inner_products(self.d[i], self.u[j], self.w[i])
        w_w, w_u = self.ww[:, i, None], self.wu[:, i, j]
        r = self.levels[j] / self.levels[i, None]
        stepped = r**2 * w_w + 2 * r * (1 - r) * d_w[..., None] + (1 - r) ** 2 * d_d[..., None]
        cost = stepped - 2 * r * w_u - 2 * (1 - r) * d_u + self.uu[:, None, j]
        best = cost.clamp(min=0).masked_fill(r >= 1, torch.inf).min(dim=1)  # steps only go down
        row, chosen = best.indices, best.indices + live.start  # (group, j)
        self.layers.append(torch.zeros_like(self.ww, dtype=torch.int64))
        self.layers[-1][:, j] = chosen
        self.costs.append(best.values[:, -1] / self.u.shape[2])
        if last:
            return
        r = (self.levels[j] / self.levels[chosen])[..., None]
        rows = row[..., None].expand(-1, -1, end - k)
        self.wu[:, j, j] = r * w_u.take_along_dim(rows, 1) + (1 - r) * d_u.take_along_dim(rows, 1)
        self.ww[:, j] = stepped.take_along_dim(row[:, None], 1)[:, 0]
        group = torch.arange(len(chosen), device=chosen.device)
        for level in reversed(range(k, end - 1)):  # upwards in sigma: predecessors are still there
            before, ratio = chosen[:, level - k], r[:, level - k].to(self.w)
            w, d = self.w[before, group], self.d[before, group]
            self.w[level] = ratio * w + (1 - ratio) * d

    def found(self) -> Search:
        """The schedules of every layer so far, traced back from the last level."""
        indices, cost = {}, {}
        for k in range(1, len(self.layers) + 1):
            path = [torch.full_like(self.layers[0][:, 0], len(self.sigmas) - 1)]
            for layer in reversed(self.layers[:k]):
                path.append(layer.gather(1, path[-1][:, None])[:, 0])
            found = torch.stack(path[::-1], dim=1).cpu().numpy()  # (group, k + 1)
            each = self.costs[k - 1].cpu().numpy()
            indices[k], cost[k] = (found[0], each[0]) if self.shared else (found, each)
        end = self.u[-1].view(self.shape) + self.sigmas[-1] * self.noise
        return Search(indices, cost, end, self.calls * self.shape[0])


def _inner_products(
    d: torch.Tensor, u: torch.Tensor, w: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """<d_i, u_j> (group, i, j), <d_i, w_i> and <d_i, d_i> (group, i), over elements, in float64."""
    zero = d.new_zeros((), dtype=torch.float64)
    d_u, d_w, d_d = zero, zero, zero
    size = max(1, CHUNK // d.shape[1])
    for part in zip(d.split(size, 2), u.split(size, 2), w.split(size, 2), strict=True):
        d_, u_, w_ = (states.movedim(0, 1).double() for states in part)
        d_u, d_w, d_d = d_u + d_ @ u_.mT, d_w + (d_ * w_).sum(-1), d_d + (d_ * d_).sum(-1)
    return d_u, d_w, d_d


# The optimizer

OBJECTIVE = "root mean square error to the teacher's end, by number of steps"


def optimal_stepsize(
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
    shared: Annotated[
        bool,
        Choice(
            ("true", "false"),
            "true: the one schedule that is best for all noises; false: the median of each "
            "noise's own, as the authors do",
        ),
    ] = True,
    num: Annotated[int, Range(8, 1024, "start noises to optimise on", log=True)] = 128,
) -> Job[Schedule]:
    """The levels whose first-order steps end closest to a fine trajectory's end, as `start` has
    steps, first level and end. With a final 0 the last positive level is free down to sigma_min.

    The search takes first-order steps whatever `solver` is; `solver` is what the result is meant
    for, and is judged with. The objective is the root mean square error to the teacher's end; where
    `start` has a lower one on these noises, `start` itself is returned.
    """
    grid = teacher_grid(denoise, start, teacher, teacher_steps)
    x = grid.sigmas[0] * training_noise(denoise, num, seed)
    own = {"teacher_steps": teacher_steps, "teacher": teacher, "shared": shared, "num": num}
    origin = partial(record, "oss", denoise, start, solver, {**own, "seed": seed})

    def best_so_far(found: Search) -> Schedule:
        k = max(found.indices)
        levels = Schedule(tuple(grid.sigmas[i] for i in one_for_all(found.indices[k], grid)))
        if k < start.num_steps and len(levels.positive) < 2:
            return start  # one positive level is no curve yet
        curve = [float(np.mean(cost)) ** 0.5 for cost in found.cost.values()]
        made = origin(evaluations=found.evaluations, objective=OBJECTIVE, curve=curve)
        return Schedule(levels.with_steps(start.num_steps).sigmas, made)

    found = yield from relay(
        search(denoise, grid, x, start.num_steps, shared=shared),
        lambda p: replace(p, snapshot=best_so_far(p.snapshot) if p.snapshot else start),
    )
    best = best_so_far(found)
    error = {}
    for schedule in (start, best):
        end = yield from relay(replay(denoise, schedule, x), lambda p: replace(p, snapshot=best))
        error[schedule] = float(squared_errors(end, found.end).mean()) ** 0.5
    kept = start if error[start] < error[best] else best
    params = {
        **best.origin.params,
        "evaluations": found.evaluations + 2 * start.num_steps * num,
        "error": error[kept],
        "start_error": error[start],
    }
    return Schedule(kept.sigmas, replace(best.origin, params=params))


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
    start: Schedule, _solver: str = "", *, teacher_steps: int = 100, num: int = 128, **_own: object
) -> int:
    """What `optimal_stepsize` costs: teacher, layers and the comparison with the start."""
    n = start.num_steps
    layers = sum(teacher_steps - k + 1 for k in range(2, n + 1))
    return num * (teacher_steps + layers + 2 * n)


OPTIMIZERS.add(
    OptimizerEntry(
        "oss",
        "Optimal stepsize (OSS)",
        optimal_stepsize,
        "Pei et al. 2025, Optimal Stepsize for Diffusion Sampling, arXiv:2503.21774",
        about="Picks the few levels of a fine trajectory by which first-order steps end closest.",
        evaluations=evaluations,
    )
)

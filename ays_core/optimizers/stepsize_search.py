"""The dynamic programme of OSS: for every number of steps, which levels of a teacher to stop at.

Every layer adds one step. A level keeps one state per layer: the one closest to the teacher's
there. That is a beam of width one, not a search of everything, though measured against brute force
it comes close, and for one schedule for a whole batch it found the very best in every case tried.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch

from ays_core.denoiser import Batch, Denoiser
from ays_core.job import Job, Progress
from ays_core.schedule import Schedule
from ays_core.solvers import first_order_step

CHUNK = 1 << 12  # elements of a level's states that are turned into float64 at a time
STRIP = 50  # rows of the cost matrix made at a time: only what lies below them in sigma


@dataclass(frozen=True, eq=False)
class Search:
    """What one run of the programme found, for every number of steps k up to the one asked for.

    `indices[k]`: positions in the teacher's levels, first 0 unless it was free, last the teacher's
    last: (k + 1,), or (B, k + 1) where each sample has its own. `cost[k]`: mean squared error, per
    element, to the teacher's end state: (), or (B,). `end`: that end state, (B, *sample_shape).
    `evaluations`: denoiser calls times samples.
    """

    indices: Mapping[int, np.ndarray]
    cost: Mapping[int, np.ndarray]
    end: Batch
    evaluations: int


def search(
    denoise: Denoiser,
    teacher: Schedule,
    x: Batch,
    num_steps: int,
    *,
    shared: bool = True,
    free_first: bool = False,
) -> Job[Search]:
    """The best schedules of 1 ... `num_steps` first-order steps along levels of `teacher`.

    `x`: states at the teacher's first level, (B, *sample_shape). `shared`: one schedule for the
    batch, else one per sample. `free_first`: schedules may start at any level, from noise of that
    size. Costs about num_steps times the teacher's steps in calls, whole batch at one level each,
    and holds three batches per level of the teacher in x's dtype. Yields after every call; the
    snapshot is the `Search` so far, None before the first layer is done.
    """
    if not 1 <= num_steps <= teacher.num_steps:
        raise ValueError(
            f"{num_steps} steps along a teacher of {teacher.num_steps}: it needs at least as many"
        )
    programme, found = _Programme(denoise, teacher, x, shared), None
    live = [live_levels(k, teacher.num_steps, free_first) for k in range(1, num_steps + 1)]
    total = teacher.num_steps + sum(map(len, live)) - 1
    for i in range(teacher.num_steps):
        programme.teach(i)
        yield Progress("teacher", programme.calls, total)
    for k, levels in enumerate(live, 1):
        for i in levels:
            if k == 1 and i == 0:
                continue  # the teacher's first state: evaluated already
            programme.evaluate(i)
            yield Progress(f"step {k} of {num_steps}", programme.calls, total, found)
        programme.add_layer(k, levels, last=k == num_steps)
        found = programme.found()
    assert found is not None
    return found


def live_levels(k: int, end: int, free_first: bool) -> range:
    """Levels that k - 1 steps can lead to, and from which step k goes on."""
    return range(1) if k == 1 and not free_first else range(k - 1, end)


class _Programme:
    """The tables of the dynamic programme.

    States are kept without their share of the start noise, w = x - sigma n with n = x_0 / sigma_0:
    a first-order step is the same formula on w, which stays of the data's size at every level, so
    neither x's dtype nor the products below lose the small differences that are compared here. A
    state of noise alone is w = 0.

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
        # Their inner products, float64: (group, level, level), and (group, level) at equal levels
        zeros = partial(torch.zeros, groups, levels, dtype=torch.float64, device=x.device)
        self.wu, self.ww, self.dw, self.dd, self.uu = zeros(levels), *(zeros() for _ in range(4))
        self.layers: list[torch.Tensor] = []  # predecessor of every level, (group, level)
        self.costs: list[torch.Tensor] = []  # at the last level, (group,)
        self.calls = 0

    def teach(self, i: int) -> None:
        """One step of the teacher, from level i to i + 1."""
        self.d[i] = self._call(i, self.u[i])
        self.dd[:, i] = _dot(self.d[i], self.d[i])
        sigma, sigma_next = self.sigmas[i : i + 2]
        self.u[i + 1] = first_order_step(self.u[i], self.d[i], sigma, sigma_next)
        self.uu[:, i + 1] = _dot(self.u[i + 1], self.u[i + 1])

    def evaluate(self, i: int) -> None:
        """D at the state kept at level i."""
        self.d[i] = self._call(i, self.w[i])
        self.dd[:, i], self.dw[:, i] = _dot(self.d[i], self.d[i]), _dot(self.d[i], self.w[i])

    def _call(self, i: int, state: torch.Tensor) -> torch.Tensor:
        sigma = self.sigmas[i]
        self.calls += 1
        with torch.no_grad():
            x = torch.add(state.view(self.shape), self.noise, alpha=sigma)
            return self.denoise(x, sigma).reshape(state.shape)

    def add_layer(self, k: int, live: range, *, last: bool) -> None:
        """Layer k: the best predecessor i of every level j, and the states that come of it.

        cost_ij = |r w_i + (1 - r) d_i - u_j|^2, r = sigma_j / sigma_i. Expanded it takes one matrix
        product, d u^T: products with w follow from the layer before, and no state (i, j) is made.
        """
        end = len(self.sigmas)
        i, j = slice(live.start, live.stop), slice(end - 1 if last else k, end)
        d_u = self._products_with_teacher(i, j)
        w_w, w_u, d_w, d_d = (t[:, i, None] for t in (self.ww, self.wu, self.dw, self.dd))
        w_u = w_u[:, :, 0, j]
        r = self.levels[j] / self.levels[i, None]
        stepped = r**2 * w_w + 2 * r * (1 - r) * d_w + (1 - r) ** 2 * d_d
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
            self.w[level] = torch.lerp(self.d[before, group], self.w[before, group], ratio)

    def _products_with_teacher(self, i: slice, j: slice) -> torch.Tensor:
        """<d_i, u_j> over elements, float64: (group, i, j), and 0 where j is not below i."""
        d, u = self.d[i], self.u[j]
        products = d.new_zeros((d.shape[1], len(d), len(u)), dtype=torch.float64)
        size = max(1, CHUNK // d.shape[1])
        for d_part, u_part in zip(d.split(size, 2), u.split(size, 2), strict=True):
            d_, u_ = (part.movedim(0, 1).double() for part in (d_part, u_part))
            for row in range(0, len(d), STRIP):
                below = max(0, i.start + row + 1 - j.start)
                products[:, row : row + STRIP, below:] += (
                    d_[:, row : row + STRIP] @ u_[:, below:].mT
                )
        return products

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


def _dot(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Inner product of two levels' states, float64: (group,)."""
    return torch.einsum("ge,ge->g", a.double(), b.double())

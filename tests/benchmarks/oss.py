"""OSS: its dynamic programme against a straight loop; what a search costs and wins on `scenes`."""

from __future__ import annotations

import time

import numpy as np
import torch

from ays_core.denoiser import Batch, Denoiser
from ays_core.job import run
from ays_core.optimizers.optimal_stepsize import search
from ays_core.paths import VE, ModelSpec
from ays_core.schedule import Schedule
from ays_core.schedules import SCHEDULES
from ays_core.solvers import first_order_step

LOOP_TARGET, SECONDS_TARGET = 20, 1.0


class Timed:
    """A denoiser that knows how long it took: of data with a power-law spectrum, shape `like`."""

    def __init__(self, like: torch.Size) -> None:
        rank = torch.arange(1, like.numel() + 1, dtype=torch.float32)
        self.variance, self.seconds = (0.5 * rank**-0.6).square().view(like), 0.0

    def __call__(self, x: Batch, sigma: float) -> Batch:
        began = time.perf_counter()
        x0 = torch.tanh(x * (self.variance / (self.variance + sigma**2)))  # not linear in x
        self.seconds += time.perf_counter() - began
        return x0


def straight_loop(denoise: Denoiser, teacher: Schedule, x: Batch, num_steps: int) -> list[float]:
    """The paper's pseudo-code, for one schedule of the whole batch: cost of 1, 2, ... steps."""
    sigmas, end = teacher.sigmas, teacher.num_steps
    target = [x]
    for i in range(end):
        target.append(
            first_order_step(target[i], denoise(target[i], sigmas[i]), *sigmas[i : i + 2])
        )
    kept, costs = {0: x}, []
    for _ in range(num_steps):
        best: dict[int, float] = {}
        state: dict[int, Batch] = {}
        for i in kept:
            if i == end:
                continue
            x0 = denoise(kept[i], sigmas[i])
            for j in range(i + 1, end + 1):
                candidate = first_order_step(kept[i], x0, sigmas[i], sigmas[j])
                cost = float((candidate - target[j]).square().mean())
                if cost < best.get(j, np.inf):
                    best[j], state[j] = cost, candidate
        kept = state
        costs.append(best[end])
    return costs


def programme() -> None:
    """Teacher 200, student 10, 16 samples of 3 x 32 x 32; the denoiser's own time taken out."""
    shape = torch.Size((3, 32, 32))
    spec = ModelSpec("spectrum", "Spectrum", tuple(shape), 0.02, 80.0, 0.5, VE())
    teacher = SCHEDULES["karras"].make(200, spec)
    generator = torch.Generator().manual_seed(0)
    x = 80 * torch.randn((16, *shape), generator=generator)
    ours, costs = [], None
    for _ in range(3):
        denoise, began = Timed(shape), time.perf_counter()
        costs = run(search(denoise, teacher, x, 10)).cost
        ours.append(time.perf_counter() - began - denoise.seconds)
    denoise, began = Timed(shape), time.perf_counter()
    loop_costs = straight_loop(denoise, teacher, x, 10)
    loop = time.perf_counter() - began - denoise.seconds
    assert costs is not None and np.allclose(list(costs.values()), loop_costs, rtol=1e-2)
    print(
        f"dynamic programme, teacher 200, student 10, 16 samples of 3x32x32, denoiser excluded: "
        f"{min(ours):.2f} s (target {SECONDS_TARGET:g}); straight loop {loop:.1f} s, "
        f"{loop / min(ours):.0f} times slower (target {LOOP_TARGET})",
        flush=True,
    )


if __name__ == "__main__":
    programme()

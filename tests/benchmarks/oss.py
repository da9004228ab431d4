"""OSS: its dynamic programme against a straight loop; what a search costs and wins on `scenes`.

The programme and the loop are counted in seconds without the denoiser's. The loop is the paper's
pseudo-code, which does one sample after the other: two of the 16, times 8.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from functools import partial
from typing import TypeVar

import numpy as np
import torch

from ays_core.compare import compare
from ays_core.denoiser import Batch, Denoiser, bind
from ays_core.job import run
from ays_core.models import load_model
from ays_core.optimizers.optimal_stepsize import optimal_stepsize, search
from ays_core.paths import VE, ModelSpec
from ays_core.sampling import start_noise
from ays_core.schedule import Schedule
from ays_core.schedules import SCHEDULES
from ays_core.solvers import first_order_step

R = TypeVar("R")
LOOP_TARGET, SECONDS_TARGET, LOOPED = 20, 1.0, 2
SCENES_SECONDS, RATIO_TARGET = 60, 0.70
CLOSED_FORMS = ("linear_t", "quadratic_t", "kl_optimal", "karras", "log_snr")


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
    """The paper's pseudo-code, one schedule for all of x: its cost with 1, 2, ... steps."""
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
    for name, shared, batches, times in (
        ("a schedule for each sample, as published", False, x[:LOOPED].split(1), len(x) // LOOPED),
        ("one schedule for the batch", True, (x,), 1),
    ):
        denoise, ours = Timed(shape), []
        for _ in range(3):
            work = partial(search, denoise, teacher, x, 10, shared=shared)
            found, seconds = seconds_without(denoise, lambda work=work: run(work()))
            ours.append(seconds)
        loop = 0.0
        for row, batch in enumerate(batches):
            work = partial(straight_loop, denoise, teacher, batch, 10)
            costs, seconds = seconds_without(denoise, work)
            loop += seconds * times
            same = [cost if shared else cost[row] for cost in found.cost.values()]
            assert np.allclose(same, costs, rtol=2e-2), "both should find the same"
        print(
            f"dynamic programme, teacher 200, student 10, 16 samples of 3x32x32, {name}: "
            f"{min(ours):.2f} s (target {SECONDS_TARGET:g}), straight loop {loop:.1f} s, "
            f"{loop / min(ours):.0f} times as long (target {LOOP_TARGET})",
            flush=True,
        )


def seconds_without(denoise: Timed, work: Callable[[], R]) -> tuple[R, float]:
    """What `work` gives, and the seconds waited without the denoiser's."""
    began, denoised = time.perf_counter(), denoise.seconds
    result = work()
    return result, time.perf_counter() - began - (denoise.seconds - denoised)


def scenes() -> None:
    """Teacher 100, student 6, 128 noises; then 320 noises that nothing was optimised on."""
    denoise = bind(load_model("scenes"))
    start = SCHEDULES["karras"].make(6, denoise.spec)
    denoise(start_noise(denoise.spec, 128, 0), 1.0)  # loads what the first call loads
    began, spent = time.perf_counter(), time.process_time()
    found = run(optimal_stepsize(denoise, start, "euler"))
    wall, processor = time.perf_counter() - began, time.process_time() - spent
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(
        f"scenes, teacher 100, student 6, 128 noises: {wall:.1f} s, {processor:.1f} s of processor "
        f"time on {torch.get_num_threads()} threads (target {SCENES_SECONDS}); peak memory "
        f"{peak:.2f} GiB",
        flush=True,
    )
    schedules = [SCHEDULES[key].make(6, denoise.spec) for key in CLOSED_FORMS]
    noise = start_noise(denoise.spec, 320, 20_000)
    cells = run(compare(denoise, [found, *schedules], "euler", noise, ["rmse"])).cells
    ours, *theirs = (cell.metrics["rmse"] for cell in cells)
    best = min(range(len(theirs)), key=theirs.__getitem__)
    print(
        f"held-out error, 320 noises: {ours:.4f}, against {theirs[best]:.4f} for the best closed "
        f"form ({CLOSED_FORMS[best]}): {ours / theirs[best]:.3f} of it (target {RATIO_TARGET})"
    )


if __name__ == "__main__":
    programme()
    scenes()

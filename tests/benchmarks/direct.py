"""Direct search: schedules tried in one batch against one after another, in turns.

A model says how many rows of several levels it takes together (`rows_together`); here it is also
made to take one level a call, and the network to take what it would on a GPU, or all there are.
"""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from typing import Any

import torch

from ays_core.denoiser import Batch, Bound, Levels
from ays_core.job import run
from ays_core.models import MODELS
from ays_core.models.device import best_device
from ays_core.models.pipelines.base import BUSY
from ays_core.optimizers.direct import direct
from ays_core.optimizers.trial import Trial
from ays_core.sampling import start_noise
from ays_core.schedule import Schedule
from ays_core.schedules import SCHEDULES

PAIRS = 3
ALL = 10**9  # rows
POINTS = ("grid", "checkerboard", "spiral")
SOLVERS = ("euler", "dpmpp_2m", "dpmpp_2m_sde")
NOISES, STEPS, TRIED = 128, 6, 9  # a generation of six steps has nine schedules


@dataclass(frozen=True)
class Taking:
    """A model that takes up to so many rows together."""

    model: Any
    rows_together: int

    def __getattr__(self, name: str) -> Any:
        return getattr(self.model, name)

    def denoise(self, x: Batch, sigma: Levels, cond: Any = None) -> Batch:
        return self.model.denoise(x, sigma, cond)


def ratio(first, second) -> float:
    """How many times as long the second takes: the median of pairs, in turns."""
    ratios = []
    for k in range(PAIRS + 1):
        seconds = {}
        for work in (first, second) if k % 2 else (second, first):
            began = time.perf_counter()
            work()
            seconds[work] = time.perf_counter() - began
        ratios.append(seconds[second] / seconds[first])
    return statistics.median(ratios[1:])  # the first is warming up


def searched(key: str, solver: str) -> float:
    model = MODELS[key].load()
    start = SCHEDULES["karras"].make(STEPS, model.spec)
    together, alone = (Bound(Taking(model, rows)) for rows in (model.rows_together, 0))
    return ratio(
        lambda: run(direct(together, start, solver, num=NOISES, proxies=[start])),
        lambda: run(direct(alone, start, solver, num=NOISES, proxies=[start])),
    )


def tried(noises: int, together: int) -> float:
    """One generation on the embedded network."""
    model: Any = MODELS["scenes_unet"].load()
    made = [SCHEDULES["karras"].make(STEPS, model.spec, rho=3.0 + k) for k in range(TRIED)]
    noise = start_noise(model.spec, noises, 0)

    def generation(rows: int) -> None:
        trial = Trial(Bound(Taking(model, rows)), "dpmpp_2m", noise, 0, "rmse", noise)
        for few in trial.batches([Schedule(schedule.sigmas) for schedule in made]):
            run(trial.scores(*few))

    return ratio(lambda: generation(together), lambda: generation(0))


if __name__ == "__main__":
    print(f"  {NOISES} noises, {STEPS} steps; one after another takes, of the time of one batch:")
    for key in POINTS:
        told = ", ".join(f"{solver} {searched(key, solver):.2f}" for solver in SOLVERS)
        print(f"  a search on {key:<14} {told}")
    print(f"  a generation on scenes_unet, {best_device()}, {torch.get_num_threads()} threads:")
    for noises, together in ((8, BUSY), (32, BUSY), (NOISES, ALL)):
        rows = min(together // noises, TRIED) * noises
        print(f"    {noises} noises, {rows} rows together: {tried(noises, together):.2f}")

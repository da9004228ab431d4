"""Align Your Steps: measured once against Monte Carlo; what it costs and wins on `scenes`.

The denoiser's time is in all of them. Evaluations are those of one sample.
The searches never see the judging noises.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TypeVar

import torch

from ays_core.compare import compare, reference_run
from ays_core.denoiser import Batch, Bound, bind
from ays_core.job import run
from ays_core.metrics import squared_errors
from ays_core.models import load_model
from ays_core.optimizers.align_your_steps import Estimator, Priced, ays, ays_mc
from ays_core.sampling import start_noise
from ays_core.schedule import Schedule
from ays_core.schedules import SCHEDULES
from ays_core.statistics import Statistics, measure_model

R = TypeVar("R")
TIMES_TARGET = 30
MEASURE_TARGET, AGAIN_TARGET = 10.0, 0.2
CLOSED_FORMS = ("linear_t", "quadratic_t", "kl_optimal", "karras", "log_snr")
RATIOS = {("euler", 6): 0.65, ("dpmpp_2m", 6): 0.55, ("dpmpp_2m", 10): 0.60}
JUDGED = 320  # noises
PATHS, DRAWS = 256, 1024


class Counted:
    """A model that counts the samples passed through it."""

    def __init__(self, model) -> None:
        self.model, self.spec, self.data, self.evaluations = model, model.spec, model.data, 0

    def denoise(self, x: Batch, sigma: float, cond=None) -> Batch:
        self.evaluations += len(x)
        return self.model.denoise(x, sigma, cond)


def taken(work: Callable[[], R]) -> tuple[R, float, float]:
    """What `work` gives, seconds waited and of processor time."""
    began, spent = time.perf_counter(), time.process_time()
    result = work()
    return result, time.perf_counter() - began, time.process_time() - spent


def against_monte_carlo() -> None:
    """KLUB, ten steps to sigma_min on `grid`: what each search spends to get where it gets."""
    counted = Counted(load_model("grid"))
    denoise = Bound(counted)
    start = SCHEDULES["karras"].make(10, denoise.spec, final_zero=False)
    run(ays(denoise, start, "euler", power="3", paths=8))  # what is loaded at first is no search
    counted.evaluations = 0
    sampled, wall, spent = taken(
        lambda: run(ays_mc(denoise, start, "euler", draws=DRAWS, stop="converged"))
    )
    by_sampling, counted.evaluations = counted.evaluations, 0
    exact, wall_once, spent_once = taken(
        lambda: run(ays(denoise, start, "euler", power="3", paths=PATHS))
    )
    once = counted.evaluations
    judge = Estimator(denoise, 8192, 77)
    klub = {name: run(judge.klub(s, 78)) for name, s in (("mc", sampled), ("once", exact))}
    print(
        f"grid, KLUB of ten steps on 8,192 other draws: ays_mc {klub['mc']:.3f} with "
        f"{by_sampling:,} evaluations, {wall:.1f} s ({spent:.1f} s of processor time); "
        f"ays {klub['once']:.3f} with {once:,}, {wall_once:.2f} s ({spent_once:.2f} s): "
        f"{by_sampling / once:.0f} times fewer, {spent / spent_once:.0f} times less processor "
        f"time, {wall / wall_once:.0f} times less waiting (target {TIMES_TARGET})",
        flush=True,
    )
    assert klub["once"] <= klub["mc"], "measured once must not be higher"


def measure_and_every_step_count(denoise: Bound) -> Statistics:
    """96 levels x 256 paths, then the best schedules of 4 to 40 steps."""
    start = SCHEDULES["karras"].make(40, denoise.spec)

    def work() -> Statistics:
        measurement = run(measure_model(denoise, levels=96, paths=PATHS))
        Priced.by(measurement, start, 1.0).best(40)
        return measurement

    measurement, wall, spent = taken(work)
    print(
        f"scenes, 96 levels x {PATHS} paths and every step count to 40: {wall:.1f} s, "
        f"{spent:.1f} s of processor time on {torch.get_num_threads()} threads "
        f"(target {MEASURE_TARGET:g})",
        flush=True,
    )
    return measurement


def asked_again(denoise: Bound, measurement: Statistics) -> None:
    """Another number of steps and another power, from the saved measurement."""
    saved = measurement.to_bytes()
    start = SCHEDULES["karras"].make(12, denoise.spec)

    def work() -> Schedule:
        again = Statistics.from_bytes(saved)
        return run(ays(denoise, start, "euler", power="0.5", measurement=again))

    found, wall, spent = taken(work)
    print(
        f"scenes, 12 steps and p = .5 from the saved measurement: {wall:.2f} s, {spent:.2f} s of "
        f"processor time, {found.origin.params['evaluations']} evaluations "
        f"(target {AGAIN_TARGET:g} s, 0)",
        flush=True,
    )


def held_out(denoise: Bound, measurement: Statistics) -> None:
    """Root mean square error on judging noises over that of the best closed form."""
    noise = start_noise(denoise.spec, JUDGED, 20_000)
    reference = run(reference_run(denoise, noise))
    for (solver, steps), target in RATIOS.items():
        start = SCHEDULES["karras"].make(steps, denoise.spec)
        found, wall, _ = taken(lambda s=start, solver=solver: run(
            ays(denoise, s, solver, measurement=measurement)))  # fmt: skip
        rivals = {key: SCHEDULES[key].make(steps, denoise.spec) for key in CLOSED_FORMS}
        job = compare(
            denoise, [found, *rivals.values()], solver, noise, ["rmse"], reference=reference
        )
        ours, *theirs = (
            squared_errors(cell.run.samples, reference.samples) for cell in run(job).cells
        )
        errors: Mapping[str, torch.Tensor] = dict(zip(rivals, theirs, strict=True))
        best = min(errors, key=lambda key: float(errors[key].mean()))
        print(
            f"scenes, {solver} {steps}: held-out error {rmse(ours):.4f} ({found.origin.method}), "
            f"against {rmse(errors[best]):.4f} for {best}: {rmse(ours) / rmse(errors[best]):.2f} "
            f"± {spread_of_ratio(ours, errors[best]):.2f} of it (target {target:g}); "
            f"chosen: {found.origin.params['chosen']}, in {wall:.1f} s",
            flush=True,
        )


def rmse(squared: torch.Tensor) -> float:
    return float(squared.mean().sqrt())


def spread_of_ratio(ours: torch.Tensor, theirs: torch.Tensor, times: int = 2000) -> float:
    """How much the ratio depends on which noises were drawn: its bootstrap standard error."""
    drawn = torch.randint(len(ours), (times, len(ours)), generator=torch.manual_seed(0))
    return float((ours[drawn].mean(1) / theirs[drawn].mean(1)).sqrt().std())


if __name__ == "__main__":
    against_monte_carlo()
    scenes = bind(load_model("scenes"))
    found = measure_and_every_step_count(scenes)
    asked_again(scenes, found)
    held_out(scenes, found)

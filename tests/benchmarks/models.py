"""What a call of each model costs, and what a whole run of the embedded picture model does.

One thread; the fastest of several, so that a busy machine does not count.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import torch

from ays_core.denoiser import Bound, bind
from ays_core.job import run
from ays_core.models import MODELS
from ays_core.sampling import sample, start_noise
from ays_core.schedules import SCHEDULES

REPEATS = 7
RUNS = (("euler", 10, 0.15), ("heun", 40, 1.0))  # solver, steps, seconds a run may take


def seconds(work: Callable[[], object]) -> float:
    times = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return min(times)


def call(denoise: Bound, num: int, sigma: float) -> float:
    noise = start_noise(denoise.spec, num, seed=20_000)
    x = denoise.data(num, 20_000) + sigma * noise
    with torch.no_grad():
        return 1000 * seconds(lambda: denoise(x, sigma))


def main() -> None:
    torch.set_num_threads(1)
    print("ms a call, at sigma 20 / 1 / 0.1")
    for key in MODELS:
        denoise = bind(MODELS[key].load())
        for num in (2000,) if denoise.spec.kind == "points" else (1, 16, 64):
            figures = " / ".join(f"{call(denoise, num, sigma):.1f}" for sigma in (20, 1, 0.1))
            print(f"{key:14} {num:5} samples  {figures}", flush=True)
    denoise = bind(MODELS["scenes"].load())
    noise = start_noise(denoise.spec, 16, seed=20_000)
    for solver, steps, target in RUNS:
        schedule = SCHEDULES["karras"].make(steps, denoise.spec)
        taken = seconds(lambda s=schedule, k=solver: run(sample(denoise, s, k, noise)))
        verdict = "within" if taken <= target else "ABOVE"
        print(f"scenes, 16 pictures, {solver} {steps}: {taken:.2f} s, {verdict} {target:g} s")


if __name__ == "__main__":
    main()

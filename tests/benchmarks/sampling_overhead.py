"""What our loop costs on top of the work itself, and what a run costs, for every solver.

The work: the same denoiser calls and the scheduler's own `step` calls, in a bare loop. Runs
alternate, on one thread, and the least processor time of each counts: a busy machine disturbs
neither.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import torch

from ays_core.denoiser import Batch, Bound, bind
from ays_core.job import run
from ays_core.models import MODELS, load_model
from ays_core.sampling import sample, start_noise
from ays_core.schedule import Schedule
from ays_core.schedules import SCHEDULES
from ays_core.solvers import SOLVERS, pin

NUM, STEPS, REPEATS, TARGET = 16, 10, 11, 1.03


def bare(denoise: Bound, schedule: Schedule, key: str, noise: Batch) -> Callable[[], object]:
    """A loop with nothing in it but the work. The final step into 0 needs no scheduler."""
    entry, calls = SOLVERS[key], pin(key, schedule).calls

    def loop() -> None:
        scheduler = entry.make(schedule.positive)
        rows = range(len(noise) if entry.stochastic else 0)
        draws = {"generator": [torch.Generator().manual_seed(k) for k in rows]} if rows else {}
        x = noise * calls[0]
        with torch.no_grad():
            for i, sigma in enumerate(calls):
                x0 = denoise(x, sigma)
                if i < len(scheduler.timesteps):
                    output = x0 if entry.takes == "x0" else (x - x0) / sigma
                    x = scheduler.step(output, scheduler.timesteps[i], x, **draws).prev_sample

    return loop


def seconds(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def main() -> None:
    torch.set_num_threads(1)
    key = "scenes" if "scenes" in MODELS else "checkerboard"
    num = NUM if key == "scenes" else 2000
    denoise = bind(load_model(key))
    schedule = SCHEDULES["karras"].make(STEPS, denoise.spec)
    noise = start_noise(denoise.spec, num, seed=20_000)
    print(f"{key}, {num} samples, {STEPS} steps, {REPEATS} runs each; target {TARGET}")
    print(f"{'solver':20} {'calls':>5} {'cpu ms':>8} {'over the bare loop':>19}")
    worst = 0.0
    for solver in SOLVERS:
        ours = lambda solver=solver: run(sample(denoise, schedule, solver, noise))  # noqa: E731
        theirs = bare(denoise, schedule, solver, noise)
        pairs = [(seconds(ours), seconds(theirs)) for _ in range(REPEATS + 1)][1:]
        mine, base = (min(times) for times in zip(*pairs, strict=True))
        worst = max(worst, mine / base)
        calls = SOLVERS[solver].nfe(STEPS, schedule.final_zero)
        print(f"{solver:20} {calls:5} {1000 * mine:8.1f} {mine / base:19.3f}", flush=True)
    print(f"worst {worst:.3f}: {'within' if worst <= TARGET else 'ABOVE'} the target")


if __name__ == "__main__":
    main()

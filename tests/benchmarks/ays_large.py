"""`ays` on a network of SDXL's size with random weights: memory, seconds, how busy the card was.

Latents of 4 x 64 x 64 in the card's half precision, 64 levels x 64 paths. Clean samples are random
numbers, so that drawing some is no part of it. Needs a card; without one it says so and stops.
`python -m tests.benchmarks.ays_large tiny` runs a tiny network on the CPU instead: is it whole?
"""

from __future__ import annotations

import datetime
import sys
import time

import torch

from ays_core.denoiser import Bound, OwnData
from ays_core.job import run
from ays_core.models.device import GIB
from ays_core.models.pipelines import PipelineModel, adapt
from ays_core.optimizers.align_your_steps import ays
from ays_core.sampling import start_noise
from ays_core.schedules import SCHEDULES
from tests.benchmarks.families import made
from tests.core import real_sizes as real
from tests.core import tiny_pipelines as tiny

SDXL, PIXELS = "stable_diffusion_xl", 512  # latents of 64 x 64
STEPS, LEVELS, PATHS = 10, 64, 64
BUSY_TARGET = 0.9


class Busy:
    """Seconds that a network's calls take, by the card's own clock where there is one."""

    def __init__(self, module: torch.nn.Module) -> None:
        self.marks: list[tuple] = []
        module.register_forward_pre_hook(lambda *_: self.marks.append((self.now(),)))
        module.register_forward_hook(lambda *_: self.marks.append((*self.marks.pop(), self.now())))

    @staticmethod
    def now():
        if not torch.cuda.is_available():
            return time.perf_counter()
        event = torch.cuda.Event(enable_timing=True)
        event.record()
        return event

    def seconds(self) -> float:
        if not torch.cuda.is_available():
            return sum(end - begin for begin, end in self.marks)
        torch.cuda.synchronize()
        return sum(begin.elapsed_time(end) for begin, end in self.marks) / 1000


def measure(model: PipelineModel, cond: dict | None) -> None:
    samples = start_noise(model.spec, PATHS, 0) * model.spec.sigma_data
    denoise = Bound(model, cond, own=OwnData(samples, "random numbers"))
    start = SCHEDULES["karras"].make(STEPS, denoise.spec)
    denoise(samples[:1], 1.0)  # the first call of a network is slower
    busy, began = Busy(model.module), time.perf_counter()
    run(ays(denoise, start, "euler", power="1", levels=LEVELS, paths=PATHS))
    taken = time.perf_counter() - began
    peak = torch.cuda.max_memory_allocated() / GIB if torch.cuda.is_available() else float("nan")
    print(
        f"ays, {LEVELS} levels x {PATHS} paths: {taken:.1f} s in {len(busy.marks)} calls, the "
        f"network at work {busy.seconds() / taken:.0%} of it (target {BUSY_TARGET:.0%}), "
        f"peak {peak:.1f} GiB"
    )


def main(arguments: list[str]) -> None:
    if arguments == ["tiny"]:
        measure(adapt(tiny.make(SDXL), "tiny", size=64), None)
    elif not torch.cuda.is_available():
        print("no card here: ays at SDXL's size was not run; this needs CUDA")
    else:
        print(f"{datetime.date.today()} · {torch.cuda.get_device_name()} · {torch.__version__}")
        model = made(SDXL, "cuda", PIXELS)
        measure(model, real.condition(SDXL, model))


if __name__ == "__main__":
    main(sys.argv[1:])

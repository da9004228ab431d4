"""Every family at real size with random weights: a guided step, its memory, one search by OSS.

Needs a card; without one it says so and stops. Names given as arguments choose families.
"""

from __future__ import annotations

import datetime
import sys
import time

import torch

from ays_core.denoiser import Bound
from ays_core.job import run
from ays_core.models.device import GIB, best_dtype, free_caches
from ays_core.models.pipelines import FAMILIES as ADAPTERS
from ays_core.models.pipelines import PipelineModel, adapt
from ays_core.optimizers import OPTIMIZERS
from ays_core.sampling import start_noise
from ays_core.schedules import SCHEDULES
from tests.core import real_sizes as real

REPEATS, GUIDANCE, STEPS = 5, 4.0, 10
SEARCH = {"teacher_steps": 20, "num": 2}
HEAD = "| family | weights, M | precision | ms a guided step | peak, GiB | OSS, 2 noises, s |"


def made(name: str, device: str, size: int | None = None) -> PipelineModel:
    make = real.FAMILIES[name][1]
    with torch.device("meta"):
        kind = type(make()).__name__
    dtype = torch.float32 if ADAPTERS[kind].precise else best_dtype(device)
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)  # or the largest would be made in float32 first
    try:
        with torch.device(device):
            pipe = make()
    finally:
        torch.set_default_dtype(before)
    return adapt(pipe.to(device), name, size=size or real.PIXELS.get(name))


@torch.no_grad()
def line(label: str, model: PipelineModel, cond: dict | None, device: str) -> str:
    """One row of the table."""
    model._nothing = cond or {}  # instead of an empty text, which has the same shape
    bound = Bound(model, cond, GUIDANCE if cond else 1.0)
    x, times = start_noise(bound.spec, 1, 0), []
    for _ in range(REPEATS + 2):
        began = time.perf_counter()
        bound(x, 2.0)  # its result comes back to the CPU, so the card is done
        times.append(time.perf_counter() - began)
    form = "linear_t" if bound.spec.path.name == "flow" else "karras"
    start = SCHEDULES[form].make(STEPS, bound.spec)
    began = time.perf_counter()
    run(OPTIMIZERS["oss"].make(bound, start, "euler", seed=0, **SEARCH))
    searched = time.perf_counter() - began
    peak = torch.cuda.max_memory_allocated() / GIB if device == "cuda" else float("nan")
    weights = sum(p.numel() for p in model.module.parameters()) / 1e6
    precision = str(model.module.dtype).removeprefix("torch.")
    step = 1000 * sorted(times[2:])[REPEATS // 2]
    return f"| {label} | {weights:.0f} | {precision} | {step:.1f} | {peak:.1f} | {searched:.1f} |"


def main(names: list[str]) -> None:
    if not torch.cuda.is_available():
        print("no card here: the families at real size were not run; this needs CUDA")
        return
    print(f"{datetime.date.today()} · {torch.cuda.get_device_name()} · torch {torch.__version__}")
    print(HEAD + "\n" + "|---" * HEAD.count(" |") + "|", flush=True)
    for name in names or real.FAMILIES:
        label = real.FAMILIES[name][0]
        torch.cuda.reset_peak_memory_stats()
        try:
            model = made(name, "cuda")
            print(line(label, model, real.condition(name, model), "cuda"), flush=True)
        except (torch.OutOfMemoryError, ValueError) as error:
            print(f"| {label} | {str(error).partition(chr(10))[0]} |", flush=True)
        model = None
        free_caches()


if __name__ == "__main__":
    main(sys.argv[1:])

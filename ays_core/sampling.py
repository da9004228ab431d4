"""The one loop that runs every solver on every model."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from ays_core.denoiser import Batch, Bound, Denoiser
from ays_core.job import Job, Progress
from ays_core.paths import ModelSpec
from ays_core.schedule import Schedule
from ays_core.solvers import pin


@dataclass(frozen=True)
class SampleRun:
    """What a sampling run did, beside what was asked.

    `samples`: x at the last level, (B, *sample_shape). `trajectory`: (sigma, x0) of every call.
    `ran`: the levels at which steps began, plus the last one; equals the schedule's levels unless
    something is wrong. `calls`: sigma of every denoiser call; `nfe` their number per sample.
    `pictures`: the samples decoded, where that was done beside the network: uint8 (B, H, W, 3).
    """

    schedule: Schedule
    solver: str
    samples: Batch
    trajectory: tuple[tuple[float, Batch], ...]
    ran: tuple[float, ...]
    calls: tuple[float, ...]
    seconds: float
    pictures: Any = field(default=None, compare=False, repr=False)

    @property
    def nfe(self) -> int:
        return len(self.calls)


def start_noise(spec: ModelSpec, num: int, seed: int) -> Batch:
    """Unit noise for samples seed, seed + 1, ...: shape (num, *spec.sample_shape), float32.

    Row k depends on seed + k alone: the same picture whatever the batch size. Solvers scale it by
    the schedule's own first level.
    """
    noise, generator = torch.empty(num, *spec.sample_shape), torch.Generator()
    for k, row in enumerate(noise):
        row.normal_(generator=generator.manual_seed(seed + k))
    return noise


def sample(
    denoise: Denoiser,
    schedule: Schedule,
    solver: str,
    noise: Batch,
    *,
    seed: int = 0,
) -> Job[SampleRun]:
    """Run `solver` along `schedule` from unit `noise`; yields after every denoiser call.

    The snapshot is the newest estimate of x0. `seed` is that of noise row 0: stochastic solvers
    draw row k's own noise from seed + k. Raises `ValueError` when the solver cannot run exactly
    these levels, or when the result is not finite.
    """
    stepper = pin(solver, schedule, seed=seed)
    began = time.perf_counter()
    x = stepper.start(noise)
    trajectory = []
    for i, sigma in enumerate(stepper.calls):
        with torch.no_grad():
            x0 = denoise(x, sigma)
            x = stepper.step(x, x0)
        trajectory.append((sigma, x0))
        yield Progress("sampling", i + 1, len(stepper.calls), snapshot=x0)
    if not torch.isfinite(x).all():
        raise ValueError(f"{solver} gave values that are not finite on these levels")
    return SampleRun(
        schedule=schedule,
        solver=solver,
        samples=x,
        trajectory=tuple(trajectory),
        ran=stepper.ran,
        calls=stepper.calls,
        seconds=time.perf_counter() - began,
    )


def sample_together(
    denoise: Bound,
    schedules: Sequence[Schedule],
    solver: str,
    noise: Batch,
    *,
    seed: int = 0,
    first: Sequence[Batch],
) -> Job[list[Batch]]:
    """As `sample` along each of some schedules with equally many calls, the same call of all in one
    batch: their samples, which need not be finite. `first`: x0 of the first call of each, which
    its first level and the noise decide alone."""
    steppers = [pin(solver, schedule, seed=seed) for schedule in schedules]
    x = [stepper.start(noise) for stepper in steppers]
    calls = list(zip(*(stepper.calls for stepper in steppers), strict=True))
    for i, sigmas in enumerate(calls):
        with torch.no_grad():
            x0 = denoise.at_levels(torch.stack(x), sigmas) if i else first
            x = [step.step(*each) for step, *each in zip(steppers, x, x0, strict=True)]
        yield Progress("sampling", i + 1, len(calls))
    return x

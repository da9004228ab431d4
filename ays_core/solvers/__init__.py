"""Solvers: diffusers' schedulers, pinned to exactly the given noise levels.

`pin` gives a `Stepper`, which says where the denoiser is called (`calls`) and moves x from one
call to the next. A solver that cannot run a schedule exactly is refused, never approximated.
"""

from __future__ import annotations

import math
import zlib
from itertools import accumulate, pairwise

import torch

from ays_core.denoiser import Batch
from ays_core.paths import FLOW_SIGMA_MAX
from ays_core.schedule import Schedule
from ays_core.solvers.catalogue import SOLVERS, SolverEntry

__all__ = ["SOLVERS", "SolverEntry", "Stepper", "first_order_step", "pin"]

MIN_STEP = 1e-9  # in ln sigma: closer levels cannot be told apart in float64's differences


def pin(key: str, schedule: Schedule, *, seed: int = 0) -> Stepper:
    """The solver `key` along exactly `schedule`.

    `seed` is that of row 0 of the batch: a stochastic solver draws row k's noise from `seed + k`.
    Raises `ValueError`, saying what would work, for levels the solver cannot run exactly.
    """
    entry = SOLVERS[key]
    check_steps(entry, schedule)
    return Stepper(entry, schedule, seed)


def check_steps(entry: SolverEntry, schedule: Schedule) -> None:
    """Raises `ValueError` for levels too close to each other, or for this solver's memory.

    A step may be short if it is the last: nothing divides by its length afterwards.
    """
    levels = schedule.positive
    steps = [math.log(sigma / sigma_next) for sigma, sigma_next in pairwise(levels)]
    for i, step in enumerate(steps):
        pair = f"levels {i} and {i + 1} ({levels[i]:.9g}, {levels[i + 1]:.9g})"
        if step < MIN_STEP:
            raise ValueError(f"{pair} are equal to nine digits: move them apart or drop one")
        neighbour = max(steps[max(i - 1, 0)], *steps[i + 1 : i + 2], step)
        if i + 1 < len(steps) and step < entry.min_step_ratio * neighbour:
            raise ValueError(
                f"{entry.label} is not exact on {pair}: that step is {neighbour / step:.3g} times "
                f"shorter than the one beside it in ln sigma, and the solver divides by it; up to "
                f"{1 / entry.min_step_ratio:g} times is safe. Move the two levels apart, or use "
                "euler or heun, which remember no step"
            )


class Stepper:
    """One run of one solver along one schedule.

    `calls`: sigma of every denoiser call, in order. `ran`: the levels at which steps really
    began, plus the one x is at in the end, as the scheduler object has them; complete after the
    last call.
    """

    def __init__(self, entry: SolverEntry, schedule: Schedule, seed: int) -> None:
        steps = entry.calls(schedule.sigmas)
        self.calls = tuple(sigma for calls in steps for sigma in calls)
        self.ran: tuple[float, ...] = ()
        self._begins = {0, *accumulate(len(calls) for calls in steps)}
        self._levels = (*self.calls, schedule.sigmas[-1])  # level of x before and after each call
        self._final_zero = schedule.final_zero
        self._takes = entry.takes
        self._stochastic = entry.stochastic
        self._scheduler = entry.make(schedule.positive)
        self._seed = seed
        self._done = 0

    def start(self, noise: Batch) -> Batch:
        """x at the first level, from unit noise."""
        if self._stochastic:
            self._draws = {"generator": [row_generator(self._seed + k) for k in range(len(noise))]}
        else:
            self._draws = {}
        return noise * self._levels[0]

    def step(self, x: Batch, x0: Batch) -> Batch:
        """x for the next call, from x and x0 = D(x, sigma) of this one; after the last, the end.

        A step into 0 returns x0: what every solver's formula tends to.
        """
        i, sigma, sigma_next = self._done, *self._levels[self._done : self._done + 2]
        if i == 0 and sigma >= FLOW_SIGMA_MAX:  # infinity, where x is noise alone: x0 beside it
            x = x + x0
        if i in self._begins:
            self.ran += (self._level(),)
        self._done += 1
        if self._final_zero and self._done == len(self.calls):
            self.ran += (0.0,)
            return x0
        if self._takes == "flow":  # t = sigma / (1 + sigma), native x = (1 - t) x
            x = x / (1 + sigma)
            output = (x - x0) * ((1 + sigma) / sigma)
        else:
            output = x0 if self._takes == "x0" else (x - x0) / sigma
        timestep = self._scheduler.timesteps[i]
        x = self._scheduler.step(output, timestep, x, **self._draws).prev_sample
        if self._done == len(self.calls):
            self.ran += (self._level(),)
        return x * (1 + sigma_next) if self._takes == "flow" else x

    def _level(self) -> float:
        level = float(self._scheduler.sigmas[self._scheduler.step_index])
        return level / (1 - level) if self._takes == "flow" else level


def row_generator(seed: int) -> torch.Generator:
    """Row `seed`'s own noise for the steps of a stochastic solver, unlike its start noise.

    A CPU generator uses 32 bits of its seed, and a checksum has 32.
    """
    return torch.Generator().manual_seed(zlib.crc32(f"step noise {seed}".encode()))


def first_order_step(x: Batch, x0: Batch, sigma: float, sigma_next: float) -> Batch:
    """The exact solution from `sigma` to `sigma_next` for an x0 that does not move (DDIM)."""
    ratio = sigma_next / sigma
    return ratio * x + (1 - ratio) * x0

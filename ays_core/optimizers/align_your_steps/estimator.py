"""KLUB of an interval by Monte Carlo, with the paper's importance sampling.

Between a and b, with c = .5 (Sabour et al. 2024, section 3.3): on N(0, c^2) the squared difference
E|D_t - D_b|^2 is proportional to w(t) = 1 / (t^2 + c^2) - 1 / (b^2 + c^2), so t is drawn from
pi(t) = t^-3 w(t) / Z and the interval's KLUB is Z E[ |D_t - D_b|^2 / w(t) ]. Z depends on a and b;
the paper's algorithm 2 leaves it out, and without it candidates cannot be told apart.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import torch

from ays_core.denoiser import Batch, Bound
from ays_core.job import Job, Progress
from ays_core.schedule import Schedule

C = 0.5
TABLE = 1025  # points of the distribution function, evenly in ln t
STRATA = 8  # levels t inside an interval, each for an equal share of the draws
MIN_GAP = 1e-3  # in ln sigma: a shorter interval counts as none


def weight(t: np.ndarray, b: float) -> np.ndarray:
    """w(t), without the difference of two nearly equal numbers."""
    return (b - t) * (b + t) / ((t**2 + C**2) * (b**2 + C**2))


def normaliser(a: float, b: float) -> float:
    """Z(a, b) = integral_a^b t^-3 w(t) dt = (r - 1 - ln r) / (2 c^4)."""
    log_r = float(np.log1p((C / a) ** 2) - np.log1p((C / b) ** 2))
    return (np.expm1(log_r) - log_r) / (2 * C**4)


def distribution(t: np.ndarray, a: float, b: float) -> np.ndarray:
    """P(draw <= t): (G(t) - G(a)) / (G(b) - G(a))."""
    q = b**2 / (b**2 + C**2)

    def g(s):
        return (np.log1p((C / s) ** 2) / C**4 - q / (C * s) ** 2) / 2

    return (g(t) - g(a)) / (g(b) - g(a))


def quantile(u: np.ndarray, a: float, b: float) -> np.ndarray:
    """The t below which a draw falls with probability u."""
    t = np.geomspace(a, b, TABLE)
    inside = np.interp(u, distribution(t, a, b), np.log(t))
    return np.clip(np.exp(inside), a, b * (1 - 1e-4))  # at b both |D_t - D_b| and w vanish


def block_of(draws: int, denoise: Bound | None) -> int:
    """Rows of a block, of which `STRATA` are about `draws`: whole rounds of the conditions."""
    together = max(1, len(denoise.conditions)) if denoise else 1
    return max(1, draws // (STRATA * together)) * together


class Estimator:
    """KLUB of intervals on `num` draws of clean data. `evaluations`: spent so far.

    D takes one level per call, so t is drawn once for every one of `STRATA` blocks of rows, from
    equal shares of its distribution. A block holds whole rounds of conditions.
    """

    def __init__(self, denoise: Bound, draws: int, seed: int) -> None:
        self.block = block_of(draws, denoise)
        self.denoise = denoise
        self.x0 = denoise.data(STRATA * self.block, seed)
        self.evaluations = 0

    @property
    def draws(self) -> int:
        return len(self.x0)

    def noise(self, generator: torch.Generator) -> Batch:
        return torch.randn(self.x0.shape, generator=generator).to(self.x0)

    def answers(self, x: Batch, sigmas: np.ndarray) -> Job[Batch]:
        """D for blocks of rows, each at its own level, (STRATA,)."""
        found = []
        for rows, sigma in zip(x.split(self.block), sigmas.tolist(), strict=True):
            with torch.no_grad():
                found.append(self.denoise(rows, sigma))
            self.evaluations += len(rows)
            yield Progress("KLUB", self.evaluations, 0)
        return torch.cat(found)

    def below(self, x: Batch, sigma: float, lower: np.ndarray, noise: Batch) -> Batch:
        """x at lower levels, (STRATA,), given x at `sigma` and x0: the Brownian bridge."""
        ratio = torch.as_tensor((lower / sigma) ** 2).repeat_interleave(self.block)
        spread = torch.as_tensor(lower).repeat_interleave(self.block) * (1 - ratio).sqrt()
        shape = (-1, *(1 for _ in self.x0.shape[1:]))
        ratio, spread = (part.to(x).view(shape) for part in (ratio, spread))
        return self.x0 + ratio * (x - self.x0) + spread * noise

    def interval(
        self, a: float, b: float, x: Batch, answer: Batch, u: np.ndarray, noise: Batch
    ) -> Job[np.ndarray]:
        """Every draw's estimate of KLUB(a, b), given x at b, D there, u in [0, 1] and noise."""
        if np.log(b / a) < MIN_GAP:
            return np.zeros(self.draws)
        t = quantile((np.arange(STRATA) + u) / STRATA, a, b)
        inside = yield from self.answers(self.below(x, b, t, noise), t)
        moved = (inside.double() - answer.double()).square().flatten(1).sum(dim=1).cpu().numpy()
        return normaliser(a, b) * moved / np.repeat(weight(t, b), self.block)

    def places(
        self, low: float, high: float, middles: np.ndarray, generator: torch.Generator
    ) -> Job[np.ndarray]:
        """Every draw's KLUB(low, middle) + KLUB(middle, high), the same draws for every middle:
        (places, draws)."""
        noise = [self.noise(generator) for _ in range(4)]
        u = torch.rand(2, STRATA, generator=generator, dtype=torch.float64).numpy()
        x_high = self.x0 + high * noise[0]
        at_high = yield from self.answers(x_high, np.full(STRATA, high))
        found = []
        for middle in middles.tolist():
            at = np.full(STRATA, middle)
            x = self.below(x_high, high, at, noise[1])
            answer = yield from self.answers(x, at)
            upper = yield from self.interval(middle, high, x_high, at_high, u[0], noise[2])
            lower = yield from self.interval(low, middle, x, answer, u[1], noise[3])
            found.append(upper + lower)
        return np.array(found)

    def klub(self, schedule: Schedule, seed: int) -> Job[float]:
        """KLUB of a schedule of positive levels, the same draws for the same seed."""
        generator = torch.Generator().manual_seed(seed)
        upper, lower = self.noise(generator), self.noise(generator)
        u = torch.rand(STRATA, generator=generator, dtype=torch.float64).numpy()
        total = 0.0
        for b, a in pairwise(schedule.sigmas):
            x = self.x0 + b * upper
            answer = yield from self.answers(x, np.full(STRATA, b))
            total += (yield from self.interval(a, b, x, answer, u, lower)).mean()
        return float(total)

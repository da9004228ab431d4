"""Score-Optimal schedules: equal work for a Langevin corrector in every step.

Williams et al. 2024, Score-Optimal Diffusion Schedules (arXiv:2412.07877), by its costs
(`score_costs`) and its update. Schedules are best when all steps cost the same.

Costs are local: they are measured on a fine grid, even in ln sigma, and what is asked for is read
off the length in their metric. The paper repeats its update of that grid (`rounds`). There the
weight at the lower end makes a long last step almost free, and levels drift away from it, slowly on
a hundred levels, at once on ten: on Gaussians a hundred even levels are within 2 % of the closed
form, and every further round leads away from it. So one round is usual.

A cost is the square of something that shrinks with the step, for a consistent predictor as its
square: so arc length is L^(1/2) for the corrector and L^(1/4) for the predictor.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Annotated, Any

import numpy as np
import torch

from ays_core.denoiser import Bound
from ays_core.job import Job, Progress
from ays_core.optimizers.entry import OPTIMIZERS, OptimizerEntry, check_seeds
from ays_core.optimizers.record import record
from ays_core.optimizers.score_costs import (
    WHOLE,
    corrector_cost,
    cost_of,
    derivatives,
    predictor_cost,
)
from ays_core.params import Choice, Range
from ays_core.schedule import Schedule
from ays_core.solvers import SOLVERS

PAPER = "Williams et al. 2024, Score-Optimal Diffusion Schedules, arXiv:2412.07877"
EXPONENT = {"corrector": 1 / 2, "predictor": 1 / 4}
FLOOR = 1e-12  # of the largest cost: no interval is free
PARTS = 4  # in which the samples are taken: after each there is a schedule

Curve = np.ndarray
Read = Callable[[np.ndarray, np.ndarray, Curve], Curve]  # (wanted, known, values) -> values there


def pchip(wanted: np.ndarray, known: np.ndarray, values: Curve) -> Curve:
    from scipy.interpolate import PchipInterpolator

    return PchipInterpolator(known, values)(wanted)


def lengths(costs: np.ndarray, exponent: float) -> np.ndarray:
    """Of intervals, in the metric in which good schedules are evenly spaced."""
    return np.maximum(costs, FLOOR * costs.max()) ** exponent


def update(curve: Curve, costs: np.ndarray, exponent: float, read: Read = pchip) -> Curve:
    """The fixed-point step (algorithm 1): `curve`, (n + 1,), at equal shares of sum cost^exponent.

    `curve`: monotone, for instance ln sigma; `costs`: (n,), of its intervals. Both ends stay.
    """
    along = np.concatenate([[0.0], np.cumsum(lengths(costs, exponent))])
    moved = read(np.linspace(0, along[-1], len(curve)), along, curve)
    moved[[0, -1]] = curve[[0, -1]]
    return moved


def unevenness(steps: np.ndarray) -> float:
    """Work along intervals of these lengths over the least possible, n sum l^2 / (sum l)^2: 1 or
    more, and 1 where all are equal."""
    return float(len(steps) * np.square(steps).sum() / steps.sum() ** 2)


def score_optimal(
    denoise: Bound,
    start: Schedule,
    solver: str,
    *,
    seed: int = 0,
    kind: Annotated[
        str,
        Choice(
            ("corrector", "predictor"),
            "corrector: from scores alone; predictor: of what a first-order step leaves to do, "
            "from derivatives of the model, several times as long",
        ),
    ] = "corrector",
    levels: Annotated[int, Range(100, 400, "fine steps on which costs are measured")] = 100,
    rounds: Annotated[
        int,
        Range(
            1,
            10,
            "how often costs are measured, each time on fine steps that cost the same by those "
            "before, as in the paper; more than one is not closer to equal work",
        ),
    ] = 1,
    batch: Annotated[int, Range(16, 4096, "samples in every cost", log=True)] = 128,
) -> Job[Schedule]:
    """The schedule whose steps leave equal work, as `start` has steps and ends.

    With a final 0 the last positive level is free down to the model's sigma_min, for which the 0
    stands. `solver` is what the result is meant for; the search does not run it. Where `start` is
    the more even one, it is returned. The snapshot is the schedule after every part of the samples.
    """
    denoise.spec.check(start)
    check_seeds(seed, batch)
    denoise = yield from denoise.with_data(max(batch, PARTS * len(denoise.conditions)), seed)
    own = {"kind": kind, "levels": levels, "rounds": rounds, "batch": batch, "seed": seed}
    search = _Search(denoise, start, SOLVERS[solver].key, own)
    for turn in range(rounds):
        if turn:
            search.update()
        for part in range(PARTS):
            yield from search.measure(turn, part)
    return search.best


class _Search:
    """The fine grid of a run of `score_optimal`, its costs, and the best schedule so far."""

    def __init__(self, denoise: Bound, start: Schedule, solver: str, own: dict[str, Any]) -> None:
        self.denoise, self.start, self.solver, self.own = denoise, start, solver, own
        self.exponent, levels, seed = EXPONENT[own["kind"]], own["levels"], own["seed"]
        self.size = size_of_part(own["batch"], denoise)
        x0 = denoise.data(PARTS * self.size, seed)
        # exact models answer in the precision they are asked in
        self.x0 = x0.double() if denoise.spec.kind == "points" else x0
        self.noise = torch.randn(x0.shape, generator=torch.Generator().manual_seed(seed)).to(
            self.x0
        )
        low = start.positive[-1]
        if start.final_zero:
            low = min(low, denoise.spec.sigma_min)
        self.lam = np.linspace(np.log(start.sigmas[0]), np.log(low), levels + 1)
        self.costs, self.evaluations, self.derivatives = np.zeros(levels), 0, 0
        self.best, self.curve = start, list[float]()

    def update(self) -> None:
        """Moves the fine grid to where its steps cost the same."""
        self.lam = update(self.lam, self.costs, self.exponent)

    def measure(self, turn: int, part: int) -> Job[None]:
        """Adds the costs of one part of the samples, and takes the best schedule by all so far."""
        rows = slice(part * self.size, (part + 1) * self.size)
        x0, noise = self.x0[rows], self.noise[rows]
        found, total = np.zeros_like(self.costs), self.own["rounds"] * PARTS * len(self.costs)
        kind, dim = self.own["kind"], x0[0].numel()
        for k, (high, low) in enumerate(pairwise(np.exp(self.lam).tolist())):
            x = x0 + high * noise
            if kind == "corrector":
                found[k] = corrector_cost(self.denoise, x, high, low)
            else:
                generator = torch.Generator().manual_seed(part)
                found[k] = predictor_cost(self.denoise, x, high, low, generator)
            self.derivatives += derivatives(kind, dim) * len(x)
            self.evaluations += cost_of(kind, dim) * len(x)
            done = (turn * PARTS + part) * len(found) + k + 1
            yield Progress(f"round {turn + 1}", done, total, self.best)
        self.costs = (part * self.costs + found) / (part + 1)
        self.take()

    def take(self) -> None:
        """The best schedule by the costs so far, with its record."""
        steps = lengths(self.costs, self.exponent)
        along = np.concatenate([[0.0], np.cumsum(steps)])

        def uneven(schedule: Schedule) -> float:
            at = np.interp(-np.log(schedule.sigmas[1:-1]), -self.lam, along)
            return unevenness(np.diff([0.0, *at, along[-1]]))

        self.curve.append(uneven(self.best))  # what was best, by what is known now
        wanted = np.linspace(0, along[-1], self.start.num_steps + 1)[1:-1]
        inner = np.exp(pchip(wanted, along, self.lam))
        found = Schedule((self.start.sigmas[0], *inner, self.start.sigmas[-1]))
        kept = found if uneven(found) < uneven(self.start) else self.start
        origin = record(
            "score_optimal",
            self.denoise,
            self.start,
            kept,
            self.solver,
            self.own
            | {"unevenness": uneven(kept), "start_unevenness": uneven(self.start)}
            | ({"derivatives": self.derivatives} if self.derivatives else {}),
            evaluations=self.evaluations,
            objective="work along the schedule over the least possible",
            curve=self.curve,
        )
        self.best = Schedule(kept.sigmas, origin)


def size_of_part(batch: int, denoise: Bound | None) -> int:
    """Samples of which `PARTS` times as many are about `batch`: whole rounds of the conditions."""
    together = max(1, len(denoise.conditions)) if denoise else 1
    return max(1, batch // (PARTS * together)) * together


def evaluations(
    _start: Schedule,
    _solver: str = "",
    *,
    denoise: Bound | None = None,
    kind: str = "corrector",
    levels: int = 100,
    rounds: int = 1,
    batch: int = 128,
    **_own: object,
) -> int:
    """What `score_optimal` costs, exactly."""
    dim = math.prod(denoise.spec.sample_shape) if denoise else WHOLE + 1
    return rounds * levels * PARTS * size_of_part(batch, denoise) * cost_of(kind, dim)


OPTIMIZERS.add(
    OptimizerEntry(
        "score_optimal",
        "Score-optimal",
        score_optimal,
        PAPER,
        about="Gives every step equal work for a Langevin corrector, or what a predictor leaves.",
        learns_from="batch",
        seeds=lambda _solver, *, batch=128, **_own: batch,
        evaluations=evaluations,
    )
)

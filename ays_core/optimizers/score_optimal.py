"""Score-Optimal schedules: equal work for a Langevin corrector in every step.

Williams et al. 2024, Score-Optimal Diffusion Schedules (arXiv:2412.07877), by its costs and its
update. A step from `high` to `low` moves x with a map F; what is left to a corrector at the lower
level, with velocity v = low, costs

    L = low^2 E| score(F(x), low) - score of F's output |^2,  x at the noisy level

With F the identity that is the corrector-optimised cost, from two scores at the same x. With F the
first-order step, J its Jacobian, the score of the output is J^-T (score(x, high) - grad ln|det J|):
the predictor-optimised cost. Schedules are best when all steps cost the same.

Costs are local: they are measured on a fine grid, even in ln sigma, and what is asked for is read
off the length in their metric. The paper repeats its update on the schedule itself; there the
weight at the lower end makes one huge last step almost free, and levels drift away from it: slowly
on a hundred levels, at once on ten.

A cost is the square of something that shrinks with the step, for a consistent predictor as its
square: so arc length is L^(1/2) for the corrector and L^(1/4) for the predictor.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Annotated

import numpy as np
import torch

from ays_core.denoiser import Batch, Bound, Denoiser
from ays_core.job import Job, Progress
from ays_core.optimizers.entry import OPTIMIZERS, OptimizerEntry, record
from ays_core.params import Choice, Range
from ays_core.schedule import Schedule
from ays_core.solvers import SOLVERS, first_order_step

PAPER = "Williams et al. 2024, Score-Optimal Diffusion Schedules, arXiv:2412.07877"
EXPONENT = {"corrector": 1 / 2, "predictor": 1 / 4}
FLOOR = 1e-12  # of the largest cost: no interval is free
ROUNDS = 4  # in which the samples are taken: after each there is a schedule
WHOLE = 8  # dimensions up to which Jacobians are whole

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


def score(denoise: Denoiser, x: Batch, sigma: float) -> torch.Tensor:
    """(D(x, sigma) - x) / sigma^2 in float64: D and x are nearly equal at low noise."""
    return (denoise(x, sigma).double() - x.double()) / sigma**2


def corrector_cost(denoise: Denoiser, x: Batch, high: float, low: float) -> float:
    """low^2 E|score(x, low) - score(x, high)|^2, summed over elements, for x (B, ...) at `high`."""
    with torch.no_grad():
        moved = score(denoise, x, low) - score(denoise, x, high)
    return low**2 * float(moved.square().flatten(1).sum(dim=1).mean())


def predictor_cost(
    denoise: Denoiser, x: Batch, high: float, low: float, generator: torch.Generator
) -> float:
    """low^2 E|score(F(x), low) - J^-T (score(x, high) - grad ln|det J|)|^2 for x at `high`, with
    F(x) = k x + (1 - k) D(x, high), k = low / high, and J its Jacobian.

    As it stands up to `WHOLE` dimensions. Above, where determinants are out of reach, its limit for
    a short step: F misses the exact path by (low - high)^2 a / 2, a the acceleration along it, and
    so the score of its output by that much of grad (div a + a . score). The divergence is probed;
    two independent probes are multiplied, so that their variance does not add to the cost.
    """
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        answer = denoise(x, high)
        if not answer.requires_grad:
            raise ValueError("the predictor's cost needs derivatives of D, and this model has none")
        if x[0].numel() <= WHOLE:
            left = [_left_exactly(denoise, x, answer, high, low)] * 2
        else:
            left = _left_by_a_short_step(denoise, x, answer, high, low, generator)
    products = left[0].detach().double() * left[1].detach().double()
    return low**2 * float(products.flatten(1).sum(dim=1).mean())


def _left_exactly(
    denoise: Denoiser, x: Batch, answer: Batch, high: float, low: float
) -> torch.Tensor:
    """What the predictor leaves at every sample, in the score, with the whole Jacobian."""
    k = low / high
    rows = [_gradient(part.sum(), x) for part in answer.flatten(1).unbind(dim=1)]
    jacobian = (1 - k) * torch.stack(rows, dim=1).flatten(2).double()
    jacobian = jacobian + k * torch.eye(jacobian.shape[1], dtype=jacobian.dtype, device=x.device)
    volume = torch.linalg.slogdet(jacobian).logabsdet.sum()
    own = (answer.double() - x.double()) / high**2
    wanted = (own - _gradient(volume, x)).flatten(1)
    of_output = torch.linalg.solve(jacobian.mT, wanted).view_as(own)
    return score(denoise, first_order_step(x, answer, high, low), low) - of_output


def _left_by_a_short_step(
    denoise: Denoiser,
    x: Batch,
    answer: Batch,
    high: float,
    low: float,
    generator: torch.Generator,
) -> list[torch.Tensor]:
    """The same to leading order, twice, by one random probe each."""
    velocity = (x - answer) / high  # dx / dsigma along the exact path
    stepped = first_order_step(x, answer, high, low)
    acceleration = ((stepped - denoise(stepped, low)) / low - velocity) / (low - high)
    along = (acceleration * -velocity / high).sum()  # a . score
    found = []
    for _ in range(2):
        probe = 2 * torch.randint(0, 2, x.shape, generator=generator).to(x) - 1
        divergence = (probe * _gradient((acceleration * probe).sum(), x)).sum()
        found.append((low - high) ** 2 / 2 * _gradient(divergence + along, x))
    return found


def _gradient(value: torch.Tensor, x: Batch) -> torch.Tensor:
    return torch.autograd.grad(value, x, create_graph=True)[0]


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
    levels: Annotated[int, Range(50, 400, "fine steps on which costs are measured")] = 100,
    batch: Annotated[int, Range(16, 4096, "samples in every cost", log=True)] = 128,
) -> Job[Schedule]:
    """The schedule whose steps leave equal work, as `start` has steps and ends.

    With a final 0 the last positive level is free down to the model's sigma_min, for which the 0
    stands. `solver` is what the result is meant for; the search does not run it. Where `start` is
    the more even one, it is returned. The snapshot is the schedule after every round of samples.
    """
    denoise.spec.check(start)
    denoise = yield from denoise.with_data(max(batch, ROUNDS * len(denoise.conditions)), seed)
    search = _Search(denoise, start, SOLVERS[solver].key, kind, seed, levels, batch)
    for part in range(ROUNDS):
        yield from search.measure(part)
    return search.best


class _Search:
    """The fine grid of a run of `score_optimal`, its costs, and the best schedule so far."""

    def __init__(
        self,
        denoise: Bound,
        start: Schedule,
        solver: str,
        kind: str,
        seed: int,
        levels: int,
        batch: int,
    ) -> None:
        self.denoise, self.start, self.solver = denoise, start, solver
        self.own = {"kind": kind, "levels": levels, "batch": batch, "seed": seed}
        together = max(1, len(denoise.conditions))
        self.size = max(1, batch // (ROUNDS * together)) * together  # whole rounds of conditions
        x0 = denoise.data(ROUNDS * self.size, seed)
        # exact models answer in the precision they are asked in
        self.x0 = x0.double() if denoise.spec.kind == "points" else x0
        self.noise = torch.randn(x0.shape, generator=torch.Generator().manual_seed(seed)).to(
            self.x0
        )
        low = start.positive[-1]
        if start.final_zero:
            low = min(low, denoise.spec.sigma_min)
        self.lam = np.linspace(np.log(start.sigmas[0]), np.log(low), levels + 1)
        self.costs, self.evaluations = np.zeros(levels), 0
        self.best, self.curve = start, list[float]()

    def measure(self, part: int) -> Job[None]:
        """Adds the costs of one part of the samples, and takes the best schedule by all so far."""
        rows = slice(part * self.size, (part + 1) * self.size)
        x0, noise = self.x0[rows], self.noise[rows]
        found, total = np.zeros_like(self.costs), ROUNDS * len(self.costs)
        for k, (high, low) in enumerate(pairwise(np.exp(self.lam).tolist())):
            x = x0 + high * noise
            if self.own["kind"] == "corrector":
                found[k] = corrector_cost(self.denoise, x, high, low)
            else:
                generator = torch.Generator().manual_seed(part)
                found[k] = predictor_cost(self.denoise, x, high, low, generator)
            self.evaluations += 2 * len(x)
            done = part * len(found) + k + 1
            yield Progress(f"round {part + 1}", done, total, self.best)
        self.costs = (part * self.costs + found) / (part + 1)
        self.take()

    def take(self) -> None:
        """The best schedule by the costs so far, with its record."""
        steps = lengths(self.costs, EXPONENT[str(self.own["kind"])])
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
            self.solver,
            {**self.own, "unevenness": uneven(kept), "start_unevenness": uneven(self.start)},
            evaluations=self.evaluations,
            objective="work along the schedule over the least possible",
            curve=self.curve,
        )
        self.best = Schedule(kept.sigmas, origin)


def evaluations(
    _start: Schedule, _solver: str = "", *, levels: int = 100, batch: int = 128, **_own: object
) -> int:
    """What `score_optimal` costs. The predictor's derivatives come on top."""
    return levels * 2 * batch


OPTIMIZERS.add(
    OptimizerEntry(
        "score_optimal",
        "Score-optimal",
        score_optimal,
        PAPER,
        about="Gives every step equal work for a Langevin corrector, or what a predictor leaves.",
        evaluations=evaluations,
    )
)

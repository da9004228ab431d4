"""Direct search: try schedules with the target solver itself, and keep what ends closest.

No proxy: the objective is what is measured in the end, on training noises. What OSS finds, the
start and two closed forms are tried first; from the best of them CMA-ES (Hansen 2016, The CMA
Evolution Strategy: A Tutorial, arXiv:1604.00772) goes on. LD3 (Tong et al. 2025) matches the
sampler's output too, by gradients; without them any solver and any measure will do.

Candidates of a generation run as one batch where that pays (`Bound.rows_together`), else one after
another, all noises of each as one batch. What they share, the first call, is made once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

import numpy as np

from ays_core.denoiser import Bound
from ays_core.job import Job, Progress, relay
from ays_core.optimizers.entry import OPTIMIZERS, OptimizerEntry, check_seeds
from ays_core.optimizers.optimal_stepsize import evaluations as stepsize_evaluations
from ays_core.optimizers.optimal_stepsize import optimal_stepsize
from ays_core.optimizers.record import record
from ays_core.optimizers.trial import Trial, given_or_prepared, preparing, trying
from ays_core.params import Choice, Range
from ays_core.paths import ModelSpec
from ays_core.schedule import Schedule
from ays_core.schedules import SCHEDULES
from ays_core.solvers import SOLVERS

FIRST_SPREAD = 0.3  # of the search, in ln of the gaps between levels
NARROWEST = 1e-3  # a gap starts no narrower than this share of the whole, so that it can grow
WORST = 1e12  # instead of an infinite score, which cannot be ranked
FORMS = ("karras", "log_snr")  # tried before the search


@dataclass(frozen=True)
class Gaps:
    """Schedules as points: ln of the gaps between levels in ln sigma, up to a common factor.

    From `high` down to `low`, with a gap above the first level where it is free, and one below the
    last positive level where a final 0 follows, since that level is free then.
    """

    high: float
    low: float
    free_first: bool
    final_zero: bool

    @classmethod
    def around(cls, start: Schedule, spec: ModelSpec, free_first: bool) -> Gaps:
        """All schedules between the ends of `start`, with its kind of end."""
        last = start.positive[-1]
        low = min(last, spec.sigma_min) if start.final_zero else last
        return cls(start.sigmas[0], low, free_first, start.final_zero)

    def point(self, schedule: Schedule) -> np.ndarray:
        """The point of a schedule between `high` and `low`."""
        above, below = [self.high] * self.free_first, [self.low] * self.final_zero
        gaps = -np.diff(np.log([*above, *schedule.positive, *below]))
        return np.log(np.maximum(gaps, NARROWEST * gaps.sum()))

    def schedule(self, point: np.ndarray) -> Schedule:
        """The schedule at a point."""
        gaps = np.exp(point - point.max())
        depth = np.cumsum(gaps)[:-1] / gaps.sum() * np.log(self.high / self.low)
        above = () if self.free_first else (self.high,)
        levels = (self.high * np.exp(-depth)).tolist()
        return Schedule((*above, *levels, 0.0 if self.final_zero else self.low))


def direct(  # noqa: PLR0913 - its parameters are the interface
    denoise: Bound,
    start: Schedule,
    solver: str,
    *,
    seed: int = 0,
    budget: Annotated[
        int, Range(20, 5000, "schedules to try; a few hundred for six steps", log=True)
    ] = 400,
    free_first: Annotated[
        bool,
        Choice(
            ("true", "false"),
            "true: the first level is searched for too, at or below the start's; false: it stays",
        ),
    ] = False,
    num: Annotated[int, Range(8, 1024, "training noises each one is tried on", log=True)] = 128,
    trial: Trial | None = None,
    proxies: Sequence[Schedule] | None = None,
) -> Job[Schedule]:
    """The best of `budget` schedules for `solver`, with the steps and the ends of `start`; with a
    final 0 the last positive level is free down to sigma_min.

    A deterministic solver is judged by its error to the reference run, a stochastic one by sliced
    W2 to the samples it should give. The snapshot is the best so far; `curve` its score after every
    generation. A `trial` at hand saves its reference run; `proxies`, schedules to try first, take
    the place of what OSS finds. Raises `ValueError` where the solver can run none of those tried
    first.
    """
    from cmaes import CMA

    check_seeds(seed, num)
    space = Gaps.around(denoise.spec.check(start), denoise.spec, free_first)
    own = {"budget": budget, "free_first": free_first, "num": num, "seed": seed}
    trial = yield from relay(
        given_or_prepared(trial, denoise, solver, num, seed),
        lambda p: replace(p, stage="reference", snapshot=start),
    )
    search = _Search(trial, start, own)
    if proxies is None:
        given = {"free_first": free_first, "num": trial.num}
        proxies = [(yield from optimal_stepsize(denoise, start, solver, seed=seed, **given))]
        search.evaluations += stepsize_evaluations(start, **given)
    yield from search.score(start, *proxies, *closed_forms(space, start, denoise.spec))
    if search.curve[0] == float("inf"):
        raise ValueError(f"{SOLVERS[solver].label} can run none of the schedules tried first")
    point = space.point(search.best())
    if len(point) < 2:
        return search.best()  # a single gap: there is nothing to choose
    evolution = CMA(mean=point, sigma=FIRST_SPREAD, seed=seed)
    while search.left and not evolution.should_stop():
        points = [evolution.ask() for _ in range(min(evolution.population_size, search.left))]
        scores = yield from search.score(*map(space.schedule, points))
        if len(points) == evolution.population_size:
            ranked = [min(score, WORST) for score in scores]
            evolution.tell(list(zip(points, ranked, strict=True)))
    return search.best()


class _Search:
    """What a run of `direct` has tried and spent so far."""

    def __init__(self, trial: Trial, start: Schedule, own: dict[str, Any]) -> None:
        self.trial, self.start, self.own = trial, start, own
        self.evaluations = trial.evaluations
        self.scores, self.curve = dict[Schedule, float](), list[float]()

    @property
    def left(self) -> int:
        """Schedules that may still be tried."""
        return max(self.own["budget"] - len(self.scores), 0)

    def score(self, *schedules: Schedule) -> Job[list[float]]:
        """What a generation does with the solver; the same levels are tried once."""
        new = list(dict.fromkeys(tried for tried in schedules if tried not in self.scores))
        for few in self.trial.batches(new):
            self.evaluations += self.trial.cost(*few)
            self.scores |= yield from relay(self.trial.scores(*few), lambda _: self.shown())
        self.curve.append(min(self.scores.values()))
        return [self.scores[schedule] for schedule in schedules]

    def shown(self) -> Progress:
        budget = self.own["budget"]
        return Progress("trying", budget - self.left, budget, snapshot=self.best())

    def best(self) -> Schedule:
        """The best of those tried, with its record; the start as it is before one was."""
        if not self.scores:
            return self.start
        winner = min(self.scores, key=lambda tried: self.scores[tried])
        origin = record(
            "direct",
            self.trial.denoise,
            self.start,
            winner,
            self.trial.solver,
            self.own,
            evaluations=self.evaluations,
            objective=self.trial.measures,
            curve=self.curve,
        )
        return replace(winner, origin=origin)


def closed_forms(space: Gaps, start: Schedule, spec: ModelSpec) -> Iterator[Schedule]:
    """Closed forms over the range of `start`, those that can be made."""
    for key in FORMS:
        try:
            yield SCHEDULES[key].make(
                start.num_steps,
                spec,
                final_zero=start.final_zero,
                sigma_min=space.low,
                sigma_max=space.high,
            )
        except ValueError:
            continue


def evaluations(
    start: Schedule,
    solver: str,
    *,
    denoise: Bound | None = None,
    budget: int = 400,
    free_first: bool = False,
    num: int = 128,
    **_own: object,
) -> int:
    """What `direct` costs at most: preparing trials, OSS, and `budget` tries, or where there is a
    single gap those before the search."""
    tries = budget if start.num_steps + free_first > 1 else 2 + len(FORMS)
    calls = trying(solver, start, tries, free_first=free_first)
    proxy = stepsize_evaluations(start, free_first=free_first, num=num)
    return num * (preparing(denoise, solver) + calls) + proxy


OPTIMIZERS.add(
    OptimizerEntry(
        "direct",
        "Direct search",
        direct,
        "CMA-ES (Hansen 2016, arXiv:1604.00772) on the sampler's own output, LD3's objective "
        "(Tong et al. 2025, Learning to Discretize Denoising Diffusion ODEs, arXiv:2405.15506)",
        about="Tries schedules with the target solver itself and keeps what ends closest.",
        seeds=lambda _solver, *, num=128, **_own: num,
        evaluations=evaluations,
    )
)

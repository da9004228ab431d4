"""Align Your Steps as its paper has it: KLUB by Monte Carlo, one level moved at a time.

Every level in turn goes to the best of 11 places between its neighbours, its own among them. Three
things are more careful than the paper's listing: the normaliser Z of the importance sampling is
kept (`estimator`); all 11 places share their random numbers, and a level only moves for a gain of
more than a standard error; and states are drawn from the noisy end, so that D at the upper
neighbour is shared: 34 evaluations a draw and level instead of 44.

Ten steps are optimised first. Their intervals are halved in ln sigma for 20, and again for 40,
where only the new levels move. Other numbers of steps are resampled, log-linearly.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any

import numpy as np
import torch

from ays_core.denoiser import Bound
from ays_core.job import Job, Progress, relay
from ays_core.optimizers.align_your_steps.estimator import MIN_GAP, STRATA, Estimator, block_of
from ays_core.optimizers.align_your_steps.measured import PAPER, PATIENCE, USUAL_SWEEPS
from ays_core.optimizers.align_your_steps.programme import SHARES
from ays_core.optimizers.entry import OPTIMIZERS, OptimizerEntry, check_seeds
from ays_core.optimizers.record import record
from ays_core.optimizers.trial import Trial, given_or_prepared, preparing, sets, trying
from ays_core.params import Choice, Range
from ays_core.paths import ModelSpec
from ays_core.schedule import Schedule
from ays_core.solvers import SOLVERS

STAGES = (10, 20, 40)  # numbers of steps that are optimised
PLACES = 1 + 2 * len(SHARES)  # where a level may go, its own among them
SURE = 1.0  # standard errors that a gain must exceed


def sweep(
    estimator: Estimator, levels: np.ndarray, moving: range, generator: torch.Generator
) -> Job[np.ndarray]:
    """`levels`, descending, after each of the `moving` ones has gone to its best place: those at
    odd positions first, then the even ones. A row of one kind has no neighbours in it."""
    levels = levels.copy()
    for k in (*(k for k in moving if k % 2), *(k for k in moving if k % 2 == 0)):
        high, here, low = levels[k - 1 : k + 2]
        if np.log(high / low) < 4 * MIN_GAP:
            continue  # there is no other place
        ends = np.log([low, high])
        lam = [np.log(here) + f * (end - np.log(here)) for end in ends for f in SHARES]
        lam = np.clip([np.log(here), *lam], ends[0] + MIN_GAP, ends[1] - MIN_GAP)
        lam[0] = np.log(here)
        costs = yield from estimator.places(low, high, np.exp(lam), generator)
        best = int(costs.mean(axis=1).argmin())
        gain = costs[0] - costs[best]  # of every draw: the noise they share is gone
        if gain.mean() > SURE * gain.std() / len(gain) ** 0.5:
            levels[k] = np.exp(lam[best])
    return levels


def halved(levels: np.ndarray) -> np.ndarray:
    """With the middle, in ln sigma, of every interval: twice the steps."""
    lam = np.log(levels)
    at = np.arange(2 * len(lam) - 1) / 2
    new = np.exp(np.interp(at, np.arange(len(lam)), lam))
    new[::2] = levels
    return new


def ays_mc(  # noqa: PLR0913 - its parameters are the interface
    denoise: Bound,
    start: Schedule,
    solver: str,
    *,
    seed: int = 0,
    draws: Annotated[
        int, Range(64, 8192, "clean samples in every estimate; the paper uses 8192", log=True)
    ] = 1024,
    sweeps: Annotated[int, Range(1, 300, "at most so many rounds over all levels")] = 30,
    stop: Annotated[
        str,
        Choice(
            ("sampler", "converged"),
            "sampler: the sweep at which the solver does best, as in the paper; converged: go on "
            "until nothing moves",
        ),
    ] = "sampler",
    num: Annotated[int, Range(8, 1024, "training noises to try the solver on", log=True)] = 128,
    trial: Trial | None = None,
) -> Job[Schedule]:
    """The best schedule on the paper's way from `start` to low KLUB, as `start` has steps and ends.

    A final 0 stands for the model's sigma_min, where KLUB's intervals end. What is returned is
    never worse than `start` by what stops the search: the solver's score, or KLUB on fixed draws.
    A `trial` at hand saves its reference run.
    """
    denoise.spec.check(start)
    check_seeds(seed, seeds(solver, draws=draws, stop=stop, num=num))
    own = {"draws": draws, "sweeps": sweeps, "stop": stop, "num": num, "seed": seed}
    if stop != "sampler":
        trial = None
    else:
        trial = yield from relay(
            given_or_prepared(trial, denoise, solver, num * sets(solver), seed),
            lambda p: Progress("reference", p.done, p.total, snapshot=start),
        )
    denoise = yield from denoise.with_data(max(draws, STRATA * len(denoise.conditions)), seed)
    search = _Search(Estimator(denoise, draws, seed), start, SOLVERS[solver].key, trial, own)
    yield from search.tried(start, "start")
    levels = np.array(positive(start, denoise.spec).with_steps(STAGES[0]).sigmas)
    for steps in STAGES:
        moving = range(1, steps)
        if steps > STAGES[0]:
            levels, moving = halved(levels), range(1, steps, 2)
        levels = yield from search.stage(levels, moving)
        if steps >= start.num_steps:
            break
    return search.recorded()


def positive(schedule: Schedule, spec: ModelSpec) -> Schedule:
    """The levels between which KLUB is counted: a final 0 is the model's sigma_min."""
    low = spec.sigma_min
    ends = (low,) if schedule.final_zero and low < schedule.positive[-1] else ()
    return Schedule((*schedule.positive, *ends))


class _Search:
    """What a run of `ays_mc` has found and spent so far."""

    def __init__(
        self,
        estimator: Estimator,
        start: Schedule,
        solver: str,
        trial: Trial | None,
        own: Mapping[str, Any],
    ) -> None:
        self.estimator, self.start, self.solver = estimator, start, solver
        self.trial, self.own = trial, own
        self.generator = torch.Generator().manual_seed(2 * own["seed"])
        self.best, self.chosen, self.scores = start, "", dict[str, float]()
        self.tried_for = trial.evaluations if trial else 0  # evaluations

    def stage(self, levels: np.ndarray, moving: range) -> Job[np.ndarray]:
        """Sweeps over the `moving` levels; those of the best sweep."""
        steps = len(levels) - 1
        best, best_score, best_k = levels, float("inf"), 0
        for k in range(self.own["sweeps"] + 1):
            if k:
                job = sweep(self.estimator, levels, moving, self.generator)
                before, where = levels, f"{steps} steps, sweep {k}"
                levels = yield from relay(job, partial(self._shown, where))
                if np.array_equal(levels, before):
                    break
            score = yield from self.tried(self._as_asked(levels), f"{steps} steps, sweep {k}")
            if score < best_score:
                best, best_score, best_k = levels, score, k
            if self.trial and k - best_k >= PATIENCE:
                break
        return best if self.trial else levels

    def _as_asked(self, levels: np.ndarray) -> Schedule:
        sigmas = Schedule(tuple(levels)).with_steps(self.start.num_steps).sigmas
        return Schedule((self.start.sigmas[0], *sigmas[1:-1], self.start.sigmas[-1]))

    def tried(self, schedule: Schedule, name: str) -> Job[float]:
        """The schedule's score, which `best` has to beat."""
        if self.trial:
            self.tried_for += self.trial.cost(schedule)
            job = self.trial.score(schedule)
        else:
            levels = positive(schedule, self.estimator.denoise.spec)
            job = self.estimator.klub(levels, 2 * self.own["seed"] + 1)
        score = yield from relay(job, partial(self._shown, name))
        self.scores[name] = score
        if not self.chosen or score < self.scores[self.chosen]:
            self.best, self.chosen = schedule, name
        self.best = self.recorded()
        yield self._shown(name, Progress("", 1, 1))
        return score

    def _shown(self, stage: str, p: Progress) -> Progress:
        return Progress(stage, p.done, p.total, snapshot=self.best)

    def recorded(self) -> Schedule:
        """The best so far, with its record as of now."""
        objective = self.trial.measures if self.trial else "KLUB on fixed draws"
        origin = record(
            "ays_mc",
            self.estimator.denoise,
            self.start,
            self.best,
            self.solver,
            {**self.own, "scores": dict(self.scores), "chosen": self.chosen},
            evaluations=self.estimator.evaluations + self.tried_for,
            objective=objective,
            curve=list(self.scores.values()),
        )
        return Schedule(self.best.sigmas, origin)


def seeds(
    solver: str, *, draws: int = 1024, stop: str = "sampler", num: int = 128, **_own: object
) -> int:
    """How many training seeds `ays_mc` uses: of clean samples, and of trials."""
    return max(draws, num * sets(solver) * (stop == "sampler"))


def evaluations(
    start: Schedule,
    solver: str,
    *,
    denoise: Bound | None = None,
    draws: int = 1024,
    sweeps: int = 30,
    stop: str = "sampler",
    num: int = 128,
    **_own: object,
) -> int:
    """What `ays_mc` costs, as if every stage took `USUAL_SWEEPS`, or fewer where fewer are
    allowed: exactly, if it does."""
    rounds, draws = min(sweeps, USUAL_SWEEPS), STRATA * block_of(draws, denoise)
    moved, stages = STAGES[0] - 1, 1
    for steps in STAGES[:-1]:
        if steps < start.num_steps:
            moved, stages = moved + steps, stages + 1
    spent, tries = rounds * moved * (3 * PLACES + 1) * draws, 1 + stages * (1 + rounds)
    if stop == "converged":
        first = positive(start, denoise.spec).num_steps if denoise else start.num_steps
        return spent + 2 * (first + (tries - 1) * start.num_steps) * draws
    calls = trying(solver, start, tries)
    return spent + num * sets(solver) * (preparing(denoise, solver) + calls)


OPTIMIZERS.add(
    OptimizerEntry(
        "ays_mc",
        "Align Your Steps, Monte Carlo",
        ays_mc,
        PAPER,
        about="The paper's own search: KLUB by sampling, level by level, stopped by the solver.",
        learns_from="draws",
        seeds=seeds,
        evaluations=evaluations,
    )
)

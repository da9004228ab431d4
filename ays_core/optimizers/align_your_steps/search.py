"""What `ays` tries: the members of its family, with the solver itself, and the finalists again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch

from ays_core.denoiser import Bound
from ays_core.job import Job, Progress, relay
from ays_core.optimizers.align_your_steps.priced import Priced
from ays_core.optimizers.record import record
from ays_core.optimizers.trial import Trial, prepare
from ays_core.optimizers.tuned_range import tried_ranges
from ays_core.paths import ModelSpec
from ays_core.schedule import Schedule
from ays_core.statistics import Statistics

POWERS = (0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 3.0)
USUAL = 1.0  # what is shown before a power is chosen
FINALISTS, MORE = 4, 2  # candidates tried once more, on how many times as many noises
KEPT = ": the start, nothing was better"


def family(power: float, even: bool = False) -> str:
    """What a schedule found with this weight is called, by its prices as measured or `even`."""
    evened = ", evened" if even else ""
    return f"AYS family, weight sigma^-{power:g}{evened} (KLUB is 3)"


@dataclass(frozen=True)
class Candidate:
    """Levels to try: what to call them, and the prices by which they are best."""

    name: str
    sigmas: tuple[float, ...]
    power: float
    even: bool = False


class Search:
    """What a run of `ays` has found and spent so far."""

    def __init__(
        self, denoise: Bound, start: Schedule, solver: str, own: dict[str, Any], given: bool
    ) -> None:
        """`given`: the measurement was, and is no cost of this run."""
        self.denoise, self.start, self.solver, self.own = denoise, start, solver, own
        self.given, self.best, self.chosen = given, start, Candidate("start", start.sigmas, USUAL)
        self.evaluations, self.curve = 0, list[float]()
        self.tries, self.scores = dict[str, Candidate](), dict[str, float]()

    def made(self, found: Candidate, objective: str, **more: Any) -> Schedule:
        """A schedule with its record."""
        schedule = Schedule(found.sigmas)
        origin = record(
            "ays",
            self.denoise,
            self.start,
            schedule,
            self.solver,
            self.own | {"optimizer": "ays", "weight": found.power, "even": found.even} | more,
            evaluations=self.evaluations,
            objective=objective,
            curve=self.curve,
        )
        kept = KEPT if schedule == self.start else ""
        name = family(found.power, found.even) + kept
        return replace(schedule, origin=replace(origin, method=name))

    def minimum(self, statistics: Statistics) -> Schedule:
        """The global minimum at the weight asked for, or at a usual one before it is chosen."""
        even, power = self.own["even"], USUAL
        if self.own["power"] != "auto":
            power = float(self.own["power"])
        priced = Priced.by(statistics, self.start, power, even)
        cost, sigmas = priced.best(self.start.num_steps)[-1]
        start_cost, _ = next(priced.sweeps())
        self.curve.append(cost)
        self.evaluations = 0 if self.given else statistics.evaluations
        objective = f"price of all intervals with weight sigma^-{power:g}"
        found = Candidate("minimum", sigmas, power, even)
        self.best = self.made(found, objective, cost=cost, start_cost=start_cost)
        return self.best

    def minima(self, statistics: Statistics) -> Iterator[Candidate]:
        """The start, then the global minimum at every one of `POWERS`, as measured and even."""
        yield Candidate("start", self.start.sigmas, USUAL)
        num = self.start.num_steps
        for even in (False, True):
            for power in POWERS:
                priced = Priced.by(statistics, self.start, power, even)
                name = f"{power:g} even" if even else f"{power:g}"
                yield Candidate(name, priced.best(num)[-1][1], power, even)
        if not self.own["free_first"]:
            return
        for power, even in self.neighbours():
            for first in first_levels(self.denoise.spec, self.start):
                inner = (sigma for sigma in self.start.sigmas[1:] if sigma < first)
                priced = Priced.by(statistics, Schedule((first, *inner)), power, even)
                name = f"{power:g}{' even' if even else ''} from {first:.3g}"
                yield Candidate(name, priced.best(num)[-1][1], power, even)

    def neighbours(self) -> list[tuple[float, bool]]:
        """The prices chosen so far, and those with the weights next to it."""
        at = POWERS.index(self.chosen.power)
        return [(power, self.chosen.even) for power in POWERS[max(at - 1, 0) : at + 2]]

    def sweeps(self, statistics: Statistics) -> Iterator[Candidate]:
        """The start, then every sweep of the coordinate search."""
        even, power = self.own["even"], float(self.own["power"])
        priced = Priced.by(statistics, self.start, power, even)
        for sweep, (_, sigmas) in enumerate(priced.sweeps()):
            yield Candidate(str(sweep), sigmas, power, even)

    def tried(
        self, trial: Trial, candidates: Iterator[Candidate], patience: int | None = None
    ) -> Job[Schedule]:
        """The candidate with which the solver does best, until `patience` of them have not."""
        self.curve, scores = [], self.scores
        best = self.best
        for candidate in candidates:
            name = candidate.name
            scores[name] = yield from self.score(trial, candidate, best)
            self.tries[name] = candidate
            self.curve.append(scores[name])
            if len(scores) == 1 or scores[name] < scores[self.chosen.name]:
                self.chosen = candidate
            chosen = self.chosen.name
            best = self.made(self.chosen, trial.measures, scores=dict(scores), chosen=chosen)
            yield Progress(f"tried {name}", len(scores), len(scores), best)
            if patience and len(scores) - list(scores).index(chosen) > patience:
                break
        return best

    def settled(self, trial: Trial) -> Job[Schedule]:
        """The best of the start and `FINALISTS` on `MORE` times as many noises again.

        An error is made by the few samples that became another one, so the best of many candidates
        on few noises is often only the luckiest.
        """
        num = MORE * trial.num
        best = self.made(
            self.chosen, trial.measures, scores=dict(self.scores), chosen=self.chosen.name
        )
        new = yield from relay(
            prepare(self.denoise, self.solver, num, trial.seed + trial.num),
            lambda p: Progress("reference", p.done, p.total, best),
        )
        self.evaluations += new.evaluations
        names = sorted(self.scores, key=lambda name: self.scores[name])[:FINALISTS]
        finals = dict[str, float]()
        for name in dict.fromkeys(["start", *names]):
            again = yield from self.score(new, self.tries[name], best)
            finals[name] = ((self.scores[name] ** 2 + MORE * again**2) / (1 + MORE)) ** 0.5
        self.chosen = self.tries[min(finals, key=lambda name: finals[name])]
        objective = replace(trial, noise=torch.cat([trial.noise, new.noise])).measures
        chosen = self.chosen.name
        return self.made(
            self.chosen, objective, scores=dict(self.scores), finals=finals, chosen=chosen
        )

    def score(self, trial: Trial, candidate: Candidate, best: Schedule) -> Job[float]:
        """The candidate's score in a trial; `best` is shown meanwhile."""
        schedule = Schedule(candidate.sigmas)
        self.evaluations += trial.cost(schedule)
        job = trial.score(schedule)
        return (yield from relay(job, partial(_trying, candidate.name, best)))


def first_levels(spec: ModelSpec, start: Schedule) -> list[float]:
    """What a free first level may be, but for that of `start`."""
    highs, _ = tried_ranges(spec, start.final_zero)
    return [high for high in highs if high != start.sigmas[0] and high > start.sigmas[-1]]


def _trying(name: str, best: Schedule, p: Progress) -> Progress:
    return Progress(f"trying {name}", p.done, p.total, best)

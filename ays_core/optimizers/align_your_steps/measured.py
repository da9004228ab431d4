"""Align Your Steps, measured once: every schedule's cost is then arithmetic.

One walk up the noise axis (`statistics`) prices every interval, for any weight sigma^-p. So the
best schedule of every length is a shortest path, found exactly; another number of steps or another
p costs no evaluation. The paper's own weight, p = 3, bounds a divergence (KLUB), and its minimum is
worse to look at than what it starts from: the paper stops early. Here p is a parameter, by default
chosen by running the target solver.

A final 0 takes the place of the lowest level measured: the step into 0 holds D from the last
positive level on, and is priced down to that level, as nothing is known below it. So the last
positive level is as free as the others.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Annotated, Any

import numpy as np

from ays_core.compare import REFERENCE_STEPS
from ays_core.denoiser import Bound
from ays_core.job import Job, Progress, relay
from ays_core.optimizers.align_your_steps.programme import cheapest, cost_of, descend, fine_levels
from ays_core.optimizers.entry import OPTIMIZERS, OptimizerEntry, record
from ays_core.optimizers.trial import Trial, prepare
from ays_core.params import Choice, Range
from ays_core.schedule import Schedule
from ays_core.solvers import SOLVERS
from ays_core.statistics import Statistics, measure_model, measured_key

POWERS = (0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 3.0)
USUAL = 1.0  # what is shown before a power is chosen
REFERENCE_CALLS = SOLVERS["heun"].nfe(REFERENCE_STEPS["pictures"], final_zero=True)
PATIENCE = 4  # sweeps without a better score after which a search stops
PAPER = "Sabour et al. 2024, Align Your Steps, arXiv:2404.14507"


@dataclass(frozen=True, eq=False)
class Priced:
    """Every interval between the ends of `start`, priced with weight sigma^-power.

    `levels`: (L,), ascending, the start's own among them. `costs`: (L, L), from column to row.
    """

    start: Schedule
    power: float
    levels: np.ndarray
    costs: np.ndarray

    @staticmethod
    def by(statistics: Statistics, start: Schedule, power: float) -> Priced:
        """Prices by a measurement. With a final 0 the lowest level is the lowest measured."""
        lowest, highest = statistics.levels[[0, -1]]
        low = lowest if start.final_zero else max(start.sigmas[-1], lowest)
        levels = fine_levels(
            statistics.levels, low, min(start.sigmas[0], highest), *start.positive[1:]
        )
        return Priced(start, power, levels, statistics.costs(levels, power))

    def best(self, num_steps: int) -> list[tuple[float, tuple[float, ...]]]:
        """The global minimum, cost and levels, for 1 ... `num_steps` steps."""
        return [(cost, self._sigmas(path)) for cost, path in cheapest(self.costs, num_steps)]

    def sweeps(self) -> Iterator[tuple[float, tuple[float, ...]]]:
        """Cost and levels of `start`, then of every sweep of the coordinate search from it."""
        path = np.searchsorted(self.levels, self.start.sigmas[1:-1]).tolist()
        path = [len(self.levels) - 1, *path, 0]
        yield cost_of(self.costs, path), self.start.sigmas
        for swept in descend(self.costs, self.levels, path):
            yield cost_of(self.costs, swept), self._sigmas(swept)

    def _sigmas(self, path: list[int]) -> tuple[float, ...]:
        inner = self.levels[path[1:-1]].tolist()
        return (self.start.sigmas[0], *inner, self.start.sigmas[-1])


def family(power: float) -> str:
    """What a schedule found with this weight is called."""
    return f"AYS family, weight sigma^-{power:g} (KLUB is 3)"


def ays(  # noqa: PLR0913 - its parameters are the interface
    denoise: Bound,
    start: Schedule,
    solver: str,
    *,
    seed: int = 0,
    power: Annotated[
        str,
        Choice(
            ("auto", *(f"{p:g}" for p in POWERS)),
            "p of the weight sigma^-p: 3 is the paper's, less cares more about high noise; auto "
            "tries these with the solver itself",
            numbers=(-1, 4),
        ),
    ] = "auto",
    stop: Annotated[
        str,
        Choice(
            ("converged", "sampler"),
            "for a fixed power: the global minimum, or the sweep of the paper's search from the "
            "start at which the solver does best",
        ),
    ] = "converged",
    levels: Annotated[int, Range(24, 240, "noise levels measured, evenly in ln sigma")] = 96,
    paths: Annotated[int, Range(16, 8192, "samples carried up those levels", log=True)] = 256,
    num: Annotated[int, Range(8, 1024, "training noises to try the solver on", log=True)] = 128,
    measurement: Statistics | None = None,
) -> Job[Schedule]:
    """The schedule whose intervals cost least, as `start` has steps and ends.

    With a final 0 the last positive level is free down to the model's sigma_min. A `measurement`
    of the same model, condition and guidance saves measuring. What is returned is never worse than
    `start` by what it was chosen by: the price, or where a solver was tried, its score.
    """
    denoise.spec.check(start)
    own = {"power": power, "stop": stop, "levels": levels, "paths": paths, "num": num, "seed": seed}
    search = _Search(denoise, start, SOLVERS[solver].key, own)
    if measurement is None:
        walk = measure_model(denoise, levels=levels, paths=paths, seed=seed)
        measurement = yield from relay(
            walk, lambda p: replace(p, snapshot=search.guess(p.snapshot))
        )
        search.evaluations += measurement.evaluations
    elif measurement.key != measured_key(denoise):
        raise ValueError(f"that is a measurement of {measurement.key}, not of this model")
    if power != "auto" and stop == "converged":
        return search.minimum(measurement, float(power))
    trial = yield from relay(
        prepare(denoise, solver, num, seed),
        lambda p: Progress("reference", p.done, p.total, search.guess(measurement)),
    )
    search.evaluations += trial.evaluations
    if power == "auto":
        return (yield from search.tried(trial, search.minima(measurement), len(POWERS)))
    return (yield from search.tried(trial, search.sweeps(measurement, float(power)), PATIENCE))


Candidate = tuple[str, float, tuple[float, ...]]  # what to call it, its weight's power, its levels


class _Search:
    """What a run of `ays` has found and spent so far."""

    def __init__(self, denoise: Bound, start: Schedule, solver: str, own: dict[str, Any]) -> None:
        self.denoise, self.start, self.solver, self.own = denoise, start, solver, own
        self.evaluations = 0
        self.curve: list[float] = []
        self._guessed: tuple[Statistics | None, Schedule] = (None, start)

    def made(
        self, sigmas: tuple[float, ...], power: float, objective: str, **found: Any
    ) -> Schedule:
        """A schedule with its record."""
        origin = record(
            "ays",
            self.denoise,
            self.start,
            self.solver,
            self.own | {"optimizer": "ays", "weight": power} | found,
            evaluations=self.evaluations,
            objective=objective,
            curve=self.curve,
        )
        kept = ": the start, nothing was better" if sigmas == self.start.sigmas else ""
        return Schedule(sigmas, replace(origin, method=family(power) + kept))

    def guess(self, statistics: Statistics | None) -> Schedule:
        """The best by a measurement that is not finished."""
        if statistics is not self._guessed[0] and statistics is not None:
            power = USUAL if self.own["power"] == "auto" else float(self.own["power"])
            self._guessed = statistics, self.minimum(statistics, power)
        return self._guessed[1]

    def minimum(self, statistics: Statistics, power: float) -> Schedule:
        """The global minimum at this weight."""
        priced = Priced.by(statistics, self.start, power)
        cost, sigmas = priced.best(self.start.num_steps)[-1]
        start_cost, _ = next(priced.sweeps())
        self.curve.append(cost)
        objective = f"price of all intervals with weight sigma^-{power:g}"
        return self.made(sigmas, power, objective, cost=cost, start_cost=start_cost)

    def minima(self, statistics: Statistics) -> Iterator[Candidate]:
        """The start, then the global minimum at every one of `POWERS`."""
        yield "start", USUAL, self.start.sigmas
        for power in POWERS:
            priced = Priced.by(statistics, self.start, power)
            yield f"{power:g}", power, priced.best(self.start.num_steps)[-1][1]

    def sweeps(self, statistics: Statistics, power: float) -> Iterator[Candidate]:
        """The start, then every sweep of the coordinate search."""
        for sweep, (_, sigmas) in enumerate(Priced.by(statistics, self.start, power).sweeps()):
            yield str(sweep), power, sigmas

    def tried(self, trial: Trial, candidates: Iterator[Candidate], patience: int) -> Job[Schedule]:
        """The candidate with which the solver does best, until `patience` of them have not."""
        self.curve, scores = [], {}
        best, chosen, best_power = self._guessed[1], "", USUAL
        calls = SOLVERS[self.solver].nfe(self.start.num_steps, self.start.final_zero) * trial.num

        def shown(p: Progress) -> Progress:
            return Progress(f"trying {name}", p.done, p.total, best)

        for name, power, sigmas in candidates:
            score = yield from relay(trial.score(Schedule(sigmas)), shown)
            scores[name] = score
            self.curve.append(score)
            self.evaluations += calls
            if not chosen or score < scores[chosen]:
                best, chosen, best_power = Schedule(sigmas), name, power
            best = self.made(best.sigmas, best_power, trial.measures, scores=scores, chosen=chosen)
            yield Progress(f"tried {name}", len(scores), len(scores), best)
            if len(scores) - list(scores).index(chosen) > patience:
                break
        return best


def evaluations(
    start: Schedule,
    solver: str,
    *,
    power: str = "auto",
    stop: str = "converged",
    levels: int = 96,
    paths: int = 256,
    num: int = 128,
    **_own: object,
) -> int:
    """What `ays` costs without a measurement: measuring, the reference run, the trials. For a
    search that stops itself, as if it took ten sweeps."""
    measured = levels * paths
    if power != "auto" and stop == "converged":
        return measured
    calls = SOLVERS[solver].nfe(start.num_steps, start.final_zero)
    return measured + num * (
        REFERENCE_CALLS + calls * (1 + (len(POWERS) if power == "auto" else 10))
    )


OPTIMIZERS.add(
    OptimizerEntry(
        "ays",
        "Align Your Steps, measured once",
        ays,
        PAPER,
        about="Prices every interval from one measurement, then finds the cheapest way exactly.",
        evaluations=evaluations,
    )
)

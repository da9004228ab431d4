"""Align Your Steps, measured once: every schedule's cost is then arithmetic.

One walk up the noise axis (`statistics`) prices every interval, for any weight sigma^-p. So the
best schedule of every length is a shortest path, found exactly; another number of steps or another
p costs no evaluation. The paper's own weight, p = 3, bounds a divergence (KLUB), and its minimum is
worse to look at than what it starts from: the paper stops early. Here p is a parameter, by default
chosen by running the target solver.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated, Any

from ays_core.compare import REFERENCE_STEPS
from ays_core.denoiser import Bound
from ays_core.job import Job, Progress, relay
from ays_core.optimizers.align_your_steps.priced import Priced
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
KEPT = ": the start, nothing was better"
PAPER = "Sabour et al. 2024, Align Your Steps, arXiv:2404.14507"


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
    even: Annotated[
        bool,
        Choice(
            ("true", "false"),
            "for a fixed power: prices smoothed along the axis, which multistep solvers prefer",
        ),
    ] = False,
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
    own = {"power": power, "stop": stop, "even": even, "levels": levels, "paths": paths}
    own |= {"num": num, "seed": seed}
    search = _Search(denoise, start, SOLVERS[solver].key, own, measurement is not None)
    walk = measured(denoise, measurement, levels, paths, seed)
    statistics = yield from with_snapshots(walk, search.minimum, start)
    guess = search.minimum(statistics)
    if power != "auto" and stop == "converged":
        return guess
    trial = yield from relay(
        prepare(denoise, solver, num * sets(solver), seed),
        lambda p: Progress("reference", p.done, p.total, guess),
    )
    search.evaluations += trial.evaluations
    if power == "auto":
        return (yield from search.tried(trial, search.minima(statistics), 2 * len(POWERS)))
    return (yield from search.tried(trial, search.sweeps(statistics), PATIENCE))


def measured(
    denoise: Bound, measurement: Statistics | None, levels: int, paths: int, seed: int
) -> Job[Statistics]:
    """The measurement given, or a new one. Refuses one of something else with a `ValueError`."""
    if measurement is None:
        return (yield from measure_model(denoise, levels=levels, paths=paths, seed=seed))
    if measurement.key != measured_key(denoise):
        raise ValueError(f"that is a measurement of {measurement.key}, not of this model")
    return measurement


def with_snapshots(
    walk: Job[Statistics], made: Callable[[Statistics], Schedule], start: Schedule
) -> Job[Statistics]:
    """`walk` with schedules as snapshots: `made` of each measurement so far, `start` before."""
    newest: tuple[Statistics | None, Schedule] = (None, start)

    def shown(p: Progress) -> Progress:
        nonlocal newest
        if p.snapshot is not newest[0]:
            newest = p.snapshot, made(p.snapshot)
        return replace(p, snapshot=newest[1])

    return (yield from relay(walk, shown))


def sets(solver: str) -> int:
    """How many times as many noises a stochastic solver is tried on: it is judged by a distance
    between sets of samples, which needs more of them than errors of pairs do."""
    return 8 if SOLVERS[solver].stochastic else 1


@dataclass(frozen=True)
class Candidate:
    """Levels to try: what to call them, and the prices by which they are best."""

    name: str
    sigmas: tuple[float, ...]
    power: float
    even: bool = False


class _Search:
    """What a run of `ays` has found and spent so far."""

    def __init__(
        self, denoise: Bound, start: Schedule, solver: str, own: dict[str, Any], given: bool
    ) -> None:
        """`given`: the measurement was, and is no cost of this run."""
        self.denoise, self.start, self.solver, self.own = denoise, start, solver, own
        self.given, self.best = given, start
        self.evaluations, self.curve = 0, list[float]()

    def made(self, found: Candidate, objective: str, **more: Any) -> Schedule:
        """A schedule with its record."""
        origin = record(
            "ays",
            self.denoise,
            self.start,
            self.solver,
            self.own | {"optimizer": "ays", "weight": found.power, "even": found.even} | more,
            evaluations=self.evaluations,
            objective=objective,
            curve=self.curve,
        )
        kept = KEPT if found.sigmas == self.start.sigmas else ""
        return Schedule(found.sigmas, replace(origin, method=family(found.power) + kept))

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
        for even in (False, True):
            for power in POWERS:
                priced = Priced.by(statistics, self.start, power, even)
                name = f"{power:g} even" if even else f"{power:g}"
                yield Candidate(name, priced.best(self.start.num_steps)[-1][1], power, even)

    def sweeps(self, statistics: Statistics) -> Iterator[Candidate]:
        """The start, then every sweep of the coordinate search."""
        even, power = self.own["even"], float(self.own["power"])
        priced = Priced.by(statistics, self.start, power, even)
        for sweep, (_, sigmas) in enumerate(priced.sweeps()):
            yield Candidate(str(sweep), sigmas, power, even)

    def tried(self, trial: Trial, candidates: Iterator[Candidate], patience: int) -> Job[Schedule]:
        """The candidate with which the solver does best, until `patience` of them have not."""
        self.curve, scores = [], dict[str, float]()
        best, chosen = self.best, None
        calls = SOLVERS[self.solver].nfe(self.start.num_steps, self.start.final_zero) * trial.num
        for candidate in candidates:
            name = candidate.name
            scores[name] = yield from relay(
                trial.score(Schedule(candidate.sigmas)), partial(_trying, name, best)
            )
            self.curve.append(scores[name])
            self.evaluations += calls
            if chosen is None or scores[name] < scores[chosen.name]:
                chosen = candidate
            best = self.made(chosen, trial.measures, scores=dict(scores), chosen=chosen.name)
            yield Progress(f"tried {name}", len(scores), len(scores), best)
            if len(scores) - list(scores).index(chosen.name) > patience:
                break
        return best


def _trying(name: str, best: Schedule, p: Progress) -> Progress:
    return Progress(f"trying {name}", p.done, p.total, best)


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
    reference = 0 if SOLVERS[solver].stochastic else REFERENCE_CALLS
    trials = 1 + (2 * len(POWERS) if power == "auto" else 10)
    calls = SOLVERS[solver].nfe(start.num_steps, start.final_zero)
    return measured + num * sets(solver) * (reference + trials * calls)


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

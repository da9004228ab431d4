"""Align Your Steps, measured once: every schedule's cost is then arithmetic.

One walk up the noise axis (`statistics`) prices every interval, for any weight sigma^-p. So the
best schedule of every length is a shortest path, found exactly; another number of steps or another
p costs no evaluation. The paper's own weight, p = 3, bounds a divergence (KLUB), and its minimum is
worse to look at than what it starts from: the paper stops early. Here p is a parameter, by default
chosen by running the target solver.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Annotated

from ays_core.denoiser import Bound
from ays_core.job import Job, Progress, relay
from ays_core.optimizers.align_your_steps.search import FINALISTS, MORE, POWERS, Search
from ays_core.optimizers.entry import OPTIMIZERS, OptimizerEntry, check_seeds
from ays_core.optimizers.trial import Trial, given_or_prepared, preparing, sets, trying
from ays_core.optimizers.tuned_range import GRID
from ays_core.params import Choice, Range
from ays_core.schedule import Schedule
from ays_core.solvers import SOLVERS
from ays_core.statistics import Statistics, measure_model, measured_key

PATIENCE = 4  # sweeps without a better score after which a search stops
USUAL_SWEEPS = 10  # that a search stopping itself takes, for an estimate
PAPER = "Sabour et al. 2024, Align Your Steps, arXiv:2404.14507"


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
    free_first: Annotated[
        bool,
        Choice(
            ("true", "false"),
            "for power=auto: the first level is chosen too, from the model's sigma_max inwards, as "
            "if its range were tuned; false: it stays",
        ),
    ] = False,
    levels: Annotated[int, Range(24, 240, "noise levels measured, evenly in ln sigma")] = 96,
    paths: Annotated[int, Range(16, 8192, "samples carried up those levels", log=True)] = 256,
    num: Annotated[int, Range(8, 1024, "training noises to try the solver on", log=True)] = 128,
    measurement: Statistics | None = None,
    trial: Trial | None = None,
) -> Job[Schedule]:
    """The schedule whose intervals cost least, as `start` has steps and ends.

    With a final 0 the last positive level is free down to the model's sigma_min. A `measurement`
    of the same model, condition and guidance saves measuring, a `trial` its reference run. What is
    returned is never worse than `start` by what it was chosen by: the price, or where a solver was
    tried, its score.
    """
    denoise.spec.check(start)
    check_seeds(seed, seeds(solver, power=power, stop=stop, paths=paths, num=num))
    own = {"power": power, "stop": stop, "even": even, "free_first": free_first}
    own |= {"levels": levels, "paths": paths, "num": num, "seed": seed}
    search = Search(denoise, start, SOLVERS[solver].key, own, measurement is not None)
    walk = measured(denoise, measurement, levels, paths, seed)
    statistics = yield from with_snapshots(walk, search.minimum, start)
    guess = search.minimum(statistics)
    if power != "auto" and stop == "converged":
        return guess
    exam = yield from relay(
        given_or_prepared(trial, denoise, solver, num * sets(solver), seed),
        lambda p: Progress("reference", p.done, p.total, guess),
    )
    search.evaluations += exam.evaluations
    if power == "auto":
        best = yield from search.tried(exam, search.minima(statistics))
        if trial or SOLVERS[solver].stochastic:
            return best
        return (yield from search.settled(exam))
    return (yield from search.tried(exam, search.sweeps(statistics), PATIENCE))


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


def seeds(
    solver: str,
    *,
    power: str = "auto",
    stop: str = "converged",
    paths: int = 256,
    num: int = 128,
    **_own: object,
) -> int:
    """How many training seeds `ays` uses: of paths, and of trials, finalists' among them."""
    if power != "auto" and stop == "converged":
        return paths
    again = MORE if power == "auto" and not SOLVERS[solver].stochastic else 0
    return max(paths, num * (sets(solver) + again))


def evaluations(  # noqa: PLR0913 - the parameters that cost something
    start: Schedule,
    solver: str,
    *,
    denoise: Bound | None = None,
    power: str = "auto",
    stop: str = "converged",
    levels: int = 96,
    paths: int = 256,
    free_first: bool = False,
    num: int = 128,
    **_own: object,
) -> int:
    """What `ays` costs without a measurement: measuring, preparing trials, the trials. At most so
    much for power=auto; for a search that stops itself, as if it took `USUAL_SWEEPS`."""
    measured = levels * paths
    if power != "auto" and stop == "converged":
        return measured
    auto, entry, exam = power == "auto", SOLVERS[solver], preparing(denoise, solver)
    trials = 1 + (2 * len(POWERS) + 3 * GRID * free_first if auto else USUAL_SWEEPS)
    calls = partial(trying, solver, start, free_first=auto and free_first)
    again = MORE * (exam + calls(1 + FINALISTS)) if auto and not entry.stochastic else 0
    return measured + num * (sets(solver) * (exam + calls(trials)) + again)


OPTIMIZERS.add(
    OptimizerEntry(
        "ays",
        "Align Your Steps, measured once",
        ays,
        PAPER,
        about="Prices every interval from one measurement, then finds the cheapest way exactly.",
        learns_from="paths",
        seeds=seeds,
        evaluations=evaluations,
    )
)

"""The range-tuned twin of a closed form: the baseline that an optimised schedule has to beat.

Much of what separates a closed form's defaults from an optimised schedule is only where it starts
and ends. So the same closed form is tried over a grid of ranges, and then of its own parameters,
with the target solver on training noises. `karras*` is karras with its range tuned.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from operator import attrgetter

import numpy as np

from ays_core.comparison import TUNED
from ays_core.denoiser import Bound
from ays_core.job import Job, Progress, relay
from ays_core.optimizers.record import record
from ays_core.optimizers.trial import Trial, prepare
from ays_core.params import Choice, Parameter, adjustable
from ays_core.paths import ModelSpec
from ays_core.sampling import SampleRun
from ays_core.schedule import Schedule
from ays_core.schedules import SCHEDULES
from ays_core.solvers import SOLVERS

GRID = 6  # values of sigma_max, of sigma_min, and of every parameter of the closed form
NARROWEST = 4.0  # spreads of the data: how low sigma_max is tried, and how high sigma_min
KEPT = 4  # after a first look one in so many is tried again, on all noises
SCORE = attrgetter("score")

Given = Mapping[str, object]  # a range, or parameters of the closed form


@dataclass(frozen=True)
class Tried:
    """What was given to the closed form, what it made of that, and what this came to."""

    given: Given
    schedule: Schedule
    score: float = math.inf


def tuned(  # noqa: PLR0913 - each saves a caller some work
    denoise: Bound,
    key: str,
    num_steps: int,
    solver: str,
    *,
    seed: int = 0,
    num: int = 64,
    look: int | None = None,
    final_zero: bool = True,
    reference: SampleRun | None = None,
    trial: Trial | None = None,
) -> Job[Schedule]:
    """The closed form `key` with the range, then the parameters, that serve `solver` best.

    Tried on `num` training noises from `seed` on (`reference`: their reference run, where the
    caller has it; `trial`: all of that, prepared). With `look` a deterministic solver tries all on
    the first so many, and only the best quarter on all. Without a final 0 sigma_min stays the
    model's own: it is the noise left in the samples. The snapshot is the best so far. Raises
    `ValueError` where nothing can be made or run.
    """
    entry = SCHEDULES[key]

    def made(given: Given) -> Schedule:
        return entry.make(num_steps, denoise.spec, final_zero=final_zero, **given)

    plain = made({})
    if trial is None:
        trial = yield from relay(
            prepare(denoise, solver, num, seed, reference),
            lambda p: Progress("reference", p.done, p.total, snapshot=plain),
        )
    highs, lows = tried_ranges(denoise.spec, final_zero)
    ranges = [{"sigma_max": high, "sigma_min": low} for high, low in product(highs, lows)]
    own = [[{p.name: value} for value in tried_values(p)] for p in adjustable(entry.make)]
    first = trial.few(look) if look and trial.metric == "rmse" else None
    tuning = _Tuning(made, trial, first, Tried({}, plain), trial.evaluations)
    yield from tuning.go_on([[{}], ranges, *own])
    best = tuning.best
    if best.score == math.inf:
        raise ValueError(f"{key}: {SOLVERS[solver].label} runs in none of the ranges tried")
    facts = {**best.schedule.origin.params, "seed": seed, "num": trial.num, "score": best.score}
    made_by = record(
        key + TUNED,
        denoise,
        best.schedule,
        best.schedule,
        solver,
        {**facts, "tried_sigma_max": highs, "tried_sigma_min": lows},
        evaluations=tuning.evaluations,
        objective=trial.measures,
        curve=[best.score],
    )
    return Schedule(best.schedule.sigmas, replace(made_by, reference=entry.reference))


@dataclass
class _Tuning:
    """What a search has tried and spent so far, and the best of it."""

    made: Callable[[Given], Schedule]
    trial: Trial
    first: Trial | None  # a first look
    best: Tried
    evaluations: int
    done: int = 0
    total: int = 0

    def go_on(self, rounds: Sequence[Sequence[Given]]) -> Job[None]:
        """Tries the best so far with each change of a round, round after round."""
        self.total = sum(len(changes) + self.kept(changes) for changes in rounds)
        for changes in rounds:
            candidates = [{**self.best.given, **change} for change in changes]
            if self.first and (kept := self.kept(changes)):
                glanced = yield from self.tried(self.first, candidates)
                # in the order of their first levels: those that begin alike share a call
                best = sorted(glanced[:kept], key=lambda each: each.schedule.sigmas[0])
                candidates = [each.given for each in best]
            yield from self.tried(self.trial, candidates)

    def kept(self, changes: Sequence[Given]) -> int:
        """How many of a round are tried on all noises after a first look, if there is one."""
        return math.ceil(len(changes) / KEPT) if self.first and len(changes) > KEPT else 0

    def tried(self, exam: Trial, candidates: Sequence[Given]) -> Job[list[Tried]]:
        """Those that can be made, the best first."""
        found = list[Tried]()
        for given in candidates:
            self.done += 1
            try:
                schedule = self.made(given)
            except ValueError:
                continue  # this closed form cannot make so many levels in this range
            self.evaluations += exam.cost(schedule)
            score = yield from relay(exam.score(schedule), self.shown)
            found.append(Tried(given, schedule, score))
            if exam is self.trial:
                self.best = min(self.best, found[-1], key=SCORE)
        return sorted(found, key=SCORE)

    def shown(self, _: Progress) -> Progress:
        return Progress("tuning", self.done, self.total, snapshot=self.best.schedule)


def tried_ranges(spec: ModelSpec, final_zero: bool) -> tuple[list[float], list[float]]:
    """Values of sigma_max and of sigma_min: from the model's own inwards, evenly in ln sigma."""
    near = NARROWEST * spec.sigma_data
    highs = np.geomspace(spec.sigma_max, min(near, spec.sigma_max / 2), GRID)
    lows = np.geomspace(spec.sigma_min, min(near, spec.sigma_max / 4), GRID)
    return highs.tolist(), lows.tolist() if final_zero else [spec.sigma_min]


def tried_values(parameter: Parameter) -> list[object]:
    """Values of one of the closed form's own parameters, evenly over what it may be."""
    if isinstance(parameter.values, Choice):
        return list(parameter.values.options)
    spaced = np.geomspace if parameter.values.log else np.linspace
    values = spaced(parameter.values.low, parameter.values.high, GRID)
    return [round(value) if parameter.kind is int else float(value) for value in values]

"""The range-tuned twin of a closed form: the baseline that an optimised schedule has to beat.

Much of what separates a closed form's defaults from an optimised schedule is only where it starts
and ends. So the same closed form is tried over a grid of ranges, and then of its own parameters,
with the target solver on training noises. `karras*` is karras with its range tuned.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import product

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


def tuned(  # noqa: PLR0913 - each saves a caller some work
    denoise: Bound,
    key: str,
    num_steps: int,
    solver: str,
    *,
    seed: int = 0,
    num: int = 64,
    final_zero: bool = True,
    reference: SampleRun | None = None,
    trial: Trial | None = None,
) -> Job[Schedule]:
    """The closed form `key` with the range, then the parameters, that serve `solver` best.

    Tried on `num` training noises from `seed` on (`reference`: their reference run, where the
    caller has it; `trial`: all of that, prepared). Without a final 0 sigma_min stays the model's
    own: it is the noise left in the samples. The snapshot is the best so
    far. Raises `ValueError` where nothing can be made or run.
    """
    entry = SCHEDULES[key]

    def made(given: Mapping[str, object]) -> Schedule:
        return entry.make(num_steps, denoise.spec, final_zero=final_zero, **given)

    best, best_given, best_score, done = made({}), {}, float("inf"), 0
    if trial is None:
        trial = yield from relay(
            prepare(denoise, solver, num, seed, reference),
            lambda p: Progress("reference", p.done, p.total, snapshot=best),
        )
    num, spent = trial.num, trial.evaluations
    highs, lows = tried_ranges(denoise.spec, final_zero)
    rounds = [[{}, *({"sigma_max": hi, "sigma_min": lo} for hi, lo in product(highs, lows))]]
    rounds += [[{p.name: value} for value in tried_values(p)] for p in adjustable(entry.make)]
    total = sum(map(len, rounds))

    def shown(_: Progress) -> Progress:
        return Progress("tuning", done, total, snapshot=best)

    for changes in rounds:
        around = best_given
        for change in changes:
            done += 1
            try:
                candidate = made(around | change)
            except ValueError:
                continue  # this closed form cannot make so many levels in this range
            spent += trial.cost(candidate)
            score = yield from relay(trial.score(candidate), shown)
            if score < best_score:
                best, best_given, best_score = candidate, around | change, score
    if best_score == float("inf"):
        raise ValueError(f"{key}: {SOLVERS[solver].label} runs in none of the ranges tried")
    own = {**best.origin.params, "seed": seed, "num": num, "score": best_score}
    own |= {"tried_sigma_max": highs, "tried_sigma_min": lows}
    made_by = record(
        key + TUNED,
        denoise,
        best,
        best,
        solver,
        own,
        evaluations=spent,
        objective=trial.measures,
        curve=[best_score],
    )
    return Schedule(best.sigmas, replace(made_by, reference=entry.reference))


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

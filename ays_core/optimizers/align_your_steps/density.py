"""The AYS family in the limit of many short steps: levels from a formula, no programme.

A short step from b over h costs about s^-p M'(s) h^2 / 2, M the denoising error, so the cheapest
steps lie with density sqrt(s^-p dM/ds) (for p = 3, the square root of the I-MMSE rate; for p = 1 on
Gaussian data this is the arctangent schedule). What a denoiser moves between measured neighbours,
E_k,k+1, stands for dM: right for a guided one too.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import numpy as np

from ays_core.denoiser import Bound
from ays_core.job import Job
from ays_core.optimizers.align_your_steps.measured import PAPER, measured, with_snapshots
from ays_core.optimizers.align_your_steps.search import KEPT, family
from ays_core.optimizers.entry import OPTIMIZERS, OptimizerEntry, check_seeds
from ays_core.optimizers.record import record
from ays_core.params import Range
from ays_core.schedule import Schedule
from ays_core.statistics import Statistics


def evenly_spaced(statistics: Statistics, start: Schedule, power: float) -> Schedule:
    """Levels at equal shares of integral sqrt(s^-power dM/ds) ds, as `start` has steps and ends;
    a final 0 stands for the lowest level measured."""
    levels = statistics.levels
    middles = np.sqrt(levels[1:] * levels[:-1])
    moved = statistics.distances.diagonal(1)
    shares = np.sqrt(middles ** (1 - power) * moved)  # sqrt(s^-p E / ds) ds, ds = s dln s
    along = np.concatenate([[0.0], np.cumsum(shares)])
    ends = np.log([start.sigmas[0], start.sigmas[-1] or levels[0]])
    first, last = (float(np.interp(end, np.log(levels), along)) for end in ends)
    wanted = np.linspace(first, last, start.num_steps + 1)[1:-1]
    inner = np.exp(np.interp(wanted, along, np.log(levels)))
    return Schedule((start.sigmas[0], *inner, start.sigmas[-1]))


def ays_density(
    denoise: Bound,
    start: Schedule,
    solver: str,
    *,
    seed: int = 0,
    power: Annotated[
        float,
        Range(-1, 4, "p of the weight sigma^-p: 3 is the paper's, less cares more about noise"),
    ] = 1.0,
    levels: Annotated[int, Range(24, 240, "noise levels measured, evenly in ln sigma")] = 96,
    paths: Annotated[int, Range(16, 8192, "samples carried up those levels", log=True)] = 256,
    measurement: Statistics | None = None,
) -> Job[Schedule]:
    """The schedule with the density of the AYS family, as `start` has steps and ends.

    Right for many steps; for few it is a smooth neighbour of the best. Where `start` costs less by
    the same price, it is returned.
    """
    denoise.spec.check(start)
    check_seeds(seed, paths)
    own = {"power": power, "levels": levels, "paths": paths, "seed": seed, "weight": power}
    curve = list[float]()

    def made(statistics: Statistics) -> Schedule:
        found = evenly_spaced(statistics, start, power)
        cost, start_cost = (float(statistics.klub(s, power).sum()) for s in (found, start))
        kept, note = (found, ", as a density") if cost <= start_cost else (start, KEPT)
        curve.append(min(cost, start_cost))
        origin = record(
            "ays_density",
            denoise,
            start,
            kept,
            solver,
            own | {"cost": curve[-1], "start_cost": start_cost},
            evaluations=0 if measurement else statistics.evaluations,
            objective=f"price of all intervals with weight sigma^-{power:g}",
            curve=curve,
        )
        return Schedule(kept.sigmas, replace(origin, method=family(power) + note))

    walk = measured(denoise, measurement, levels, paths, seed)
    return made((yield from with_snapshots(walk, made, start)))


OPTIMIZERS.add(
    OptimizerEntry(
        "ays_density",
        "Align Your Steps, closed form",
        ays_density,
        PAPER,
        about="A formula from one measurement: levels as dense as the model's estimate moves fast.",
        learns_from="paths",
        seeds=lambda _solver, *, paths=256, **_own: paths,
        evaluations=lambda _start, _solver="", *, levels=96, paths=256, **_own: levels * paths,
    )
)

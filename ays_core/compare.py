"""The question this project answers: same model, same noise, same solver; which noise levels?

Every schedule starts from the same noise and is measured against one fine reference run of it. A
stochastic solver has no single right result: its samples are measured as a set, against exact
samples, with the floor that a perfect sampler would still have.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from statistics import fmean
from typing import Protocol, runtime_checkable

import numpy as np
import torch

from ays_core.comparison import SHOWN_SEED, Cell, Comparison
from ays_core.denoiser import Batch, Bound, Cond
from ays_core.job import Job, Progress, relay
from ays_core.metrics import METRICS, MetricEntry
from ays_core.perceptual import too_small
from ays_core.sampling import SampleRun, sample
from ays_core.schedule import Schedule
from ays_core.schedules import SCHEDULES
from ays_core.solvers import SOLVERS

REFERENCES = {"flow": ("heun_flow", "linear_t")}  # solver and levels, by noise path
REFERENCE_SOLVER, REFERENCE_SCHEDULE = "heun", "karras"  # of the others
REFERENCE_STEPS = {"pictures": 40, "points": 200}  # 79 and 399 calls, with the final 0
EXACT_SEED, FLOOR_SEED = 1_000_000, 2_000_000  # added to the seed: of exact samples
FLOOR_SETS = 4  # of exact samples drawn at random, whose mean distance is the floor

__all__ = ["Cell", "Comparison", "compare", "reference_run"]


@runtime_checkable
class HasComponents(Protocol):
    """An exact mixture: it knows which component a sample belongs to."""

    def component(self, x: Batch) -> torch.Tensor: ...


@runtime_checkable
class HasFeatures(Protocol):
    """An exact model: it has coordinates, (B, d), in which sets of samples can be compared, and
    knows what a perfect sampler would give: `num` independent draws."""

    def features(self, x: Batch) -> torch.Tensor: ...

    def draws(self, num: int, seed: int, cond: Cond | None = None) -> Batch: ...


def reference_run(denoise: Bound, noise: Batch) -> Job[SampleRun]:
    """The fine run that schedules are measured against: Heun on Karras levels over the model's
    whole range to a final 0, 79 calls for pictures and 399 for points. For a flow model both are
    in its own time, which begins where sigma is infinite.

    The snapshot is the newest estimate of x0. The result has no trajectory, to be small to keep.
    """
    steps = REFERENCE_STEPS[denoise.spec.kind]
    usual = REFERENCE_SOLVER, REFERENCE_SCHEDULE
    solver, levels = REFERENCES.get(denoise.spec.path.name, usual)
    fine = SCHEDULES[levels].make(steps, denoise.spec, final_zero=True)
    run = yield from sample(denoise, fine, solver, noise)
    return replace(run, trajectory=())


def compare(
    denoise: Bound,
    schedules: Sequence[Schedule],
    solver: str,
    noise: Batch,
    metrics: Iterable[str] | None = None,
    *,
    seed: int = SHOWN_SEED,
    reference: SampleRun | None = None,
) -> Job[Comparison]:
    """Run every schedule from the same unit `noise`, (B, *sample_shape), whose row 0 is `seed`.

    `metrics`: catalogue keys, all of them by default; those that mean nothing here are left out
    (an error to a reference for a stochastic solver, components for a network). `reference`: the
    reference run of this noise, where the caller has it. Yields after every denoiser call with
    the comparison so far as snapshot. A schedule that cannot run has the reason in its cell, and
    the others go on; an unknown solver or metric raises `ValueError`.
    """
    entry = SOLVERS[solver]
    wanted = [METRICS[key] for key in (METRICS if metrics is None else metrics)]
    measured = [m for m in wanted if _applies(m, denoise, entry.stochastic, len(noise))]
    calls = [entry.nfe(schedule.num_steps, schedule.final_zero) for schedule in schedules]
    total, done = sum(calls), 0
    result = Comparison(denoise.spec.key, entry.key, reference, "", {}, (), seed)
    if reference is None and not entry.stochastic:
        fine = SOLVERS[REFERENCE_SOLVER].nfe(REFERENCE_STEPS[denoise.spec.kind], final_zero=True)
        total, done = total + fine, fine
        run = yield from relay(
            reference_run(denoise, noise),
            lambda p: Progress("reference", p.done, total, snapshot=result),
        )
        result = replace(result, reference=run)

    distances = [m for m in measured if m.needs == "samples"]
    exact = _features(denoise, denoise.data(len(noise), seed + EXACT_SEED)) if distances else None
    floors = {} if exact is None else _floors(distances, denoise, exact, seed)
    result = replace(result, reference_note=_note(result, denoise, bool(distances)), floors=floors)

    for i, schedule in enumerate(schedules):
        so_far, before = result, done

        def counted(p: Progress, so_far=so_far, before=before, i=i) -> Progress:
            return Progress(f"schedule {i + 1}", before + p.done, total, snapshot=so_far)

        try:
            job = sample(denoise, denoise.spec.check(schedule), solver, noise, seed=seed)
            run = yield from relay(job, counted)
            cell = Cell(schedule, run, _numbers(measured, denoise, run, result.reference, exact))
        except ValueError as refused:
            cell = Cell(schedule, error=str(refused))
        done += calls[i]
        result = replace(result, cells=(*result.cells, cell))
    yield Progress("done", total, total, snapshot=result)
    return result


def _applies(metric: MetricEntry, denoise: Bound, stochastic: bool, num: int) -> bool:
    if metric.absent() or (metric.pictures_only and denoise.spec.kind != "pictures"):
        return False
    if metric.needs == "samples":
        return isinstance(denoise.model, HasFeatures) and num > 1
    if metric.needs == "components" and not isinstance(denoise.model, HasComponents):
        return False
    return not stochastic


def _numbers(
    measured: Sequence[MetricEntry],
    denoise: Bound,
    run: SampleRun,
    reference: SampleRun | None,
    exact: torch.Tensor | None,
) -> dict[str, float]:
    """Every metric of one run."""
    values = {}
    for metric in measured:
        if metric.needs == "pictures":
            pair = () if reference is None else _decoded(denoise, run, reference)
            if pair and not too_small(pair[0].shape):
                values[metric.key] = metric.make(*pair)
            continue
        if metric.needs == "samples":
            values[metric.key] = metric.make(_features(denoise, run.samples), exact)
        elif reference is not None:
            pair = (run.samples, reference.samples)
            if metric.needs == "components" and isinstance(denoise.model, HasComponents):
                pair = (denoise.model.component(pair[0]), denoise.model.component(pair[1]))
            values[metric.key] = metric.make(*pair)
    return values


def _decoded(denoise: Bound, *runs: SampleRun) -> tuple[np.ndarray, ...]:
    return tuple(denoise.model.decode(run.samples) for run in runs)


def _floors(
    distances: Sequence[MetricEntry], denoise: Bound, exact: torch.Tensor, seed: int
) -> dict[str, float]:
    """What a perfect sampler would score: the mean of `FLOOR_SETS` sets drawn at random.

    The exact set has every component as often as it should be; samples have them by chance.
    """
    assert isinstance(denoise.model, HasFeatures)  # `_applies` saw to it
    sets = [
        _features(denoise, denoise.model.draws(len(exact), seed + FLOOR_SEED * k, denoise.cond))
        for k in range(1, FLOOR_SETS + 1)
    ]
    return {f"{m.key}_floor": fmean(m.make(drawn, exact) for drawn in sets) for m in distances}


def _features(denoise: Bound, x: Batch) -> torch.Tensor:
    assert isinstance(denoise.model, HasFeatures)  # `_applies` saw to it
    return denoise.model.features(x)


def _note(result: Comparison, denoise: Bound, distances: bool) -> str:
    parts = []
    if result.reference is not None:
        ran, label = result.reference, SOLVERS[result.reference.solver].label
        parts.append(f"reference: {label}, {ran.nfe} calls, the same noise")
    if SOLVERS[result.solver].stochastic:
        parts.append("no error to the reference: the solver adds fresh noise in every step")
    if distances:
        guided = ", which guidance moves away from" if denoise.guidance != 1 else ""
        parts.append(f"distances: to exact samples{guided}")
    return "; ".join(parts)

"""The question this project answers: same model, same noise, same solver; which noise levels?

Every schedule starts from the same noise and is measured against one fine reference run of it. A
stochastic solver has no single right result: its samples are measured as a set, against exact
samples, with the floor that a perfect sampler would still have.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Protocol, runtime_checkable

import numpy as np
import torch

from ays_core.comparison import SHOWN_SEED, Cell, Comparison
from ays_core.denoiser import Batch, Bound, Cond
from ays_core.job import Job, Progress, relay
from ays_core.metrics import METRICS, MetricEntry
from ays_core.paths import ModelSpec, long_tailed
from ays_core.perceptual import too_small
from ays_core.sampling import SampleRun, sample
from ays_core.schedule import Schedule
from ays_core.schedules import SCHEDULES
from ays_core.solvers import SOLVERS

REFERENCE_SOLVER, REFERENCE_SCHEDULE = "heun", "karras"
FLOW_SOLVER = "heun_flow"  # the same in a flow model's own time
TOGETHER = 2  # steps of a network after which a reference run can be gone on with
REFERENCE_STEPS = {"pictures": 40, "points": 200}  # 79 and 399 calls, with the final 0
EXACT_SEED, FLOOR_SEED = 1_000_000, 2_000_000  # added to the seed: of exact samples
FLOOR_SETS = 4  # of exact samples drawn at random, whose mean distance is the floor

__all__ = ["Begun", "Cell", "Comparison", "compare", "reference_run"]


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


@dataclass(frozen=True, eq=False)
class Begun:
    """A reference run so far: after `steps` of its steps x is `noise` times the level there."""

    steps: int
    noise: Batch
    seconds: float = 0.0


def reference_run(denoise: Bound, noise: Batch, begun: Begun | None = None) -> Job[SampleRun]:
    """The fine run that schedules are measured against: Heun over the model's whole range to a
    final 0, on the levels of `reference_levels`, 79 calls for pictures and 399 for points.

    The snapshot is a `Begun`, to go on from another time: Heun remembers nothing between steps. It
    is renewed every few steps of a network; a formula is quick, and has none. The result has no
    trajectory, to be small to keep.
    """
    fine = reference_levels(denoise.spec)
    solver = FLOW_SOLVER if denoise.spec.path.name == "flow" else REFERENCE_SOLVER
    at = begun or Begun(0, noise)
    size = fine.num_steps if denoise.spec.exact else TOGETHER
    calls = tuple(sigma for step in SOLVERS[solver].calls(fine.sigmas) for sigma in step)
    done, snapshot, ran = 2 * at.steps, begun, fine.sigmas[: at.steps]
    for first in range(at.steps, fine.num_steps, size):
        part = Schedule(fine.sigmas[first : first + size + 1])

        def of_all(p: Progress, done: int = done, snapshot=snapshot) -> Progress:
            return Progress("reference", done + p.done, len(calls), snapshot)

        run = yield from relay(sample(denoise, part, solver, at.noise), of_all)
        left = run.samples / (part.sigmas[-1] or 1.0)
        at = Begun(first + part.num_steps, left, at.seconds + run.seconds)
        done, snapshot, ran = done + run.nfe, at, (*ran, *run.ran[:-1])
    return SampleRun(fine, solver, at.noise, (), (*ran, 0.0), calls, at.seconds)


def reference_levels(spec: ModelSpec) -> Schedule:
    """Karras' levels; even in model time for a flow model, where that begins at infinity, and for a
    table that ends in pure noise, where most of Karras' levels would lie above all that matters."""
    steps = REFERENCE_STEPS[spec.kind]
    form = "linear_t" if long_tailed(spec) else REFERENCE_SCHEDULE
    return SCHEDULES[form].make(steps, spec, final_zero=True)


def compare(
    denoise: Bound,
    schedules: Sequence[Schedule],
    solver: str,
    noise: Batch,
    metrics: Iterable[str] | None = None,
    *,
    seed: int = SHOWN_SEED,
    reference: SampleRun | None = None,
    floors: Mapping[str, float] | None = None,
) -> Job[Comparison]:
    """Run every schedule from the same unit `noise`, (B, *sample_shape), whose row 0 is `seed`.

    `metrics`: catalogue keys, all of them by default; those that mean nothing here are left out
    (an error to a reference for a stochastic solver, components for a network). `reference`: the
    reference run of this noise, where the caller has it; `floors`: what a perfect sampler scores
    with as many samples of these seeds, where an earlier comparison found it. Yields after every
    denoiser call with the comparison so far as snapshot. A schedule that cannot run has the reason
    in its cell, and the others go on; an unknown solver or metric raises `ValueError`.
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
    known, asked = floors or {}, [f"{metric.key}_floor" for metric in distances]
    if exact is not None and not known.keys() >= set(asked):
        known = _floors(distances, denoise, exact, seed)
    note = _note(result, denoise, bool(distances))
    result = replace(result, reference_note=note, floors={key: known[key] for key in asked})

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

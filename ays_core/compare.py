"""The question this project answers: same model, same noise, same solver; which noise levels?

Every schedule starts from the same noise and is measured against one fine reference run of it. A
stochastic solver has no single right result: its samples are measured as a set, against exact
samples, with the floor that two exact sets of that size have.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol, runtime_checkable

import torch

from ays_core.denoiser import Batch, Bound
from ays_core.job import Job, Progress, relay
from ays_core.metrics import METRICS, MetricEntry, squared_errors
from ays_core.sampling import SampleRun, sample
from ays_core.schedule import Schedule
from ays_core.schedules import SCHEDULES
from ays_core.solvers import SOLVERS

REFERENCE_SOLVER, REFERENCE_SCHEDULE = "heun", "karras"
REFERENCE_STEPS = {"pictures": 40, "points": 200}  # 79 and 399 calls, with the final 0
SHOWN_SEED = 10_000  # seeds below are for optimising, from here on for showing and judging
EXACT_SEEDS = 1_000_000, 2_000_000  # added to the seed for the exact set, and for the floor's other
CLEAR = 2.0  # standard errors from which on a difference is more than chance
TUNED = "*"  # `karras*` is karras with its range tuned


@runtime_checkable
class HasComponents(Protocol):
    """An exact mixture: it knows which component a sample belongs to."""

    def component(self, x: Batch) -> torch.Tensor: ...


@runtime_checkable
class HasFeatures(Protocol):
    """A model with coordinates, (B, d), in which sets of samples can be compared."""

    def features(self, x: Batch) -> torch.Tensor: ...


@dataclass(frozen=True, eq=False)
class Cell:
    """One schedule's run and its numbers, by metric key. A failed one has an `error` and no run."""

    schedule: Schedule
    run: SampleRun | None = None
    metrics: Mapping[str, float] = field(default_factory=dict[str, float])
    error: str = ""


@dataclass(frozen=True, eq=False)
class Comparison:
    """Several schedules on the same noise, that of rows seed, seed + 1, ...

    `reference`: the fine run of that noise; None for a stochastic solver, unless one was given.
    `reference_note`: what the numbers are measured against, in words. `floors`: `<metric>_floor`,
    the distance between two exact sets of the same size.
    """

    spec_key: str
    solver: str
    reference: SampleRun | None
    reference_note: str
    floors: Mapping[str, float]
    cells: tuple[Cell, ...]
    seed: int = SHOWN_SEED

    @property
    def main_metric(self) -> str:
        """The metric that ranks: the error to the reference run, else a distance; "" for none."""
        measured = {key for cell in self.cells for key in cell.metrics}
        return next((key for key in METRICS if key in measured), "")

    @property
    def ranked(self) -> tuple[Cell, ...]:
        """The cells that ran, best first."""
        key = self.main_metric
        if not key:
            return ()
        sign = 1 if METRICS[key].better == "low" else -1
        ran = [cell for cell in self.cells if key in cell.metrics]
        return tuple(sorted(ran, key=lambda cell: sign * cell.metrics[key]))

    @property
    def finding(self) -> str:
        """The result in plain sentences; "" with fewer than two runs to compare."""
        return self.finding_with({})

    def finding_with(self, names: Mapping[Schedule, str]) -> str:
        """`finding`, with schedules called what the caller calls them."""
        if len(self.ranked) < 2:
            return ""
        called = {cell.schedule: name_of(cell.schedule) for cell in self.cells} | dict(names)
        sentences = [_who_is_closest(self, called), _what_the_lead_is_worth(self, called)]
        sentences += [
            _who_loses(self.ranked[:i], cell, called) for i, cell in enumerate(self.ranked)
        ]
        return " ".join(filter(None, sentences))

    def clear(self, better: Cell, worse: Cell) -> bool:
        """Whether `better` leads by more than chance: for errors, by the spread of the differences
        from noise to noise; for distances, by more than two exact sets differ."""
        key = self.main_metric
        if key == "rmse" and self.reference and better.run and worse.run:
            target = self.reference.samples
            lead = squared_errors(worse.run.samples, target)
            lead = lead - squared_errors(better.run.samples, target)
            if len(lead) < 2:
                return False
            return float(lead.mean()) > CLEAR * float(lead.std()) / len(lead) ** 0.5
        gap = abs(worse.metrics[key] - better.metrics[key])
        return gap > self.floors.get(f"{key}_floor", 0.0)


def reference_run(denoise: Bound, noise: Batch) -> Job[SampleRun]:
    """The fine run that schedules are measured against: Heun on Karras levels over the model's
    whole range to a final 0, 79 calls for pictures and 399 for points.

    The snapshot is the newest estimate of x0. The result has no trajectory, to be small to keep.
    """
    steps = REFERENCE_STEPS[denoise.spec.kind]
    fine = SCHEDULES[REFERENCE_SCHEDULE].make(steps, denoise.spec, final_zero=True)
    run = yield from sample(denoise, fine, REFERENCE_SOLVER, noise)
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

    exact = [
        _features(denoise, denoise.data(len(noise), seed + other))
        for other in EXACT_SEEDS
        if any(m.needs == "samples" for m in measured)
    ]
    floors = {f"{m.key}_floor": m.make(*exact) for m in measured if m.needs == "samples"}
    result = replace(result, reference_note=_note(result, denoise, bool(exact)), floors=floors)

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
    if metric.pictures_only and denoise.spec.kind != "pictures":
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
    exact: Sequence[torch.Tensor],
) -> dict[str, float]:
    """Every metric of one run."""
    values = {}
    for metric in measured:
        if metric.needs == "samples":
            values[metric.key] = metric.make(_features(denoise, run.samples), exact[0])
        elif reference is not None:
            pair = (run.samples, reference.samples)
            if metric.needs == "components" and isinstance(denoise.model, HasComponents):
                pair = (denoise.model.component(pair[0]), denoise.model.component(pair[1]))
            values[metric.key] = metric.make(*pair)
    return values


def _features(denoise: Bound, x: Batch) -> torch.Tensor:
    assert isinstance(denoise.model, HasFeatures)  # `_applies` saw to it
    return denoise.model.features(x)


# In words


def name_of(schedule: Schedule) -> str:
    """What to call a schedule: its maker's label."""
    method = schedule.origin.method
    if method.removesuffix(TUNED) not in SCHEDULES:
        return method
    label = SCHEDULES[method.removesuffix(TUNED)].label
    return f"{label} with its range tuned" if method.endswith(TUNED) else label


def optimised(schedule: Schedule) -> bool:
    """Whether a search found it: its record says how many evaluations that took."""
    origin = schedule.origin
    return "evaluations" in origin.params and not origin.method.endswith(TUNED)


def three_digits(value: float) -> str:
    """0.1 as 0.100, 12.34 as 12.3."""
    return f"{value:#.3g}".removesuffix(".")


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


def _who_is_closest(result: Comparison, called: Mapping[Schedule, str]) -> str:
    key, entry = result.main_metric, METRICS[result.main_metric]
    best, *others = result.ranked
    target = "exact samples" if entry.needs == "samples" else "the reference run"
    calls = {cell.run.nfe for cell in result.ranked if cell.run}

    def number(cell: Cell) -> str:
        of = f" in {cell.run.nfe} calls" if cell.run and len(calls) > 1 else ""
        return f"{three_digits(cell.metrics[key])}{of}"

    label = entry.label[0].lower() + entry.label[1:]
    against = _listed([f"{number(cell)} for {called[cell.schedule]}" for cell in others])
    num = len(best.run.samples) if best.run else 0
    unseen = " not used to optimise" if result.seed >= SHOWN_SEED else ""
    where = f"{SOLVERS[result.solver].label}"
    where += f", {min(calls)} calls" if len(calls) == 1 else ""
    floor = result.floors.get(f"{key}_floor")
    apart = f"; two exact sets differ by {three_digits(floor)}" if floor is not None else ""
    return (
        f"{called[best.schedule]} comes closest to {target}: {label} {number(best)}, "
        f"against {against} ({where}, {num} noises{unseen}{apart})."
    )


def _what_the_lead_is_worth(result: Comparison, called: Mapping[Schedule, str]) -> str:
    best, *others = result.ranked
    unclear = [called[cell.schedule] for cell in others if not result.clear(best, cell)]
    return f"Its lead over {_listed(unclear)} may be chance." if unclear else ""


def _who_loses(ahead: Sequence[Cell], cell: Cell, called: Mapping[Schedule, str]) -> str:
    if not optimised(cell.schedule):
        return ""
    winners = [called[c.schedule] for c in ahead if not optimised(c.schedule)]
    if not winners:
        return ""
    return f"{called[cell.schedule]}, found by a search, loses here to {_listed(winners)}."


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"

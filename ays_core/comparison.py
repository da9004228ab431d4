"""What came of a comparison: its numbers, who is ahead by more than chance, and that in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean, stdev

from ays_core.metrics import METRICS, squared_errors
from ays_core.sampling import SampleRun
from ays_core.schedule import Schedule
from ays_core.schedules import SCHEDULES
from ays_core.solvers import SOLVERS

SHOWN_SEED = 10_000  # seeds below are for optimising, from here on for showing and judging
CLEAR = 2.0  # standard errors from which on a difference is more than chance
TUNED = "*"  # `karras*` is karras with its range tuned


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
    the distance of as many exact samples drawn at random.
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
        told = (_who_is_closest, _what_the_lead_is_worth, _the_ordinary_picture, _who_loses)
        return " ".join(filter(None, (sentence(self, called) for sentence in told)))

    def clear(self, better: Cell, worse: Cell) -> bool:
        """Whether `better` leads by more than chance: for errors, by the spread of the differences
        from noise to noise; for distances, by more than a perfect sampler is off."""
        key = self.main_metric
        if key == "rmse" and self.reference and better.run and worse.run:
            target = self.reference.samples
            lead = squared_errors(worse.run.samples, target)
            return beyond_chance((lead - squared_errors(better.run.samples, target)).tolist())
        gap = abs(worse.metrics[key] - better.metrics[key])
        return gap > self.floors.get(f"{key}_floor", 0.0)


def beyond_chance(lead: Sequence[float]) -> bool:
    """Whether a lead, noise by noise, is clear of 0 by the spread of its mean."""
    return len(lead) > 1 and fmean(lead) > CLEAR * stdev(lead) / len(lead) ** 0.5


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


def _who_is_closest(result: Comparison, called: Mapping[Schedule, str]) -> str:
    key, entry = result.main_metric, METRICS[result.main_metric]
    best, *others = result.ranked
    target = "exact samples" if entry.needs == "samples" else "the reference run"
    calls = {cell.run.nfe for cell in result.ranked if cell.run}

    def number(cell: Cell) -> str:
        of = f" in {cell.run.nfe} calls" if cell.run and len(calls) > 1 else ""
        return f"{three_digits(cell.metrics[key])}{of}"

    label = entry.label[0].lower() + entry.label[1:]
    against = listed([f"{number(cell)} for {called[cell.schedule]}" for cell in others])
    num = len(best.run.samples) if best.run else 0
    unseen = " not used to optimise" if result.seed >= SHOWN_SEED else ""
    where = f"{SOLVERS[result.solver].label}"
    where += f", {min(calls)} calls" if len(calls) == 1 else ""
    floor = result.floors.get(f"{key}_floor")
    apart = f"; random exact samples are {three_digits(floor)} off" if floor is not None else ""
    return (
        f"{called[best.schedule]} comes closest to {target}: {label} {number(best)}, "
        f"against {against} ({where}, {num} noises{unseen}{apart})."
    )


def _what_the_lead_is_worth(result: Comparison, called: Mapping[Schedule, str]) -> str:
    best, *others = result.ranked
    unclear = [called[cell.schedule] for cell in others if not result.clear(best, cell)]
    return f"Its lead over {listed(unclear)} may be chance." if unclear else ""


def _the_ordinary_picture(result: Comparison, called: Mapping[Schedule, str]) -> str:
    """The root mean square is made by the few pictures that became another one; the median is not,
    and may have another winner."""
    rated = [cell for cell in result.ranked if "psnr_median" in cell.metrics]
    if not rated or result.main_metric != "rmse":
        return ""
    first, best = rated[0], max(rated, key=lambda cell: cell.metrics["psnr_median"])
    if best is first:
        return ""
    found, other = (three_digits(cell.metrics["psnr_median"]) for cell in (best, first))
    name = called[best.schedule]
    return f"The ordinary picture is closest with {name}: median PSNR {found} dB, not {other} dB."


def _who_loses(result: Comparison, called: Mapping[Schedule, str]) -> str:
    """What a search found is expected to win; it is said where it does not."""
    sentences = []
    for i, cell in enumerate(result.ranked):
        ahead = [called[c.schedule] for c in result.ranked[:i] if not optimised(c.schedule)]
        if ahead and optimised(cell.schedule):
            name = called[cell.schedule]
            sentences.append(f"{name}, found by a search, loses here to {listed(ahead)}.")
    return " ".join(sentences)


def listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"

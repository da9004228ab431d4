"""A grid's numbers as a table, and as one sentence."""

from __future__ import annotations

from collections.abc import Sequence

from ays_core.comparison import beyond_chance, listed, three_digits
from ays_core.grid import Grid, Line
from ays_core.metrics import METRICS
from ays_core.models import spec_of
from ays_core.perceptual import SMALLEST
from ays_core.solvers import SOLVERS
from components.grids.lines import line_name

SMALL = "pictures of fewer than {} pixels a side are too small for networks that saw photographs"


def table(lines: Sequence[Line]) -> tuple[list[str], list[list[str]]]:
    """The numbers as headings and rows of final texts; a distance with its floor."""
    keys = [key for key in METRICS if any(key in line.metrics for line in lines)]
    head = ["Schedule", "Solver", "Calls", *(METRICS[key].label for key in keys)]
    rows = []
    for line in lines:
        values = [_number(line, key) for key in keys]
        if line.error:
            values = [line.error, *[""] * (len(keys) - 1)]
        solver = SOLVERS[line.solver].label
        rows.append([line.named.name, solver, str(line.nfe), *values])
    return head, rows


def missing(grid: Grid) -> str:
    """Why numbers that one may look for are not there; "" for points, which nobody would."""
    spec = spec_of(grid.model)
    if spec.kind != "pictures":
        return ""
    entries = [entry for entry in METRICS.values() if entry.needs == "pictures"]
    reasons = {entry.label: entry.absent() for entry in entries}
    if spec.exact:
        reasons = dict.fromkeys(reasons, SMALL.format(SMALLEST))
    said = {reason: [label for label in reasons if reasons[label] == reason] for reason in
            dict.fromkeys(reasons.values()) if reason}  # fmt: skip
    return " ".join(f"No {listed(labels)} here: {reason}." for reason, labels in said.items())


def _number(line: Line, key: str) -> str:
    if key not in line.metrics:
        return ""
    floor = line.floors.get(f"{key}_floor")
    beside = "" if floor is None else f" (floor {three_digits(floor)})"
    unit = " dB" if METRICS[key].unit == "dB" else ""
    return f"{three_digits(line.metrics[key])}{unit}{beside}"


def finding(lines: Sequence[Line], grid: Grid) -> str:
    """Who comes closest, and whether by more than chance; "" with fewer than two to compare."""
    key = next((key for key in METRICS if any(key in line.metrics for line in lines)), "")
    ranked = sorted((x for x in lines if key in x.metrics), key=lambda x: x.metrics[key])
    if len(ranked) < 2:
        return ""
    best, *others = ranked

    def said(line: Line) -> str:
        return f"{_number(line, key)} for {line_name(grid, line)} in {_calls(line)}"

    target = "exact samples" if METRICS[key].needs == "samples" else "the reference run"
    against = "; ".join(said(line) for line in others)
    close = [line_name(grid, line) for line in others if not _clear(best, line, key)]
    chance = f" Its lead over {listed(close)} may be chance." if close else ""
    return (
        f"Closest to {target}: {METRICS[key].label.lower()} {said(best)}, against {against} "
        f"({best.noises} noises not used to optimise).{chance}{_unranked(lines, grid, key)}"
    )


def _clear(better: Line, worse: Line, key: str) -> bool:
    """Whether a lead is more than chance, by the rule of a comparison."""
    if key == "rmse":
        lead = [b - a for a, b in zip(better.squared, worse.squared, strict=True)]
        return beyond_chance(lead)
    gap = worse.metrics[key] - better.metrics[key]
    return gap > better.floors.get(f"{key}_floor", 0.0)


def _unranked(lines: Sequence[Line], grid: Grid, key: str) -> str:
    """Why a line that ran is not among those that are ranked."""
    names = [line_name(grid, line) for line in lines if key not in line.metrics and not line.error]
    if not names:
        return ""
    verb, has = ("adds", "has") if len(names) == 1 else ("add", "have")
    return (
        f" {listed(names)} {verb} fresh noise in every step and {has} no error to the reference "
        "run: compare distances."
    )


def _calls(line: Line) -> str:
    return f"{line.nfe} calls" if line.nfe != 1 else "1 call"

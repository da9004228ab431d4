"""A grid's numbers as a table, and as one sentence."""

from __future__ import annotations

from collections.abc import Sequence

from ays_core.grid import Grid, Line
from ays_core.metrics import METRICS
from ays_core.solvers import SOLVERS
from components.grids.lines import line_name

MISSING = (
    "LPIPS and FID are not shown: they need networks whose weights are not part of this app. "
    "Distances are in the model's own coordinates instead."
)


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


def _number(line: Line, key: str) -> str:
    if key not in line.metrics:
        return ""
    floor = line.floors.get(f"{key}_floor")
    beside = "" if floor is None else f" (floor {floor:.3g})"
    return f"{line.metrics[key]:#.3g}{beside}"


def finding(lines: Sequence[Line], grid: Grid) -> str:
    """Who comes closest, in a sentence; "" with fewer than two to compare."""
    key = next((key for key in METRICS if any(key in line.metrics for line in lines)), "")
    ranked = sorted((x for x in lines if key in x.metrics), key=lambda x: x.metrics[key])
    if len(ranked) < 2:
        return ""
    best, *others = ranked

    def said(line: Line) -> str:
        return f"{_number(line, key)} for {line_name(grid, line)} in {line.nfe} calls"

    target = "exact samples" if METRICS[key].needs == "samples" else "the reference run"
    against = "; ".join(said(line) for line in others)
    return (
        f"Closest to {target}: {METRICS[key].label.lower()} {said(best)}, against {against} "
        f"({best.noises} noises not used to optimise)."
    )

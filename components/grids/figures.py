"""A grid in numbers as Plotly figures: along the runs, and over the steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ays_core.grid import Film, GridCell, GridResult, Line
from ays_core.metrics import METRICS, squared_errors
from ays_core.solvers import SOLVERS
from components.grids.lines import line_name, style_of
from components.state import Studio


def error_figure(
    result: GridResult, found: Sequence[tuple[GridCell, Film]], studio: Studio
) -> dict[str, Any]:
    """How far the estimate of x0 is from the reference run, call by call."""
    reference = result.references[result.grid.seeds[0]].samples
    lines = []
    for cell, filmed in found:
        colour, dash = style_of(result.grid, cell.spot, studio)
        way = [(sigma, x0) for sigma, x0 in filmed.run.trajectory]
        errors = [float(squared_errors(x0, reference[: len(x0)]).mean().sqrt()) for _, x0 in way]
        lines.append(_trace(result, cell, [sigma for sigma, _ in way], errors, colour, dash))
    return _figure(lines, "sigma", "error of the estimate of x0", log_x=True, falling=True)


def step_figure(
    result: GridResult, found: Sequence[tuple[GridCell, Film]], studio: Studio
) -> dict[str, Any]:
    """How long each step is in log sigma, where it is; a step to 0 has no length there."""
    lines = []
    for cell, filmed in found:
        colour, dash = style_of(result.grid, cell.spot, studio)
        levels = np.array([sigma for sigma in filmed.run.ran if sigma > 0])
        middle = np.sqrt(levels[1:] * levels[:-1])
        length = np.log(levels[:-1] / levels[1:])
        lines.append(_trace(result, cell, middle.tolist(), length.tolist(), colour, dash))
    return _figure(lines, "sigma", "step in ln sigma", log_x=True, falling=True)


def numbers_figure(
    result: GridResult, lines: Sequence[Line], metric: str, studio: Studio
) -> dict[str, Any]:
    """One metric: over the steps where there are several, else a bar for every line. A distance
    has its floor, how far random exact samples are, as a dotted line."""
    grid, entry = result.grid, METRICS[metric]
    having = [line for line in lines if metric in line.metrics]
    drawn: list[dict[str, Any]] = []
    if len(grid.steps) > 1:
        ways = {(line.named.name, line.solver): line for line in having}
        for (name, solver), line in ways.items():
            own = sorted(
                (each for each in having if (each.named.name, each.solver) == (name, solver)),
                key=lambda each: each.nfe,
            )
            colour, dash = style_of(grid, line, studio)
            many = len(grid.solvers) > 1
            label = f"{name}, {SOLVERS[solver].label}" if many else name
            drawn.append(
                {
                    "x": [each.nfe for each in own],
                    "y": [each.metrics[metric] for each in own],
                    "name": label,
                    "mode": "lines+markers",
                    "line": {"color": colour, "dash": dash},
                }
            )
    else:
        names = [line_name(grid, line) for line in having]
        colours = [style_of(grid, line, studio)[0] for line in having]
        values = [line.metrics[metric] for line in having]
        drawn = [{"x": names, "y": values, "type": "bar", "marker": {"color": colours}}]
    floors = {line.floors[f"{metric}_floor"] for line in having if f"{metric}_floor" in line.floors}
    title = f"{entry.label}, {having[0].noises} noises" if having else entry.label
    figure = _figure(drawn, "calls" if len(grid.steps) > 1 else "", title)
    figure["layout"]["shapes"] = [
        {
            "type": "line",
            "xref": "paper",
            "x0": 0,
            "x1": 1,
            "y0": y,
            "y1": y,
            "line": {"dash": "dot"},
        }
        for y in floors
    ]
    return figure


def _trace(
    result: GridResult, cell: GridCell, x: list[float], y: list[float], colour: str, dash: str
) -> dict[str, Any]:
    return {
        "x": x,
        "y": y,
        "name": line_name(result.grid, cell.spot),
        "mode": "lines+markers",
        "line": {"color": colour, "dash": dash},
    }


def _figure(
    data: list[dict[str, Any]], x: str, y: str, log_x: bool = False, falling: bool = False
) -> dict[str, Any]:
    across: dict[str, Any] = {"title": {"text": x}}
    across |= {"type": "log"} if log_x else {}
    across |= {"autorange": "reversed"} if falling else {}
    up = {"title": {"text": y}, "rangemode": "tozero"}
    return {"data": data, "layout": {"xaxis": across, "yaxis": up}}

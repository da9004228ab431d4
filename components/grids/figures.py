"""A grid in numbers as Plotly figures: along the runs, and over the steps."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from textwrap import wrap
from typing import Any

import numpy as np

from ays_core.comparison import three_digits
from ays_core.grid import Film, Grid, GridCell, GridResult, Line
from ays_core.metrics import METRICS, squared_errors
from ays_core.solvers import SOLVERS
from components.grids.lines import line_name, style_of, symbol_of
from components.state import Studio

NAME = 22  # letters of a bar's name on a line


def error_figure(
    result: GridResult, found: Sequence[tuple[GridCell, Film]], studio: Studio
) -> dict[str, Any]:
    """How far the estimate of x0 is from the reference run, call by call."""
    reference = result.references[result.grid.seeds[0]].samples
    lines = []
    for cell, filmed in found:
        style = style_of(result.grid, cell.spot, studio)
        way = [(sigma, x0) for sigma, x0 in filmed.run.trajectory]
        errors = [float(squared_errors(x0, reference[: len(x0)]).mean().sqrt()) for _, x0 in way]
        lines.append(_trace(result, cell, [sigma for sigma, _ in way], errors, style))
    return _figure(lines, "sigma", "error of the estimate of x0", log_x=True, falling=True)


def step_figure(
    result: GridResult, found: Sequence[tuple[GridCell, Film]], studio: Studio
) -> dict[str, Any]:
    """How long each step is in log sigma, where it is; a step to 0 has no length there."""
    lines = []
    for cell, filmed in found:
        style = style_of(result.grid, cell.spot, studio)
        levels = np.array([sigma for sigma in filmed.run.ran if sigma > 0])
        middle = np.sqrt(levels[1:] * levels[:-1])
        length = np.log(levels[:-1] / levels[1:])
        lines.append(_trace(result, cell, middle.tolist(), length.tolist(), style))
    return _figure(lines, "sigma", "step in ln sigma", log_x=True, falling=True)


def numbers_figure(
    result: GridResult, lines: Sequence[Line], metric: str, studio: Studio
) -> dict[str, Any]:
    """One metric: over the calls where there are several step counts, else a bar for every line. A
    distance has its floor, how far random exact samples are, as a dotted line with its value."""
    grid, entry = result.grid, METRICS[metric]
    having = [line for line in lines if metric in line.metrics]
    unit = f", {entry.unit}" if entry.unit == "dB" else ""
    title = f"{entry.label}{unit}, {having[0].noises} noises" if having else entry.label
    floors = {line.floors[f"{metric}_floor"] for line in having if f"{metric}_floor" in line.floors}
    if len(grid.steps) > 1:
        figure = _figure(_over_calls(grid, having, metric, studio), "calls", title)
    else:
        figure = _figure([_bars(grid, having, metric, studio)], title, "")
        figure["layout"]["yaxis"] |= {"autorange": "reversed"}  # the first line on top
    up = "y" if len(grid.steps) > 1 else "x"
    along = {"y": "x", "x": "y"}[up]
    figure["layout"]["shapes"] = [
        {
            "type": "line",
            f"{along}ref": "paper",
            f"{along}0": 0,
            f"{along}1": 1,
            f"{up}0": floor,
            f"{up}1": floor,
            "line": {"dash": "dot"},
        }
        for floor in floors
    ]
    figure["layout"]["annotations"] = [
        {
            f"{along}ref": "paper",
            along: 1,
            up: floor,
            "text": f"floor {three_digits(floor)}",
            "showarrow": False,
            "xanchor": "right" if up == "y" else "left",
            "yanchor": "bottom",
        }
        for floor in floors
    ]
    return figure


def _over_calls(
    grid: Grid, lines: Sequence[Line], metric: str, studio: Studio
) -> list[dict[str, Any]]:
    ways: dict[tuple[str, str], list[Line]] = {}
    for line in lines:
        ways.setdefault((line.named.name, line.solver), []).append(line)
    drawn = []
    for (name, solver), own in ways.items():
        own.sort(key=lambda line: line.nfe)
        colour, dash = style_of(grid, own[0], studio)
        drawn.append(
            {
                "x": [line.nfe for line in own],
                "y": [line.metrics[metric] for line in own],
                "name": f"{name}, {SOLVERS[solver].label}" if len(grid.solvers) > 1 else name,
                "mode": "lines+markers",
                "line": {"color": colour, "dash": dash},
            }
        )
    return drawn


def _bars(grid: Grid, lines: Sequence[Line], metric: str, studio: Studio) -> dict[str, Any]:
    """Lying bars: names are long, and a phone is narrow."""
    values = [line.metrics[metric] for line in lines]
    return {
        "x": values,
        "y": ["<br>".join(wrap(escape(line_name(grid, line)), NAME)) for line in lines],
        "text": [three_digits(value) for value in values],
        "textposition": "auto",
        "type": "bar",
        "orientation": "h",
        "marker": {"color": [style_of(grid, line, studio)[0] for line in lines]},
    }


def _trace(
    result: GridResult, cell: GridCell, x: list[float], y: list[float], style: tuple[str, str]
) -> dict[str, Any]:
    colour, dash = style
    return {
        "x": x,
        "y": y,
        "name": escape(line_name(result.grid, cell.spot)),
        "mode": "lines+markers",
        "line": {"color": colour, "dash": dash},
        "marker": {"symbol": symbol_of(result.grid, cell.spot)},
    }


def _figure(
    data: list[dict[str, Any]], x: str, y: str, log_x: bool = False, falling: bool = False
) -> dict[str, Any]:
    across: dict[str, Any] = {"title": {"text": x}}
    across |= {"type": "log"} if log_x else {}
    across |= {"autorange": "reversed"} if falling else {}
    across |= {"hoverformat": ".3g"}
    up = {"title": {"text": y}, "rangemode": "tozero", "hoverformat": ".3g"}
    return {"data": data, "layout": {"xaxis": across, "yaxis": up}}

"""The lines of a grid: a schedule with a solver and a step count, over all seeds."""

from __future__ import annotations

from ays_core.grid import Grid, GridCell, GridResult, Line, Named, Spot
from ays_core.solvers import SOLVERS
from components.choices import choice_name
from components.state import ACCENT, STYLES, Studio

DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")  # Plotly's words
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "x")


def lines_of(result: GridResult) -> list[GridCell]:
    """A cell that ran for every schedule, solver and step count."""
    found = {}
    for _, cell in sorted(result.cells.items()):
        if cell.run is not None:
            key = (cell.spot.named, cell.spot.solver, cell.spot.steps)
            found.setdefault(key, cell)
    return list(found.values())


def line_name(grid: Grid, line: Spot | Line) -> str:
    """A line by what tells it from the others."""
    parts = [line.named.name]
    if len(grid.solvers) > 1:
        parts.append(SOLVERS[line.solver].label)
    if len(grid.steps) > 1:
        parts.append(f"{line.steps} steps")
    return ", ".join(parts)


def style_of(grid: Grid, line: Spot | Line, studio: Studio) -> tuple[str, str]:
    """Colour and dash of a line: the schedule's own. Where there are several solvers the dash
    tells those apart."""
    colour, dash = schedule_style(grid, line.named, studio)
    return colour, DASHES[grid.solvers.index(line.solver)] if len(grid.solvers) > 1 else dash


def symbol_of(grid: Grid, line: Spot | Line) -> str:
    """The mark of a line in a figure: it tells step counts apart, which share a colour and a dash.
    With the same number of calls every solver has step counts of its own."""
    made = sorted({spot.steps for spot in grid.spots()})
    return SYMBOLS[made.index(line.steps) % len(SYMBOLS)] if len(grid.steps) > 1 else SYMBOLS[0]


def schedule_style(grid: Grid, named: Named, studio: Studio) -> tuple[str, str]:
    """Colour and dash of a schedule: those it has in the Studio, where it is there; else the first
    that nothing in the grid has."""
    known = {choice_name(choice.key): (choice.colour, choice.dash) for choice in studio.choices}
    styles = {}
    for each in grid.schedules:
        if each.schedule == studio.yours:
            styles[each.name] = ACCENT, "solid"
        elif each.name in known:
            styles[each.name] = known[each.name]
    taken = {colour for colour, _ in styles.values()}
    free = iter([style for style in STYLES if style[0] not in taken] + list(STYLES))
    for each in grid.schedules:
        if each.name not in styles:
            styles[each.name] = next(free)
    return styles[named.name]

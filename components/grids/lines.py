"""The lines of a grid: a schedule with a solver and a step count, over all seeds."""

from __future__ import annotations

from ays_core.grid import Grid, GridCell, GridResult, Line, Spot
from ays_core.solvers import SOLVERS
from components.choices import choice_name
from components.state import ACCENT, STYLES, Studio


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
    """Colour and dash of a schedule: the ones that it has in the Studio, where it is there."""
    mine = [n.name for n in grid.schedules]
    if line.named.schedule == studio.yours:
        return ACCENT, "solid"
    known = {choice_name(choice.key): (choice.colour, choice.dash) for choice in studio.choices}
    return known.get(line.named.name) or STYLES[mine.index(line.named.name) % len(STYLES)]

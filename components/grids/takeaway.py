"""What leaves the page: pairs for the blind test, and files."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from itertools import combinations
from typing import Any

from ays_core.grid import GridResult, Line, contact_sheet, numbers_csv
from ays_core.models import in_memory, spec_of
from ays_core.sampling import SampleRun
from components import blind_view
from components.drawn import pictures_of
from components.grids.lines import line_name
from components.pictures import strip

PAIR_NOISES = 24  # of a blind test: more than anyone will judge


def pairs(result: GridResult) -> tuple[blind_view.Pair, ...]:
    """Every two lines of the grid on the same noises; for pictures only."""
    grid = result.grid
    if spec_of(grid.model).kind != "pictures":
        return ()
    by_line: dict[Any, dict[int, SampleRun]] = {}
    names = {}
    for cell in result.cells.values():
        if cell.run is not None:
            key = (cell.spot.named.name, cell.spot.solver, cell.spot.steps)
            by_line.setdefault(key, {})[cell.spot.seed] = cell.run
            names[key] = f"{line_name(grid, cell.spot)}, {cell.run.nfe} calls"
    found = []
    for a, b in combinations(sorted(by_line), 2):
        seeds = sorted(by_line[a].keys() & by_line[b].keys())
        shots = [
            (strip(one[None]), strip(other[None]))
            for seed in seeds
            for one, other in zip(
                pictures_of(grid.model, by_line[a][seed]),
                pictures_of(grid.model, by_line[b][seed]),
                strict=True,
            )
        ]
        pair = blind_view.Pair(names[a], names[b], tuple(shots[:PAIR_NOISES]), grid.settings())
        found.append(pair)
    return tuple(found)


def takeaway(result: GridResult, lines: Sequence[Line]) -> dict[str, tuple[str, str]]:
    """File names, each with its content as a link and a word on it."""
    model, plan = in_memory(result.grid.model), result.grid.to_json().encode()
    sheet = contact_sheet(model, result)
    files = {"sheet.png": _link("image/png", sheet, "the grid with its labels; the plan is inside")}
    files["plan.json"] = _link("application/json", plan, "what was run, with every level")
    if lines:
        csv = numbers_csv(lines).encode()
        files["numbers.csv"] = _link("text/csv", csv, "every number with its floor")
    return files


def _link(kind: str, content: bytes, about: str) -> tuple[str, str]:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}", about

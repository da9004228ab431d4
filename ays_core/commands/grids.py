"""A saved grid, run again: the same plan gives the same sheet, to the byte, on the same machine."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from ays_core.commands.outputs import Answer, watched


def is_grid(text: str) -> bool:
    """Whether a file is the plan of a grid. Whether a good one, is for reading it to say."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(content, dict) and "ays_studio_grid" in content


def replay(text: str, args: argparse.Namespace) -> Answer:
    """Run the plan; with `--out`, write its sheet, its plan and its numbers there."""
    from ays_core.denoiser import bind
    from ays_core.grid import Grid, contact_sheet, measure_grid, numbers_csv, run_grid
    from ays_core.models import load_model

    grid = Grid.from_json(text)
    denoise = bind(load_model(grid.model), grid.conditions, grid.guidance, grid.negative)
    result, complete = watched(run_grid(denoise, grid))
    lines = ()
    if complete:
        lines, complete = watched(measure_grid(denoise, result, args.num))
    csv = numbers_csv(lines)
    if args.out:
        folder = Path(args.out)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "sheet.png").write_bytes(contact_sheet(denoise.model, result))
        (folder / "plan.json").write_text(result.grid.to_json(), encoding="utf-8")
        (folder / "numbers.csv").write_text(csv, encoding="utf-8")
    cells = [
        {"row": row, "column": column, "metrics": dict(cell.metrics), "error": cell.error}
        for (row, column), cell in sorted(result.cells.items())
    ]
    return Answer(csv, {"settings": grid.settings(), "cells": cells, "out": args.out}, complete)

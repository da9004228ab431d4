"""A grid as the cells of the grid view, each with its picture or cloud and its caption."""

from __future__ import annotations

from dataclasses import replace

from ays_core.comparison import listed
from ays_core.grid import Grid, GridCell, GridResult, Named
from ays_core.grid.plan import Axis
from ays_core.grid.sheet import calls_of, caption_of, mosaic, place_of, reference_places
from ays_core.job import Progress
from ays_core.models import spec_of
from ays_core.sampling import SampleRun
from ays_core.schedule import Schedule
from ays_core.solvers import SOLVERS
from components import grid_view
from components.costs import lasted
from components.drawn import field_of, pictures_of
from components.grids.chosen import Plan
from components.grids.lines import schedule_style
from components.pictures import Cloud, Doing, Strip, cloud, strip

STAGES = {"reference": "reference run", "tuning": "searching a range", "cells": "cells"}
LARGEST = 1024  # pixels of a cell's side in the page


def doing(progress: Progress) -> Doing:
    return Doing(STAGES.get(progress.stage, progress.stage), progress.done, progress.total)


def shown(
    plan: Plan, result: GridResult, doing: Doing | None, said: str, run: int
) -> grid_view.GridShown:
    """The cells so far, with the reference runs in a row above or a column before them."""
    grid = result.grid
    rows, columns = _heads(plan, result, grid.rows), _heads(plan, result, grid.columns)
    (rows if grid.columns == "seed" else columns).insert(0, grid_view.Head("reference"))
    places = reference_places(grid)
    by_seed = {seed: f"r{where[0][0]}-{where[0][1]}" for seed, where in places.items()}
    cells = [
        _reference_cell(result, seed, place) for seed, where in places.items() for place in where
    ]
    for spot in grid.spots():
        cell = result.cells.get((spot.row, spot.column))
        row, column = place_of(grid, spot.row, spot.column)
        blank = grid_view.GridCell(
            f"c{row}-{column}",
            row,
            column,
            "running" if spot == result.running else "waiting",
            against=by_seed[spot.seed],
            name=f"{spot.named.name}, {SOLVERS[spot.solver].label}, {spot.steps} steps, "
            f"seed {spot.seed}",
        )
        cells.append(blank if cell is None else _ran(result, cell, blank))
    spec = spec_of(grid.model)
    extra = field_of(grid.model) if spec.kind == "points" else {}
    return grid_view.GridShown(
        kind=spec.kind,
        rows=tuple(rows),
        columns=tuple(columns),
        cells=tuple(cells),
        progress=doing,
        said=said,
        settings=grid.settings(spec.label),
        note=_note(plan),
        run=run,
        **extra,
    )


def unfinished(result: GridResult) -> str:
    """How far a grid came that was stopped; "" for a whole one."""
    whole, done = sum(1 for _ in result.grid.spots()), len(result.cells)
    return f"stopped, {done} of {whole} cells" if done < whole else ""


def _heads(plan: Plan, result: GridResult, axis: Axis) -> list[grid_view.Head]:
    """What stands before a row or over a column: a schedule with its colour and its own range."""
    grid = result.grid
    if axis != "schedule":
        return [grid_view.Head(label) for label in grid.labels(axis)]
    return [
        grid_view.Head(named.name, _range(result, named), *schedule_style(grid, named, plan.studio))
        for named in grid.schedules
    ]


def _range(result: GridResult, named: Named) -> str:
    """The first and the last positive level of what ran; the range may differ from cell to cell."""
    ran = [
        (cell.schedule.positive[0], cell.schedule.positive[-1])
        for cell in result.cells.values()
        if cell.spot.named == named and cell.schedule is not None
    ]
    if not ran:
        return ""
    if len(set(ran)) > 1:
        return "its own range in every cell"
    return f"{ran[0][0]:.3g} … {ran[0][1]:.3g}"


def _note(plan: Plan) -> str:
    """What was chosen and is not shown."""
    if not plan.left_out:
        return ""
    names, verb = listed(plan.left_out), "is" if len(plan.left_out) == 1 else "are"
    return f"{names} {verb} the edited curve itself, which stands once."


def _reference_cell(result: GridResult, seed: int, place: tuple[int, int]) -> grid_view.GridCell:
    id = f"r{place[0]}-{place[1]}"
    run = result.references.get(seed)
    name = f"Reference, seed {seed}"
    blank = grid_view.GridCell(id, *place, "waiting", reference=True, name=name)
    if run is None:
        return blank
    return replace(
        blank,
        state="done",
        caption=(calls_of(run), lasted(run.seconds)),
        levels=_levels(run),
        **_picture(result.grid, run, reference_alone(result.grid, run, seed).to_json()),
    )


def _ran(result: GridResult, cell: GridCell, blank: grid_view.GridCell) -> grid_view.GridCell:
    if cell.run is None:
        return replace(blank, state="failed", message=cell.error)
    calls, *numbers = caption_of(cell)
    return replace(
        blank,
        state="done",
        caption=(calls, lasted(cell.run.seconds), *numbers),
        levels=_levels(cell.run),
        **_picture(result.grid, cell.run, alone(result.grid, cell).to_json()),
    )


def schedule_in(result: GridResult, id: str) -> tuple[Schedule, str]:
    """The schedule that ran in a cell that is shown, and its solver. Raises `ValueError`."""
    for cell in result.cells.values():
        row, column = place_of(result.grid, cell.spot.row, cell.spot.column)
        if id == f"c{row}-{column}" and cell.schedule is not None:
            return cell.schedule, cell.spot.solver
    raise ValueError("That cell has no schedule.")


def alone(grid: Grid, cell: GridCell) -> Grid:
    """The plan of one cell: what its picture carries inside."""
    spot = cell.spot
    return replace(
        grid,
        schedules=(spot.named,),
        solvers=(spot.solver,),
        steps=(spot.steps,),
        seeds=(spot.seed,),
        same_nfe=False,
        found=tuple(f for f in grid.found if f[:3] == (spot.named.key, spot.solver, spot.steps)),
    )


def reference_alone(grid: Grid, run: SampleRun, seed: int) -> Grid:
    """The plan of a reference run by itself."""
    return replace(
        grid,
        schedules=(Named("reference", schedule=run.schedule),),
        solvers=(run.solver,),
        steps=(run.schedule.num_steps,),
        seeds=(seed,),
        same_nfe=False,
        final_zero=run.schedule.final_zero,
        found=(),
    )


def _levels(run: SampleRun) -> str:
    return ", ".join(f"{sigma:.5g}" for sigma in run.ran)


def _picture(grid: Grid, run: SampleRun, settings: str) -> dict[str, Strip | Cloud]:
    """A run as one picture, with its settings inside, or as a cloud."""
    pictures = pictures_of(grid.model, run)
    if pictures.ndim == 2:
        return {"cloud": cloud(pictures)}
    return {"picture": strip(mosaic(pictures)[None], LARGEST, settings)}

"""The jobs of the Compare tab; what was computed once is kept for all visitors."""

from __future__ import annotations

from typing import Any

from ays_core.denoiser import Bound, bind
from ays_core.grid import Grid, GridCell, GridResult, Line, film, measure_grid, run_grid
from ays_core.grid.work import Film
from ays_core.job import Job, Progress, relay
from ays_core.models import in_memory, spec_of
from ays_core.paths import ModelSpec
from ays_core.sampling import start_noise
from components.grids.lines import lines_of
from components.recent import Recent

FILMED_POINTS = 800
_kept: Recent[Any] = Recent(512)  # cells, references and twins


def grid_job(grid: Grid) -> Job[GridResult]:
    return run_grid(_bound(grid), grid, _kept)


def numbers_job(asked: tuple[GridResult, int]) -> Job[tuple[Line, ...]]:
    result, noises = asked
    return measure_grid(_bound(result.grid), result, noises, _kept)


def films_job(result: GridResult) -> Job[tuple[tuple[GridCell, Film], ...]]:
    """The way of every line of the grid, on its first seed; the snapshot is those so far."""
    bound, films = _bound(result.grid), ()
    num = 1 if bound.spec.kind == "pictures" else min(FILMED_POINTS, result.grid.count)
    lines = list(lines_of(result))
    noise = start_noise(bound.spec, num, result.grid.seeds[0])
    for i, cell in enumerate(lines):
        assert cell.schedule is not None  # only cells that ran are lines
        job = film(bound, cell.schedule, cell.spot.solver, noise, result.grid.seeds[0])

        def told(_: Progress, i: int = i, so_far=films) -> Progress:
            return Progress("films", i, len(lines), snapshot=so_far)

        films = (*films, (cell, (yield from relay(job, told))))
    return films


def spec_behind(asked: Grid | GridResult | tuple[GridResult, int]) -> ModelSpec:
    """Of the model that a job of this module runs, by what it is asked."""
    result = asked[0] if isinstance(asked, tuple) else asked
    return spec_of(result.grid.model if isinstance(result, GridResult) else result.model)


def _bound(grid: Grid) -> Bound:
    return bind(in_memory(grid.model), grid.conditions, grid.guidance, grid.negative)

"""The jobs of the Compare tab; what was computed once is kept for all visitors."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ays_core.compare import REFERENCE_SOLVER, REFERENCE_STEPS
from ays_core.denoiser import Bound, bind
from ays_core.grid import Film, Grid, GridCell, GridResult, Line, film, measure_grid, run_grid
from ays_core.grid.work import keep
from ays_core.job import Job, Progress, relay
from ays_core.models import in_memory, spec_of
from ays_core.paths import ModelSpec
from ays_core.sampling import start_noise
from ays_core.solvers import SOLVERS
from components.grids.films import pictures_on_the_way
from components.grids.lines import lines_of
from components.recent import Recent

FILMED_POINTS = 800
_kept: Recent[Any] = Recent(512)  # cells, references and twins


def grid_job(grid: Grid) -> Job[GridResult]:
    return run_grid(bound_of(grid), grid, _kept)


def keep_cells(result: GridResult) -> None:
    """Remember what was run in the process that had the GPU."""
    keep(result, _kept)


def numbers_job(asked: tuple[GridResult, int]) -> Job[tuple[Line, ...]]:
    result, noises = asked
    return measure_grid(bound_of(result.grid), result, noises, _kept)


def films_job(result: GridResult) -> Job[tuple[tuple[GridCell, Film], ...]]:
    """The way of every line of the grid, on its first seed; the snapshot is those so far."""
    bound, films = bound_of(result.grid), ()
    num = 1 if bound.spec.kind == "pictures" else min(FILMED_POINTS, result.grid.count)
    lines = list(lines_of(result))
    noise = start_noise(bound.spec, num, result.grid.seeds[0])
    for i, cell in enumerate(lines):
        assert cell.schedule is not None  # only cells that ran are lines
        job = film(bound, cell.schedule, cell.spot.solver, noise, result.grid.seeds[0])

        def told(_: Progress, i: int = i, so_far=films) -> Progress:
            return Progress("films", i, len(lines), snapshot=so_far)

        filmed = yield from relay(job, told)
        if bound.spec.kind == "pictures" and not bound.spec.exact:  # here, where the network is
            pictures = pictures_on_the_way(result.grid.model, filmed)
            filmed = replace(filmed, pictures=pictures)
        films = (*films, (cell, filmed))
    return films


def spec_behind(asked: Grid | GridResult | tuple[GridResult, int]) -> ModelSpec:
    """Of the model that a job of this module runs, by what it is asked."""
    result = asked[0] if isinstance(asked, tuple) else asked
    return spec_of(result.grid.model if isinstance(result, GridResult) else result.model)


def evaluations_of(grid: Grid, noises: int, *, reference: bool = True) -> tuple[int, bool]:
    """About how many denoiser evaluations every line of a grid takes on `noises` noises, and
    whether they are guided. What is known already counts, too."""
    spots = {(s.named, s.solver, s.steps): s for s in grid.spots()}
    calls = sum(SOLVERS[s.solver].nfe(s.steps, grid.final_zero) for s in spots.values())
    fine = REFERENCE_STEPS[spec_of(grid.model).kind]
    calls += SOLVERS[REFERENCE_SOLVER].nfe(fine, final_zero=True) if reference else 0
    return noises * calls, grid.guidance != 1 and bool(grid.conditions)


def bound_of(grid: Grid) -> Bound:
    """The model of a grid with its condition and guidance."""
    return bind(in_memory(grid.model), grid.conditions, grid.guidance, grid.negative)

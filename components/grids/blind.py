"""The blind test of a grid's lines: on noises that the grid does not show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from math import ceil, comb

from ays_core.grid import Grid, GridCell, GridResult
from ays_core.grid.plan import MAX_SEED
from ays_core.job import Job, Progress, relay
from ays_core.models import spec_of
from ays_core.sampling import SampleRun, sample, start_noise
from components import blind_view
from components.drawn import pictures_of
from components.grids.lines import line_name, lines_of
from components.grids.work import bound_of
from components.pictures import strip

FIRST_SEED = 30_000  # numbers are measured on those before
ROUNDS, BLIND_NOISES = 24, 12  # about so many rounds; a pair is judged at most on so many noises
MOST_LINES = 6
NOT_YET = "A blind test needs pictures of two schedules: run a comparison first."
POINTS = "A blind test is for pictures. This grid shows points in the plane: measure their numbers."
ONE = "A blind test needs two schedules; only one has run."
MANY = "{} lines make {} pairs: a blind test is for at most {}."
READY = (
    "Two pictures of the same noise, sides at random, names only after the answer. The noises are "
    "new: none of the pictures stands in the grid above."
)


def blind_offer(result: GridResult | None) -> blind_view.BlindTest:
    """Whether a grid can be judged blind, and if not, why."""
    if result is None:
        return blind_view.BlindTest(note=NOT_YET)
    if spec_of(result.grid.model).kind != "pictures":
        return blind_view.BlindTest(note=POINTS)
    num = len(lines_of(result))
    if num < 2:
        return blind_view.BlindTest(note=ONE if num else NOT_YET)
    if num > MOST_LINES:
        return blind_view.BlindTest(note=MANY.format(num, comb(num, 2), MOST_LINES))
    return blind_view.BlindTest(note=READY, ready=True)


def new_seed(grid: Grid, drawn: float) -> int:
    """The first seed of noises that the grid does not show; `drawn`: a random number, 0 to 1."""
    seed = FIRST_SEED + int(drawn * (MAX_SEED - FIRST_SEED - 2 * BLIND_NOISES))
    shown = any(first - BLIND_NOISES < seed < first + grid.count for first in grid.seeds)
    return max(grid.seeds) + grid.count if shown else seed


Judged = tuple[tuple[GridCell, SampleRun], ...]


def blind_job(asked: tuple[GridResult, int]) -> Job[Judged]:
    """Every line of the grid on a few noises from a seed on; the snapshot is those so far."""
    result, seed = asked
    bound, lines, ran = bound_of(result.grid), lines_of(result), ()
    num = min(BLIND_NOISES, ceil(ROUNDS / comb(len(lines), 2)))
    noise = start_noise(bound.spec, num, seed)
    for i, cell in enumerate(lines):
        assert cell.schedule is not None  # only cells that ran are lines
        job = sample(bound, cell.schedule, cell.spot.solver, noise, seed=seed)

        def told(_: Progress, i: int = i, so_far: Judged = ran) -> Progress:
            return Progress("pictures", i, len(lines), snapshot=so_far)

        run = yield from relay(job, told)
        if not bound.spec.exact:  # here, where the network is
            run = replace(run, pictures=pictures_of(result.grid.model, run))
        ran = (*ran, (cell, run))
    return ran


def pairs(result: GridResult, ran: Judged, seed: int) -> tuple[blind_view.Pair, ...]:
    """Every two lines on the same noises, with the seed of each."""
    grid, spec = result.grid, spec_of(result.grid.model)
    shots = [[strip(one[None]) for one in pictures_of(grid.model, run)] for _, run in ran]
    names = [f"{line_name(grid, cell.spot)}, {run.nfe} calls" for cell, run in ran]
    return tuple(
        blind_view.Pair(
            names[a],
            names[b],
            tuple(zip(shots[a], shots[b], strict=True)),
            grid.subject(spec.label),
            tuple(seed + k for k in range(len(shots[a]))),
        )
        for a, b in combinations(range(len(ran)), 2)
    )


def progress_note(done: Sequence[object], progress: Progress) -> str:
    return f"New pictures: {len(done)} of {progress.total} lines."

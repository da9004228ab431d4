"""What is told of the lines of a grid that has run: all their numbers, and their way there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ays_core.compare import compare
from ays_core.comparison import Cell
from ays_core.denoiser import Batch, Bound
from ays_core.grid.plan import Named, Spot
from ays_core.grid.work import GridResult, Kept, Results, reference_calls, reference_of
from ays_core.job import Job, Progress, relay
from ays_core.metrics import METRICS, squared_errors
from ays_core.sampling import SampleRun, sample, start_noise
from ays_core.schedule import Schedule
from ays_core.solvers import SOLVERS

# A component of a mixture that draws a shape with hundreds of them means nothing.
LINE_METRICS = {
    "pictures": tuple(METRICS),
    "points": tuple(key for key in METRICS if key != "same_component"),
}
MEASURING_SEED = 20_000  # numbers come from noises that no search has seen


@dataclass(frozen=True, eq=False)
class Line:
    """The numbers of one schedule with one solver and one number of steps, on `noises` noises.
    `squared`: the squared error of every noise, to tell a lead from chance."""

    named: Named
    solver: str
    steps: int
    nfe: int = 0
    noises: int = 0
    metrics: Mapping[str, float] = field(default_factory=dict[str, float])
    floors: Mapping[str, float] = field(default_factory=dict[str, float])
    error: str = ""
    squared: tuple[float, ...] = ()


def measure_grid(
    denoise: Bound, result: GridResult, noises: int, kept: Results | None = None
) -> Job[tuple[Line, ...]]:
    """All numbers of every schedule with every solver and step count of a grid that has run: the
    error to the reference run and, where the model has exact samples, distances to them, on
    `noises` noises that no search has seen. The snapshot is the lines so far."""
    kept = Kept() if kept is None else kept
    grid, lines, done = result.grid, (), 0
    noise = start_noise(denoise.spec, noises, MEASURING_SEED)
    wanted = list(_lines(result))
    fine = reference_calls(denoise)
    total = noises * (
        fine + sum(SOLVERS[s.solver].nfe(s.steps, grid.final_zero) for s, _ in wanted)
    )

    def shown(p: Progress) -> Progress:
        return Progress("numbers", done + noises * p.done, total, snapshot=lines)

    big = replace(grid, count=noises)
    reference = yield from relay(reference_of(denoise, big, noise, MEASURING_SEED, kept), shown)
    done += noises * fine
    for spot, schedule in wanted:
        metrics = LINE_METRICS[denoise.spec.kind]
        job = compare(
            denoise,
            [schedule],
            spot.solver,
            noise,
            metrics,
            seed=MEASURING_SEED,
            reference=reference,
            floors=lines[-1].floors if lines else None,
        )
        measured = yield from relay(job, shown)
        cell = measured.cells[0]
        calls = SOLVERS[spot.solver].nfe(schedule.num_steps, schedule.final_zero)
        done += noises * calls
        line = Line(
            spot.named,
            spot.solver,
            spot.steps,
            calls,
            noises,
            cell.metrics,
            measured.floors,
            cell.error,
            _squared(cell, reference),
        )
        lines = (*lines, line)
        yield Progress("numbers", done, total, snapshot=lines)
    return lines


@dataclass(frozen=True, eq=False)
class Film:
    """One run with everything on the way: (sigma, x) and (sigma, x0) of every call. `pictures`:
    that decoded, where it was done beside the network."""

    run: SampleRun
    x: tuple[tuple[float, Batch], ...]
    pictures: tuple[Any, ...] = ()


def film(denoise: Bound, schedule: Schedule, solver: str, noise: Batch, seed: int) -> Job[Film]:
    """Run once more and keep what x was at every call."""
    seen: list[tuple[float, Batch]] = []

    def watched(x: Batch, sigma: float) -> Batch:
        seen.append((sigma, x))
        return denoise(x, sigma)

    run = yield from sample(watched, schedule, solver, noise, seed=seed)
    return Film(run, tuple(seen))


def _squared(cell: Cell, reference: SampleRun) -> tuple[float, ...]:
    if cell.run is None or "rmse" not in cell.metrics:
        return ()
    return tuple(squared_errors(cell.run.samples, reference.samples).tolist())


def _lines(result: GridResult) -> Iterator[tuple[Spot, Schedule]]:
    """Each schedule, solver and step count once, whatever the seeds."""
    seen = set()
    for (_, _), cell in sorted(result.cells.items()):
        spot = cell.spot
        key = (spot.named, spot.solver, spot.steps)
        if cell.schedule is not None and key not in seen:
            seen.add(key)
            yield spot, cell.schedule

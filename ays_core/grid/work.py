"""A grid as a job: cell by cell, one of each first; what was run once is not run again."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from ays_core.compare import REFERENCE_SOLVER, REFERENCE_STEPS, compare, reference_run
from ays_core.comparison import TUNED
from ays_core.denoiser import Batch, Bound
from ays_core.grid.plan import Grid, Named, Spot
from ays_core.job import Job, Progress, relay
from ays_core.models.held import loads
from ays_core.optimizers.tuned_range import tuned
from ays_core.sampling import SampleRun, sample, start_noise
from ays_core.schedule import Schedule
from ays_core.schedules import SCHEDULES
from ays_core.solvers import SOLVERS

# A few samples say little of a distribution: distances are for `measure_grid`, or for clouds.
CELL_METRICS = {
    "pictures": ("rmse", "psnr_median", "same_component"),
    "points": ("rmse", "sliced_w2", "energy"),
}
MEASURING_SEED = 20_000  # numbers come from noises that no search has seen


class Results(Protocol):
    """Where finished runs are kept, by everything they depend on."""

    def get(self, key: Hashable) -> Any: ...

    def put(self, key: Hashable, value: Any) -> Any: ...


class Kept:
    """All of them, for as long as it lives."""

    def __init__(self) -> None:
        self._values: dict[Hashable, Any] = {}

    def get(self, key: Hashable) -> Any:
        return self._values.get(key)

    def put(self, key: Hashable, value: Any) -> Any:
        self._values[key] = value
        return value


@dataclass(frozen=True, eq=False)
class GridCell:
    """What came of one spot: a run and its numbers, or the reason why there is none."""

    spot: Spot
    schedule: Schedule | None = None
    run: SampleRun | None = None
    metrics: Mapping[str, float] = field(default_factory=dict[str, float])
    floors: Mapping[str, float] = field(default_factory=dict[str, float])
    error: str = ""


@dataclass(frozen=True, eq=False)
class GridResult:
    """The cells so far, by (row, column), and the reference run of every seed so far. `running`:
    the spot that is being computed."""

    grid: Grid
    cells: Mapping[tuple[int, int], GridCell] = field(default_factory=dict)
    references: Mapping[int, SampleRun] = field(default_factory=dict)
    running: Spot | None = None


@dataclass(frozen=True, eq=False)
class Line:
    """The numbers of one schedule with one solver and one number of steps, on `noises` noises."""

    named: Named
    solver: str
    steps: int
    nfe: int = 0
    noises: int = 0
    metrics: Mapping[str, float] = field(default_factory=dict[str, float])
    floors: Mapping[str, float] = field(default_factory=dict[str, float])
    error: str = ""


def run_grid(denoise: Bound, grid: Grid, kept: Results | None = None) -> Job[GridResult]:
    """Every cell of the grid from the same noises. The snapshot is a `GridResult`.

    Progress counts evaluations. What `kept` has is not run again, and what is run is put there.
    A cell that cannot run has its reason, and the others go on.
    """
    kept, count = Kept() if kept is None else kept, grid.count
    result = GridResult(grid)
    known = {entry[:3] for entry in grid.found}
    spots = sorted(
        grid.spots(), key=lambda spot: _searched(spot, known)
    )  # what needs a search last
    fine = _reference_calls(denoise)
    total = count * (
        fine * len(grid.seeds) + sum(SOLVERS[s.solver].nfe(s.steps, grid.final_zero) for s in spots)
    )
    done = 0

    def told(
        so_far: GridResult, before: int, stage: str = "cells"
    ) -> Callable[[Progress], Progress]:
        """How a part's progress is that of the whole. A search is not counted: it may be known."""

        def change(p: Progress) -> Progress:
            searched = p.stage == "tuning"
            share = 0 if searched else p.done
            now = p.stage if searched else stage
            return Progress(now, before + count * share, total, snapshot=so_far)

        return change

    for spot in spots:
        result = replace(result, running=spot)

        if spot.seed not in result.references:
            noise = start_noise(denoise.spec, count, spot.seed)
            reference = yield from relay(
                _reference(denoise, grid, noise, spot.seed, kept), told(result, done, "reference")
            )
            result = replace(result, references={**result.references, spot.seed: reference})
            done += count * fine
            yield Progress("reference", done, total, snapshot=result)
        try:
            schedule = yield from relay(_schedule(denoise, grid, spot, kept), told(result, done))
            if spot.named.key.endswith(TUNED):
                grid = grid.with_found(spot.named.key, spot.solver, spot.steps, schedule)
                result = replace(result, grid=grid)
            reference = result.references[spot.seed]
            cell = yield from relay(
                _cell(denoise, grid, spot, schedule, reference, kept), told(result, done)
            )
        except ValueError as refused:
            cell = GridCell(spot, error=str(refused))
        done += count * SOLVERS[spot.solver].nfe(spot.steps, grid.final_zero)
        result = replace(result, cells={**result.cells, (spot.row, spot.column): cell})
        yield Progress("cells", done, total, snapshot=result)
    result = replace(result, running=None)
    yield Progress("cells", total, total, snapshot=result)
    return result


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
    fine = _reference_calls(denoise)
    total = noises * (
        fine + sum(SOLVERS[s.solver].nfe(s.steps, grid.final_zero) for s, _ in wanted)
    )

    def shown(p: Progress) -> Progress:
        return Progress("numbers", done + noises * p.done, total, snapshot=lines)

    big = replace(grid, count=noises)
    reference = yield from relay(_reference(denoise, big, noise, MEASURING_SEED, kept), shown)
    done += noises * fine
    for spot, schedule in wanted:
        job = compare(
            denoise, [schedule], spot.solver, noise, seed=MEASURING_SEED, reference=reference
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


def keep(result: GridResult, kept: Results) -> None:
    """Remember what another process has run: the next run of a grid goes on from there."""
    where = _where(result.grid)
    for seed, run in result.references.items():
        kept.put(("reference", where, seed), run)
    for cell in result.cells.values():
        if cell.run is not None and cell.schedule is not None:
            spot = cell.spot
            kept.put(("cell", where, spot.seed, spot.solver, cell.schedule.sigmas), cell)


def _searched(spot: Spot, known: Collection[tuple[str, str, int]]) -> bool:
    twin = spot.named.key.endswith(TUNED)
    return twin and (spot.named.key, spot.solver, spot.steps) not in known


def _lines(result: GridResult) -> Iterator[tuple[Spot, Schedule]]:
    """Each schedule, solver and step count once, whatever the seeds."""
    seen = set()
    for (_, _), cell in sorted(result.cells.items()):
        spot = cell.spot
        key = (spot.named, spot.solver, spot.steps)
        if cell.schedule is not None and key not in seen:
            seen.add(key)
            yield spot, cell.schedule


def _reference_calls(denoise: Bound) -> int:
    return SOLVERS[REFERENCE_SOLVER].nfe(REFERENCE_STEPS[denoise.spec.kind], final_zero=True)


def _where(grid: Grid) -> Hashable:
    words = grid.conditions, grid.negative, grid.guidance
    return grid.model, loads(grid.model), *words, grid.count


def _reference(
    denoise: Bound, grid: Grid, noise: Batch, seed: int, kept: Results
) -> Job[SampleRun]:
    key = ("reference", _where(grid), seed)
    run = kept.get(key)
    if run is None:
        begun = (*key, "begun")

        def kept_on_the_way(p: Progress) -> Progress:
            if p.snapshot is not None:  # it may take longer than one is given
                kept.put(begun, p.snapshot)
            return p

        job = reference_run(denoise, noise, kept.get(begun))
        run = _shown((yield from relay(job, kept_on_the_way)), denoise)
        kept.put(key, run)
    return run


def _shown(run: SampleRun, denoise: Bound) -> SampleRun:
    """As it is kept; of a network, with its pictures, made here, where the network is."""
    exact = denoise.spec.exact or denoise.spec.kind == "points"
    return replace(
        run, trajectory=(), pictures=None if exact else denoise.model.decode(run.samples)
    )


def _schedule(denoise: Bound, grid: Grid, spot: Spot, kept: Results) -> Job[Schedule]:
    """The levels of a spot; a range-tuned twin is searched, unless it was found before."""
    named, spec = spot.named, denoise.spec
    if named.schedule is not None:
        yield Progress("schedule", 0, 1)
        return spec.check(named.schedule.with_steps(spot.steps))
    base = named.key.removesuffix(TUNED)
    if base == named.key:
        yield Progress("schedule", 0, 1)
        return SCHEDULES[base].make(spot.steps, spec, final_zero=grid.final_zero)
    for key, solver, steps, schedule in grid.found:
        if (key, solver, steps) == (named.key, spot.solver, spot.steps):
            return schedule
    key = ("twin", _where(replace(grid, count=1)), named.key, spot.solver, spot.steps)
    key = (*key, grid.final_zero)
    schedule = kept.get(key)
    if schedule is None:
        job = tuned(denoise, base, spot.steps, spot.solver, final_zero=grid.final_zero)
        schedule = kept.put(key, (yield from relay(job, lambda p: replace(p, stage="tuning"))))
    return schedule


def _cell(
    denoise: Bound, grid: Grid, spot: Spot, schedule: Schedule, reference: SampleRun, kept: Results
) -> Job[GridCell]:
    key = ("cell", _where(grid), spot.seed, spot.solver, schedule.sigmas)
    found: GridCell | None = kept.get(key)
    if found is None:
        noise = start_noise(denoise.spec, grid.count, spot.seed)
        metrics = CELL_METRICS[denoise.spec.kind]
        job = compare(
            denoise, [schedule], spot.solver, noise, metrics, seed=spot.seed, reference=reference
        )
        result = yield from job
        cell = result.cells[0]
        if cell.run is None:
            return GridCell(spot, schedule, error=cell.error)
        found = GridCell(spot, schedule, _shown(cell.run, denoise), cell.metrics, result.floors)
        kept.put(key, found)
    return replace(found, spot=spot, schedule=schedule)

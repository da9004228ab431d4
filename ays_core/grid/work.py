"""A grid as a job: cell by cell, one of each first; what was run once is not run again."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from ays_core.compare import REFERENCE_SOLVER, REFERENCE_STEPS, Begun, compare, reference_run
from ays_core.comparison import TUNED
from ays_core.denoiser import Batch, Bound
from ays_core.grid.plan import Grid, Spot
from ays_core.job import Job, Progress, relay
from ays_core.models.held import loads
from ays_core.optimizers.trial import sets
from ays_core.optimizers.tuned_range import tried_ranges, tried_values, tuned
from ays_core.params import adjustable
from ays_core.sampling import SampleRun, start_noise
from ays_core.schedule import Schedule
from ays_core.schedules import SCHEDULES
from ays_core.solvers import SOLVERS

# A few samples say little of a distribution: distances are for many, or for clouds.
CELL_METRICS = {
    "pictures": ("rmse", "psnr_median", "same_component"),
    "points": ("rmse", "sliced_w2", "energy"),
}
SEARCH_NOISES = 64  # training noises of a search for a range


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
    the spot that is being computed; `begun`: the reference run of its seed, as far as it is."""

    grid: Grid
    cells: Mapping[tuple[int, int], GridCell] = field(default_factory=dict)
    references: Mapping[int, SampleRun] = field(default_factory=dict)
    running: Spot | None = None
    begun: Begun | None = None


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
    fine = reference_calls(denoise)
    searches = {
        key: _search_costs(denoise, grid, spot)
        for spot in spots
        if (key := _found_key(spot)) not in known
        and spot.named.key.endswith(TUNED)
        and kept.get(_twin_key(grid, spot)) is None
    }
    total = count * (
        fine * len(grid.seeds) + sum(SOLVERS[s.solver].nfe(s.steps, grid.final_zero) for s in spots)
    ) + sum(map(sum, searches.values()))
    done = 0

    def told(so_far: GridResult, before: int, stage: str) -> Callable[[Progress], Progress]:
        """How a part's progress is that of the whole."""
        return lambda p: Progress(
            stage, before + count * p.done, total, snapshot=_with_begun(so_far, p.snapshot)
        )

    def searching(
        so_far: GridResult, before: int, costs: tuple[int, int]
    ) -> Callable[[Progress], Progress]:
        """The same for a search: first its reference run, then what it tries."""

        def change(p: Progress) -> Progress:
            if p.stage == "schedule":  # there is nothing to search
                return Progress("cells", before, total, snapshot=so_far)
            reference, tries = costs
            tried = p.stage == "tuning"
            before_it, part = (reference, tries) if tried else (0, reference)
            spent = before_it + part * p.done // p.total
            return Progress("tuning", before + spent, total, snapshot=so_far)

        return change

    for spot in spots:
        result = replace(result, running=spot)

        if spot.seed not in result.references:
            noise = start_noise(denoise.spec, count, spot.seed)
            reference = yield from relay(
                reference_of(denoise, grid, noise, spot.seed, kept), told(result, done, "reference")
            )
            result = replace(result, references={**result.references, spot.seed: reference})
            done += count * fine
            yield Progress("reference", done, total, snapshot=result)
        costs = searches.pop(_found_key(spot), (0, 0))
        try:
            job = _schedule(denoise, grid, spot, kept)
            schedule = yield from relay(job, searching(result, done, costs))
            if spot.named.key.endswith(TUNED):
                grid = grid.with_found(spot.named.key, spot.solver, spot.steps, schedule)
                result = replace(result, grid=grid)
            reference = result.references[spot.seed]
            job = _cell(denoise, grid, spot, schedule, reference, kept)
            cell = yield from relay(job, told(result, done + sum(costs), "cells"))
        except ValueError as refused:
            cell = GridCell(spot, error=str(refused))
        done += sum(costs) + count * SOLVERS[spot.solver].nfe(spot.steps, grid.final_zero)
        result = replace(result, cells={**result.cells, (spot.row, spot.column): cell})
        yield Progress("cells", done, total, snapshot=result)
    result = replace(result, running=None)
    yield Progress("cells", total, total, snapshot=result)
    return result


def _with_begun(result: GridResult, snapshot: object) -> GridResult:
    """With a reference run as far as it is: it may be cut off, and is then gone on with."""
    return replace(result, begun=snapshot) if isinstance(snapshot, Begun) else result


def _found_key(spot: Spot) -> tuple[str, str, int]:
    return spot.named.key, spot.solver, spot.steps


def keep(result: GridResult, kept: Results) -> None:
    """Remember what another process has run: the next run of a grid goes on from there."""
    where = _where(result.grid)
    for seed, run in result.references.items():
        kept.put(_reference_key(result.grid, seed), run)
    if result.begun is not None and result.running is not None:
        kept.put((*_reference_key(result.grid, result.running.seed), "begun"), result.begun)
    for cell in result.cells.values():
        if cell.run is not None and cell.schedule is not None:
            spot = cell.spot
            kept.put(("cell", where, spot.seed, spot.solver, cell.schedule.sigmas), cell)


def _searched(spot: Spot, known: Collection[tuple[str, str, int]]) -> bool:
    return spot.named.key.endswith(TUNED) and _found_key(spot) not in known


def _search_costs(denoise: Bound, grid: Grid, spot: Spot) -> tuple[int, int]:
    """Evaluations that the search for a range takes: for its reference run, for what it tries."""
    entry = SCHEDULES[spot.named.key.removesuffix(TUNED)]
    highs, lows = tried_ranges(denoise.spec, grid.final_zero)
    tries = 1 + len(highs) * len(lows) + sum(len(tried_values(p)) for p in adjustable(entry.make))
    noises = SEARCH_NOISES * sets(spot.solver)
    stochastic = SOLVERS[spot.solver].stochastic
    reference = 0 if stochastic else noises * reference_calls(denoise)
    calls = SOLVERS[spot.solver].nfe(spot.steps, grid.final_zero) - 1
    return reference, noises * (tries * calls + len(highs) + 1)  # ranges share the first call


def reference_calls(denoise: Bound) -> int:
    """Calls of the reference run."""
    return SOLVERS[REFERENCE_SOLVER].nfe(REFERENCE_STEPS[denoise.spec.kind], final_zero=True)


def _where(grid: Grid) -> Hashable:
    words = grid.conditions, grid.negative, grid.guidance
    return grid.model, loads(grid.model), *words, grid.count


def _reference_key(grid: Grid, seed: int) -> tuple[Hashable, ...]:
    return "reference", _where(grid), seed


def reference_of(
    denoise: Bound, grid: Grid, noise: Batch, seed: int, kept: Results
) -> Job[SampleRun]:
    """The reference run of a noise, which is `seed`'s; run once."""
    key = _reference_key(grid, seed)
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
    key = _twin_key(grid, spot)
    schedule = kept.get(key)
    if schedule is None:
        zero = grid.final_zero
        job = tuned(denoise, base, spot.steps, spot.solver, num=SEARCH_NOISES, final_zero=zero)
        schedule = kept.put(key, (yield from job))
    return schedule


def _twin_key(grid: Grid, spot: Spot) -> Hashable:
    where = _where(replace(grid, count=1))
    return ("twin", where, *_found_key(spot), grid.final_zero)


def _cell(
    denoise: Bound, grid: Grid, spot: Spot, schedule: Schedule, reference: SampleRun, kept: Results
) -> Job[GridCell]:
    key = ("cell", _where(grid), spot.seed, spot.solver, schedule.sigmas)
    found: GridCell | None = kept.get(key)
    if found is None:
        noise = start_noise(denoise.spec, grid.count, spot.seed)
        metrics = CELL_METRICS[denoise.spec.kind]
        same = ("floors", _where(grid), spot.seed)
        known = {"reference": reference, "floors": kept.get(same)}
        job = compare(denoise, [schedule], spot.solver, noise, metrics, seed=spot.seed, **known)
        result = yield from job
        cell = result.cells[0]
        kept.put(same, result.floors)
        if cell.run is None:
            return GridCell(spot, schedule, error=cell.error)
        found = GridCell(spot, schedule, _shown(cell.run, denoise), cell.metrics, result.floors)
        kept.put(key, found)
    return replace(found, spot=spot, schedule=schedule)

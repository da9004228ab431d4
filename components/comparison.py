"""The rows of the Studio: every chosen schedule on the same start noise, under a reference run.

Turns a `Studio` into a job of row views; knows nothing of how they are drawn.
"""

from __future__ import annotations

import time
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, TypeVar

from ays_core.compare import (
    REFERENCE_SOLVER,
    REFERENCE_STEPS,
    Begun,
    Cell,
    Comparison,
    compare,
    reference_run,
)
from ays_core.denoiser import Batch, Bound
from ays_core.job import Job, Progress, relay, run
from ays_core.sampling import SampleRun, start_noise
from ays_core.schedule import Schedule
from ays_core.solvers import SOLVERS
from components.choices import choice_name, chosen_schedule, fitting_choices, yours_name
from components.recent import Recent
from components.state import ACCENT, TUNED, YOURS, Choice, Studio, first_studio
from components.twins import known_twin, sampled, twin_job

# What the rows show. A component of a mixture that draws a shape with hundreds means nothing.
SHOWN_METRICS = {"pictures": ("rmse", "same_component"), "points": ("rmse", "sliced_w2")}
PATHS = 48  # points of a cloud whose way is drawn

T = TypeVar("T")


_references: Recent[SampleRun] = Recent(32)
_begun: Recent[Begun] = Recent(4)
_cells: Recent[Cell] = Recent(128)
_floors: Recent[Mapping[str, float]] = Recent(128)  # no cell outlives the floors it is read beside


@dataclass(frozen=True)
class RowView:
    """One row: a schedule and, once it ran, what came of it."""

    key: str
    name: str
    colour: str
    dash: str
    schedule: Schedule | None = None
    cell: Cell | None = None
    state: Literal["waiting", "running", "done", "stale", "failed"] = "waiting"
    message: str = ""


@dataclass(frozen=True)
class Rows:
    """Everything the rows view shows, at one moment."""

    studio: Studio
    reference: SampleRun | None = None
    rows: tuple[RowView, ...] = ()
    floors: Mapping[str, float] = field(default_factory=dict)
    finding: str = ""
    begun: Begun | None = None  # the reference run, as far as it is

    @property
    def num_done(self) -> int:
        """Runs that are there, the reference among them."""
        return (self.reference is not None) + sum(r.state in ("done", "failed") for r in self.rows)

    @property
    def complete(self) -> bool:
        return self.num_done == 1 + len(self.rows)


def known_rows(studio: Studio) -> Rows:
    """The rows as far as they have been computed lately: the others are to be generated."""
    where = place(studio)
    view = _first_rows(studio)
    view = replace(view, reference=_references.get(where))
    for i, row in enumerate(view.rows):
        cell = row.schedule and _cells.get((where, studio.solver, row.schedule.sigmas))
        if cell:
            view = with_row(view, i, replace(row, cell=cell, state="done"))
        elif row.state == "waiting":
            view = with_row(view, i, replace(row, state="stale"))
    return replace(view, finding=finding(view)) if view.complete else view


def calls_of(studio: Studio) -> tuple[int, int]:
    """Denoiser calls that computing the rows takes: of the reference run, of all schedules. What
    is known already takes none."""
    view, entry = known_rows(studio), SOLVERS[studio.solver]
    steps = REFERENCE_STEPS[studio.spec.kind]
    reference = SOLVERS[REFERENCE_SOLVER].nfe(steps, final_zero=True)
    if view.reference:
        reference = 0
    elif begun := _begun.get(place(studio)):
        reference -= 2 * begun.steps  # two calls a step
    rows = [row.schedule for row in view.rows if row.state == "stale" and row.schedule]
    return reference, sum(entry.nfe(s.num_steps, s.final_zero) for s in rows)


def place(studio: Studio) -> Hashable:
    """Everything that a reference run depends on."""
    return (*sampled(studio), studio.seed, studio.num)


def keep(view: Rows) -> None:
    """Remember what was computed elsewhere, in the process that had the GPU."""
    where = place(view.studio)
    if view.begun is not None:
        _begun.put(where, view.begun)
    if view.reference is not None:
        _references.put(where, view.reference)
    _floors.put(where, view.floors)
    for row in view.rows:
        if row.cell is not None and row.cell.run is not None and row.schedule is not None:
            _cells.put((where, view.studio.solver, row.schedule.sigmas), row.cell)


@dataclass(frozen=True)
class Part:
    """Rows to go on with, as long as a GPU is lent."""

    view: Rows
    seconds: float


def part_job(part: Part) -> Job[Rows]:
    """The rows from where `part` is, until they are complete or its time is nearly up."""
    keep(part.view)
    began, job = time.monotonic(), rows_job(part.view.studio)
    try:
        while True:
            progress = next(job)
            view = progress.snapshot
            yield progress
            further = view.num_done > part.view.num_done
            if further and time.monotonic() - began > part.seconds:
                return view
    except StopIteration as stop:
        return stop.value
    finally:
        job.close()


def rows_job(studio: Studio) -> Job[Rows]:
    """Reference first, then every row in order; range-tuned twins, which need a search, last."""
    bound = studio.bound()
    noise = start_noise(bound.spec, studio.num, studio.seed)
    view = _first_rows(studio)
    yield Progress("reference", 0, 1, snapshot=view)

    where = place(studio)
    reference = _references.get(where)
    if reference is None:
        finished = yield from relay(
            reference_run(bound, noise, _begun.get(where)), lambda p: _with_begun(p, view, where)
        )
        reference = _references.put(where, slim(finished, bound))
    view = replace(view, reference=reference)
    yield Progress("reference", 1, 1, snapshot=view)

    by_effort = sorted(range(len(view.rows)), key=lambda i: view.rows[i].schedule is None)
    for done, i in enumerate(by_effort):
        view = with_row(view, i, replace(view.rows[i], state="running"))
        try:
            view = yield from _run_row(view, i, bound, noise, where)
        except ValueError as refused:
            view = with_row(view, i, replace(view.rows[i], state="failed", message=str(refused)))
        yield Progress("rows", done + 1, len(by_effort), snapshot=view)
    view = replace(view, finding=finding(view))
    yield Progress("rows", len(by_effort), len(by_effort), snapshot=view)
    return view


def _run_row(view: Rows, i: int, bound: Bound, noise: Batch, where: Hashable) -> Job[Rows]:
    row, studio = view.rows[i], view.studio
    schedule = row.schedule
    if schedule is None:
        job = twin_job(studio, bound, row.key.removesuffix(TUNED))
        schedule = yield from _relay(job, view)
        view = with_row(view, i, replace(row, schedule=schedule))
    key = (where, studio.solver, schedule.sigmas)
    cell = _cells.get(key)
    if cell is None:
        job = compare(
            bound,
            [schedule],
            studio.solver,
            noise,
            SHOWN_METRICS[studio.spec.kind],
            seed=studio.seed,
            reference=view.reference,
            floors=view.floors,
        )
        result: Comparison = yield from _relay(job, view)
        view = replace(view, floors=_floors.put(where, {**view.floors, **result.floors}))
        cell = result.cells[0]
        if cell.run is not None:
            cell = _cells.put(key, replace(cell, run=slim(cell.run, bound)))
    state = "failed" if cell.error else "done"
    done = replace(view.rows[i], cell=cell, state=state, message=cell.error)
    return with_row(view, i, done)


def _relay(job: Job[T], view: Rows) -> Job[T]:
    """A job inside this one, its progress shown with the rows as they are."""
    try:
        while True:
            progress = next(job)
            yield replace(progress, snapshot=view)
    except StopIteration as stop:
        return stop.value
    finally:
        job.close()


def _with_begun(p: Progress, view: Rows, where: Hashable) -> Progress:
    """What of a reference run is there is kept: it may take longer than one is given."""
    if p.snapshot is not None:
        _begun.put(where, p.snapshot)
    return replace(p, snapshot=replace(view, begun=p.snapshot))


def slim(run: SampleRun, bound: Bound) -> SampleRun:
    """A run as it is kept: with the estimates along the way of a few points only; of a network,
    with its pictures, which are made here, where the network is."""
    if run.samples.ndim > 2:
        pictures = None if bound.spec.exact else bound.model.decode(run.samples)
        return replace(run, trajectory=(), pictures=pictures)
    return replace(run, trajectory=tuple((sigma, x0[:PATHS]) for sigma, x0 in run.trajectory))


def with_row(view: Rows, i: int, row: RowView) -> Rows:
    return replace(view, rows=(*view.rows[:i], row, *view.rows[i + 1 :]))


def _first_rows(studio: Studio) -> Rows:
    return Rows(studio, rows=tuple(first_views(studio)), floors=_floors.get(place(studio)) or {})


def first_views(studio: Studio) -> Iterable[RowView]:
    """The rows before anything ran. A choice equal to the edited curve is not shown twice."""
    yield RowView(YOURS, yours_name(studio), ACCENT, "solid", studio.yours)
    for choice in fitting_choices(studio):
        view = _first_view(studio, choice)
        if view.schedule is None or view.schedule != studio.yours:
            yield view


def _first_view(studio: Studio, choice: Choice) -> RowView:
    base = RowView(choice.key, choice_name(choice.key), choice.colour, choice.dash)
    if choice.key.endswith(TUNED):
        return replace(base, schedule=known_twin(studio, choice.key.removesuffix(TUNED)))
    try:
        return replace(base, schedule=chosen_schedule(studio, choice.key))
    except ValueError as refused:
        return replace(base, state="failed", message=str(refused))


def error_of(studio: Studio) -> float | None:
    """The edited schedule's error to the reference run, where its row has been computed lately."""
    where = place(studio)
    cell = _cells.get((where, studio.solver, studio.yours.sigmas))
    return None if cell is None else cell.metrics.get("rmse")


def schedule_of(studio: Studio, key: str) -> Schedule:
    """The schedule of a row that has run, as it ran."""
    if key.endswith(TUNED):
        found = known_twin(studio, key.removesuffix(TUNED))
        return studio.yours if found is None else found
    return studio.yours if key == YOURS else chosen_schedule(studio, key)


def finding(view: Rows) -> str:
    """One plain sentence on the rows that ran, or "" when there is nothing to compare."""
    cells = [row.cell for row in view.rows if row.cell is not None and row.state == "done"]
    if len(cells) < 2 or view.reference is None:
        return ""
    names = {row.cell.schedule: row.name for row in view.rows if row.cell is not None}
    result = Comparison(
        view.studio.model, view.studio.solver, view.reference, "", view.floors, tuple(cells)
    )
    return result.finding_with(names)


def warm() -> None:
    """The first page's rows, computed before anyone asks: solvers imported, the model loaded, the
    results kept like any visitor's."""
    run(rows_job(first_studio()))

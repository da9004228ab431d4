"""The comparison: which schedules, and their rows as they arrive."""

from __future__ import annotations

import time
from collections.abc import Generator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import gradio as gr

from ays_core.compare import Cell
from ays_core.job import Job, Progress, relay
from ays_core.sampling import SampleRun
from ays_core.solvers import SOLVERS
from components.choices import choice_name, menu, misfits, shown_keys
from components.comparison import (
    Part,
    Rows,
    RowView,
    calls_of,
    keep,
    known_rows,
    part_job,
    rows_job,
    schedule_of,
)
from components.costs import lasted, seconds_for
from components.drawn import field_of, picture
from components.events import COMPUTE, PRIVATE
from components.following import Following
from components.grids import row_plan
from components.jobs import LEASE, STARTING, Overtime, Superseded, Turn, job_for, stream
from components.limits import LIMITS
from components.pictures import Doing, Pictures, Row, View
from components.schedule_editor import Edited
from components.state import YOURS, Studio, chosen_keys, with_choices, with_yours
from components.words import refusal, warn

KIND = "rows"
FRAME = 0.1  # seconds between two updates of the page
GLANCE = 0.1  # seconds for the rows while a level moves: the moved one, and what is known already
MAX_ROWS = 8


@dataclass(frozen=True)
class RowsPanel:
    view: Pictures
    choices: gr.Dropdown


def build(state: gr.State, studio: Studio, following: Following) -> RowsPanel:
    with gr.Row(visible=False, elem_id="generate-bar") as bar:
        generate = gr.Button("Generate", variant="primary", elem_id="generate", scale=3)
        stop = gr.Button("Stop", elem_id="stop-rows", min_width=80, scale=1)
    view = Pictures(None, elem_id="rows")
    choices = gr.Dropdown(
        menu(studio),
        value=shown_keys(studio),
        multiselect=True,
        max_choices=MAX_ROWS,
        label="Compare with",
        info="* is the same formula with its sigma range searched on training noises",
        elem_id="choices",
    )
    following.add(offer, [bar, generate])
    following.add(choices_of, choices, choices)
    done = generate.click(generated, state, view, **COMPUTE)
    done.then(offer, state, [bar, generate], **PRIVATE)
    stop.click(halt, None, None, queue=False, **PRIVATE)
    return RowsPanel(view, choices)


def show(studio: Studio, request: gr.Request) -> Generator[View, None, None]:
    """The rows after a change: computed at once, or for a model that was loaded, as they are
    known, what is not being marked."""
    if studio.instant:
        yield from generated(studio, request)
    else:
        yield payload(known_rows(studio), Turn.take(request.session_hash, KIND).number, None)


def generated(studio: Studio, request: gr.Request) -> Generator[View, None, None]:
    """The rows as they are computed; ends as soon as a newer change asks for its own."""
    turn = Turn.take(request.session_hash, KIND)
    running = stream(whole_job(studio, turn), turn, LIMITS.seconds)
    sent, shown = 0.0, None
    view = None
    try:
        while True:
            progress = next(running)
            view = progress.snapshot
            if view is not None and view is not shown and time.monotonic() - sent > FRAME:
                sent, shown = time.monotonic(), view
                yield payload(view, turn.number, doing_of(progress))
    except StopIteration as finished:
        if result := finished.value or view:
            yield payload(result, turn.number, None)
    except Superseded:
        if not studio.instant:  # stopped: what there is stays
            yield payload(known_rows(studio), turn.number, None)
    except Overtime as late:
        warn(late)
        yield payload(known_rows(studio), turn.number, None)
    except ValueError as refused:
        raise refusal(refused) from None


def whole_job(studio: Studio, turn: Turn) -> Job[Rows]:
    """All rows. With a network, in parts as long as a GPU is lent for; each goes on from the one
    before."""
    if studio.spec.exact:
        return (yield from rows_job(studio))
    view, lent = known_rows(studio), LEASE - STARTING
    while True:
        seconds = min(lent, seconds_for(studio, sum(calls_of(studio)) * studio.num))
        job = job_for(part_job, Part(view, lent / 2), False, turn, seconds)
        found = [view]
        try:
            view = (yield from relay(job, partial(_newest, found))) or found[-1]
        except Overtime:  # of the GPU's time: what it came to is there to go on from
            view = gone_on(view, found[-1])
        keep(view)
        if view.complete:
            return view


def gone_on(before: Rows, now: Rows) -> Rows:
    """The rows as a lent GPU left them. Where it came to nothing, nor will it the next time."""
    steps = [view.begun.steps if view.begun else 0 for view in (before, now)]
    if (now.num_done, steps[1]) <= (before.num_done, steps[0]):
        raise ValueError("a GPU is not lent for long enough to compute even one of these rows")
    return now


def _newest(found: list[Rows], progress: Progress) -> Progress:
    """Notes the newest rows: a job's result may be lost on the way from another process."""
    found[0] = progress.snapshot or found[0]
    return progress


def halt(request: gr.Request) -> None:
    """Stop: what runs sees at its next step that its turn is over, and lets go of the model."""
    Turn.take(request.session_hash, KIND)


def offer(studio: Studio) -> tuple[gr.Row, gr.Button]:
    """Generate, and what it will take, where rows are not computed at every change."""
    if studio.instant:
        return gr.Row(visible=False), gr.Button()
    reference, calls = calls_of(studio)
    if reference + calls == 0:
        return gr.Row(visible=True), gr.Button("Nothing has changed", interactive=False)
    took = seconds_for(studio, (reference + calls) * studio.num)
    first = f"{reference} + " if reference else ""
    label = f"Generate: {first}{calls} calls for {studio.num} pictures, about {in_words(took)}"
    return gr.Row(visible=True), gr.Button(label, interactive=True)


def in_words(seconds: float) -> str:
    """A duration, as precise as an estimate is."""
    if seconds < 1:
        return "a second"
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


def glance(studio: Studio, edited: Edited, request: gr.Request) -> View | dict[str, Any]:
    """The rows while a level moves: the edited one anew, the others where they are known already.

    Nothing where a newer change has asked for its own in the meantime.
    """
    turn = Turn.take(request.session_hash, KIND)
    began, view = time.monotonic(), None
    try:
        studio = with_yours(studio, edited.sigmas)
        job = rows_job(studio)
        for progress in stream(job, turn, LIMITS.seconds):
            view = progress.snapshot or view
            if has_own(view) and time.monotonic() - began > GLANCE:
                job.close()
                view = known_rows(studio)
                break
    except Superseded:
        return gr.skip()
    except ValueError as refused:
        raise refusal(refused) from None
    return payload(view, turn.number, None) if view else gr.skip()


def has_own(rows: Rows | None) -> bool:
    """Whether the edited curve's row has been computed."""
    return rows is not None and rows.rows[0].state in ("done", "failed")


def chosen(studio: Studio, keys: list[str]) -> Studio:
    """Other schedules to compare with. Those that do not fit just now wait unseen."""
    unseen = [key for key in chosen_keys(studio) if key not in shown_keys(studio)]
    return with_choices(studio, [*keys, *unseen])


def choices_of(studio: Studio, shown: list[str]) -> gr.Dropdown:
    """The menu of what fits, and the chosen ones of that; nothing that is `shown` is sent again."""
    keys, fitting = shown_keys(studio), menu(studio)
    return gr.Dropdown(fitting) if keys == shown else gr.Dropdown(fitting, value=keys)


def acted(studio: Studio, event: gr.EventData) -> tuple[Studio, list[str]]:
    """A row's menu: its schedule becomes the edited one, or the row goes."""
    key, action = event._data["row"], event._data["action"]
    if action == "remove":
        studio = with_choices(studio, [k for k in chosen_keys(studio) if k != key])
    elif action == "edit":
        studio = replace(studio, yours=schedule_of(studio, key))
    return studio, shown_keys(studio)


def payload(rows: Rows, run: int, doing: Doing | None) -> View:
    """What the page shows of these rows."""
    studio, reference = rows.studio, rows.reference
    shown = [reference_row(studio, reference), *(row_of(rows, row) for row in rows.rows)]
    return View(
        kind=studio.spec.kind,
        rows=tuple(shown),
        finding=rows.finding,
        progress=doing,
        first_seed=studio.seed,
        model="" if studio.instant else studio.model,
        count=studio.num,
        run=run,
        **(field_of(studio.model) if studio.spec.kind == "points" else {}),
    )


def reference_row(studio: Studio, run: SampleRun | None) -> Row:
    row = Row("reference", "Reference", "running", reference=True, actions=())
    if run is None:
        return row if studio.instant else replace(row, state="stale")
    levels = choice_name(run.schedule.origin.method)
    return replace(
        row,
        **picture(studio.model, run),
        state="done",
        sub=f"{run.nfe} calls",
        seconds=lasted(run.seconds),
        note=f"{SOLVERS[run.solver].label} on {levels} levels, the full range, ending in 0",
    )


def row_of(rows: Rows, view: RowView) -> Row:
    row = Row(
        view.key,
        view.name,
        view.state,
        view.colour,
        view.dash,
        message=view.message,
        actions=("edit", "duplicate", "export", "remove") if view.key != YOURS else ("export",),
    )
    if view.schedule is not None:
        levels = view.schedule.positive
        note = f"{levels[0]:.3g} … {levels[-1]:.3g}"
        warning = misfits(rows.studio, view.schedule, dict(rows.studio.kept).get(view.key))
        row = replace(row, note=f"{note}, {warning}" if warning else note)
    cell = view.cell
    if cell is None or cell.run is None:
        return row
    metrics = cell.metrics
    return replace(
        row,
        **picture(rows.studio.model, cell.run, row_plan(rows.studio, view.name, cell.schedule)),
        sub=f"{cell.run.nfe} calls",
        error=measured_error(rows, cell),
        same=f"{100 * metrics['same_component']:.0f} %" if "same_component" in metrics else "",
        seconds=lasted(cell.run.seconds),
    )


def measured_error(rows: Rows, cell: Cell) -> str:
    """The error to the reference run, or the distance to exact samples beside its floor."""
    if "rmse" in cell.metrics:
        return f"{cell.metrics['rmse']:.3f}"
    distance, floor = cell.metrics.get("sliced_w2"), rows.floors.get("sliced_w2_floor")
    return "" if distance is None else f"{distance:.3f} (floor {floor:.3f})"


def doing_of(progress: Progress) -> Doing:
    return Doing(progress.stage, progress.done, progress.total)

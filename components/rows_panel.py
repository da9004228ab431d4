"""The comparison: which schedules, and their rows as they arrive."""

from __future__ import annotations

import time
from collections.abc import Generator
from dataclasses import dataclass, replace
from functools import lru_cache

import gradio as gr
import numpy as np

from ays_core.compare import Cell
from ays_core.job import Progress
from ays_core.models import Mixture, load_model
from ays_core.sampling import SampleRun
from components.comparison import Rows, RowView, rows_job, schedule_of
from components.jobs import Overtime, Superseded, Turn, job_for, stream
from components.limits import LIMITS
from components.pictures import (
    Cloud,
    Doing,
    Pictures,
    Row,
    Strip,
    View,
    cloud,
    density,
    strip,
)
from components.state import YOURS, Studio, chosen_keys, decoded, menu, misfits, with_choices

KIND = "rows"
FRAME = 0.1  # seconds between two updates of the page
MAX_ROWS = 8


@dataclass(frozen=True)
class RowsPanel:
    view: Pictures
    choices: gr.Dropdown


def build(studio: Studio) -> RowsPanel:
    view = Pictures(None, elem_id="rows")
    choices = gr.Dropdown(
        menu(studio),
        value=chosen_keys(studio),
        multiselect=True,
        max_choices=MAX_ROWS,
        label="Compare with",
        info="* is the same formula with its sigma range searched on training noises",
        elem_id="choices",
    )
    return RowsPanel(view, choices)


def show(studio: Studio, request: gr.Request) -> Generator[View, None, None]:
    """The rows as they are computed; ends as soon as a newer change asks for its own."""
    turn = Turn.take(request.session_hash, KIND)
    running = stream(job_for(rows_job, studio, studio.spec.exact), turn, LIMITS.seconds)
    sent, shown = 0.0, None
    view: Rows | None = None
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
        return
    except Overtime as late:
        gr.Warning(str(late))
    except ValueError as refused:
        raise gr.Error(str(refused), print_exception=False) from None


def chosen(studio: Studio, keys: list[str]) -> Studio:
    """Other schedules to compare with."""
    return with_choices(studio, keys)


def choices_of(studio: Studio) -> gr.Dropdown:
    return gr.Dropdown(menu(studio), value=chosen_keys(studio))


def acted(studio: Studio, event: gr.EventData) -> tuple[Studio, list[str]]:
    """A row's menu: its schedule becomes the edited one, or the row goes."""
    key, action = event._data["row"], event._data["action"]
    if action == "remove":
        studio = with_choices(studio, [k for k in chosen_keys(studio) if k != key])
    elif action == "edit":
        studio = replace(studio, yours=schedule_of(studio, key))
    return studio, chosen_keys(studio)


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
        count=studio.num,
        run=run,
        **(field_of(studio.model) if studio.spec.kind == "points" else {}),
    )


@lru_cache(maxsize=64)
def field_of(model: str) -> dict:
    """Where points are drawn, and the true density behind them."""
    exact = load_model(model)
    if not isinstance(exact, Mixture):
        return {}
    values = exact.density()
    return {"extent": exact.extent(), "density": "" if values is None else density(values)}


def reference_row(studio: Studio, run: SampleRun | None) -> Row:
    row = Row("reference", "Reference", "running", reference=True, actions=())
    if run is None:
        return row
    return replace(
        row,
        **picture(studio.model, run),
        state="done",
        sub=f"{run.nfe} calls",
        seconds=seconds(run),
        note="Heun on Karras' levels, the model's full range, ending in 0",
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
        warning = misfits(rows.studio, view.schedule)
        row = replace(row, note=f"{note}, {warning}" if warning else note)
    cell = view.cell
    if cell is None or cell.run is None:
        return row
    metrics = cell.metrics
    return replace(
        row,
        **picture(rows.studio.model, cell.run),
        sub=f"{cell.run.nfe} calls",
        error=measured_error(rows, cell),
        same=f"{100 * metrics['same_component']:.0f} %" if "same_component" in metrics else "",
        seconds=seconds(cell.run),
    )


def measured_error(rows: Rows, cell: Cell) -> str:
    """The error to the reference run, or the distance to exact samples beside its floor."""
    if "rmse" in cell.metrics:
        return f"{cell.metrics['rmse']:.3f}"
    distance, floor = cell.metrics.get("sliced_w2"), rows.floors.get("sliced_w2_floor")
    return "" if distance is None else f"{distance:.3f} (floor {floor:.3f})"


def doing_of(progress: Progress) -> Doing:
    return Doing(progress.stage, progress.done, progress.total)


def seconds(run: SampleRun) -> str:
    return f"{run.seconds:.2f} s"


@lru_cache(maxsize=256)
def picture(model: str, run: SampleRun) -> dict[str, Strip | Cloud]:
    """The run as a strip of pictures or a cloud of points. A run is hashed by its tensors."""
    shown = decoded(model, run.samples)
    if shown.ndim == 4:
        return {"strip": strip(shown)}
    estimates = [decoded(model, x0) for _, x0 in run.trajectory]  # of the first few points
    paths = np.stack([*estimates, shown[: len(estimates[0])]], axis=1) if estimates else None
    return {"cloud": cloud(shown, paths)}

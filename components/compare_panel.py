"""Compare: a grid of schedules, solvers, steps and seeds; a close look, the way there, numbers,
a blind test, and files to take away."""

from __future__ import annotations

import html
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import gradio as gr

from ays_core.grid import Grid, GridResult, Line
from ays_core.job import Job, Progress
from ays_core.metrics import METRICS
from ays_core.solvers import SOLVERS
from components import grids
from components.blind_view import BlindView, Pair
from components.choices import fitting_choices, menu, yours_name
from components.costs import network_seconds
from components.film_view import FilmView
from components.grid_view import GridView
from components.jobs import Overtime, Superseded, Turn, job_for, stream
from components.limits import LIMITS
from components.plotly_view import PlotlyView
from components.state import YOURS, Studio

PRIVATE: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
COMPUTE: dict[str, Any] = {**PRIVATE, "concurrency_limit": 4, "concurrency_id": "compare"}
KIND, FILMS, NUMBERS = "grid", "films", "numbers"
FRAME = 0.15  # seconds between two updates of the page
SHOWN_SCHEDULES, SHOWN_SEEDS = 6, 4
MOST_NOISES = LIMITS.samples
FEW, CLOUD = 64, 1000  # samples in a cell: fewer are no cloud, so many no pictures
STEPS = ["4", "5", "6", "8", "10", "15", "20"]
AXIS_LABELS = [
    ("Schedules", "schedule"),
    ("Solvers", "solver"),
    ("Steps", "steps"),
    ("Seeds", "seed"),
]

R = TypeVar("R")


@dataclass(frozen=True, eq=False)
class Compared:
    """What a visitor's grid came to, with the Studio it was started from."""

    studio: Studio
    result: GridResult | None = None
    lines: tuple[Line, ...] = ()


def build(studio: gr.State, tab: gr.Tab, tabs: gr.Tabs) -> Any:
    """The Compare tab. Returns the event that makes a cell's schedule the edited one."""
    compared = gr.State(None)
    about = gr.HTML(elem_id="grid-about", padding=False)
    with gr.Row(elem_id="grid-controls"):
        schedules = gr.Dropdown(
            [], multiselect=True, label="Schedules", elem_id="grid-schedules", scale=4
        )
        solvers = gr.Dropdown(
            [(entry.label, key) for key, entry in SOLVERS.items()],
            multiselect=True,
            label="Solvers",
            elem_id="grid-solvers",
            scale=2,
        )
        steps = gr.Dropdown(
            STEPS,
            multiselect=True,
            allow_custom_value=True,
            label="Steps",
            elem_id="grid-steps",
            scale=1,
        )
    with gr.Row(elem_id="grid-axes"):
        seeds = gr.Number(
            SHOWN_SEEDS, label="Seeds", minimum=1, maximum=6, precision=0, elem_id="grid-seeds"
        )
        count = gr.Number(1, label="Samples a cell", minimum=1, precision=0, elem_id="grid-count")
        rows = gr.Dropdown(AXIS_LABELS, value="schedule", label="Rows", elem_id="grid-rows")
        columns = gr.Dropdown(AXIS_LABELS, value="seed", label="Columns", elem_id="grid-columns")
        same_nfe = gr.Checkbox(
            label="Same calls",
            info="steps are calls: Heun makes half as many",
            elem_id="grid-same",
        )
    with gr.Row():
        run = gr.Button("Compare", variant="primary", elem_id="grid-run")
        stop = gr.Button("Stop", elem_id="grid-stop")
        replay = gr.UploadButton(
            "Open a plan", file_types=[".json"], type="binary", elem_id="grid-replay"
        )
    view = GridView(None, elem_id="grid-view")
    with gr.Tabs():
        with gr.Tab("The way", elem_id="grid-way"):
            show = gr.Button("Film it", elem_id="grid-film")
            film = FilmView(None, elem_id="film-view")
            with gr.Row(elem_id="grid-lines"):
                errors = PlotlyView(None, label="Error along the run", height=280)
                lengths = PlotlyView(None, label="Length of the steps", height=280)
        with gr.Tab("Numbers") as numbers_tab:
            with gr.Row():
                noises = gr.Slider(
                    MOST_NOISES // 16,
                    MOST_NOISES,
                    value=MOST_NOISES // 2,
                    step=MOST_NOISES // 16,
                    label="Noises",
                    info="none of them was used to optimise; distances need many",
                    elem_id="grid-noises",
                )
                metric = gr.Dropdown(
                    [(e.label, key) for key, e in METRICS.items() if not e.absent()],
                    value="rmse",
                    label="Figure of",
                    elem_id="grid-metric",
                )
                measure = gr.Button("Measure", elem_id="grid-measure")
            numbers = gr.HTML(elem_id="grid-numbers", padding=False)
            figure = PlotlyView(None, label="Numbers", height=300)
        with gr.Tab("Blind test") as blind_tab:
            blind = BlindView((), elem_id="blind-view")
        with gr.Tab("Take away") as files_tab:
            files = gr.HTML(elem_id="grid-files", padding=False)

    chosen = [schedules, solvers, steps]
    asked = [studio, *chosen, seeds, count, rows, columns, same_nfe]
    opened = tab.select(offered, [studio, *chosen], chosen, **PRIVATE)
    opened.success(at_first, [compared, *asked], [view, compared], **COMPUTE)
    tab.select(sentence, studio, about, **PRIVATE)
    tab.select(fitting_count, [studio, count], count, **PRIVATE)
    numbers_tab.select(noises_of, studio, noises, **PRIVATE)
    ran = run.click(compute, asked, [view, compared], **COMPUTE)
    again = replay.upload(replayed, [studio, replay], [view, compared], **COMPUTE)
    stop.click(halt, None, None, queue=False, **PRIVATE)
    for event in (blind_tab.select, ran.success, again.success):
        event(pairs, compared, blind, **PRIVATE)
    for event in (files_tab.select, ran.success, again.success):
        event(taken_away, compared, files, **PRIVATE)
    show.click(filmed, compared, [film, errors, lengths], **COMPUTE)
    measure.click(measure_all, [compared, noises, metric], [compared, numbers, figure], **COMPUTE)
    metric.input(drawn, [compared, metric], figure, **PRIVATE)
    return view.select(edited, [studio, compared], [studio, tabs], **PRIVATE)


def edited(
    studio: Studio, compared: Compared | None, event: gr.EventData
) -> tuple[Studio, gr.Tabs]:
    """A cell's schedule becomes the edited curve, with the solver that it ran with."""
    result = finished(compared)
    try:
        schedule, solver = grids.schedule_in(result, str(event._data["cell"]))
    except ValueError as refused:
        raise gr.Error(str(refused), print_exception=False) from None
    if result.grid.model != studio.model:
        raise gr.Error(
            f"That grid is of {result.grid.model}; choose that model first.", print_exception=False
        )
    return replace(studio, yours=schedule, solver=solver), gr.Tabs(selected="studio")


def offered(
    studio: Studio, schedules: list[str], solvers: list[str], steps: list[str]
) -> tuple[gr.Dropdown, list[str], list[str]]:
    """What can be compared now; what was chosen stays, and at first it is what the Studio shows."""
    choices = [(yours_name(studio), YOURS), *menu(studio)]
    known = {key for _, key in choices}
    kept = [key for key in schedules or [] if key in known]
    if not kept:
        kept = [YOURS, *(choice.key for choice in fitting_choices(studio))][:SHOWN_SCHEDULES]
    menu_now = gr.Dropdown(choices, value=kept)
    return menu_now, solvers or [studio.solver], steps or [str(studio.num_steps)]


def fitting_count(studio: Studio, count: float | None) -> float | None:
    """A few pictures can be looked at, a few points show nothing."""
    if studio.spec.kind == "points" and (count or 1) < FEW:
        return CLOUD
    return 1 if studio.spec.kind == "pictures" and (count or 0) >= FEW else count


def sentence(studio: Studio) -> str:
    """What every cell shares, in words."""
    what = f"class {studio.condition}" if studio.condition else "any class"
    guided = f", guidance {studio.guidance:g}" if studio.guidance != 1 else ""
    line = (
        f"{studio.spec.label}, {what}{guided}, seeds from {studio.seed} on, as set in the Studio."
    )
    return (
        f"<p>{html.escape(line)} Rows and columns are two of schedules, solvers, steps, seeds.</p>"
    )


def at_first(
    request: gr.Request, compared: Compared | None, studio: Studio, *choice: Any
) -> Generator[tuple, None, None]:
    """Whoever opens the tab sees what the Studio shows, where that takes a moment only."""
    if compared is None and studio.instant:
        yield from compute(request, studio, *choice)


def compute(request: gr.Request, studio: Studio, *choice: Any) -> Generator[tuple, None, None]:
    """The grid as it is computed: (what is shown, the result at the end)."""
    try:
        plan = grids.plan(studio, grids.Asked(*choice))
    except ValueError as refused:
        raise gr.Error(str(refused), print_exception=False) from None
    yield from _running(studio, plan, request)


def replayed(studio: Studio, content: bytes, request: gr.Request) -> Generator[tuple, None, None]:
    """A saved plan, run again."""
    try:
        plan = grids.plan_of(content, studio)
    except ValueError as refused:
        raise gr.Error(str(refused), print_exception=False) from None
    yield from _running(studio, plan, request)


def _running(studio: Studio, plan: Grid, request: gr.Request) -> Generator[tuple, None, None]:
    turn = Turn.take(request.session_hash, KIND)
    began = time.monotonic()
    result = None
    for progress in _stream(grids.grid_job, plan, turn):
        result = progress.snapshot or result
        if result is not None:
            left = remaining(progress, time.monotonic() - began)
            grids.keep_cells(result)
            now = grids.shown(result, grids.doing(progress), left, turn.number)
            yield now, Compared(studio, result)
    if result is not None:
        done = replace(result, running=None)
        yield grids.shown(done, None, "", turn.number), Compared(studio, done)


def _stream(
    make: Callable[[Any], Job[R]], asked: Any, turn: Turn
) -> Generator[Progress, None, None]:
    """Progress worth showing; ends where the job ends, is stopped or runs out of time."""
    sent = 0.0
    exact = grids.spec_behind(asked).exact
    seconds = network_seconds(*grids.evaluations_of(asked))
    running = stream(job_for(make, asked, exact, turn, seconds), turn, LIMITS.seconds)
    last = None
    try:
        while True:
            last = next(running)
            if time.monotonic() - sent > FRAME:
                sent = time.monotonic()
                yield last
                last = None
    except StopIteration as stop:
        if stop.value is not None:
            yield Progress("done", 1, 1, snapshot=stop.value)
    except Superseded as stopped:
        if stopped.snapshot is not None:
            yield Progress("stopped", 1, 1, snapshot=stopped.snapshot)
    except Overtime as late:
        gr.Warning(str(late))
        if late.snapshot is not None:
            yield Progress("stopped", 1, 1, snapshot=late.snapshot)
    except ValueError as refused:
        raise gr.Error(str(refused), print_exception=False) from None


def remaining(progress: Progress, seconds: float) -> str:
    """How long it may still take, once there is something to tell it from."""
    if progress.done < 0.05 * progress.total or seconds < 1:
        return ""
    left = seconds * (progress.total - progress.done) / progress.done
    return f"about {left:.0f} s left" if left >= 1 else "nearly done"


def halt(request: gr.Request) -> None:
    """Stop: what is done stays."""
    for kind in (KIND, FILMS, NUMBERS):
        Turn.take(request.session_hash, kind)


def pairs(compared: Compared | None) -> tuple[Pair, ...]:
    return () if compared is None or compared.result is None else grids.pairs(compared.result)


def filmed(compared: Compared | None, request: gr.Request) -> Generator[tuple, None, None]:
    """Every line of the grid once more, with everything on the way."""
    result = finished(compared)
    assert compared is not None
    turn = Turn.take(request.session_hash, FILMS)
    for progress in _stream(grids.films_job, result, turn):
        found = progress.snapshot or ()
        yield (
            grids.films(result, found, compared.studio),
            grids.error_figure(result, found, compared.studio),
            grids.step_figure(result, found, compared.studio),
        )


def measure_all(
    compared: Compared | None, noises: float, metric: str, request: gr.Request
) -> Generator[tuple, None, None]:
    """All numbers of every line, on noises that no search has seen."""
    result = finished(compared)
    try:
        num = grids.checked_noises(result, noises)
    except ValueError as refused:
        raise gr.Error(str(refused), print_exception=False) from None
    turn = Turn.take(request.session_hash, NUMBERS)
    lines: tuple[Line, ...] = ()
    for progress in _stream(grids.numbers_job, (result, num), turn):
        lines = progress.snapshot or lines
        yield gr.skip(), as_table(lines, progress), gr.skip()
    assert compared is not None
    done = replace(compared, lines=lines)
    said = grids.finding(lines, result.grid), grids.missing(result.grid)
    yield done, as_table(lines, None, *said), drawn(done, metric)


def drawn(compared: Compared | None, metric: str) -> dict[str, Any] | None:
    """One metric as a figure, once there are numbers."""
    if compared is None or compared.result is None or not compared.lines:
        return None
    return grids.numbers_figure(compared.result, compared.lines, metric, compared.studio)


def noises_of(studio: Studio) -> gr.Slider:
    """Clouds are cheap: more noises, for distances that mean something."""
    most = grids.most_samples(studio.spec.kind)
    return gr.Slider(most // 16, most, value=most // 2, step=most // 16)


def finished(compared: Compared | None) -> GridResult:
    if compared is None or compared.result is None or not compared.result.cells:
        raise gr.Error("Compare something first: there is no grid yet.", print_exception=False)
    return compared.result


def as_table(lines: tuple[Line, ...], progress: Progress | None, *said: str) -> str:
    """The numbers as a table with what is said of them, or how far they are."""
    far = "" if progress is None else f"<p>{progress.done:,} of {progress.total:,} evaluations</p>"
    if not lines:
        return far
    head, rows = grids.table(lines)
    heads = "".join(f'<th scope="col">{html.escape(text)}</th>' for text in head)
    body = "".join(
        f'<tr><th scope="row">{html.escape(name)}</th>'
        + "".join(f"<td>{html.escape(value)}</td>" for value in values)
        + "</tr>"
        for name, *values in rows
    )
    words = "".join(f"<p>{html.escape(words)}</p>" for words in said)
    table = f"<table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>"
    return f'{far}<div class="saved">{table}</div>{words}'


def taken_away(compared: Compared | None) -> str:
    """Links that hold the files themselves: nothing is kept on the server."""
    if compared is None or compared.result is None:
        return "<p>Compare something first.</p>"
    links = "".join(
        f'<li><a download="{name}" href="{link}">{name}</a> {about}</li>'
        for name, (link, about) in grids.takeaway(compared.result, compared.lines).items()
    )
    again = "python -m ays_core compare plan.json --out again"
    return f"<ul>{links}</ul><p>To make the same again: <code>{again}</code></p>"

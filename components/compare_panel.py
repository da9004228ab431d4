"""Compare: a grid of schedules, solvers, steps and seeds; a close look, the way there, numbers,
a blind test, and files to take away."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from typing import Any

import gradio as gr

from ays_core.metrics import METRICS
from ays_core.models import spec_of
from ays_core.solvers import SOLVERS
from components import comparing, grids, static
from components.blind_view import BlindView
from components.choices import fitting_choices, menu, yours_name
from components.events import LAST, PRIVATE
from components.film_view import FilmView
from components.grid_view import GridView
from components.limits import LIMITS
from components.plotly_view import PlotlyView
from components.state import YOURS, Studio
from components.words import refusal, tell

# Several may run for a moment: the older ones see that their turn is over.
COMPUTE: dict[str, Any] = {
    **PRIVATE,
    "trigger_mode": "multiple",
    "concurrency_limit": 4,
    "concurrency_id": "compare",
}
SHOWN_SCHEDULES, SHOWN_SEEDS = 6, 4
MOST_SCHEDULES = 6  # on an axis
MOST_NOISES = LIMITS.samples
FEW, CLOUD = 64, 1000  # samples in a cell: fewer are no cloud, so many no pictures
STEPS = ["4", "5", "6", "8", "10", "15", "20"]
AXIS_LABELS = [
    ("Schedules", "schedule"),
    ("Solvers", "solver"),
    ("Steps", "steps"),
    ("Seeds", "seed"),
]


def build(studio: gr.State, tab: gr.Tab, tabs: gr.Tabs) -> Any:
    """The Compare tab. Returns the event that makes a cell's schedule the edited one."""
    plan, other = gr.State(None), gr.State(False)  # what is to run; whether it is another grid
    compared, measured = gr.State(None), gr.State(None)
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
    with gr.Row(elem_id="grid-actions"):
        run = gr.Button("Compare", variant="primary", elem_id="grid-run", min_width=110)
        stop = gr.Button("Stop", elem_id="grid-stop", min_width=80)
        twins = gr.Button("Add range-tuned twins", elem_id="grid-twins", min_width=180)
        replay = gr.UploadButton(
            "Open a plan", file_types=[".json", ".png"], type="binary", elem_id="grid-replay"
        )
    with gr.Row(visible=False, elem_id="grid-stale") as stale:
        changed = gr.HTML(elem_id="grid-changed", padding=False)
        renew = gr.Button("Compare again", elem_id="grid-renew", scale=0, min_width=160)
    view = GridView(None, elem_id="grid-view")
    with gr.Tabs():
        with gr.Tab("The way", elem_id="grid-way"):
            show = gr.Button("Film it", elem_id="grid-film")
            film = FilmView(None, elem_id="film-view")
            with gr.Row(elem_id="grid-lines"):
                errors = PlotlyView(None, label="Error along the run", height=280)
                lengths = PlotlyView(None, label="Length of the steps", height=280)
        with gr.Tab("Numbers") as numbers_tab:
            with gr.Row(elem_id="grid-measuring"):
                noises = gr.Slider(
                    MOST_NOISES // 16,
                    MOST_NOISES,
                    value=MOST_NOISES // 2,
                    step=MOST_NOISES // 16,
                    label="Noises",
                    info="not used to optimise",
                    elem_id="grid-noises",
                )
                metric = gr.Dropdown(
                    [(e.label, key) for key, e in METRICS.items() if not e.absent()],
                    value="rmse",
                    label="Figure of",
                    elem_id="grid-metric",
                )
                measure = gr.Button("Measure", elem_id="grid-measure")
            numbers = gr.HTML(
                elem_id="grid-numbers",
                padding=False,
                apply_default_css=False,
                head=static.head("library/saved.css"),
            )
            figure = PlotlyView(None, label="Numbers", height=300)
        with gr.Tab("Blind test"):
            blind = BlindView(grids.blind_offer(None), elem_id="blind-view")
        with gr.Tab("Take away") as files_tab:
            files = gr.HTML(elem_id="grid-files", padding=False)

    chosen = [schedules, solvers, steps]
    asked = [studio, *chosen, seeds, count, rows, columns, same_nfe]
    shown, seen = [view, compared, files], [studio, compared]
    counted = tab.select(fitting_count, [studio, count], count, **PRIVATE)
    opened = counted.success(offered, [studio, *chosen], chosen, **PRIVATE)
    ran = [opened.success(at_first, [compared, *asked], shown, **COMPUTE)]
    tab.select(grids.about, studio, about, **PRIVATE)
    tab.select(overdue, seen, [stale, changed], **PRIVATE)
    numbers_tab.select(noises_of, seen, noises, **PRIVATE)
    twins.click(with_twins, [studio, schedules], schedules, **PRIVATE)
    started = {**PRIVATE, "trigger_mode": "multiple"}
    for begun in (
        run.click(begin, [compared, *asked], [plan, other], **started),
        renew.click(begin, [compared, *asked], [plan, other], **started),
        replay.upload(read, [compared, studio, replay], [plan, other], **started),
    ):
        begun.success(no_films, other, [film, errors, lengths], **PRIVATE)
        begun.success(no_numbers, other, [measured, numbers, figure], **PRIVATE)
        ran.append(begun.success(comparing.compute, [plan, other], shown, **COMPUTE))
    for event in ran:
        event.success(comparing.offer_blind, compared, blind, **PRIVATE)
        event.success(comparing.taken_away, [compared, measured], files, **PRIVATE)
        event.success(overdue, seen, [stale, changed], **PRIVATE)
    stop.click(
        comparing.halt, [compared, measured], [view, compared, numbers], queue=False, **PRIVATE
    )
    files_tab.select(comparing.taken_away, [compared, measured], files, **PRIVATE)
    show.click(comparing.filmed, compared, [film, errors, lengths], **COMPUTE)
    asked_of = [compared, noises, metric]
    measure.click(comparing.measure_all, asked_of, [measured, numbers, figure], **COMPUTE)
    metric.input(comparing.drawn, [measured, metric], figure, **LAST)
    blind.select(comparing.judged, compared, blind, **COMPUTE)
    return view.select(edited, [studio, compared], [studio, tabs], **PRIVATE)


def edited(
    studio: Studio, compared: comparing.Compared | None, event: gr.EventData
) -> tuple[Studio, gr.Tabs]:
    """A cell's schedule becomes the edited curve, with the solver that it ran with."""
    result = comparing.finished(compared).result
    try:
        schedule, solver = grids.schedule_in(result, str(event._data["cell"]))
    except ValueError as refused:
        raise refusal(refused) from None
    if result.grid.model != studio.model:
        label = spec_of(result.grid.model).label
        raise refusal(f"That grid is of {label!r}: choose that model in the Studio first.")
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


def with_twins(studio: Studio, schedules: list[str]) -> list[str]:
    """Every closed form with the one baseline that is fair to it, as far as they fit."""
    wanted = grids.with_twins(studio, schedules)
    if wanted == schedules:
        tell("Every closed form here has its range-tuned twin, or can have none with this model.")
    if len(wanted) > MOST_SCHEDULES:
        tell(f"{len(wanted)} schedules; {MOST_SCHEDULES} fit: take some out.")
    return wanted


def overdue(studio: Studio, compared: comparing.Compared | None) -> tuple[gr.Row, str]:
    """Whether the Studio has changed since the grid was made, and in what."""
    differs = () if compared is None else compared.plan.changed(studio)
    words = f"The Studio has changed since: {', '.join(differs)}. This grid is the older one."
    return gr.Row(visible=bool(differs)), f"<p>{words}</p>" if differs else ""


def at_first(
    request: gr.Request, compared: comparing.Compared | None, studio: Studio, *choice: Any
) -> Generator[tuple, None, None]:
    """Whoever opens the tab sees what the Studio shows, where that takes a moment only."""
    if compared is None and studio.instant:
        plan, other = begin(compared, studio, *choice)
        yield from comparing.compute(request, plan, other)


def begin(
    compared: comparing.Compared | None, studio: Studio, *choice: Any
) -> tuple[grids.Plan, bool]:
    """What the controls ask for, and whether it is another grid than the one that is shown."""
    try:
        plan = grids.planned(studio, grids.Asked(*choice))
    except ValueError as refused:
        raise refusal(refused) from None
    return plan, is_other(plan, compared)


def read(
    compared: comparing.Compared | None, studio: Studio, content: bytes
) -> tuple[grids.Plan, bool]:
    """A saved plan, to be run again, as `begin` tells it."""
    try:
        plan = grids.Plan(grids.plan_of(content, studio), studio, opened=True)
    except ValueError as refused:
        raise refusal(refused) from None
    return plan, is_other(plan, compared)


def is_other(plan: grids.Plan, compared: comparing.Compared | None) -> bool:
    return compared is None or compared.plan.grid != plan.grid


def no_films(other: bool) -> tuple:
    """The films of another grid go."""
    return (None, None, None) if other else (gr.skip(), gr.skip(), gr.skip())


def no_numbers(other: bool) -> tuple:
    """The numbers of another grid go."""
    return (None, "", None) if other else (gr.skip(), gr.skip(), gr.skip())


def noises_of(studio: Studio, compared: comparing.Compared | None) -> gr.Slider:
    """Clouds are cheap: more noises, for distances that mean something."""
    spec = studio.spec if compared is None else spec_of(compared.result.grid.model)
    most = grids.most_samples(spec.kind)
    return gr.Slider(most // 16, most, value=most // 2, step=most // 16)

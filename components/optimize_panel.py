"""Optimize: a method, its parameters, what it will cost, and the search while it runs."""

from __future__ import annotations

import html
import time
from collections.abc import Generator
from dataclasses import dataclass, replace
from functools import partial

import gradio as gr

from ays_core.job import Job, Progress
from ays_core.optimizers import OPTIMIZERS, OptimizerEntry
from ays_core.params import adjustable, parse_params
from ays_core.schedule import Schedule
from components.controls import parameter_control
from components.jobs import Overtime, Superseded, Turn, job_for, stream
from components.limits import LIMITS
from components.plotly_view import PlotlyView
from components.schedule_editor import ScheduleEditor
from components.state import (
    ACCENT,
    Studio,
    chosen_keys,
    curves,
    menu,
    seconds_a_call,
    with_row,
)

KIND = "optimize"
THE_CURVE, NEW_ROW = "the curve", "a new row"
FRAME = 0.4  # seconds between two pictures of the search: drawing more often would block the page


@dataclass(frozen=True)
class Found:
    """What a search that began from `studio` ended with; no schedule when it had nothing yet."""

    studio: Studio
    schedule: Schedule | None


@dataclass(frozen=True)
class OptimizePanel:
    method: gr.Dropdown
    into: gr.Radio
    run: gr.Button
    stop: gr.Button
    view: PlotlyView
    found: gr.State
    cost: gr.HTML


def build(studio: gr.State, first: Studio) -> OptimizePanel:
    with gr.Column(elem_id="optimize-panel"):
        with gr.Row():
            method = gr.Dropdown(
                [(entry.label, key) for key, entry in OPTIMIZERS.items()],
                value=first.optimizer,
                label="Optimize with",
                elem_id="method",
                scale=2,
            )
            into = gr.Radio(
                [THE_CURVE, NEW_ROW],
                value=THE_CURVE,
                label="Result becomes",
                elem_id="into",
                scale=2,
            )
        with gr.Accordion("Parameters", open=False, elem_id="parameters"):

            @gr.render(inputs=method)
            def parameters(key: str) -> None:
                entry = OPTIMIZERS[key]
                gr.Markdown(entry.reference)
                for parameter in adjustable(entry.make):
                    control = parameter_control(parameter, parameter.default)
                    control.change(
                        partial(with_param, parameter.name),
                        [studio, control],
                        studio,
                        show_progress="hidden",
                        api_visibility="private",
                    )

        price = gr.HTML(elem_id="cost", padding=False)
        with gr.Row():
            run = gr.Button("Optimize", variant="primary", elem_id="optimize")
            stop = gr.Button("Stop", elem_id="stop")
        view = PlotlyView(None, label="Search", elem_id="search", height=200)
    return OptimizePanel(method, into, run, stop, view, gr.State(None), price)


def with_param(name: str, studio: Studio, value: object) -> Studio:
    return replace(studio, params=tuple(({**dict(studio.params), name: value}).items()))


def with_method(studio: Studio, method: str) -> Studio:
    return replace(studio, optimizer=OPTIMIZERS[method].key, params=())


def optimise(studio: Studio, request: gr.Request) -> Generator[tuple, None, None]:
    """Search from the edited curve: yields (what was found, the search on the curve, its plot)."""
    turn = Turn.take(request.session_hash, KIND)
    entry = OPTIMIZERS[studio.optimizer]
    sent, drawn = 0.0, None
    try:
        job = job_for(search_job, studio, studio.spec.exact)
        running = stream(job, turn, LIMITS.seconds)
        while True:
            progress = next(running)
            snapshot = progress.snapshot
            if snapshot is not None and time.monotonic() - sent > FRAME:
                moved = snapshot is not drawn
                sent, drawn = time.monotonic(), snapshot
                behind = ScheduleEditor(references=[*curves(studio), trial(snapshot)])
                yield gr.skip(), behind if moved else gr.skip(), figure(entry, progress)
    except StopIteration as stop:
        found = Found(studio, stop.value or drawn)
    except (Superseded, Overtime) as ended:
        best = ended.snapshot
        found = Found(studio, best if isinstance(best, Schedule) else None)
        if isinstance(ended, Overtime):
            gr.Warning(str(ended))
    except ValueError as refused:
        raise gr.Error(str(refused), print_exception=False) from None
    yield found, ScheduleEditor(references=curves(studio)), gr.skip()


def search_job(studio: Studio) -> Job[Schedule]:
    """The chosen optimizer from the edited curve."""
    make = OPTIMIZERS[studio.optimizer].make
    params = parse_params(make, dict(studio.params))
    return make(studio.bound(), studio.yours, studio.solver, **params)


def adopted(studio: Studio, found: Found, into: str) -> tuple[Studio, gr.Dropdown]:
    """What was found becomes the edited curve, or a row of its own."""
    if found.schedule is None:
        gr.Info("Stopped before there was anything better.")
    elif into == THE_CURVE:
        studio = replace(studio, yours=found.schedule)
    else:
        studio = with_row(studio, OPTIMIZERS[found.studio.optimizer].label, found.schedule)
    return studio, gr.Dropdown(menu(studio), value=chosen_keys(studio))


def halt(request: gr.Request) -> None:
    """Stop: the search sees at its next step that its turn is over, and keeps its best so far."""
    Turn.take(request.session_hash, KIND)


def trial(schedule: Schedule) -> dict:
    """Where the search is, as a curve behind the edited one."""
    levels = list(schedule.sigmas)
    return {"name": "search", "sigmas": levels, "color": ACCENT, "dash": "dot"}


def figure(entry: OptimizerEntry, progress: Progress) -> dict:
    """The objective so far."""
    params = progress.snapshot.origin.params
    title = f"{entry.label}: {progress.stage}, {progress.done:,} of {progress.total:,}"
    line = {"color": ACCENT}
    curve = {"y": params.get("curve", []), "mode": "lines+markers", "type": "scatter", "line": line}
    words = f"{title}<br><sub>{params.get('objective', 'objective')}</sub>"
    return {
        "data": [curve],
        "layout": {
            "title": {"text": words, "font": {"size": 12}},
            "margin": {"t": 46},
            "yaxis": {"type": "log"},
            "xaxis": {"title": {"text": "update"}},
        },
    }


def cost(studio: Studio) -> str:
    """What the search will take, before it is begun."""
    entry = OPTIMIZERS[studio.optimizer]
    try:
        params = parse_params(entry.make, dict(studio.params))
        evaluations = entry.evaluations(studio.yours, studio.solver, **params)
    except ValueError as refused:
        return html.escape(str(refused))
    took = evaluations / 16 * seconds_a_call(studio)
    return f"{html.escape(entry.about)} About {evaluations:,} evaluations, {took:.0f} s here."

"""Optimize: a method, its parameters, what it will cost, and the search while it runs."""

from __future__ import annotations

import html
import importlib.metadata
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import gradio as gr

from ays_core import searching
from ays_core.job import Job
from ays_core.library import Library
from ays_core.optimizers import OPTIMIZERS
from ays_core.params import adjustable, parse_params
from ays_core.schedule import Schedule
from ays_core.solvers import SOLVERS
from components import data_field, verdict
from components.choices import menu, shown_keys, source_of
from components.controls import parameter_control
from components.costs import drawing, seconds_for
from components.events import COMPUTE, ORDERED, PRIVATE
from components.following import Following
from components.jobs import Overtime, Superseded, Turn, job_for, stream
from components.limits import LIMITS
from components.plotly_view import PlotlyView
from components.schedule_editor import ScheduleEditor
from components.search_view import ended, figure, outcome
from components.state import ACCENT, Studio, with_row
from components.verdict import Found
from components.words import refusal, tell, warn

KIND = "optimize"
OPENED = "opened"  # the kind of turn that a Studio has in a page, until another one is opened there
VERSIONS = ("torch", "diffusers")  # a search's numbers may depend on them
THE_CURVE, NEW_ROW = "the curve", "a new row"
FRAME = 0.4  # seconds between two pictures of the search: drawing more often would block the page


@dataclass(frozen=True)
class OptimizePanel:
    method: gr.Dropdown
    into: gr.Radio
    run: gr.Button
    resumed: Any  # the event after which the search begins again
    save: gr.Button
    view: PlotlyView
    found: gr.State
    verdict: gr.State


def build(studio: gr.State, first: Studio, following: Following) -> OptimizePanel:
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
                        **PRIVATE,
                        **ORDERED,
                    )

        data_field.build(studio, following)
        price = gr.HTML(elem_id="cost", padding=False)
        with gr.Row():
            run = gr.Button("Optimize", variant="primary", elem_id="optimize", min_width=100)
            stop = gr.Button("Stop", elem_id="stop", min_width=70)
            resume = gr.Button("Resume", elem_id="resume", min_width=80, visible=False)
            save = gr.Button("Save result", elem_id="save-result", min_width=100, visible=False)
        view = PlotlyView(None, label="Search", elem_id="search", height=240)
        told = gr.HTML(elem_id="outcome", padding=False)
        found = gr.State(None)
        judged = verdict.build(found)

    following.add(cost, price, at_first=True)
    method.input(with_method, [studio, method], studio, trigger_mode="always_last", **PRIVATE)
    stop.click(halt, None, None, queue=False, **PRIVATE)
    found.change(what_next, found, [told, resume, save], **PRIVATE)
    resumed = resume.click(gone_on, [studio, found], studio, **PRIVATE)
    return OptimizePanel(method, into, run, resumed, save, view, found, judged)


def connect(
    panel: OptimizePanel, studio: gr.State, editor: ScheduleEditor, choices: gr.Dropdown
) -> Iterator[Any]:
    """A search, begun or gone on with, shown on the curve; then the event that takes it over."""
    for begun in (panel.run.click, panel.resumed.success):
        found = begun(optimise, studio, [panel.found, editor, panel.view], **COMPUTE)
        inputs = [studio, panel.found, panel.into]
        yield found.success(adopted, inputs, [studio, choices], **PRIVATE)


def with_param(name: str, studio: Studio, value: object) -> Studio:
    """A parameter of the chosen method; one of the method before may still be on its way."""
    if name not in {parameter.name for parameter in adjustable(OPTIMIZERS[studio.optimizer].make)}:
        return studio
    return replace(studio, params=tuple(({**dict(studio.params), name: value}).items()))


def with_method(studio: Studio, method: str) -> Studio:
    return replace(studio, optimizer=OPTIMIZERS[method].key, params=())


def optimise(studio: Studio, request: gr.Request) -> Generator[tuple, None, None]:
    """Search from the edited curve: yields (what was found, the search on the curve, its plot)."""
    turn, opened = (Turn.take(request.session_hash, kind) for kind in (KIND, OPENED))
    began = time.monotonic()
    entry = OPTIMIZERS[studio.optimizer]
    sent, drawn = 0.0, None
    yield None, gr.skip(), gr.skip()  # what an earlier search found is not this one's
    try:
        seconds = seconds_for(studio, sum(evaluations_of(studio)[:2]))
        job = job_for(search_job, studio, studio.spec.exact, turn, seconds)
        running = stream(job, turn, LIMITS.seconds)
        while True:
            progress = next(running)
            snapshot = progress.snapshot
            if snapshot is not None and time.monotonic() - sent > FRAME:
                moved = snapshot is not drawn
                sent, drawn = time.monotonic(), snapshot
                behind = ScheduleEditor(trial=trial(snapshot))
                if is_start(snapshot, studio):
                    progress = replace(progress, snapshot=Schedule(snapshot.sigmas))
                yield gr.skip(), behind if moved else gr.skip(), figure(entry, progress)
    except StopIteration as stop:
        found = Found(studio, stop.value or drawn)
    except (Superseded, Overtime) as stopped:
        best = stopped.snapshot
        if not isinstance(best, Schedule) or is_start(best, studio):
            best = None
        found = Found(studio, best, complete=False)
        if isinstance(stopped, Overtime):
            warn(stopped)
    except ValueError as refused:
        raise refusal(refused) from None
    if opened.is_over:
        yield None, ScheduleEditor(trial=None), None
        return
    found = replace(found, schedule=stamped(found.schedule, time.monotonic() - began))
    plot = found.schedule and ended(entry, found.schedule, question(studio))
    yield found, ScheduleEditor(trial=None), plot


def is_start(snapshot: Schedule, studio: Studio) -> bool:
    """Whether a search shows where it begins still: with the record of that, nothing of its own."""
    return snapshot.origin == studio.yours.origin


def what_next(found: Found | None) -> tuple[str, gr.Button, gr.Button]:
    """What the search says of its choice. One that was stopped can be gone on with; what was found
    can be saved."""
    if found is None or found.schedule is None:
        return "", gr.Button(visible=False), gr.Button(visible=False)
    said = html.escape(outcome(found.schedule))
    return said, gr.Button(visible=not found.complete), gr.Button(visible=True)


def gone_on(studio: Studio, found: Found | None) -> Studio:
    """The best so far becomes the start of a new search with the same settings."""
    if found is None or found.schedule is None:
        return studio
    if question(studio) != (asked := question(found.studio)):
        raise refusal(f"that search was for {asked}: choose that, or Optimize anew")
    return replace(studio, yours=found.schedule)


def stamped(schedule: Schedule | None, seconds: float) -> Schedule | None:
    """With how long it took, and with what: what a record needs to be judged later."""
    if schedule is None:
        return None
    versions = {package: importlib.metadata.version(package) for package in VERSIONS}
    params = {**schedule.origin.params, "seconds": round(seconds, 1), "versions": versions}
    return Schedule(schedule.sigmas, replace(schedule.origin, params=params))


def search_job(studio: Studio) -> Job[Schedule]:
    """The chosen optimizer from the edited curve, with what was measured before."""
    entry = OPTIMIZERS[studio.optimizer]
    params = parse_params(entry.make, dict(studio.params))
    bound = yield from studio.bound_to_data()
    where = (entry, bound, studio.yours, studio.solver)
    return (yield from searching.search(Library(), *where, **params))


def adopted(studio: Studio, found: Found | None, into: str) -> tuple[Any, Any]:
    """What was found becomes the edited curve, or a row of its own, if it is still asked for."""
    if found is None:
        return gr.skip(), gr.skip()
    if found.schedule is None:
        tell("Stopped before there was anything better.")
    elif question(studio) != question(found.studio):
        tell(f"What was found is for {question(found.studio)}: “Save result” keeps it.")
    elif into == THE_CURVE:
        studio = replace(studio, yours=found.schedule)
    else:
        studio = with_row(studio, OPTIMIZERS[found.studio.optimizer].label, found.schedule)
    return studio, gr.Dropdown(menu(studio), value=shown_keys(studio))


def question(studio: Studio) -> str:
    """What a search answers, in words. What answers another one does not belong on the curve."""
    return f"{studio.spec.label}, {SOLVERS[studio.solver].label}, {studio.num_steps} steps"


def halt(request: gr.Request) -> None:
    """Stop: the search sees at its next step that its turn is over, and keeps its best so far."""
    Turn.take(request.session_hash, KIND)


def left(request: gr.Request) -> None:
    """Another Studio was opened in the page: nobody waits for a search of the one before."""
    for kind in (OPENED, KIND):
        Turn.take(request.session_hash, kind)


def trial(schedule: Schedule) -> dict:
    """Where the search is, as a curve behind the edited one."""
    look = {"name": "search", "color": ACCENT, "dash": "dot"}
    return {**look, "sigmas": list(schedule.sigmas), "source": source_of(schedule)}


def how_it_is_searched(studio: Studio) -> str:
    """The method, which a lesson or a draft may have chosen."""
    return studio.optimizer


def cost(studio: Studio) -> str:
    """What the search will take, before it is begun; what was measured before is not paid again."""
    entry = OPTIMIZERS[studio.optimizer]
    try:
        evaluations, data, saved = evaluations_of(studio)
    except ValueError as refused:
        return html.escape(str(refused))
    evaluations += data
    took = seconds_for(studio, evaluations)
    said = [html.escape(entry.about), f"<b>{effort(evaluations, saved, took)}</b>"]
    if took > LIMITS.seconds:
        said.append(f"A search here ends after {LIMITS.seconds:g} s, with the best so far.")
    if entry.key == "ays_mc" and studio.spec.kind == "pictures":
        once = searching.LEVELS * searching.PATHS
        said.append(
            f"{OPTIMIZERS['ays'].label}, prices every step from {once:,} evaluations; with power 3 "
            "it finds the least KLUB exactly."
        )
    return " ".join(said)


def evaluations_of(studio: Studio) -> tuple[int, int, int]:
    """What the search will take: evaluations of its own, those of drawing its data, and those that
    were made before."""
    entry = OPTIMIZERS[studio.optimizer]
    params = parse_params(entry.make, dict(studio.params))
    if studio.instant:
        where = (entry, studio.bound(), studio.yours, studio.solver)
        evaluations, saved = searching.cost(Library(), *where, **params)
        return evaluations, 0, saved
    # a network would have to read its prompts, and be asked who it is
    where = (studio.yours, studio.solver)
    evaluations = entry.evaluations(*where, denoise=studio.unread(), **params)
    return evaluations, drawing(studio, entry.samples(params)), 0


def effort(evaluations: int, saved: int, seconds: float) -> str:
    """Evaluations and time, in words. `saved`: what was measured before."""
    if saved and not evaluations:
        return "Measured already: 0 evaluations."
    time_here = f"{seconds:.0f} s" if seconds >= 1 else "less than 1 s"
    if saved:
        return (
            f"Measured already ({saved:,} evaluations); about {evaluations:,} to try schedules "
            f"with the solver, {time_here} here."
        )
    return f"About {evaluations:,} evaluations, {time_here} here."

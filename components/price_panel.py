"""What every step of the edited curve costs by a measurement of the model: bars under the curve."""

from __future__ import annotations

import html
from collections.abc import Callable, Generator, Hashable

import gradio as gr

from ays_core.job import Job
from ays_core.library import Library
from ays_core.optimizers.align_your_steps.measured import POWERS
from ays_core.optimizers.align_your_steps.priced import Priced
from ays_core.paths import RANGE_SLACK
from ays_core.searching import LEVELS, PATHS, kept, measure_once
from ays_core.statistics import Statistics
from components.costs import drawing, seconds_for
from components.events import COMPUTE, LAST
from components.following import Following
from components.jobs import Overtime, Superseded, Turn, job_for, stream
from components.limits import LIMITS
from components.recent import Recent
from components.schedule_editor import ScheduleEditor
from components.state import Studio
from components.words import refusal

KIND = "measure"
KLUB = 3.0  # the weight of Align Your Steps, sigma^-3
WEIGHTS = [("KLUB, sigma^-3", KLUB), *((f"sigma^-{p:g}", p) for p in reversed(POWERS[:-1]))]
_read: Recent[Statistics] = Recent(16)  # finished measurements, shared by all visitors


def build(studio: gr.State, editor: ScheduleEditor) -> Callable:
    """Returns what brings it up to date after another event."""
    with gr.Row(elem_id="price"):
        told = gr.HTML(elem_id="price-told", padding=False)
        weight = gr.Dropdown(
            WEIGHTS,
            value=KLUB,
            label="Weight",
            elem_id="price-weight",
            min_width=150,
            scale=0,
            visible=False,
        )
        measure = gr.Button("Measure", size="sm", elem_id="measure", min_width=90, scale=0)
    bars = [editor, told, measure]
    weight.input(priced, [studio, weight], bars, **LAST)
    measured = measure.click(measuring, studio, told, **COMPUTE)
    following = Following(studio)  # of its own: this may take a moment
    following.add(lambda studio, weight: priced(studio, searched(studio, weight)), bars, weight)
    following.add(weighed, weight, weight)
    following.after(studio.change)
    following.after(measured.success)
    return following.after


def priced(studio: Studio, weight: float) -> tuple[ScheduleEditor, str, gr.Button]:
    """The bars of the edited curve, what they are in a sentence, and whether to measure first."""
    found = measurement_of(studio)
    if found is None or studio.yours.sigmas[0] > found.levels[-1] * (1 + RANGE_SLACK):
        evaluations = LEVELS * PATHS + drawing(studio, PATHS)
        seconds = seconds_for(studio, evaluations)
        why = f"What each step costs is not measured yet: {evaluations:,} evaluations, "
        why += f"about {max(seconds, 1):.0f} s here."
        return ScheduleEditor(bars=[], bars_label=""), _told(why), gr.Button(visible=True)
    power = checked(weight)
    costs = found.klub(studio.yours, power).tolist()
    name = "KLUB" if power == KLUB else f"Cost, weight sigma^-{power:g},"
    most, num = max(range(len(costs)), key=costs.__getitem__), studio.num_steps
    least, _ = Priced.by(found, studio.yours, power).best(num)[-1]
    line = f"{name} of all steps: {sum(costs):.4g}, most in step {most + 1}. "
    line += f"The least with {num} steps between these ends: {min(least, sum(costs)):.4g}."
    label = f"{name} of each step".replace(", of", " of")
    return ScheduleEditor(bars=costs, bars_label=label), _told(line), gr.Button(visible=False)


def weighed(studio: Studio, weight: float) -> gr.Dropdown:
    """The weight, where there is a measurement to weigh."""
    found = measurement_of(studio)
    return gr.Dropdown(value=searched(studio, weight), visible=found is not None)


def searched(studio: Studio, weight: float) -> float:
    """The weight that the curve was searched with, as long as it is the curve that was found; else
    the one that is chosen."""
    used = studio.yours.origin.params.get("weight")
    return checked(used) if used in dict(WEIGHTS).values() else weight


def checked(weight: object) -> float:
    """A client can send anything; the page sends 1 for 1.0."""
    if isinstance(weight, int | float) and weight in dict(WEIGHTS).values():
        return float(weight)
    return KLUB


def measurement_of(studio: Studio) -> Statistics | None:
    """The finished measurement of what is chosen, if there is one. Of a network only what was
    measured since the start: asking it who it is would cost a call at every edit."""
    where = measured_of(studio)
    found = _read.get(where)
    if found is None and studio.instant:
        found = kept(Library(), studio.bound())
    if found is None or found.num_paths < PATHS:
        return None
    return _read.put(where, found)


def measuring(studio: Studio, request: gr.Request) -> Generator[str, None, None]:
    """Measure what is chosen, once for everybody."""
    turn = Turn.take(request.session_hash, KIND)
    seconds = seconds_for(studio, LEVELS * PATHS + drawing(studio, PATHS))
    job = job_for(measure_job, studio, studio.spec.exact, turn, seconds)
    running = stream(job, turn, LIMITS.seconds)
    try:
        while True:
            progress = next(running)
            if progress.snapshot is not None:
                _read.put(measured_of(studio), progress.snapshot)
            yield _told(f"Measuring: {progress.done:,} of {progress.total:,} calls.")
    except StopIteration:
        return
    except Superseded:
        return
    except Overtime as late:
        raise refusal(f"{late}: measure again to go on") from None
    except ValueError as refused:
        raise refusal(refused) from None


def measure_job(studio: Studio) -> Job[Statistics]:
    bound = yield from studio.bound_to_data()
    return (yield from measure_once(Library(), bound))


def measured_of(studio: Studio) -> Hashable:
    """What a measurement is a measurement of."""
    return studio.model, studio.conditions, studio.negative, studio.guidance, studio.pictures


def _told(text: str) -> str:
    return f'<p class="price-told">{html.escape(text)}</p>'

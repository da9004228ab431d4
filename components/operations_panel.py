"""Operations on the edited curve: each is one click and one undo step.

A formula is checked while it is typed, in words at its field.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, get_args

import gradio as gr

from ays_core import editing
from ays_core.formula import schedule_from_formula
from ays_core.schedule import Resampling, Schedule
from ays_core.schedules import SCHEDULES, scaled
from components.limits import LIMITS
from components.state import Studio, start_of, with_change

EXAMPLE = "sigma_max * (sigma_min / sigma_max) ^ (u ^ 0.8)"
ENDS = {
    "Append a final 0": partial(editing.with_final_zero, how="append"),
    "Last level to 0": partial(editing.with_final_zero, how="replace"),
    "Drop the final 0": editing.without_final_zero,
}


@dataclass(frozen=True)
class Action:
    """A button, what it makes of (Studio, *inputs), and the controls it reads."""

    button: gr.Button
    act: Callable[..., Studio]
    inputs: tuple[Any, ...] = ()


def build(studio: gr.State, first: Studio) -> tuple[Action, ...]:
    with gr.Accordion("Change the curve", open=False, elem_id="operations"):
        with gr.Row():
            smooth = gr.Button("Smooth", size="sm", min_width=80)
            subdivide = gr.Button("Halve every step", size="sm", min_width=110)
            snap = gr.Button("Snap to timesteps", size="sm", min_width=120)
            reset = gr.Button("Take changes back", size="sm", min_width=130, elem_id="reset")
        with gr.Row():
            ends = [gr.Button(label, size="sm", min_width=130) for label in ENDS]
        with gr.Row():
            steps = gr.Number(
                2 * first.num_steps, label="Steps", precision=0, elem_id="resample-to", min_width=70
            )
            reading = gr.Radio(
                list(get_args(Resampling)),
                value="log-linear",
                label="Between levels",
                min_width=190,
            )
            resample = gr.Button("Resample", size="sm", min_width=80, elem_id="resample")
        with gr.Row():
            low = gr.Number(
                first.spec.sigma_min, label="New σ min", elem_id="scale-min", min_width=90
            )
            high = gr.Number(
                first.spec.sigma_max, label="New σ max", elem_id="scale-max", min_width=90
            )
            scale = gr.Button("Scale", size="sm", min_width=70)
        with gr.Row():
            other = gr.Dropdown(
                [(entry.label, key) for key, entry in SCHEDULES.items()],
                value="karras",
                label="Blend or join with",
                elem_id="blend-with",
                min_width=150,
                scale=2,
            )
            weight = gr.Slider(0, 1, value=0.5, step=0.05, label="Weight", min_width=110)
            blend = gr.Button("Blend", size="sm", min_width=70)
        with gr.Row():
            at = gr.Number(2, label="Level", precision=0, minimum=1, min_width=80)
            noisy = gr.Button("Keep the part above it", size="sm", min_width=130)
            clean = gr.Button("Keep the part below it", size="sm", min_width=130)
            join = gr.Button("Replace the part below", size="sm", min_width=140)
        with gr.Row():
            formula = gr.Textbox(
                EXAMPLE,
                label="Formula",
                info="of i, n, u = i / n, sigma_min, sigma_max",
                max_length=400,
                elem_id="formula",
                scale=3,
            )
            write = gr.Button("Use formula", size="sm", min_width=100, elem_id="use-formula")
        said = gr.Markdown(elem_id="formula-said")
    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    formula.change(refusal, [studio, formula], said, trigger_mode="always_last", **quiet)
    return (
        Action(smooth, plain(editing.smooth)),
        Action(subdivide, plain(editing.subdivide)),
        Action(snap, snapped),
        Action(reset, unchanged),
        *(Action(button, plain(ENDS[button.value])) for button in ends),
        Action(resample, resampled, (steps, reading)),
        Action(scale, rescaled, (low, high)),
        Action(blend, blended, (other, weight)),
        Action(noisy, partial(part, 0), (at,)),
        Action(clean, partial(part, 1), (at,)),
        Action(join, joined, (at, other)),
        Action(write, from_formula, (formula,)),
    )


def plain(operation: Callable[[Schedule], Schedule]) -> Callable[[Studio], Studio]:
    """An operation that needs nothing but the curve."""
    return lambda studio: changed(studio, lambda: operation(studio.yours))


def changed(studio: Studio, make: Callable[[], Schedule]) -> Studio:
    """The Studio with what `make` gives; its refusal in words, and then nothing changes."""
    try:
        made = make()
        LIMITS.checked_levels(made.sigmas)
        return with_change(studio, studio.spec.check(made))
    except ValueError as refused:
        raise gr.Error(str(refused), print_exception=False) from None


def unchanged(studio: Studio) -> Studio:
    """What was chosen last, before anything was done to it."""
    return changed(studio, lambda: start_of(studio))


def resampled(studio: Studio, num_steps: float | None, reading: Resampling) -> Studio:
    """The curve at another number of steps, read between its levels in the chosen way."""
    return changed(
        studio, lambda: studio.yours.with_steps(LIMITS.checked_steps(num_steps), reading)
    )


def snapped(studio: Studio) -> Studio:
    return changed(studio, lambda: editing.snap(studio.yours, studio.spec))


def rescaled(studio: Studio, low: float | None, high: float | None) -> Studio:
    """The curve between other ends; one left out stays."""
    levels = studio.yours.positive
    return changed(studio, lambda: scaled(studio.yours, low or levels[-1], high or levels[0]))


def catalogued(studio: Studio, key: str) -> Schedule:
    return SCHEDULES[key].make(studio.num_steps, studio.spec, final_zero=studio.yours.final_zero)


def blended(studio: Studio, other: str, weight: float) -> Studio:
    return changed(
        studio, lambda: editing.blend(studio.yours, catalogued(studio, other), weight=weight)
    )


def part(which: int, studio: Studio, at: float) -> Studio:
    """The noisy (0) or the clean (1) part of the curve, cut at a level."""
    return changed(studio, lambda: editing.split(studio.yours, int(at or 0))[which])


def joined(studio: Studio, at: float, other: str) -> Studio:
    """The noisy part of the curve, then what another schedule has below it."""

    def make() -> Schedule:
        noisy, _ = editing.split(studio.yours, int(at or 0))
        below = [v for v in catalogued(studio, other).sigmas if v < noisy.sigmas[-1]]
        return editing.concatenate(noisy, Schedule((noisy.sigmas[-1], *below)))

    return changed(studio, make)


def from_formula(studio: Studio, text: str) -> Studio:
    return changed(studio, lambda: written(studio, text))


def written(studio: Studio, text: str) -> Schedule:
    """Levels computed from a formula typed by hand: parsed by our own grammar, never evaluated."""
    return studio.spec.check(
        schedule_from_formula(
            LIMITS.checked_text(text or ""),
            studio.num_steps,
            studio.spec,
            final_zero=studio.yours.final_zero,
        )
    )


def refusal(studio: Studio, text: str) -> str:
    """Why a formula gives no schedule, or nothing where it gives one."""
    try:
        written(studio, text)
    except ValueError as refused:
        return str(refused)
    return ""

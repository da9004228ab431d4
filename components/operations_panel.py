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
from ays_core.paths import RANGE_SLACK, ModelSpec
from ays_core.schedule import Resampling, Schedule
from ays_core.schedules import scaled
from components.choices import choice_name, chosen_schedule, menu
from components.events import PRIVATE
from components.field_words import FieldWords, why_refused
from components.following import Following
from components.limits import LIMITS
from components.state import TUNED, Studio, start_of, with_change
from components.words import refusal, sentence

EXAMPLE = "sigma_max * (sigma_min / sigma_max) ^ (u ^ 0.8)"
ENDS = {
    "Append a final 0": partial(editing.with_final_zero, how="append"),
    "Last level to 0": partial(editing.with_final_zero, how="replace"),
    "Drop the final 0": editing.without_final_zero,
}


@dataclass(frozen=True)
class Action:
    """A button, what it makes of (Studio, *inputs), and the controls it reads.

    `act` raises `ValueError` for what it refuses; `said` is where that is read, next to the inputs,
    and what is without such a place says it in a message.
    """

    button: gr.Button
    act: Callable[..., Studio]
    inputs: tuple[Any, ...] = ()
    said: FieldWords | None = None

    def done(self, studio: Studio, *values: Any) -> Studio:
        try:
            return self.act(studio, *values)
        except ValueError as refused:
            if self.said:
                raise
            raise refusal(sentence(refused)) from None


def build(studio: gr.State, first: Studio, following: Following) -> tuple[Action, ...]:
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
        resample_said = FieldWords(fields=["resample-to"], elem_id="resample-said")
        with gr.Row():
            low = gr.Number(
                first.spec.sigma_min, label="New σ min", elem_id="scale-min", min_width=90
            )
            high = gr.Number(
                first.spec.sigma_max, label="New σ max", elem_id="scale-max", min_width=90
            )
            scale = gr.Button("Scale", size="sm", min_width=70)
        scale_said = FieldWords(fields=["scale-min", "scale-max"], elem_id="scale-said")
        with gr.Row(elem_id="other"):
            other = gr.Dropdown(
                others(first),
                value="karras",
                label="Blend or join with",
                elem_id="blend-with",
                min_width=150,
                scale=2,
            )
            weight = gr.Slider(
                0, 1, value=0.5, step=0.05, label="Weight", elem_id="weight", min_width=150
            )
            blend = gr.Button("Blend", size="sm", min_width=70)
        with gr.Row():
            at = gr.Number(2, label="Level", precision=0, elem_id="cut-at", min_width=80)
            noisy = gr.Button("Keep the part above it", size="sm", min_width=130)
            clean = gr.Button("Keep the part below it", size="sm", min_width=130)
            join = gr.Button(below("Karras"), size="sm", min_width=140, elem_id="join")
        part_said = FieldWords(fields=["cut-at", "blend-with"], elem_id="part-said")
        with gr.Row():
            formula = gr.Textbox(
                EXAMPLE,
                label="Formula",
                info="of i = 0 … n - 1, n positive levels, u = i / (n - 1), sigma_min, sigma_max",
                max_length=400,
                elem_id="formula",
                scale=3,
            )
            write = gr.Button("Use formula", size="sm", min_width=100, elem_id="use-formula")
        formula_said = FieldWords(fields=["formula"], elem_id="formula-said")
    following.add(offered, other, other)
    other.change(lambda key: below(choice_name(key)), other, join, **PRIVATE)
    actions = (
        Action(smooth, plain(editing.smooth)),
        Action(subdivide, plain(editing.subdivide)),
        Action(snap, snapped),
        Action(reset, unchanged),
        *(Action(button, plain(ENDS[button.value])) for button in ends),
        Action(resample, resampled, (steps, reading), resample_said),
        Action(scale, rescaled, (low, high), scale_said),
        Action(blend, blended, (other, weight), part_said),
        Action(noisy, partial(part, 0), (at,), part_said),
        Action(clean, partial(part, 1), (at,), part_said),
        Action(join, joined, (at, other), part_said),
        Action(write, from_formula, (formula,), formula_said),
    )
    for action in actions:
        if action.said and action.button not in (blend, clean, join):  # said while one types
            check = (partial(why_refused, action.act), [studio, *action.inputs], action.said)
            gr.on([field.change for field in action.inputs], *check, **PRIVATE)
    return actions


def others(studio: Studio) -> list[tuple[str, str]]:
    """What the curve can be blended or joined with: kept results and the catalogue."""
    return [(name, key) for name, key in menu(studio) if not key.endswith(TUNED)]


def offered(studio: Studio, chosen: str) -> gr.Dropdown:
    """The menu as it is now, at what was chosen where that is still on it."""
    menu = others(studio)
    return gr.Dropdown(menu, value=chosen if chosen in dict(menu).values() else "karras")


def below(name: str) -> str:
    return f"Replace the part below it with {name}"


def plain(operation: Callable[[Schedule], Schedule]) -> Callable[[Studio], Studio]:
    """An operation that needs nothing but the curve."""
    return lambda studio: changed(studio, operation(studio.yours))


def changed(studio: Studio, made: Schedule) -> Studio:
    """The Studio with another curve. Raises `ValueError` for one that is none for here."""
    LIMITS.checked_levels(made.sigmas)
    return with_change(studio, studio.spec.check(made))


def unchanged(studio: Studio) -> Studio:
    """What was chosen last, before anything was done to it."""
    return changed(studio, start_of(studio))


def resampled(studio: Studio, num_steps: float | None, reading: Resampling) -> Studio:
    """The curve at another number of steps, read between its levels in the chosen way."""
    return changed(studio, studio.yours.with_steps(LIMITS.checked_steps(num_steps), reading))


def snapped(studio: Studio) -> Studio:
    return changed(studio, editing.snap(studio.yours, studio.spec))


def rescaled(studio: Studio, low: float | None, high: float | None) -> Studio:
    """The curve between other ends; one left out stays."""
    levels, spec = studio.yours.positive, studio.spec
    ends = {"New σ min": low, "New σ max": high}
    for name, end in ends.items():
        if end is not None and not within(spec, end):
            raise ValueError(
                f"{name} is {end:g}: this model knows levels from {spec.sigma_min:g} to "
                f"{spec.sigma_max:g}"
            )
    least, most = levels[-1] if low is None else low, levels[0] if high is None else high
    if least >= most:
        raise ValueError(f"New σ min ({least:g}) must be below new σ max ({most:g})")
    return changed(studio, scaled(studio.yours, least, most))


def within(spec: ModelSpec, sigma: float) -> bool:
    """Whether a level lies in the model's range, as far as printed tables are exact."""
    return spec.sigma_min * (1 - RANGE_SLACK) <= sigma <= spec.sigma_max * (1 + RANGE_SLACK)


def blended(studio: Studio, other: str, weight: float) -> Studio:
    return changed(
        studio, editing.blend(studio.yours, chosen_schedule(studio, other), weight=weight)
    )


def part(which: int, studio: Studio, at: float | None) -> Studio:
    """The noisy (0) or the clean (1) part of the curve, cut at a level."""
    return changed(studio, cut(studio, at)[which])


def joined(studio: Studio, at: float | None, other: str) -> Studio:
    """The noisy part of the curve, then what another schedule has below it."""
    noisy, _ = cut(studio, at)
    levels = chosen_schedule(studio, other).sigmas
    below = [sigma for sigma in levels if sigma < noisy.sigmas[-1]]
    return changed(studio, editing.concatenate(noisy, Schedule((noisy.sigmas[-1], *below))))


def cut(studio: Studio, at: float | None) -> tuple[Schedule, Schedule]:
    """Both parts of the curve. Raises `ValueError` where it cannot be cut."""
    last = studio.num_steps - 1
    if last < 1:
        raise ValueError("a schedule of one step has no inner level to cut it at")
    if at is None or at % 1 or not 1 <= at <= last:
        given = "empty" if at is None else f"{at:g}"
        raise ValueError(f"level is {given}: give a whole number from 1 to {last}")
    return editing.split(studio.yours, int(at))


def from_formula(studio: Studio, text: str) -> Studio:
    """Levels computed from a formula typed by hand: parsed by our own grammar, never evaluated."""
    if not (text or "").strip():
        raise ValueError(f"type a formula, for example {EXAMPLE}")
    made = schedule_from_formula(
        LIMITS.checked_text(text),
        studio.num_steps,
        studio.spec,
        final_zero=studio.yours.final_zero,
    )
    if not within(studio.spec, made.positive[-1]):
        raise ValueError(
            f"level {len(made.positive) - 1} is {made.positive[-1]:g}: this model knows levels "
            f"from {studio.spec.sigma_min:g} to {studio.spec.sigma_max:g}"
        )
    return changed(studio, made)

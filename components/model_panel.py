"""The control bar: model, class, guidance, solver, steps, seed."""

from __future__ import annotations

import html
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import gradio as gr

from ays_core.models import MODELS
from ays_core.models.held import current
from ays_core.solvers import SOLVERS
from components.costs import machine, seconds_a_call
from components.events import PRIVATE
from components.field_words import FieldWords, quietly, why_refused
from components.following import Following
from components.limits import LIMITS
from components.state import MAX_GUIDANCE, SHOWN_SEED, Studio, with_model, with_steps, with_words
from components.words import refusal

ANY_CLASS = "any"
MAX_SEED = 2**31 - 1


@dataclass(frozen=True)
class ModelPanel:
    model: gr.Dropdown
    condition: gr.Dropdown
    words: gr.Row
    prompt: gr.Textbox
    negative: gr.Textbox
    guidance: gr.Slider
    solver: gr.Dropdown
    steps: gr.Number
    seed: gr.Number
    dice: gr.Button
    said: Any  # the event of other words

    @property
    def what(self) -> list[Any]:
        """What is sampled, in the order of `what_is_sampled`."""
        return [self.model, self.condition, self.guidance]


def build(state: gr.State, studio: Studio, following: Following) -> ModelPanel:
    with gr.Row(elem_id="controls", elem_classes="control-bar"):
        model = gr.Dropdown(
            model_choices(studio),
            value=studio.model,
            label="Model",
            elem_id="model",
            scale=3,
            min_width=150,
        )
        condition = gr.Dropdown(
            class_choices(studio),
            value=ANY_CLASS,
            label="Class",
            elem_id="condition",
            min_width=110,
        )
        guidance = gr.Slider(
            1,
            MAX_GUIDANCE,
            value=studio.guidance,
            step=0.5,
            label="Guidance",
            elem_id="guidance",
            min_width=130,
        )
        solver = gr.Dropdown(
            [(entry.label, key) for key, entry in SOLVERS.items()],
            value=studio.solver,
            label="Solver",
            elem_id="solver",
            scale=2,
            min_width=150,
        )
        steps = gr.Number(
            studio.num_steps,
            label="Steps",
            precision=0,
            elem_id="steps",
            min_width=80,
        )
        seed = gr.Number(
            studio.seed,
            label="Seed",
            precision=0,
            elem_id="seed",
            min_width=90,
        )
        dice = gr.Button("New seed", elem_id="dice", size="sm", min_width=80, scale=0)
    for field, check in ((steps, LIMITS.checked_steps), (seed, checked_seed)):
        said_of = FieldWords(fields=[str(field.elem_id)], elem_id=f"{field.elem_id}-said")
        field.change(partial(why_refused, check), field, said_of, **PRIVATE)
    with gr.Row(visible=False, elem_id="words", elem_classes="control-bar") as words:
        prompt = gr.Textbox(
            label="Prompt",
            info="one a line: picture 1 has the first, picture 2 the second, and round again",
            lines=1,
            max_lines=4,
            elem_id="prompt",
            scale=3,
        )
        negative = gr.Textbox(
            label="Negative prompt",
            info="what guidance moves away from",
            max_lines=2,
            elem_id="negative",
            scale=2,
        )
    line = gr.HTML(elem_id="capability", padding=False)
    following.add(capability, line, at_first=True)
    model.change(words_of, state, [words, prompt, negative], **PRIVATE)
    said = gr.on(
        [prompt.input, negative.input],
        worded,
        [state, prompt, negative],
        state,
        trigger_mode="always_last",
        **PRIVATE,
    )
    return ModelPanel(
        model,
        condition,
        words,
        prompt,
        negative,
        guidance,
        solver,
        steps,
        seed,
        dice,
        said,
    )


def model_choices(studio: Studio) -> list[tuple[str, str]]:
    """The catalogue, the model that was loaded, and the one at hand if it was drawn."""
    there = current()
    loaded = [(there.spec.label, there.spec.key)] if there is not None else []
    if studio.model not in MODELS and studio.instant:
        loaded.append((studio.spec.label, studio.model))
    return [*loaded, *((entry.label, key) for key, entry in MODELS.items())]


def class_choices(studio: Studio) -> list[tuple[str, str]]:
    return [("any class", ANY_CLASS), *((name, name) for name in studio.spec.classes)]


def acts(panel: ModelPanel) -> list[tuple[Any, Callable[[Studio, Any], Studio]]]:
    """Every control with what its new value makes of a Studio. One control changes one thing: what
    the others show may be older than what has been done since."""
    return [
        (panel.model, worded_refusal(with_model)),
        (panel.condition, with_condition),
        (panel.guidance, with_guidance),
        (panel.solver, worded_refusal(with_solver)),
        (panel.steps, quietly(with_checked_steps)),
        (panel.seed, quietly(with_seed)),
    ]


def worded_refusal(act: Callable[[Studio, Any], Studio]) -> Callable[[Studio, Any], Studio]:
    """`act`, whose refusal the visitor reads, and then nothing changes."""

    def handler(studio: Studio, value: Any) -> Studio:
        try:
            return act(studio, value)
        except ValueError as refused:
            raise refusal(refused) from None

    return handler


def with_condition(studio: Studio, condition: str) -> Studio:
    """This class, if the model has it; without one there is nothing to guide to."""
    if not studio.spec.takes_prompt:
        studio = replace(studio, condition=condition if condition in studio.spec.classes else "")
    return with_guidance(studio, studio.guidance)


def with_guidance(studio: Studio, guidance: float | None) -> Studio:
    return replace(studio, guidance=float(guidance or 1) if studio.condition else 1.0)


def with_solver(studio: Studio, solver: str) -> Studio:
    return replace(studio, solver=SOLVERS[solver].key)


def with_checked_steps(studio: Studio, num_steps: float | None) -> Studio:
    return with_steps(studio, LIMITS.checked_steps(num_steps))


def with_seed(studio: Studio, seed: float | None) -> Studio:
    return replace(studio, seed=checked_seed(seed))


def worded(studio: Studio, prompt: str, negative: str) -> Studio:
    """Other words, for a model that takes them. Nothing to guide to is no guidance."""
    try:
        LIMITS.checked_text(prompt + negative)
    except ValueError as refused:
        raise refusal(refused) from None
    return with_words(studio, prompt, negative) if studio.spec.takes_prompt else studio


def words_of(studio: Studio) -> tuple[gr.Row, str, str]:
    """Prompt and negative prompt, shown where the model takes them."""
    takes = studio.spec.takes_prompt
    return gr.Row(visible=takes), studio.condition if takes else "", studio.negative


def what_is_sampled(studio: Studio) -> tuple[gr.Dropdown, gr.Dropdown, gr.Slider]:
    """Model, class and guidance as they are; closed where the model has none to choose."""
    classes = gr.Dropdown(
        class_choices(studio),
        value=studio.condition if studio.condition in studio.spec.classes else ANY_CLASS,
        interactive=bool(studio.spec.classes),
        visible=not studio.spec.takes_prompt,
    )
    strength = gr.Slider(value=studio.guidance, interactive=bool(studio.condition))
    return gr.Dropdown(model_choices(studio), value=studio.model), classes, strength


def how_it_is_sampled(studio: Studio) -> tuple[str, int]:
    return studio.solver, studio.seed


def checked_seed(seed: float | None) -> int:
    if seed is None or seed % 1 or not 0 <= seed <= MAX_SEED:
        given = "empty" if seed is None else f"{seed:g}"
        raise ValueError(f"seed is {given}: give a whole number from 0 to {MAX_SEED:,}")
    return int(seed)


def new_seed(studio: Studio) -> tuple[Studio, int]:
    """A seed from those that are shown, never one that an optimizer or a judge uses."""
    seed = random.randrange(SHOWN_SEED, 2 * SHOWN_SEED)
    return replace(studio, seed=seed), seed


def follow(studio: gr.State, panel: ModelPanel, control: Any, event: Any) -> None:
    """The others after one of them was changed; a slider that is still moving is left alone."""
    if control in (panel.model, panel.condition):
        event.success(what_is_sampled, studio, panel.what, **PRIVATE)


def capability(studio: Studio) -> str:
    """What this machine is, and what one call of the chosen model costs on it."""
    took = seconds_a_call(studio) / (1 if studio.instant else 16)
    per = "a call" if studio.instant else "a call and picture"
    return html.escape(f"{machine()} · {1000 * took:.1f} ms {per}")

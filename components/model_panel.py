"""The control bar: model, class, guidance, solver, steps, seed."""

from __future__ import annotations

import html
import random
from dataclasses import dataclass, replace

import gradio as gr

from ays_core.models import MODELS
from ays_core.solvers import SOLVERS
from components.limits import LIMITS
from components.state import (
    SHOWN_SEED,
    Studio,
    machine,
    seconds_a_call,
    with_model,
    with_steps,
)

ANY_CLASS = "any"
MAX_SEED = 2**31 - 1


@dataclass(frozen=True)
class ModelPanel:
    model: gr.Dropdown
    condition: gr.Dropdown
    guidance: gr.Slider
    solver: gr.Dropdown
    steps: gr.Number
    seed: gr.Number
    dice: gr.Button
    line: gr.HTML


def build(studio: Studio) -> ModelPanel:
    with gr.Row(elem_id="controls", elem_classes="control-bar"):
        model = gr.Dropdown(
            [(entry.label, key) for key, entry in MODELS.items()],
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
            8,
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
            minimum=1,
            maximum=LIMITS.levels - 1,
            precision=0,
            elem_id="steps",
            min_width=80,
        )
        seed = gr.Number(
            studio.seed,
            label="Seed",
            minimum=0,
            maximum=MAX_SEED,
            precision=0,
            elem_id="seed",
            min_width=90,
        )
        dice = gr.Button("New seed", elem_id="dice", size="sm", min_width=80, scale=0)
    line = gr.HTML(elem_id="capability", padding=False)
    return ModelPanel(model, condition, guidance, solver, steps, seed, dice, line)


def class_choices(studio: Studio) -> list[tuple[str, str]]:
    return [("any class", ANY_CLASS), *((name, name) for name in studio.spec.classes)]


def changed(
    studio: Studio, model, condition, guidance, solver, steps, seed
) -> tuple[Studio, gr.Dropdown, gr.Slider]:
    """The Studio with these controls; a refused value raises a `gr.Error` and changes nothing."""
    try:
        studio = with_model(studio, model)
        chosen = condition if condition in studio.spec.classes else ""
        studio = replace(
            studio,
            condition=chosen,
            guidance=float(guidance or 1) if chosen else 1.0,
            solver=SOLVERS[solver].key,
            seed=checked_seed(seed),
        )
        studio = with_steps(studio, LIMITS.checked_steps(steps))
    except ValueError as refused:
        raise gr.Error(str(refused), print_exception=False) from None
    _, classes, strength = what_is_sampled(studio)
    return studio, classes, strength


def what_is_sampled(studio: Studio) -> tuple[str, gr.Dropdown, gr.Slider]:
    """Model, class and guidance as they are; closed where the model has none to choose."""
    classes = gr.Dropdown(
        class_choices(studio),
        value=studio.condition or ANY_CLASS,
        interactive=bool(studio.spec.classes),
    )
    strength = gr.Slider(value=studio.guidance, interactive=bool(studio.condition))
    return studio.model, classes, strength


def how_it_is_sampled(studio: Studio) -> tuple[str, int]:
    return studio.solver, studio.seed


def checked_seed(seed: float | None) -> int:
    if seed is None or not 0 <= seed <= MAX_SEED or not float(seed).is_integer():
        raise ValueError(f"seed is {seed}; it must be a whole number from 0 to {MAX_SEED}")
    return int(seed)


def new_seed(studio: Studio) -> tuple[Studio, int]:
    """A seed from those that are shown, never one that an optimizer or a judge uses."""
    seed = random.randrange(SHOWN_SEED, 2 * SHOWN_SEED)
    return replace(studio, seed=seed), seed


def capability(studio: Studio) -> str:
    """What this machine is, and what one call of the chosen model costs on it."""
    return html.escape(f"{machine()} · {1000 * seconds_a_call(studio):.1f} ms a call")

"""Everything one visitor has chosen, as one frozen value in one `gr.State`.

A handler takes (Studio, value) and returns a Studio; views are rendered from it.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, replace
from functools import cache
from itertools import chain, count
from typing import Any

import numpy as np

from ays_core.denoiser import Batch, Bound, bind
from ays_core.models import MODELS, load_model
from ays_core.optimizers import OPTIMIZERS
from ays_core.paths import ModelSpec
from ays_core.sampling import start_noise
from ays_core.schedule import Origin, Schedule
from ays_core.schedules import SCHEDULES

SHOWN_SEED = 10_000  # seeds below are for optimising, from 20,000 on for judging
TUNED = "*"  # a row key with this suffix is a closed form with its sigma range tuned: `karras*`
YOURS = "yours"
ACCENT = "#e8590c"

# Okabe-Ito, each with a dash pattern: told apart without colour vision and in print.
STYLES = (
    ("#56B4E9", "dash"),
    ("#009E73", "dot"),
    ("#CC79A7", "dashdot"),
    ("#E69F00", "longdash"),
    ("#0072B2", "longdashdot"),
    ("#D55E00", "dash"),
)


@dataclass(frozen=True)
class Choice:
    """A schedule to compare with: a catalogue key, `key*` for its range-tuned twin, or a kept one.

    `style`: index into STYLES, fixed when it was chosen, so that a schedule keeps its colour.
    """

    key: str
    style: int

    @property
    def colour(self) -> str:
        return STYLES[self.style % len(STYLES)][0]

    @property
    def dash(self) -> str:
        return STYLES[self.style % len(STYLES)][1]


@dataclass(frozen=True)
class Studio:
    """What the Studio tab shows. `yours` is the edited schedule; `kept` are results with names.

    Hashable throughout: gradio sees by its hash whether a state has changed.
    """

    yours: Schedule
    model: str = "scenes"
    condition: str = ""  # a class name, or "" for none
    guidance: float = 1.0
    solver: str = "euler"
    seed: int = SHOWN_SEED
    choices: tuple[Choice, ...] = ()
    kept: tuple[tuple[str, Schedule], ...] = ()
    optimizer: str = "oss"
    params: tuple[tuple[str, Any], ...] = ()  # of the optimizer, as adjusted

    @property
    def num_steps(self) -> int:
        return self.yours.num_steps

    @property
    def spec(self) -> ModelSpec:
        return load_model(self.model).spec

    @property
    def num(self) -> int:
        """Samples in a row: pictures one can look at, points enough for a cloud."""
        return 16 if self.spec.kind == "pictures" else 2000

    def bound(self) -> Bound:
        return bind(load_model(self.model), self.condition, self.guidance)


CHANGED = ("edited", "resampled", "scaled")  # methods that only change what there was
DEFAULT_CHOICES = ("oss_scenes_euler_6", "karras", "karras*", "kl_optimal")


@cache
def first_studio() -> Studio:
    """What a visitor finds: `scenes`, Euler, 6 steps, and a schedule found for just that."""
    shipped = SCHEDULES[DEFAULT_CHOICES[0]]
    studio = Studio(yours=shipped.make(6, MODELS["scenes"].spec))
    return with_choices(studio, DEFAULT_CHOICES)


def with_choices(studio: Studio, keys: tuple[str, ...] | list[str]) -> Studio:
    """Compare with these keys, in this order; those already chosen keep their colour."""
    styles = {choice.key: choice.style for choice in studio.choices if choice.key in keys}
    free = iter(i for i in range(len(STYLES) + len(keys)) if i not in styles.values())
    return replace(
        studio, choices=tuple(Choice(k, styles[k] if k in styles else next(free)) for k in keys)
    )


def with_row(studio: Studio, name: str, schedule: Schedule) -> Studio:
    """Compare with a schedule of its own name, numbered where it is taken by another."""
    kept = dict(studio.kept)
    taken = {*kept, *SCHEDULES, YOURS}
    if kept.get(name) != schedule:
        numbered = (f"{name} {i}" for i in count(2))
        name = next(n for n in chain([name], numbered) if n not in taken)
        studio = replace(studio, kept=(*studio.kept, (name, schedule)))
    others = [key for key in chosen_keys(studio) if key != name]
    return with_choices(studio, [name, *others])


def with_yours(studio: Studio, sigmas: tuple[float, ...]) -> Studio:
    """The curve was edited. The same levels again change nothing, not even the origin."""
    if sigmas == studio.yours.sigmas:
        return studio
    before = studio.yours.origin
    parent = before.parent if before.method == "edited" else before.method
    return replace(studio, yours=Schedule(sigmas, Origin("edited", parent=parent)))


def with_model(studio: Studio, model: str) -> Studio:
    """Another model: its own range and classes; the curve starts afresh where it does not fit."""
    if model == studio.model:
        return studio
    spec = load_model(model).spec
    fresh = SCHEDULES["karras"].make(studio.num_steps, spec)
    condition = studio.condition if studio.condition in spec.classes else ""
    return replace(
        studio,
        model=model,
        yours=fresh,
        condition=condition,
        guidance=studio.guidance if condition else 1.0,
    )


def with_steps(studio: Studio, num_steps: int) -> Studio:
    """The same curve with another number of steps."""
    return replace(studio, yours=studio.yours.with_steps(num_steps))


def menu(studio: Studio) -> list[tuple[str, str]]:
    """Kept results, then the catalogue, each closed form followed by its range-tuned twin."""
    entries = [(name, name) for name, _ in studio.kept]
    for key, entry in SCHEDULES.items():
        entries.append((entry.label, key))
        if entry.kind == "formula":
            entries.append((choice_name(key + TUNED), key + TUNED))
    return entries


def chosen_keys(studio: Studio) -> list[str]:
    return [choice.key for choice in studio.choices]


def fitting_choices(studio: Studio) -> tuple[Choice, ...]:
    """The chosen schedules that are offered for what is chosen now.

    A table made for another model, solver or step count is left out rather than shown unfairly.
    """
    return tuple(choice for choice in studio.choices if fits(choice.key, studio))


def fits(key: str, studio: Studio) -> bool:
    """Whether a learned table was made for this model, solver and step count.

    Published tables were made for models that are not here: they are shown as they are.
    """
    if key in dict(studio.kept):
        return True
    made_for = SCHEDULES[key.removesuffix(TUNED)].made_for
    if made_for is None or made_for.model not in MODELS:
        return True
    return not made_for.warnings(studio.spec, studio.solver, studio.num_steps)


def chosen_schedule(studio: Studio, key: str) -> Schedule:
    """A chosen schedule at the Studio's step count and end, over its own range."""
    kept = dict(studio.kept)
    if key in kept:
        return kept[key].with_steps(studio.num_steps)
    entry = SCHEDULES[key]
    return entry.make(studio.num_steps, studio.spec, final_zero=studio.yours.final_zero)


def choice_name(key: str) -> str:
    """What a schedule is called: by its catalogue label, its optimizer's, or the name it has."""
    base = key.removesuffix(TUNED)
    for catalogue in (SCHEDULES, OPTIMIZERS):
        if base in catalogue:
            return catalogue[base].label + (", range tuned" if key != base else "")
    return key


def yours_name(studio: Studio) -> str:
    """Where the edited schedule comes from, in words."""
    origin = studio.yours.origin
    made = choice_name(origin.method)
    return (
        f"Yours: {choice_name(origin.parent)}, {made}"
        if made in CHANGED and origin.parent
        else f"Yours: {made}"
    )


def curves(studio: Studio) -> list[dict[str, Any]]:
    """The compared schedules as curves behind the edited one.

    Range-tuned twins are left out: they are known only after a search.
    """
    shown = []
    for choice in fitting_choices(studio):
        if choice.key.endswith(TUNED):
            continue
        try:
            schedule = chosen_schedule(studio, choice.key)
        except ValueError:
            continue  # its row says why
        if schedule != studio.yours:
            source = schedule.origin.reference
            curve = {"name": choice_name(choice.key), "color": choice.colour, "dash": choice.dash}
            shown.append({**curve, "sigmas": list(schedule.sigmas), "source": source})
    return shown


def misfits(studio: Studio, schedule: Schedule) -> str:
    """How the use at hand differs from what a schedule was searched for, or "".

    A schedule for a first-order solver can be far off with Heun: said on its row.
    """
    made_for, here = (
        schedule.origin.params,
        {
            "model": studio.model,
            "solver": studio.solver,
            "guidance": studio.guidance,
            "steps": studio.num_steps,
        },
    )
    if "evaluations" not in made_for:
        return ""
    found = [
        f"{name} {made_for[name]}"
        for name, value in here.items()
        if made_for.get(name, value) != value
    ]
    return f"made for {', '.join(found)}" if found else ""


def decoded(model: str, x: Batch) -> np.ndarray:
    """Samples as pictures, uint8 (B, H, W, 3), or points, float64 (B, 2)."""
    return load_model(model).decode(x)


def machine() -> str:
    """Where the arithmetic happens."""
    return f"CPU · {os.cpu_count()} cores"


@cache
def _seconds_a_call(model: str, condition: str, guidance: float) -> float:
    bound = bind(load_model(model), condition, guidance)
    x = start_noise(bound.spec, 16, SHOWN_SEED)
    bound(x, 1.0)
    began = time.perf_counter()
    for sigma in (10.0, 1.0, 0.1):
        bound(x, sigma)
    return (time.perf_counter() - began) / 3


def seconds_a_call(studio: Studio) -> float:
    """One denoiser call for 16 samples of the chosen model, measured here."""
    return _seconds_a_call(studio.model, studio.condition, studio.guidance)

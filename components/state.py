"""Everything one visitor has chosen, as one frozen value in one `gr.State`.

A handler takes (Studio, value) and returns a Studio; views are rendered from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import chain, count
from typing import Any

import numpy as np

from ays_core.denoiser import Batch, Bound, bind
from ays_core.job import Job
from ays_core.models import MODELS, embedded, in_memory, spec_of
from ays_core.models.pictures import bind_pictures
from ays_core.models.pipelines import PipelineModel
from ays_core.optimizers.optimal_stepsize import for_steps
from ays_core.paths import ModelSpec, long_tailed
from ays_core.schedule import Origin, Schedule
from ays_core.schedules import SCHEDULES
from components.limits import LIMITS

SHOWN_SEED = 10_000  # seeds below are for optimising, from 20,000 on for judging
TUNED = "*"  # a row key with this suffix is a closed form with its sigma range tuned: `karras*`
YOURS = "yours"
PROMPT = "a red apple on a wooden table, photograph"  # what a model with text begins with
MAX_GUIDANCE = 15.0
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
    condition: str = ""  # a class name, prompts, one a line, or "" for none
    negative: str = ""  # a prompt to guide away from
    guidance: float = 1.0
    solver: str = "euler"
    seed: int = SHOWN_SEED
    choices: tuple[Choice, ...] = ()
    kept: tuple[tuple[str, Schedule], ...] = ()
    optimizer: str = "oss"
    params: tuple[tuple[str, Any], ...] = ()  # of the optimizer, as adjusted
    pictures: str = ""  # a folder that searches learn from; a network's own samples without
    start: Schedule | None = None  # what `yours` was before it was changed, where it was
    edit: int | None = field(default=None, compare=False)  # the page's newest edit in `yours`

    @property
    def num_steps(self) -> int:
        return self.yours.num_steps

    @property
    def spec(self) -> ModelSpec:
        return spec_of(self.model)

    @property
    def instant(self) -> bool:
        """Whether every change is computed at once: a model that is embedded or drawn, none that
        was loaded."""
        return embedded(self.model)

    @property
    def num(self) -> int:
        """Samples in a row: pictures one can look at, points enough for a cloud."""
        if self.spec.kind == "points":
            return 2000
        return 16 if self.instant else 4

    @property
    def conditions(self) -> tuple[str, ...]:
        """The class, or the prompts: picture i has prompt i mod k."""
        lines = self.condition.splitlines() if self.spec.takes_prompt else [self.condition]
        return tuple(line.strip() for line in lines if line.strip())

    @property
    def bound_guidance(self) -> float:
        """The guidance, where there is something to guide to."""
        return self.guidance if self.conditions else 1.0

    @property
    def bound_negative(self) -> str:
        """The negative prompt, where guidance moves away from it."""
        return self.negative.strip() if self.bound_guidance != 1 else ""

    def bound(self) -> Bound:
        model = in_memory(self.model)
        return bind(model, self.conditions, self.bound_guidance, self.bound_negative)

    def unread(self) -> Bound:
        """As `bound`, but with prompts that nobody has read: to ask about, not to be called."""
        model = in_memory(self.model)
        return Bound(model, guidance=self.bound_guidance, conditions=self.conditions)

    def bound_to_data(self) -> Job[Bound]:
        """As `bound`, with the data that a search learns from: pictures have captions of their own,
        and are encoded here."""
        model = in_memory(self.model)
        if not self.pictures or not isinstance(model, PipelineModel):
            return self.bound()
        job = bind_pictures(model, self.pictures, self.guidance, self.bound_negative)
        return (yield from job)


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


def with_yours(studio: Studio, sigmas: Sequence[float]) -> Studio:
    """The curve was edited. The same levels again change nothing, not even the origin.

    Raises `ValueError` for levels that are no schedule, or none for here and this model.
    """
    LIMITS.checked_levels(sigmas)
    levels = studio.spec.check(Schedule(tuple(sigmas))).sigmas
    if levels == studio.yours.sigmas:
        return studio
    before = studio.yours.origin
    parent = before.parent if before.method == "edited" else before.method
    return with_change(studio, Schedule(levels, Origin("edited", parent=parent)))


def with_edit(studio: Studio, sigmas: Sequence[float], edit: int | None) -> Studio:
    """The curve as the page shows it. `edit`: the page's number of its newest edit; an edit that is
    known already is not taken in again, or it would undo what was done to the curve since.

    Raises `ValueError` like `with_yours`.
    """
    if edit is None or (studio.edit is not None and edit <= studio.edit):
        return studio
    return replace(with_yours(studio, sigmas), edit=edit)


def with_change(studio: Studio, changed: Schedule) -> Studio:
    """Something was done to the curve; what it was made from stays at hand, for a reset."""
    return replace(studio, yours=changed, start=start_of(studio))


def start_of(studio: Studio) -> Schedule:
    """The schedule that was chosen last: what the curve was before anything was done to it."""
    changed = studio.yours.origin.method in CHANGED
    return studio.start if changed and studio.start else studio.yours


def with_model(studio: Studio, model: str) -> Studio:
    """Another model: its own range and classes, and a curve that fits it. One that was loaded
    begins with its pipeline's own guidance."""
    if model == studio.model:
        return studio
    there = in_memory(model)
    spec = there.spec
    fresh = SCHEDULES["linear_t" if long_tailed(spec) else "karras"]
    prompt = PROMPT if spec.takes_prompt else ""
    condition = studio.condition if studio.condition in spec.classes else prompt
    usual = getattr(there, "usual_guidance", studio.guidance)
    studio = replace(
        studio,
        model=model,
        yours=fresh.make(studio.num_steps, spec),
        condition=condition,
        negative="",
        pictures="",
        guidance=min(usual, MAX_GUIDANCE) if condition else 1.0,
    )
    kept = chosen_keys(studio)
    return with_choices(studio, [*kept, *(key for key in own_tables(spec) if key not in kept)])


def own_tables(spec: ModelSpec) -> list[str]:
    """Published tables that were made for this very model, each by its first name."""
    found = {}
    for key, entry in SCHEDULES.items():
        made_for = entry.made_for
        if made_for and not made_for.warnings(spec, made_for.solver, made_for.steps):
            found.setdefault(made_for, key)
    return [key for made_for, key in found.items() if made_for.model not in MODELS]


def with_words(studio: Studio, condition: str, negative: str) -> Studio:
    """Other prompts, one a line, and another negative one."""
    return replace(studio, condition=condition, negative=negative)


def with_steps(studio: Studio, num_steps: int) -> Studio:
    """The same curve with another number of steps; one that OSS found has its own for fewer."""
    if num_steps == studio.num_steps:
        return studio
    start = start_of(studio)
    if len(start.positive) > 1:
        start = start.with_steps(num_steps)
    own = for_steps(studio.yours, num_steps)
    return replace(studio, yours=own or studio.yours.with_steps(num_steps), start=start)


def chosen_keys(studio: Studio) -> list[str]:
    return [choice.key for choice in studio.choices]


def decoded(model: str, x: Batch) -> np.ndarray:
    """Samples as pictures, uint8 (B, H, W, 3), or points, float64 (B, 2)."""
    return in_memory(model).decode(x)

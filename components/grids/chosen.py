"""From what was chosen, or uploaded, to a grid, within this place's limits."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from PIL import Image, UnidentifiedImageError

from ays_core.grid import Grid, GridResult, Named
from ays_core.grid.plan import LONGEST, MARK
from ays_core.models import embedded, spec_of
from ays_core.schedule import Schedule
from ays_core.schedules import SCHEDULES
from components.choices import choice_name, chosen_schedule, yours_name
from components.limits import LIMITS
from components.state import TUNED, YOURS, Studio
from components.twins import shipped_twin

MAX_PLAN, MAX_PICTURE = 200_000, 20_000_000  # bytes
PNG = b"\x89PNG\r\n\x1a\n"


def named(studio: Studio, key: str) -> Named:
    """A chosen schedule under the name that the page gives it."""
    if key == YOURS:
        return Named(yours_name(studio), schedule=studio.yours)
    kept = dict(studio.kept)
    if key in kept:
        return Named(key, schedule=kept[key])
    return Named(choice_name(key), key)


@dataclass(frozen=True)
class Asked:
    """The controls of the Compare tab, in their order; from outside, so anything may be in them."""

    schedules: Sequence[str]
    solvers: Sequence[str]
    steps: Sequence[Any]
    seeds: float
    count: float
    rows: Any
    columns: Any
    same_nfe: bool


@dataclass(frozen=True)
class Plan:
    """A grid that is to run, and the Studio whose names and colours it has. `left_out`: schedules
    that were chosen but are the edited curve. `opened`: it came from a file."""

    grid: Grid
    studio: Studio
    left_out: tuple[str, ...] = ()
    opened: bool = False

    def changed(self, studio: Studio) -> tuple[str, ...]:
        """What the Studio has otherwise now than when this was planned, in words."""
        was = self.studio
        if self.opened:
            return ()
        mine = any(named.schedule == was.yours for named in self.grid.schedules)
        now = {
            "the model": was.model != studio.model,
            "the class" if was.spec.classes else "the prompt": was.conditions != studio.conditions,
            "guidance": was.bound_guidance != studio.bound_guidance,
            "the negative prompt": was.bound_negative != studio.bound_negative,
            "the seed": was.seed != studio.seed,
            "the edited curve": mine and was.yours != studio.yours,
        }
        return tuple(what for what, differs in now.items() if differs)


def planned(studio: Studio, asked: Asked) -> Plan:
    """What was chosen, as a plan. Raises `ValueError` in words."""
    grid = plan(studio, asked)
    kept = {each.name for each in grid.schedules}
    names = [named(studio, key).name for key in asked.schedules]
    return Plan(grid, studio, tuple(name for name in names if name not in kept))


def with_twins(studio: Studio, keys: Sequence[str]) -> list[str]:
    """Those schedules, every closed form followed by its range-tuned twin."""
    found = []
    for key in keys:
        found.append(key)
        formula = key in SCHEDULES and SCHEDULES[key].kind == "formula"
        if formula and studio.instant and key + TUNED not in keys:
            found.append(key + TUNED)
    return found


def plan(studio: Studio, asked: Asked) -> Grid:
    """What was chosen, as a grid. Seeds go on from the Studio's, so that no sample appears twice.
    Raises `ValueError` in words."""
    count = _checked_count(studio.spec.kind, asked.count)
    seeds = int(asked.seeds or 0)
    grid = Grid(
        model=studio.model,
        schedules=distinct(studio, asked.schedules),
        solvers=tuple(asked.solvers),
        steps=tuple(_whole(n) for n in asked.steps),
        seeds=tuple(studio.seed + k * count for k in range(min(seeds, LONGEST + 1))),
        rows=asked.rows,
        columns=asked.columns,
        conditions=studio.conditions,
        guidance=studio.bound_guidance,
        negative=studio.bound_negative,
        count=count,
        same_nfe=bool(asked.same_nfe),
        final_zero=studio.yours.final_zero,
    )
    for key, solver, steps in product(asked.schedules, grid.solvers, grid.steps):
        sought = replace(studio, solver=solver, yours=studio.yours.with_steps(steps))
        twin = shipped_twin(sought, key.removesuffix(TUNED)) if key.endswith(TUNED) else None
        grid = grid if twin is None else grid.with_found(key, solver, steps, twin)
    return grid


def row_plan(studio: Studio, name: str, schedule: Schedule) -> str:
    """The plan of one row of the Studio: what its pictures carry inside."""
    return Grid(
        model=studio.model,
        schedules=(Named(name, schedule=schedule),),
        solvers=(studio.solver,),
        steps=(schedule.num_steps,),
        seeds=(studio.seed,),
        conditions=studio.conditions,
        guidance=studio.bound_guidance,
        negative=studio.bound_negative,
        count=studio.num,
        final_zero=schedule.final_zero,
    ).to_json()


def distinct(studio: Studio, keys: Sequence[str]) -> tuple[Named, ...]:
    """The chosen schedules; one that is the edited curve is not shown twice."""
    chosen = [named(studio, key) for key in keys]
    mine = studio.yours if YOURS in keys else None
    return tuple(
        each
        for key, each in zip(keys, chosen, strict=True)
        if key == YOURS or key.endswith(TUNED) or not _same(studio, key, mine)
    )


def _same(studio: Studio, key: str, mine: Schedule | None) -> bool:
    try:
        return chosen_schedule(studio, key) == mine
    except ValueError:
        return False  # its cells say why


def _whole(value: Any) -> int:
    try:
        return LIMITS.checked_steps(float(value))
    except (TypeError, ValueError):
        most = LIMITS.levels - 1
        raise ValueError(
            f"steps is {value!r}; it must be a whole number from 1 to {most}"
        ) from None


def plan_of(content: bytes, studio: Studio) -> Grid:
    """A plan from an uploaded file, or from a picture made here, which holds its own, within this
    place's limits. Raises `ValueError`.

    It names its model: one that anyone may have, or the one at hand; never a path of this machine.
    """
    grid = Grid.from_json(_plan_text(content))
    if not (embedded(grid.model) or grid.model == studio.model):
        raise ValueError(f"the plan is for {grid.model[:80]!r}: load that model first")
    for steps in grid.steps:
        LIMITS.checked_steps(steps)
    _checked_count(spec_of(grid.model).kind, grid.count)
    return grid


def _plan_text(content: bytes) -> str:
    most = MAX_PICTURE if content.startswith(PNG) else MAX_PLAN
    if len(content) > most:
        raise ValueError(f"a file of {len(content):,} bytes; at most {most:,}")
    if not content.startswith(PNG):
        return content.decode("utf-8-sig", errors="replace")
    try:
        with Image.open(io.BytesIO(content)) as picture:  # its head: no pixel is read
            text = str(picture.info.get(MARK, ""))
    except (UnidentifiedImageError, Image.DecompressionBombError, ValueError, OSError):
        text = ""
    if not text:
        raise ValueError("a picture without a plan inside: those that were made here have one")
    if len(text) > MAX_PLAN:
        raise ValueError(f"a plan of {len(text):,} characters; at most {MAX_PLAN:,}")
    return text


def checked_noises(result: GridResult, noises: float) -> int:
    return _checked_count(spec_of(result.grid.model).kind, noises)


def most_samples(kind: str) -> int:
    return LIMITS.samples if kind == "pictures" else LIMITS.points


def _checked_count(kind: str, count: float | None) -> int:
    most = most_samples(kind)
    if count is None:
        raise ValueError(f"no number of samples; there must be one from 1 to {most}")
    if not 1 <= count <= most or not float(count).is_integer():
        raise ValueError(f"{count} samples; there must be a whole number from 1 to {most}")
    return int(count)

"""What is to be compared, as a value: two axes out of schedule, solver, steps and seed.

A plan goes to JSON and back whole, with the levels that a search found, so that it can be run
again, on another day, to the same pictures. There is no time stamp in it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

from ays_core.comparison import TUNED
from ays_core.interop import parse, write
from ays_core.schedule import Schedule
from ays_core.schedules import SCHEDULES
from ays_core.solvers import SOLVERS

Axis = Literal["schedule", "solver", "steps", "seed"]
AXES: tuple[Axis, ...] = ("schedule", "solver", "steps", "seed")
LONGEST = 6  # values on an axis: more pictures than that are not compared, but searched
MOST_SAMPLES = 4096  # in a cell
MOST_STEPS, MAX_SEED = 1000, 2**31 - 1
FORMAT = 1  # of the JSON below
MARK = "ays_studio_grid"  # by which its JSON is known


@dataclass(frozen=True)
class Named:
    """A schedule and what it is called: a catalogue key, `key*` for its range-tuned twin, or a
    `schedule` of its own, which is resampled where another number of steps is asked for."""

    name: str
    key: str = ""
    schedule: Schedule | None = None

    def __post_init__(self) -> None:
        if (self.schedule is None) == (not self.key):
            raise ValueError(f"{self.name!r} needs a catalogue key or levels of its own")
        if self.key:
            _ = SCHEDULES[self.key.removesuffix(TUNED)]


@dataclass(frozen=True)
class Spot:
    """A place in the grid, and what runs there."""

    row: int
    column: int
    named: Named
    solver: str
    steps: int
    seed: int


@dataclass(frozen=True)
class Grid:
    """Schedules, solvers, steps and seeds; `rows` and `columns` name the two that vary.

    An axis has at most six values, what is no axis has one. A cell shows `count` samples, of seeds
    seed, seed + 1, ... With `same_nfe` the steps are calls, and each solver makes as many steps as
    fit. `found`: levels of range-tuned twins, as (key, solver, steps, schedule), once
    searched, with so many steps and the plan's own end.
    Raises `ValueError` that names the value and the choices.
    """

    model: str
    schedules: tuple[Named, ...]
    solvers: tuple[str, ...]
    steps: tuple[int, ...]
    seeds: tuple[int, ...]
    rows: Axis = "schedule"
    columns: Axis = "seed"
    conditions: tuple[str, ...] = ()
    guidance: float = 1.0
    count: int = 1
    same_nfe: bool = False
    final_zero: bool = True
    negative: str = ""  # a prompt to guide away from
    found: tuple[tuple[str, str, int, Schedule], ...] = ()

    def __post_init__(self) -> None:
        for axis in (self.rows, self.columns):
            if axis not in AXES:
                raise ValueError(f"axis {axis!r}; it must be one of {', '.join(AXES)}")
        if self.rows == self.columns:
            raise ValueError(f"rows and columns are both {self.rows!r}: choose two axes")
        for axis in AXES:
            self._check_axis(axis)
        object.__setattr__(self, "solvers", tuple(SOLVERS[key].key for key in self.solvers))
        for steps in self.steps:
            _check("steps", steps, 1, MOST_STEPS)
        for seed in self.seeds:
            _check("seed", seed, 0, MAX_SEED)
        _check("samples in a cell", self.count, 1, MOST_SAMPLES)
        if not math.isfinite(self.guidance):
            raise ValueError(f"guidance is {self.guidance}; it must be a finite number")
        for key, _, steps, schedule in self.found:
            _check_found(key, steps, schedule, self.final_zero)

    def _check_axis(self, axis: Axis) -> None:
        values, varies = self.values(axis), axis in (self.rows, self.columns)
        if not 1 <= len(values) <= (LONGEST if varies else 1):
            keep = "one, as it is no axis: keep one, or make it the rows or the columns"
            many = f"one to {LONGEST}" if varies else keep
            raise ValueError(f"{len(values)} values for {axis}; there must be {many}")
        names = self.labels(axis) if axis == "schedule" else values
        if len(set(names)) < len(names):
            raise ValueError(f"{axis}: a value appears twice, or two have the same name")

    def values(self, axis: Axis) -> tuple[Any, ...]:
        """What stands on an axis."""
        return {
            "schedule": self.schedules,
            "solver": self.solvers,
            "steps": self.steps,
            "seed": self.seeds,
        }[axis]

    def labels(self, axis: Axis) -> tuple[str, ...]:
        """The same in words."""
        if axis == "schedule":
            return tuple(named.name for named in self.schedules)
        if axis == "solver":
            return tuple(SOLVERS[key].label for key in self.solvers)
        unit = "calls" if self.same_nfe else "steps"
        if axis == "steps":
            return tuple(f"{n} {unit}" if n != 1 else f"1 {unit[:-1]}" for n in self.steps)
        return tuple(f"seed {seed}" for seed in self.seeds)

    def spots(self) -> Iterator[Spot]:
        """Every cell, one of each row and column first: along the diagonals."""
        rows, columns = len(self.values(self.rows)), len(self.values(self.columns))
        for shift in range(min(rows, columns)):
            for i in range(max(rows, columns)):
                j = (i + shift) % min(rows, columns)
                yield self.spot(i, j) if rows >= columns else self.spot(j, i)

    def spot(self, row: int, column: int) -> Spot:
        chosen = {axis: self.values(axis)[0] for axis in AXES}
        chosen[self.rows] = self.values(self.rows)[row]
        chosen[self.columns] = self.values(self.columns)[column]
        steps = chosen["steps"]
        if self.same_nfe:
            steps = SOLVERS[chosen["solver"]].steps_within(steps, self.final_zero)
        return Spot(row, column, chosen["schedule"], chosen["solver"], steps, chosen["seed"])

    def with_found(self, key: str, solver: str, steps: int, schedule: Schedule) -> Grid:
        """The same, with what a search found, so that it need not search again."""
        if any(entry[:3] == (key, solver, steps) for entry in self.found):
            return self
        return replace(self, found=(*self.found, (key, solver, steps, schedule)))

    def subject(self, model: str = "") -> str:
        """What is compared with what, whatever the noises. `model`: what to call it, by default
        its key."""
        words = [model or self.model, *self.conditions]
        if self.guidance != 1:
            words.append(f"guidance {self.guidance:g}")
        if self.negative:
            words.append(f"not {self.negative}")
        varies = (self.rows, self.columns, "seed")
        words += [self.labels(axis)[0] for axis in AXES if axis not in varies]
        return ", ".join(words)

    def settings(self, model: str = "") -> str:
        """What all cells share, in one line; `model` as in `subject`."""
        first, last = self.seeds[0], self.seeds[-1]
        seeds = f"seeds {first} to {last}" if last != first else f"seed {first}"
        each = f"{self.count} samples a cell" if self.count > 1 else "1 sample a cell"
        return f"{self.subject(model)}, {seeds}, {each}"

    # To JSON and back

    def to_json(self) -> str:
        """The whole plan; equal plans give equal text."""
        content = {
            MARK: FORMAT,
            "model": self.model,
            "conditions": list(self.conditions),
            "guidance": self.guidance,
            **({"negative": self.negative} if self.negative else {}),
            "schedules": [
                {"name": n.name, **({"key": n.key} if n.schedule is None else _levels(n.schedule))}
                for n in self.schedules
            ],
            "solvers": list(self.solvers),
            "steps": list(self.steps),
            "seeds": list(self.seeds),
            "rows": self.rows,
            "columns": self.columns,
            "count": self.count,
            "same_nfe": self.same_nfe,
            "final_zero": self.final_zero,
            "found": [
                {"key": key, "solver": solver, "steps": steps, **_levels(schedule)}
                for key, solver, steps, schedule in self.found
            ],
        }
        return json.dumps(content, indent=1) + "\n"

    @staticmethod
    def from_json(text: str) -> Grid:
        """What `to_json` wrote, from anywhere. Raises `ValueError`, in words, for what is not."""
        try:
            content = json.loads(text)
        except (ValueError, RecursionError) as problem:
            raise ValueError(f"not a saved grid: {problem}") from None
        if not isinstance(content, dict) or content.get(MARK) != FORMAT:
            raise ValueError(f"not a saved grid: it has no {MARK!r}: {FORMAT}")

        def taken(name: str, *kinds: type) -> Any:
            """A value of exactly one of these kinds: True is no number."""
            value = content.get(name)
            if type(value) not in kinds:
                raise ValueError(f"not a saved grid: {name} is {str(value)[:30]!r}")
            return value

        def listed(name: str, kind: type) -> list[Any]:
            values = taken(name, list)
            if any(type(value) is not kind for value in values):
                raise ValueError(f"not a saved grid: {name} is {str(values)[:30]!r}")
            return values

        return Grid(
            model=taken("model", str),
            schedules=tuple(map(_named, listed("schedules", dict))),
            solvers=tuple(listed("solvers", str)),
            steps=tuple(listed("steps", int)),
            seeds=tuple(listed("seeds", int)),
            rows=taken("rows", str),
            columns=taken("columns", str),
            conditions=tuple(listed("conditions", str)),
            guidance=float(taken("guidance", int, float)),
            count=taken("count", int),
            same_nfe=taken("same_nfe", bool),
            final_zero=taken("final_zero", bool),
            negative=taken("negative", str) if "negative" in content else "",
            found=tuple(map(_found, listed("found", dict))),
        )


def _check(what: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise ValueError(f"{what}: {value}; it must lie between {low} and {high}")


def _check_found(key: str, steps: int, schedule: Schedule, final_zero: bool) -> None:
    """A plan may come from anywhere: another schedule under this name would pass for this one."""
    if not (key.endswith(TUNED) and key.removesuffix(TUNED) in SCHEDULES):
        raise ValueError(f"found has {key[:80]!r}, which is no range-tuned twin")
    if schedule.num_steps != steps or schedule.final_zero != final_zero:
        end = {True: " to 0", False: " to a level above 0"}
        raise ValueError(
            f"found for {key} with {steps} steps{end[final_zero]}: "
            f"levels of {schedule.num_steps} steps{end[schedule.final_zero]}"
        )


def _levels(schedule: Schedule) -> dict[str, Any]:
    """Levels with their origin, in interop's own JSON."""
    return {"levels": json.loads(write("json", schedule))}


def _named(content: dict[str, Any]) -> Named:
    name, key = str(content.get("name", ""))[:200], content.get("key", "")
    if isinstance(key, str) and key:
        return Named(name, key)
    return Named(name, schedule=parse(json.dumps(content.get("levels"))).require())


def _found(content: dict[str, Any]) -> tuple[str, str, int, Schedule]:
    key, solver, steps = (content.get(name) for name in ("key", "solver", "steps"))
    if not (isinstance(key, str) and isinstance(solver, str) and type(steps) is int):
        raise ValueError("not a saved grid: found has an entry without key, solver and steps")
    return key, solver, steps, parse(json.dumps(content.get("levels"))).require()

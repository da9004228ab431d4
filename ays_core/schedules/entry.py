"""What every named schedule is, and what every `make` checks first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from ays_core.catalogue import Catalogue, Entry
from ays_core.paths import RANGE_SLACK, ModelSpec
from ays_core.schedule import MAX_LEVELS


@dataclass(frozen=True)
class MadeFor:
    """What a table was made for. Elsewhere it may do badly: a first-order schedule ruins Heun.

    `ids`: Hub ids of that very model. `sigma_max`: where its model's levels begin, 0 for a flow
    model, whose shift alone says that.
    """

    model: str
    steps: int
    space: Literal["vp", "flow", "ve"]
    solver: str = ""  # empty: the source names none
    guidance: float | None = None
    ids: tuple[str, ...] = ()
    sigma_max: float = 0.0

    def warnings(self, spec: ModelSpec, solver: str, num_steps: int) -> tuple[str, ...]:
        """How the use at hand differs from what the table was made for, one sentence each.
        `solver` is "" where none is chosen yet."""
        found = []
        if self.space != spec.path.name:
            found.append(f"made on a {self.space} noise path, {spec.label} has {spec.path.name}")
        named = (spec.key, spec.label, spec.family)
        if self.model not in named and spec.key not in self.ids:
            found.append(f"made for {self.model}, not for {spec.label}")
        if self.solver and solver and self.solver != solver:
            found.append(f"made for {self.solver}, not for {solver}")
        if self.sigma_max and abs(spec.sigma_max / self.sigma_max - 1) > RANGE_OFF:
            found.append(
                f"made for levels from {self.sigma_max:.4g}, {spec.label}'s begin at "
                f"{spec.sigma_max:.4g}"
            )
        if self.steps != num_steps:
            found.append(f"made for {self.steps} steps, resampled to {num_steps}")
        return tuple(found)


@dataclass(frozen=True)
class ScheduleEntry(Entry):
    """`kind`: a closed form or a table of numbers; tables say what they were `made_for`."""

    kind: Literal["formula", "table"] = "formula"
    made_for: MadeFor | None = None
    record: Mapping[str, Any] = field(default_factory=dict[str, Any], compare=False)


RANGE_OFF = 0.05  # of sigma_max, beyond which a table's range is not the model's

SCHEDULES: Catalogue[ScheduleEntry] = Catalogue("schedule")


def checked_steps(num_steps: int) -> int:
    """`num_steps` as an int between 1 and the longest schedule, or a `ValueError`."""
    if isinstance(num_steps, bool) or int(num_steps) != num_steps:
        raise ValueError(f"the number of steps is {num_steps!r}; it must be a whole number")
    if not 1 <= num_steps < MAX_LEVELS:
        raise ValueError(f"{num_steps} steps; give 1 to {MAX_LEVELS - 1}")
    return int(num_steps)


def checked_range(
    spec: ModelSpec, sigma_min: float | None, sigma_max: float | None
) -> tuple[float, float]:
    """(sigma_min, sigma_max), the model's own where not given, or a `ValueError`."""
    low = spec.sigma_min if sigma_min is None else float(sigma_min)
    high = spec.sigma_max if sigma_max is None else float(sigma_max)
    for name, value in (("sigma_min", low), ("sigma_max", high)):
        if not np.isfinite(value) or value <= 0:
            raise ValueError(f"{name} is {value:g}; it must be a positive number")
    if high > spec.sigma_max * (1 + RANGE_SLACK):
        raise ValueError(f"sigma_max is {high:g}, above {spec.label}'s {spec.sigma_max:g}")
    if low >= high:
        raise ValueError(f"sigma_min ({low:g}) must be below sigma_max ({high:g})")
    return low, high

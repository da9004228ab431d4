"""Tables: published and learned schedules alike, one JSON file each in `assets/schedules/`:

    {
      "key": "ays_sd15", "label": "Align Your Steps (SD 1.5)", "reference": "paper or repository",
      "sigmas": [14.615, ..., 0.029],          or "flow_times": [1.0, ..., 0.0], after the shift
      "twins": ["zero", "a1111"],              optional: the same numbers by other tools' rules
      "made_for": {"model": "...", "ids": ["owner/name"],
                   "solver": "...", "steps": 10, "guidance": 7.5, "space": "vp"},
      "origin": {"method": "ays_sd15", "params": {}, "parent": null},
      "record": {}                             free: seeds, evaluations, seconds, versions, ...
    }

A published table stands as printed, its last level positive; `twins` end it by other tools' rules.
Its origin is its own key; a learned table keeps the origin that its optimizer gave the schedule.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ays_core.paths import Flow, ModelSpec
from ays_core.schedule import Origin, Schedule
from ays_core.schedules.entry import (
    SCHEDULES,
    MadeFor,
    ScheduleEntry,
    checked_range,
    checked_steps,
)

TABLES = Path(__file__).parents[2] / "assets" / "schedules"

Twin = Callable[..., Schedule]  # how another tool ends the same printed levels


def add_tables(folder: Path = TABLES) -> None:
    """Add every table in `folder` to the catalogue, in the order of the file names."""
    for file in sorted(folder.glob("*.json")):
        try:
            for entry in read_table(json.loads(file.read_text(encoding="utf-8"))):
                SCHEDULES.add(entry)
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{file.name}: {error}") from error


def read_table(table: Mapping[str, Any]) -> tuple[ScheduleEntry, ...]:
    """The entries of one table: itself and its twins."""
    key, label, reference = table["key"], table["label"], table["reference"]
    levels = table["sigmas"] if "sigmas" in table else _from_flow_times(table["flow_times"])
    origin = Origin(
        table["origin"]["method"],
        table["origin"].get("params", {}),
        reference,
        table["origin"].get("parent"),
    )
    printed = Schedule(tuple(levels), origin)
    asked = table["made_for"]
    # a learned table's range is part of what was learned
    printed_whole = origin.method == key and asked["space"] != "flow"
    own = {"ids": tuple(asked.get("ids", ())), "sigma_max": levels[0] if printed_whole else 0.0}
    made_for = MadeFor(**asked | own)
    entries = [(key, label, _table_maker(key, printed, None))]
    for twin in table.get("twins", ()):
        name = f"{key}_{twin}"
        words, rule = TWINS[twin]
        entries.append((name, f"{label}, {words}", _table_maker(name, printed, rule)))
    record = table.get("record", {})
    return tuple(
        ScheduleEntry(name, title, make, reference, kind="table", made_for=made_for, record=record)
        for name, title, make in entries
    )


def _from_flow_times(times: list[float]) -> list[float]:
    return [float(sigma) for sigma in Flow().sigma(np.asarray(times, dtype=np.float64))]


def _table_maker(key: str, printed: Schedule, twin: Twin | None) -> Callable[..., Schedule]:
    base = printed.origin.method

    def make(
        num_steps: int,
        spec: ModelSpec,
        *,
        final_zero: bool | None = None,
        sigma_min: float | None = None,
        sigma_max: float | None = None,
    ) -> Schedule:
        """The table as printed; resampled log-linearly for another number of steps, and scaled
        in log sigma where a range is given. `final_zero=True` replaces a positive end by 0."""
        try:
            if twin is None:
                return fitted(printed, num_steps, spec, final_zero, sigma_min, sigma_max)
            if final_zero is False:
                raise ValueError(ENDS_IN_ZERO)
            made = twin(printed, num_steps, spec, sigma_min, sigma_max)
            return replace(made, origin=replace(made.origin, method=key, parent=base))
        except ValueError as error:
            raise ValueError(f"{key}: {error}") from None

    return make


def _zero_replaced(printed: Schedule, num_steps: int, spec: ModelSpec, *span: Any) -> Schedule:
    """ComfyUI, diffusers: the last of n + 1 levels is 0."""
    return fitted(printed, num_steps, spec, True, *span)


def _zero_appended(printed: Schedule, num_steps: int, spec: ModelSpec, *span: Any) -> Schedule:
    """A1111, Forge: n levels, then 0."""
    num_levels = checked_steps(num_steps)
    made = fitted(printed, max(1, num_levels - 1), spec, False, *span)
    params = {**made.origin.params, "steps": num_levels, "final_zero": True}
    return Schedule((*made.sigmas[:num_levels], 0.0), replace(made.origin, params=params))


TWINS: dict[str, tuple[str, Twin]] = {
    "zero": ("last level replaced by 0 (ComfyUI, diffusers)", _zero_replaced),
    "a1111": ("resampled to n levels, 0 appended (A1111, Forge)", _zero_appended),
}

ENDS_IN_ZERO = "it ends in 0, a positive end is not among its numbers"


def fitted(
    schedule: Schedule,
    num_steps: int,
    spec: ModelSpec,
    final_zero: bool | None = None,
    sigma_min: float | None = None,
    sigma_max: float | None = None,
) -> Schedule:
    """A list of levels for a use: resampled to `num_steps`, scaled to a range where one is given,
    a positive end replaced by 0 for `final_zero=True`. Its origin then says what was done to it,
    and no longer what a search measured. Raises `ValueError` for a wish it cannot meet and for
    levels that `spec` does not have.
    """
    num_steps = checked_steps(num_steps)
    if schedule.final_zero and final_zero is False:
        raise ValueError(ENDS_IN_ZERO)
    made = schedule
    done: dict[str, object] = {}
    if sigma_min is not None or sigma_max is not None:
        made = scaled(
            schedule,
            *checked_range(
                spec,
                schedule.positive[-1] if sigma_min is None else sigma_min,
                schedule.positive[0] if sigma_max is None else sigma_max,
            ),
        )
        done |= made.origin.params
    spec.check(made)
    if num_steps != schedule.num_steps:
        made = made.with_steps(num_steps)
        done |= {"resampled_from": schedule.num_steps}
    sigmas = (*made.sigmas[:-1], 0.0) if final_zero else made.sigmas
    if sigmas == schedule.sigmas:
        return schedule
    done |= {"steps": num_steps, "final_zero": sigmas[-1] == 0}
    origin = schedule.origin
    return Schedule(sigmas, Origin(origin.method, done, origin.reference, parent=origin.method))


def scaled(schedule: Schedule, sigma_min: float, sigma_max: float) -> Schedule:
    """The same curve between other ends: positive levels mapped linearly in ln sigma.

    A final 0 stays. A single positive level becomes `sigma_max`.
    """
    lam = np.log(schedule.positive)
    low, high = np.log(sigma_min), np.log(sigma_max)
    inner = (
        low + (lam[1:-1] - lam[-1]) * ((high - low) / (lam[0] - lam[-1])) if len(lam) > 1 else []
    )
    ends = [sigma_max, *np.exp(inner).tolist(), sigma_min] if len(lam) > 1 else [sigma_max]
    origin = Origin(
        "scaled",
        {"sigma_min": float(sigma_min), "sigma_max": float(sigma_max)},
        schedule.origin.reference,
        parent=schedule.origin.method,
    )
    return Schedule((*ends, 0.0) if schedule.final_zero else tuple(ends), origin)

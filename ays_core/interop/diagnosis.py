"""Finite numbers read as noise levels: what is odd about them, and how they could be repaired."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from ays_core.paths import Flow, ModelSpec
from ays_core.schedule import Origin, Schedule
from ays_core.schedules import scaled

START_SLACK = 0.01  # start noise is scaled by the first level: within 1 % of sigma_max is as meant
KNOWN_STARTS = {14.6146: "Stable Diffusion", 80.0: "EDM", 160.41: "DeepFloyd IF", 700.0: "SVD"}


@dataclass(frozen=True)
class Offer:
    """A repair of what was given: its key, what to write on its button, and what it would give."""

    key: str
    label: str
    schedule: Schedule


@dataclass(frozen=True)
class Parsed:
    """What a text says. `schedule`: its numbers read as noise levels, None where they are none.

    `notes`: what a reader should know, the reason first where `schedule` is None. `offers`: other
    readings and repairs, for the user to choose from.
    """

    schedule: Schedule | None
    dialect: str
    notes: tuple[str, ...] = ()
    offers: tuple[Offer, ...] = ()

    def require(self) -> Schedule:
        """The schedule, or a `ValueError` that says why there is none."""
        if self.schedule is None:
            raise ValueError("; ".join(self.notes))
        return self.schedule


class Finding(NamedTuple):
    """Something odd: a sentence, and the levels that an offer would give (None: no repair).

    `either`: the numbers may as well be what they would be without it, so the user is asked.
    """

    key: str
    note: str
    label: str = ""
    levels: Sequence[float] | None = None
    either: bool = False


def diagnose(
    values: Sequence[float], dialect: str, origin: Origin, spec: ModelSpec | None = None
) -> Parsed:
    """`values` as a schedule, with notes and offers. `ValueError` where no reading makes sense."""
    notes: list[str] = []
    schedule = None
    try:
        schedule = _checked(values, origin, spec)
    except ValueError as problem:
        notes.append(str(problem))
    offers = []
    named = dialect != "plain"  # its numbers are called sigmas
    for found in (*_order(values), *(_units(values, spec, named) or _ends(values, spec))):
        notes.append(found.note)
        if found.levels is not None:
            offers += _offer(found, origin, spec)
        if found.either and schedule is not None and offers:
            as_they_are = Finding("as_levels", "", "Read as noise levels", schedule.sigmas)
            offers = [*_offer(as_they_are, origin, spec), *offers]
            schedule = None
    if schedule is None and not offers:
        raise ValueError("; ".join(notes))
    return Parsed(schedule, dialect, tuple(notes), tuple(offers))


def repaired(levels: Sequence[float], key: str, origin: Origin) -> Schedule:
    """`levels` with an origin that says how they were read."""
    params = {**origin.params, "read": key}
    return Schedule(tuple(levels), Origin("pasted", params, origin.reference, origin.method))


def _checked(values: Sequence[float], origin: Origin, spec: ModelSpec | None) -> Schedule:
    schedule = Schedule(tuple(values), origin)
    return spec.check(schedule) if spec else schedule


def _offer(found: Finding, origin: Origin, spec: ModelSpec | None) -> list[Offer]:
    """The offer, unless its levels are no schedule for this model either."""
    try:
        schedule = repaired(found.levels or (), found.key, origin)
        return [Offer(found.key, found.label, spec.check(schedule) if spec else schedule)]
    except ValueError:
        return []


def _order(values: Sequence[float]) -> list[Finding]:
    steps = np.diff(values)
    if len(steps) and np.all(steps > 0):
        return [Finding("flip", "levels increase: flip them?", "Flip the list", values[::-1])]
    if np.any(steps == 0) and (np.all(steps <= 0) or np.all(steps >= 0)):
        unique = sorted(set(values), reverse=True)
        return [Finding("drop_repeats", "levels repeat: drop?", "Drop repeated levels", unique)]
    return []


def _units(values: Sequence[float], spec: ModelSpec | None, named: bool) -> list[Finding]:
    """Numbers that are probably no noise levels at all. Times beyond the model's range are read as
    its end."""
    falling = np.array(sorted(values, reverse=True))
    if len(falling) < 2 or falling[-1] < 0 or (spec and spec.path.name == "ve"):
        return []
    if 100 <= falling[0] <= 1000 and np.all(falling == np.rint(falling)):
        note, levels = "these look like timesteps, not noise levels", None
        if spec is None:
            note += "; choose a model that has timesteps to convert them"
        else:
            times = falling / 1000 if spec.path.name == "flow" else falling
            levels = _known(spec.path.sigma(times), spec)
            if levels[0] < spec.path.sigma(times)[0]:
                note += f"; {falling[0]:g} is beyond this model, whose sigma_max is {levels[0]:g}"
        return [Finding("from_timesteps", note, "Read as timesteps", levels)]
    if falling[0] <= 1:
        note = "these may be flow times (all at most 1) or noise levels"
        levels = _known(Flow().sigma(falling), spec) if spec else Flow().sigma(falling).tolist()
        asked = spec is not None and not named
        return [Finding("from_flow_times", note, "Read as flow times", levels, either=asked)]
    return []


def _ends(values: Sequence[float], spec: ModelSpec | None) -> list[Finding]:
    """Where a list of noise levels starts and ends, against the model and a final 0."""
    if len(values) < 2 or any(a <= b for a, b in pairwise(values)) or values[-1] < 0:
        return []
    first, last = values[0], values[-1]
    found = []
    if last > 0:
        note = f"no final 0: the result keeps noise of standard deviation {last:g}"
        found.append(Finding("append_zero", note, "Append a final 0", [*values, 0.0]))
    if spec is None:
        for start, name in KNOWN_STARTS.items():
            if abs(first / start - 1) < START_SLACK:
                found.append(Finding("known_start", f"starts at {first:g}, where {name} does"))
    elif abs(first / spec.sigma_max - 1) > START_SLACK:
        side = "above" if first > spec.sigma_max else "below"
        note = f"starts at {first:g}, {side} {spec.label}'s sigma_max {spec.sigma_max:g}"
        label = f"Scale to {spec.sigma_min:g} … {spec.sigma_max:g}"
        levels = scaled(Schedule(tuple(values)), spec.sigma_min, spec.sigma_max).sigmas
        found.append(Finding("scale_to_model", note, label, levels))
    return found


def _known(levels: np.ndarray, spec: ModelSpec) -> list[float]:
    """Descending levels within the model's range, without the repeats that its ends leave."""
    return sorted(set(np.minimum(levels, spec.sigma_max).tolist()), reverse=True)

"""The record that a searched schedule carries: how it was found, for what, and whether it is used
for that. A schedule found for a first-order solver can ruin Heun."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ays_core.denoiser import Bound
from ays_core.optimizers.entry import OPTIMIZERS
from ays_core.paths import RANGE_SLACK
from ays_core.schedule import Origin, Schedule
from ays_core.solvers import SOLVERS

MOST_WORDS = 80  # characters of one thing that a record says


def record(  # noqa: PLR0913 - a record has many parts
    method: str,
    denoise: Bound,
    start: Schedule,
    found: Schedule,
    solver: str,
    own: Mapping[str, Any],
    *,
    evaluations: int,
    objective: str,
    curve: Sequence[float],
) -> Origin:
    """Where `found`, which a search from `start` gave, comes from, and what it is good for.

    `own`: the optimizer's parameters, seed included. `objective`: what `curve` measures, in words.
    """
    return Origin(
        method,
        {
            "model": denoise.spec.key,
            "solver": SOLVERS[solver].key,
            "order": SOLVERS[solver].order,
            "conditions": list(denoise.conditions),
            "guidance": denoise.guidance,
            "negative": denoise.away_from,
            **({"data": denoise.data_origin} if denoise.data_origin else {}),
            **shape(found),
            **own,
            "evaluations": evaluations + (denoise.own.evaluations if denoise.own else 0),
            "objective": objective,
            "curve": [float(value) for value in curve],
        },
        OPTIMIZERS[method].reference if method in OPTIMIZERS else "",
        parent=start.origin.method,
    )


def shape(schedule: Schedule) -> dict[str, Any]:
    """What a record says of the levels themselves."""
    return {
        "steps": schedule.num_steps,
        "sigma_max": schedule.sigmas[0],
        "sigma_min": schedule.positive[-1],
        "final_zero": schedule.final_zero,
    }


WORDS: dict[str, Callable[[Any], str]] = {  # for what a search was for
    "model": lambda key: f"model {key}",
    "solver": lambda key: f"solver {key}",
    "conditions": lambda listed: _conditions(listed) if isinstance(listed, list) else "others",
    "guidance": lambda value: f"guidance {value}",
    "negative": lambda prompt: f"negative prompt {prompt}" if prompt else "no negative prompt",
    "steps": lambda steps: f"{steps} steps",
    "final_zero": lambda zero: "a final 0" if zero else "a positive end",
}


def found_for(
    made: Mapping[str, Any],
    used: Schedule,
    *,
    model: str,
    solver: str,
    conditions: Sequence[str] = (),
    guidance: float = 1.0,
    negative: str = "",
) -> str:
    """What a searched schedule was found for, as far as it is used for something else: "model grid,
    solver heun (order 2), 6 steps". "" for nothing else, and where no search is known of.

    `made`: its record, from anywhere, as it was before the schedule was resampled or scaled to
    `used`. What a record does not say is taken to be the same.
    """
    if "solver" not in made:
        return ""
    here = {
        "model": model,
        "solver": SOLVERS[solver].key,
        "conditions": list(conditions),
        "guidance": guidance,
        "negative": negative,
        **shape(used),
    }
    said = {key: words for key, words in WORDS.items() if made.get(key, here[key]) != here[key]}
    differs = {key: words(made[key])[:MOST_WORDS] for key, words in said.items()}
    if "solver" in differs and "order" in made:
        differs["solver"] += f" (order {made['order']})"
    ends = [made.get(key) for key in ("sigma_max", "sigma_min")]
    # older records, which have no order, say from where their search started
    if "order" in made and not _close(ends, [here["sigma_max"], here["sigma_min"]]):
        differs["range"] = "levels from {:.3g} to {:.3g}".format(*ends)
    return ", ".join(differs.values())


def _close(ends: Sequence[Any], here: Sequence[float]) -> bool:
    known = all(isinstance(end, int | float) for end in ends)
    return not known or np.allclose(ends, here, rtol=RANGE_SLACK, atol=0)


def _conditions(listed: list[Any]) -> str:
    if len(listed) > 3:
        return f"{len(listed)} conditions"
    return f"condition {', '.join(map(str, listed))}" if listed else "no condition"

"""A search as a figure: what its objective came to, by update, by number of steps or by weight."""

from __future__ import annotations

import html
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ays_core.comparison import three_digits
from ays_core.job import Progress
from ays_core.optimizers import OptimizerEntry
from ays_core.schedule import Schedule
from components.state import ACCENT

OTHER = "#56B4E9"
WEIGHT = re.compile(r"(-?[\d.]+)( even)?")  # a candidate of `power=auto`


def figure(entry: OptimizerEntry, progress: Progress) -> dict[str, Any]:
    """The search so far. With `power=auto` the error by weight, else the objective."""
    params = progress.snapshot.origin.params
    title = f"{entry.label}: {progress.stage}"
    if progress.total > 1:
        title += f", {progress.done:,} of {progress.total:,}"
    scores = {k: v for k, v in (params.get("scores") or {}).items() if math.isfinite(v)}
    weights = params.get("power") == "auto"
    if scores and weights:
        data, across = by_weight(scores, params.get("chosen", "")), "power p of the weight sigma^-p"
    elif scores:
        data, across = [line(list(scores), list(scores.values()))], "tried"
    else:
        curve = params.get("curve", [])
        across = "number of steps" if "by number of steps" in params.get("objective", "") else ""
        data, across = [line(list(range(1, len(curve) + 1)), curve)], across or "update"
    words = f"{html.escape(title)}<br><sub>{params.get('objective', 'objective')}</sub>"
    drawn = has_points(data)  # else there is how far it is, and no axis to read anything from
    return {
        "data": data,
        "layout": {
            "title": {
                "text": words,
                "font": {"size": 12},
                "y": 1,
                "yanchor": "top",
                "pad": {"t": 14},
            },
            "margin": {"t": 84 if len(data) > 1 else 58},
            "showlegend": len(data) > 1,
            "legend": {"orientation": "h", "x": 0, "y": 1, "yanchor": "bottom"},
            "yaxis": {
                "type": "log",
                "visible": drawn,
                **ticks([y for part in data for y in part["y"]]),
            },
            "xaxis": {
                "visible": drawn,
                "title": {"text": across},
                "type": "category" if scores and not weights else "linear",
            },
        },
    }


def ended(entry: OptimizerEntry, schedule: Schedule, asked: str) -> dict[str, Any] | None:
    """The search at its end, with what it was for, as the page may go on to something else; None
    for one that was stopped before it came to anything."""
    drawn = figure(entry, Progress(asked, 1, 1, schedule))
    return drawn if has_points(drawn["data"]) else None


def has_points(data: Sequence[Mapping[str, Any]]) -> bool:
    return any(part["y"] for part in data)


def ticks(values: list[float]) -> dict[str, Any]:
    """1, 2 and 5 of every decade that the values span, more of a single one, written out; round
    numbers where even these stand too far apart."""
    found = [value for value in values if value > 0]
    if not found:
        return {}
    low, high = (math.log10(end(found)) for end in (min, max))
    decades = range(math.floor(low), math.ceil(high) + 1)
    few, some = (1, 1.5, 2, 3, 5, 7), (1, 2, 5)
    shares = few if high - low < 1 else some if high - low < 3 else (1,)
    at = [share * 10.0**decade for decade in decades for share in shares]
    if sum(min(found) <= tick <= max(found) for tick in at) < 2 and high - low > 1e-4:
        at = evenly(min(found), max(found))
    return {"tickvals": at, "ticktext": [f"{value:g}" for value in at]}


def evenly(low: float, high: float) -> list[float]:
    """Three to seven multiples of 1, 2 or 5 times a power of ten, from `low` or below to `high` or
    above."""
    decade = 10.0 ** math.floor(math.log10((high - low) / 2))
    step = max(s * decade for s in (1, 2, 5) if s * decade <= (high - low) / 2)
    first, last = math.floor(low / step), math.ceil(high / step)
    return [float(f"{k * step:.6g}") for k in range(first, last + 1)]


def by_weight(scores: dict[str, float], chosen: str) -> list[dict[str, Any]]:
    """The error over the power, prices as measured and evened; the start; the one chosen."""
    lines: dict[str, dict[float, float]] = {"as measured": {}, "evened": {}}
    for name, score in scores.items():
        if found := WEIGHT.fullmatch(name):
            lines["evened" if found[2] else "as measured"][float(found[1])] = score
    data = [
        line(list(points), list(points.values()), name, colour, dash)
        for (name, points), colour, dash in zip(
            lines.items(), (ACCENT, OTHER), ("solid", "dot"), strict=True
        )
        if points
    ]
    powers = [power for points in lines.values() for power in points]
    if powers and "start" in scores:
        ends = [min(powers), max(powers)]
        start = line(ends, [scores["start"]] * 2, "start", "#888888", "dash")
        data.append({**start, "mode": "lines"})
    if found := WEIGHT.fullmatch(chosen):
        best = line([float(found[1])], [scores[chosen]], "chosen", ACCENT)
        data.append({**best, "mode": "markers", "marker": {"size": 11, "symbol": "circle-open"}})
    return data


def line(
    x: list[Any], y: list[float], name: str = "", colour: str = ACCENT, dash: str = "solid"
) -> dict[str, Any]:
    style = {"color": colour, "dash": dash}
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "x": x,
        "y": y,
        "name": name,
        "line": style,
        "marker": {"color": colour},
    }


def outcome(schedule: Schedule) -> str:
    """What a finished search has to say of its own choice and of what it learnt from, or ""."""
    data = schedule.origin.params.get("data")
    learnt = f"Learnt from {data}." if data else ""
    return " ".join(filter(None, (own_choice(schedule), learnt)))


def own_choice(schedule: Schedule) -> str:
    params: Mapping[str, Any] = schedule.origin.params
    errors, scores = params.get("errors") or {}, params.get("scores") or {}
    if "median" in errors and "shared" in errors:
        return shared_or_median(errors, params.get("levels") or {})
    if "stop" in params and params.get("power") != "auto" and scores:
        return on_the_way(params)
    if params.get("power") == "auto" and "weight" in params:
        how = ", prices evened along the axis" if params.get("even") else ""
        tried = len([name for name in scores if name != "start"])
        if params.get("chosen") == "start":
            return f"None of {tried} weights did better than the start: it is kept."
        return (
            f"Of {tried} weights tried with the solver, sigma^-{params['weight']:g} does best"
            f"{how}. KLUB, the paper's own, is sigma^-3."
        )
    return ""


def on_the_way(params: Mapping[str, Any]) -> str:
    """At which sweep of the paper's search, and in which of its stages, what was kept was found."""
    sweeps = [name for name in params["scores"] if name not in ("start", "0")]
    by = "does best with the solver" if params["stop"] == "sampler" else "has the least KLUB"
    last, chosen = sweep_words(sweeps[-1]) if sweeps else "", params.get("chosen", "")
    if chosen not in sweeps:
        return f"No sweep came to anything better than the start, up to {last}: the start is kept."
    went_on = f" The search went on to {last}." if chosen != sweeps[-1] else ""
    return f"Kept from {sweep_words(chosen)}: of all on the way, it {by}.{went_on}"


def sweep_words(name: str) -> str:
    """ "7" as "sweep 7"; "20 steps, sweep 3" as "sweep 3 over 20 steps"."""
    steps, _, sweep = name.rpartition(", ")
    return f"{sweep} over {steps}" if steps else f"sweep {name}"


LISTS = {
    "shared": "the list shared by all noises",
    "median": "the median of each noise's own list",
}


def shared_or_median(errors: dict[str, float], levels: Mapping[str, Any]) -> str:
    """Which of the two lists of OSS ends closer to the teacher, on the noises of the search, and
    what both are."""
    better, worse = sorted(LISTS, key=errors.__getitem__)
    first = LISTS[better][0].upper() + LISTS[better][1:]
    said = (
        f"{first} ends closer to the teacher: error {three_digits(errors[better])}, against "
        f"{three_digits(errors[worse])} for {LISTS[worse]}."
    )
    if errors.get("start", math.inf) < errors[better]:
        said += f" The start is closer still, {three_digits(errors['start'])}, and is kept."
    shown = (f"{name}: {', '.join(f'{s:.3g}' for s in levels[name])}" for name in levels)
    return " ".join([said, "; ".join(shown)]).strip()

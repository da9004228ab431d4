"""The table of saved schedules: one row each, with its curve in small, and a button to choose it.

Its value is a `Table`; `select` fires with {"id"} when a row is chosen.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from typing import Any

from ays_core.library import Saved
from ays_core.schedule import Schedule
from components.choices import choice_name
from components.shown import Shown

HEADERS = ("Name", "Levels", "Source", "Model", "Solver", "Steps", "Error", "Saved")
EMPTY = '<p class="saved-empty">Nothing saved yet: give the edited curve a name and save it.</p>'
WIDTH, HEIGHT = 96, 26  # of a small curve, in pixels


@dataclass(frozen=True)
class Table:
    """What is shown. `chosen`: the id of the chosen row, 0 for none."""

    saved: tuple[Saved, ...]
    chosen: int = 0


class SavedTable(Shown):
    """The table of a `Table`; an output only."""

    TEMPLATE = "${value}"
    ON_LOAD = """
      element.addEventListener("change", (event) => {
        if (event.target.name === "saved") trigger("select", { id: Number(event.target.value) });
      });
    """
    FILES = ("library/saved.css",)
    SHOWS = "saved schedules, as HTML"

    def postprocess(self, value: Any) -> str | None:
        return None if value is None else table(value)


def table(value: Table) -> str:
    if not value.saved:
        return EMPTY
    heads = "".join(f'<th scope="col">{header}</th>' for header in HEADERS)
    rows = "".join(_row(saved, saved.id == value.chosen) for saved in value.saved)
    return (
        '<div class="saved"><table><caption>Saved schedules</caption>'
        f"<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _row(saved: Saved, chosen: bool) -> str:
    button = f'<input type="radio" name="saved" value="{saved.id}"{" checked" * chosen}>'
    cells = "".join(f"<td>{cell}</td>" for cell in (sparkline(saved.schedule), *_facts(saved)))
    name = escape(saved.name)
    return f'<tr><th scope="row"><label>{button} <span>{name}</span></label></th>{cells}</tr>'


def _facts(saved: Saved) -> tuple[str, ...]:
    """Source, model, solver, steps, error and date, where they are known, as HTML."""
    origin, record = saved.schedule.origin, saved.record
    source = choice_name(origin.method)
    if origin.parent:
        source += f", from {choice_name(origin.parent)}"
    model, solver = (_word(key, record, origin.params) for key in ("model", "solver"))
    error = record.get("error")
    shown = f"{error:.3g}" if isinstance(error, float) and math.isfinite(error) else "–"
    day = datetime.fromtimestamp(saved.created, UTC).strftime("%Y-%m-%d") if saved.created else "–"
    steps = str(saved.schedule.num_steps)
    return tuple(escape(cell[:80]) for cell in (source, model, solver, steps, shown, day))


def _word(key: str, *records: Mapping[str, Any]) -> str:
    return next((str(record[key]) for record in records if record.get(key)), "–")


def sparkline(schedule: Schedule) -> str:
    """ln sigma over the index, the last positive level at the bottom."""
    heights = [math.log(sigma) for sigma in schedule.positive]
    low, high = heights[-1], heights[0]
    x = WIDTH / max(len(heights) - 1, 1)
    y = HEIGHT / (high - low or 1)
    points = " ".join(f"{i * x:.1f},{(high - h) * y:.1f}" for i, h in enumerate(heights))
    said = f"from {schedule.positive[0]:.3g} to {schedule.positive[-1]:.3g}"
    said += ", then 0" if schedule.final_zero else ""
    return (
        f'<svg viewBox="-2 -2 {WIDTH + 4} {HEIGHT + 4}" width="{WIDTH}" height="{HEIGHT}" '
        f'role="img" aria-label="{said}"><title>{said}</title>'
        f'<polyline points="{points}" /></svg>'
    )

"""The draggable curve: a `gr.HTML` subclass whose page code stands in assets/editor.

Its value is a list of noise levels. `release` fires when a level was moved, added, removed, typed
or undone; `input` while one moves, if `live_ms` asks for it. A push from Python changes the curve
in place and can be undone like any other change.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from ays_core.schedule import MAX_LEVELS, Schedule, checked_levels
from components import static
from components.words import refusal

TEMPLATE = (
    '<div class="se-root"><p class="se-loading" role="status">'
    "Loading the curve… “Numbers” below edits the same levels.</p></div>"
)
ON_LOAD = "window.ScheduleEditor.mount({element, props, trigger, watch});"
SCRIPTS = ("levels", "axes", "figure", "marks", "controls", "drag", "keys", "editor")  # in order
FILES = (
    static.DOM,
    "editor/editor.css",
    static.PLOTLY,
    "plotly_view/theme.js",
    *(f"editor/{name}.js" for name in SCRIPTS),
)


OPENING = "opening"  # the `step` of what a page begins with: there is nothing to undo before it


@dataclass(frozen=True)
class Edited:
    """Levels from the page. `rev`: the page's number of its newest edit; none where the levels are
    as Python sent them. `seen`: of the newest edit that was made there, where it is known."""

    sigmas: tuple[float, ...]
    rev: int | None = None
    seen: int | None = None


@dataclass(frozen=True)
class Pushed:
    """Levels for the page. `rev`: the newest edit that is in them; they are dropped when the user
    has edited on meanwhile. None: new levels, whatever was edited; or, of an answer, whatever was
    edited before it was asked for (`seen`). Pushes that carry one `step` in a row are one undo
    step."""

    sigmas: tuple[float, ...]
    rev: int | None = None
    step: str = ""
    seen: int | None = None


class ScheduleEditor(gr.HTML):
    """An editable schedule.

    `references`: curves behind it, {"name", "sigmas", "color", "dash", "source"} each; `trial`: one
    more, where a search is.
    `times`: for the axis of model time, as JSON, since the page copies a list value by value:
    {"lam": ln sigma ascending, "time": model time, "discrete": bool}.
    `bars`: one value an interval, drawn under the curve with `bars_label`.
    """

    def __init__(  # noqa: PLR0913 - the component's props
        self,
        value: Schedule | Sequence[float] | None = None,
        *,
        label: str = "Schedule",
        references: Sequence[dict[str, Any]] = (),
        trial: dict[str, Any] | None = None,
        sigma_min: float = 1e-3,
        sigma_max: float = 1e3,
        times: str = "",
        bars: Sequence[float] = (),
        bars_label: str = "",
        lock_first: bool = True,
        lock_last: bool = True,
        max_levels: int = 200,
        height: int = 300,
        live_ms: int = 0,
        interactive: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            value=value,
            label=label,
            html_template=TEMPLATE,
            js_on_load=ON_LOAD,
            head=static.head(*FILES),
            apply_default_css=False,
            references=list(references),
            trial=trial,
            sigma_min=sigma_min,
            sigma_max=sigma_max,
            times=times,
            bars=list(bars),
            bars_label=bars_label,
            lock_first=lock_first,
            lock_last=lock_last,
            max_levels=min(max_levels, MAX_LEVELS),
            height=height,
            live_ms=live_ms,
            interactive=interactive,
            **kwargs,
        )

    def preprocess(self, payload: Any) -> Edited:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Levels from a client, which can send anything: refused in the core's own words."""
        told = payload if isinstance(payload, dict) else {}
        rev, seen = (told[k] if type(told.get(k)) is int else None for k in ("rev", "seen"))
        sigmas = payload.get("sigmas") if isinstance(payload, dict) else payload
        try:
            if not isinstance(sigmas, list):
                raise ValueError('levels must be a list: {"sigmas": [14.6, ..., 0]}')
            return Edited(checked_levels(sigmas), rev, seen)
        except ValueError as refused:
            raise refusal(refused) from None

    def postprocess(self, value: Any) -> dict[str, Any] | None:  # pyright: ignore[reportIncompatibleMethodOverride]
        if value is None:
            return None
        levels = value.sigmas if isinstance(value, Schedule | Edited | Pushed) else value
        pushed = {"sigmas": [float(v) for v in levels], "rev": getattr(value, "rev", None)}
        more = {name: getattr(value, name, None) for name in ("step", "seen")}
        # an answer without them is the same value as was sent
        return pushed | {name: given for name, given in more.items() if given not in (None, "")}

    def api_info(self) -> dict[str, Any]:
        levels = {"type": "array", "items": {"type": "number"}}
        return {
            "type": "object",
            "properties": {"sigmas": {**levels, "description": "strictly decreasing noise levels"}},
            "required": ["sigmas"],
        }

    def example_payload(self) -> dict[str, Any]:
        return {"sigmas": [10.0, 1.0, 0.1]}

    def example_value(self) -> list[float]:
        return [10.0, 1.0, 0.1]

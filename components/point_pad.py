"""A plane to draw points in: a `gr.HTML` subclass whose page code stands in assets/points.

Its value is a `Drawing`; `release` fires when the drawing has changed. A push from Python replaces
the drawing, and can be undone like any other change.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import gradio as gr

from ays_core.models.drawn import EXTENT, MAX_POINTS, MAX_STD, MIN_STD, checked_points, checked_std
from components import static
from components.words import refusal

TEMPLATE = '<div class="pad-root"></div>'
ON_LOAD = "window.PointPad.mount({element, props, trigger, watch});"
FILES = (static.DOM, "points/pad.css", "points/pad.js")


@dataclass(frozen=True)
class Drawing:
    """Points, each (x, y), and the standard deviation of every one of them."""

    points: tuple[tuple[float, float], ...] = ()
    std: float = 0.05


class PointPad(gr.HTML):
    """An editable `Drawing` within ±EXTENT."""

    def __init__(self, value: Drawing | None = None, **kwargs: Any) -> None:
        super().__init__(
            value=value or Drawing(),
            html_template=TEMPLATE,
            js_on_load=ON_LOAD,
            head=static.head(*FILES),
            apply_default_css=False,
            extent=EXTENT,
            max_points=MAX_POINTS,
            min_std=MIN_STD,
            max_std=MAX_STD,
            **kwargs,
        )

    def preprocess(self, payload: Any) -> Drawing:  # pyright: ignore[reportIncompatibleMethodOverride]
        """A drawing from a client, which can send anything: refused in the core's own words."""
        try:
            return drawing_of(payload)
        except ValueError as refused:
            raise refusal(refused) from None

    def postprocess(self, value: Any) -> dict[str, Any] | None:  # pyright: ignore[reportIncompatibleMethodOverride]
        if not isinstance(value, Drawing):
            return None
        return {"points": [list(point) for point in value.points], "std": value.std}

    def api_info(self) -> dict[str, Any]:
        point = {"type": "array", "items": {"type": "number"}}
        points = {"type": "array", "items": point, "description": "x and y each"}
        return {"type": "object", "properties": {"points": points, "std": {"type": "number"}}}

    def example_payload(self) -> dict[str, Any]:
        return {"points": [[0.5, 0.0], [-0.5, 0.0]], "std": 0.05}

    def example_value(self) -> dict[str, Any]:
        return self.example_payload()


def drawing_of(payload: Any) -> Drawing:
    """From JSON. No points are a drawing too, one that is not finished. Raises `ValueError`."""
    if payload is None:
        return Drawing()
    points = payload.get("points") if isinstance(payload, Mapping) else None
    if not isinstance(points, list) or len(points) > MAX_POINTS:
        raise ValueError(f'a drawing is {{"points": [[x, y], ...], "std": 0.05}}, {MAX_POINTS} '
                         "points at most")  # fmt: skip
    try:
        pairs = [(float(x), float(y)) for x, y in points]
        std = float(payload.get("std", Drawing.std))
    except (TypeError, ValueError):
        raise ValueError("a point is two numbers, x and y, and the spread is a number") from None
    return Drawing(tuple(checked_points(pairs)) if pairs else (), checked_std(std))

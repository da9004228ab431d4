"""Runs as film strips: a row a schedule, frames where their noise level is, one slider for all.

Values in, values out: a `gr.HTML` subclass whose page code stands in assets/film.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import gradio as gr

from components import static
from components.pictures import Cloud, Strip

TEMPLATE = '<div class="fv-root"></div>'
ON_LOAD = "window.FilmView.mount({element, props, watch});"
FILES = ("pictures/clouds.js", "film/film.css", "film/film.js")


@dataclass(frozen=True)
class Frame:
    """What there was at one noise level; `density`: a picture of the true one at that level."""

    sigma: float
    picture: Strip | None = None
    cloud: Cloud | None = None
    density: str = ""


@dataclass(frozen=True)
class Film:
    """One run, from much noise to none. `paths`: the way of a few points, one place a frame."""

    name: str
    colour: str
    dash: str
    frames: tuple[Frame, ...]
    paths: Cloud | None = None


@dataclass(frozen=True)
class Films:
    """Everything the component shows. `note`: what a frame is, in words. `extent`: of clouds."""

    films: tuple[Film, ...] = ()
    note: str = ""
    extent: tuple[float, float, float, float] = (-1.0, 1.0, -1.0, 1.0)


class FilmView(gr.HTML):
    """Film strips. The value is a `Films`; it is an output only."""

    def __init__(self, value: Films | None = None, **kwargs: Any) -> None:
        super().__init__(
            value=value,
            html_template=TEMPLATE,
            js_on_load=ON_LOAD,
            head=static.head(*FILES),
            apply_default_css=False,
            **kwargs,
        )

    def preprocess(self, payload: Any) -> None:
        """Nothing comes back from the page."""

    def postprocess(self, value: Any) -> Any:
        """A `Films` as the page reads it."""
        return None if value is None else asdict(value)

    def api_info(self) -> dict[str, Any]:
        return {"type": "object", "description": "runs as film strips, as shown"}

    def example_payload(self) -> None:
        return None

    def example_value(self) -> None:
        return None

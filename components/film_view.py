"""Runs as film strips: a row a schedule, frames where their noise level is, one slider for all.

Values in, values out: a `gr.HTML` subclass whose page code stands in assets/film.
"""

from __future__ import annotations

from dataclasses import dataclass

from components import static
from components.pictures import Cloud, Strip
from components.shown import Shown


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


class FilmView(Shown):
    """Film strips. The value is a `Films`; it is an output only."""

    TEMPLATE = '<div class="fv-root"></div>'
    ON_LOAD = "window.FilmView.mount({element, props, watch});"
    FILES = (static.DOM, "pictures/clouds.js", "film/film.css", "film/film.js")
    SHOWS = "runs as film strips, as shown"

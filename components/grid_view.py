"""The grid of a comparison: cells that stream in, one zoom for all, and a close look at two.

Values in, values out: a `gr.HTML` subclass whose page code stands in assets/grid. "Edit" in the
close look fires one event, `select`, with `{"cell": id, "action": "edit"}`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from components import static
from components.pictures import Cloud, Doing, Strip
from components.shown import Shown


@dataclass(frozen=True)
class GridCell:
    """One cell as it is shown; every text is final.

    `against`: id of the reference cell of the same noise. `picture`: one picture; several samples
    are a mosaic already. `levels`: what really ran, shown in the close look.
    """

    id: str
    row: int
    column: int
    state: Literal["waiting", "running", "done", "failed"] = "waiting"
    reference: bool = False
    against: str = ""
    name: str = ""
    caption: tuple[str, ...] = ()
    levels: str = ""
    message: str = ""
    picture: Strip | None = None
    cloud: Cloud | None = None


@dataclass(frozen=True)
class Head:
    """What stands before a row or over a column: a name, and of a schedule what it ran over and its
    colour and dash."""

    name: str
    sub: str = ""
    colour: str = ""
    dash: str = "solid"


@dataclass(frozen=True)
class GridShown:
    """Everything the component shows. `settings`: what all cells share; `note`: what else is to be
    said of them. `said`: how long it may still take, or that it was stopped. `extent`, `density`:
    as in `pictures.View`. `run`: number of the computation; the page ignores what an older one
    still sends."""

    kind: Literal["pictures", "points"]
    rows: tuple[Head, ...]
    columns: tuple[Head, ...]
    cells: tuple[GridCell, ...]
    extent: tuple[float, float, float, float] = (-1.0, 1.0, -1.0, 1.0)
    density: str = ""
    progress: Doing | None = None
    said: str = ""
    settings: str = ""
    note: str = ""
    run: int = 0


class GridView(Shown):
    """The grid. Its value is a `GridShown`; it is an output only."""

    TEMPLATE = '<div class="gv-root"></div>'
    ON_LOAD = "window.GridView.mount({element, props, trigger, watch});"
    FILES = (
        static.DOM,
        "pictures/pictures.css",
        "pictures/clouds.js",
        "grid/grid.css",
        "grid/points.js",
        "grid/cell.js",
        "grid/zoom.js",
        "grid/difference.js",
        "grid/look.js",
        "grid/grid.js",
    )
    SHOWS = "a grid of a comparison, as shown"

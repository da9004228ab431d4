"""The rows of a comparison: pictures or clouds of points, streamed in and patched in place.

Values in, values out: a `gr.HTML` subclass whose page code stands in assets/pictures. Choosing from
a row's menu fires one event, `select`, with `{"row": id, "action": action}`.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from ays_core.grid.plan import MARK
from components import static
from components.shown import Shown

State = Literal["waiting", "running", "done", "stale", "failed"]
ACTIONS = ("edit", "duplicate", "export", "remove")


@dataclass(frozen=True)
class Strip:
    """All pictures of a row side by side in one PNG; `width` and `height` are those of one."""

    url: str
    count: int
    width: int
    height: int


@dataclass(frozen=True)
class Cloud:
    """Points (B, 2) and optional paths (m, length, 2), float32 in base64."""

    points: str
    paths: str = ""
    length: int = 0


@dataclass(frozen=True)
class Row:
    """One row as it is shown; every text is final.

    `color` "" is the text's colour, for the reference. A row without `strip` or `cloud` keeps,
    dimmed, what it showed before; a failed one shows its `message` instead.
    """

    id: str
    name: str
    state: State = "waiting"
    color: str = ""
    dash: str = "solid"  # Plotly's word
    sub: str = ""  # "6 calls"
    error: str = ""
    same: str = ""
    seconds: str = ""
    note: str = ""
    message: str = ""
    strip: Strip | None = None
    cloud: Cloud | None = None
    reference: bool = False
    actions: tuple[str, ...] = ACTIONS


@dataclass(frozen=True)
class Doing:
    """What is being computed: shown as a thin line and one polite sentence."""

    text: str
    done: int
    total: int


@dataclass(frozen=True)
class View:
    """Everything the component shows.

    `extent`: (x_min, x_max, y_min, y_max), one scale for all clouds. `density`: a picture of the
    true density over the extent. `first_seed`: that of the first picture, for the close look.
    `model`: what was loaded, "" for an embedded one: pictures of another never stay on screen.
    `count`: placeholders to show before the first picture has arrived. `run`: number of the
    computation; the page ignores what an older one still sends.
    """

    kind: Literal["pictures", "points"]
    rows: tuple[Row, ...] = ()
    extent: tuple[float, float, float, float] = (-1.0, 1.0, -1.0, 1.0)
    density: str = ""
    finding: str = ""
    model: str = ""
    progress: Doing | None = None
    first_seed: int | None = None
    count: int = 16
    run: int = 0


class Pictures(Shown):
    """The rows view. Its value is a `View`; it is an output only."""

    TEMPLATE = (
        '<div class="pic-root"><p class="pic-loading" role="status">Loading the pictures…</p></div>'
    )
    ON_LOAD = "window.Pictures.mount({element, props, trigger, watch});"
    FILES = (
        static.DOM,
        "pictures/pictures.css",
        "pictures/clouds.js",
        "pictures/row.js",
        "pictures/zoom.js",
        "pictures/pictures.js",
    )
    SHOWS = "rows of a comparison, as shown"


def stale(view: View) -> View:
    """The same view with every row that shows something marked as out of date."""
    rows = (row if row.state == "failed" else replace(row, state="stale") for row in view.rows)
    return replace(view, rows=tuple(rows))


def strip(pictures: np.ndarray, largest: int = 256, settings: str = "") -> Strip:
    """uint8 pictures (B, H, W, 3) side by side, made smaller where a side exceeds `largest`.
    `settings`: the plan from which they can be made again, written into the file."""
    count, height, width, _ = pictures.shape
    image = Image.fromarray(np.concatenate(list(pictures), axis=1))
    shrink = max(height, width) / largest
    if shrink > 1:
        width, height = round(width / shrink), round(height / shrink)
        image = image.resize((count * width, height), Image.Resampling.LANCZOS)
    return Strip(png_url(image, settings), count, width, height)


def cloud(points: np.ndarray, paths: np.ndarray | Sequence[np.ndarray] | None = None) -> Cloud:
    """Points (B, 2) with the paths (m, length, 2) of some of them."""
    if paths is None or len(paths) == 0:
        return Cloud(_packed(points))
    paths = np.asarray(paths)
    return Cloud(_packed(points), _packed(paths), paths.shape[1])


def density(values: np.ndarray) -> str:
    """A picture of a density (H, W), first row at the top: grey, more opaque where it is higher.

    Opacity goes with the square root, so that thin parts stay visible; grey reads on both themes.
    """
    opacity = np.sqrt(np.clip(values, 0, None) / max(float(np.max(values)), 1e-300))
    alpha = np.round(120 * opacity).astype(np.uint8)
    return png_url(Image.fromarray(np.stack([np.full_like(alpha, 128), alpha], axis=-1)))


def _packed(values: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(values, dtype="<f4").tobytes()).decode()


def png_url(image: Image.Image, settings: str = "") -> str:
    """A picture as a link that holds it, with what it was made from."""
    buffer, inside = io.BytesIO(), PngInfo()
    if settings:
        inside.add_text(MARK, settings)
    image.save(buffer, "PNG", pnginfo=inside)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()

"""A blind test of two schedules: which picture is better, without knowing whose it is.

Values in; what is answered stays in the visitor's browser. A `gr.HTML` subclass whose page code
stands in assets/blind. Starting it, and once more, fires one event, `select`: the pictures are made
then, on new noises. While it runs the grid, which has names, is hidden.
"""

from __future__ import annotations

from dataclasses import dataclass

from components import static
from components.pictures import Strip
from components.shown import Shown


@dataclass(frozen=True)
class Pair:
    """Two runs by name, and what they made of the noises of `seeds`; `settings`: what both share.
    An answer is counted once for a pair and a seed."""

    a: str
    b: str
    pictures: tuple[tuple[Strip, Strip], ...]
    settings: str = ""
    seeds: tuple[int, ...] = ()


@dataclass(frozen=True)
class BlindTest:
    """Everything the component shows. `note`: what a test is, or why there can be none; `ready`:
    whether one can be started."""

    pairs: tuple[Pair, ...] = ()
    note: str = ""
    ready: bool = False


class BlindView(Shown):
    """The blind test. The value is a `BlindTest`; nothing comes back to Python but the event."""

    TEMPLATE = '<div class="bv-root"></div>'
    ON_LOAD = "window.BlindView.mount({element, props, trigger, watch});"
    FILES = (static.DOM, "blind/blind.css", "blind/tally.js", "blind/blind.js")
    SHOWS = "pairs of runs to be judged, as shown"

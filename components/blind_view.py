"""A blind test of two schedules: which picture is better, without knowing whose it is.

Values in; what is answered stays in the visitor's browser. A `gr.HTML` subclass whose page code
stands in assets/blind. Starting it, and once more, fires one event, `select`: the pictures are made
then, on new noises. While it runs the grid, which has names, is hidden.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import gradio as gr

from components import static
from components.pictures import Strip

TEMPLATE = '<div class="bv-root"></div>'
ON_LOAD = "window.BlindView.mount({element, props, trigger, watch});"
FILES = ("blind/blind.css", "blind/tally.js", "blind/blind.js")


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


class BlindView(gr.HTML):
    """The blind test. The value is a `BlindTest`; nothing comes back to Python but the event."""

    def __init__(self, value: BlindTest | None = None, **kwargs: Any) -> None:
        super().__init__(
            value=value,
            html_template=TEMPLATE,
            js_on_load=ON_LOAD,
            head=static.head(*FILES),
            apply_default_css=False,
            **kwargs,
        )

    def preprocess(self, payload: Any) -> None:
        """Answers stay in the browser."""

    def postprocess(self, value: Any) -> Any:
        """A `BlindTest` as the page reads it."""
        return None if value is None else asdict(value)

    def api_info(self) -> dict[str, Any]:
        return {"type": "object", "description": "pairs of runs to be judged, as shown"}

    def example_payload(self) -> None:
        return None

    def example_value(self) -> None:
        return None

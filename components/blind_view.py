"""A blind test of two schedules: which picture is better, without knowing whose it is.

Values in; what is answered stays in the visitor's browser. A `gr.HTML` subclass whose page code
stands in assets/blind.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import gradio as gr

from components import static
from components.pictures import Strip

TEMPLATE = '<div class="bv-root"></div>'
ON_LOAD = "window.BlindView.mount({element, props, watch});"
FILES = ("blind/blind.css", "blind/tally.js", "blind/blind.js")


@dataclass(frozen=True)
class Pair:
    """Two runs by name, and what they made of the same noises; `settings`: what both share."""

    a: str
    b: str
    pictures: tuple[tuple[Strip, Strip], ...]
    settings: str = ""


class BlindView(gr.HTML):
    """The blind test. The value is a sequence of `Pair`; nothing comes back to Python."""

    def __init__(self, value: Sequence[Pair] = (), **kwargs: Any) -> None:
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
        """The pairs as the page reads them."""
        return {"pairs": [asdict(pair) for pair in value or ()]}

    def api_info(self) -> dict[str, Any]:
        return {"type": "object", "description": "pairs of runs to be judged, as shown"}

    def example_payload(self) -> None:
        return None

    def example_value(self) -> None:
        return None

"""Words at a field: what is wrong with what was typed, or what was read from it.

They are a live region, tied to their fields by `aria-describedby` and `aria-invalid`, and plain
text: what a visitor typed may stand in them. The page code stands in assets/words.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import gradio as gr

from components import static
from components.state import Studio
from components.words import sentence

TEMPLATE = '<output aria-live="polite"></output>'
ON_LOAD = "window.FieldWords.mount({element, props, watch});"
FILES = ("words/words.css", "words/words.js")


class Said(NamedTuple):
    """A sentence at a field; `wrong`: it says why the field's value cannot be used."""

    text: str = ""
    wrong: bool = False


class FieldWords(gr.HTML):
    """The place for a sentence about `fields`, given by their element ids."""

    def __init__(self, value: Said | None = None, *, fields: Sequence[str] = (), **kwargs: Any):
        super().__init__(
            value=value,
            html_template=TEMPLATE,
            js_on_load=ON_LOAD,
            head=static.head(*FILES),
            apply_default_css=False,
            fields=list(fields),
            elem_classes="field-words",
            padding=False,
            **kwargs,
        )

    def postprocess(self, value: Any) -> dict[str, Any]:  # pyright: ignore[reportIncompatibleMethodOverride]
        return Said(*(value or ()))._asdict()

    def api_info(self) -> dict[str, Any]:
        return {"type": "object"}


def why_refused(act: Callable[..., Any], *values: Any) -> Said:
    """Why `act` refuses these values, as a sentence, or nothing where it does not."""
    try:
        act(*values)
    except ValueError as refused:
        return Said(sentence(refused), wrong=True)
    return Said()


def quietly(act: Callable[..., Studio]) -> Callable[..., Studio]:
    """`act`, where what it refuses is said at its fields: then nothing changes."""

    def handler(studio: Studio, *values: Any) -> Studio:
        try:
            return act(studio, *values)
        except ValueError:
            return studio

    return handler

"""What Python shows and the page draws: the base of the components that are outputs only."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, ClassVar

import gradio as gr

from components import static


class Shown(gr.HTML):
    """A frozen dataclass, drawn by page code of our own; nothing comes back but events.

    A subclass gives `FILES` of assets/ in their order, `ON_LOAD`, what mounts them in the element
    of `TEMPLATE`, and `SHOWS`, what its value is, for the API's page.
    """

    TEMPLATE: ClassVar[str]
    ON_LOAD: ClassVar[str]
    FILES: ClassVar[tuple[str, ...]]
    SHOWS: ClassVar[str]

    def __init__(self, value: Any = None, **kwargs: Any) -> None:
        super().__init__(
            value=value,
            html_template=self.TEMPLATE,
            js_on_load=self.ON_LOAD,
            head=static.head(*self.FILES),
            apply_default_css=False,
            **kwargs,
        )

    def preprocess(self, payload: Any) -> None:
        """Nothing comes back from the page but events."""

    def postprocess(self, value: Any) -> Any:
        """The value as the page reads it."""
        return None if value is None else asdict(value)

    def api_info(self) -> dict[str, Any]:
        return {"type": "object", "description": self.SHOWS}

    def example_payload(self) -> None:
        return None

    def example_value(self) -> None:
        return None

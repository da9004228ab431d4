"""Read-only Plotly figures, drawn by the same plotly.js as the editor and patched in place."""

from __future__ import annotations

import json
from typing import Any

import gradio as gr

from components import static

TEMPLATE = '<div class="pv-root"></div>'
ON_LOAD = "window.PlotlyView.mount({element, props, watch});"
FILES = (
    "plotly_view/view.css",
    static.PLOTLY,
    "plotly_view/theme.js",
    "plotly_view/view.js",
)


class PlotlyView(gr.HTML):
    """A figure: {"data": [...], "layout": {...}} or a plotly `Figure`.

    `empty`: what to say while there is none. `summary`: the figure in a sentence, for those who
    cannot see it.
    """

    def __init__(
        self,
        value: Any = None,
        *,
        label: str = "Figure",
        height: int = 240,
        empty: str = "",
        summary: str = "",
        **kwargs: Any,
    ) -> None:
        super().__init__(
            value=value,
            label=label,
            html_template=TEMPLATE,
            js_on_load=ON_LOAD,
            head=static.head(*FILES),
            apply_default_css=False,
            height=height,
            empty=empty,
            summary=summary,
            **kwargs,
        )

    def preprocess(self, payload: Any) -> None:
        """Nothing comes back from the page."""

    def postprocess(self, value: Any) -> dict[str, Any] | None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """The figure as JSON. A `Figure`'s own template is dropped: the page's theme is used."""
        if value is None or isinstance(value, dict):
            return value
        figure = json.loads(value.to_json())
        figure["layout"].pop("template", None)
        return figure

    def api_info(self) -> dict[str, Any]:
        return {"type": "object", "description": "a Plotly figure"}

    def example_payload(self) -> None:
        return None

    def example_value(self) -> None:
        return None

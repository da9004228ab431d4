"""Read-only Plotly figures, drawn by the same plotly.js as the editor and patched in place."""

from __future__ import annotations

import json
from typing import Any

from components import static
from components.shown import Shown


class PlotlyView(Shown):
    """A figure: {"data": [...], "layout": {...}} or a plotly `Figure`.

    `empty`: what to say while there is none. `summary`: the figure in a sentence, for those who
    cannot see it.
    """

    TEMPLATE = '<div class="pv-root"></div>'
    ON_LOAD = "window.PlotlyView.mount({element, props, watch});"
    FILES = (
        "plotly_view/view.css",
        static.PLOTLY,
        "plotly_view/theme.js",
        "plotly_view/view.js",
    )
    SHOWS = "a Plotly figure"

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
        about = {"label": label, "height": height, "empty": empty, "summary": summary}
        super().__init__(value, **about, **kwargs)

    def postprocess(self, value: Any) -> dict[str, Any] | None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """The figure as JSON. A `Figure`'s own template is dropped: the page's theme is used."""
        if value is None or isinstance(value, dict):
            return value
        figure = json.loads(value.to_json())
        figure["layout"].pop("template", None)
        return figure

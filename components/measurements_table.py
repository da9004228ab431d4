"""Measurements that the library keeps: what each one cost, and forgetting it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from html import escape

import gradio as gr

from ays_core.library import Library, Measurement
from ays_core.models import MODELS
from ays_core.statistics import Statistics
from components import static
from components.events import PRIVATE
from components.limits import LIMITS
from components.words import refusal

ABOUT = (
    "A model is measured once for all searches that price intervals, whatever their steps and "
    "weight, and for everyone who uses this app."
)
HEADERS = ("Measured", "Paths × levels", "Evaluations saved", "Size", "Last used")
EMPTY = '<p class="saved-empty">Nothing measured yet: a search by Align Your Steps does.</p>'


def build(tab: gr.Tab) -> None:
    with gr.Accordion("Measurements", open=False, elem_id="measurements"):
        gr.Markdown(ABOUT)
        table = gr.HTML(
            head=static.head("library/saved.css"),
            apply_default_css=False,
            elem_id="measurements-table",
        )
        with gr.Row(visible=not LIMITS.public):  # others may be using them there
            which = gr.Dropdown(label="Forget", elem_id="measurements-which", scale=4)
            forget = gr.Button("Forget it", elem_id="measurements-forget")
    tab.select(shown, None, [table, which], **PRIVATE)
    forgotten = forget.click(forget_one, which, None, **PRIVATE)
    forgotten.success(shown, None, [table, which], **PRIVATE)


def shown() -> tuple[str, gr.Dropdown]:
    """The table as it is now, and what there is to forget."""
    try:
        kept = [(each, Statistics.from_bytes(each.content)) for each in Library().measurements()]
    except ValueError as refused:
        raise refusal(refused) from None
    names = [(f"{of(found)}, {_cost(found)}", each.key) for each, found in kept]
    return table(kept), gr.Dropdown(names, value=None)


def forget_one(key: str | None) -> None:
    if LIMITS.public:
        raise refusal("Measurements are everyone's here.")
    try:
        Library().delete_measurement(key or "")
    except ValueError as refused:
        raise refusal(refused) from None


def table(kept: list[tuple[Measurement, Statistics]]) -> str:
    if not kept:
        return EMPTY
    heads = "".join(f'<th scope="col">{header}</th>' for header in HEADERS)
    rows = "".join(_row(each, found) for each, found in kept)
    return (
        '<div class="saved"><table><caption>Measurements</caption>'
        f"<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _row(each: Measurement, found: Statistics) -> str:
    day = datetime.fromtimestamp(each.used, UTC).strftime("%Y-%m-%d")
    size = f"{len(each.content) / 1e6:.1f} MB"
    cells = (_cost(found), f"{found.evaluations:,}", size, day)
    row = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
    return f'<tr><th scope="row">{escape(of(found))}</th>{row}</tr>'


def _cost(found: Statistics) -> str:
    return f"{found.num_paths} × {len(found.levels)}"


def of(found: Statistics) -> str:
    """What was measured, in words; see `statistics.measured_key`."""
    model, conditions, guidance, *more = json.loads(found.key)
    parts = [MODELS[model].label if model in MODELS else model, *conditions]
    parts += [f"guidance {guidance:g}"] if guidance != 1 else []
    return ", ".join([*parts, *(str(word) for word in more)])[:120]

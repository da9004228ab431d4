"""Draw your own distribution: points by hand or pasted, an exact model at once."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import Any

import gradio as gr

from ays_core.models import drawn_name, read_points
from components.events import LAST, PRIVATE
from components.point_pad import Drawing, PointPad
from components.state import Studio, with_choices, with_model
from components.words import refusal

COMPARED = ("karras", "karras*", "log_snr", "kl_optimal")  # closed forms fit any model
INTRO = (
    "Every point becomes a small round cloud, all together a distribution that the Studio can "
    "sample from. Its denoiser is exact, so solvers, optimizers and comparisons work on it at once."
)


def build(studio: gr.State, tabs: gr.Tabs) -> Any:
    """The page. Returns the event that gave the Studio what was drawn."""
    gr.HTML(f"<h2>Draw your own distribution</h2><p>{INTRO}</p>", elem_classes="learn-intro")
    with gr.Row(elem_id="draw"):
        with gr.Column(scale=5, min_width=300):
            first = Drawing(ring())
            pad = PointPad(first, elem_id="pad")
        with gr.Column(scale=4, min_width=300):
            use = gr.Button("Use this distribution", variant="primary", elem_id="pad-use")
            with gr.Row(elem_id="pad-examples"):
                examples = [gr.Button(name, size="sm", min_width=80) for name in EXAMPLES]
            text = gr.Textbox(
                written(first),
                label="Or type the points",
                info="one a line: x, y",
                placeholder="0.5, 0.2\n-0.3, 0.8",
                lines=8,
                max_lines=16,
                elem_id="pad-text",
            )
            read = gr.Button("Draw these points", size="sm", elem_id="pad-read")
    for button in examples:
        button.click(partial(example, button.value), pad, [pad, text], **PRIVATE)
    read.click(typed, [pad, text], pad, **PRIVATE)
    pad.release(written, pad, text, **LAST)
    return use.click(used, [studio, pad], [studio, tabs], **PRIVATE)


def used(studio: Studio, drawing: Drawing) -> tuple[Studio, gr.Tabs]:
    """What was drawn becomes the model, beside schedules that fit any model."""
    try:
        studio = with_model(studio, drawn_name(drawing.points, drawing.std))
    except ValueError as refused:
        raise refusal(refused) from None
    return with_choices(studio, COMPARED), gr.Tabs(selected="studio")


def typed(drawing: Drawing, text: str) -> Drawing:
    """The points of the text, instead of those that were drawn."""
    try:
        return replace(drawing, points=tuple(read_points(text or "")))
    except ValueError as refused:
        raise refusal(refused) from None


def written(drawing: Drawing) -> str:
    return "\n".join(f"{x:g}, {y:g}" for x, y in drawing.points)


def example(name: str, drawing: Drawing) -> tuple[Drawing, str]:
    """The points of an example, drawn and written."""
    drawing = replace(drawing, points=EXAMPLES[name]())
    return drawing, written(drawing)


Points = tuple[tuple[float, float], ...]


def ring() -> Points:
    return arc(0, 0, 1, 0, 2 * math.pi * 11 / 12, 12)


def moons() -> Points:
    upper = arc(-0.35, -0.2, 0.7, 0, math.pi, 12)
    return upper + arc(0.35, 0.2, 0.7, math.pi, 2 * math.pi, 12)


def letter() -> Points:
    """An A."""
    strokes = [[(-0.7, -1.0), (0.0, 1.0), (0.7, -1.0)], [(-0.4, -0.25), (0.4, -0.25)]]
    points = (
        point
        for stroke in strokes
        for start, end in pairwise(stroke)
        for point in line(start, end, 10)
    )
    return tuple(dict.fromkeys(points))  # two strokes meet in one point


def line(start: tuple[float, float], end: tuple[float, float], num: int) -> Points:
    (a, b), (c, d) = start, end
    return tuple(
        (round(a + (c - a) * i / num, 3), round(b + (d - b) * i / num, 3)) for i in range(num + 1)
    )


def arc(x: float, y: float, radius: float, start: float, end: float, num: int) -> Points:
    angles = [start + (end - start) * i / (num - 1) for i in range(num)]
    return tuple(
        (round(x + radius * math.cos(a), 3), round(y + radius * math.sin(a), 3)) for a in angles
    )


EXAMPLES: dict[str, Callable[[], Points]] = {"Ring": ring, "Two moons": moons, "Letter": letter}

"""Controls made from a signature: `params.adjustable(entry.make)` is the interface."""

from __future__ import annotations

import math
from typing import Any

import gradio as gr

from ays_core.params import Parameter, Range


def parameter_control(parameter: Parameter, value: Any) -> gr.Slider | gr.Dropdown:
    """A slider for a range, a menu for a choice, with the parameter's own sentence."""
    label = parameter.name.replace("_", " ")
    if isinstance(parameter.values, Range):
        values = parameter.values
        return gr.Slider(
            values.low,
            values.high,
            value=value,
            step=values.step or natural_step(values, parameter.kind),
            label=label,
            info=values.note or None,
            elem_id=f"param-{parameter.name}",
            interactive=True,  # inside gr.render Gradio does not find out by itself
        )
    shown = str(value).lower() if isinstance(value, bool) else value
    return gr.Dropdown(
        list(parameter.values.options),
        value=shown,
        label=label,
        info=parameter.values.note or None,
        elem_id=f"param-{parameter.name}",
        interactive=True,
    )


def natural_step(values: Range, kind: type) -> float:
    """One for whole numbers, else a hundredth of the range rounded to a power of ten."""
    if kind is int:
        return 1
    return 10.0 ** math.floor(math.log10((values.high - values.low) / 100))

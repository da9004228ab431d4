"""What other programs may ask of the app: named endpoints over the same functions."""

from __future__ import annotations

import gradio as gr

from ays_core.interop import parse, write
from ays_core.models import MODELS
from ays_core.schedules import SCHEDULES
from components.limits import LIMITS
from components.words import refusal


def schedule(key: str, model: str = "scenes", steps: int = 10) -> dict:
    """A catalogue schedule for an embedded model: its noise levels and where they come from."""
    try:
        made = SCHEDULES[key].make(LIMITS.checked_steps(steps), MODELS[model].spec)
    except ValueError as refused:
        raise refusal(refused) from None
    origin = made.origin
    return {
        "sigmas": list(made.sigmas),
        "origin": {"method": origin.method, "reference": origin.reference},
    }


def convert(
    levels: str, dialect: str = "json", model: str = "scenes", solver: str = "euler"
) -> str:
    """A list of noise levels in any known notation, written in another tool's own; `solver` is for
    diffusers, which runs it."""
    try:
        spec = MODELS[model].spec
        parsed = parse(LIMITS.checked_text(levels), spec).require()
        LIMITS.checked_levels(parsed.sigmas)
        return write(dialect, parsed, spec, solver)
    except ValueError as refused:
        raise refusal(refused) from None


def build() -> None:
    """Add the endpoints to the page being built."""
    gr.api(schedule, api_name="schedule", queue=False)  # pyright: ignore[reportPrivateImportUsage]
    gr.api(convert, api_name="convert", queue=False)  # pyright: ignore[reportPrivateImportUsage]

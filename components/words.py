"""Refusals and warnings as toasts.

Gradio renders their text as HTML, and a message may name what a stranger wrote: the model of an
uploaded plan, a prompt. So it is escaped here, once for every panel.
"""

from __future__ import annotations

import html

import gradio as gr


def refusal(error: object) -> gr.Error:
    """To be raised: what cannot be done, and why."""
    return gr.Error(html.escape(str(error)), print_exception=False)


def warn(message: object) -> None:
    gr.Warning(html.escape(str(message)))


def tell(message: object) -> None:
    gr.Info(html.escape(str(message)))

"""Refusals and warnings as toasts.

Gradio renders their text as HTML, and a message may name what a stranger wrote: the model of an
uploaded plan, a prompt. So it is escaped here, once for every panel.
"""

from __future__ import annotations

import html

import gradio as gr


def sentence(words: object) -> str:
    """Words as a sentence: the core's refusals begin small, as part of what a caller says."""
    text = str(words)
    return text[:1].upper() + text[1:]


def shown(words: object) -> str:
    return html.escape(str(words), quote=False)


def refusal(error: object) -> gr.Error:
    """To be raised: what cannot be done, and why."""
    return gr.Error(shown(error), print_exception=False)


def warn(message: object) -> None:
    gr.Warning(shown(message))


def tell(message: object) -> None:
    gr.Info(shown(message))

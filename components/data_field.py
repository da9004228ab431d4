"""What a search learns from: a network's own samples, or a folder of pictures on this machine."""

from __future__ import annotations

import html
from dataclasses import replace
from pathlib import Path

import gradio as gr

from ays_core.models.pictures import captions_of, pictures_in
from components.events import PRIVATE
from components.following import Following
from components.limits import LIMITS
from components.state import Studio

INFO = "a folder; name.txt beside name.png is its caption. Empty: the model's own samples"


def build(studio: gr.State, following: Following) -> None:
    with gr.Row(visible=False, elem_id="data") as row:
        folder = gr.Textbox(
            label="Pictures to learn from", info=INFO, max_lines=1, elem_id="data-folder", scale=3
        )
    said = gr.HTML(elem_id="data-said", padding=False)
    following.add(offered, row)
    gr.on(
        [folder.submit, folder.blur], learnt_from, [studio, folder], [studio, said], **PRIVATE
    )  # not while it is typed: every letter would be another folder


def offered(studio: Studio) -> gr.Row:
    """Embedded models have exact data; a public Space looks into no folder."""
    return gr.Row(visible=not studio.instant and not LIMITS.public)


def learnt_from(studio: Studio, folder: str) -> tuple[Studio, str]:
    """The folder to learn from, and what is in it, or why it is not used: then nothing changes."""
    folder = LIMITS.checked_text(folder or "").strip()
    if not folder or LIMITS.public:
        return replace(studio, pictures=""), ""
    try:
        files = pictures_in(Path(folder).expanduser())
        if studio.spec.takes_prompt or studio.spec.classes:
            captions_of(files)
    except (ValueError, OSError) as refused:
        return studio, f"<p><b>Not used.</b> {html.escape(str(refused))}</p>"
    return replace(studio, pictures=folder), f"<p>{len(files)} pictures.</p>"

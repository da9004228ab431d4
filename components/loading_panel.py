"""Load a model: a Hub id, a folder or a file; what it is; then into memory, with progress."""

from __future__ import annotations

import html
from collections.abc import Generator
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr

from ays_core.job import Job, Progress
from ays_core.models.checkpoints import Checkpoint, download, find
from ays_core.models.held import bring
from ays_core.models.hub import cached, remove
from ays_core.models.pipelines import PipelineModel
from components.events import COMPUTE, LAST, PRIVATE
from components.jobs import Overtime, Superseded, Turn, in_line, leave, stream
from components.limits import LIMITS
from components.state import Studio, with_model
from components.words import refusal

KIND = "load"
DOWNLOAD_SECONDS = 4 * 3600.0  # a slow line and a large model
OFFERED = "This Space offers the models of this list, and no others."
NONE_OFFERED = (
    "This Space offers its embedded models only. On your own machine the app loads any of the "
    "supported families, from the Hub or from a folder."
)


@dataclass(frozen=True)
class LoadingPanel:
    box: gr.Accordion
    source: gr.Textbox | gr.Dropdown
    config: gr.Textbox
    size: gr.Number
    look: gr.Button
    facts: gr.HTML
    load: gr.Button
    stop: gr.Button
    state: gr.HTML
    shelf: gr.Row
    kept: gr.Dropdown
    remove: gr.Button
    found: gr.State
    loaded: gr.State


def build() -> LoadingPanel:
    offers = bool(LIMITS.allowed) or not LIMITS.public
    with gr.Accordion("Load a model", open=False, elem_id="loading") as box:
        if LIMITS.public:
            gr.Markdown(OFFERED if LIMITS.allowed else NONE_OFFERED, elem_id="offered")
        with gr.Row(elem_classes="control-bar", visible=offers):
            source = source_field()
            config = gr.Textbox(
                label="Folder of its configs",
                visible=False,
                max_lines=1,
                elem_id="source-config",
                scale=3,
            )
            size = gr.Number(
                label="Picture side, px",
                info="0: its own",
                value=0,
                minimum=0,
                precision=0,
                elem_id="source-size",
                min_width=120,
            )
            look = gr.Button("Look", elem_id="look", scale=0, min_width=80)
        facts = gr.HTML(elem_id="facts", padding=False)
        with gr.Row(visible=offers):
            load = gr.Button(
                "Load",
                variant="primary",
                interactive=False,
                elem_id="load",
                scale=0,
                min_width=160,
            )
            stop = gr.Button("Stop", elem_id="stop-loading", scale=0, min_width=80)
        state = gr.HTML(elem_id="loading-state", padding=False)
        with gr.Row(elem_classes="control-bar", visible=False) as shelf:
            kept = gr.Dropdown(
                label="In the Hub's cache on this machine", elem_id="cached", scale=4
            )
            drop = gr.Button("Remove", elem_id="remove-cached", scale=0, min_width=80)
    return LoadingPanel(
        box,
        source,
        config,
        size,
        look,
        facts,
        load,
        stop,
        state,
        shelf,
        kept,
        drop,
        gr.State(None),
        gr.State(""),
    )


def source_field() -> gr.Textbox | gr.Dropdown:
    """A public Space offers a list; elsewhere one writes what one has."""
    if LIMITS.public:
        return gr.Dropdown(list(LIMITS.allowed), label="Model", elem_id="source", scale=4)
    return gr.Textbox(
        label="Hub id, folder or .safetensors file",
        placeholder="owner/name, or a path on this machine",
        max_lines=1,
        elem_id="source",
        scale=4,
    )


def connect(studio: gr.State, panel: LoadingPanel) -> Any:
    """What happens within the panel. Returns the event after which the Studio has a new model."""
    asked, answer = [panel.source, panel.config], [panel.found, panel.facts, panel.load]
    shelf = [panel.shelf, panel.kept]
    panel.box.expand(kept_models, None, shelf, **PRIVATE)
    panel.source.input(wants_config, panel.source, panel.config, **LAST)
    looking = {**PRIVATE, "show_progress": "minimal", "show_progress_on": panel.facts}
    panel.look.click(looked, asked, answer, **looking)
    if isinstance(panel.source, gr.Textbox):
        panel.source.submit(looked, asked, answer, **looking)
    chosen = panel.kept.input(lambda name: name, panel.kept, panel.source, **LAST)
    chosen.success(looked, asked, answer, **PRIVATE)
    gone = panel.remove.click(removed, panel.kept, panel.state, **PRIVATE)
    gone.success(kept_models, None, shelf, **PRIVATE)
    loading = panel.load.click(
        loaded,
        [panel.found, panel.size],
        [panel.state, panel.loaded],
        **COMPUTE,
    )
    loading.success(kept_models, None, shelf, **PRIVATE)
    loading.success(folded, panel.loaded, panel.box, **PRIVATE)
    panel.stop.click(halt, None, None, queue=False, **PRIVATE)
    return loading.success(as_model, [studio, panel.loaded], studio, **PRIVATE)


def wants_config(source: str | None) -> gr.Textbox:
    """A single file says nothing of itself: its configs are asked for."""
    return gr.Textbox(visible=str(source or "").strip().endswith(".safetensors"))


def looked(source: str | None, config: str | None) -> tuple[Checkpoint, str, gr.Button]:
    """What is there, before anything large is fetched."""
    try:
        found = find(LIMITS.checked_source(source or ""), (config or "").strip())
    except ValueError as refused:
        raise refusal(refused) from None
    verb = "Download and load" if found.missing else "Load"
    return found, facts_of(found), gr.Button(verb, interactive=True)


def facts_of(found: Checkpoint) -> str:
    """Family, noise axis, size and licence, as a list of words and values."""
    here = "all here" if not found.missing else f"{in_bytes(found.to_fetch)} of it to download"
    rows = {
        "model": found.source,
        **found.facts,
        "size": f"{in_bytes(found.size)}, {here}",
        "weights": f"{found.variant or 'full precision'}, safetensors",
        "licence": found.licence or "not stated here",
    }
    cells = (f"<dt>{html.escape(k)}</dt><dd>{html.escape(v)}</dd>" for k, v in rows.items())
    return f'<dl class="facts">{"".join(cells)}</dl>'


def in_bytes(size: int) -> str:
    for unit, least in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= least:
            return f"{size / least:.3g} {unit}"
    return f"{size} bytes"


def loaded(
    found: Checkpoint | None, size: float | None, request: gr.Request
) -> Generator[tuple[str, str], None, None]:
    """The checkpoint into memory, in its turn: yields (how far, what is loaded)."""
    if found is None:
        raise refusal("Look at a model first.")
    leave(request)  # what runs for this visitor is of the model before
    turn = Turn.take(request.session_hash, KIND)
    try:
        LIMITS.checked_source(found.source)
        side = found.checked_size(LIMITS.checked_side(size))
        running = stream(brought(found, side, turn), turn, DOWNLOAD_SECONDS)
        while True:
            yield progress_bar(next(running)), ""
    except StopIteration as finished:
        spec = finished.value.spec
        yield said(f"{spec.label} is loaded: {finished.value.placed}."), spec.key
    except (Superseded, Overtime) as ended:
        stopped = "Stopped. The files that have arrived in full are kept for the next try."
        yield said(stopped if isinstance(ended, Superseded) else str(ended)), ""
    except ValueError as refused:
        raise refusal(refused) from None


def brought(found: Checkpoint, side: int | None, turn: Turn) -> Job[PipelineModel]:
    """Downloaded beside what others compute, and brought into memory in its turn."""
    yield from download(found)
    here = replace(found, missing=())
    return (yield from in_line(bring(here, size=side), turn))


def progress_bar(progress: Progress) -> str:
    """A line of words, and a bar where there is a length to show."""
    if progress.total <= 1:
        return said(f"{progress.stage.capitalize()} …")
    words = f"{progress.stage.capitalize()}: {progress.done:,} of {progress.total:,}"
    bar = f'<progress value="{progress.done}" max="{progress.total}"></progress>'
    return f'<p role="status">{html.escape(words)}</p>{bar}'


def said(words: str) -> str:
    return f'<p role="status">{html.escape(words)}</p>'


def as_model(studio: Studio, name: str) -> Studio:
    """What was loaded becomes the chosen model; nothing where loading was stopped."""
    try:
        return with_model(studio, name) if name else studio
    except ValueError as refused:
        raise refusal(refused) from None


def halt(request: gr.Request) -> None:
    """Stop: loading sees at its next step that its turn is over."""
    Turn.take(request.session_hash, KIND)


def folded(name: str) -> gr.Accordion:
    """Out of the way, once a model is loaded: the line above says which."""
    return gr.Accordion(open=not name)


def kept_models() -> tuple[gr.Row, gr.Dropdown]:
    """What the Hub's cache holds, with sizes; nothing to see where that is nothing."""
    kept = [] if LIMITS.public else [(f"{n} · {in_bytes(size)}", n) for n, size in cached()]
    return gr.Row(visible=bool(kept)), gr.Dropdown(kept, value=None)


def removed(name: str | None) -> str:
    """Take a model out of the cache."""
    if LIMITS.public:
        raise refusal("Nothing is removed on a public Space.")
    if not name:
        raise refusal("Choose which one to remove.")
    try:
        freed = remove(name)
    except ValueError as refused:
        raise refusal(refused) from None
    return said(f"{name} is removed: {in_bytes(freed)} are free again.")

"""AYS Studio: lays out the panels, connects them, launches; nothing else."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")

import gradio as gr
import spaces  # noqa: F401 - before torch: a ZeroGPU Space replaces parts of it

from components import (
    about_panel,
    api,
    compare_panel,
    draft,
    jobs,
    learn_panel,
    library_panel,
    loading_panel,
    model_panel,
    operations_panel,
    optimize_panel,
    price_panel,
    rows_panel,
    schedule_panel,
    static,
    theme,
)
from components.comparison import warm
from components.limits import QUEUE_SIZE
from components.state import first_studio

TITLE = "AYS Studio"
RULE = "Same model, same noise, same number of steps: only the noise levels differ."
PRIVATE: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
EDIT: dict[str, Any] = {**PRIVATE, "trigger_mode": "always_last"}
COMPUTE: dict[str, Any] = {**PRIVATE, "concurrency_limit": 8, "concurrency_id": "compute"}


def build() -> gr.Blocks:
    first = first_studio()
    with gr.Blocks(title=TITLE, fill_width=True) as demo:
        studio = gr.State(first)
        gr.HTML(f"<h1>{TITLE}</h1><p>{RULE}</p>", elem_id="title", padding=False)
        with gr.Tabs() as tabs:
            with gr.Tab("Studio", id="studio"):
                coach = learn_panel.build_coach()
                model = model_panel.build(studio, first)
                loading = loading_panel.build()
                with gr.Row(elem_id="desk"):
                    with gr.Column(scale=5, min_width=340):
                        schedule = schedule_panel.build(studio, first, price_panel.build)
                        operations = operations_panel.build(studio, first)
                        optimize = optimize_panel.build(studio, first)
                    with gr.Column(scale=7, min_width=340):
                        rows = rows_panel.build(studio, first)
            with gr.Tab("Compare", id="compare") as tab:
                edited = compare_panel.build(studio, tab, tabs)
            with gr.Tab("Learn", id="learn"):
                set_up = learn_panel.build(studio, coach, tabs)
            with gr.Tab("Library", id="library") as tab:
                library = library_panel.build(studio, tab, tabs)
            with gr.Tab("About", id="about") as tab:
                about_panel.build(tab)
        api.build()
        saved = [*library.inputs, optimize.found, optimize.verdict]
        optimize.save.click(library_panel.save_result, saved, library.inputs, **PRIVATE)
        redraw_all = connect(demo, studio, model, schedule, operations, optimize, rows)
        loaded = loading_panel.connect(demo, studio, loading)
        for event in (loaded, edited, *set_up, *library.taken):
            redraw_all(event)
    return demo


def connect(
    demo: gr.Blocks,
    studio: gr.State,
    model: model_panel.ModelPanel,
    schedule: schedule_panel.SchedulePanel,
    operations: tuple[operations_panel.Action, ...],
    optimize: optimize_panel.OptimizePanel,
    rows: rows_panel.RowsPanel,
) -> Callable:
    """Every change makes a new Studio; the rows are then computed from it, and the newest wins.
    Returns what shows a Studio that an event of another tab made."""

    def recompute(event: Any) -> None:
        """After any change: the rows. Several may run: older ones see that their turn is over."""
        event.success(rows_panel.show, studio, rows.view, trigger_mode="multiple", **COMPUTE)

    def redraw(event: Any) -> None:
        """The curve and the table, after a change that they did not make."""
        outputs = [schedule.editor, schedule.table]
        event.success(schedule_panel.redrawn, studio, outputs, **PRIVATE)

    def refresh(event: Any) -> None:
        """After a change that neither the curve nor a control made: all of them at once."""
        redraw(event)
        event.success(schedule_panel.num_steps, studio, model.steps, **PRIVATE)
        recompute(event)

    def redraw_all(event: Any) -> None:
        """After a change that may be of anything: every control, the curve, the rows."""
        refresh(event)
        event.success(model_panel.how_it_is_sampled, studio, [model.solver, model.seed], **PRIVATE)
        model_panel.follow(studio, model, event)
        event.success(rows_panel.choices_of, studio, rows.choices, **PRIVATE)
        event.success(optimize_panel.cost, studio, optimize.cost, **PRIVATE)

    kept = gr.BrowserState(None, storage_key=draft.STORAGE_KEY, secret=draft.SECRET)
    redraw_all(demo.load(draft.restored, kept, studio, **PRIVATE))
    studio.change(draft.draft_of, studio, kept, **PRIVATE)

    controls = [model.model, model.condition, model.guidance, model.solver, model.steps, model.seed]
    changed = gr.on(
        [control.input for control in controls],
        model_panel.changed,
        [studio, *controls],
        [studio, model.condition, model.guidance],
        **EDIT,
    )
    changed.success(model_panel.capability, studio, model.line, **PRIVATE)
    redraw(changed)  # not the step count: one may be typing the next
    recompute(changed)
    recompute(model.said)
    recompute(model.dice.click(model_panel.new_seed, studio, [studio, model.seed], **PRIVATE))

    release = schedule.editor.release(
        schedule_panel.from_curve,
        [studio, schedule.editor],
        [studio, schedule.table, model.steps],
        **{**EDIT, "api_visibility": "public"},
        api_name="edit",
    )
    recompute(release)
    looking = [studio, schedule.editor]
    schedule.editor.input(rows_panel.glance, looking, rows.view, **{**EDIT, **COMPUTE})
    typed = schedule.table.input(
        schedule_panel.from_table, [studio, schedule.table], studio, **EDIT
    )
    refresh(typed)
    started = schedule.start.input(
        schedule_panel.from_start, [studio, schedule.start], studio, **EDIT
    )
    refresh(started)
    pasted = schedule.paste.click(
        schedule_panel.from_text,
        [studio, schedule.pasted],
        [studio, schedule.diagnosis, schedule.offers],
        **PRIVATE,
    )
    refresh(pasted)
    repaired = schedule.offers.input(
        schedule_panel.from_offer, [studio, schedule.pasted, schedule.offers], studio, **PRIVATE
    )
    refresh(repaired)

    for change in operations:
        refresh(change.button.click(change.act, [studio, *change.inputs], studio, **PRIVATE))

    for begun in (optimize.run.click, optimize.resumed.success):
        found = begun(
            optimize_panel.optimise,
            studio,
            [optimize.found, schedule.editor, optimize.view],
            **COMPUTE,
        )
        adopted = found.success(
            optimize_panel.adopted,
            [studio, optimize.found, optimize.into],
            [studio, rows.choices],
            **PRIVATE,
        )
        refresh(adopted)

    chosen = rows.choices.input(rows_panel.chosen, [studio, rows.choices], studio, **EDIT)
    recompute(chosen)
    refresh(rows.view.select(rows_panel.acted, studio, [studio, rows.choices], **PRIVATE))
    demo.unload(jobs.leave)
    return redraw_all


demo = build()

if __name__ == "__main__":
    demo.queue(max_size=QUEUE_SIZE).launch(
        theme=theme.THEME,
        css_paths=theme.CSS,
        app_kwargs=static.serving(),
        footer_links=["api", "settings"],
        run_history=False,
        show_error=True,
        prevent_thread_lock=True,
    )
    threading.Thread(target=warm, daemon=True).start()
    demo.block_thread()

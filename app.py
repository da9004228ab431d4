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
from components.events import COMPUTE, LAST, ORDERED, PRIVATE, SILENT
from components.field_words import quietly
from components.limits import QUEUE_SIZE
from components.resident import settle, warm
from components.state import first_studio

TITLE = "AYS Studio"
RULE = "Same model, same noise, same number of steps: only the noise levels differ."


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
        for fn in demo.fns.values():
            if studio in fn.outputs:
                fn.concurrency_limit, fn.concurrency_id = ORDERED.values()
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
    curve = [schedule.editor, schedule.table]

    def change(event: Any, act: Callable, inputs: list, outputs: list | None = None) -> Any:
        """What is done to the Studio is done to the curve that the page shows, and none is lost.
        Without other `outputs` the new curve comes with the answer."""
        act = schedule_panel.on_the_curve(act) if outputs else schedule_panel.drawn(act)
        outputs = [studio, *(outputs or curve)]
        inputs = [studio, schedule.editor, *inputs]
        return event(act, inputs, outputs, trigger_mode="multiple", **PRIVATE)

    def recompute(event: Any) -> None:
        """After any change: the rows. Several may run: older ones see that their turn is over."""
        event.success(rows_panel.show, studio, rows.view, trigger_mode="multiple", **COMPUTE)

    def recount(event: Any) -> None:
        """After a change that may be of the step count: that, and the rows."""
        event.success(schedule_panel.num_steps, studio, model.steps, **LAST)
        recompute(event)

    def refresh(event: Any, drawn: Callable = schedule_panel.redrawn) -> None:
        """After a change that neither the curve nor a control made: all of them at once."""
        event.success(drawn, studio, curve, **LAST, **ORDERED)
        recount(event)

    def redraw_all(event: Any, drawn: Callable = schedule_panel.redrawn) -> None:
        """After a change that may be of anything: every control, the curve, the rows."""
        refresh(event, drawn)
        event.success(model_panel.how_it_is_sampled, studio, [model.solver, model.seed], **PRIVATE)
        model_panel.follow(studio, model, event)
        event.success(rows_panel.choices_of, studio, rows.choices, **PRIVATE)
        how = [optimize.method, optimize.cost]
        event.success(optimize_panel.how_it_is_searched, studio, how, **PRIVATE)

    kept = draft.place()
    restored = demo.load(draft.restored, kept, studio, js=draft.RESTORED, **PRIVATE)
    redraw_all(restored, schedule_panel.opened)
    noted = studio.change(draft.draft_of, studio, kept, **PRIVATE)
    noted.success(None, kept, None, js=draft.KEPT, trigger_mode="always_last")

    for control, act in model_panel.acts(model):
        changed = change(control.input, act, [control])
        recompute(changed)  # and not the step count: one may be typing the next
        model_panel.follow_one(studio, model, control, changed)
    recompute(model.said)
    recompute(change(model.dice.click, model_panel.new_seed, [], [model.seed]))

    release = schedule.editor.release(
        schedule_panel.from_curve,
        [studio, schedule.editor],
        [studio, schedule.table, model.steps],
        **SILENT,
        trigger_mode="multiple",
        api_name="edit",
    )
    recompute(release)
    looking = [studio, schedule.editor]
    schedule.editor.input(rows_panel.glance, looking, rows.view, **{**LAST, **COMPUTE})
    read = [schedule.diagnosis, schedule.offers]
    offered = [schedule.pasted, schedule.offers]
    refresh(change(schedule.paste.click, schedule_panel.from_text, [schedule.pasted], read))
    refresh(change(schedule.offers.input, schedule_panel.from_offer, offered, read))
    recount(change(schedule.table.input, quietly(schedule_panel.from_table), [schedule.table]))
    recount(change(schedule.start.input, schedule_panel.from_start, [schedule.start]))
    for action in operations:
        recount(change(action.button.click, action.done, [*action.inputs]))

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

    recompute(change(rows.choices.input, rows_panel.chosen, [rows.choices]))
    taken = {"trigger_mode": "multiple", **PRIVATE}
    refresh(rows.view.select(rows_panel.acted, studio, [studio, rows.choices], **taken))
    demo.unload(jobs.leave)
    return redraw_all


settle()
demo = build()

if __name__ == "__main__":
    demo.queue(max_size=QUEUE_SIZE).launch(
        theme=theme.THEME,
        css_paths=theme.CSS,
        **static.serving(),
        footer_links=["api", "settings"],
        run_history=False,
        show_error=True,
        prevent_thread_lock=True,
    )
    threading.Thread(target=warm, daemon=True).start()
    demo.block_thread()

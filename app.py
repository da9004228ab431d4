"""AYS Studio: lays out the panels, connects them, launches; nothing else."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("GRADIO_ANALYTICS_CACHE_FREQUENCY", "1000")  # else all events, after each

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
from components.following import Following
from components.limits import QUEUE_SIZE
from components.resident import settle, warm
from components.state import first_studio

TITLE = "AYS Studio"
RULE = "Same model, same noise, same number of steps: only the noise levels differ."


def build() -> gr.Blocks:
    first = first_studio()
    with gr.Blocks(title=TITLE, fill_width=True) as demo:
        studio = gr.State(first)
        following = Following(studio)
        gr.HTML(f"<h1>{TITLE}</h1><p>{RULE}</p>", elem_id="title", padding=False)
        with gr.Tabs() as tabs:
            with gr.Tab("Studio", id="studio"):
                coach = learn_panel.build_coach()
                model = model_panel.build(studio, first, following)
                loading = loading_panel.build()
                with gr.Row(elem_id="desk"):
                    with gr.Column(scale=5, min_width=340):
                        schedule = schedule_panel.build(studio, first, following, price_panel.build)
                        operations = operations_panel.build(studio, first, following)
                        optimize = optimize_panel.build(studio, first, following)
                    with gr.Column(scale=7, min_width=340):
                        rows = rows_panel.build(studio, first, following)
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
        page = Page(studio, model, schedule, optimize, rows)
        connect(page, operations)
        loaded = loading_panel.connect(studio, loading)
        for event in (loaded, edited, *set_up, *library.taken):
            page.redraw_all(event)
        following.after(studio.change)
        following.first.after(opened(demo, page).success)
        demo.unload(jobs.leave)
        for fn in demo.fns.values():
            if studio in fn.outputs:
                fn.concurrency_limit, fn.concurrency_id = ORDERED.values()
    return demo


@dataclass(frozen=True)
class Page:
    """The Studio and its controls: what is to be shown after an event has made a new Studio."""

    studio: gr.State
    model: model_panel.ModelPanel
    schedule: schedule_panel.SchedulePanel
    optimize: optimize_panel.OptimizePanel
    rows: rows_panel.RowsPanel

    def change(
        self, event: Any, act: Callable, inputs: list, outputs: Any = (), said: Any = None
    ) -> Any:
        """What is done to the Studio is done to the curve that the page shows, and none is lost.
        Without other `outputs` the new curve comes with the answer; `said`: why `act` refuses."""
        drawn = schedule_panel.worded if said else schedule_panel.drawn
        act = schedule_panel.on_the_curve(act) if outputs else drawn(act)
        shown = outputs or ([self.schedule.editor, said] if said else self.schedule.curve)
        asked, made = [self.studio, self.schedule.editor, *inputs], [self.studio, *shown]
        return event(act, asked, made, trigger_mode="multiple", **PRIVATE)

    def recompute(self, event: Any) -> None:
        """After any change: the rows. Several may run: older ones see that their turn is over."""
        show = {"trigger_mode": "multiple", **COMPUTE}
        event.success(rows_panel.show, self.studio, self.rows.view, **show)

    def recount(self, event: Any) -> None:
        """After a change that may be of the step count: that, the table, and the rows."""
        counted = [self.model.steps, self.schedule.table]
        event.success(schedule_panel.counted, self.studio, counted, **LAST)
        self.recompute(event)

    def refresh(self, event: Any) -> None:
        """After a change that neither the curve nor a control made: all of them at once."""
        event.success(schedule_panel.redrawn, self.studio, self.schedule.editor, **LAST, **ORDERED)
        self.recount(event)

    def redraw_all(self, event: Any) -> None:
        """After a change of another tab: the curve, the rows and every control."""
        event.success(optimize_panel.left, None, None, queue=False, **PRIVATE)
        self.refresh(event)
        self.reset(event.success)

    def reset(self, after: Callable) -> None:
        """`after` a change that may be of anything: the controls that `refresh` leaves."""
        controls = Following(self.studio)
        controls.add(model_panel.how_it_is_sampled, [self.model.solver, self.model.seed])
        controls.add(model_panel.what_is_sampled, self.model.what)
        controls.add(optimize_panel.how_it_is_searched, self.optimize.method)
        controls.after(after)


def opened(demo: gr.Blocks, page: Page) -> Any:
    """What a page opens with: the first Studio, which is in it already, or a draft, which is then
    drawn. Returns the event."""
    event, other = draft.connect(demo, page.studio)
    page.recompute(event)
    page.schedule.priced(event.success)
    seen = [*page.schedule.curve, page.model.steps]
    page.reset(other.change(schedule_panel.opened, page.studio, seen, **LAST, **ORDERED).success)
    return event


def connect(page: Page, operations: tuple[operations_panel.Action, ...]) -> None:
    """Every change makes a new Studio; the rows are then computed from it, and the newest wins."""
    studio, model, schedule = page.studio, page.model, page.schedule
    optimize, rows, change = page.optimize, page.rows, page.change

    for control, act in model_panel.acts(model):
        changed = change(control.input, act, [control])
        page.recompute(changed)  # and not the step count: one may be typing the next
        model_panel.follow(studio, model, control, changed)
    page.recompute(model.said)
    page.recompute(change(model.dice.click, model_panel.new_seed, [], [model.seed]))

    looking, seen = [studio, schedule.editor], [studio, schedule.table, model.steps]
    told = {**SILENT, "trigger_mode": "multiple", "api_name": "edit"}
    page.recompute(schedule.editor.release(schedule_panel.from_curve, looking, seen, **told))
    schedule.editor.input(rows_panel.glance, looking, rows.view, **{**LAST, **COMPUTE})
    read = [schedule.diagnosis, schedule.offers]
    offered = [schedule.pasted, schedule.offers]
    page.refresh(change(schedule.paste.click, schedule_panel.from_text, [schedule.pasted], read))
    page.refresh(change(schedule.offers.input, schedule_panel.from_offer, offered, read))
    typed = {"inputs": [schedule.table], "said": schedule.table_said}
    page.recount(change(schedule.table.input, schedule_panel.from_table, **typed))
    page.recount(change(schedule.start.input, schedule_panel.from_start, [schedule.start]))
    for action in operations:
        page.recount(change(action.button.click, action.done, [*action.inputs], said=action.said))

    for adopted in optimize_panel.connect(optimize, studio, schedule.editor, rows.choices):
        page.refresh(adopted)

    page.recompute(change(rows.choices.input, rows_panel.chosen, [rows.choices]))
    taken = {"trigger_mode": "multiple", **PRIVATE}
    page.refresh(rows.view.select(rows_panel.acted, studio, [studio, rows.choices], **taken))


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

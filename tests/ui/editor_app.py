"""The page that the editor's browser tests and its benchmark drive.

`python -m tests.ui.editor_app PORT` serves it alone.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict

import gradio as gr
import numpy as np

from components import static, theme
from components.schedule_editor import OPENING, Edited, Pushed, ScheduleEditor

SIGMA_MIN, SIGMA_MAX = 0.03, 14.6
HOSTILE = "<img src=x onerror=alert(1)> ${1+1} {{value}}"
TABLE = np.exp(np.linspace(np.log(0.02), np.log(15), 1000))  # levels of a discrete model, ascending
TIMES = {"lam": np.log(TABLE).tolist(), "time": list(range(1000)), "discrete": True}
FLOW = {"lam": np.log(TABLE).tolist(), "time": (TABLE / (1 + TABLE)).tolist(), "discrete": False}
ORDERED = {"concurrency_id": "page", "concurrency_limit": 1}
QUIET = {"show_progress": "hidden", "api_visibility": "private", **ORDERED}
LATE = 1.2  # seconds that the slow answer takes


def karras(num_steps: int, rho: float = 7.0) -> list[float]:
    ends = np.linspace(SIGMA_MAX ** (1 / rho), SIGMA_MIN ** (1 / rho), num_steps + 1)
    return [float(sigma) for sigma in ends**rho]


def exponential(num_steps: int) -> list[float]:
    return [float(s) for s in np.geomspace(SIGMA_MAX, SIGMA_MIN, num_steps + 1)]


START = karras(10)
REFERENCES = [
    {
        "name": "Exponential",
        "sigmas": exponential(10),
        "color": "#56B4E9",
        "dash": "dash",
        "source": "even in ln sigma",
    },
    {
        "name": "Linear",
        "sigmas": np.linspace(SIGMA_MAX, SIGMA_MIN, 21).tolist(),
        "color": "#0072B2",
        "dash": "dot",
    },
    {"name": HOSTILE, "sigmas": karras(10, 3.0), "source": HOSTILE},
]
PUSHES = {
    "exponential": lambda: exponential(10),
    "longer": lambda: karras(20),
    "zero": lambda: [*karras(10), 0.0],
    "fifty": lambda: karras(50),
    "dense": lambda: karras(199),
    "outside": lambda: [700.0, *karras(10), 0.001],
    "unreferenced": lambda: ScheduleEditor(references=[]),
    "discrete": lambda: ScheduleEditor(times=json.dumps(TIMES)),
    "flow": lambda: ScheduleEditor(times=json.dumps(FLOW)),
    "bars": lambda: ScheduleEditor(bars=list(range(1, 11)), bars_label="Cost of each step"),
    "colder": lambda: ScheduleEditor([1.0, 0.5, 0.1], sigma_max=1.0),
    "opening": lambda: Pushed(tuple(exponential(5)), step=OPENING),
    "frozen": lambda: ScheduleEditor(interactive=False),
    "costed": lambda: ScheduleEditor(
        exponential(10), bars=list(range(10, 0, -1)), bars_label="Cost of each step"
    ),
}


def build() -> gr.Blocks:
    """One editor with everything around it; another in a hidden tab."""
    with gr.Blocks(title="editor") as demo, gr.Tabs():
        with gr.Tab("One"):
            with gr.Row():
                buttons = {name: gr.Button(name, elem_id=name, size="sm") for name in PUSHES}
                start = gr.Button("start", elem_id="start", size="sm")
                slow = gr.Checkbox(False, label="slow", elem_id="slow")
                refuse = gr.Button("refuse", elem_id="refuse", size="sm")
                stream = gr.Button("stream", elem_id="stream", size="sm")
                late = gr.Button("late", elem_id="late", size="sm")
            with gr.Column(elem_id="narrow"):
                one = ScheduleEditor(
                    START,
                    label="Yours",
                    references=REFERENCES,
                    sigma_min=SIGMA_MIN,
                    sigma_max=SIGMA_MAX,
                    max_levels=200,
                    elem_id="one",
                )
            saw = gr.Textbox("", elem_id="saw")
            count = gr.Number(0, elem_id="count")
            changes = gr.Number(0, elem_id="changes")
            for name, make in PUSHES.items():
                buttons[name].click(make, None, one, **QUIET)

            def started():
                """As at first; what Python saw is a mark that this was done."""
                plain = {"times": "", "bars": [], "interactive": True, "sigma_max": SIGMA_MAX}
                return ScheduleEditor(START, references=REFERENCES, **plain), 0, f"{time.time()}"

            start.click(started, None, [one, count, saw], **QUIET)

            def released(edited: Edited, number: int, late: bool, event: gr.EventData):
                if late:
                    time.sleep(LATE)
                return edited, json.dumps({**event._data, **asdict(edited)}), number + 1

            one.release(
                released,
                [one, count, slow],
                [one, saw, count],
                show_progress="hidden",
                trigger_mode="always_last",
                api_name="edit",
                **ORDERED,
            )
            one.change(lambda number: number + 1, changes, changes, **QUIET)

            def refused(edited: Edited):
                raise gr.Error("Refused, and nothing changes.", print_exception=False)

            refuse.click(refused, one, one, **QUIET)

            def streamed():
                for step in range(1, 11):
                    yield Pushed(tuple(karras(10, 7 + step)), step="search")
                    time.sleep(0.05)

            stream.click(streamed, None, one, **QUIET)

            def answered(edited: Edited):
                time.sleep(LATE)
                return Pushed(tuple(exponential(10)), seen=edited.seen)

            late.click(answered, one, one, **QUIET)
        with gr.Tab("Two"):
            two = ScheduleEditor(
                exponential(6), label="Two", height=220, live_ms=100, elem_id="two"
            )
            live = gr.Textbox("[]", elem_id="live")

            def lively(edited: Edited, seen: str) -> str:
                return json.dumps([*json.loads(seen), edited.sigmas])

            two.input(lively, [two, live], live, trigger_mode="always_last", **QUIET)
    return demo


def build_pair() -> gr.Blocks:
    """Two editors side by side, each with what Python saw of it."""
    with gr.Blocks(title="two editors") as demo, gr.Row():
        for name, levels in (("left", START), ("right", exponential(10))):
            with gr.Column():
                editor = ScheduleEditor(levels, label=name, elem_id=name)
                heard = gr.JSON(elem_id=f"{name}-saw")
                editor.release(lambda edited: list(edited.sigmas), editor, heard, **QUIET)
    return demo


if __name__ == "__main__":
    build().launch(
        server_port=int(sys.argv[1]),
        theme=theme.THEME,
        css_paths=theme.CSS,
        **static.serving(),
        run_history=False,
        quiet=True,
    )

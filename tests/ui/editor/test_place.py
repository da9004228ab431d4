"""An editor in its page: theme, size, tabs, visitors, addresses."""

from __future__ import annotations

import socket
import threading
import time

import fastapi
import gradio as gr
import uvicorn
from playwright.sync_api import Page, expect

from components import static, theme
from tests.ui import editor_app
from tests.ui.chromium import COUNT_PLOTS
from tests.ui.editor.hands import (
    EDITOR,
    drag,
    editor,
    handles,
    middle,
    only,
    plots,
    ready,
    saw,
    sigmas,
)
from tests.ui.editor_app import START


def test_theme_and_size_follow_without_drawing_anew(page: Page):
    tick = page.locator("#one .ytick text").first
    colours = [tick.evaluate("node => getComputedStyle(node).fill")]
    lines = [editor(page, "plot.data[1].line.color")]
    page.evaluate("document.body.classList.add('dark')")
    page.wait_for_function(f"{EDITOR.format('#one')}.plot.data[1].line.color !== '{lines[0]}'")
    colours.append(tick.evaluate("node => getComputedStyle(node).fill"))
    assert colours[0] != colours[1]
    for width in (700, 390, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_function(
            "() => Math.abs(document.querySelector('#one .main-svg').clientWidth"
            " - document.querySelector('#one .se-host').clientWidth) < 1"
        )
        last, box = middle(page, 10)[0], page.locator("#one .se-host").bounding_box()
        assert box and box["x"] + 0.7 * box["width"] < last < box["x"] + box["width"]
    assert plots(page) == 1


def test_a_figure_that_is_made_anew_is_counted(visit, address):
    page = ready(visit(address, script=COUNT_PLOTS))
    assert page.evaluate("plots") == 1
    again = "const e = [...ScheduleEditor.instances][0]; PlotlyTheme.Plotly.newPlot(e.plot, [], {})"
    page.evaluate(f"() => {{ {again} }}")
    page.wait_for_function("plots === 2")


def test_hidden_tabs_take_their_size_when_shown(page: Page):
    page.get_by_role("tab", name="Two").click()
    ready(page, "two")
    page.set_viewport_size({"width": 800, "height": 900})
    page.get_by_role("tab", name="One").click()
    page.wait_for_function(
        "() => Math.abs(document.querySelector('#one .main-svg').clientWidth"
        " - document.querySelector('#one .se-host').clientWidth) < 1"
    )
    drag(page, 5, -8)
    assert only(saw(page, 1)["sigmas"], START, 5)


def test_sessions_are_independent_and_a_reload_starts_afresh(visit, address):
    pages = [ready(visit(address)) for _ in range(2)]
    for i, one in enumerate(pages):
        drag(one, 3 + i, -10)
    seen = [saw(one, 1)["sigmas"] for one in pages]
    assert [only(levels, START, 3 + i) for i, levels in enumerate(seen)] == [True, True]
    pages[0].reload()
    assert sigmas(ready(pages[0])) == START
    drag(pages[0], 5, -10)
    assert only(saw(pages[0], 1)["sigmas"], START, 5)


def test_two_editors_on_one_page_and_two_visitors_know_nothing_of_each_other(visit, serve):
    address = serve(editor_app.build_pair())
    here, there = (ready(visit(address, script=COUNT_PLOTS), "left") for _ in range(2))
    right = sigmas(here, "right")
    drag(here, 4, -10, "left")
    expect(here.locator("#left-saw")).to_contain_text(str(sigmas(here, "left")[4]))
    expect(here.locator("#right-saw")).not_to_contain_text("14.6")
    assert only(sigmas(here, "left"), START, 4) and sigmas(here, "right") == right
    handles(here, "right").nth(3).focus()
    here.keyboard.press("Control+z")  # there is nothing to undo in this one
    here.keyboard.press("ArrowUp")
    expect(here.locator("#right-saw")).to_contain_text("14.6")
    assert only(sigmas(here, "left"), START, 4) and only(sigmas(here, "right"), right, 3)
    assert (sigmas(there, "left"), sigmas(there, "right")) == (START, right)
    assert plots(here) == 1


def test_one_plotly_and_no_way_to_share(page: Page):
    page.get_by_role("tab", name="Two").click()
    ready(page, "two")
    scripts = page.evaluate("[...document.scripts].map((script) => script.src)")
    assert sum("plotly.min.js" in script for script in scripts) == 1
    assert page.locator(".modebar-btn").count() == 0
    version = page.evaluate("PlotlyTheme.Plotly.version")
    assert version.split(".")[0] >= "3"


def test_it_works_below_another_address(visit):
    """As behind a proxy that serves several things."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    app = fastapi.FastAPI()
    kwargs = {**static.serving(), "theme": theme.THEME}
    gr.mount_gradio_app(app, editor_app.build(), path="/lab", **kwargs)
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error", ws="none"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        while not server.started:
            time.sleep(0.05)
        page = ready(visit(f"http://127.0.0.1:{port}/lab"))
        sources = page.evaluate("[...document.scripts].map((script) => script.src)")
        own = [source for source in sources if "studio-static" in source]
        assert own and all(f":{port}/lab/studio-static/" in source for source in own)
        drag(page, 4, -10)
        saw(page, 1)
    finally:
        server.should_exit = True
        thread.join(10)


def test_an_unmounted_editor_lets_go(visit, address):
    page = ready(visit(address))
    assert page.evaluate("ScheduleEditor.instances.size") == 1
    page.evaluate("document.querySelector('#one').remove()")
    page.wait_for_function("ScheduleEditor.instances.size === 0")

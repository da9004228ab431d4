"""Read-only figures in a real browser: patched in place, in the page's colours, never shared."""

from __future__ import annotations

from collections.abc import Iterator

import gradio as gr
import plotly.graph_objects as go
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from components.plotly_view import PlotlyView
from tests.ui.conftest import watch

BLUE = "#0072B2"
VIEW = "[...PlotlyView.instances][0]"
EMPTY, SUMMARY = "Nothing measured yet.", "The error falls from 3 to 1."


def figure(*errors: float) -> dict:
    trace = {"type": "scatter", "x": [4, 6, 8], "y": list(errors), "line": {"color": BLUE}}
    titles = {"xaxis": {"title": {"text": "calls"}}, "yaxis": {"title": {"text": "error"}}}
    return {"data": [trace], "layout": titles}


FIGURES = {
    "first": lambda: figure(3, 2, 1),
    "second": lambda: figure(6, 4, 2),
    "panels": lambda: go.Figure(
        [go.Bar(y=[1, 2]), go.Scatter(y=[2, 1], xaxis="x2", yaxis="y2")],
        {"grid": {"rows": 1, "columns": 2, "pattern": "independent"}},
    ),
    "nothing": lambda: None,
}


def build() -> gr.Blocks:
    with gr.Blocks() as demo, gr.Tabs():
        with gr.Tab("Other"):
            gr.Markdown("Somewhere else")
        with gr.Tab("Figure"):
            view = PlotlyView(
                label="Errors", empty=EMPTY, summary=SUMMARY, height=200, elem_id="view"
            )
            for name, make in FIGURES.items():
                gr.Button(name, elem_id=name).click(make, None, view, show_progress="hidden")
    return demo


@pytest.fixture(scope="module")
def page(chromium: Browser, serve) -> Iterator[Page]:
    context = chromium.new_context(viewport={"width": 900, "height": 600})
    page, problems = context.new_page(), []
    watch(page, problems)
    page.goto(serve(build()))
    page.get_by_role("tab", name="Figure").click()
    page.wait_for_function(f"window.PlotlyView && {VIEW}")
    yield page
    context.close()
    assert problems == []


def draw(page: Page, name: str) -> None:
    page.get_by_role("tab", name="Figure").click()
    page.click(f"#{name}")


def test_it_says_that_there_is_nothing_yet(page: Page):
    draw(page, "nothing")
    expect(page.get_by_text(EMPTY)).to_be_visible()
    expect(page.locator("#view .pv-root")).not_to_have_attribute("role", "img")


def test_figures_replace_each_other_in_place(page: Page):
    draw(page, "first")
    image = page.get_by_role("img", name=SUMMARY)
    expect(image).to_be_visible()
    expect(page.get_by_text(EMPTY)).to_have_count(0)
    expect(image.locator(".xtitle")).to_have_text("calls")
    image.locator(".main-svg").first.evaluate("node => { node.kept = true; }")
    draw(page, "second")
    page.wait_for_function(f"{VIEW}.plot.data[0].y[0] === 6")
    assert image.locator(".main-svg").first.evaluate("node => node.kept")
    assert page.evaluate(f"{VIEW}.newPlots") == 1
    assert page.locator(".modebar-btn").count() == 0
    draw(page, "nothing")
    expect(page.get_by_text(EMPTY)).to_be_visible()
    expect(image).to_have_count(0)


def test_what_came_while_its_tab_was_hidden_is_drawn_when_it_is_shown(page: Page):
    draw(page, "first")
    page.wait_for_function(f"{VIEW}.plot.data[0].y[0] === 3")
    page.get_by_role("tab", name="Other").click()
    expect(page.get_by_text("Somewhere else")).to_be_visible()
    page.locator("#second").dispatch_event("click")
    page.wait_for_function(f"{VIEW}.props.value.data[0].y[0] === 6")
    page.get_by_role("tab", name="Figure").click()
    page.wait_for_function(f"{VIEW}.plot.data[0].y[0] === 6")


def test_every_panel_is_in_the_colours_of_the_page(page: Page):
    draw(page, "panels")
    expect(page.locator("#view .subplot")).to_have_count(2)
    ticks = page.locator("#view :is(.xtick, .x2tick, .ytick, .y2tick) text")
    colour = "nodes => [...new Set(nodes.map((node) => getComputedStyle(node).fill))]"
    light = ticks.evaluate_all(colour)
    page.evaluate("document.body.classList.add('dark')")
    expect(ticks.first).not_to_have_css("fill", light[0])
    dark = ticks.evaluate_all(colour)
    assert len(light) == len(dark) == 1 and light != dark
    draw(page, "first")
    line = page.locator("#view .scatterlayer .js-line")
    expect(line).to_have_count(1)
    expect(line).not_to_have_css("stroke", "rgb(0, 114, 178)")  # too dark on a dark page
    page.evaluate("document.body.classList.remove('dark')")
    expect(line).to_have_css("stroke", "rgb(0, 114, 178)")
    assert page.evaluate(f"{VIEW}.newPlots") <= 2


def test_it_takes_its_size_from_the_page_also_after_it_was_hidden(page: Page):
    draw(page, "first")
    fits = """() => {
        const [root, svg] = document.querySelectorAll('#view :is(.pv-root, .main-svg:first-child)');
        return Math.abs(svg.clientWidth - root.clientWidth) < 1 && svg.clientHeight === 200;
    }"""
    page.wait_for_function(fits)
    page.get_by_role("tab", name="Other").click()
    page.set_viewport_size({"width": 500, "height": 600})
    page.get_by_role("tab", name="Figure").click()
    page.wait_for_function(fits)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(page: Page, scheme: str):
    page.evaluate("dark => document.body.classList.toggle('dark', dark)", scheme == "dark")
    for name in ("nothing", "first"):
        draw(page, name)
        page.wait_for_timeout(200)
        found = Axe().run(page, context="#view").response["violations"]
        assert [each["id"] for each in found if each["impact"] in ("serious", "critical")] == []


def test_an_unmounted_figure_lets_go(page: Page):
    page.evaluate("document.querySelector('#view').remove()")
    page.wait_for_function("PlotlyView.instances.size === 0")

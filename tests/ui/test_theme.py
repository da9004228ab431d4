"""The theme, measured in the browser: readable in light and dark, nothing from other hosts."""

from __future__ import annotations

import gradio as gr
import pytest

from tests.ui.conftest import PHONE

# Contrast (WCAG 2) of every visible text that can be used, lowest first.
CONTRASTS = """() => {
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const rgba = (color) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((v) => v / 255)
      .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const over = ([r, g, b, a], below) => {
    const mixed = [r, g, b].map((v, i) => (v * a + below[i] * (255 - a)) / 255);
    return [...mixed, 255];
  };
  const ground = (node) => {
    if (!node) return [255, 255, 255, 255];
    const own = rgba(getComputedStyle(node).backgroundColor);
    return own[3] === 255 ? own : over(own, ground(node.parentElement));
  };
  const found = [];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const fields = [...document.querySelectorAll('input[type=number], input[role=combobox]')];
  const nodes = fields.map((field) => [field, field.value]);
  while (texts.nextNode()) nodes.push([texts.currentNode.parentElement, texts.currentNode.data]);
  for (const [node, text] of nodes) {
    if (!text.trim() || !node.checkVisibility({ opacityProperty: true })) continue;
    if (node.closest('script, style, :disabled, [aria-hidden=true]')) continue;
    const below = ground(node);
    const [a, b] = [light(over(rgba(getComputedStyle(node).color), below)), light(below)];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    found.push([ratio, text.trim().slice(0, 40), node.className.toString().slice(0, 40)]);
  }
  return found.sort((one, two) => one[0] - two[0]);
}"""


def build() -> gr.Blocks:
    with gr.Blocks() as demo:
        gr.HTML("<h1>Studio</h1><p>Only the noise levels differ.</p>", elem_id="title")
        with gr.Tabs():
            with gr.Tab("Studio"):
                with gr.Row(elem_classes="control-bar"):
                    gr.Dropdown(
                        ["Scenes", "Spiral"], value="Scenes", label="Model", interactive=True
                    )
                    gr.Slider(1, 8, 2, label="Guidance", interactive=True)
                    gr.Number(6, label="Steps", interactive=True)
                with gr.Row(elem_id="desk"):
                    with gr.Column():
                        gr.Slider(
                            20, 400, 100, label="Levels", info="of the teacher", interactive=True
                        )
                        gr.Radio(["one", "two"], value="one", label="Kind", interactive=True)
                        gr.Checkbox(True, label="One for all", interactive=True)
                        gr.Dataframe([[1, 14.6]], headers=["step", "sigma"])
                        with gr.Row():
                            gr.Button("Optimise", variant="primary")
                            gr.Button("Stop", variant="stop")
                            gr.Button("Copy", size="sm")
                    with gr.Column():
                        gr.Markdown("### Finding\n\nSee [the paper](https://example.org). `sigma`")
                        with gr.Accordion("More"):
                            gr.Textbox("14.6, 0.03", label="Paste", interactive=True)
            with gr.Tab("About"):
                gr.Markdown("About")
    return demo


@pytest.fixture(scope="module")
def address(serve) -> str:
    return serve(build())


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_is_readable(visit, address, scheme):
    page = visit(f"{address}?__theme={scheme}")
    page.get_by_role("button", name="Optimise").wait_for()
    measured = page.evaluate(CONTRASTS)
    assert len(measured) > 20
    poor = [line for line in measured if line[0] < 4.5]
    assert poor == []


def test_no_request_leaves_the_machine(visit, address):
    page = visit("about:blank")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address)
    page.get_by_role("button", name="Optimise").wait_for()
    page.wait_for_load_state("networkidle")
    outside = [url for url in asked if not url.startswith((address, "data:", "blob:"))]
    assert len(asked) > 5 and outside == []


def test_phone_has_no_horizontal_page_scrolling(visit, address):
    page = visit(address, viewport=PHONE)
    page.get_by_role("button", name="Optimise").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]

"""No answer is lost, however late the word comes that a stream of answers ends."""

from __future__ import annotations

import gradio as gr
import pytest
from playwright.sync_api import expect

from components.events import PRIVATE

# What a slow line does: the last message of a stream is long on its way, and so is its end.
LATE = """
const ask = window.fetch, later = (ms) => new Promise((done) => setTimeout(done, ms));
window.broken = 0;
window.fetch = async (...request) => {
  const reply = await ask(...request);
  if (!/queue.data/.test(request[0].url ?? request[0])) return reply;
  let ended = false;
  request[0].signal.addEventListener("abort", () => { if (!ended) window.broken++; });
  const slowly = new TransformStream({
    async transform(part, out) {
      const text = new TextDecoder().decode(part);
      const end = text.indexOf('data: {"msg":"close_stream"');
      if (end < 0) return out.enqueue(part);
      out.enqueue(new TextEncoder().encode(text.slice(0, end)));
      await later(500);
      out.enqueue(new TextEncoder().encode(text.slice(end)));
    },
    async flush() {
      await later(200);
      ended = true;
    },
  });
  return new Response(reply.body.pipeThrough(slowly), { headers: reply.headers });
};
"""


@pytest.fixture(scope="module")
def address(serve) -> str:
    with gr.Blocks() as demo:
        count = gr.Number(0, label="count")
        gr.Button("one more").click(lambda count: count + 1, count, count, **PRIVATE)
    return serve(demo)


def test_what_is_asked_while_a_stream_ends_is_answered(visit, address):
    page = visit(address, LATE)
    for count in range(1, 9):
        page.get_by_role("button", name="one more").click()
        expect(page.get_by_label("count")).to_have_value(str(count))


def test_a_stream_ends_where_all_is_answered(visit, address):
    """And is not broken off before: the server would drop what is asked at that moment."""
    page = visit(address, LATE)
    page.get_by_role("button", name="one more").click()
    expect(page.get_by_label("count")).to_have_value("1")
    page.wait_for_timeout(1500)
    with page.expect_response("**/queue/data**"):  # a new one
        page.get_by_role("button", name="one more").click()
    expect(page.get_by_label("count")).to_have_value("2")
    page.wait_for_timeout(1500)
    assert page.evaluate("window.broken") == 0

"""One page for most of the editor's tests; each finds it as it was first shown."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.ui import editor_app
from tests.ui.chromium import COUNT_PLOTS
from tests.ui.conftest import DESKTOP, watch
from tests.ui.editor.hands import (
    EDITOR,
    SAW,
    axis,
    push,
    ready,
)
from tests.ui.editor_app import START


@pytest.fixture(scope="session")
def address(serve) -> str:
    return serve(editor_app.build())


@pytest.fixture(scope="session")
def shared(chromium: Browser, address: str) -> Iterator[tuple[Page, list[str]]]:
    context = chromium.new_context(viewport=DESKTOP)
    context.add_init_script(COUNT_PLOTS)
    page, problems = context.new_page(), []
    watch(page, problems)
    page.goto(address)
    ready(page)
    yield page, problems
    context.close()


@pytest.fixture
def page(shared) -> Iterator[Page]:
    page, problems = shared
    problems.clear()
    page.mouse.up()  # in case that the last test failed with a level in its hand
    page.mouse.move(1, 1)
    page.set_viewport_size(DESKTOP)
    page.emulate_media(forced_colors="none")
    page.evaluate("document.body.classList.remove('dark'); document.activeElement.blur()")
    page.get_by_role("tab", name="One").click()
    axis(page).select_option("sigma")
    page.get_by_label("Horizontal axis").first.select_option("step")
    mark = page.locator(SAW).input_value()
    push(page, "start")
    expect(page.locator(SAW)).not_to_have_value(mark)
    page.wait_for_function(f"`${{{EDITOR.format('#one')}.sigmas}}` === `${{{START}}}`")
    yield page
    assert problems == []

"""Browser tests: one Chromium, small pages served by this process, no error in the console.

page = visit(serve(demo), viewport={"width": 390, "height": 844})
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import gradio as gr
import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, sync_playwright

from components import static, theme
from tests.ui.chromium import launch

ROOT = Path(__file__).parents[2]
DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test of this folder drives a browser. They come first: a file is one worker's, and no
    worker should begin with a long one when all others have nothing left to do."""
    for item in items:
        if "tests/ui" in item.path.as_posix():
            item.add_marker(pytest.mark.ui)
    items.sort(key=lambda item: item.get_closest_marker("ui") is None)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = launch(playwright)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def serve() -> Iterator[Callable[[gr.Blocks], str]]:
    """Serves a page as the app does (theme, styles, static files); returns its address."""
    running: list[gr.Blocks] = []

    def start(demo: gr.Blocks) -> str:
        running.append(demo)
        _, address, _ = demo.queue().launch(
            theme=theme.THEME,
            css_paths=theme.CSS,
            **static.serving(),
            server_port=free_port(),  # Gradio's own search meets that of another process
            prevent_thread_lock=True,
            run_history=False,
            quiet=True,
        )
        return address

    yield start
    for demo in running:
        demo.close()


@pytest.fixture(scope="session")
def studio_url(tmp_path_factory) -> Iterator[str]:
    """The app itself, as `python app.py` serves it, on a free port, with an empty library."""
    port = free_port()
    environment = {
        **os.environ,
        "GRADIO_SERVER_PORT": str(port),
        "AYS_HOME": str(tmp_path_factory.mktemp("home")),
        "GRADIO_ANALYTICS_ENABLED": "False",
    }
    app = subprocess.Popen([sys.executable, "app.py"], cwd=ROOT, env=environment)
    address = f"http://127.0.0.1:{port}/"
    try:
        for _ in range(600):
            assert app.poll() is None, "the app ended before it served a page"
            with contextlib.suppress(OSError), urllib.request.urlopen(address, timeout=5):
                break
            time.sleep(0.1)
        yield address
    finally:
        app.terminate()
        app.wait(20)


# Another visitor in a page that was used before: nothing is stored, until the first reload.
AFRESH = """if (window.name !== "visited") {
  try { localStorage.clear(); sessionStorage.clear(); } catch { /* about:blank has none */ }
  window.name = "visited";
}
"""


class Visitors:
    """Pages for tests, one visitor each. They are used again: a page that knows the scripts opens
    in half the time of a new one."""

    def __init__(self, chromium: Browser) -> None:
        self.chromium = chromium
        self.free: dict[str, list[tuple[Page, list[str]]]] = {}

    def take(self, script: str, options: dict[str, Any]) -> tuple[Page, list[str]]:
        """A page, and where its problems will be; `watch` says what these are."""
        free = self.free.setdefault(repr((script, options)), [])
        if free:
            return free.pop()
        page, problems = self.chromium.new_context(**options).new_page(), []
        page.add_init_script(AFRESH + script)
        watch(page, problems)
        return page, problems

    def give_back(
        self, script: str, options: dict[str, Any], page: Page, problems: list[str]
    ) -> None:
        for other in page.context.pages[1:]:
            other.close()
        page.unroute_all()
        page.mouse.up()
        page.set_viewport_size(options["viewport"])
        page.goto("about:blank")
        page.evaluate("window.name = ''")
        problems.clear()
        self.free[repr((script, options))].append((page, problems))


@pytest.fixture(scope="session")
def visitors(chromium: Browser) -> Visitors:
    return Visitors(chromium)


@pytest.fixture
def visit(visitors: Visitors) -> Iterator[Callable[..., Page]]:
    """Opens an address, each time as another visitor, `script` first."""
    with visits(visitors) as open_page:
        yield open_page


@contextlib.contextmanager
def visits(visitors: Visitors) -> Iterator[Callable[..., Page]]:
    """The same, for a fixture that is wider than a test."""
    taken = []

    def open_page(address: str, script: str = "", **options) -> Page:
        options = {"viewport": DESKTOP, **options}
        page, problems = visitors.take(script, options)
        taken.append((script, options, page, problems))
        page.goto(address)
        return page

    yield open_page
    found = [problem for *_, problems in taken for problem in problems]
    for each in taken:  # a page that is left while it is being answered is no problem
        visitors.give_back(*each)
    assert found == []


@pytest.fixture(scope="module")
def visitor(request, visitors: Visitors, studio_url: str) -> Iterator[Page]:
    """One page of the app for many tests of a module, brought where its `opened` leads."""
    with visits(visitors) as open_page:
        yield request.module.opened(open_page(studio_url))


LEFT = (
    "AbortError",
    "Unexpected error Connection errored out",
    "Unexpected error 404: Not Found",
)


def watch(page: Page, problems: list[str]) -> None:
    """Collects what a page must never do: fail, log an error, ask another machine for anything."""

    def asked(request: Request) -> None:
        if urlsplit(request.url).hostname not in (None, "127.0.0.1", "localhost"):
            problems.append(f"asks another machine: {request.url}")

    def logged(message: ConsoleMessage) -> None:
        where = message.location["url"]
        # A page that is left aborts what it was asking for, and Gradio's own script reports that.
        # The answers to it end then, too.
        left = message.text.startswith(LEFT) and "/assets/index-" in where
        left = left or "/queue/data?" in where
        if message.type == "error" and "favicon" not in where and not left:
            problems.append(f"{message.text} ({where})")

    page.on("request", asked)
    page.on("console", logged)
    page.on("pageerror", lambda error: problems.append(str(error)))

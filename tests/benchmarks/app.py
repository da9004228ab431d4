"""What a visitor waits for: the server, the first row, the whole first comparison; and memory."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

from tests.ui.chromium import launch

ROOT = Path(__file__).parents[2]
SHOWN = "() => document.querySelector('#rows .pic-row[data-state=done]')"
FINISHED = """() => {
  const rows = [...document.querySelectorAll('#rows .pic-row')];
  const list = document.querySelector('#rows .pic-rows');
  return rows.length > 1 && list.getAttribute('aria-busy') === 'false'
    && rows.every((row) => ['done', 'failed'].includes(row.dataset.state));
}"""
RAN = """calls => [...document.querySelectorAll('#rows .pic-row')].slice(1)
  .every((row) => row.innerText.includes(calls))"""  # all but the reference
PATIENCE = 120_000  # ms


@contextmanager
def served() -> Iterator[tuple[str, subprocess.Popen[bytes], float]]:
    """The app in a process of its own: its address, the process, seconds to the first answer."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, "GRADIO_SERVER_PORT": str(port)}
    address, began = f"http://127.0.0.1:{port}/", time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "app.py"], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL
    )
    try:
        while True:
            try:
                urllib.request.urlopen(address, timeout=60).close()
                break
            except urllib.error.URLError:
                if process.poll() is not None:
                    raise RuntimeError("app.py ended before it answered") from None
                time.sleep(0.02)
        yield address, process, time.perf_counter() - began
    finally:
        process.terminate()
        process.wait()


def peak_gigabytes(process: subprocess.Popen[bytes]) -> float:
    """The most memory the process ever held, where the system tells."""
    status = Path(f"/proc/{process.pid}/status")
    found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text() if status.exists() else "")
    return int(found[1]) / 2**20 if found else float("nan")


def opened(page: Page, address: str) -> tuple[float, float]:
    """Seconds from opening the page to the first row, and to the whole comparison."""
    began = time.perf_counter()
    page.goto(address)
    page.wait_for_function(SHOWN, timeout=PATIENCE)  # each frame: a locator looks twice a second
    first = time.perf_counter() - began
    page.wait_for_function(FINISHED, timeout=PATIENCE)
    return first, time.perf_counter() - began


def optimized(page: Page) -> float:
    """Seconds from pressing Optimize until its result is compared. It starts from karras: what
    the page opens with is what this search finds."""
    yours = page.locator("#rows .pic-name", has_text="Yours")
    page.locator("#start input").click()
    page.get_by_role("option", name="Karras", exact=True).click()
    expect(yours).to_have_text("Yours: Karras", timeout=PATIENCE)
    page.wait_for_function(FINISHED, timeout=PATIENCE)
    began = time.perf_counter()
    page.locator("#optimize").click()
    expect(yours).to_have_text("Yours: Optimal stepsize (OSS)", timeout=PATIENCE)
    page.wait_for_function(FINISHED, timeout=PATIENCE)
    return time.perf_counter() - began


def with_steps(page: Page, steps: int) -> float:
    """Seconds from another step count to all rows, a range searched among them."""
    began = time.perf_counter()
    field = page.locator("#steps input").first
    field.fill(str(steps))
    field.press("Enter")
    page.wait_for_function(RAN, arg=f"{steps} calls", timeout=PATIENCE)
    page.wait_for_function(FINISHED, timeout=PATIENCE)
    return time.perf_counter() - began


def line(what: str, value: float, target: str, unit: str = "s") -> None:
    print(f"  {what:<44}{value:7.2f} {unit:<4} target {target}")


if __name__ == "__main__":
    with sync_playwright() as playwright:
        browser = launch(playwright)
        with served() as (address, process, seconds):
            line("python app.py to the first answer", seconds, "6 s")
            time.sleep(10)  # what the server prepares in the background
            page = browser.new_page()
            first, whole = opened(page, address)
            line("page open to the first row", first, "2 s")
            line("page open to the whole comparison", whole, "5 s")
            again = opened(browser.new_page(), address)
            line("a second visitor, to the whole comparison", again[1], "5 s")
            line("8 steps, to all rows, a range searched", with_steps(page, 8), "none")
            line("10 steps, to all rows, another searched", with_steps(page, 10), "none")
            with_steps(page, 6)
            line("Optimize to its row", optimized(page), "60 s")
            line("peak memory after that", peak_gigabytes(process), "2 GiB", "GiB")
        browser.close()

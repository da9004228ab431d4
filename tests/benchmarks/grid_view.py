"""What a frame of Compare's grid costs: 36 cells that zoom, move and flicker.

Drives the views' own test page in headless Chromium (no GPU), its server a process of its own.
"""

from __future__ import annotations

import os

from playwright.sync_api import Page, sync_playwright

from tests.benchmarks.editor import line, served
from tests.ui.chromium import launch
from tests.ui.conftest import DESKTOP

EVENTS = 60
TARGET = (33, 50)  # ms a frame: median, 95th percentile

# Time between two frames as long as anything moves.
WATCH = """() => {
  window.frames_ = [];
  let last = 0;
  const frame = (now) => {
    if (last) frames_.push(now - last);
    last = now;
    window.watching = requestAnimationFrame(frame);
  };
  window.watching = requestAnimationFrame(frame);
}"""
STOP = "() => { cancelAnimationFrame(watching); return frames_; }"


def zooming(page: Page, kind: str, view: str) -> None:
    cell = page.locator(f"#{view} [data-cell='1-1'] .gv-window")
    box = cell.bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.keyboard.down("Control")
    page.evaluate(WATCH)
    for k in range(EVENTS):
        page.mouse.wheel(0, -40 if k % 30 < 20 else 60)
    line(f"{kind}: zoomed by the wheel", page.evaluate(STOP), TARGET)
    page.keyboard.up("Control")
    page.mouse.wheel(0, -400)
    page.mouse.down()
    page.evaluate(WATCH)
    for k in range(EVENTS):
        page.mouse.move(x + 30 * (k % 2) + k % 7, y + k % 20)
    line(f"{kind}: dragged", page.evaluate(STOP), TARGET)
    page.mouse.up()


def flickering(page: Page, kind: str, view: str) -> None:
    page.keyboard.press("0")
    page.locator(f"#{view} [data-cell='1-1'] .gv-window").click()
    page.keyboard.press("f")
    page.evaluate(WATCH)
    for _ in range(EVENTS):
        page.keyboard.press("f")
    line(f"{kind}: flickered by key", page.evaluate(STOP), TARGET)


def main() -> None:
    with served("tests.ui.views_app") as address, sync_playwright() as playwright:
        browser = launch(playwright)
        load = os.getloadavg()[0]
        print(f"load average {load:.1f}; ms a frame, median and 95th percentile", flush=True)
        for kind, view, tab in (("pictures", "one", "Pictures"), ("1,000 points", "two", "Points")):
            page = browser.new_page(viewport={**DESKTOP, "height": 1700})
            page.goto(address)
            page.get_by_role("tab", name=tab).click()
            page.wait_for_selector(f"#{view} .gv-cell[data-state=done]")
            page.wait_for_timeout(500)
            zooming(page, kind, view)
            flickering(page, kind, view)
            page.close()
        browser.close()


if __name__ == "__main__":
    main()

"""What a comparison costs: a grid in the page, and a cloud that follows a dragged level."""

from __future__ import annotations

import time

from playwright.sync_api import Page, expect, sync_playwright

from ays_core.schedules import SCHEDULES
from tests.benchmarks.app import FINISHED, PATIENCE, line, served
from tests.ui.chromium import launch

SEEDS, STEPS, RELEASES = 4, 8, 9
ALL_DONE = """() => {
  const cells = [...document.querySelectorAll('#grid-view .gv-cell')];
  return cells.length && cells.every((cell) => ['done', 'failed'].includes(cell.dataset.state));
}"""
FIRST_DONE = """before => {
  const grid = document.querySelector('#grid-view .gv-grid');
  return grid.dataset.run > before && grid.querySelector('[data-state=done] .gv-inner');
}"""
# Milliseconds from the release of the pointer to the first change of what the edited row says.
RELEASED = """() => new Promise((done) => {
  const said = document.querySelector('#rows .pic-row[data-row=yours] .pic-error b');
  addEventListener('pointerup', () => {
    const began = performance.now();
    const seen = new MutationObserver(() => {
      seen.disconnect();
      requestAnimationFrame(() => done(performance.now() - began));
    });
    seen.observe(said, { childList: true, characterData: true, subtree: true });
  }, { once: true, capture: true });
})"""


def grid(page: Page) -> tuple[float, float, int]:
    """Seconds from Compare to the first picture and to all of them, and how many there are."""
    page.get_by_role("tab", name="Compare", exact=True).click()
    page.wait_for_function(ALL_DONE, timeout=PATIENCE)  # what it compares at once
    page.get_by_role("tab", name="Studio", exact=True).click()
    page.locator("#seed input").fill("31000")  # nothing of these noises was computed before
    page.locator("#seed input").press("Tab")
    page.wait_for_function(FINISHED, timeout=PATIENCE)
    page.get_by_role("tab", name="Compare", exact=True).click()
    expect(page.locator("#grid-about")).to_contain_text("31000", timeout=PATIENCE)
    page.wait_for_timeout(1000)  # the menus, too
    chosen = page.locator("#grid-schedules")
    expect(chosen.locator(".token").first).to_be_visible(timeout=PATIENCE)
    for left in reversed(range(1, chosen.locator(".token").count())):
        chosen.locator(".token").last.locator(".token-remove").click()
        expect(chosen.locator(".token")).to_have_count(left)
    closed = [entry.label for entry in SCHEDULES.values() if entry.kind == "formula"]
    for label in closed[:5]:  # beside the edited curve
        chosen.locator("input").click()
        chosen.get_by_role("option", name=label, exact=True).click()
        chosen.locator("input").blur()
    page.locator("#grid-steps .token-remove").first.click()
    page.locator("#grid-steps input").click()
    page.locator("#grid-steps").get_by_role("option", name=str(STEPS), exact=True).click()
    page.locator("#grid-steps input").blur()
    before = int(page.locator("#grid-view .gv-grid").get_attribute("data-run") or 0)
    began = time.perf_counter()
    page.locator("#grid-run").click()
    page.wait_for_function(FIRST_DONE, arg=before, timeout=PATIENCE)
    first = time.perf_counter() - began
    page.wait_for_function(ALL_DONE, timeout=PATIENCE)
    return first, time.perf_counter() - began, page.locator("#grid-view .gv-cell .gv-inner").count()


def cloud(page: Page) -> list[float]:
    """Milliseconds from releasing a dragged level to the new cloud, several times."""
    page.locator("#model input").click()
    page.get_by_role("option", name="Ring of 8 Gaussians", exact=True).click()
    page.locator("#steps input").fill("10")
    page.locator("#steps input").press("Tab")
    expect(page.locator("#editor .se-handle")).to_have_count(11, timeout=PATIENCE)
    page.wait_for_function(FINISHED, timeout=PATIENCE)
    times = []
    for k in range(RELEASES):
        box = page.locator("#editor .se-handle").nth(4).locator(".se-reach").bounding_box()
        assert box is not None
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x, y + (2 if k % 2 else -2), steps=2)
        page.wait_for_timeout(500)  # its cloud was drawn while it was held
        page.evaluate(f"() => {{ window.waited = ({RELEASED})(); }}")
        page.mouse.move(x, y + (8 if k % 2 else -8))
        page.mouse.up()
        times.append(page.evaluate("window.waited"))
        page.wait_for_function(FINISHED, timeout=PATIENCE)
    return sorted(times)


if __name__ == "__main__":
    with sync_playwright() as playwright:
        browser = launch(playwright)
        with served() as (address, _, _):
            time.sleep(10)  # what the server prepares in the background
            page = browser.new_page()
            page.goto(address)
            page.wait_for_function(FINISHED, timeout=PATIENCE)
            first, whole, pictures = grid(page)
            what = f"6 schedules x {SEEDS} seeds, {STEPS} steps, {pictures} pictures"
            line("Compare to the first picture", first, "1 s")
            line(what, whole, "6 s")
            page.get_by_role("tab", name="Studio", exact=True).click()
            times = cloud(page)
            line(
                "2,000 points, 10 calls: release to cloud, median",
                times[len(times) // 2],
                "400 ms",
                "ms",
            )
            line("the slowest of them", times[-1], "400 ms", "ms")
        browser.close()

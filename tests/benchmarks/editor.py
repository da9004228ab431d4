"""What the curve editor costs: a moving level, an edit on its way through Python, a page.

Drives the editor's own test page in headless Chromium, its server a process of its own.
"""

from __future__ import annotations

import contextlib
import os
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence

from playwright.sync_api import Browser, Page, sync_playwright

from tests.ui.chromium import launch
from tests.ui.conftest import DESKTOP

SIZES = {10: "start", 50: "fifty", 200: "dense"}  # steps: the button that pushes such a schedule
MOVES, RELEASES, VISITS, EDITS = 60, 15, 5, 1000
EDITOR = "[...ScheduleEditor.instances][0]"
READY = "#one .se-root[data-ready]"

# Time from an event's own stamp to the second frame after it: the first one has been painted then.
WATCH = """() => {
  window.painted = [];
  document.querySelector('#one .se-handles').addEventListener('pointermove', (event) => {
    const stamp = event.timeStamp;
    requestAnimationFrame(() => requestAnimationFrame((now) => painted.push(now - stamp)));
  });
}"""
# Time from a release to the last of Python's outputs in the page.
ANSWERED = """() => new Promise((done) => {
  const { trigger } = EDITOR, saw = document.querySelector('#saw textarea'), before = saw.value;
  EDITOR.trigger = (...event) => { window.released = performance.now(); trigger(...event); };
  const look = () => {
    if (window.released && saw.value !== before) {
      EDITOR.trigger = trigger;
      done(performance.now() - window.released);
      window.released = 0;
    } else setTimeout(look, 4);
  };
  look();
})""".replace("EDITOR", EDITOR)


@contextlib.contextmanager
def served() -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "tests.ui.editor_app", str(port)]
    quiet = {**os.environ, "GRADIO_ANALYTICS_ENABLED": "False"}
    server = subprocess.Popen(command, env=quiet)
    address = f"http://127.0.0.1:{port}/"
    try:
        while server.poll() is None:
            with contextlib.suppress(OSError), urllib.request.urlopen(address, timeout=5):
                break
            time.sleep(0.1)
        yield address
    finally:
        server.terminate()
        server.wait(20)


def line(what: str, times: Sequence[float], targets: tuple[float, float], unit: str = "ms") -> None:
    """Median and 95th percentile beside what they should be."""
    median, p95 = statistics.median(times), statistics.quantiles(times, n=20)[-1]
    kept = median <= targets[0] and p95 <= targets[1]
    print(
        f"{what:44} {median:7.1f} {p95:7.1f} {unit}   target {targets[0]:g} / {targets[1]:g}"
        f"   {'within' if kept else 'ABOVE'}",
        flush=True,
    )


def first(what: str, value: float, target: float, unit: str) -> None:
    verdict = "within" if value <= target else "ABOVE"
    print(f"{what:44} {value:7.2f} {unit:11}   target {target:g}   {verdict}", flush=True)


def grab(page: Page, i: int) -> tuple[float, float]:
    box = page.locator("#one .se-handle").nth(i).locator(".se-dot").bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    return x, y


def moving(page: Page) -> None:
    page.evaluate(WATCH)
    for steps, button in SIZES.items():
        page.locator(f"#{button}").dispatch_event("click")
        page.wait_for_function(f"{EDITOR}.levels.steps === {steps - (steps == 200)}")
        page.wait_for_timeout(500)
        x, y = grab(page, steps // 2)
        page.evaluate("painted.length = 0")
        for k in range(MOVES):
            page.mouse.move(x, y + 12 * (1 if k % 2 else -1) + k % 5)
            page.wait_for_timeout(20)
        page.keyboard.press("Escape")
        page.mouse.up()
        line(f"pointer moved, painted, {steps} steps", page.evaluate("painted"), (33, 50))


def answering(page: Page) -> None:
    page.locator("#start").dispatch_event("click")
    page.wait_for_function(f"{EDITOR}.levels.steps === 10")
    page.wait_for_timeout(500)
    times = []
    for k in range(RELEASES + 1):
        answer = page.evaluate_handle(f"() => {{ window.answer = ({ANSWERED})(); }}")
        x, y = grab(page, 5)
        page.mouse.move(x, y + (8 if k % 2 else -8))
        page.mouse.up()
        times.append(page.evaluate("() => window.answer"))
        answer.dispose()
        page.wait_for_timeout(100)
    line("released, answered by Python, shown", times[1:], (200, 400))


def visiting(browser: Browser, address: str) -> None:
    cold, again, sent, resent = [], [], [], []
    for _ in range(VISITS):
        context = browser.new_context(viewport=DESKTOP)
        page = context.new_page()
        session = context.new_cdp_session(page)
        session.send("Network.enable")
        received = [0.0]
        session.on(
            "Network.loadingFinished",
            lambda event, received=received: received.append(event["encodedDataLength"]),
        )
        for seconds, amount in ((cold, sent), (again, resent)):
            received[:] = [0.0]
            began = time.perf_counter()
            page.goto(address, wait_until="commit")
            page.wait_for_selector(READY)
            seconds.append(time.perf_counter() - began)
            page.wait_for_load_state("networkidle")
            amount.append(sum(received))
        context.close()
    first("cold page, editor usable", statistics.median(cold), 3.0, "s")
    first("reload, editor usable", statistics.median(again), 1.2, "s")
    first("cold page, transferred", statistics.median(sent) / 1e6, 1.9, "MB")
    first("reload, transferred", statistics.median(resent) / 1e3, 60, "kB")


def lasting(page: Page) -> None:
    """Edits by keyboard, each one released and answered."""
    session = page.context.new_cdp_session(page)

    def heap() -> float:
        for _ in range(3):
            session.send("HeapProfiler.collectGarbage")
        return session.send("Runtime.getHeapUsage")["usedSize"] / 1e6

    edit = f"""async (count) => {{
      const pause = () => new Promise((done) => setTimeout(done, 20));
      for (let k = 0; k < count; k++) {{
        const editor = {EDITOR}, before = editor.sigmas.slice();
        editor.levels.set(5, before[5] * (k % 2 ? 1.02 : 1 / 1.02));
        editor.settle(before, "key", 5);
        await pause();
      }}
    }}"""
    page.evaluate(edit, 250)  # the 200 undo steps are full, and every cache is warm
    page.wait_for_timeout(1500)
    before = heap()
    page.evaluate(edit, EDITS)
    page.wait_for_timeout(1500)
    first(f"heap after {EDITS:,} more edits, growth", heap() - before, 5, "MB")
    first("newPlot calls in all of this", page.evaluate(f"{EDITOR}.stats.newPlots"), 1, "")


def main() -> None:
    with served() as address, sync_playwright() as playwright:
        browser = launch(playwright)
        print(f"load average {os.getloadavg()[0]:.1f}; median and 95th percentile", flush=True)
        visiting(browser, address)
        page = browser.new_page(viewport=DESKTOP)
        page.goto(address)
        page.wait_for_selector(READY)
        moving(page)
        answering(page)
        lasting(page)
        browser.close()


if __name__ == "__main__":
    main()

"""What the curve editor costs: a moving level, an edit on its way through Python, a page.

Drives the editor's own test page in headless Chromium, its server a process of its own; then the
app, for the points that follow a moving level and for what its page transfers.
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

from playwright.sync_api import Browser, Page, TimeoutError, sync_playwright

from tests.benchmarks import app
from tests.ui.chromium import COUNT_PLOTS, launch
from tests.ui.conftest import DESKTOP

SIZES = {10: "start", 50: "fifty", 200: "dense"}  # steps: the button that pushes such a schedule
MOVES, RELEASES, VISITS, EDITS = 60, 15, 5, 1000
EDITOR = "[...ScheduleEditor.instances][0]"
POINTS, HELD = "Ring of 8 Gaussians", 5  # a model in the plane; seconds that a level is moved
READY = "#one .se-root[data-ready]"

# Counts new points in the edited schedule's row.
DRAWN = """() => {
  const view = [...Pictures.instances][0], patch = view.patch.bind(view);
  let last = view.rows.get('yours').decoded;
  window.drawn = 0;
  view.patch = () => {
    patch();
    const now = view.rows.get('yours').decoded;
    if (now !== last) drawn++;
    last = now;
  };
}"""
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
def served(module: str = "tests.ui.editor_app") -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", module, str(port)]
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


def grab(page: Page, i: int, editor: str = "#one") -> tuple[float, float]:
    box = page.locator(f"{editor} .se-handle").nth(i).locator(".se-dot").bounding_box()
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


def visiting(browser: Browser, address: str, usable: str = READY) -> None:
    """A first visit and a reload, without the rows that Python streams afterwards."""
    cold, again, sent, resent = [], [], [], []
    for _ in range(VISITS):
        context = browser.new_context(viewport=DESKTOP)
        page = context.new_page()
        session = context.new_cdp_session(page)
        session.send("Network.enable")
        streams, received = set(), [0.0]

        def asked(event: dict, streams: set[str] = streams) -> None:
            if "queue/data" in event["request"]["url"]:
                streams.add(event["requestId"])

        def came(event: dict, streams: set[str] = streams, got: list[float] = received) -> None:
            if event["requestId"] not in streams:
                got.append(event["encodedDataLength"])

        session.on("Network.requestWillBeSent", asked)
        session.on("Network.loadingFinished", came)
        for seconds, amount in ((cold, sent), (again, resent)):
            received[:] = [0.0]
            began = time.perf_counter()
            page.goto(address, wait_until="commit")
            page.wait_for_selector(usable)
            seconds.append(time.perf_counter() - began)
            with contextlib.suppress(TimeoutError):  # the app's own stream never ends
                page.wait_for_load_state("networkidle", timeout=5000)
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
    first("figures made in all of this", page.evaluate("plots"), 1, "")


def following(page: Page) -> None:
    """How often the points are drawn anew while a level moves, in the app."""
    page.wait_for_function(app.FINISHED, timeout=app.PATIENCE)
    page.locator("#model input").click()
    page.get_by_role("option", name=POINTS, exact=True).click()
    page.locator("#rows canvas").first.wait_for()
    page.wait_for_timeout(1000)
    page.wait_for_function(app.FINISHED, timeout=app.PATIENCE)
    page.evaluate(DRAWN)
    x, y = grab(page, 3, "#editor")
    began = time.perf_counter()
    for k in range(10_000):
        page.mouse.move(x, y - 20 + k % 40)
        page.wait_for_timeout(16)
        if time.perf_counter() - began > HELD:
            break
    rate = page.evaluate("drawn") / HELD
    page.keyboard.press("Escape")
    page.mouse.up()
    verdict = "within" if rate >= 5 else "BELOW"
    print(f"{'points redrawn while a level moves':44} {rate:7.1f} a second    target 5   {verdict}")


def main() -> None:
    with served() as address, sync_playwright() as playwright:
        browser = launch(playwright)
        print(f"load average {os.getloadavg()[0]:.1f}; median and 95th percentile", flush=True)
        visiting(browser, address)
        page = browser.new_page(viewport=DESKTOP)
        page.add_init_script(COUNT_PLOTS)
        page.goto(address)
        page.wait_for_selector(READY)
        moving(page)
        answering(page)
        lasting(page)
        browser.close()
    with app.served() as (address, _, _), sync_playwright() as playwright:
        browser = launch(playwright)
        print("the app", flush=True)
        page = browser.new_page(viewport=DESKTOP)
        page.goto(address)
        following(page)
        page.close()
        visiting(browser, address, "#editor .se-root[data-ready]")
        browser.close()


if __name__ == "__main__":
    main()

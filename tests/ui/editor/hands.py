"""What the editor's browser tests see of an editor and do to it."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

from playwright.sync_api import Locator, Page, expect

from tests.ui.editor_app import START

RATIO = 1.0001  # the least that neighbours differ by
SILENCE = 500  # ms after which an event that was coming would have come
SAW, LIVE = "#saw textarea", "#live textarea"
BETWEEN = f"{START[6] * RATIO:.4g} to {START[4] / RATIO:.4g}"  # where level 5 may stand
EDITOR = "[...ScheduleEditor.instances].find((editor) => editor.element.closest('{}'))"


def ready(page: Page, name: str = "one") -> Page:
    page.wait_for_selector(f"#{name} .se-root[data-ready]", timeout=30_000)
    return page


def push(page: Page, name: str) -> None:
    page.locator(f"#{name}").dispatch_event("click")


def editor(page: Page, what: str, name: str = "one") -> Any:
    return page.evaluate(f"{EDITOR.format('#' + name)}.{what}")


def sigmas(page: Page, name: str = "one") -> list[float]:
    return editor(page, "sigmas", name)


def handles(page: Page, name: str = "one") -> Locator:
    return page.locator(f"#{name} .se-handle")


def tool(page: Page, name: str, of: str = "one") -> Locator:
    return page.locator(f"#{of} [data-cmd={name}]")


def axis(page: Page, name: str = "one") -> Locator:
    return page.locator(f"#{name}").get_by_label("Vertical axis")


def tip(page: Page, name: str = "one") -> Locator:
    return page.locator(f"#{name} .se-tip")


def said(page: Page) -> Locator:
    return page.locator("#one .se-said")


def saw(page: Page, count: int) -> dict[str, Any]:
    """What Python saw last, after `count` events."""
    expect(page.locator("#count input")).to_have_value(str(count))
    return json.loads(page.locator(SAW).input_value())


def silent(page: Page, count: int = 0) -> None:
    """No more than `count` events have reached Python."""
    page.wait_for_timeout(SILENCE)
    expect(page.locator("#count input")).to_have_value(str(count))


def middle(page: Page, i: int, name: str = "one") -> tuple[float, float]:
    box = handles(page, name).nth(i).locator(".se-reach").bounding_box()
    assert box
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def plots(page: Page) -> float:
    """Figures made so far, for each editor that has been shown."""
    shown = page.locator(".se-root[data-ready]").count()
    return page.evaluate("plots") / shown


def only(after: list[float], before: list[float], i: int) -> bool:
    """Nothing but level i differs."""
    return [k for k, (a, b) in enumerate(zip(after, before, strict=True)) if a != b] == [i]


def decreasing(levels: list[float]) -> bool:
    return all(a > b for a, b in pairwise(levels))


def hold(page: Page, i: int, dy: float, name: str = "one", moves: int = 6) -> None:
    """Takes level i and moves it by `dy`, without letting go."""
    page.locator(f"#{name} .se-host").scroll_into_view_if_needed()
    x, y = middle(page, i, name)
    page.mouse.move(x, y)
    page.mouse.down()
    for k in range(1, moves + 1):
        page.mouse.move(x, y + dy * k / moves)


def drag(page: Page, i: int, dy: float, name: str = "one", moves: int = 6) -> None:
    hold(page, i, dy, name, moves)
    page.mouse.up()


class Finger:
    """One finger on a touch screen."""

    def __init__(self, page: Page) -> None:
        self.session = page.context.new_cdp_session(page)

    def _send(self, kind: str, points: list[dict[str, float]]) -> None:
        self.session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    def swipe(self, x: float, y: float, dy: float, moves: int = 10, lift: bool = True) -> None:
        self._send("touchStart", [{"x": x, "y": y}])
        for k in range(1, moves + 1):
            self._send("touchMove", [{"x": x, "y": y + dy * k / moves}])
        if lift:
            self._send("touchEnd", [])

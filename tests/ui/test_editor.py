"""The curve editor in a real browser: mouse, touch and keys, what Python sees and what it sends.

Most tests share one page, which every test finds as it was first shown.
"""

from __future__ import annotations

import json
import math
import socket
import threading
import time
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import fastapi
import gradio as gr
import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, expect

from components import static, theme
from tests.ui import editor_app
from tests.ui.chromium import COUNT_PLOTS
from tests.ui.conftest import DESKTOP, PHONE, watch
from tests.ui.editor_app import HOSTILE, SIGMA_MAX, SIGMA_MIN, START, exponential, karras

RATIO = 1.0001  # the least that neighbours differ by
SILENCE = 500  # ms after which an event that was coming would have come
SAW, LIVE = "#saw textarea", "#live textarea"
BETWEEN = f"{START[6] * RATIO:.4g} to {START[4] / RATIO:.4g}"  # where level 5 may stand
EDITOR = "[...ScheduleEditor.instances].find((editor) => editor.element.closest('{}'))"


@pytest.fixture(scope="module")
def address(serve) -> str:
    return serve(editor_app.build())


@pytest.fixture(scope="module")
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


# ------------------------------------------------------------------------------------ reading


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


# ------------------------------------------------------------------------------------- moving


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


# -------------------------------------------------------------------------------------- mouse


def test_a_dragged_level_reaches_python_once_and_on_release(page: Page):
    hold(page, 4, -12)
    silent(page)
    moved = sigmas(page)
    assert moved[4] > START[4] and only(moved, START, 4) and decreasing(moved)
    page.mouse.up()
    seen = saw(page, 1)
    assert seen["sigmas"] == moved and (seen["kind"], seen["level"]) == ("drag", 4)
    silent(page, 1)  # the answer loops back to the editor and no further


@pytest.mark.parametrize("dy", [-400, 400])
def test_a_level_stays_between_its_neighbours(page: Page, dy: int):
    drag(page, 4, dy)
    levels = saw(page, 1)["sigmas"]
    assert decreasing(levels) and only(levels, START, 4)
    neighbour = START[3] / RATIO if dy < 0 else START[5] * RATIO
    assert levels[4] == pytest.approx(neighbour, rel=1e-5)


def test_a_click_changes_nothing(page: Page):
    drag(page, 4, 2)
    silent(page)
    assert sigmas(page) == START


def test_a_level_brought_back_to_its_place_is_the_same_number(page: Page):
    hold(page, 4, -12)
    x, y = middle(page, 4)
    page.mouse.move(x, y + 12)
    page.mouse.up()
    silent(page)
    assert sigmas(page) == START


def test_shift_moves_ten_times_finer(page: Page):
    drag(page, 4, -15)
    coarse = math.log(saw(page, 1)["sigmas"][4] / START[4])
    tool(page, "undo").click()
    page.keyboard.down("Shift")
    drag(page, 4, -15, moves=15)
    page.keyboard.up("Shift")
    fine = math.log(saw(page, 3)["sigmas"][4] / START[4])
    assert fine == pytest.approx(coarse / 10, rel=0.3)


def test_the_value_is_shown_while_dragging(page: Page):
    hold(page, 5, -10)
    expect(tip(page)).to_have_text(f"level 5 · σ {sigmas(page)[5]:.4g}")
    box, (_, y) = tip(page).bounding_box(), middle(page, 5)
    assert box and box["y"] + box["height"] < y  # above the hand
    for line in (".se-rail", ".se-guide"):
        expect(page.locator(f"#one {line}")).to_have_css("display", "inline")
    page.mouse.up()
    page.mouse.move(1, 1)
    page.evaluate("document.activeElement.blur()")
    expect(tip(page)).to_be_hidden()
    expect(page.locator("#one .se-rail")).to_have_css("display", "none")


def test_escape_takes_a_drag_back(page: Page):
    hold(page, 5, -15)
    assert sigmas(page) != START
    page.keyboard.press("Escape")
    page.mouse.up()
    assert sigmas(page) == START
    silent(page)


def test_locked_ends_stay_until_they_are_unlocked(page: Page):
    for end in (0, 10):
        drag(page, end, 30 if end == 0 else -30)
        expect(said(page)).to_have_text(f"Level {end} is locked")
    silent(page)
    assert sigmas(page) == START
    expect(tool(page, "lock")).to_have_attribute("aria-pressed", "true")
    tool(page, "lock").click()
    drag(page, 0, 10)
    drag(page, 10, -15)
    levels = saw(page, 2)["sigmas"]
    assert levels[0] < START[0] and levels[10] > START[10] and decreasing(levels)
    drag(page, 0, -300)
    assert saw(page, 3)["sigmas"][0] == pytest.approx(SIGMA_MAX)  # the model's range
    tool(page, "lock").click()
    expect(handles(page).first).to_have_attribute("aria-disabled", "true")


def test_a_final_zero_stands_locked_on_the_floor(page: Page):
    push(page, "zero")
    expect(handles(page)).to_have_count(12)
    floor = editor(page, "view.bottom") + page.locator("#one .se-host").bounding_box()["y"]  # type: ignore[index]
    assert middle(page, 11)[1] == pytest.approx(floor, abs=1)
    expect(page.locator("#one .se-zero")).to_be_visible()
    assert editor(page, "view.end") < editor(page, "view.bottom") - 20  # the scale ends above it
    for name in ("lock", "help"):
        tool(page, name).click()  # unlocked: the 0 still is
    drag(page, 11, -40)
    expect(said(page)).to_have_text("Level 11 is locked")
    for name in ("lock", "help"):
        tool(page, name).click()
    drag(page, 10, -300)
    levels = saw(page, 1)["sigmas"]
    assert levels[-1] == 0 and levels[10] == pytest.approx(levels[9] / RATIO, rel=1e-5)


def test_dense_levels_the_nearest_is_taken(page: Page):
    push(page, "dense")
    expect(handles(page)).to_have_count(200)
    before = sigmas(page)
    drag(page, 120, -6)
    assert only(saw(page, 1)["sigmas"], before, 120)


def test_live_updates_are_throttled_and_end_where_the_level_is(page: Page):
    page.get_by_role("tab", name="Two").click()
    ready(page, "two")
    first = sigmas(page, "one")
    began = time.monotonic()
    hold(page, 3, -30, "two", moves=40)
    page.wait_for_timeout(700)
    live = json.loads(page.locator(LIVE).input_value())
    assert 1 <= len(live) <= 10 * (time.monotonic() - began) + 1  # every 100 ms
    assert live[-1] == sigmas(page, "two")
    assert editor(page, "rev", "two") == 0  # not released yet
    page.keyboard.press("Escape")
    page.mouse.up()
    page.wait_for_function(
        f"start => JSON.parse(document.querySelector('{LIVE}').value).at(-1)[3] === start",
        arg=sigmas(page, "two")[3],
    )
    assert sigmas(page, "two") == pytest.approx(exponential(6))
    assert sigmas(page, "one") == first  # two editors on a page know nothing of each other


# -------------------------------------------------------------------------------------- touch


def test_a_finger_moves_a_level_and_not_the_page(visit, address):
    page = ready(visit(address, viewport=PHONE, has_touch=True, is_mobile=True))
    host = page.locator("#one .se-host")
    host.scroll_into_view_if_needed()
    scrolled = page.evaluate("scrollY")
    finger, (x, y) = Finger(page), middle(page, 5)
    finger.swipe(x + 12, y, -60, lift=False)  # a finger is not precise
    expect(tip(page)).to_be_visible()
    finger._send("touchEnd", [])
    levels = saw(page, 1)["sigmas"]
    assert levels[5] == pytest.approx(START[4] / RATIO, rel=1e-5) and only(levels, START, 5)
    assert page.evaluate("scrollY") == scrolled
    box = host.bounding_box()
    assert box
    finger.swipe(box["x"] + box["width"] * 0.6, box["y"] + 40, -120)
    page.wait_for_function("before => scrollY !== before", arg=scrolled)
    assert sigmas(page) == levels  # a swipe beside the curve scrolls


def test_a_phone_has_no_horizontal_scrolling_and_targets_of_32_px(visit, address):
    page = ready(visit(address, viewport=PHONE, has_touch=True, is_mobile=True))
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    targets = page.locator("#one :is(.se-reach, .se-button, .se-choice select)")
    for box in targets.evaluate_all("nodes => nodes.map((node) => node.getBoundingClientRect())"):
        assert box["width"] >= 32 and box["height"] >= 32
    tools = page.locator("#one .se-tools").bounding_box()
    assert tools and tools["height"] < 40  # one line


# ------------------------------------------------------------------------------------- keyboard


def test_levels_are_one_tab_stop_and_arrows_move_between_them(page: Page):
    assert page.locator("#one .se-handle[tabindex='0']").count() == 1
    tool(page, "help").focus()
    page.keyboard.press("Tab")
    expect(page.locator("#one .se-handle:focus")).to_have_attribute("role", "slider")
    for key, level in {"Home": 0, "ArrowRight": 1, "End": 10, "ArrowLeft": 9}.items():
        page.keyboard.press(key)
        expect(handles(page).nth(level)).to_be_focused()
    assert page.locator("#one .se-handle[tabindex='0']").count() == 1
    page.keyboard.press("Tab")
    expect(page.locator("#one").get_by_label("Horizontal axis")).to_be_focused()


def test_tools_are_one_tab_stop(page: Page):
    axis(page).focus()
    page.keyboard.press("ArrowRight")
    expect(tool(page, "undo")).to_be_focused()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    expect(tool(page, "help")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#one .se-keys")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.locator("#one .se-keys")).to_be_hidden()
    page.keyboard.press("Shift+Tab")
    assert page.evaluate("!document.activeElement.closest('.se-tools')")
    expect(axis(page)).to_have_value("sigma")  # arrows have not chosen another axis


@pytest.mark.parametrize(
    ("key", "factor"),
    [
        ("ArrowUp", 1.01),
        ("ArrowDown", 1 / 1.01),
        ("Shift+ArrowUp", 1.001),
        ("Shift+ArrowDown", 1 / 1.001),
        ("PageUp", 1.1),
        ("PageDown", 1 / 1.1),
    ],
)
def test_keys_move_a_level(page: Page, key: str, factor: float):
    handles(page).nth(4).focus()
    for _ in range(3):
        page.keyboard.press(key)
    levels = saw(page, 1)["sigmas"]  # a burst of keys is one event
    assert levels[4] == pytest.approx(START[4] * factor**3, rel=1e-5)
    assert only(levels, START, 4)
    page.keyboard.press("Control+z")
    assert sigmas(page) == START  # and one undo step


def test_keys_stop_at_the_neighbour_and_say_so(page: Page):
    handles(page).nth(4).focus()
    for _ in range(8):
        page.keyboard.press("PageUp")
    expect(said(page)).to_have_text(f"At its limit: it must stay below level 3 ({START[3]:.4g})")
    assert decreasing(saw(page, 1)["sigmas"])


def test_escape_takes_a_burst_of_keys_back(page: Page):
    handles(page).nth(4).focus()
    page.keyboard.press("PageUp")
    page.keyboard.press("Escape")
    assert sigmas(page) == START
    silent(page)


def test_enter_types_a_value(page: Page):
    handles(page).nth(5).focus()
    page.keyboard.press("Enter")
    page.keyboard.type("1,25")
    page.keyboard.press("Enter")
    assert saw(page, 1)["sigmas"][5] == 1.25
    expect(handles(page).nth(5)).to_be_focused()


def test_a_double_click_types_a_value_and_escape_leaves_it(page: Page):
    page.mouse.dblclick(*middle(page, 5))
    field = page.locator("#one .se-field input")
    expect(field).to_be_focused()
    page.keyboard.type("1.25")
    page.keyboard.press("Escape")
    expect(field).to_have_count(0)
    assert sigmas(page) == START
    silent(page)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("abc", f'"abc" is no number: type a number from {BETWEEN}'),
        ("0x10", f'"0x10" is no number: type a number from {BETWEEN}'),
        ("", f"Type a number from {BETWEEN}"),
        ("-1", f"-1 is too low: it must stay above level 6 ({START[6]:.4g})"),
        ("0", f"0 is too low: it must stay above level 6 ({START[6]:.4g})"),
        ("14", f"14 is too high: it must stay below level 4 ({START[4]:.4g})"),
        ("0.1", f"0.1 is too low: it must stay above level 6 ({START[6]:.4g})"),
    ],
)
def test_an_impossible_value_is_refused_in_words_at_the_field(page: Page, text: str, words: str):
    handles(page).nth(5).focus()
    page.keyboard.press("Enter")
    field = page.locator("#one .se-field input")
    field.fill(text)
    expect(page.locator("#one .se-refusal")).to_have_text(words)
    expect(field).to_have_attribute("aria-invalid", "true")
    page.keyboard.press("Enter")
    expect(field).to_be_focused()  # stays open
    axis(page).focus()
    expect(field).to_have_count(0)
    assert sigmas(page) == START
    silent(page)


def test_an_end_beyond_the_model_is_refused_in_words(page: Page):
    tool(page, "lock").click()
    handles(page).first.focus()
    page.keyboard.press("Enter")
    page.locator("#one .se-field input").fill("20")
    expect(page.locator("#one .se-refusal")).to_have_text(
        "20 is too high: at most 14.6, the model's largest"
    )
    page.keyboard.press("Escape")
    tool(page, "lock").click()


def test_a_click_or_a_tab_away_from_the_field_goes_where_it_goes(page: Page):
    before = page.locator("#one").get_by_label("Horizontal axis")
    for leave in (before.focus, lambda: page.keyboard.press("Tab")):
        handles(page).nth(5).focus()
        page.keyboard.press("Enter")
        page.locator("#one .se-field input").fill("1.3")
        leave()
        expect(page.locator("#one .se-field input")).to_have_count(0)
        assert sigmas(page)[5] == 1.3
        assert page.evaluate("!document.activeElement.closest('.se-handle[data-level=\"5\"]')")
    expect(before).to_be_focused()


def test_a_field_that_is_left_as_it_was_changes_nothing(page: Page):
    handles(page).nth(5).focus()
    page.keyboard.press("Enter")
    expect(page.locator("#one .se-field input")).to_have_value(f"{START[5]:.6g}")
    page.keyboard.press("Enter")
    assert sigmas(page) == START
    silent(page)


def test_fewer_levels_keep_the_focus_on_one(page: Page):
    handles(page).nth(9).focus()
    page.keyboard.press("Insert")
    page.keyboard.press("End")
    expect(handles(page).nth(11)).to_be_focused()
    page.keyboard.press("Control+z")
    expect(handles(page).nth(10)).to_be_focused()


def test_levels_are_added_down_to_the_model_s_smallest_and_no_further(page: Page):
    push(page, "zero")
    expect(handles(page)).to_have_count(12)
    handles(page).nth(10).focus()
    page.keyboard.press("Insert")  # START ends at the smallest
    expect(said(page)).to_have_text("No room for another level below level 10")
    page.keyboard.press("Delete")
    for _ in range(6):
        page.keyboard.press("End")
        page.keyboard.press("Insert")
    levels = sigmas(page)
    assert decreasing(levels) and levels[-2:] == [SIGMA_MIN, 0]


def test_levels_are_added_and_removed(page: Page):
    handles(page).nth(4).focus()
    page.keyboard.press("Insert")
    levels = saw(page, 1)["sigmas"]
    assert len(levels) == 12 and levels[5] == pytest.approx((START[4] * START[5]) ** 0.5, rel=1e-5)
    expect(handles(page).nth(5)).to_be_focused()
    expect(said(page)).to_have_text("11 steps")
    page.keyboard.press("Delete")
    assert saw(page, 2)["sigmas"] == START
    tool(page, "remove").click()
    assert len(saw(page, 3)["sigmas"]) == 10
    expect(handles(page)).to_have_count(10)
    tool(page, "insert").click()
    assert len(saw(page, 4)["sigmas"]) == 11


def test_undo_and_redo(page: Page):
    undo, redo = tool(page, "undo"), tool(page, "redo")
    drag(page, 4, -10)
    first = saw(page, 1)["sigmas"]
    drag(page, 6, -10)
    second = saw(page, 2)["sigmas"]
    undo.click()
    assert saw(page, 3)["sigmas"] == first
    page.keyboard.press("Control+z")
    assert saw(page, 4)["sigmas"] == START
    page.keyboard.press("Control+y")
    page.keyboard.press("Control+Shift+Z")
    assert saw(page, 6)["sigmas"] == second
    expect(redo).to_have_attribute("aria-disabled", "true")
    redo.focus()
    page.keyboard.press("Enter")  # reachable while it has nothing to do
    expect(said(page)).to_have_text("Nothing to redo")
    undo.click()
    drag(page, 8, -6)
    expect(redo).to_have_attribute("aria-disabled", "true")  # a new edit ends the old future


# ------------------------------------------------------------------------------- accessibility


def test_a_level_says_what_it_is(page: Page):
    push(page, "discrete")
    expect(axis(page).locator("option")).to_have_count(3)
    axis(page).select_option("time")
    level = handles(page).nth(4)
    expect(level).to_have_attribute("aria-label", "Level 4 of 10")
    lam = math.log(START[4])
    timestep = round(999 * (lam - math.log(0.02)) / (math.log(15) - math.log(0.02)))
    expect(level).to_have_attribute("aria-valuetext", f"sigma {START[4]:.4g}, timestep {timestep}")
    assert float(level.get_attribute("aria-valuenow") or 0) == START[4]
    low, high = (float(level.get_attribute(f"aria-value{end}") or 0) for end in ("min", "max"))
    assert (low, high) == pytest.approx((START[5] * RATIO, START[3] / RATIO))
    expect(handles(page).first).to_have_attribute(
        "aria-valuetext", "sigma 14.6, timestep 995, locked"
    )
    described = level.get_attribute("aria-describedby")
    expect(page.locator(f"#{described}")).to_contain_text("type a value")
    strip = page.locator("#one .se-strip").get_attribute("aria-label") or ""
    assert strip.endswith(f"half at {START[5]:.4g}, three quarters at {START[7]:.4g}")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(page: Page, scheme: str):
    page.evaluate("dark => document.body.classList.toggle('dark', dark)", scheme == "dark")
    push(page, "bars")
    tool(page, "help").click()
    handles(page).nth(4).focus()
    page.keyboard.press("Enter")
    page.locator("#one .se-field input").fill("99")
    found = Axe().run(page, context="#one").response
    page.keyboard.press("Escape")
    tool(page, "help").click()
    serious = [each for each in found["violations"] if each["impact"] in ("serious", "critical")]
    assert [(each["id"], each["nodes"][0]["html"]) for each in serious] == []
    assert tuple(map(int, found["testEngine"]["version"].split("."))) >= (4, 12)
    assert len(found["passes"]) > 10


def test_forced_colors(page: Page):
    page.emulate_media(forced_colors="active")
    dot = handles(page).nth(4).locator(".se-dot")
    highlight = page.evaluate(
        """() => {
        const probe = document.body.appendChild(document.createElement('i'));
        probe.style.color = 'Highlight';
        const { color } = getComputedStyle(probe);
        probe.remove();
        return color;
    }"""
    )
    expect(dot).to_have_css("fill", highlight)
    expect(page.locator("#one .se-curve")).to_have_css("stroke", highlight)


# --------------------------------------------------------------------------------------- axes


@pytest.mark.parametrize(
    ("make", "key", "place"),
    [
        ("unreferenced", "sigma", math.log10),
        ("unreferenced", "logSnr", lambda sigma: -2 * math.log(sigma)),
        ("flow", "time", lambda sigma: sigma / (1 + sigma)),
        ("discrete", "time", lambda sigma: 999 * math.log(sigma / 0.02) / math.log(15 / 0.02)),
    ],
)
def test_axes_show_the_same_levels_where_they_belong(page: Page, make: str, key: str, place):
    push(page, make)
    expect(axis(page).locator("option")).to_have_count(2 if make == "unreferenced" else 3)
    axis(page).select_option(key)
    low, high = editor(page, "plot._fullLayout.yaxis.range")
    top, bottom = editor(page, "view.top"), editor(page, "view.end")
    offset = page.locator("#one .se-host").bounding_box()["y"]  # type: ignore[index]
    for i, sigma in enumerate(START):
        wanted = bottom + (place(sigma) - low) / (high - low) * (top - bottom)
        assert middle(page, i)[1] - offset == pytest.approx(wanted, abs=0.5)
    assert sigmas(page) == START
    silent(page)  # switching changes nothing
    drag(page, 4, -8)
    levels = saw(page, 1)["sigmas"]
    assert levels[4] > START[4] and only(levels, START, 4)  # up is more noise on every axis


def test_levels_beyond_a_table_of_times_have_places_of_their_own(page: Page):
    """A model knows no time there; a level still moves as far as the hand does."""
    push(page, "discrete")
    expect(axis(page).locator("option")).to_have_count(3)
    axis(page).select_option("time")
    push(page, "outside")  # its last level, 0.001, lies below the table's 0.02
    expect(handles(page)).to_have_count(13)
    y = middle(page, 12)[1]
    assert y > middle(page, 11)[1] + 5
    tool(page, "lock").click()
    hold(page, 12, -4)
    assert middle(page, 12)[1] == pytest.approx(y - 4, abs=0.5)
    assert sigmas(page)[12] < 0.0015
    expect(tip(page)).to_contain_text("timestep 0")
    page.keyboard.press("Escape")
    page.mouse.up()
    tool(page, "lock").click()


def test_steps_or_fraction_of_steps(page: Page):
    places = [middle(page, i)[0] for i in range(11)]
    page.locator("#one").get_by_label("Horizontal axis").select_option("fraction")
    assert editor(page, "plot._fullLayout.xaxis.range[1]") < 1.1
    steps = [b - a for a, b in pairwise(middle(page, i)[0] for i in range(11))]
    assert steps == pytest.approx([places[1] - places[0]] * 10, rel=0.05)
    assert sigmas(page) == START


def test_references_stand_behind_with_their_source_on_hover(page: Page):
    drawn = editor(page, "plot.data.map(({line, y}) => ({...line, y}))")
    assert [(curve["color"], curve["dash"]) for curve in drawn] == [
        ("#56B4E9", "dash"),
        ("#0072B2", "dot"),
        ("#CC79A7", "dashdot"),  # a colour and a dash of its own where none is given
    ]
    assert drawn[0]["y"] == pytest.approx(exponential(10))
    box, cited = page.locator("#one .se-host").bounding_box(), page.locator("#one .se-cited")
    assert box
    for step in (5, 5.5, 9.25):  # between levels too
        k, part = int(step), step % 1
        a, b = (editor(page, f"view.y({exponential(10)[k + d]})") for d in (0, 1))
        x, y = editor(page, f"view.x({step})"), a + part * (b - a)
        page.mouse.move(box["x"] + x, box["y"] + y)
        level = exponential(10)[k] ** (1 - part) * exponential(10)[k + 1] ** part
        expect(cited).to_contain_text(f"Exponential, σ {level:.2g}"[:-1])
        expect(cited).to_contain_text("even in ln sigma")
    page.mouse.move(*middle(page, 0))  # under a handle: both are said, one above the other
    expect(cited).to_contain_text("Exponential")
    expect(tip(page)).to_contain_text("level 0")
    above, below = tip(page).bounding_box(), cited.bounding_box()
    assert (
        above
        and below
        and (
            above["y"] + above["height"] <= below["y"] or below["y"] + below["height"] <= above["y"]
        )
    )
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 20)
    expect(cited).to_be_hidden()
    names = page.locator("#one .se-legend li > span")
    expect(names).to_have_text(["Yours", "Exponential", "Linear", HOSTILE])
    named = page.locator("#one .se-legend li[tabindex='0']")
    expect(named).to_have_count(2)
    named.first.focus()
    expect(named.first.locator("q")).to_have_text("even in ln sigma")
    expect(named.first.locator("q")).to_have_css("clip-path", "none")
    assert page.locator("#one img").count() == 0
    push(page, "unreferenced")
    expect(page.locator("#one .se-legend")).to_be_hidden()
    assert sigmas(page) == START


def test_the_strip_shows_how_densely_levels_stand(page: Page):
    path = page.locator("#one .se-density")

    def widths() -> list[float]:
        """Of the staircase, from noise to data."""
        corners = (path.get_attribute("d") or "").split("H")[1:-1]
        return [float(corner.partition("V")[0]) - 8 for corner in corners]

    density = [1 / math.log(a / b) for a, b in pairwise(START)]
    scale = max(density)
    assert widths() == pytest.approx([34 * value / scale for value in density], abs=0.02)
    hold(page, 4, -30)
    assert widths()[3] == pytest.approx(34) and widths()[4] < widths()[5]
    page.keyboard.press("Escape")
    page.mouse.up()


def test_bars_fade_when_they_belong_to_other_levels(page: Page):
    costs = page.locator("#one .se-costs")
    expect(costs).to_be_hidden()
    push(page, "bars")
    expect(costs).to_be_visible()
    expect(costs.locator("figcaption")).to_have_text("Cost of each step")
    heights = costs.locator(".se-bar").evaluate_all(
        "bars => bars.map((b) => b.height.baseVal.value)"
    )
    assert heights == pytest.approx([36 * k / 10 for k in range(1, 11)], abs=0.01)
    box = costs.locator(".se-bar").nth(4).bounding_box()
    assert box and middle(page, 4)[0] < box["x"] < box["x"] + box["width"] < middle(page, 5)[0]
    drag(page, 4, -10)
    expect(costs).to_have_class("se-costs se-old")
    tool(page, "undo").click()
    expect(costs).to_have_class("se-costs")  # the same levels again
    push(page, "costed")  # levels and their bars in one answer
    expect(costs.locator("svg")).to_have_attribute(
        "aria-label", "Cost of each step: most at step 1, 10"
    )
    expect(costs).to_have_class("se-costs")


# --------------------------------------------------------------------------------- from Python


def test_a_push_changes_the_curve_in_place_and_can_be_undone(page: Page):
    page.evaluate(
        "document.querySelectorAll('#one .se-root *').forEach((node) => node.kept = true)"
    )
    push(page, "exponential")
    page.wait_for_function(f"{EDITOR.format('#one')}.sigmas[5] < 0.7")
    assert sigmas(page) == pytest.approx(exponential(10))
    kept = "nodes => nodes.every((node) => node.kept)"
    nodes = page.locator("#one :is(.se-host, .se-handle, .js-plotly-plot, .main-svg, .se-tools)")
    assert nodes.evaluate_all(kept)
    assert plots(page) == 1
    silent(page)  # a push is no edit
    tool(page, "undo").click()
    assert saw(page, 1)["sigmas"] == START


def test_undo_passes_over_levels_that_another_model_does_not_know(page: Page):
    drag(page, 4, -8)
    saw(page, 1)
    push(page, "colder")
    page.wait_for_function(f"{EDITOR.format('#one')}.sigmas[0] === 1")
    tool(page, "undo").click()
    expect(said(page)).to_have_text("Nothing to undo")
    assert sigmas(page) == [1.0, 0.5, 0.1]
    silent(page, 1)


def test_a_stream_of_pushes_is_one_undo_step(page: Page):
    push(page, "stream")
    page.wait_for_function(f"{EDITOR.format('#one')}.sigmas[5] === {karras(10, 17)[5]}")
    tool(page, "undo").click()
    assert saw(page, 1)["sigmas"] == START


def test_other_pushes_are_undo_steps_however_fast_they_come(page: Page):
    with page.expect_request("**/queue/join*"):  # or the second may overtake it on the way
        push(page, "longer")
    push(page, "exponential")
    page.wait_for_function(f"{EDITOR.format('#one')}.sigmas.length === 11")
    page.wait_for_function(f"{EDITOR.format('#one')}.sigmas[5] < 0.7")
    tool(page, "undo").click()
    assert sigmas(page) == pytest.approx(karras(20))
    tool(page, "undo").click()
    assert sigmas(page) == START


def test_what_a_page_begins_with_cannot_be_undone(page: Page):
    push(page, "opening")
    page.wait_for_function(f"{EDITOR.format('#one')}.sigmas.length === 6")
    handles(page).nth(2).focus()
    page.keyboard.press("Control+z")
    expect(said(page)).to_have_text("Nothing to undo")
    assert sigmas(page) == exponential(5)


def test_a_push_of_another_length_or_range_fits(page: Page):
    push(page, "longer")
    expect(handles(page)).to_have_count(21)
    push(page, "outside")
    expect(handles(page)).to_have_count(13)
    box = page.locator("#one .se-host").bounding_box()
    assert box
    for i in (0, 12):
        assert box["y"] < middle(page, i)[1] < box["y"] + box["height"]
    expect(handles(page)).to_have_count(13)


def test_a_late_answer_never_overrides_a_newer_edit(page: Page):
    page.get_by_label("slow").check()
    stale = editor(page, "stats.stale")
    drag(page, 3, -10)
    drag(page, 6, -10)
    newest = sigmas(page)
    assert saw(page, 2)["sigmas"] == newest
    assert sigmas(page) == newest
    assert editor(page, "stats.stale") == stale + 1
    silent(page, 2)
    page.get_by_label("slow").uncheck()


def test_a_late_answer_never_overrides_a_newer_push(page: Page):
    page.get_by_label("slow").check()
    drag(page, 3, -10)
    page.wait_for_timeout(200)
    push(page, "longer")
    expect(handles(page)).to_have_count(21)
    saw(page, 1)
    expect(handles(page)).to_have_count(21)
    assert sigmas(page) == karras(20)
    page.get_by_label("slow").uncheck()


def test_a_push_during_a_drag_waits_and_the_user_wins(page: Page):
    hold(page, 5, -8)
    held = sigmas(page)
    push(page, "exponential")
    page.wait_for_function(f"{EDITOR.format('#one')}.waiting")
    assert sigmas(page) == held
    page.mouse.up()
    assert saw(page, 1)["sigmas"] == held
    hold(page, 5, -8)
    push(page, "longer")
    page.wait_for_function(f"{EDITOR.format('#one')}.waiting")
    page.keyboard.press("Escape")  # nothing was changed: what Python sent comes in
    page.mouse.up()
    expect(handles(page)).to_have_count(21)


def test_edits_do_not_loop(page: Page):
    # `change` fires for what the user did and for what Python sent, once each and not for ever.
    changes = page.locator("#changes input")
    silent(page)
    before = int(changes.input_value())
    for i in (3, 5, 7):
        drag(page, i, -6)
        saw(page, {3: 1, 5: 2, 7: 3}[i])
    page.wait_for_timeout(SILENCE)
    after = int(changes.input_value())
    assert after - before <= 3
    silent(page, 3)


def test_an_error_in_python_leaves_the_editor_working(page: Page):
    push(page, "refuse")
    toast = page.get_by_text("Refused, and nothing changes.")
    expect(toast).to_be_visible()
    assert sigmas(page) == START
    drag(page, 5, -8)
    saw(page, 1)
    page.get_by_test_id("toast-close").click()


def test_a_frozen_editor_shows_and_does_not_move(page: Page):
    push(page, "frozen")
    expect(tool(page, "undo")).to_be_hidden()
    drag(page, 5, -20)
    silent(page)
    assert sigmas(page) == START
    expect(tool(page, "help")).to_be_visible()


# ------------------------------------------------------------------------------------ the page


def test_theme_and_size_follow_without_drawing_anew(page: Page):
    tick = page.locator("#one .ytick text").first
    colours = [tick.evaluate("node => getComputedStyle(node).fill")]
    lines = [editor(page, "plot.data[1].line.color")]
    page.evaluate("document.body.classList.add('dark')")
    page.wait_for_function(f"{EDITOR.format('#one')}.plot.data[1].line.color !== '{lines[0]}'")
    colours.append(tick.evaluate("node => getComputedStyle(node).fill"))
    assert colours[0] != colours[1]
    for width in (700, 390, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_function(
            "() => Math.abs(document.querySelector('#one .main-svg').clientWidth"
            " - document.querySelector('#one .se-host').clientWidth) < 1"
        )
        last, box = middle(page, 10)[0], page.locator("#one .se-host").bounding_box()
        assert box and box["x"] + 0.7 * box["width"] < last < box["x"] + box["width"]
    assert plots(page) == 1


def test_a_figure_that_is_made_anew_is_counted(visit, address):
    page = ready(visit(address, script=COUNT_PLOTS))
    assert page.evaluate("plots") == 1
    again = "const e = [...ScheduleEditor.instances][0]; PlotlyTheme.Plotly.newPlot(e.plot, [], {})"
    page.evaluate(f"() => {{ {again} }}")
    page.wait_for_function("plots === 2")


def test_hidden_tabs_take_their_size_when_shown(page: Page):
    page.get_by_role("tab", name="Two").click()
    ready(page, "two")
    page.set_viewport_size({"width": 800, "height": 900})
    page.get_by_role("tab", name="One").click()
    page.wait_for_function(
        "() => Math.abs(document.querySelector('#one .main-svg').clientWidth"
        " - document.querySelector('#one .se-host').clientWidth) < 1"
    )
    drag(page, 5, -8)
    assert only(saw(page, 1)["sigmas"], START, 5)


def test_sessions_are_independent_and_a_reload_starts_afresh(visit, address):
    pages = [ready(visit(address)) for _ in range(2)]
    for i, one in enumerate(pages):
        drag(one, 3 + i, -10)
    seen = [saw(one, 1)["sigmas"] for one in pages]
    assert [only(levels, START, 3 + i) for i, levels in enumerate(seen)] == [True, True]
    pages[0].reload()
    assert sigmas(ready(pages[0])) == START
    drag(pages[0], 5, -10)
    assert only(saw(pages[0], 1)["sigmas"], START, 5)


def test_two_editors_on_one_page_and_two_visitors_know_nothing_of_each_other(visit, serve):
    address = serve(editor_app.build_pair())
    here, there = (ready(visit(address, script=COUNT_PLOTS), "left") for _ in range(2))
    right = sigmas(here, "right")
    drag(here, 4, -10, "left")
    expect(here.locator("#left-saw")).to_contain_text(str(sigmas(here, "left")[4]))
    expect(here.locator("#right-saw")).not_to_contain_text("14.6")
    assert only(sigmas(here, "left"), START, 4) and sigmas(here, "right") == right
    handles(here, "right").nth(3).focus()
    here.keyboard.press("Control+z")  # there is nothing to undo in this one
    here.keyboard.press("ArrowUp")
    expect(here.locator("#right-saw")).to_contain_text("14.6")
    assert only(sigmas(here, "left"), START, 4) and only(sigmas(here, "right"), right, 3)
    assert (sigmas(there, "left"), sigmas(there, "right")) == (START, right)
    assert plots(here) == 1


def test_one_plotly_and_no_way_to_share(page: Page):
    page.get_by_role("tab", name="Two").click()
    ready(page, "two")
    scripts = page.evaluate("[...document.scripts].map((script) => script.src)")
    assert sum("plotly.min.js" in script for script in scripts) == 1
    assert page.locator(".modebar-btn").count() == 0
    version = page.evaluate("PlotlyTheme.Plotly.version")
    assert version.split(".")[0] >= "3"


def test_it_works_below_another_address(visit):
    """As behind a proxy that serves several things."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    app = fastapi.FastAPI()
    kwargs = {**static.serving(), "theme": theme.THEME}
    gr.mount_gradio_app(app, editor_app.build(), path="/lab", **kwargs)
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error", ws="none"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        while not server.started:
            time.sleep(0.05)
        page = ready(visit(f"http://127.0.0.1:{port}/lab"))
        sources = page.evaluate("[...document.scripts].map((script) => script.src)")
        own = [source for source in sources if "studio-static" in source]
        assert own and all(f":{port}/lab/studio-static/" in source for source in own)
        drag(page, 4, -10)
        saw(page, 1)
    finally:
        server.should_exit = True
        thread.join(10)


def test_an_unmounted_editor_lets_go(visit, address):
    page = ready(visit(address))
    assert page.evaluate("ScheduleEditor.instances.size") == 1
    page.evaluate("document.querySelector('#one').remove()")
    page.wait_for_function("ScheduleEditor.instances.size === 0")

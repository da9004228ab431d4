"""Levels under the mouse and a finger."""

from __future__ import annotations

import json
import math
import time

import pytest
from playwright.sync_api import Page, expect

from tests.ui.conftest import PHONE
from tests.ui.editor.hands import (
    LIVE,
    RATIO,
    Finger,
    decreasing,
    drag,
    editor,
    handles,
    hold,
    middle,
    only,
    push,
    ready,
    said,
    saw,
    sigmas,
    silent,
    tip,
    tool,
)
from tests.ui.editor_app import SIGMA_MAX, START, exponential


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

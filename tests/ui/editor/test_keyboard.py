"""Everything by keys, and what a screen reader hears."""

from __future__ import annotations

import math

import pytest
from playwright.sync_api import Page, expect

from tests.ui.accessibility import violations
from tests.ui.editor.hands import (
    BETWEEN,
    RATIO,
    axis,
    decreasing,
    drag,
    handles,
    middle,
    only,
    push,
    said,
    saw,
    sigmas,
    silent,
    tool,
)
from tests.ui.editor_app import SIGMA_MIN, START


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


def test_axe_finds_nothing_serious(page: Page):
    push(page, "bars")
    tool(page, "help").click()
    handles(page).nth(4).focus()
    page.keyboard.press("Enter")
    page.locator("#one .se-field input").fill("99")
    found = violations(page, "#one")
    page.keyboard.press("Escape")
    tool(page, "help").click()
    assert found == []


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

"""The curve on the Studio's desk: what one does with it, in the app itself."""

from __future__ import annotations

import contextlib

import pytest
from playwright.sync_api import Page, expect

from ays_core.interop import DIALECTS
from tests.ui.accessibility import violations
from tests.ui.hands import became, undo
from tests.ui.test_studio import (
    POINTS,
    SIGMAS,
    choose,
    drag,
    resting,
    row,
    settled,
    studio,
    unfold,
)

__all__ = ["resting", "studio"]  # the fixtures

expect.set_options(timeout=30_000)

EDITOR = "[...ScheduleEditor.instances][0]"
CLOUD = "() => [...Pictures.instances][0].rows.get('yours').decoded.points.join()"
ROWS = "#rows .pic-row"


def hold(page: Page, i: int, dy: float) -> None:
    """Takes a level and moves it, without letting go."""
    box = page.locator("#editor .se-handle").nth(i).locator(".se-reach").bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x, y + dy, steps=4)


# ------------------------------------------------------------------------------------- points


def test_points_follow_a_level_while_it_moves(studio: Page):
    choose(studio, "model", POINTS)
    expect(studio.locator("#rows canvas").first).to_be_visible()
    settled(studio)
    name, levels, before = "Yours: Karras", studio.evaluate(SIGMAS), studio.evaluate(CLOUD)
    hold(studio, 3, -25)
    studio.wait_for_function(f"before => ({CLOUD})() !== before", arg=before)
    moving = studio.evaluate(CLOUD)
    expect(studio.locator(f"{ROWS}.pic-dim")).to_have_count(0)  # the other rows rest as they are
    studio.mouse.move(*(v + 3 for v in position(studio, 3)))
    studio.wait_for_function(f"before => ({CLOUD})() !== before", arg=moving)
    studio.keyboard.press("Escape")
    studio.mouse.up()
    studio.wait_for_function(f"before => ({CLOUD})() === before", arg=before)
    assert studio.evaluate(SIGMAS) == levels
    assert row(studio, "Yours").locator(".pic-name").inner_text() == name
    drag(studio, 3, -25)
    expect(row(studio, "Yours").locator(".pic-name")).to_have_text(f"{name}, edited")
    settled(studio)
    assert studio.evaluate(CLOUD) != before
    assert studio.evaluate("plots") == 1


def position(page: Page, i: int) -> tuple[float, float]:
    box = page.locator("#editor .se-handle").nth(i).locator(".se-reach").bounding_box()
    assert box
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


# --------------------------------------------------------------------------- table, operations


def test_the_table_edits_the_curve_and_refuses_in_words(resting: Page):
    before = resting.evaluate(SIGMAS)
    unfold(resting, "numbers")
    cell = resting.locator("#table [data-testid=cell-2-1]")
    typed(resting, cell, str(wanted := round(before[2] * 1.05, 4)))
    became(resting, [*before[:2], wanted, *before[3:]])
    settled(resting)
    said = resting.locator("#table-said")
    for text, words in (
        ("500", "Level 2 (500) is above level 1"),
        ("much", "Level 2 is not a number: 'much'"),
    ):
        typed(resting, cell, text)
        expect(said).to_contain_text(words)
        expect(cell).to_contain_text(str(wanted))  # put back
    expect(resting.get_by_test_id("toast-body")).to_have_count(0)
    assert resting.evaluate(SIGMAS)[2] == wanted
    resting.locator("#editor [data-cmd=undo]").click()
    became(resting, before)
    expect(said.locator("output")).to_be_empty()


def test_rows_of_the_table_are_levels_and_its_columns_stay(resting: Page):
    before = resting.evaluate(SIGMAS)
    unfold(resting, "numbers")
    middle = float(f"{(before[1] * before[2]) ** 0.5:.6g}")
    menu(resting, "Add row above")
    became(resting, [*before[:2], middle, *before[2:]])
    expect(resting.locator("#table [data-testid=cell-2-1]")).to_contain_text(f"{middle:g}")
    menu(resting, "Delete row")
    became(resting, before)
    for refused in ("Add column to the right", "Delete column"):
        menu(resting, refused)
        expect(resting.locator("#table-said")).to_contain_text("columns step and sigma")
        expect(resting.locator("#table [role=columnheader]")).to_contain_text(["step", "sigma"])
    became(resting, before)
    expect(resting.get_by_test_id("toast-body")).to_have_count(0)


def menu(page: Page, item: str) -> None:
    """Of the cell of level 2."""
    cell = page.locator("#table [data-testid=cell-2-1]")
    cell.click()
    cell.click(button="right")
    page.get_by_role("menuitem", name=item).or_(page.get_by_text(item, exact=True)).first.click()


def typed(page: Page, cell, text: str) -> None:
    cell.dblclick()
    expect(cell.locator("textarea")).to_be_focused()
    page.keyboard.press("Control+A")
    page.keyboard.type(text)
    page.keyboard.press("Enter")


# ------------------------------------------------------------------------------ paste and copy


def test_what_is_copied_is_what_the_target_runs(resting: Page):
    levels = resting.evaluate(SIGMAS)
    unfold(resting, "paste-copy")
    shown = resting.locator("#copied .cm-content")
    for dialect in DIALECTS.values():
        choose(resting, "dialect", dialect.label)
        resting.wait_for_function("() => document.querySelector('#copied .cm-content')")
        expect(shown).to_contain_text(BEGINS.get(dialect.key, ""))
        for _ in range(50):  # until the page shows this dialect and no longer the one before
            text = resting.evaluate("document.querySelector('#copied .cm-content').innerText")
            with contextlib.suppress(ValueError):
                if dialect.read(text.strip()) == pytest.approx(levels, rel=1e-6):
                    break
            resting.wait_for_timeout(200)
        else:
            pytest.fail(f"{dialect.label} is not read as the same levels: {text}")


BEGINS = {"csv": "step,sigma", "json": '"sigmas"', "comfyui": ", ", "diffusers": "Scheduler"}


@pytest.mark.parametrize(
    ("text", "says", "offer", "length"),
    [
        ("850, 736, 645, 545, 343", "look like timesteps", "Read as timesteps", 5),
        ("999, 850, 736, 645, 0", "999 is beyond this model", "Read as timesteps", 5),
        ("1, .75, .5, .25, 0", "may be flow times", "Read as flow times", 5),
        ("1, .75, .5, .25, 0", "or noise levels", "Read as noise levels", 5),
        ("80, 10, 1, 0.1", "No final 0", "Append a final 0", 5),
        ("0.1, 1, 10, 80", "Levels increase: flip them?", "Flip the list", 4),
    ],
)
def test_a_pasted_list_is_diagnosed_and_repaired(resting: Page, text, says, offer, length):
    before = resting.evaluate(SIGMAS)
    unfold(resting, "paste-copy")
    resting.locator("#pasted textarea").fill(text)
    resting.locator("#paste").click()
    expect(resting.locator("#diagnosis")).to_contain_text(says)
    resting.locator("#offers").get_by_label(offer).click()  # it is gone when it was taken
    resting.wait_for_function(f"n => ({SIGMAS})().length === n", arg=length)
    expect(resting.locator("#diagnosis")).to_have_text(f"Used: {offer}.")
    expect(resting.locator("#offers")).to_be_hidden()
    while resting.evaluate(SIGMAS) != before:  # one step, or two where the list itself was of use
        undo(resting)
        resting.wait_for_timeout(100)
    settled(resting)


# ---------------------------------------------------------------------------------- look, axe


def test_axe_finds_nothing_serious_with_errors_shown_and_menus_open(studio: Page):
    for accordion in ("numbers", "paste-copy", "operations"):
        unfold(studio, accordion)
    choose(studio, "dialect", DIALECTS["diffusers"].label)  # the longest lines
    expect(studio.locator("#copied .cm-content")).to_contain_text(BEGINS["diffusers"])
    studio.locator("#formula").locator("textarea, input").first.fill("wrong")
    studio.locator("#pasted textarea").fill("1, 2, nan")
    studio.locator("#paste").click()
    expect(studio.locator("#formula-said")).to_contain_text("Unknown")
    expect(studio.locator("#diagnosis")).to_contain_text("Not used")
    studio.locator("#editor [data-cmd=help]").click()
    row(studio, "Karras").locator(".pic-more").click()
    assert violations(studio) == []
    studio.keyboard.press("Escape")
    studio.locator("#editor .se-handle").nth(2).dblclick()
    studio.keyboard.type("999")
    expect(studio.locator("#editor .se-refusal")).to_contain_text("must stay below")
    assert violations(studio, "#editor") == []
    studio.keyboard.press("Escape")
    studio.locator("#editor .se-legend li[tabindex='0']").first.focus()
    assert violations(studio, "#editor") == []
    studio.locator("#start input").click()
    expect(studio.get_by_role("option", name="Karras", exact=True)).to_be_visible()
    assert violations(studio) == []


def test_axe_finds_nothing_serious_in_any_tab(resting: Page):
    for name in ("Studio", "Compare", "Learn", "Library", "About"):
        tab = resting.get_by_role("tab", name=name, exact=True)
        tab.click()
        expect(tab).to_have_attribute("aria-selected", "true")
        if name == "Compare":
            expect(resting.locator("#grid-view [data-state=done]").first).to_be_visible()
        assert violations(resting) == [], name
    resting.get_by_role("tab", name="Studio", exact=True).click()


def test_fingers_find_everything_on_the_desk(visit, studio_url):
    page = visit(studio_url, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page.wait_for_selector("#editor .se-root[data-ready]")
    for accordion in ("numbers", "paste-copy", "operations"):
        unfold(page, accordion)
    expect(page.locator("#use-formula")).to_be_visible()
    small = page.evaluate(
        """() => [...document.querySelectorAll('#desk button:not(:disabled), #editor .se-reach')]
          .map((node) => [node, node.getBoundingClientRect()])
          .filter(([node, box]) => box.width && !node.closest('#table, #copied, #pasted'))
          .filter(([, box]) => box.width < 31.5 || box.height < 31.5)
          .map(([node, box]) => `${node.className} ${node.innerText} ${box.width}x${box.height}`)"""
    )
    assert small == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 390

"""The grid of a comparison in a real browser: streamed cells, one zoom, the close look at two."""

from __future__ import annotations

import io
import math

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.ui.conftest import PHONE
from tests.ui.views_app import HOSTILE, NATIVE, build, picture

TRANSFORMS = """() => [...document.querySelectorAll('#one .gv-cell .gv-inner')].map(
    node => new DOMMatrix(getComputedStyle(node).transform)).map(m => [m.a, m.e, m.f])"""


@pytest.fixture(scope="module")
def address(serve) -> str:
    return serve(build())


@pytest.fixture
def page(visit, address) -> Page:
    return ready(visit(address))


def ready(page: Page, view: str = "one") -> Page:
    if view == "two":
        page.get_by_role("tab", name="Points").click()
    expect(page.locator(f"#{view} .gv-root[data-ready]")).to_be_visible()
    expect(page.locator(f"#{view} .gv-cell[data-state=done]").first).to_be_visible()
    return page


def cell(page: Page, row: int, column: int, view: str = "one") -> Locator:
    return page.locator(f"#{view} [data-cell='{row}-{column}'] .gv-window")


def look(page: Page, view: str = "one") -> Locator:
    return page.locator(f"#{view} .gv-look")


def stage(page: Page, view: str = "one", i: int = 0) -> Locator:
    return look(page, view).locator(".gv-figure .gv-window").nth(i)


def place(target: Locator, u: float, v: float) -> tuple[float, float]:
    """Where (u, v) of a box is on the screen."""
    target.scroll_into_view_if_needed()
    box = target.bounding_box()
    assert box
    return box["x"] + u * box["width"], box["y"] + v * box["height"]


def color(target: Locator, u: float, v: float) -> list[int]:
    """What is painted at (u, v) of a box."""
    x, y = place(target, u, v)
    clip = {"x": math.floor(x), "y": math.floor(y), "width": 1, "height": 1}
    image = Image.open(io.BytesIO(target.page.screenshot(clip=clip)))  # pyright: ignore
    return np.asarray(image.convert("RGB")).astype(int)[0, 0].tolist()


def pixel(row: int, column: int, x: int, y: int) -> list[int]:
    return picture(row, column)[y, x].astype(int).tolist()


def middle(x: int, y: int) -> tuple[float, float]:
    """A picture's pixel, in parts of the picture."""
    return (x + 0.5) / NATIVE, (y + 0.5) / NATIVE


def hover(page: Page, target: Locator, u: float, v: float) -> None:
    page.mouse.move(*place(target, u, v))


def scale(page: Page) -> float:
    page.wait_for_timeout(60)
    scales = {round(a, 4) for a, _, _ in page.evaluate(TRANSFORMS)}
    assert len(scales) == 1, "every cell is zoomed alike"
    return scales.pop()


def test_cells_are_patched_in_place_and_an_older_run_changes_nothing(page: Page):
    page.evaluate("document.querySelectorAll('#one .gv-cell').forEach(n => n.mark = true)")
    page.click("#half")
    expect(page.locator("#one .gv-status")).to_have_text("cells, about 4 s left")
    expect(page.locator("#one .gv-grid")).to_have_attribute("aria-busy", "true")
    expect(page.locator("#one .gv-cell[data-state=done]")).to_have_count(9)
    expect(page.locator("#one .gv-cell[data-state=running]")).to_have_count(1)
    page.click("#whole")
    expect(page.locator("#one .gv-cell[data-state=done]")).to_have_count(42)
    page.click("#older")
    page.wait_for_timeout(300)
    expect(page.locator("#one .gv-cell[data-state=done]")).to_have_count(42)
    kept = "[...document.querySelectorAll('#one .gv-cell')].every(node => node.mark)"
    assert page.evaluate(kept), "a push replaced cells"


def test_the_focus_stays_while_results_arrive(page: Page):
    cell(page, 2, 2).focus()
    page.evaluate(
        "document.querySelector('#one [data-cell=\"2-2\"]').addEventListener("
        "'focusout', () => (window.lost = true))"
    )
    for push in ("half", "whole"):
        page.evaluate(f"document.querySelector('#{push}').click()")
        done = 9 if push == "half" else 42
        expect(page.locator("#one .gv-cell[data-state=done]")).to_have_count(done)
        expect(cell(page, 2, 2)).to_be_focused()
    assert not page.evaluate("window.lost"), "moved, if only for a moment"


def test_a_schedule_has_its_colour_and_its_range_before_its_row(page: Page):
    head = page.locator("#one .gv-name").nth(1)
    expect(head).to_contain_text("80 … 0.002")
    path = head.locator(".gv-swatch path")
    expect(path).to_have_attribute("stroke", "#56B4E9")
    expect(path).to_have_attribute("stroke-dasharray", "7 4")


def test_levels_of_a_long_run_are_folded(page: Page):
    many = [f"{80 - k}" for k in range(79)]
    page.evaluate(
        "levels => { const view = [...GridView.instances].find(v => v.root.closest('#one'));"
        " view.value.cells.find(c => c.id === '0-1').levels = levels; }",
        ", ".join([*many, "0"]),
    )
    cell(page, 1, 1).click()
    told = look(page).locator(".gv-levels")
    expect(told.nth(0)).to_have_text("ran 14.6, 3.2, 0.03")
    expect(told.nth(1).locator("summary")).to_have_text("ran 80 levels, 80 … 2")
    assert "50, 49" not in told.nth(1).inner_text()
    told.nth(1).locator("summary").click()
    expect(told.nth(1)).to_contain_text("50, 49")


def test_a_failed_cell_says_why_and_blocks_no_keys(page: Page):
    page.click("#fail")
    failed = page.locator("#one [data-cell='1-1']")
    expect(failed.locator(".gv-caption")).to_have_text(f"{HOSTILE} cannot run these levels.")
    expect(page.locator("#one .gv-name").nth(1)).to_have_text(HOSTILE)
    first = cell(page, 0, 0)
    assert first.get_attribute("tabindex") == "0", "the first cell failed; Tab finds the grid"
    first.focus()
    for key in ("ArrowDown", "ArrowRight", "ArrowRight"):
        page.keyboard.press(key)
    expect(cell(page, 1, 2)).to_be_focused()
    assert page.locator("#one .gv-cell [tabindex='0']").count() == 1
    page.mouse.click(*place(cell(page, 1, 1), 0.5, 0.5))
    expect(look(page)).to_be_hidden()


def test_beside_a_reference_that_failed_there_is_nothing(page: Page):
    page.click("#fail")
    expect(page.locator("#one [data-cell='0-0']")).to_have_attribute("data-state", "failed")
    cell(page, 1, 0).click()
    page.keyboard.press("d")
    hover(page, stage(page), *middle(3, 4))
    expect(look(page).locator(".gv-pixel")).to_have_text("column 3, row 4 · A 30 0 19")
    expect(look(page).locator(".gv-words")).to_have_text("B has no result")
    expect(look(page).locator(".gv-ramp")).to_be_hidden()


def test_one_wheel_zooms_all_cells_around_the_pointer(page: Page):
    hover(page, cell(page, 1, 2), *middle(7, 5))
    page.mouse.wheel(0, -600)
    page.wait_for_timeout(100)
    assert scale(page) == 1, "without Ctrl the page scrolls"
    page.evaluate("window.scrollTo(0, 0)")
    page.keyboard.down("Control")
    hover(page, cell(page, 1, 2), *middle(7, 5))
    page.mouse.wheel(0, -600)
    page.keyboard.up("Control")
    assert scale(page) == pytest.approx(math.e**2, rel=1e-3)
    for row, column in ((1, 2), (2, 4)):
        assert color(cell(page, row, column), *middle(7, 5)) == pixel(row, column, 7, 5)


def test_a_drag_moves_all_and_opens_nothing_even_if_it_ends_outside(page: Page):
    cell(page, 1, 1).focus()
    for _ in range(5):
        page.keyboard.press("+")
    assert scale(page) > 3
    before = np.array(page.evaluate(TRANSFORMS))
    x, y = place(cell(page, 1, 1), 0.5, 0.5)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 10, y - 20, steps=4)
    page.wait_for_timeout(60)
    moved = np.array(page.evaluate(TRANSFORMS)) - before
    assert np.allclose(moved, moved[0]) and np.allclose(moved[0], [0, 10, -20], atol=0.5)
    page.mouse.move(3, 3)
    page.mouse.up()
    left = page.evaluate(TRANSFORMS)
    page.mouse.move(x, y, steps=3)
    page.wait_for_timeout(60)
    assert page.evaluate(TRANSFORMS) == left, "still dragging after the release"
    expect(look(page)).to_be_hidden()
    page.keyboard.press("0")
    assert scale(page) == 1


def test_shift_and_arrows_move_and_the_picture_never_leaves_the_cell(page: Page):
    cell(page, 2, 2).focus()
    for _ in range(4):
        page.keyboard.press("+")
    for _ in range(60):
        page.keyboard.press("Shift+ArrowRight")
    page.wait_for_timeout(60)
    zoom, x, _ = page.evaluate(TRANSFORMS)[0]
    side = cell(page, 2, 2).evaluate("node => node.clientWidth")
    assert x == pytest.approx(-side * (zoom - 1), abs=0.5)
    expect(cell(page, 2, 2)).to_be_focused()


def test_a_cell_stands_beside_its_reference_and_another_takes_its_place(page: Page):
    cell(page, 2, 3).click()
    names = look(page).locator(".gv-of")
    expect(names.nth(0)).to_contain_text("Schedule 2, Euler, seed 3 · 6 calls")
    expect(names.nth(1)).to_contain_text("Reference, seed 3")
    expect(look(page).locator(".gv-levels").first).to_have_text("ran 14.6, 3.2, 0.03")
    cell(page, 4, 3).click(modifiers=["Shift"])
    expect(names.nth(0)).to_contain_text("Schedule 2")
    expect(names.nth(1)).to_contain_text("Schedule 4")
    page.keyboard.press("x")
    expect(names.nth(0)).to_contain_text("Schedule 4")
    expect(page.locator("#one .gv-cell .gv-badge:visible")).to_have_text(["B", "A"])
    page.keyboard.press("Escape")
    expect(look(page)).to_be_hidden()
    expect(cell(page, 4, 3)).to_be_focused()
    cell(page, 0, 5).click()
    expect(names.nth(1)).to_contain_text("Schedule 1, Euler, seed 5")  # a reference beside its own


def test_everything_by_keyboard(page: Page):
    cell(page, 1, 1).focus()
    page.keyboard.press("Enter")
    expect(stage(page)).to_be_in_viewport()
    for key, mode in (("w", "wipe"), ("f", "flicker"), ("d", "difference"), ("s", "side")):
        page.keyboard.press(key)
        expect(look(page)).to_have_attribute("data-mode", mode)
    page.keyboard.press("b")
    expect(page.get_by_role("button", name="Choose B")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(look(page).locator(".gv-of").nth(1)).to_contain_text("Schedule 2")
    page.keyboard.press("w")
    look(page).get_by_label("How much of A").focus()
    for _ in range(3):
        page.keyboard.press("ArrowLeft")
    assert look(page).evaluate("node => node.style.getPropertyValue('--wipe')") == "47%"
    page.keyboard.press("Escape")
    expect(look(page)).to_be_hidden()


def test_editing_tells_python_which_cell(page: Page):
    cell(page, 2, 3).click()
    page.keyboard.press("e")
    expect(page.locator("#chosen")).to_contain_text("2-3")
    expect(page.locator("#chosen")).to_contain_text("edit")
    page.keyboard.press("x")  # now A is the reference
    expect(page.get_by_role("button", name="Edit A's schedule")).to_be_hidden()


def test_wiping_shows_a_on_the_left_and_b_on_the_right(page: Page):
    cell(page, 3, 1).click()
    page.keyboard.press("w")
    x, y = place(stage(page), 0.5, 0.5)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(*place(stage(page), 0.75, 0.5), steps=3)
    page.mouse.up()
    assert color(stage(page), *middle(22, 20)) == pixel(3, 1, 22, 20)
    assert color(stage(page), *middle(26, 20)) == pixel(0, 1, 26, 20)
    page.mouse.move(*place(stage(page), 0.2, 0.5))  # nothing is pressed any more
    assert color(stage(page), *middle(22, 20)) == pixel(3, 1, 22, 20)


def test_flicker_by_itself_and_by_key(page: Page):
    cell(page, 3, 1).click()
    page.keyboard.press("f")
    off = "document.querySelector('#one .gv-figure .gv-window').classList.contains('gv-off')"
    page.wait_for_function(off)
    page.wait_for_function(f"!{off}")
    page.keyboard.press("f")  # by hand from now on
    hand = page.evaluate(off)
    page.wait_for_timeout(800)
    assert page.evaluate(off) == hand
    seen = [color(stage(page), *middle(10, 10))]
    page.keyboard.press("f")
    seen.append(color(stage(page), *middle(10, 10)))
    assert sorted(seen) == [pixel(0, 1, 10, 10), pixel(3, 1, 10, 10)]
    live = look(page).locator(".gv-words")
    expect(live).to_be_hidden()  # nothing is read out at every change


def test_who_wants_no_motion_gets_none(visit, address):
    page = ready(visit(address, reduced_motion="reduce"))
    cell(page, 3, 1).click()
    page.keyboard.press("f")
    page.wait_for_timeout(800)
    assert color(stage(page), *middle(10, 10)) == pixel(0, 1, 10, 10)
    page.keyboard.press("f")
    assert color(stage(page), *middle(10, 10)) == pixel(3, 1, 10, 10)


def test_the_difference_has_a_scale_in_words_and_a_value_at_every_pixel(page: Page):
    cell(page, 3, 1).click()
    page.keyboard.press("d")
    expect(look(page).locator(".gv-scale")).to_have_text("070 of 255")
    expect(look(page).locator(".gv-words")).to_contain_text("30.0 on average")
    assert color(stage(page), *middle(7, 5)) == [252, 240, 170], "the most is brightest"
    assert sum(color(stage(page), *middle(20, 20))) < 400
    hover(page, stage(page), *middle(7, 5))
    told = look(page).locator(".gv-pixel")
    expect(told).to_have_text("column 7, row 5 · A 130 70 67 · B 0 30 27 · |A − B| 70")
    stage(page).focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    expect(told).to_have_text("column 8, row 6 · A 90 30 32 · B 0 30 32 · |A − B| 30")
    expect(told).to_have_attribute("aria-live", "polite")


def test_reading_pixels_by_keyboard_takes_the_view_along(page: Page):
    cell(page, 3, 1).click()
    stage(page).focus()
    for _ in range(12):
        page.keyboard.press("+")
    for _ in range(NATIVE):
        page.keyboard.press("ArrowLeft")
    expect(look(page).locator(".gv-pixel")).to_contain_text("column 0, row 16")
    page.wait_for_timeout(60)
    probe, box = stage(page).locator(".gv-probe").bounding_box(), stage(page).bounding_box()
    assert probe and box and box["x"] < probe["x"] < box["x"] + box["width"]


def test_points_are_drawn_sharp_at_every_zoom(visit, address):
    page = ready(visit(address), "two")
    target = cell(page, 1, 0, "two")
    hover(page, target, 0.25, 0.75)  # (-1, -1) of the extent -2 … 2, y upwards
    page.keyboard.down("Control")
    page.mouse.wheel(0, -900)
    page.keyboard.up("Control")
    page.mouse.move(3, 3)
    page.wait_for_timeout(100)
    side = target.evaluate("node => node.clientWidth")
    wanted = page.locator("#two .gv-root").evaluate(
        "({ style }) => ['x', 'y'].map((axis, i) =>"
        " parseFloat(style.getPropertyValue('--at-' + axis))"
        " / 100 + style.getPropertyValue('--zoom') * [0.25, 0.75][i])"
    )
    ink = """node => { const c = node.querySelector('canvas'), d = c.getContext('2d')
        .getImageData(0, 0, c.width, c.height).data, at = [];
        for (let i = 3; i < d.length; i += 4) if (d[i]) at.push((i - 3) / 4);
        return at.map(k => [k % c.width, Math.floor(k / c.width)]); }"""
    inked = np.array(target.evaluate(ink))
    assert np.allclose(inked.mean(0) + 0.5, np.array(wanted) * side, atol=0.5)
    assert np.ptp(inked, axis=0).max() <= 8, "one point, and no blur at 20 times"
    assert cell(page, 0, 0, "two").evaluate(ink) == [], "the reference has no point there"


def test_points_under_the_pointer_and_how_many_differ(visit, address):
    page = ready(visit(address), "two")
    cell(page, 2, 1, "two").click()
    hover(page, stage(page, "two"), 0.26, 0.75)
    told = look(page, "two").locator(".gv-pixel")
    expect(told).to_contain_text("nearest of A (-1.000, -1.000)")
    expect(told).to_contain_text("nearest of B (0.")
    page.keyboard.press("d")
    expect(look(page, "two").locator(".gv-words")).to_contain_text("0.1 % of the points")
    expect(look(page, "two").locator(".gv-scale")).to_have_text("01 points")
    page.keyboard.press("w")
    dark = sum(color(stage(page, "two"), 0.5, 0.1)) - sum(color(stage(page, "two"), 0.75, 0.25))
    assert dark > 200, "B's points lie on the right of the wipe"


def touch(page: Page, *moments: list[tuple[float, float]]) -> None:
    """Fingers go down at the first moment's places, move on, and are lifted."""
    session = page.context.new_cdp_session(page)
    for k, points in enumerate([*moments, []]):
        kind = "touchStart" if k == 0 else "touchMove" if points else "touchEnd"
        places = [{"x": x, "y": y, "id": i} for i, (x, y) in enumerate(points)]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": places})
        page.wait_for_timeout(30)  # fingers take their time
    session.detach()


def test_by_touch_on_a_phone(visit, address):
    page = ready(visit(address, viewport=PHONE, has_touch=True, is_mobile=True))
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    cell(page, 1, 0).tap()
    expect(look(page)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    page.get_by_role("button", name="Choose B").tap()
    cell(page, 2, 1).tap()
    expect(look(page).locator(".gv-of").nth(1)).to_contain_text("Schedule 2, Euler, seed 1")
    page.get_by_role("button", name="Wipe").tap()
    target = stage(page)
    (x, y), (end, _) = place(target, 0.5, 0.5), place(target, 0.9, 0.5)
    touch(page, [(x, y)], [((x + end) / 2, y)], [(end, y)])
    assert color(target, *middle(26, 20)) == pixel(1, 0, 26, 20)
    page.get_by_role("button", name="Side by side").tap()
    x, y = place(stage(page), *middle(7, 5))
    page.touchscreen.tap(x, y)
    expect(look(page).locator(".gv-pixel")).to_contain_text("column 7, row 5 · A 70 40 67")
    x, y = place(stage(page), 0.5, 0.5)
    touch(page, *[[(x - apart, y), (x + apart, y)] for apart in (10, 15, 20, 30)])
    page.wait_for_function(f"() => Math.abs(({TRANSFORMS})()[0][0] - 3) < 0.15")
    page.get_by_role("button", name="Wipe").tap()
    thumb = look(page).get_by_label("How much of A")
    before, edge = page.evaluate(TRANSFORMS)[0], thumb.input_value()
    x, y = place(stage(page), 0.4, 0.5)  # away from the edge, which is at 90 %
    touch(page, [(x, y)], [(x - 20, y)], [(x - 40, y)])
    page.wait_for_function(f"to => ({TRANSFORMS})()[0][1] < to", arg=before[1] - 5)
    assert thumb.input_value() == edge


def test_an_unmounted_view_lets_go(page: Page):
    count = "window.GridView.instances.size"
    before = page.evaluate(count)
    page.evaluate("document.querySelector('#one').remove()")
    page.wait_for_function(f"{count} === {before - 1}")

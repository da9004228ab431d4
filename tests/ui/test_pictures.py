"""The rows view in a real browser: patched in place, exact pixels, keyboard, clouds."""

from __future__ import annotations

import io
import math
from dataclasses import replace

import gradio as gr
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from components.pictures import Cloud, Doing, Pictures, Row, View, cloud, density, strip
from tests.ui.conftest import PHONE

COUNT, NATIVE = 16, 32
HOSTILE = "<img src=x onerror=alert(1)> ${1+1} {{value}}"
NAMES = {"reference": "Reference", "yours": "Yours", "karras": "Karras", "odd": HOSTILE}
COLORS = {"reference": "", "yours": "#e8590c", "karras": "#56B4E9", "odd": "#0072B2"}
EXTENT = (-2.0, 2.0, -2.0, 2.0)


def pictures_of(row: int) -> np.ndarray:
    """Picture k of a row: a checkerboard of single pixels in two shades made of row and k."""
    odd = np.indices((NATIVE, NATIVE)).sum(0)[..., None] % 2
    first = np.array([[20 * row, 10 * k, 200] for k in range(COUNT)], dtype=np.uint8)
    return np.where(odd[None], 255, first[:, None, None, :]).astype(np.uint8)


def points_of(row: int) -> Cloud:
    """One point at (1, 1) on screen, `row` points outside the extent, one path along y = -1."""
    points = np.array([[1.0, 1.0]] + [[9.0, 0.0]] * row)
    return cloud(points, np.array([[[-1.0, -1.0], [1.0, -1.0]]]))


def rows_of(kind: str, ready: int = 4) -> tuple[Row, ...]:
    rows = []
    for i, (key, name) in enumerate(NAMES.items()):
        row = Row(key, name, color=COLORS[key], dash="dash", reference=i == 0)
        row = replace(row, actions=() if i == 0 else row.actions)
        if i < ready:
            shown = {"strip": strip(pictures_of(i))} if kind == "pictures" else {}
            shown = shown or {"cloud": points_of(i)}
            row = replace(row, state="done", sub="6 calls", error=f"0.{i}00", same="90 %", **shown)
        rows.append(row)
    return tuple(rows)


def view_of(kind: str, ready: int = 4, **changes) -> View:
    grey = density(np.ones((8, 8))) if kind == "points" else ""
    view = View(kind, rows_of(kind, ready), EXTENT, grey, first_seed=10_000, run=1)
    return replace(view, **changes)


def halfway() -> View:
    return view_of("pictures", 2, progress=Doing("Karras: row 3 of 4", 2, 4), run=2)


def failed() -> View:
    rows = list(rows_of("pictures"))
    rows[2] = Row("karras", "Karras", "failed", message="UniPC cannot run these levels.")
    return view_of("pictures", rows=tuple(rows), finding="Two of three ran.", run=3)


STEPS = {
    "half": halfway,
    "fail": failed,
    "points": lambda: view_of("points", run=4),
    "fewer": lambda: view_of("pictures", rows=rows_of("pictures")[1:3], run=5),
    "older": lambda: view_of("pictures", rows=(), run=0),
}


def build() -> gr.Blocks:
    with gr.Blocks() as demo:
        with gr.Row():
            buttons = {name: gr.Button(name, elem_id=name) for name in STEPS}
        chosen = gr.JSON(elem_id="chosen")
        one = Pictures(view_of("pictures"), elem_id="one")
        two = Pictures(view_of("points"), elem_id="two")
        for name, make in STEPS.items():
            buttons[name].click(make, None, one, show_progress="hidden")

        def select(event: gr.EventData):
            return event._data

        gr.on([one.select, two.select], select, None, chosen)
    return demo


@pytest.fixture(scope="module")
def address(serve) -> str:
    return serve(build())


@pytest.fixture
def page(visit, address) -> Page:
    return ready(visit(address))


def ready(page: Page) -> Page:
    expect(page.locator(".pic-root[data-ready]")).to_have_count(2)
    return page


def row(page: Page, key: str, view: str = "one") -> Locator:
    return page.locator(f"#{view} .pic-row[data-row={key}]")


def pixels(target: Locator) -> np.ndarray:
    """What is painted there, (height, width, 3). The browser snaps boxes to whole pixels."""
    target.scroll_into_view_if_needed()
    box = target.bounding_box()
    assert box
    clip = {side: math.floor(value + 0.5) for side, value in box.items()}
    image = Image.open(io.BytesIO(target.page.screenshot(clip=clip)))  # pyright: ignore
    return np.asarray(image.convert("RGB")).astype(int)


def test_rows_are_patched_in_place_and_never_blank(page: Page):
    page.evaluate("document.querySelectorAll('.pic-row, .pic-cell').forEach(n => n.mark = true)")
    page.click("#half")
    expect(page.locator("#one .pic-status")).to_have_text("Karras: row 3 of 4")
    waiting = row(page, "karras")
    assert waiting.locator(".pic-cell").count() == COUNT, "the old pictures stay"
    assert "url(" in waiting.locator(".pic-cell").first.evaluate(
        "cell => getComputedStyle(cell).backgroundImage"
    )
    expect(waiting.locator(".pic-body")).to_have_css("opacity", "0.4")
    expect(row(page, "yours").locator(".pic-body")).to_have_css("opacity", "1")
    kept = "[...document.querySelectorAll('#one .pic-row, #one .pic-cell')].every(n => n.mark)"
    assert page.evaluate(kept), "a push replaced nodes"


def test_rows_leave_and_come_back_in_order(page: Page):
    page.click("#fewer")
    names = page.locator("#one .pic-row .pic-name")
    expect(names).to_have_text(["Yours", "Karras"])
    page.click("#older")
    page.wait_for_timeout(300)
    expect(names).to_have_text(["Yours", "Karras"])  # an older computation's last words


def test_a_failed_row_shows_its_sentence_and_leaves_the_others(page: Page):
    page.click("#fail")
    expect(row(page, "karras").locator(".pic-message")).to_have_text(
        "UniPC cannot run these levels."
    )
    expect(row(page, "karras").locator(".pic-body")).to_be_hidden()
    expect(row(page, "odd").locator(".pic-cell").first).to_be_visible()
    expect(page.locator("#one .pic-finding")).to_have_text("Two of three ran.")


def test_names_are_text_and_nothing_else(page: Page):
    expect(row(page, "odd").locator(".pic-name")).to_have_text(HOSTILE)
    assert page.locator("#one img").count() == 0


def test_every_pixel_of_a_small_picture_is_a_square(page: Page):
    cell = row(page, "yours").locator(".pic-cell").nth(3)
    shown = pixels(cell)
    times = shown.shape[0] / NATIVE
    assert times == round(times) >= 2
    wanted = np.kron(pictures_of(1)[3], np.ones((round(times), round(times), 1))).astype(int)
    inner = slice(8, -8)  # corners are rounded
    assert np.abs(shown - wanted)[inner, inner].max() <= 1


def test_menu_by_keyboard_tells_python_which_row_and_action(page: Page):
    more = row(page, "karras").get_by_role("button", name="Actions for Karras")
    more.press("Enter")
    items = page.locator("#one [role=menuitem]")
    expect(items).to_have_text(["Edit this", "Duplicate as mine", "Export", "Remove"])
    expect(items.first).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("#chosen")).to_contain_text("duplicate")
    expect(page.locator("#chosen")).to_contain_text("karras")
    expect(more).to_be_focused()
    more.press("Enter")
    page.keyboard.press("Escape")
    expect(items.first).to_be_hidden()
    expect(more).to_be_focused()


def test_reference_has_no_menu(page: Page):
    expect(row(page, "reference").locator(".pic-more")).not_to_be_visible()


def test_arrows_move_between_pictures_with_one_tab_stop_a_row(page: Page):
    first = row(page, "yours").locator(".pic-cell").first
    first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    focused = page.evaluate("document.activeElement.getAttribute('aria-label')")
    assert focused == f"Karras, picture 3 of {COUNT}"
    assert row(page, "yours").locator(".pic-cell[tabindex='0']").count() == 1


def test_close_look_shows_the_same_picture_of_every_row(page: Page):
    opener = row(page, "yours").locator(".pic-cell").nth(4)
    opener.click()
    dialog = page.locator("#one dialog")
    expect(dialog.locator("h2")).to_have_text(f"Picture 5 of {COUNT}, seed 10,004")
    page.keyboard.press("ArrowRight")
    expect(dialog.locator("h2")).to_have_text(f"Picture 6 of {COUNT}, seed 10,005")
    cells = dialog.locator(".pic-zoom-cell")
    expect(cells).to_have_count(len(NAMES))
    for i in range(len(NAMES)):
        shown = pixels(cells.nth(i))
        middle = shown[shown.shape[0] // 2 - 60 : shown.shape[0] // 2 + 60, 60:180].reshape(-1, 3)
        colors = {tuple(color) for color in middle}
        assert (20 * i, 50, 200) in colors, f"row {i} does not show its picture 6"
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(opener).to_be_focused()


def test_clouds_show_points_where_they_are_in_the_color_of_the_row(page: Page):
    canvas = row(page, "yours", "two").locator("canvas")
    shown = pixels(canvas)
    size = shown.shape[0]
    at = round(size * 3 / 4), round(size * 1 / 4)  # (1, 1) of the extent -2 … 2, y upwards
    near = shown[at[1] - 2 : at[1] + 3, at[0] - 2 : at[0] + 3].reshape(-1, 3)
    background = shown[size // 2, size // 2]
    orange = np.array([232, 89, 12])
    assert np.abs(near - orange).sum(1).min() < np.abs(background - orange).sum() / 2
    assert not np.array_equal(background, [255, 255, 255]), "the density lies below"
    expect(row(page, "yours", "two").locator(".pic-outside")).to_have_text("1 outside")
    expect(row(page, "reference", "two").locator(".pic-outside")).to_be_hidden()


def test_trajectories_can_be_shown(page: Page):
    canvas = row(page, "odd", "two").locator("canvas")
    before = pixels(canvas)
    page.locator("#two").get_by_role("button", name="Trajectories").click()
    after = pixels(canvas)
    changed = np.abs(after - before).sum(2) > 60
    where = round(3 / 4 * after.shape[0])  # the path runs along y = -1
    assert changed[where - 3 : where + 4].any(0).mean() > 0.4
    assert not changed[: after.shape[0] // 5].any()


def test_dark_theme_repaints_the_clouds(page: Page):
    canvas = row(page, "reference", "two").locator("canvas")
    painted = """canvas => canvas.getContext("2d")
        .getImageData(0, 0, canvas.width, canvas.height).data.reduce((a, b) => a + b)"""
    before = canvas.evaluate(painted)
    page.evaluate("document.body.classList.add('dark')")
    page.wait_for_timeout(100)
    assert canvas.evaluate(painted) > before  # the reference is drawn in the text's colour


def test_another_kind_of_model_starts_afresh(page: Page):
    page.click("#points")
    expect(page.locator("#one .pic-cloud")).to_have_count(len(NAMES))
    expect(page.locator("#one .pic-row .pic-cell")).to_have_count(0)


def test_a_phone_scrolls_the_rows_and_never_the_page(visit, address):
    page = ready(visit(address, viewport=PHONE, device_scale_factor=3, has_touch=True))
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    rows = page.locator("#one .pic-rows")
    assert rows.evaluate("rows => rows.scrollWidth > rows.clientWidth")
    row(page, "yours").locator(".pic-cell").last.focus()
    assert rows.evaluate("rows => rows.scrollLeft") > 0
    expect(row(page, "yours").locator(".pic-name")).to_be_in_viewport()


def test_an_unmounted_view_lets_go(page: Page):
    count = "window.Pictures.instances.size"
    assert page.evaluate(count) == 2
    page.evaluate("document.querySelector('#two').remove()")
    page.wait_for_function(f"{count} === 1")

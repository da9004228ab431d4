"""Film strips in a real browser: frames stand at their noise level, one slider for all rows."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.ui.conftest import PHONE
from tests.ui.views_app import HOSTILE, LEVELS, build


@pytest.fixture(scope="module")
def address(serve) -> str:
    return serve(build())


@pytest.fixture
def page(visit, address) -> Page:
    return ready(visit(address))


def ready(page: Page) -> Page:
    page.get_by_role("tab", name="Films").click()
    expect(page.locator(".fv-root[data-ready]")).to_have_count(2)
    expect(slider(page)).to_be_visible()
    return page


def slider(page: Page, view: str = "film") -> Locator:
    return page.locator(f"#{view} .fv-range")


def told(page: Page, view: str = "film") -> list[str]:
    return page.locator(f"#{view} .fv-told").all_inner_texts()


def ends(page: Page) -> list[list[float]]:
    """Where the leader of every frame ends, in px from the left of its strip."""
    return page.locator("#film .fv-lines").evaluate_all(
        "strips => strips.map(svg => [...svg.children].map(path =>"
        " Number(path.getAttribute('d').match(/L(\\S+)/)[1])))"
    )


def test_frames_stand_at_their_level_and_not_at_their_number(page: Page):
    rows = ends(page)
    for levels, places in zip(LEVELS.values(), rows, strict=True):
        assert len(places) == len(levels)
    at = {
        sigma: x
        for levels, places in zip(LEVELS.values(), rows, strict=True)
        for sigma, x in zip(levels, places, strict=True)
        if sigma > 0
    }
    slope = (at[1.0] - at[10.0]) / math.log(10)  # px for each factor e
    for sigma, x in at.items():
        assert x == pytest.approx(at[10.0] + slope * math.log(10 / sigma), abs=0.5)
    assert rows[0][0] == rows[1][0], "14.6 is at the same place in both rows"
    assert rows[0][-1] > max(at.values()), "0 has a place of its own, after the last level"
    boxes = page.locator("#film .fv-row").nth(1).locator(".fv-thumb")
    places = [box["x"] for i in range(6) if (box := boxes.nth(i).bounding_box())]
    assert all(b - a >= 46 for a, b in pairwise(places)), "frames overlap"


def test_at_first_what_came_out_and_arrows_go_from_level_to_level(page: Page):
    assert told(page) == ["6 of 6, sigma 0", "6 of 6, sigma 0.03", "3 of 3, sigma 0.1"]
    levels = sorted({sigma for row in LEVELS.values() for sigma in row})
    slider(page).focus()
    for sigma in levels[1:]:
        page.keyboard.press("ArrowLeft")
        expect(slider(page)).to_have_attribute("aria-valuetext", f"sigma {sigma:g}")
        wanted = [
            f"{max(i, 1)} of {len(row)}, sigma {row[max(i, 1) - 1]:g}"
            for row in LEVELS.values()
            for i in [sum(level >= sigma for level in row)]
        ]
        assert told(page) == wanted
    page.keyboard.press("ArrowLeft")  # no further
    page.keyboard.press("ArrowRight")
    expect(slider(page)).to_have_attribute("aria-valuetext", f"sigma {levels[-2]:g}")
    page.keyboard.press("End")
    expect(slider(page)).to_have_attribute("aria-valuetext", "the end, sigma 0")


def test_the_frame_in_force_is_shown_large(page: Page):
    slider(page).focus()
    for _ in range(3):
        page.keyboard.press("ArrowLeft")
    shown = page.locator("#film .fv-row").first.locator(".fv-shot")
    expect(shown).to_have_attribute("alt", "Karras, frame 5 of 6, sigma 0.6")
    color = """image => { const c = document.createElement('canvas'), p = c.getContext('2d');
        p.drawImage(image, 0, 0); return [...p.getImageData(2, 2, 1, 1).data].slice(0, 3); }"""
    page.wait_for_function("image => image.complete", arg=shown.element_handle())
    assert shown.evaluate(color) == [100, 80, 0]
    expect(page.locator("#film .fv-row").first.locator(".fv-on")).to_have_count(1)
    expect(page.locator("#film .fv-name").nth(2)).to_have_text(HOSTILE)


def test_a_frame_is_clicked_and_a_strip_is_dragged(page: Page):
    row = page.locator("#film .fv-row").first
    row.locator(".fv-thumb").nth(2).click()
    expect(slider(page)).to_have_attribute("aria-valuetext", "sigma 3.3")
    strip = row.locator(".fv-strip").bounding_box()
    assert strip
    y = strip["y"] + 30
    places = ends(page)[0]
    page.mouse.move(strip["x"] + places[0], y)
    page.mouse.down()
    page.mouse.move(strip["x"] + places[3], y, steps=4)  # 1.1
    page.mouse.up()
    page.mouse.move(strip["x"] + places[0], y)
    value = float(slider(page).get_attribute("aria-valuetext").removeprefix("sigma "))
    assert value == pytest.approx(1.1, rel=0.05)
    knob = slider(page).evaluate(
        "range => { const box = range.getBoundingClientRect();"
        " return box.left + 8 + (box.width - 16) * range.value / range.max; }"
    )
    assert knob == pytest.approx(strip["x"] + places[3], abs=3), "the slider is the axis"


def test_clouds_show_their_way_up_to_the_level(page: Page):
    canvas = page.locator("#clouds .fv-row").first.locator(".fv-shot")
    canvas.scroll_into_view_if_needed()
    reach = """canvas => { const w = canvas.width, h = canvas.height;
        const data = canvas.getContext('2d').getImageData(0, Math.round(h * 3 / 4) - 1, w, 3).data;
        let last = 0; for (let i = 0; i < data.length; i += 4)
          if (data[i + 3] > 180) last = Math.max(last, (i / 4) % w);
        return 4 * last / w - 2; }"""
    assert canvas.evaluate(reach) == pytest.approx(1.5, abs=0.08)
    slider(page, "clouds").focus()
    for _ in range(3):
        page.keyboard.press("ArrowLeft")
    assert told(page, "clouds")[0] == "5 of 6, sigma 0.6"
    assert canvas.evaluate(reach) == pytest.approx(1.0, abs=0.08)


def test_a_phone_has_room_for_all(visit, address):
    page = ready(visit(address, viewport=PHONE, has_touch=True, is_mobile=True))
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    row = page.locator("#film .fv-row").first
    row.locator(".fv-thumb").nth(3).tap()
    expect(slider(page)).to_have_attribute("aria-valuetext", "sigma 1.1")
    box = row.locator(".fv-thumb").last.bounding_box()
    assert box and box["x"] + box["width"] <= PHONE["width"]


def test_an_unmounted_view_lets_go(page: Page):
    page.evaluate("document.querySelector('#film').remove()")
    page.wait_for_function("window.FilmView.instances.size === 1")

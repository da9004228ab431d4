"""What stands on the axes, behind the curve and below it."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from playwright.sync_api import Page, expect

from tests.ui.editor.hands import (
    axis,
    drag,
    editor,
    handles,
    hold,
    middle,
    only,
    push,
    saw,
    sigmas,
    silent,
    tip,
    tool,
)
from tests.ui.editor_app import HOSTILE, START, exponential


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

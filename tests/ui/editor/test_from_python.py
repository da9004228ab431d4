"""What Python sends to an editor, and what Python sees of it."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.ui.editor.hands import (
    EDITOR,
    SILENCE,
    drag,
    editor,
    handles,
    hold,
    middle,
    plots,
    push,
    said,
    saw,
    sigmas,
    silent,
    tool,
)
from tests.ui.editor_app import START, exponential, karras


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
    with page.expect_response("**/queue/join*"):  # or the second may overtake it on the way
        push(page, "longer")
    push(page, "exponential")
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


def test_a_late_answer_never_overrides_an_edit_made_since_it_was_asked_for(page: Page):
    drag(page, 3, -10)
    saw(page, 1)
    push(page, "late")
    drag(page, 4, -10)
    dragged = sigmas(page)
    stale = editor(page, "stats.stale")
    page.wait_for_function(f"{EDITOR.format('#one')}.stats.stale > {stale}")
    saw(page, 2)
    assert sigmas(page) == dragged
    push(page, "late")
    page.wait_for_function(f"`${{{EDITOR.format('#one')}.sigmas}}` === `${{{exponential(10)}}}`")


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

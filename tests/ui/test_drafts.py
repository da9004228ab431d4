"""What one was doing: it is there again after a reload, and each window has its own."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.ui.conftest import DESKTOP
from tests.ui.hands import became, undo
from tests.ui.test_studio import (
    SIGMAS,
    choose,
    drag,
    opened,
    row,
    settled,
    studio,
    unfold,
)

__all__ = ["studio"]  # the fixture

expect.set_options(timeout=30_000)


def test_a_draft_survives_and_goes_back_to_what_was_chosen(studio: Page):
    before = studio.evaluate(SIGMAS)
    choose(studio, "start", "Cosine (arctan)")
    studio.wait_for_function(f"was => ({SIGMAS})()[1] !== was", arg=before[1])
    settled(studio)
    chosen = studio.evaluate(SIGMAS)
    drag(studio, 2, 14)
    expect(row(studio, "edited")).to_be_visible()
    settled(studio)
    dragged = studio.evaluate(SIGMAS)
    studio.wait_for_timeout(300)  # for the browser to store it
    studio.reload()
    studio.wait_for_selector("#editor .se-root[data-ready]")
    became(studio, dragged)
    settled(studio)
    undo(studio)
    expect(studio.locator("#editor .se-said")).to_have_text("Nothing to undo")  # it is no step
    unfold(studio, "operations")
    studio.locator("#reset").click()
    became(studio, chosen)
    expect(row(studio, "Yours: Cosine")).to_be_visible()


def test_the_last_edit_before_a_reload_is_kept(chromium, studio_url):
    """A page that is left in the middle of things logs that; nothing else is different here."""
    context = chromium.new_context(viewport=DESKTOP)
    page = context.new_page()
    page.goto(studio_url)
    opened(page)
    drag(page, 3, -6)
    dragged = page.evaluate(SIGMAS)
    page.reload()
    page.wait_for_selector("#editor .se-root[data-ready]")
    became(page, dragged)
    context.close()


def test_two_windows_keep_their_own_drafts(studio: Page):
    drag(studio, 3, -6)
    expect(row(studio, "edited")).to_be_visible()
    settled(studio)
    here = studio.evaluate(SIGMAS)
    other = studio.context.new_page()
    other.goto(studio.url)
    other.wait_for_selector("#editor .se-root[data-ready]")
    became(other, here)  # a new window begins with the newest draft
    settled(other)
    drag(other, 2, -6)
    expect(row(other, "edited")).to_be_visible()
    settled(other)
    there = other.evaluate(SIGMAS)
    assert there != here
    other.wait_for_function(
        "want => JSON.stringify(JSON.parse(sessionStorage.getItem("
        "'ays-studio-draft')).sigmas) === JSON.stringify(want)",
        arg=there,
    )
    for page, levels in ((studio, here), (other, there)):
        page.reload()
        page.wait_for_selector("#editor .se-root[data-ready]")
        became(page, levels)
        settled(page)

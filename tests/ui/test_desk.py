"""The curve on the Studio's desk: what one does with it, in the app itself."""

from __future__ import annotations

import contextlib
import json
import re
import urllib.request

import pytest
from playwright.sync_api import Page, expect

from ays_core import editing
from ays_core.interop import DIALECTS
from ays_core.models import MODELS
from ays_core.schedule import Schedule
from ays_core.schedules import SCHEDULES
from components import static
from tests.ui.accessibility import violations
from tests.ui.conftest import DESKTOP
from tests.ui.test_studio import (
    POINTS,
    SIGMAS,
    choose,
    drag,
    opened,
    resting,
    row,
    set_number,
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


def became(page: Page, levels: list[float]) -> None:
    """The curve is at these levels."""
    page.wait_for_function(
        f"want => {{ const now = ({SIGMAS})(); return now.length === want.length"
        " && now.every((v, i) => Math.abs(v - want[i]) <= 1e-9 * (1 + want[i])); }",
        arg=levels,
    )


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


def test_the_table_edits_the_curve_and_refuses_in_words(studio: Page):
    before = studio.evaluate(SIGMAS)
    unfold(studio, "numbers")
    cell = studio.locator("#table [data-testid=cell-2-1]")
    typed(studio, cell, str(wanted := round(before[2] * 1.05, 4)))
    became(studio, [*before[:2], wanted, *before[3:]])
    settled(studio)
    said = studio.locator("#table-said")
    for text, words in (
        ("500", "Level 2 (500) is above level 1"),
        ("much", "Level 2 is not a number: 'much'"),
    ):
        typed(studio, cell, text)
        expect(said).to_contain_text(words)
        expect(cell).to_contain_text(str(wanted))  # put back
    expect(studio.get_by_test_id("toast-body")).to_have_count(0)
    assert studio.evaluate(SIGMAS)[2] == wanted
    studio.locator("#editor [data-cmd=undo]").click()
    became(studio, before)


def test_rows_of_the_table_are_levels_and_its_columns_stay(studio: Page):
    before = studio.evaluate(SIGMAS)
    unfold(studio, "numbers")
    middle = float(f"{(before[1] * before[2]) ** 0.5:.6g}")
    menu(studio, "Add row above")
    became(studio, [*before[:2], middle, *before[2:]])
    expect(studio.locator("#table [data-testid=cell-2-1]")).to_contain_text(f"{middle:g}")
    menu(studio, "Delete row")
    became(studio, before)
    for refused in ("Add column to the right", "Delete column"):
        menu(studio, refused)
        expect(studio.locator("#table-said")).to_contain_text("columns step and sigma")
        expect(studio.locator("#table [role=columnheader]")).to_contain_text(["step", "sigma"])
    became(studio, before)
    expect(studio.get_by_test_id("toast-body")).to_have_count(0)


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


def copied(page: Page) -> list[float]:
    """The levels that Python has, as the box to copy from shows them."""
    return [float(v) for v in page.locator("#copied .cm-content").inner_text().split()]


def agree(page: Page, levels: list[float]) -> None:
    """The curve is at these levels, and so is Python."""
    became(page, levels)
    for _ in range(100):
        if copied(page) == pytest.approx(levels, rel=1e-9):
            break
        page.wait_for_timeout(100)
    became(page, copied(page))
    assert copied(page) == pytest.approx(levels, rel=1e-9)


def undo(page: Page) -> None:
    page.locator("#editor .se-handle[tabindex='0']").focus()
    page.keyboard.press("Control+z")


def smoothed(levels: list[float]) -> list[float]:
    return list(editing.smooth(Schedule(tuple(levels))).sigmas)


def test_an_edit_and_what_follows_at_once_are_both_kept(studio: Page):
    choose(studio, "model", POINTS)  # whose rows take no time
    expect(studio.locator("#rows canvas").first).to_be_visible()
    settled(studio)
    unfold(studio, "operations")
    unfold(studio, "paste-copy")
    smooth = studio.get_by_role("button", name="Smooth", exact=True)
    dice, seed = studio.get_by_role("button", name="New seed"), studio.locator("#seed input").first
    for k in range(3):
        drag(studio, 3, -8 if k % 2 else 8)
        dragged = studio.evaluate(SIGMAS)
        smooth.dispatch_event("click")
        agree(studio, smoothed(dragged))
        drag(studio, 3, -6)
        dragged, before = studio.evaluate(SIGMAS), seed.input_value()
        dice.dispatch_event("click")
        expect(seed).not_to_have_value(before)
        agree(studio, dragged)
    for solver, steps in (("Heun", 7), ("UniPC", 8)):
        studio.locator("#editor .se-handle").nth(3).focus()
        studio.keyboard.press("Insert")
        inserted = studio.evaluate(SIGMAS)
        choose(studio, "solver", solver)  # whose step count is older than the curve
        agree(studio, inserted)
        expect(studio.locator("#steps input").first).to_have_value(str(steps))
        expect(studio.locator("#solver input")).to_have_value(solver)


def test_operations_in_a_hurry_are_each_done_and_undone(studio: Page):
    before = studio.evaluate(SIGMAS)
    unfold(studio, "operations")
    for _ in range(3):
        studio.get_by_role("button", name="Smooth", exact=True).dispatch_event("click")
    wanted = [before]
    for _ in range(3):
        wanted.append(smoothed(wanted[-1]))
    for levels in reversed(wanted):
        became(studio, levels)
        undo(studio)
    expect(studio.locator("#editor .se-said")).to_have_text("Nothing to undo")


def test_resampling_snapping_and_the_way_back(studio: Page):
    choose(studio, "model", POINTS)  # whose rows take no time
    expect(studio.locator("#rows .pic-root[data-kind=points]")).to_be_visible()
    settled(studio)
    before = studio.evaluate(SIGMAS)
    unfold(studio, "operations")
    for reading, others in (("log-linear", None), ("monotone", "log-linear")):
        studio.get_by_label(reading, exact=True).check()
        set_number(studio, "resample-to", 11)
        studio.locator("#resample").click()
        studio.wait_for_function(f"() => ({SIGMAS})().length === 12")
        settled(studio)
        made = studio.evaluate(SIGMAS)
        assert (made[0], made[-1]) == (before[0], before[-1])
        if others:
            assert made != studio.evaluate("window.first")
        studio.evaluate("made => { window.first = made; }", made)
        studio.locator("#reset").click()
        became(studio, before)
        settled(studio)
    drag(studio, 2, -12)
    settled(studio)
    dragged = studio.evaluate(SIGMAS)
    studio.get_by_role("button", name="Snap to timesteps").click()
    studio.wait_for_function(f"was => ({SIGMAS})()[2] !== was", arg=dragged[2])
    studio.locator("#editor").get_by_label("Vertical axis").select_option("time")
    said = studio.locator("#editor .se-handle").nth(2).get_attribute("aria-valuetext")
    assert said and "timestep" in said
    settled(studio)
    studio.locator("#reset").click()
    became(studio, before)
    studio.locator("#editor [data-cmd=undo]").click()
    studio.locator("#editor [data-cmd=undo]").click()
    became(studio, dragged)


def blended(levels: list[float], others: list[float]) -> list[float]:
    return [*((a * b) ** 0.5 for a, b in zip(levels[:-1], others, strict=False)), 0.0]


def test_smooth_blend_scale_split_and_join(studio: Page):
    first = studio.evaluate(SIGMAS)
    spec = MODELS["scenes"].spec
    karras = list(SCHEDULES["karras"].make(6, spec).sigmas)
    unfold(studio, "operations")
    wanted = {
        "Smooth": smoothed(first),
        "Blend": blended(first, karras),
        "Keep the part above it": first[:3],
        "Keep the part below it": first[2:],
        "Replace the part below it with Karras": [
            *first[:3],
            *(sigma for sigma in karras if sigma < first[2]),
        ],
    }
    for name, levels in wanted.items():
        studio.get_by_role("button", name=name, exact=True).click()
        became(studio, levels)
        undo(studio)
        became(studio, first)
        agreed(studio, 6)
    studio.locator("#scale-max input").fill("40")
    studio.locator("#scale-min input").fill("0.1")
    studio.locator("#scale-min input").press("Tab")
    studio.get_by_role("button", name="Scale", exact=True).click()
    studio.wait_for_function(f"() => Math.abs(({SIGMAS})()[0] - 40) < 1e-9")
    assert studio.evaluate(SIGMAS)[-2:] == pytest.approx([0.1, 0])


def agreed(page: Page, steps: int) -> None:
    """Python has heard of the curve's steps."""
    expect(page.locator("#steps input").first).to_have_value(str(steps))


def test_a_final_zero_is_dropped_appended_and_put_in_place(studio: Page):
    first = studio.evaluate(SIGMAS)
    unfold(studio, "operations")
    toast = studio.get_by_test_id("toast-body")

    def press(name: str) -> None:
        studio.get_by_role("button", name=name, exact=True).click()

    for again in ("Append a final 0", "Last level to 0"):
        press(again)
        expect(toast.first).to_contain_text("The schedule ends in 0 already")
        studio.get_by_test_id("toast-close").first.click()
        expect(toast).to_have_count(0)
    press("Drop the final 0")
    became(studio, first[:-1])
    press("Drop the final 0")
    expect(toast.first).to_contain_text("The schedule has no final 0")
    studio.get_by_test_id("toast-close").first.click()
    press("Last level to 0")
    became(studio, [*first[:-2], 0])
    undo(studio)
    became(studio, first[:-1])
    agreed(studio, 5)
    press("Append a final 0")
    became(studio, first)


@pytest.mark.parametrize(
    ("field", "text", "button", "words"),
    [
        ("steps", "0", None, "Steps is 0: give a whole number from 1 to 199"),
        ("seed", "", None, "Seed is empty: give a whole number"),
        ("resample-to", "500", "Resample", "Steps is 500: give a whole number from 1 to 199"),
        ("scale-min", "0", "Scale", "New σ min is 0: this model knows levels from 0.02 to 80"),
        ("scale-max", "900", "Scale", "New σ max is 900: this model knows levels"),
        ("cut-at", "", "Keep the part above it", "Level is empty: give a whole number from 1 to 5"),
        ("formula", "__import__ + 1", "Use formula", "Unknown name '__import__'"),
        ("formula", "<b>u</b>", "Use formula", "'<'"),
        ("pasted", "80, *five*, 1", "Use these levels", "Value 2 is not a number: '*five*'"),
    ],
)
def test_a_refusal_stands_at_its_field(studio: Page, field, text, button, words):
    for accordion in ("operations", "paste-copy"):
        unfold(studio, accordion)
    before = studio.evaluate(SIGMAS)
    box = studio.locator(f"#{field}").locator("textarea, input").first
    box.fill(text)
    box.press("Tab")
    if button:
        studio.get_by_role("button", name=button, exact=True).click()
    expect(box).to_have_attribute("aria-invalid", "true")
    told = studio.locator(f"[id='{box.get_attribute('aria-describedby')}']")
    expect(told).to_have_class(re.compile("fw-wrong"))
    expect(told).to_contain_text(words)
    expect(told).to_have_attribute("aria-live", "polite")
    assert told.locator("*").count() == 0  # text, whatever was typed
    expect(studio.get_by_test_id("toast-body")).to_have_count(0)
    assert studio.evaluate(SIGMAS) == before


def test_a_formula_is_refused_at_its_field_while_it_is_typed(studio: Page):
    unfold(studio, "operations")
    formula = studio.locator("#formula").locator("textarea, input").first
    formula.fill("sigma_max * wrong")
    expect(studio.locator("#formula-said")).to_contain_text("Unknown name 'wrong'")
    expect(formula).to_have_attribute("aria-invalid", "true")
    formula.fill("sigma_max * (1 - u) + sigma_min")
    expect(studio.locator("#formula-said output")).to_be_empty()
    expect(formula).to_have_attribute("aria-invalid", "false")


# ------------------------------------------------------------------------------ paste and copy


def test_what_is_copied_is_what_the_target_runs(studio: Page):
    levels = studio.evaluate(SIGMAS)
    unfold(studio, "paste-copy")
    shown = studio.locator("#copied .cm-content")
    for dialect in DIALECTS.values():
        choose(studio, "dialect", dialect.label)
        studio.wait_for_function("() => document.querySelector('#copied .cm-content')")
        expect(shown).to_contain_text(BEGINS.get(dialect.key, ""))
        for _ in range(50):  # until the page shows this dialect and no longer the one before
            text = studio.evaluate("document.querySelector('#copied .cm-content').innerText")
            with contextlib.suppress(ValueError):
                if dialect.read(text.strip()) == pytest.approx(levels, rel=1e-6):
                    break
            studio.wait_for_timeout(200)
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


# -------------------------------------------------------------------------------------- drafts


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


# ----------------------------------------------------------------------------------- endpoints

HOSTILE = {
    '{"sigmas": [10, NaN, 0.1]}': "level 1 is nan",
    '{"sigmas": [1e400, 1]}': "level 0 is inf",
    '{"sigmas": "10, 1"}': "levels must be a list",
    '{"sigmas": ["10", 1]}': "level 0 is not a number",
    '{"sigmas": [10, 10, 1]}': "levels 0 and 1 are equal",
    '{"sigmas": [1, 2]}': "levels must decrease",
    '{"sigmas": [500, 1]}': "above",
    '{"sigmas": [2, -1]}': "negative",
    '{"sigmas": []}': "at least 2 levels",
    json.dumps({"sigmas": list(range(10_000, 0, -1))}): "at most 1001 levels",
    json.dumps({"sigmas": [60 - i / 10 for i in range(300)]}): "300 levels; here at most 200",
    "null": "levels must be a list",
    '"${alert(1)}"': "levels must be a list",
}


@pytest.mark.parametrize("sent", HOSTILE, ids=lambda sent: sent[:30])
def test_a_client_that_sends_anything_is_answered_in_the_same_words(studio_url, sent):
    address = f"{studio_url}gradio_api/call/edit"
    body, kind = f'{{"data": [{sent}]}}'.encode(), {"content-type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(address, body, kind)) as asked:
        number = json.load(asked)["event_id"]
    with urllib.request.urlopen(f"{address}/{number}") as answer:
        event, data = answer.read().decode().split("\ndata: ", 1)
    assert event == "event: error" and HOSTILE[sent] in json.loads(data)["error"]


def test_the_page_itself_is_sent_compressed(studio_url):
    squeezed = urllib.request.Request(studio_url, headers={"accept-encoding": "gzip"})
    with urllib.request.urlopen(squeezed) as answer:
        assert answer.headers["content-encoding"] == "gzip" and len(answer.read()) < 60_000


def test_plotly_is_sent_as_it_was_compressed_once_to_clients_without_brotli(studio_url):
    address = re.search(r'src="([^"]*)"', static.head(static.PLOTLY))
    assert address
    squeezed = urllib.request.Request(studio_url + address[1], headers={"accept-encoding": "gzip"})
    with urllib.request.urlopen(squeezed) as answer:
        assert answer.headers["content-encoding"] == "gzip"
        assert answer.read() == static._compressed(static.PLOTLY, "gzip")


# ---------------------------------------------------------------------------------- look, axe


def test_axe_finds_nothing_serious_with_errors_shown_and_menus_open(studio: Page):
    for accordion in ("numbers", "paste-copy", "operations"):
        unfold(studio, accordion)
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


def test_axe_finds_nothing_serious_in_any_tab(studio: Page):
    for name in ("Studio", "Compare", "Learn", "Library", "About"):
        tab = studio.get_by_role("tab", name=name, exact=True)
        tab.click()
        expect(tab).to_have_attribute("aria-selected", "true")
        if name == "Compare":
            expect(studio.locator("#grid-view [data-state=done]").first).to_be_visible()
        assert violations(studio) == [], name


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

"""What is done to the whole curve at once: operations, and their refusals."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from ays_core import editing
from ays_core.models import MODELS
from ays_core.schedule import Schedule
from ays_core.schedules import SCHEDULES
from tests.ui.hands import became, copied, undo
from tests.ui.test_studio import (
    POINTS,
    SIGMAS,
    choose,
    drag,
    resting,
    set_number,
    settled,
    studio,
    unfold,
)

__all__ = ["resting", "studio"]  # the fixtures

expect.set_options(timeout=30_000)


def agree(page: Page, levels: list[float]) -> None:
    """The curve is at these levels, and so is Python."""
    became(page, levels)
    for _ in range(100):
        if copied(page) == pytest.approx(levels, rel=1e-9):
            break
        page.wait_for_timeout(100)
    became(page, copied(page))
    assert copied(page) == pytest.approx(levels, rel=1e-9)


def smoothed(levels: list[float]) -> list[float]:
    return list(editing.smooth(Schedule(tuple(levels))).sigmas)


def test_an_edit_and_what_follows_at_once_are_both_kept(studio: Page):
    choose(studio, "model", POINTS)  # whose rows take no time
    expect(studio.locator("#rows canvas").first).to_be_visible()
    settled(studio)
    unfold(studio, "operations")
    unfold(studio, "paste-copy")
    smooth = studio.get_by_role("button", name="Smooth", exact=True)
    smooth.click(trial=True)
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
    smooth = studio.get_by_role("button", name="Smooth", exact=True)
    smooth.click(trial=True)  # it is there and stands still, as for whoever presses it
    for _ in range(3):
        smooth.dispatch_event("click")
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
def test_a_refusal_stands_at_its_field(resting: Page, field, text, button, words):
    for accordion in ("operations", "paste-copy"):
        unfold(resting, accordion)
    before = resting.evaluate(SIGMAS)
    box = resting.locator(f"#{field}").locator("textarea, input").first
    was = box.input_value()
    box.fill(text)
    box.press("Tab")
    if button:
        resting.get_by_role("button", name=button, exact=True).click()
    expect(box).to_have_attribute("aria-invalid", "true")
    told = resting.locator(f"[id='{box.get_attribute('aria-describedby')}']")
    expect(told).to_have_class(re.compile("fw-wrong"))
    expect(told).to_contain_text(words)
    expect(told).to_have_attribute("aria-live", "polite")
    assert told.locator("*").count() == 0  # text, whatever was typed
    expect(resting.get_by_test_id("toast-body")).to_have_count(0)
    assert resting.evaluate(SIGMAS) == before
    box.fill(was)
    box.press("Tab")


SLOW = """() => { const ask = window.fetch; window.fetch = async (...request) => {
  await new Promise((resolve) => setTimeout(resolve, 400)); return ask(...request); }; }"""


def test_an_operation_takes_what_stood_at_its_field_when_it_was_pressed(studio: Page):
    first = studio.evaluate(SIGMAS)
    unfold(studio, "operations")
    studio.evaluate(SLOW)
    level = studio.locator("#cut-at input")
    level.fill("3")
    studio.get_by_role("button", name="Keep the part above it", exact=True).click()
    level.fill("1")
    became(studio, first[:4])
    studio.get_by_role("button", name="Keep the part below it", exact=True).click()
    became(studio, first[1:4])


def test_a_formula_is_refused_at_its_field_while_it_is_typed(resting: Page):
    unfold(resting, "operations")
    formula = resting.locator("#formula").locator("textarea, input").first
    formula.fill("sigma_max * wrong")
    expect(resting.locator("#formula-said")).to_contain_text("Unknown name 'wrong'")
    expect(formula).to_have_attribute("aria-invalid", "true")
    formula.fill("sigma_max * (1 - u) + sigma_min")
    expect(resting.locator("#formula-said output")).to_be_empty()
    expect(formula).to_have_attribute("aria-invalid", "false")

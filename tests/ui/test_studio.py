"""The whole app in a browser: what a visitor does in the first minutes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from ays_core.optimizers import OPTIMIZERS
from ays_core.params import adjustable
from tests.ui.chromium import COUNT_PLOTS
from tests.ui.conftest import ROOT, visits

expect.set_options(timeout=30_000)  # a slow machine is no failure

SIGMAS = "() => [...ScheduleEditor.instances][0].sigmas"
SAME = f"want => JSON.stringify(({SIGMAS})()) === JSON.stringify(want)"
STORED = "localStorage.getItem('ays-studio-draft')"
POINTS = "Ring of 8 Gaussians"
BOARDS = ROOT / "assets" / "leaderboard"


@pytest.fixture
def studio(visit, studio_url) -> Page:
    return opened(visit(studio_url, script=COUNT_PLOTS))


@pytest.fixture(scope="module")
def resting(visitors, studio_url) -> Iterator[Page]:
    """One page for tests that leave it as it was."""
    with visits(visitors) as open_page:
        yield opened(open_page(studio_url))


def opened(page: Page) -> Page:
    page.wait_for_selector("#editor .se-root[data-ready]", timeout=30_000)
    settled(page)
    return page


def settled(page: Page) -> None:
    """Wait until every row has been computed."""
    page.wait_for_function(
        "() => { const l = document.querySelector('#rows [aria-busy]');"
        " return l && l.getAttribute('aria-busy') === 'false'"
        " && document.querySelectorAll('#rows .pic-row').length > 1"
        " && !document.querySelector('#rows :is([data-state=waiting], [data-state=running])'); }",
        timeout=60_000,
    )


def row(page: Page, name: str):
    return page.locator("#rows .pic-row", has=page.locator(".pic-name", has_text=name)).first


def error_of(page: Page, name: str) -> float:
    text = row(page, name).locator(".pic-error b").inner_text()
    return float(text)


def drag(page: Page, i: int, dy: float) -> None:
    handle = page.locator("#editor .se-handle").nth(i).locator(".se-reach")
    box = handle.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    for k in range(1, 9):
        page.mouse.move(x, y + dy * k / 8)
    page.mouse.up()


def choose(page: Page, control: str, option: str) -> None:
    page.locator(f"#{control} input").click()
    page.get_by_role("option", name=option, exact=True).click()


def unfold(page: Page, accordion: str) -> None:
    """Opens what is folded; what is open stays so."""
    label = page.locator(f"#{accordion} button").first
    if "open" not in (label.get_attribute("class") or "").split():
        label.click()


def set_number(page: Page, control: str, value: object) -> None:
    field = page.locator(f"#{control} input").first
    field.fill(str(value))
    field.press("Enter")


def test_it_opens_with_a_comparison_and_says_what_it_found(resting):
    assert row(resting, "Reference").inner_text().count("calls") == 1
    assert resting.locator("#rows .pic-row").count() >= 4
    finding = resting.locator("#rows .pic-finding").inner_text()
    assert "closest to the reference" in finding and "not used to optimise" in finding


def test_a_schedule_found_for_these_steps_is_no_choice_for_others(studio):
    chips = studio.locator("#choices .token")
    before = chips.all_inner_texts()
    assert any(chip.startswith("OSS for") for chip in before)
    set_number(studio, "steps", 4)
    expect(chips.filter(has_text="OSS for")).to_have_count(0)
    chips.last.locator(".token-remove").click()
    expect(chips).to_have_count(len(before) - 2)
    set_number(studio, "steps", 6)
    expect(chips.filter(has_text="OSS for")).to_have_count(1)
    expect(chips).to_have_count(len(before) - 1)


def test_a_dragged_level_changes_its_row_and_the_table_and_nothing_else(studio):
    before, others = studio.evaluate(SIGMAS), error_of(studio, "Karras")
    was = error_of(studio, "Yours")
    drag(studio, 2, -25)
    expect(row(studio, "edited")).to_be_visible()
    settled(studio)
    after = studio.evaluate(SIGMAS)
    assert after[2] > before[2] and after[:2] == before[:2] and after[3:] == before[3:]
    assert error_of(studio, "Yours") != was and error_of(studio, "Karras") == others
    studio.locator("#numbers button").first.click()
    cell = studio.locator("#table [data-testid=cell-2-1]")
    assert float(cell.inner_text()) == pytest.approx(after[2], rel=1e-3)
    studio.locator("#editor [data-cmd=undo]").click()
    settled(studio)
    assert studio.evaluate(SIGMAS) == before


def test_model_solver_and_steps_each_recompute_every_row(studio):
    choose(studio, "model", POINTS)
    expect(studio.locator("#rows canvas").first).to_be_visible()
    settled(studio)
    set_number(studio, "steps", 8)
    expect(row(studio, "Karras").get_by_text("8 calls")).to_be_visible()
    assert len(studio.evaluate(SIGMAS)) == 9
    choose(studio, "solver", "Heun")
    expect(row(studio, "Karras").get_by_text("15 calls")).to_be_visible()


def test_optimising_moves_the_curve_and_lowers_the_error(studio):
    choose(studio, "model", POINTS)
    expect(studio.locator("#rows .pic-root[data-kind=points]")).to_be_visible()
    settled(studio)
    before, levels = error_of(studio, "Yours"), studio.evaluate(SIGMAS)
    studio.locator("#optimize").click()
    expect(row(studio, "OSS")).to_be_visible(timeout=60_000)
    settled(studio)
    assert studio.evaluate(SIGMAS) != levels
    assert error_of(studio, "Yours") < before


def test_stop_ends_a_search_and_leaves_the_page_alive(studio):
    studio.locator("#optimize").click()
    expect(studio.locator("#search .js-plotly-plot")).to_be_visible(timeout=30_000)
    studio.locator("#stop").click()
    choose(studio, "solver", "Heun")
    expect(row(studio, "Karras").get_by_text("11 calls")).to_be_visible()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("10, 5, nan, 0", "nan"),
        ("10, five, 1", "five"),
        ("10, 5, 5, 1", "equal"),
        ("3, 2, 0, 1", "0"),
        ("7", "at least 2"),
        ("200, 10, 1, 0", "200"),
        ("10, -1", "negative"),
    ],
)
def test_a_bad_list_is_refused_in_words_and_the_last_good_one_stays(resting, text, says):
    before = resting.evaluate(SIGMAS)
    unfold(resting, "paste-copy")
    resting.locator("#pasted textarea").fill(text)
    resting.locator("#paste").click()
    expect(resting.locator("#diagnosis")).to_contain_text(says)
    expect(resting.locator("#diagnosis")).to_contain_text("Not used")
    assert resting.evaluate(SIGMAS) == before


def test_a_pasted_list_becomes_the_curve(studio):
    unfold(studio, "paste-copy")
    studio.locator("#pasted textarea").fill("[14.615, 6.475, 3.861, 1.396, 0.652, 0.152, 0]")
    studio.locator("#paste").click()
    studio.wait_for_function(f"() => ({SIGMAS})()[1] === 6.475")
    settled(studio)
    expect(row(studio, "pasted")).to_be_visible()


def test_a_phone_shows_everything_without_scrolling_sideways(visit, studio_url):
    page = opened(visit(studio_url, viewport={"width": 390, "height": 844}))
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390


def test_a_reload_brings_back_what_one_was_doing(studio, studio_url):
    choose(studio, "model", POINTS)
    settled(studio)
    choose(studio, "solver", "DPM++ 2M")
    set_number(studio, "steps", 7)
    expect(row(studio, "Karras").get_by_text("7 calls")).to_be_visible()
    settled(studio)
    stored = studio.evaluate(STORED)
    drag(studio, 3, 15)
    expect(row(studio, "edited")).to_be_visible()
    settled(studio)
    levels = studio.evaluate(SIGMAS)
    studio.wait_for_function(f"before => {STORED} !== before", arg=stored)
    studio.reload()
    studio.wait_for_selector("#editor .se-root[data-ready]", timeout=30_000)
    studio.wait_for_function(SAME, arg=levels)
    expect(studio.locator("#solver input")).to_have_value("DPM++ 2M")
    expect(studio.locator("#model input")).to_have_value(POINTS)
    settled(studio)
    expect(row(studio, "Karras").get_by_text("7 calls")).to_be_visible()


def test_every_optimizer_shows_its_own_parameters_and_what_it_would_cost(resting):
    resting.locator("#parameters button").first.click()
    for entry in OPTIMIZERS.values():
        choose(resting, "method", entry.label)
        for parameter in adjustable(entry.make):
            expect(resting.locator(f"#param-{parameter.name}")).to_be_visible()
        expect(resting.locator("#cost")).to_contain_text("evaluations")


def test_a_row_can_be_edited_and_removed_from_its_menu(studio):
    row(studio, "Karras").locator(".pic-more").click()
    studio.get_by_role("menuitem", name="Edit").click()
    expect(row(studio, "Yours: Karras")).to_be_visible()
    settled(studio)
    row(studio, "Cosine").locator(".pic-more").click()
    studio.get_by_role("menuitem", name="Remove").click()
    expect(row(studio, "Cosine")).to_have_count(0)


def test_each_operation_is_one_undo_step(studio):
    choose(studio, "model", POINTS)  # whose ranges are searched in no time
    expect(studio.locator("#rows canvas").first).to_be_visible()
    settled(studio)
    before = studio.evaluate(SIGMAS)
    unfold(studio, "operations")
    studio.get_by_role("button", name="Halve every step").click()
    studio.wait_for_function(f"n => ({SIGMAS})().length > n", arg=len(before))
    settled(studio)
    formula = studio.locator("#formula").locator("textarea, input").first
    formula.fill("sigma_max * (1 - u)^2 + sigma_min")
    studio.locator("#use-formula").click()
    yours = row(studio, "Yours")
    expect(yours.locator(".pic-name")).to_contain_text("formula", ignore_case=True)
    expect(yours).to_have_attribute("data-state", "done")  # another row still searches its range
    formula.fill("__import__('os')")
    studio.locator("#use-formula").click()
    expect(studio.get_by_text("character").first).to_be_visible()
    studio.locator("#editor [data-cmd=undo]").click()
    studio.locator("#editor [data-cmd=undo]").click()
    studio.wait_for_function(
        f"want => JSON.stringify(({SIGMAS})()) === JSON.stringify(want)", arg=before
    )


def test_about_shows_the_leaderboard_of_every_model(resting):
    resting.get_by_role("tab", name="About", exact=True).click()
    boards = resting.locator("#leaderboard details.board")
    expect(boards).to_have_count(len(list(BOARDS.glob("*.json"))))
    nodes = "document.querySelectorAll('#leaderboard *').length"
    before = resting.evaluate(nodes)
    assert before < 10 * boards.count()  # the tables, thousands of cells, come when one looks
    boards.last.locator("summary").first.click()
    expect(boards.last).to_contain_text("papers over oracle")
    boards.last.get_by_text("Every schedule").click()
    expect(boards.last.locator("table").last).to_contain_text("Oracle")
    opened = resting.evaluate(nodes)
    boards.last.locator("summary").first.click()
    boards.last.locator("summary").first.click()  # again: nothing is added twice
    expect(boards.last.locator("table").last).to_be_visible()
    assert resting.evaluate(nodes) == opened > before
    resting.get_by_role("tab", name="Studio", exact=True).click()

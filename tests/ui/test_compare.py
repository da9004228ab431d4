"""The Compare tab of the app: build a grid, look closely, film, measure, judge blind, take away."""

from __future__ import annotations

import base64
import io
import json
import re
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from ays_core.__main__ import main
from ays_core.grid import Grid
from tests.ui.accessibility import violations
from tests.ui.conftest import PHONE

expect.set_options(timeout=30_000)  # a slow machine is no failure

CELLS = "#grid-view .gv-cell"


@pytest.fixture
def compare(visit, studio_url) -> Page:
    return opened(visit(studio_url))


@pytest.fixture
def resting(visitor: Page) -> Page:
    """One page for tests that leave its grid as it was."""
    visitor.get_by_role("tab", name="The way", exact=True).click()
    return visitor


def opened(page: Page) -> Page:
    page.wait_for_selector("#editor .se-root[data-ready]", timeout=30_000)
    open_tab(page)
    return page


def open_tab(page: Page) -> None:
    page.get_by_role("tab", name="Compare", exact=True).click()
    expect(page.locator("#grid-schedules .token").first).to_be_visible()
    finished(page)  # what the Studio shows is compared at once


def run(page: Page) -> None:
    before = int(page.locator("#grid-view .gv-grid").get_attribute("data-run") or 0)
    page.locator("#grid-run").click()
    finished(page, before)


def finished(page: Page, before: int = 0) -> None:
    """Waits for the end of a later run than `before`."""
    page.wait_for_function(
        "before => { const g = document.querySelector('#grid-view .gv-grid');"
        " return g && g.dataset.run > before && g.getAttribute('aria-busy') === 'false'"
        " && !document.querySelector('#grid-view :is([data-state=waiting], [data-state=running])');"
        "}",
        arg=before,
        timeout=60_000,
    )


def choose(page: Page, control: str, option: str) -> None:
    page.locator(f"#{control} input").first.click()
    page.locator(f"#{control}").get_by_role("option", name=option, exact=True).click()
    page.locator(f"#{control} input").first.blur()


def upload(page: Page, file: Path) -> None:
    with page.expect_file_chooser() as chooser:
        page.locator("#grid-replay").click()
    chooser.value.set_files(file)


def test_what_the_studio_shows_is_compared_at_once_reference_on_top(resting):
    done = resting.locator(f"{CELLS}[data-state=done]")
    assert done.count() == 5 * 4  # a shipped schedule that is the edited curve stands once
    expect(resting.locator("#grid-view .gv-name").first).to_have_text("reference")
    captions = resting.locator(f"{CELLS}:not(.gv-reference) .gv-caption").all_inner_texts()
    assert all(text.startswith("6 calls") and "error 0." in text for text in captions)
    assert all(re.search(r"PSNR \d\d\.\d dB", text) for text in captions)
    settings = resting.locator("#grid-view .gv-settings").first
    expect(settings).to_contain_text("Euler (DDIM), 6 steps, seeds 10000 to 10003, 1 sample a cell")
    expect(resting.locator("#grid-view .gv-name").nth(2)).to_contain_text("80 … 0.02")


def test_solvers_by_steps_with_the_same_calls(compare):
    choose(compare, "grid-rows", "Solvers")
    choose(compare, "grid-columns", "Steps")
    for option in ("Heun",):
        choose(compare, "grid-solvers", option)
    choose(compare, "grid-steps", "10")
    compare.locator("#grid-seeds input").fill("1")
    compare.locator("#grid-seeds input").press("Tab")
    for cross in range(4):  # one schedule stays
        compare.locator("#grid-schedules .token-remove").nth(1).click()
        del cross
    compare.get_by_label("Same calls").check()
    run(compare)
    names = compare.locator(f"{CELLS}:not(.gv-reference) .gv-window").evaluate_all(
        "nodes => nodes.map(node => node.getAttribute('aria-label'))"
    )
    calls = [name.split(", ")[4] for name in names if "seed" in name]
    assert sorted(calls) == ["10 calls", "5 calls", "6 calls", "9 calls"], names


def test_controls_that_make_no_grid_say_why_and_lose_nothing(resting):
    choose(resting, "grid-columns", "Schedules")
    resting.locator("#grid-run").click()
    expect(resting.get_by_text("choose two axes")).to_be_visible()
    assert resting.locator(f"{CELLS}[data-state=done]").count() == 20
    choose(resting, "grid-columns", "Seeds")


def test_a_cell_is_looked_at_beside_its_reference(resting):
    resting.locator(f"{CELLS} .gv-window").nth(9).click()
    look = resting.locator("#grid-view .gv-look")
    expect(look).to_be_visible()
    expect(look.locator(".gv-of").nth(1)).to_contain_text("Reference, seed 10001")
    expect(look.locator(".gv-levels").first).to_contain_text("ran 80, 28.098")
    resting.keyboard.press("Escape")
    expect(look).to_be_hidden()


def test_the_schedule_of_a_cell_becomes_the_edited_one(compare):
    compare.locator(f"{CELLS} .gv-window").nth(9).click()
    levels = compare.locator("#grid-view .gv-levels").first.inner_text().removeprefix("ran ")
    compare.get_by_role("button", name="Edit A's schedule").click()
    expect(compare.locator("#editor .se-root")).to_be_visible()
    compare.wait_for_function(
        "wanted => { const now = [...ScheduleEditor.instances][0].sigmas;"
        " return now.length === wanted.length"
        " && now.every((sigma, i) => Math.abs(sigma - wanted[i]) <= 1e-3 * wanted[i]); }",
        arg=[float(level) for level in levels.split(", ")],
    )


def test_the_way_there_is_filmed_with_its_error_and_its_steps(resting):
    resting.locator("#grid-film").click()
    expect(resting.locator("#film-view .fv-row")).to_have_count(4)
    expect(resting.locator("#film-view .fv-row").first.locator(".fv-thumb")).to_have_count(7)
    expect(resting.locator(".pv-root .scatterlayer .trace")).to_have_count(8)


def test_numbers_come_with_floors_a_sentence_and_a_csv(resting):
    resting.get_by_role("tab", name="Numbers").click()
    resting.locator("#grid-measure").click()
    table = resting.locator("#grid-numbers table")
    expect(table.locator("tbody tr")).to_have_count(4, timeout=60_000)
    expect(table).to_contain_text("floor")
    expect(resting.locator("#grid-numbers")).to_contain_text("noises not used to optimise")
    resting.get_by_role("tab", name="Take away").click()
    link = resting.get_by_role("link", name="numbers.csv")
    text = base64.b64decode(link.get_attribute("href").partition(",")[2]).decode()
    assert text.startswith("schedule,solver,steps,nfe,noises,rmse") and text.count("\n") == 5


def test_what_is_taken_away_is_replayed_to_the_same_bytes(resting, tmp_path):
    resting.get_by_role("tab", name="Take away").click()
    with resting.expect_download() as plan:
        resting.get_by_role("link", name="plan.json").click()
    with resting.expect_download() as sheet:
        resting.get_by_role("link", name="sheet.png").click()
    text = plan.value.path().read_text()
    assert Grid.from_json(text).found  # the twin's levels travel along
    (tmp_path / "plan.json").write_text(text)
    assert main(["compare", str(tmp_path / "plan.json"), "--num", "2", "--out", str(tmp_path)]) == 0
    made = (tmp_path / "sheet.png").read_bytes()
    with Image.open(io.BytesIO(made)) as again, Image.open(sheet.value.path()) as shown:
        assert again.text == shown.text and again.tobytes() == shown.tobytes()
    assert made == sheet.value.path().read_bytes()


def test_a_plan_is_opened_in_the_page_and_a_hostile_one_refused(compare, tmp_path):
    compare.get_by_role("tab", name="Take away").click()
    link = compare.get_by_role("link", name="plan.json").get_attribute("href")
    content = json.loads(base64.b64decode(link.partition(",")[2]))
    content["schedules"] = content["schedules"][:2]
    (tmp_path / "two.json").write_text(json.dumps(content))
    (tmp_path / "bad.json").write_text(json.dumps(content | {"model": "/etc/passwd"}))
    upload(compare, tmp_path / "two.json")
    expect(compare.locator("#grid-view .gv-name")).to_have_count(3)
    upload(compare, tmp_path / "bad.json")
    expect(compare.get_by_text("load that model first")).to_be_visible()
    expect(compare.locator("#grid-view .gv-name")).to_have_count(3)


def test_stop_keeps_what_is_done(compare):
    choose(compare, "grid-schedules", "Uniform in log-SNR, range tuned")  # a search: seconds
    compare.locator("#grid-run").click()
    expect(compare.locator("#grid-view .gv-status")).to_contain_text("searching a range")
    expect(compare.locator(f"{CELLS}[data-state=done]")).to_have_count(20)
    compare.locator("#grid-stop").click()
    expect(compare.locator("#grid-view .gv-status")).to_have_text("stopped, 16 of 20 cells")
    expect(compare.locator("#grid-view .gv-grid")).to_have_attribute("aria-busy", "false")
    compare.wait_for_timeout(3000)  # the search would have ended
    assert compare.locator(f"{CELLS}[data-state=done]").count() == 20
    assert compare.locator(f"{CELLS}[data-state=waiting]").count() == 4


def test_the_newest_comparison_wins(compare):
    choose(compare, "grid-schedules", "Uniform in log-SNR, range tuned")  # a search: seconds
    compare.locator("#grid-run").click()
    expect(compare.locator("#grid-view .gv-status")).to_contain_text("searching a range")
    compare.locator("#grid-seeds input").fill("2")
    compare.locator("#grid-seeds input").press("Tab")
    compare.locator("#grid-schedules .token-remove").nth(5).click()
    compare.locator("#grid-run").click()
    expect(compare.locator("#grid-view .gv-column")).to_have_count(2)
    finished(compare)
    assert compare.locator(f"{CELLS}[data-state=done]").count() == 5 * 2


def test_another_grid_takes_films_and_numbers_of_the_last_one_along(compare):
    compare.locator("#grid-film").click()
    expect(compare.locator("#film-view .fv-row")).to_have_count(4)
    compare.get_by_role("tab", name="Numbers").click()
    compare.locator("#grid-measure").click()
    expect(compare.locator("#grid-numbers p")).to_contain_text(["Closest", "No"])
    run(compare)  # the same once more
    expect(compare.locator("#grid-numbers table")).to_be_visible()
    compare.locator("#grid-seeds input").fill("2")
    compare.locator("#grid-seeds input").press("Tab")
    run(compare)
    expect(compare.locator("#grid-numbers table")).to_have_count(0)
    expect(compare.locator(".pv-root .bars:visible")).to_have_count(0)
    expect(compare.locator("#film-view .fv-row:visible")).to_have_count(0)
    compare.get_by_role("tab", name="Take away").click()
    expect(compare.get_by_role("link", name="plan.json")).to_be_visible()
    expect(compare.get_by_role("link", name="numbers.csv")).to_have_count(0)


def test_a_grid_that_the_studio_has_left_behind_says_so(compare):
    expect(compare.locator("#grid-stale")).to_be_hidden()
    compare.get_by_role("tab", name="Studio", exact=True).click()
    compare.locator("#seed input").fill("12345")
    compare.locator("#seed input").press("Tab")
    expect(compare.locator("#rows .pic-root")).to_be_visible()
    compare.wait_for_timeout(500)
    compare.get_by_role("tab", name="Compare", exact=True).click()
    expect(compare.locator("#grid-changed")).to_contain_text("changed since: the seed")
    before = int(compare.locator("#grid-view .gv-grid").get_attribute("data-run") or 0)
    compare.get_by_role("button", name="Compare again").click()
    finished(compare, before)
    expect(compare.locator("#grid-view .gv-settings").first).to_contain_text("seeds 12345")
    expect(compare.locator("#grid-stale")).to_be_hidden()


def test_range_tuned_twins_are_one_press_away(compare):
    for cross in range(4):  # the edited curve stays
        compare.locator("#grid-schedules .token-remove").nth(1).click()
        del cross
    choose(compare, "grid-schedules", "Karras")
    compare.locator("#grid-twins").click()
    expect(compare.locator("#grid-schedules .token").last).to_contain_text("range tuned")


def test_what_a_stranger_wrote_is_no_part_of_the_page(resting, tmp_path):
    hostile = '<img src="http://example.org/x.png"> ![x](http://example.org/y.png)'
    resting.get_by_role("tab", name="Take away").click()
    link = resting.get_by_role("link", name="plan.json").get_attribute("href")
    content = json.loads(base64.b64decode(link.partition(",")[2]))
    (tmp_path / "bad.json").write_text(json.dumps(content | {"model": hostile}))
    upload(resting, tmp_path / "bad.json")
    expect(resting.get_by_text("load that model first")).to_be_visible()
    assert (
        resting.locator(".toast-body img[src*=example]").count() == 0
    )  # asking fails the test, too


def test_a_sheet_is_opened_like_its_plan(compare, tmp_path):
    compare.get_by_role("tab", name="Take away").click()
    with compare.expect_download() as sheet:
        compare.get_by_role("link", name="sheet.png").click()
    sheet.value.save_as(tmp_path / "sheet.png")
    compare.locator("#grid-seeds input").fill("2")
    compare.locator("#grid-seeds input").press("Tab")
    run(compare)
    expect(compare.locator("#grid-view .gv-column")).to_have_count(2)
    upload(compare, tmp_path / "sheet.png")
    expect(compare.locator("#grid-view .gv-column")).to_have_count(4)


def test_a_blind_round_in_the_app(compare):
    compare.get_by_role("tab", name="Blind test").click()
    compare.get_by_role("button", name="Start a blind test").click()
    told = compare.locator("#blind-view .bv-told")
    expect(told).to_contain_text("Round 1 of 24")  # six pairs on four noises
    expect(compare.locator("#grid-view .gv-grid")).to_be_hidden()
    grid = compare.locator(f"{CELLS} img.gv-inner").evaluate_all("all => all.map(i => i.src)")
    shots = compare.locator("#blind-view .bv-shot").evaluate_all("all => all.map(i => i.src)")
    assert len(grid) == 20 and not set(grid) & set(shots)
    compare.locator("#blind-view [data-answer=tie]").click()
    expect(told).to_contain_text("Left: ")
    expect(compare.locator("#blind-view .bv-table tbody tr:has(td)")).to_have_count(1)
    compare.get_by_role("button", name="End the test").click()
    expect(compare.locator("#grid-view .gv-grid")).to_be_visible()


def test_clouds_on_a_phone(visit, studio_url):
    page = visit(studio_url, viewport=PHONE, has_touch=True)
    page.wait_for_selector("#editor .se-root[data-ready]", timeout=30_000)
    page.locator("#model input").click()
    page.get_by_role("option", name="Ring of 8 Gaussians", exact=True).click()
    expect(page.locator("#rows .pic-root[data-kind=points]")).to_be_visible()
    open_tab(page)
    expect(page.locator("#grid-count input")).to_have_value("1000")
    settings = page.locator("#grid-view .gv-settings").first  # at once, nothing was pressed
    expect(settings).to_contain_text("Ring of 8 Gaussians")
    expect(settings).to_contain_text("1000 samples a cell")
    width = page.evaluate("() => document.documentElement.scrollWidth")
    assert width <= PHONE["width"]
    page.locator(f"{CELLS} .gv-window").nth(5).tap()
    expect(page.locator("#grid-view .gv-look")).to_be_visible()


def test_axe_finds_nothing_serious_in_any_view(compare):
    page = compare
    page.locator(f"{CELLS}:not(.gv-reference)").first.locator(".gv-window").click()
    expect(page.get_by_role("button", name="Wipe")).to_be_visible()
    page.locator("#grid-film").click()
    expect(page.locator("#film-view .fv-strip")).to_have_count(4)
    assert violations(page) == []
    page.get_by_role("tab", name="Numbers", exact=True).click()
    page.locator("#grid-measure").click()
    expect(page.locator("#grid-numbers table")).to_be_visible()
    assert violations(page) == []
    for tab in ("Blind test", "Take away"):
        page.get_by_role("tab", name=tab, exact=True).click()
        page.wait_for_timeout(500)
        assert violations(page) == []

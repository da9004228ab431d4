"""Optimize in the app: what steps cost, what is known already, stopping, going on, saving."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from ays_core.optimizers import OPTIMIZERS
from components.lessons import LESSONS
from tests.ui.hands import became
from tests.ui.test_studio import SIGMAS, choose, drag, row, set_number, settled

expect.set_options(timeout=30_000)  # a slow machine is no failure

KARRAS = "Yours: Karras"
BARS = "nodes => nodes.map(node => node.height.baseVal.value)"


@pytest.fixture
def ring(visit, studio_url) -> Page:
    """The app with a model that costs milliseconds."""
    return opened(visit(studio_url))


@pytest.fixture
def again(visitor: Page) -> Page:
    """One visitor, who begins every search from Karras' levels."""
    choose(visitor, "start", "Karras")
    expect(row(visitor, "Yours").locator(".pic-name")).to_have_text(KARRAS)
    settled(visitor)
    return visitor


def opened(page: Page) -> Page:
    page.wait_for_selector("#editor .se-root[data-ready]", timeout=30_000)
    choose(page, "model", "Ring of 8 Gaussians")
    expect(page.locator("#rows .pic-root[data-kind=points]")).to_be_visible()
    settled(page)
    return page


def bars(page: Page) -> list[float]:
    return page.locator("#editor .se-costs .se-bar").evaluate_all(BARS)


def exported(page: Page) -> str:
    """The chosen schedule's JSON, as it is downloaded: the box draws the beginning of a long line
    only."""
    link = page.locator("#library-export a").first
    expect(link).to_have_attribute("href", re.compile("^blob:"))
    return page.evaluate("async a => (await fetch(a)).text()", link.get_attribute("href"))


def test_what_each_step_costs_stands_under_the_curve_once_it_is_measured(ring):
    told = ring.locator("#price-told")
    if ring.locator("#measure").is_visible():  # the first test of a session to ask for it
        expect(told).to_contain_text("not measured yet")
        ring.locator("#measure").click()
    expect(told).to_contain_text("KLUB of all steps: ")
    expect(ring.locator("#measure")).to_be_hidden()
    choose(ring, "price-weight", "sigma^-1")
    expect(told).to_contain_text("weight sigma^-1")
    before, total = bars(ring), told.inner_text()
    assert len(before) == 6 and max(before) > 0
    drag(ring, 3, -15)
    expect(told).not_to_have_text(total)
    ring.wait_for_function(
        "before => JSON.stringify([...document.querySelectorAll('#editor .se-costs .se-bar')]"
        ".map(node => node.height.baseVal.value)) !== JSON.stringify(before)",
        arg=before,
    )


def test_another_step_count_costs_no_evaluation_after_a_measurement(ring):
    choose(ring, "method", OPTIMIZERS["ays_density"].label)
    ring.locator("#optimize").click()
    expect(ring.locator("#save-result")).to_be_visible()
    expect(ring.locator("#cost")).to_contain_text("Measured already: 0 evaluations")


@pytest.mark.parametrize("method", [key for key in OPTIMIZERS if key != "ays_mc"])
def test_every_method_runs_to_its_end_or_is_stopped_with_its_best(again, method):
    choose(again, "method", OPTIMIZERS[method].label)
    again.locator("#optimize").click()
    stopping = method in ("direct", "score_optimal")  # these take minutes
    if stopping:
        expect(again.locator("#search")).to_contain_text(OPTIMIZERS[method].label)
        came_to_something(again)
        again.wait_for_timeout(1500)
        again.locator("#stop").click()
    name = row(again, "Yours").locator(".pic-name")
    expect(name).not_to_have_text(KARRAS, timeout=90_000)
    expect(again.locator("#save-result")).to_be_visible()
    levels = again.evaluate(SIGMAS)
    assert len(levels) == 7 and levels == sorted(levels, reverse=True)


def test_a_stopped_search_is_gone_on_with_and_saved_with_its_record(ring):
    set_number(ring, "steps", 40)  # a search that takes a while
    settled(ring)
    choose(ring, "method", OPTIMIZERS["direct"].label)
    ring.locator("#optimize").click()
    came_to_something(ring)
    ring.locator("#stop").click()
    expect(ring.locator("#resume")).to_be_visible()
    ring.locator("#resume").click()
    expect(ring.locator("#resume")).to_be_hidden()  # it runs again
    expect(ring.locator("#search")).to_contain_text("trying")
    ring.wait_for_timeout(1000)
    ring.locator("#stop").click()
    ring.locator("#save-result").click()
    expect(ring.get_by_text("Saved in the library")).to_be_visible()
    ring.get_by_role("tab", name="Library", exact=True).click()
    ring.get_by_text("The chosen schedule as JSON").click()
    text = exported(ring)
    for word in ('"evaluations"', '"seconds"', '"curve"', '"versions"', '"sigma_max"', '"solver"'):
        assert word in text
    rows = ring.locator("#library-table tbody tr")
    there = rows.count()
    ring.locator("#library-delete").click()  # other tests begin with an empty library
    expect(rows).to_have_count(there - 1)


def came_to_something(page: Page) -> None:
    """The search has an objective by now: it would leave something if it were stopped."""
    expect(page.locator("#search .scatterlayer .point").first).to_be_visible()


def searching(page: Page) -> None:
    """A search that takes minutes has begun, and is shown on the curve."""
    choose(page, "method", OPTIMIZERS["direct"].label)
    set_number(page, "steps", 40)
    expect(page.locator("#cost")).to_contain_text(OPTIMIZERS["direct"].about)
    expect(row(page, "Yours").get_by_text("40 calls")).to_be_visible()
    settled(page)
    page.locator("#optimize").click()
    expect(page.locator("#editor .se-legend")).to_contain_text("search")


def test_a_lesson_ends_the_search_that_was_running(ring):
    lesson = LESSONS["final-zero"]
    searching(ring)
    ring.get_by_role("tab", name="Learn", exact=True).click()
    ring.get_by_role("button", name=f"Start: {lesson.title}").click()
    expect(ring.locator("#coach-page")).to_contain_text(lesson.question)
    expect(ring.locator("#editor .se-legend")).not_to_contain_text("search")
    became(ring, list(lesson.prepare().yours.sigmas))
    expect(ring.locator("#search .js-plotly-plot")).to_be_hidden()
    expect(ring.locator("#save-result")).to_be_hidden()


def test_what_was_found_for_another_step_count_is_kept_off_the_curve(ring):
    searching(ring)
    came_to_something(ring)
    set_number(ring, "steps", 9)
    expect(ring.locator("#editor .se-legend")).to_contain_text("search")  # it goes on
    settled(ring)
    ring.locator("#stop").click()
    expect(ring.get_by_text("What was found is for Ring of 8 Gaussians")).to_be_visible()
    expect(ring.locator("#save-result")).to_be_visible()
    ring.locator("#resume").click()
    expect(ring.get_by_text("choose that, or Optimize anew")).to_be_visible()
    assert len(ring.evaluate(SIGMAS)) == 10


def test_the_power_that_was_chosen_is_shown_with_its_curve(ring):
    choose(ring, "method", OPTIMIZERS["ays"].label)
    ring.locator("#optimize").click()
    expect(ring.locator("#save-result")).to_be_visible(timeout=120_000)
    figure = ring.locator("#search")
    expect(figure).to_contain_text("power p of the weight sigma^-p")
    expect(ring.locator("#outcome")).to_contain_text(re.compile("Of .* weights|None of "))


def test_what_was_found_is_judged_beside_the_baselines_and_its_verdict_saved(ring):
    choose(ring, "method", OPTIMIZERS["ays_density"].label)
    ring.locator("#optimize").click()
    said = ring.locator("#verdict .verdict-said")
    expect(said).to_contain_text(re.compile("is closest|is better than"))
    tuned = ring.locator("#verdict .verdict-table th", has_text="with its range tuned")
    expect(tuned).to_have_count(2)
    expect(ring.locator("#verdict .verdict-doing")).to_have_count(0)
    names = ring.locator("#verdict .verdict-table th").all_inner_texts()
    assert {"the start (Karras)", "Karras with its range tuned", "Uniform in log-SNR"} < set(names)
    errors = [float(text) for text in ring.locator("#verdict td:nth-child(2)").all_inner_texts()]
    assert errors == sorted(errors) and errors[0] > 0
    ring.locator("#save-result").click()
    expect(ring.get_by_text("Saved in the library")).to_be_visible()
    ring.get_by_role("tab", name="Library", exact=True).click()
    ring.get_by_text("The chosen schedule as JSON").click()
    assert '"first_seed": 20000' in exported(ring)
    rows = ring.locator("#library-table tbody tr")
    there = rows.count()
    ring.locator("#library-delete").click()  # other tests begin with an empty library
    expect(rows).to_have_count(there - 1)

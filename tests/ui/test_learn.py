"""The Learn tab as a new user meets it."""

from __future__ import annotations

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from components.lessons import LESSONS
from components.papers import PAPERS
from tests.ui.conftest import DESKTOP, PHONE
from tests.ui.test_studio import SIGMAS, error_of, row, settled

LESSON = LESSONS["final-zero"]


@pytest.fixture
def learn(visit, studio_url) -> Page:
    return opened(visit(studio_url))


def opened(page: Page) -> Page:
    page.wait_for_selector("#editor .se-root[data-ready]", timeout=30_000)
    settled(page)
    page.get_by_role("tab", name="Learn").click()
    return page


def test_a_lesson_is_followed_from_start_to_end(learn):
    page = learn
    expect(page.locator("[data-lesson]")).to_have_count(len(LESSONS))
    page.get_by_role("button", name=f"Start: {LESSON.title}").click()
    coach = page.locator("#coach-page")
    expect(coach).to_contain_text(LESSON.question)
    start = LESSON.prepare()
    page.wait_for_function(f"want => ({SIGMAS})().length === want", arg=len(start.yours.sigmas))
    assert page.evaluate(SIGMAS) == pytest.approx(list(start.yours.sigmas))
    expect(page.locator("#steps input").first).to_have_value(str(start.num_steps))
    settled(page)
    grainy = error_of(page, "Yours")

    for text in LESSON.do[:2]:
        page.locator("#coach-next").click()
        expect(coach).to_contain_text(text)
    page.locator("#operations button").first.click()
    page.get_by_role("button", name="Append a final 0").click()
    expect(row(page, "Yours").get_by_text(f"{start.num_steps + 1} calls")).to_be_visible()
    settled(page)
    assert error_of(page, "Yours") < grainy

    page.locator("#coach-again").click()
    expect(row(page, "Yours").get_by_text(f"{start.num_steps} calls")).to_be_visible()
    settled(page)
    assert error_of(page, "Yours") == grainy
    page.locator("#coach-previous").click()
    expect(coach).to_contain_text(LESSON.do[0])

    page.wait_for_timeout(1000)  # Gradio logs an error where a reload cuts a stream off
    page.reload()
    expect(coach).to_contain_text(LESSON.do[0], timeout=30_000)  # where one was, after a reload
    for heading, text in LESSON.pages[2:]:
        page.locator("#coach-next").click()
        expect(coach).to_contain_text(text)
        expect(coach.locator("h2")).to_have_text(heading)
    expect(coach.get_by_role("link")).to_have_count(len(LESSON.links))
    page.locator("#coach-next").click()
    expect(page.locator("#lessons")).to_be_visible()
    expect(page.locator("#lessons .lesson", has_text=LESSON.title)).to_contain_text("finished")
    page.get_by_role("tab", name="Studio").click()
    expect(coach).to_be_hidden()


def test_lessons_are_opened_one_after_the_other_and_closed(learn):
    page = learn
    for key in ("log", "other-solver"):
        page.get_by_role("button", name=LESSONS[key].title).click()
        expect(page.locator("#coach-page")).to_contain_text(LESSONS[key].question)
        wanted = LESSONS[key].prepare()
        expect(page.locator("#steps input").first).to_have_value(str(wanted.num_steps))
        settled(page)
        page.locator("#coach-back").click()
        expect(page.locator("#lessons")).to_be_visible()
        expect(page.locator("#lessons")).not_to_contain_text("finished")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_lessons_have_no_accessibility_violations(visit, studio_url, scheme):
    page = opened(visit(f"{studio_url}?__theme={scheme}", viewport=PHONE))
    expect(page.locator("[data-lesson]")).to_have_count(len(LESSONS))
    assert violations(page, "#lessons") == []
    page.locator("[data-lesson=log]").click()
    expect(page.locator("#coach-page")).to_contain_text(LESSONS["log"].question)
    for _, text in LESSONS["log"].pages[1:]:
        page.locator("#coach-next").click()
        expect(page.locator("#coach-page")).to_contain_text(text)
    expect(page.locator("#coach-page a").first).to_be_visible()
    assert violations(page, "#coach") == []
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def violations(page: Page, where: str) -> list[str]:
    found = Axe().run(page, context=where)
    return [f"{v['id']}: {v['nodes'][0]['html']}" for v in found.response["violations"]]


DRAWN = "() => [...PointPad.instances][0].points"


def drawing(page: Page) -> tuple[float, float, float]:
    """The Draw page, opened and emptied: left, top and size of its plane."""
    page.get_by_role("tab", name="Draw your own").click()
    page.get_by_role("button", name="Clear").click()
    expect(page.locator(".pad-point")).to_have_count(0)
    box = page.locator(".pad-plane").bounding_box()
    return box["x"], box["y"], box["width"]


def test_a_distribution_is_drawn_by_mouse_and_run(learn):
    page = learn
    x, y, size = drawing(page)
    for across, down in ((0.25, 0.25), (0.75, 0.25), (0.5, 0.75)):
        page.mouse.click(x + across * size, y + down * size)
    expect(page.locator(".pad-point")).to_have_count(3)
    for drawn, meant in zip(page.evaluate(DRAWN), [(-1, 1), (1, 1), (0, -1)], strict=True):
        assert drawn == pytest.approx(meant, abs=0.02)

    page.mouse.move(x + 0.5 * size, y + 0.75 * size)
    page.mouse.down()
    page.mouse.move(x + 0.5 * size, y + 0.6 * size, steps=3)
    page.mouse.up()
    assert page.evaluate(DRAWN)[2] == pytest.approx([0, -0.4], abs=0.02)
    page.mouse.dblclick(x + 0.25 * size, y + 0.25 * size)
    expect(page.locator(".pad-point")).to_have_count(2)
    page.keyboard.press("Delete")
    expect(page.locator(".pad-point")).to_have_count(1)
    for count in (2, 3):
        page.get_by_role("button", name="Undo", exact=True).click()
        expect(page.locator(".pad-point")).to_have_count(count)
    page.locator(".pad-point").first.focus()
    before = page.evaluate(DRAWN)[0][0]
    page.keyboard.press("ArrowRight")
    assert page.evaluate(DRAWN)[0][0] == pytest.approx(before + 0.02)
    expect(page.locator("#pad-text textarea")).to_have_value(re.compile(r"^-\S+, \S+\n1, 1\n0, -"))

    page.locator("#pad-use").click()
    expect(page.locator("#model input")).to_have_value("Drawn: 3 points")
    expect(page.locator("#rows canvas").first).to_be_visible()
    settled(page)
    before = error_of(page, "Yours")
    page.locator("#optimize").click()
    expect(row(page, "OSS")).to_be_visible()
    settled(page)
    assert error_of(page, "Yours") < before
    page.locator("#steps input").first.fill("8")  # a control reads the drawn model's name back
    page.locator("#steps input").first.press("Enter")
    expect(row(page, "Karras").get_by_text("8 calls")).to_be_visible()
    page.wait_for_timeout(1000)
    page.reload()
    expect(page.locator("#model input")).to_have_value("Drawn: 3 points", timeout=30_000)


def test_points_are_pasted_and_what_is_no_point_is_said(learn):
    page = learn
    drawing(page)
    page.locator("#pad-text textarea").fill("0.5, 0.5\n-1 0.25\n")
    page.locator("#pad-read").click()
    expect(page.locator(".pad-point")).to_have_count(2)
    assert page.evaluate(DRAWN) == [[0.5, 0.5], [-1, 0.25]]
    page.locator("#pad-text textarea").fill("0.5, 9")
    page.locator("#pad-read").click()
    expect(page.get_by_text("point 1 is (0.5, 9); both must lie within ±2")).to_be_visible()
    page.get_by_role("button", name="Two moons").click()
    expect(page.locator(".pad-point")).to_have_count(24)
    page.get_by_role("button", name="Undo", exact=True).click()
    expect(page.locator(".pad-point")).to_have_count(2)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_plane_has_no_accessibility_violations(visit, studio_url, scheme):
    page = opened(visit(f"{studio_url}?__theme={scheme}", viewport=PHONE))
    page.get_by_role("tab", name="Draw your own").click()
    expect(page.locator(".pad-point").first).to_be_visible()
    assert violations(page, "#draw") == []
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_papers_have_a_formula_a_picture_and_numbers(visit, studio_url, scheme):
    page = opened(visit(f"{studio_url}?__theme={scheme}"))
    for paper in PAPERS:
        page.set_viewport_size(DESKTOP)  # on a phone these tabs are in a menu
        page.get_by_role("tab", name=paper.tab).click()
        text = page.locator(f"#paper-{paper.key}")
        expect(text).to_be_visible()
        page.set_viewport_size(PHONE)
        box = text.locator("math").bounding_box()
        assert box["height"] > 20 and box["width"] <= PHONE["width"]
        drawn = page.locator(f"#figure-{paper.key}")
        expect(drawn.get_by_role("img", name=paper.seen)).to_be_visible()
        assert violations(page, f"#paper-{paper.key}") == []
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]

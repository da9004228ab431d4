"""The Learn tab as a new user meets it."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from components import drawing as drawing_panel
from components.lessons import CONVERGED, LESSONS, STOPPED
from components.papers import PAPERS
from components.point_pad import Drawing
from tests.ui.accessibility import ALL, violations
from tests.ui.conftest import DESKTOP, PHONE
from tests.ui.test_studio import SIGMAS, choose, error_of, row, set_number, settled

LESSON = LESSONS["final-zero"]


@pytest.fixture
def learn(visit, studio_url) -> Page:
    return opened(visit(studio_url))


@pytest.fixture
def lessons(visitor: Page) -> Page:
    """One visitor takes one lesson after the other, and whatever became of the last."""
    if visitor.locator("#coach-back").is_visible():
        visitor.locator("#coach-back").click()
    expect(visitor.locator("#lessons")).to_be_visible()
    return visitor


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


def begun(page: Page, key: str) -> None:
    """The lesson, opened; its rows computed."""
    lesson, rows = LESSONS[key], page.locator("#rows .pic-root")
    before = rows.get_attribute("data-run")
    page.get_by_role("button", name=f"Start: {lesson.title}").click()
    expect(page.locator("#coach-page")).to_contain_text(lesson.question)
    expect(page.locator("#coach-previous")).to_be_disabled()
    expect(rows).not_to_have_attribute("data-run", before or "")  # the rows are the lesson's own
    done(page, YOURS_FIRST, lesson.prepare().num_steps)


def read_on(page: Page, text: str) -> None:
    page.locator("#coach-next").click()
    expect(page.locator("#coach-page")).to_contain_text(text)
    expect(page.locator("#coach-previous")).to_be_enabled()


def finished(page: Page, key: str) -> None:
    """The rest of the lesson, read to its end."""
    lesson = LESSONS[key]
    for _, text in lesson.pages[1 + len(lesson.do) :]:
        read_on(page, text)
    expect(page.locator("#coach-page").get_by_role("link")).to_have_count(len(lesson.links))
    page.locator("#coach-next").click()
    expect(page.locator("#lessons .lesson", has_text=lesson.title)).to_contain_text("finished")


YOURS_FIRST = re.compile("^Yours")


def line(page: Page, name: str | re.Pattern[str]) -> Locator:
    """The row with just this name."""
    name = re.compile(f"^{re.escape(name)}$") if isinstance(name, str) else name
    return page.locator("#rows .pic-row", has=page.locator(".pic-name", has_text=name))


def done(page: Page, name: str | re.Pattern[str], calls: int) -> None:
    """Wait until a row has run with so many calls, and all others too."""
    expect(line(page, name).get_by_text(f"{calls} calls")).to_be_visible()
    settled(page)


def shown(page: Page, *names: str | re.Pattern[str]) -> list[float]:
    """The errors that stand beside these rows."""
    found = [line(page, name).locator(".pic-error b").inner_text() for name in names]
    return [float(text) for text in found]


def test_the_logarithmic_axis_is_learnt(lessons):
    page, lesson = lessons, LESSONS["log"]
    begun(page, "log")
    factors, even = "Uniform in log-SNR", "Uniform in sigma"
    of_even, of_factors = shown(page, YOURS_FIRST, factors)
    assert of_factors < of_even / 2
    for text in lesson.do:
        read_on(page, text)
    choose(page, "start", factors)
    done(page, even, 8)
    assert shown(page, YOURS_FIRST, even) == [of_factors, of_even]
    expect(line(page, factors)).to_have_count(0)
    expect(page.locator("#rows .pic-finding")).to_contain_text("Yours: Uniform in log-SNR comes")
    finished(page, "log")


def test_stopping_early_is_learnt(lessons):
    page, lesson = lessons, LESSONS["stop-early"]
    begun(page, "stop-early")
    karras, stopped, converged = shown(page, YOURS_FIRST, STOPPED, CONVERGED)
    assert stopped < karras < converged
    for text in lesson.do[:2]:
        read_on(page, text)
    line(page, CONVERGED).locator(".pic-more").click()
    page.get_by_role("menuitem", name="Edit this").click()
    done(page, "Karras", 8)
    assert shown(page, "Karras", STOPPED, YOURS_FIRST) == [karras, stopped, converged]
    assert page.evaluate(SIGMAS)[1] < 10
    read_on(page, lesson.do[2])
    choose(page, "solver", "DPM++ 2M")
    expect(page.locator("#rows .pic-finding")).to_contain_text("DPM++ 2M, 8 calls")
    settled(page)
    karras, stopped, converged = shown(page, "Karras", STOPPED, YOURS_FIRST)
    assert stopped < karras < converged
    finished(page, "stop-early")


def test_the_best_for_one_solver_is_learnt(lessons):
    page, lesson = lessons, LESSONS["other-solver"]
    begun(page, "other-solver")
    found, even = "OSS for Euler", "Uniform in log-SNR"
    karras, best, other = shown(page, YOURS_FIRST, found, even)
    assert best < min(karras, other) / 2
    for text in lesson.do[:2]:
        read_on(page, text)
    choose(page, "solver", "Heun")
    done(page, found, 23)
    karras, best, other = shown(page, YOURS_FIRST, found, even)
    assert best > max(karras, other)
    read_on(page, lesson.do[2])
    expect(page.locator("#method input")).to_have_value("Direct search")  # as prepared
    page.locator("#optimize").click()
    expect(line(page, "Karras").get_by_text("23 calls")).to_be_visible(timeout=90_000)
    settled(page)
    assert line(page, YOURS_FIRST).locator(".pic-name").inner_text() == "Yours: Direct search"
    mine, *others = shown(page, YOURS_FIRST, "Karras", found, even)
    assert others == [karras, best, other] and mine < min(others) / 2
    finished(page, "other-solver")


def test_when_it_stops_paying_is_learnt(lessons):
    page, lesson = lessons, LESSONS["enough"]
    begun(page, "enough")
    names, errors = (YOURS_FIRST, "Karras", "Uniform in time"), {}
    errors[6] = shown(page, *names)
    for text in lesson.do[:2]:
        read_on(page, text)
    for steps in (10, 15, 20):
        set_number(page, "steps", steps)
        done(page, YOURS_FIRST, steps)
        errors[steps] = shown(page, *names)
    firsts = {steps: row[0] == min(row) for steps, row in errors.items()}
    assert firsts == {6: True, 10: True, 15: False, 20: False}
    assert errors[15][1] < errors[15][0] and errors[20][0] > 2 * max(errors[20][1:])
    assert max(errors[20]) < min(errors[6])
    read_on(page, lesson.do[2])
    finished(page, "enough")


def test_on_a_phone_the_lesson_stays_in_sight_while_one_edits(visit, studio_url):
    page = opened(visit(studio_url, viewport=PHONE))
    begun(page, "two-tables")
    coach = page.locator("#coach")
    for part in ("#rows", "#editor", "#optimize"):
        page.locator(part).evaluate("node => node.scrollIntoView({ block: 'center' })")
        expect(coach).to_be_in_viewport(ratio=1)
        box = coach.bounding_box()
        assert abs(box["y"]) <= 1 and box["height"] < 0.4 * PHONE["height"]
    page.locator("#coach-next").click()
    expect(page.locator("#coach-page")).to_contain_text(LESSONS["two-tables"].do[0])


def test_on_a_phone_every_tab_is_in_sight(visit, studio_url):
    page = opened(visit(studio_url, viewport=PHONE))
    names = ["Studio", "Compare", "Learn", "Library", "About", "Lessons", "Draw your own", "Papers"]
    for name in names:
        expect(page.get_by_role("tab", name=name, exact=True)).to_be_in_viewport()
    page.get_by_role("tab", name="Papers").click()
    for paper in PAPERS:
        expect(page.get_by_role("tab", name=paper.tab, exact=True)).to_be_in_viewport()
    expect(page.locator(".overflow-menu:visible")).to_have_count(0)


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


def test_lessons_have_no_accessibility_violations(visit, studio_url):
    page = opened(visit(studio_url, viewport=PHONE))
    expect(page.locator("[data-lesson]")).to_have_count(len(LESSONS))
    assert violations(page, "#lessons", ALL) == []
    page.locator("[data-lesson=log]").click()
    expect(page.locator("#coach-page")).to_contain_text(LESSONS["log"].question)
    for _, text in LESSONS["log"].pages[1:]:
        page.locator("#coach-next").click()
        expect(page.locator("#coach-page")).to_contain_text(text)
    expect(page.locator("#coach-page a").first).to_be_visible()
    assert violations(page, "#coach", ALL) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


DRAWN = "() => [...PointPad.instances][0].points"


def drawing(page: Page) -> tuple[float, float, float]:
    """The Draw page, opened and emptied: left, top and size of its plane."""
    page.get_by_role("tab", name="Draw your own").click()
    page.get_by_role("button", name="Clear").click()
    expect(page.locator(".pad-point")).to_have_count(0)
    expect(page.locator("#pad-text textarea")).to_have_value("")  # the answer to it has come
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
    typed = page.locator("#pad-text textarea")
    expect(typed).to_have_value(re.compile(r"^-\S+, \S+\n1, 1\n0, -"))

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
    said = "line 1: (0.5, 9) is outside; both must lie within ±2"
    expect(page.get_by_text(said)).to_be_visible()
    page.get_by_role("button", name="Two moons").click()
    expect(page.locator(".pad-point")).to_have_count(24)
    typed = page.locator("#pad-text textarea")
    expect(typed).to_have_value(drawing_panel.written(Drawing(drawing_panel.moons())))
    page.get_by_role("button", name="Undo", exact=True).click()
    expect(page.locator(".pad-point")).to_have_count(2)
    expect(typed).to_have_value("0.5, 0.5\n-1, 0.25")
    page.get_by_role("button", name="Clear").click()
    expect(typed).to_have_value("")


def test_the_plane_has_no_accessibility_violations(visit, studio_url):
    page = opened(visit(studio_url, viewport=PHONE))
    page.get_by_role("tab", name="Draw your own").click()
    expect(page.locator(".pad-point").first).to_be_visible()
    assert violations(page, "#draw", ALL) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


BORDERS = """table => {
  const style = getComputedStyle(table.querySelector("td:last-child"));
  return ["top", "bottom", "left", "right"].map((side) => style[`border-${side}-width`]);
}"""


def test_the_papers_have_a_formula_a_picture_and_numbers(visit, studio_url):
    page = opened(visit(studio_url))
    page.get_by_role("tab", name="Papers").click()
    for paper in PAPERS:
        page.set_viewport_size(DESKTOP)
        page.get_by_role("tab", name=paper.tab, exact=True).click()
        text = page.locator(f"#paper-{paper.key}")
        expect(text).to_be_visible()
        page.set_viewport_size(PHONE)
        box = text.locator("math").bounding_box()
        assert box["height"] > 20 and box["width"] <= PHONE["width"]
        drawn = page.locator(f"#figure-{paper.key}")
        expect(drawn.get_by_role("img", name=paper.seen)).to_be_visible()
        table = page.locator(f"#numbers-{paper.key} .saved table")
        assert table.evaluate(BORDERS) == ["0px", "1px", "0px", "0px"]  # as in the Library
        assert violations(page, f"#paper-{paper.key}, #numbers-{paper.key}", ALL) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]

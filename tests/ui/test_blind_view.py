"""The blind test in a real browser: nothing gives a name away, answers stay in the browser."""

from __future__ import annotations

import json
import math

import pytest
from playwright.sync_api import Page, expect

from tests.ui.conftest import PHONE
from tests.ui.views_app import build

SIDE = """image => { const c = document.createElement('canvas'), p = c.getContext('2d');
    p.drawImage(image, 0, 0); return [...p.getImageData(2, 2, 1, 1).data].slice(0, 2); }"""


@pytest.fixture(scope="module")
def address(serve) -> str:
    return serve(build())


@pytest.fixture
def page(visit, address) -> Page:
    return ready(visit(address))


def ready(page: Page) -> Page:
    page.get_by_role("tab", name="Blind").click()
    expect(page.locator("#blind [data-answer=left]")).to_be_visible()
    return page


def told(page: Page):
    return page.locator("#blind .bv-told")


def first_is_left(page: Page) -> bool:
    """First's pictures are red, Second's green."""
    left = page.locator("#blind .bv-shot").first
    page.wait_for_function("image => image.complete", arg=left.element_handle())
    red, green = left.evaluate(SIDE)
    return red > green


def answers(page: Page) -> list[dict]:
    return page.evaluate("JSON.parse(localStorage.getItem('ays-studio-blind')).answers")


def counts(page: Page) -> list[str]:
    return page.locator("#blind tbody td").all_inner_texts()


def test_names_come_after_the_answer_and_wins_belong_to_the_right_one(page: Page):
    test = page.locator("#blind .bv-root")
    for k in range(3):
        expect(told(page)).to_have_text(f"Round {k + 1} of 3: which picture is better?")
        text = test.locator(".bv-test").inner_html()
        assert "First" not in text and "calls" not in text, "a name before the answer"
        left = first_is_left(page)
        page.locator(f"#blind [data-answer={'left' if left else 'right'}]").click()
        names = ("First, 6 calls", "Second, 9 calls")
        one, other = names if left else names[::-1]
        expect(told(page)).to_have_text(f"Left: {one}. Right: {other}.")
        page.keyboard.press("Enter")  # the next one
    expect(told(page)).to_have_text("That was the last round.")
    assert [one["answer"] for one in answers(page)] == ["a"] * 3
    assert counts(page)[:6] == ["First, 6 calls", "Second, 9 calls", "3", "0", "0", "0"]
    low = 3 / (3 + 1.959964**2)  # Wilson's lower end when all n are won: n / (n + z²)
    assert counts(page)[6] == f"100 % ({100 * low:.0f} to 100)"


def test_by_keys_alone_with_the_names_at_the_end(page: Page):
    page.get_by_label("Tell whose pictures").uncheck()
    page.locator("#blind .bv-test").focus()
    expect(page.locator("#blind table")).to_be_hidden()
    for key in ("3", "4", "1"):
        page.keyboard.press(key)
    expect(told(page)).to_have_text("That was the last round.")
    given = [one["answer"] for one in answers(page)]
    assert given[:2] == ["tie", "bad"] and given[2] in ("a", "b")
    wins = given.count("a")
    assert counts(page)[2:6] == [str(wins), str(1 - wins), "1", "1"]
    page.keyboard.press("2")
    assert len(answers(page)) == 3, "an answer after the last round"


def test_the_interval_is_wilsons(page: Page):
    low, high = page.evaluate("BlindView.wilson(8, 10)")
    # (8 + z²/2 ∓ z √(8·2/10 + z²/4)) / (10 + z²), z = 1.959964
    z = 1.959964
    half = z * math.sqrt(1.6 + z**2 / 4)
    assert low == pytest.approx((8 + z**2 / 2 - half) / (10 + z**2), abs=1e-12)
    assert high == pytest.approx((8 + z**2 / 2 + half) / (10 + z**2), abs=1e-12)
    assert (low, high) == (pytest.approx(0.4902, abs=1e-4), pytest.approx(0.9433, abs=1e-4))
    assert page.evaluate("BlindView.wilson(0, 0)") == [0, 1]
    assert page.evaluate("BlindView.wilson(0, 10)") == pytest.approx([0, 0.27754], abs=1e-5)


def test_sides_are_random_and_pairs_in_either_order_are_one(page: Page):
    flips = set()
    for _ in range(40):
        page.evaluate("[...BlindView.instances][0].deal()")
        if page.locator("#blind .bv-next").is_hidden() and told(page).inner_text()[:5] == "Round":
            flips.add(first_is_left(page))
        else:
            page.evaluate("(v => { v.shown = ''; v.patch(); })([...BlindView.instances][0])")
        if len(flips) == 2:
            break
    assert flips == {True, False}
    rows = page.evaluate(
        "BlindView.tally([{a: 'x', b: 'y', answer: 'a'}, {a: 'y', b: 'x', answer: 'a'},"
        " {a: 'x', b: 'y', answer: 'a', settings: 'another model'}])"
    )
    assert [(row["wins"], row["losses"]) for row in rows] == [(1, 1), (1, 0)]


def test_answers_outlive_a_reload_are_exported_and_forgotten_with_an_undo(page: Page):
    page.locator("#blind [data-answer=tie]").click()
    page.reload()
    ready(page)
    expect(page.locator("#blind .bv-settings")).to_have_text("spiral, Euler")
    with page.expect_download() as download:
        page.get_by_role("link", name="Export JSON").click()
    content = json.loads(download.value.path().read_text())
    assert content["version"] == 1
    assert content["answers"] == [
        {
            "a": "First, 6 calls",
            "b": "Second, 9 calls",
            "answer": "tie",
            "settings": "spiral, Euler",
            "seed": content["answers"][0]["seed"],
        }
    ]
    assert content["answers"][0]["seed"] in (30_000, 30_001, 30_002)
    forget = page.locator("#blind .bv-forget")
    forget.click()
    assert answers(page) == []
    expect(forget).to_have_text("Undo")
    forget.click()
    assert len(answers(page)) == 1
    expect(page.locator("#blind table")).to_be_visible()


def test_the_same_pictures_once_more_do_not_start_over(page: Page):
    page.locator("#blind [data-answer=tie]").click()
    page.keyboard.press("Enter")
    expect(told(page)).to_contain_text("Round 2 of 3")
    page.evaluate("document.querySelector('#again').click()")
    page.wait_for_timeout(500)
    expect(told(page)).to_contain_text("Round 2 of 3")


def test_the_same_pair_on_the_same_noise_is_counted_once(page: Page):
    for _ in range(2):
        page.get_by_label("Tell whose pictures").uncheck()
        page.locator("#blind .bv-test").focus()
        for _ in range(3):
            page.keyboard.press("3")
        expect(told(page)).to_have_text("That was the last round.")
        assert counts(page)[4] == "3"
        page.reload()
        ready(page)
    seeds = {one["seed"] for one in answers(page)}
    assert len(answers(page)) == 3 and seeds == {30_000, 30_001, 30_002}


def test_after_the_last_round_no_broken_picture_and_again_on_new_noises(page: Page):
    page.get_by_label("Tell whose pictures").uncheck()
    page.locator("#blind .bv-test").focus()
    for _ in range(3):
        page.keyboard.press("3")
    expect(page.locator("#blind .bv-shot").first).to_be_hidden()
    page.get_by_role("button", name="Again, on new noises").click()
    expect(told(page)).to_have_text("Round 1 of 3: which picture is better?")
    page.locator("#blind [data-answer=bad]").click()
    assert {one["seed"] for one in answers(page)} > {30_000, 30_001, 30_002}


def test_a_grid_with_names_is_out_of_sight_while_a_test_runs(page: Page):
    body = page.locator("body")
    expect(body).to_have_attribute("data-blind", "")
    page.get_by_role("tab", name="Pictures").click()
    expect(page.locator("#one .gv-grid")).to_be_visible()  # another tab than the test's
    ready(page)
    expect(body).to_have_attribute("data-blind", "")
    page.get_by_role("button", name="End the test").click()
    expect(told(page)).to_have_text("Ended.")
    assert body.get_attribute("data-blind") is None


def test_foreign_content_and_a_full_browser_do_no_harm(visit, address):
    page = visit(address)
    page.evaluate(
        "localStorage.setItem('ays-studio-blind', JSON.stringify({version: 1, answers: ["
        "{a: '<img src=x onerror=alert(1)>', b: 'y', answer: 'a'}, {a: 1}, null, 'x']}))"
    )
    page.reload()
    ready(page)
    assert counts(page)[0] == "<img src=x onerror=alert(1)>"
    assert len(counts(page)) == 7
    page.evaluate("() => { Storage.prototype.setItem = () => { throw new Error('full'); }; }")
    page.locator("#blind [data-answer=tie]").click()
    expect(page.locator("#blind tbody tr")).to_have_count(3)  # a pair, a heading, a pair


def test_a_phone_has_room_for_all(visit, address):
    page = ready(visit(address, viewport=PHONE, has_touch=True, is_mobile=True))
    page.locator("#blind [data-answer=bad]").tap()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]

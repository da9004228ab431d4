"""Where a visitor is in the lessons: from the browser, to the page, and onwards."""

from __future__ import annotations

import re
from functools import lru_cache
from types import SimpleNamespace

import gradio as gr
import pytest

import app
from ays_core.solvers import SOLVERS
from components import learn_panel, static
from components.learn_panel import Place, kept_of, place_of
from components.lessons import LESSONS

FIRST = LESSONS["log"]


@pytest.mark.parametrize("lesson", LESSONS)
def test_every_page_of_a_lesson_is_reached_and_then_it_is_finished(lesson):
    kept = kept_of(Place(LESSONS[lesson]))
    seen = []
    for _ in LESSONS[lesson].pages:
        column, page = learn_panel.page_of(kept)
        previous, _ = learn_panel.buttons_of(kept)
        assert column.visible and previous.interactive == bool(seen)
        seen.append(page)
        kept, _ = learn_panel.turned(kept)
    assert len(set(seen)) == len(LESSONS[lesson].pages)
    assert place_of(kept) == Place(done=(lesson,))
    assert "finished" in learn_panel.cards_of(kept)
    assert all(f'href="{url}"' in seen[-1] for _, url in LESSONS[lesson].links)


def test_back_stays_on_the_first_page_and_closing_keeps_what_is_finished():
    kept = kept_of(Place(FIRST, 1, ("schedule",)))
    kept = learn_panel.turned_back(learn_panel.turned_back(kept))
    assert place_of(kept).page == 0
    kept, _ = learn_panel.closed(kept)
    assert place_of(kept) == Place(done=("schedule",))


@pytest.mark.parametrize(
    "kept", [None, 3, [], {"lesson": 5}, {"lesson": "none"}, {"lesson": ["log"]}, {"done": 7}]
)
def test_nonsense_from_the_browser_is_no_lesson(kept):
    assert place_of(kept) == Place()
    column, page = learn_panel.page_of(kept)
    assert column.visible is False and page == ""
    assert learn_panel.cards_of(kept).count("data-lesson") == len(LESSONS)


@pytest.mark.parametrize("page", [-5, 99, "2", None, 1.5])
def test_a_page_that_does_not_exist_is_one_that_does(page):
    place = place_of({"lesson": "log", "page": page, "done": ["log", "log", "never"]})
    assert 0 <= place.page < len(FIRST.pages) and place.done == ("log",)


def test_a_card_opens_its_lesson_in_the_studio_and_an_unknown_one_is_refused():
    studio, kept, tabs = learn_panel.opened_by(None, SimpleNamespace(_data={"lesson": "log"}))
    assert studio == FIRST.prepare() and place_of(kept) == Place(FIRST)
    assert tabs.selected == "studio"
    assert learn_panel.set_up(kept) == studio
    for data in ({"lesson": "no"}, {}, "log", {"lesson": 3}):
        with pytest.raises(gr.Error, match="there is no lesson"):
            learn_panel.opened_by(None, SimpleNamespace(_data=data))
    with pytest.raises(gr.Error, match="No lesson is open"):
        learn_panel.set_up(None)


QUOTED, SOLVER = re.compile("“([^”]+)”"), re.compile(r"\bDPM\S*(?: \dM)?")


@lru_cache
def names_on_the_page() -> frozenset[str]:
    """Labels, choices and buttons of the whole app, and what a row's menu offers."""
    props = [component["props"] for component in app.demo.config["components"]]
    shown = {str(p.get(word)) for p in props for word in ("label", "value")}
    shown |= {str(choice[0]) for p in props for choice in p.get("choices") or () if choice}
    actions = (static.ASSETS / "pictures/pictures.js").read_text().split("const ACTIONS = ")[1]
    return frozenset(shown | set(re.findall('"([^"]+)"', actions.split(";")[0])))


@pytest.mark.parametrize("lesson", LESSONS.values(), ids=LESSONS)
def test_what_a_lesson_names_is_on_the_page(lesson):
    kept = {name for name, _ in lesson.prepare().kept}
    for _, text in lesson.pages:
        assert set(QUOTED.findall(text)) <= names_on_the_page() | kept
        assert set(SOLVER.findall(text)) <= {entry.label for entry in SOLVERS.values()}


def test_lessons_name_controls_solvers_and_schedules():
    """The test above has something to find."""
    texts = " ".join(text for lesson in LESSONS.values() for _, text in lesson.pages)
    named = set(QUOTED.findall(texts))
    assert {"Start from", "Uniform in log-SNR", "DPM++ 2M", "Direct search", "Edit this"} <= named
    assert not {"DPM-Solver++ 2M", "Start at"} & names_on_the_page()

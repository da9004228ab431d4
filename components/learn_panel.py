"""Learn: lessons as cards, and the open lesson's steps above the Studio's own controls.

Which lessons were finished, and how far the open one is, stays in the visitor's browser.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from html import escape
from typing import Any

import gradio as gr

from components import drawing, papers, static
from components.events import PRIVATE
from components.following import Following
from components.lessons import LESSONS, Lesson
from components.state import Studio
from components.words import refusal

STORAGE_KEY = "ays-studio-lessons"
SECRET = "not a secret: which lessons were read"  # fixed: a restart must read them
CSS = "learn/learn.css"
INTRO = (
    "Eight short experiments. Each one asks a question and sets up the Studio for it; you try it, "
    "and the page computes the answer. They take a few minutes each, and what they say is checked "
    "by tests."
)
OPEN_A_CARD = """
element.addEventListener("click", (event) => {
  const button = event.target.closest("[data-lesson]");
  if (!button) return;
  trigger("select", { lesson: button.dataset.lesson });
  window.scrollTo(0, 0);
});
"""


@dataclass(frozen=True)
class Place:
    """Where a visitor is: the open lesson, or none; its page; which lessons are finished."""

    lesson: Lesson | None = None
    page: int = 0
    done: tuple[str, ...] = ()

    @property
    def last(self) -> bool:
        return self.lesson is not None and self.page == len(self.lesson.pages) - 1


def place_of(kept: Any) -> Place:
    """From what the browser kept, read like any other input: what makes no sense is left out."""
    kept = kept if isinstance(kept, Mapping) else {}
    done = kept.get("done")
    done = tuple(key for key in LESSONS if isinstance(done, list) and key in done)
    lesson, page = kept.get("lesson"), kept.get("page")
    if not isinstance(lesson, str) or lesson not in LESSONS:
        return Place(done=done)
    pages = len(LESSONS[lesson].pages)
    page = min(max(page, 0), pages - 1) if isinstance(page, int) else 0
    return Place(LESSONS[lesson], page, done)


def kept_of(place: Place) -> dict[str, Any]:
    lesson = place.lesson and place.lesson.key
    return {"lesson": lesson, "page": place.page, "done": list(place.done)}


@dataclass(frozen=True)
class Coach:
    """The open lesson, above the controls; empty while none is open."""

    kept: gr.BrowserState
    column: gr.Column
    page: gr.HTML
    back: gr.Button
    again: gr.Button
    previous: gr.Button
    next: gr.Button


def build_coach() -> Coach:
    """The lesson's place in the Studio tab."""
    kept = gr.BrowserState(None, storage_key=STORAGE_KEY, secret=SECRET)
    with gr.Column(visible=False, elem_id="coach") as column:
        page = gr.HTML(elem_id="coach-page", padding=False, apply_default_css=False)
        with gr.Row(elem_id="coach-buttons"):
            previous = gr.Button("Previous", size="sm", elem_id="coach-previous", min_width=90)
            forward = gr.Button(
                "Next", variant="primary", size="sm", elem_id="coach-next", min_width=90
            )
            again = gr.Button("Set it up again", size="sm", elem_id="coach-again", min_width=120)
            back = gr.Button("Back to lessons", size="sm", elem_id="coach-back", min_width=120)
    return Coach(kept, column, page, back, again, previous, forward)


def build(studio: gr.State, coach: Coach, tabs: gr.Tabs) -> list[Any]:
    """The Learn tab. Returns the events that set up the Studio anew."""
    with gr.Tabs():
        with gr.Tab("Lessons"):
            events = build_lessons(studio, coach, tabs)
        with gr.Tab("Draw your own"):
            events.append(drawing.build(studio, tabs))
        with gr.Tab("Papers") as tab:  # three tabs fit a phone: with five, two are in a menu
            papers.build(tab)
    return events


def build_lessons(studio: gr.State, coach: Coach, tabs: gr.Tabs) -> list[Any]:
    kept = coach.kept
    gr.HTML(f"<h2>Learn by doing</h2><p>{INTRO}</p>", elem_classes="learn-intro")
    cards = gr.HTML(
        cards_of(None),
        js_on_load=OPEN_A_CARD,
        head=static.head(CSS),
        apply_default_css=False,
        elem_id="lessons",
    )
    opened = cards.select(opened_by, kept, [studio, kept, tabs], **PRIVATE)
    again = coach.again.click(set_up, kept, studio, **PRIVATE)
    coach.previous.click(turned_back, kept, kept, **PRIVATE)
    coach.next.click(turned, kept, [kept, tabs], **PRIVATE)
    coach.back.click(closed, kept, [kept, tabs], **PRIVATE)
    following = Following(kept)
    following.add(page_of, [coach.column, coach.page])
    following.add(buttons_of, [coach.previous, coach.next])
    following.add(cards_of, cards)
    following.after(partial(gr.on, None))  # every change, and when the page opens
    return [opened, again]


def opened_by(kept: Any, event: gr.EventData) -> tuple[Studio, dict[str, Any], gr.Tabs]:
    """A card was chosen: its Studio, its first page, and the tab where it happens."""
    key = event._data.get("lesson") if isinstance(event._data, Mapping) else None
    if not isinstance(key, str) or key not in LESSONS:
        raise refusal(f"there is no lesson {str(key)[:40]!r}; choose one of: {', '.join(LESSONS)}")
    place = Place(LESSONS[key], 0, place_of(kept).done)
    return LESSONS[key].prepare(), kept_of(place), gr.Tabs(selected="studio")


def set_up(kept: Any) -> Studio:
    """The open lesson's Studio as it was at its beginning."""
    lesson = place_of(kept).lesson
    if lesson is None:
        raise refusal("No lesson is open: choose one in the Learn tab.")
    return lesson.prepare()


def turned_back(kept: Any) -> dict[str, Any]:
    place = place_of(kept)
    return kept_of(Place(place.lesson, max(place.page - 1, 0), place.done))


def turned(kept: Any) -> tuple[dict[str, Any], gr.Tabs]:
    """The next page; after the last one the lesson is finished, and the lessons are shown."""
    place = place_of(kept)
    if place.lesson is None:
        return kept_of(place), gr.Tabs()
    if place.last:
        finished = tuple(dict.fromkeys((*place.done, place.lesson.key)))
        return kept_of(Place(done=finished)), gr.Tabs(selected="learn")
    return kept_of(Place(place.lesson, place.page + 1, place.done)), gr.Tabs()


def closed(kept: Any) -> tuple[dict[str, Any], gr.Tabs]:
    return kept_of(Place(done=place_of(kept).done)), gr.Tabs(selected="learn")


def page_of(kept: Any) -> tuple[gr.Column, str]:
    """The open page as HTML."""
    place = place_of(kept)
    if place.lesson is None:
        return gr.Column(visible=False), ""
    return gr.Column(visible=True), page_html(place)


def buttons_of(kept: Any) -> tuple[gr.Button, gr.Button]:
    """Whether there is a page before the open one, and what the button for the next one says."""
    place = place_of(kept)
    last = place.lesson is not None and place.last
    return gr.Button(interactive=place.page > 0), gr.Button("Finish" if last else "Next")


def page_html(place: Place) -> str:
    lesson = place.lesson
    assert lesson is not None
    heading, text = lesson.pages[place.page]
    links = ""
    if place.last:
        items = "".join(
            f'<li><a href="{url}">{escape(name)}</a></li>' for name, url in lesson.links
        )
        links = f"<ul>{items}</ul>"
    where = f"{place.page + 1} of {len(lesson.pages)}"
    return (
        f'<section aria-label="Lesson" aria-live="polite"><p class="coach-where">'
        f"Lesson: {escape(lesson.title)} <span>{where}</span></p>"
        f"<h2>{escape(heading)}</h2><p>{escape(text)}</p>{links}</section>"
    )


def cards_of(kept: Any) -> str:
    """All lessons, each with its question and a button."""
    place = place_of(kept)
    cards = "".join(
        card(number, lesson, place) for number, lesson in enumerate(LESSONS.values(), 1)
    )
    return f'<ol class="lessons">{cards}</ol>'


def card(number: int, lesson: Lesson, place: Place) -> str:
    done, opened = lesson.key in place.done, lesson == place.lesson
    mark = "finished" if done else "open in the Studio" if opened else ""
    says = "Start again" if done or opened else "Start"
    title = escape(lesson.title)
    return (
        f'<li class="lesson"><p class="lesson-number">{number} <span>{mark}</span></p>'
        f"<h3>{title}</h3><p>{escape(lesson.question)}</p>"
        f'<button type="button" data-lesson="{lesson.key}" aria-label="{says}: {title}">{says}'
        "</button></li>"
    )

"""What goes between the curve in the page and Python: levels, checked in the core's own words."""

from __future__ import annotations

import math

import gradio as gr
import pytest

from ays_core.schedule import Schedule, checked_levels
from components.schedule_editor import Edited, Pushed, ScheduleEditor

LEVELS = (14.6, 3.0, 0.5, 0.0)
INVALID = [
    [3, 2, 2, 1],
    [1, 2],
    [2, 0, 0],
    [2, 0, 1],
    [-1, -2],
    [1],
    [],
    [2, math.nan],
    [math.inf, 1],
    [2, "1"],
    [2, True],
    [2, None],
    [2, [1]],
    list(range(2000, 0, -1)),
]


@pytest.fixture
def editor() -> ScheduleEditor:
    with gr.Blocks():
        return ScheduleEditor(LEVELS)


@pytest.mark.parametrize("payload", [{"sigmas": list(LEVELS), "rev": 3}, {"sigmas": list(LEVELS)}])
def test_what_the_page_sends_arrives(editor, payload):
    assert editor.preprocess(payload) == Edited(LEVELS, payload.get("rev"))


@pytest.mark.parametrize("sigmas", INVALID, ids=lambda sigmas: str(sigmas)[:20])
def test_a_client_that_sends_an_invalid_list_reads_the_core_sentence(editor, sigmas):
    with pytest.raises(ValueError) as sentence:
        checked_levels(sigmas)
    with pytest.raises(gr.Error) as refused:
        editor.preprocess({"sigmas": sigmas})
    assert refused.value.message == str(sentence.value)


@pytest.mark.parametrize(
    "payload", [None, "3, 2, 1", 7, {"sigmas": "3, 2"}, {"levels": [2, 1]}, [None]]
)
def test_a_client_that_sends_something_else_reads_a_sentence(editor, payload):
    with pytest.raises(gr.Error) as refused:
        editor.preprocess(payload)
    assert len(refused.value.message) > 20


@pytest.mark.parametrize("rev", ["9", True, 1.5, [1], None])
def test_an_odd_edit_number_is_no_edit_number(editor, rev):
    assert editor.preprocess({"sigmas": [2, 1], "rev": rev}) == Edited((2.0, 1.0), None)


@pytest.mark.parametrize("value", [LEVELS, list(LEVELS), Schedule(LEVELS), Edited(LEVELS)])
def test_levels_of_any_kind_reach_the_page_as_new_levels(editor, value):
    assert editor.postprocess(value) == {"sigmas": list(LEVELS), "rev": None}


def test_an_answer_carries_the_number_of_the_edit_it_answers(editor):
    for answer in (Edited(LEVELS, 4), Pushed(LEVELS, 4)):
        assert editor.postprocess(answer) == {"sigmas": list(LEVELS), "rev": 4}


def test_a_push_carries_the_name_of_its_undo_step(editor):
    assert editor.postprocess(Pushed(LEVELS, step="search"))["step"] == "search"


def test_nothing_is_nothing(editor):
    assert editor.postprocess(None) is None


def test_the_api_page_can_be_made(editor):
    with gr.Blocks() as demo:
        one = ScheduleEditor(LEVELS)
        one.release(lambda edited: edited.sigmas, one, gr.JSON(), api_name="edit")
    parameter = demo.get_api_info()["named_endpoints"]["/edit"]["parameters"][0]
    assert parameter["type"]["required"] == ["sigmas"]
    assert editor.preprocess(editor.example_payload()).sigmas == tuple(editor.example_value())

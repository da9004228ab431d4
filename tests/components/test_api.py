"""Endpoints answer in the core's own words, and other programs reach them by name."""

import gradio as gr
import pytest

from components import api


def test_a_schedule_by_name():
    answer = api.schedule("karras", "scenes", 6)
    assert len(answer["sigmas"]) == 7 and answer["sigmas"][0] == pytest.approx(80)


def test_a_list_in_another_notation():
    assert api.convert("[10, 1, 0.1, 0]", "comfyui", "scenes").startswith("10")


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: api.schedule("no such", "scenes", 6), "no such"),
        (lambda: api.schedule("karras", "no such", 6), "no such"),
        (lambda: api.schedule("karras", "scenes", 10_000), "10000"),
        (lambda: api.convert("10, x, 1"), "x"),
        (lambda: api.convert("10, nan, 1"), "nan"),
        (lambda: api.convert("10, 5, 5, 1"), "5"),
        (lambda: api.convert("1, 2, 3"), "increase"),
        (lambda: api.convert("5"), "2"),
        (lambda: api.convert("900, 1, 0"), "900"),
        (lambda: api.convert(", ".join(map(str, range(10_000, 0, -1)))), "characters"),
    ],
)
def test_bad_input_gets_one_sentence_that_names_it(call, says):
    with pytest.raises(gr.Error) as refused:
        call()
    assert says in refused.value.message and "Traceback" not in refused.value.message


def test_the_endpoints_are_public_and_the_wiring_is_not():
    from app import demo

    named = {
        name for fn in demo.fns.values() if (name := fn.api_name) and fn.api_visibility == "public"
    }
    assert named == {"schedule", "convert", "edit"}

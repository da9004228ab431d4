"""Operations on the edited curve, and the way back to what was chosen."""

import gradio as gr
import pytest

from components import operations_panel
from components.operations_panel import refusal, resampled, unchanged
from components.state import first_studio, start_of, with_steps, with_yours

FIRST = first_studio()


@pytest.fixture(scope="module")
def plain() -> dict[str, operations_panel.Action]:
    """The operations that need nothing but the curve, by what their buttons say."""
    with gr.Blocks():
        actions = operations_panel.build(gr.State(FIRST), FIRST)
    return {action.button.value: action for action in actions if not action.inputs}


def test_every_plain_operation_gives_levels_and_can_be_taken_back(plain):
    dragged = with_yours(FIRST, (*FIRST.yours.sigmas[:2], 9.0, *FIRST.yours.sigmas[3:]))
    for name, action in plain.items():
        studio = action.act(dragged)
        assert len(studio.yours.sigmas) >= 2, name
        assert unchanged(studio).yours == FIRST.yours


@pytest.mark.parametrize("reading", ["log-linear", "monotone"])
def test_resampling_reads_between_levels_in_the_chosen_way(reading):
    studio = resampled(FIRST, 2 * FIRST.num_steps, reading)
    assert studio.yours == FIRST.yours.with_steps(2 * FIRST.num_steps, reading)
    assert studio.yours.origin.params["resampling"] == reading
    ways = {resampled(FIRST, 17, way).yours for way in ("log-linear", "monotone")}
    assert len(ways) == 2


@pytest.mark.parametrize("steps", [None, 0, -3, 2.5, 10_000])
def test_an_impossible_number_of_steps_is_refused_in_words(steps):
    with pytest.raises(gr.Error) as refused:
        resampled(FIRST, steps, "monotone")
    assert f"steps is {steps}" in refused.value.message


def test_the_way_back_leads_to_what_was_chosen_at_the_steps_that_were_chosen():
    dragged = with_yours(FIRST, (70.0, *FIRST.yours.sigmas[1:]))
    assert start_of(dragged) == FIRST.yours
    again = with_yours(dragged, (60.0, *FIRST.yours.sigmas[1:]))
    assert unchanged(again).yours == FIRST.yours
    assert unchanged(again).yours.origin.method == FIRST.yours.origin.method
    longer = with_steps(again, 9)
    assert unchanged(longer).yours == FIRST.yours.with_steps(9)
    assert unchanged(FIRST).yours == FIRST.yours


@pytest.mark.parametrize(
    ("formula", "says"),
    [
        ("sigma_max * (1 - u)^2 + sigma_min", ""),
        ("sigma_max * nope", "unknown name 'nope'"),
        ("u", "level"),
        ("__import__('os')", "character 12"),
        ("9" * 500, "no finite value"),
        ("", "missing"),
    ],
)
def test_a_formula_is_refused_in_words_before_it_is_used(formula, says):
    said = refusal(FIRST, formula)
    assert says in said and bool(said) == bool(says)

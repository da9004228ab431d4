"""Operations on the edited curve, and the way back to what was chosen."""

from functools import partial

import gradio as gr
import pytest

from ays_core.schedules import SCHEDULES
from components import operations_panel
from components.field_words import Said, why_refused
from components.following import Following
from components.operations_panel import (
    blended,
    from_formula,
    joined,
    offered,
    others,
    part,
    resampled,
    rescaled,
    unchanged,
)
from components.schedule_editor import Edited
from components.schedule_panel import worded
from components.state import first_studio, start_of, with_row, with_steps, with_yours

FIRST = first_studio()


@pytest.fixture(scope="module")
def plain() -> dict[str, operations_panel.Action]:
    """The operations that need nothing but the curve, by what their buttons say."""
    with gr.Blocks():
        studio = gr.State(FIRST)
        actions = operations_panel.build(studio, FIRST, Following(studio))
    return {action.button.value: action for action in actions if not action.inputs}


def test_every_plain_operation_gives_levels_and_can_be_taken_back(plain):
    dragged = with_yours(FIRST, (*FIRST.yours.sigmas[:2], 9.0, *FIRST.yours.sigmas[3:]))
    for name, action in plain.items():
        start = dragged if name not in ADD_ZERO else plain["Drop the final 0"].done(dragged)
        studio = action.done(start)
        assert len(studio.yours.sigmas) >= 2, name
        assert unchanged(studio).yours == FIRST.yours


ADD_ZERO = ("Append a final 0", "Last level to 0")


def test_what_a_button_without_a_field_refuses_is_said_in_a_message(plain):
    for name in ADD_ZERO:
        with pytest.raises(gr.Error, match="The schedule ends in 0 already"):
            plain[name].done(FIRST)
    with pytest.raises(gr.Error, match="The schedule has no final 0: it ends at"):
        plain["Drop the final 0"].done(plain["Drop the final 0"].done(FIRST))


@pytest.mark.parametrize("reading", ["log-linear", "monotone"])
def test_resampling_reads_between_levels_in_the_chosen_way(reading):
    studio = resampled(FIRST, 2 * FIRST.num_steps, reading)
    assert studio.yours == FIRST.yours.with_steps(2 * FIRST.num_steps, reading)
    assert studio.yours.origin.params["resampling"] == reading
    ways = {resampled(FIRST, 17, way).yours for way in ("log-linear", "monotone")}
    assert len(ways) == 2


KEPT = "found here"
WITH_KEPT = with_row(FIRST, KEPT, FIRST.yours.with_steps(9))


def test_kept_results_are_on_the_menu_and_what_has_gone_from_it_is_not_chosen():
    assert (KEPT, KEPT) in others(WITH_KEPT) and (KEPT, KEPT) not in others(FIRST)
    assert not [key for _, key in others(FIRST) if key.endswith("*")]
    assert offered(WITH_KEPT, KEPT).value == KEPT
    assert offered(FIRST, KEPT).value == "karras"
    made = blended(with_steps(WITH_KEPT, 9), KEPT, 1.0)
    assert made.yours.sigmas == pytest.approx(dict(WITH_KEPT.kept)[KEPT].sigmas)


def test_the_part_below_a_level_is_another_schedule_s():
    made = joined(FIRST, 2, "karras").yours.sigmas
    karras = SCHEDULES["karras"].make(FIRST.num_steps, FIRST.spec).sigmas
    assert made[:3] == FIRST.yours.sigmas[:3]
    assert made[3:] == tuple(sigma for sigma in karras if sigma < made[2]) and made[-1] == 0


@pytest.mark.parametrize(
    ("act", "values", "words"),
    [
        (resampled, (None, "monotone"), "Steps is empty: give a whole number from 1 to 199"),
        (resampled, (0, "monotone"), "Steps is 0: give a whole number from 1 to 199"),
        (resampled, (-3, "monotone"), "Steps is -3: give"),
        (resampled, (2.5, "monotone"), "Steps is 2.5: give"),
        (resampled, (1e9, "monotone"), "Steps is 1e+09: give"),
        (rescaled, (0, 80), "New σ min is 0: this model knows levels from 0.02 to 80"),
        (rescaled, (-1, 80), "New σ min is -1: this model knows"),
        (rescaled, (0.001, 80), "New σ min is 0.001: this model knows"),
        (rescaled, (0.02, 500), "New σ max is 500: this model knows"),
        (rescaled, (80, 0.02), "New σ min (80) must be below new σ max (0.02)"),
        (rescaled, (5, 5), "New σ min (5) must be below new σ max (5)"),
        (partial(part, 0), (None,), "Level is empty: give a whole number from 1 to 5"),
        (partial(part, 0), (0,), "Level is 0: give a whole number from 1 to 5"),
        (partial(part, 1), (6,), "Level is 6: give"),
        (joined, (99, "karras"), "Level is 99: give"),
        (from_formula, ("",), "Type a formula, for example sigma_max"),
        (
            from_formula,
            ("80 - 79.999 * u",),
            "Level 5 is 0.001: this model knows levels from 0.02 to 80",
        ),
        (from_formula, ("sigma_max * nope",), "Unknown name 'nope'"),
        (from_formula, ("u",), "Level"),
        (from_formula, ("__import__ + 1",), "Unknown name '__import__'"),
        (from_formula, ("9" * 400,), "Level 0 is inf"),
    ],
)
def test_what_is_refused_is_said_at_its_field_and_nothing_changes(act, values, words):
    said = why_refused(act, FIRST, *values)
    assert said.wrong and said.text.startswith(words)
    assert "None" not in said.text and "nan" not in said.text
    with gr.Blocks():
        place = operations_panel.FieldWords(fields=["x"])
        action = operations_panel.Action(gr.Button(), act, said=place)
    studio, pushed, told = worded(action.done)(FIRST, Edited(FIRST.yours.sigmas), *values)
    assert (studio, told) == (FIRST, said) and pushed.sigmas == FIRST.yours.sigmas


def test_an_end_left_empty_stays():
    ends = FIRST.yours.positive
    made = rescaled(FIRST, None, 40.0).yours.positive
    assert (made[0], made[-1]) == pytest.approx((40.0, ends[-1]))


def test_a_formula_that_gives_a_schedule_is_not_refused():
    text = "sigma_max * (1 - u)^2 + sigma_min * u"
    assert why_refused(from_formula, FIRST, text) == Said()


def test_the_way_back_leads_to_what_was_chosen_at_the_steps_that_were_chosen():
    dragged = with_yours(FIRST, (70.0, *FIRST.yours.sigmas[1:]))
    assert start_of(dragged) == FIRST.yours
    again = with_yours(dragged, (60.0, *FIRST.yours.sigmas[1:]))
    assert unchanged(again).yours == FIRST.yours
    assert unchanged(again).yours.origin.method == FIRST.yours.origin.method
    longer = with_steps(again, 9)
    assert unchanged(longer).yours == FIRST.yours.with_steps(9)
    assert unchanged(FIRST).yours == FIRST.yours

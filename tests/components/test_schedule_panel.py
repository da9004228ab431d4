"""The table beside the curve: the same levels, typed."""

from dataclasses import replace

import gradio as gr
import pandas as pd
import pytest

from components.field_words import Said, why_refused
from components.schedule_editor import OPENING, Edited
from components.schedule_panel import (
    drawn,
    from_curve,
    from_offer,
    from_table,
    from_text,
    on_the_curve,
    opened,
    redrawn,
    table_of,
    worded,
    written,
)
from components.state import first_studio, with_edit

FIRST = first_studio()


MOVED = (*FIRST.yours.sigmas[:2], 9.5, *FIRST.yours.sigmas[3:])


def test_an_edit_is_taken_in_once():
    """What was done to the curve since is not undone by the edit's own, later, answer."""
    edited = with_edit(FIRST, MOVED, 4)
    assert edited.yours.sigmas == MOVED and edited.edit == 4
    since = replace(edited, yours=FIRST.yours)
    assert with_edit(since, MOVED, 4) is since
    assert with_edit(since, MOVED, 3) is since
    assert with_edit(since, MOVED, None) is since
    assert with_edit(since, MOVED, 5).yours.sigmas == MOVED


def test_what_is_done_is_done_to_the_curve_in_the_page():
    seen = []
    handler = on_the_curve(lambda studio, *values: seen.append((studio.yours.sigmas, values)))
    handler(FIRST, Edited(MOVED, 1), "a", 2)
    handler(FIRST, Edited(MOVED), "as Python sent them")
    handler(FIRST, Edited((900.0, 1.0), 1), "refused elsewhere, in words")
    assert [levels for levels, _ in seen] == [MOVED, FIRST.yours.sigmas, FIRST.yours.sigmas]
    assert seen[0][1] == ("a", 2)


def test_an_answer_says_which_edit_is_in_it():
    made, pushed, rows = drawn(lambda studio: studio)(FIRST, Edited(MOVED, 7))
    assert made.yours.sigmas == pushed.sigmas == MOVED
    assert rows["sigma"].tolist() == pytest.approx(MOVED, rel=1e-5)
    assert (pushed.rev, pushed.step) == (7, "")
    assert redrawn(FIRST).rev is None  # new levels, whatever was edited
    assert opened(FIRST)[0].rev == 0  # an edit made before it arrives stands
    assert opened(FIRST)[0].step == OPENING


def test_programs_do_not_number_their_edits():
    studio, rows, steps = from_curve(replace(FIRST, edit=9), Edited((80.0, 1.0, 0.0)))
    assert studio.yours.sigmas == (80, 1, 0) and len(rows) == 3 and steps == 2
    with pytest.raises(gr.Error, match="above"):
        from_curve(FIRST, Edited((900.0, 1.0)))


def table(cell: object) -> pd.DataFrame:
    """The first schedule's table with another level 2."""
    levels: list[object] = list(FIRST.yours.sigmas)
    levels[2] = cell
    return pd.DataFrame({"step": range(len(levels)), "sigma": levels})


@pytest.mark.parametrize("cell", [9.5, "9.5", " 9.5 ", "9,5", "0.95e1"])
def test_a_typed_level_reaches_the_curve(cell):
    """The page sends what was typed as text."""
    assert from_table(FIRST, table(cell)).yours.sigmas[2] == 9.5


@pytest.mark.parametrize(
    ("cell", "says"),
    [
        ("much", "Level 2 is not a number: 'much'"),
        ("", "Level 2 is not a number"),
        (None, "Level 2 is"),
        ("nan", "Level 2 is nan"),
        ("1e400", "Level 2 is inf"),
        ("-1", "Level 2 is -1"),
        ("500", "Level 2 (500) is above level 1"),
    ],
)
def test_an_impossible_level_is_refused_in_words_and_nothing_changes(cell, says):
    said = why_refused(from_table, FIRST, table(cell))
    assert said.wrong and says in said.text
    studio, pushed, told = worded(from_table)(FIRST, Edited(FIRST.yours.sigmas), table(cell))
    assert (studio, told) == (FIRST, said) and pushed.sigmas == FIRST.yours.sigmas


def test_what_was_not_typed_stays_exact_though_it_is_shown_to_six_digits():
    exact = with_edit(FIRST, [80.0, 9.87654321, 1.23456789, 0.0], 1)
    shown = table_of(exact)
    assert shown["sigma"].tolist() == [80.0, 9.87654, 1.23457, 0.0]
    assert from_table(exact, shown) is exact
    shown = shown.astype(object)  # what is typed comes as text
    shown.loc[1, "sigma"] = "9"
    assert from_table(exact, shown).yours.sigmas == (80.0, 9.0, 1.23456789, 0.0)


@pytest.mark.parametrize("blank", ["", None, float("nan")])
def test_a_new_row_is_a_level_between_its_neighbours(blank):
    levels: list[object] = table_of(FIRST)["sigma"].tolist()

    def added(i: int) -> tuple[float, ...]:
        cells = [*levels[:i], blank, *levels[i:]]
        frame = pd.DataFrame({"step": range(len(cells)), "sigma": cells}, dtype=object)
        return from_table(FIRST, frame).yours.sigmas

    above, below = FIRST.yours.sigmas[1:3]
    assert added(2)[2] == pytest.approx((above * below) ** 0.5, rel=1e-5)
    assert added(2)[:2] + added(2)[3:] == FIRST.yours.sigmas
    last = FIRST.yours.positive[-1]
    zero = len(FIRST.yours.positive)
    assert added(zero)[zero] == pytest.approx(max(last / 2, FIRST.spec.sigma_min), rel=1e-5)
    with pytest.raises(ValueError, match="a new level needs one above it"):
        added(0)


def test_a_row_that_was_removed_is_a_level_less_and_columns_are_no_edit():
    rows = table_of(FIRST).drop(index=2)
    levels = FIRST.yours.sigmas
    assert from_table(FIRST, rows).yours.sigmas == (*levels[:2], *levels[3:])
    for broken in (table_of(FIRST)[["step"]], table_of(FIRST).assign(third=1)):
        assert "columns step and sigma" in why_refused(from_table, FIRST, broken).text


def test_a_refused_dialect_leaves_nothing_to_copy(monkeypatch):
    def refused(*_):
        raise ValueError("this target needs a final 0")

    monkeypatch.setattr("components.schedule_panel.write", refused)
    assert written(FIRST, "csv") == ("", Said("This target needs a final 0.", wrong=True))


def test_after_an_offer_nothing_is_left_to_choose():
    text = "0.1, 1, 10, 80"
    studio, said, offers = from_text(FIRST, text)
    assert studio is FIRST and said.wrong and offers.visible
    assert (
        said.text == "Not used yet. Level 1 (1) is above level 0 (0.1): levels must decrease. "
        "Levels increase: flip them?"
    )
    studio, said, offers = from_offer(FIRST, text, "flip")
    assert studio.yours.sigmas == (80, 10, 1, 0.1)
    assert said == Said("Used: Flip the list.") and not offers.visible
    studio, said, _ = from_offer(FIRST, "80, 1, 0", "flip")
    assert studio is FIRST and said.wrong and "has changed" in said.text

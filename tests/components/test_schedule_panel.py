"""The table beside the curve: the same levels, typed."""

from dataclasses import replace

import gradio as gr
import pandas as pd
import pytest

from components.schedule_editor import OPENING, Edited
from components.schedule_panel import (
    drawn,
    from_curve,
    from_table,
    on_the_curve,
    opened,
    redrawn,
    table_of,
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
    assert made.yours.sigmas == pushed.sigmas == tuple(rows["sigma"]) == MOVED
    assert (pushed.rev, pushed.step) == (7, "")
    assert redrawn(FIRST)[0].rev is None  # new levels, whatever was edited
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
        ("much", "level 2 is not a number: 'much'"),
        ("", "level 2 is not a number"),
        (None, "level 2 is"),
        ("nan", "level 2 is nan"),
        ("1e400", "level 2 is inf"),
        ("-1", "level 2 is -1"),
        ("500", "level 2 (500) is above level 1"),
    ],
)
def test_an_impossible_level_is_refused_in_words_and_nothing_changes(cell, says, monkeypatch):
    said = []
    monkeypatch.setattr("gradio.Warning", said.append)
    assert from_table(FIRST, table(cell)) is FIRST
    assert says in said[0]


def test_a_table_of_another_length_says_nothing():
    assert from_table(FIRST, table_of(FIRST).head(3)) is FIRST

"""The table beside the curve: the same levels, typed."""

import pandas as pd
import pytest

from components.schedule_panel import from_table, table_of
from components.state import first_studio

FIRST = first_studio()


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

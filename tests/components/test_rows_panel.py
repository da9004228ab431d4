"""The rows of the Studio as a job: what is known already is shown whole, and at once."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace
from types import SimpleNamespace

import pytest

from ays_core.job import run
from components import comparison, rows_panel, twins
from components.comparison import known_rows, rows_job
from components.recent import Recent
from components.rows_panel import payload
from components.schedule_editor import Edited
from components.state import first_studio, with_choices, with_model

SOMEONE = SimpleNamespace(session_hash="rows")


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch):
    for module, name in (
        (comparison, "_references"),
        (comparison, "_cells"),
        (comparison, "_floors"),
        (twins, "_tuned"),
    ):
        monkeypatch.setattr(module, name, Recent(64))


def points(solver: str = "euler"):
    studio = with_model(first_studio(), "grid")
    return replace(with_choices(studio, ["karras*", "log_snr"]), solver=solver)


def test_rows_seen_before_show_the_same_numbers_and_floors():
    """A stochastic solver has no reference error: its number is read beside a floor."""
    studio = points("euler_a")
    first = payload(run(rows_job(studio)), 1, None).rows
    again = payload(run(rows_job(studio)), 2, None).rows
    assert all("floor" in row.error for row in first[1:])
    assert [row.error for row in again] == [row.error for row in first]
    known = payload(known_rows(studio), 3, None).rows
    assert [row.error for row in known] == [row.error for row in first]
    assert all(row.state == "done" for row in known)


def test_other_rows_rest_as_they_are_while_a_level_moves(monkeypatch):
    """Even on a machine too slow to do more than the edited row within a glance."""
    monkeypatch.setattr(rows_panel, "GLANCE", 0.0)
    studio = points()
    run(rows_job(studio))
    levels = list(studio.yours.sigmas)
    levels[2] *= 0.97
    view = rows_panel.glance(studio, Edited(levels, 1), SOMEONE)
    assert [row.state for row in view.rows] == ["done"] * 4
    assert view.rows[1].name.endswith("edited")


def test_recent_forgets_what_was_asked_for_longest_ago():
    recent: Recent[int] = Recent(2)
    recent.put("a", 1)
    recent.put("b", 2)
    assert recent.get("a") == 1
    recent.put("c", 3)
    assert recent.get("b") is None
    assert list(recent._values) == list(OrderedDict.fromkeys(["a", "c"]))

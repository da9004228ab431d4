"""The leaderboard: who enters, what a lead is worth, and going on where a run stopped."""

from __future__ import annotations

from pathlib import Path

import pytest

from ays_core import leaderboard as board_module
from ays_core.job import run
from ays_core.leaderboard import Board, Contest, Score, columns, leaderboard, verdict
from ays_core.optimizers import OPTIMIZERS
from ays_core.solvers import SOLVERS

SHIPPED = Path(__file__).parents[2] / "assets/leaderboard/leaderboard.json"


def contest(*scores: Score, solver: str = "euler", nfe: int = 6) -> Contest:
    return Contest("grid", solver, nfe, 6, 64, "rmse", 0.0, scores)


def test_columns_have_the_most_steps_that_fit_each_once():
    assert columns(["euler", "heun"], (5, 6, 8)) == [
        ("euler", 5, 5),
        ("euler", 6, 6),
        ("euler", 8, 8),
        ("heun", 5, 3),
        ("heun", 7, 4),
    ]


def test_mean_and_spread():
    score = Score("oss", (1.0, 2.0, 3.0))
    assert (score.mean, score.spread, score.optimised) == (2.0, 1.0, True)
    assert Score("oss*").optimised and not Score("karras*", (1.0,)).optimised


@pytest.mark.parametrize(
    ("oss", "says"),
    [
        ((0.1, 0.11), "In 1 of 1 columns"),
        ((0.49, 0.511), "In 1 of 1 columns"),  # the same noises: their difference counts
        ((0.45, 0.55), "in 1 there is no clear"),
        ((0.9, 0.91), "in 1 it loses"),
    ],
)
def test_the_verdict_counts_only_clear_leads_and_names_what_lost(oss, says):
    text = verdict([contest(Score("karras*", (0.5, 0.52)), Score("oss", oss))])
    assert says in text
    named = "Euler (DDIM), 6 calls: karras* 0.51, oss 0.905." in text
    assert named == (oss[0] == 0.9)


def test_no_verdict_without_two_sides():
    assert verdict([]) == ""
    assert verdict([contest(Score("karras", (1.0,)), Score("oss", error="refused"))]) == ""


@pytest.fixture
def small(monkeypatch) -> None:
    """One twin, and the one optimizer whose cost is arithmetic."""
    monkeypatch.setattr(board_module, "TWINS", ("karras",))
    monkeypatch.setitem(board_module.TRAINING, "points", 8)
    monkeypatch.setattr(board_module, "OPTIMIZERS", {"ays": OPTIMIZERS["ays"]})
    monkeypatch.setitem(board_module.NOISES, "points", 16)


def test_a_run_that_stopped_goes_on_where_it_was(small):
    whole = run(leaderboard(["gaussians"], ["euler", "dpmpp_2m_sde"], (3,), sets=2))
    assert [c.metric for c in whole.contests] == ["rmse", "sliced_w2"]
    assert [c.floor > 0 for c in whole.contests] == [False, True]
    for found in whole.contests:
        assert {"karras", "karras*", "ays", "ays*"} <= {score.key for score in found.scores}
        assert all(len(score.values) == 2 or score.error for score in found.scores)
    first = Board(whole.contests[:1])
    again = run(leaderboard(["gaussians"], ["euler", "dpmpp_2m_sde"], (3,), sets=2, before=first))
    assert again.contests == whole.contests
    assert Board.from_json(again.to_json()).contests == whole.contests
    job = leaderboard(["gaussians"], ["euler", "dpmpp_2m_sde"], (3,), before=whole)
    assert list(job) == []  # nothing is left to do


def test_an_optimizer_that_would_take_too_long_says_so(small, monkeypatch):
    monkeypatch.setattr(board_module, "OPTIMIZERS", {"oss": OPTIMIZERS["oss"]})
    monkeypatch.setitem(board_module.MOST_EVALUATIONS, "points", 10)
    found = run(leaderboard(["gaussians"], ["euler"], (3,), sets=1)).contests[0]
    assert "evaluations" in next(score.error for score in found.scores if score.key == "oss")


def test_the_shipped_board_is_read_and_says_how_it_was_made():
    board = Board.from_json(SHIPPED.read_text())
    assert {"date", "machine", "seconds", "versions", "sets"} <= set(board.made)
    for found in board.contests:
        assert found.ranked and SOLVERS[found.solver].nfe(found.steps, True) == found.nfe
        assert all(len(score.values) == board.made["sets"] for score in found.ranked)

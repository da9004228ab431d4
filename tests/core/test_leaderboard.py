"""The leaderboard: who enters, what a lead is worth, and going on where a run stopped."""

from __future__ import annotations

from pathlib import Path

import pytest

from ays_core.denoiser import bind
from ays_core.job import run
from ays_core.leaderboard import (
    Board,
    Contest,
    Score,
    columns,
    entrants,
    leaderboard,
    records,
    report,
    shipped,
    verdict,
    work,
)
from ays_core.leaderboard.entrants import Entrants
from ays_core.models import load_model
from ays_core.optimizers import OPTIMIZERS
from ays_core.schedule import Schedule
from ays_core.schedules import SCHEDULES
from ays_core.solvers import SOLVERS

ROOT = Path(__file__).parents[2]
SHIPPED = shipped(ROOT / "assets/leaderboard")
DOCS = (ROOT / "docs/leaderboard.md").read_text()


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


def test_mean_spread_and_kinds():
    score = Score("oss", (1.0, 2.0, 3.0))
    assert (score.mean, score.spread) == (2.0, 1.0)
    kinds = {"oss": "optimised", "oss*": "optimised", "karras": "closed", "karras*": "tuned"}
    kinds |= {"ays_sdxl": "published"}
    for key, kind in kinds.items():
        found = {name for name in {*kinds.values()} if getattr(Score(key), name)}
        assert found == {kind}
    assert not Score("oracle").optimised  # it has had more tries than any user will spend


def test_summary_has_the_best_of_every_kind():
    found = contest(
        Score("karras", (0.5,)),
        Score("log_snr", (0.6,)),
        Score("karras*", (0.4,)),
        Score("oss", (0.3,)),
        Score("ays_sdxl", (0.7,)),
        Score("ays", error="refused"),
        Score("gits", (0.25,)),
        Score("oracle", (0.2,)),
    )
    assert {kind: score.key for kind, score in found.summary.items()} == {
        "closed": "karras",
        "published": "ays_sdxl",
        "tuned": "karras*",
        "papers": "oss",
        "optimised": "gits",
        "oracle": "oracle",
    }
    assert found.over_oracle == pytest.approx(1.5)
    assert contest(Score("karras", (0.5,))).over_oracle is None


def test_levels_that_a_search_was_given_and_kept_are_not_its_own():
    levels, own = (80.0, 1.0, 0.0), (80.0, 2.0, 0.0)
    found = contest(
        Score("karras", (0.5, 0.52), sigmas=own[:1]),
        Score("log_snr*", (0.2, 0.2), sigmas=levels),
        Score("ays*", (0.2, 0.2), sigmas=levels),
        Score("oss", (0.3, 0.3), sigmas=own),
        Score("oracle", (0.2, 0.2), sigmas=levels),
    )
    assert found.summary["papers"].key == found.summary["optimised"].key == "oss"
    ays, oss = records([found], "tuned")
    assert (ays.key, ays.won, ays.lost, ays.kept) == ("ays*", 0, 0, 1)
    assert (oss.key, oss.won, oss.lost, oss.kept) == ("oss", 0, 1, 0)


def test_what_was_found_before_is_judged_again_without_a_search(small, monkeypatch):
    wanted = ["gaussians"], ["euler"], (3,)
    first = run(leaderboard(*wanted, sets=1))
    monkeypatch.setattr(entrants, "measure_model", None)  # would fail
    again = run(leaderboard(*wanted, sets=1, known=first))
    assert again.contests == first.contests


CASES = [  # of oss, against .5, .52 of karras
    ((0.1, 0.11), 1, 0, "In 1 of 1 columns"),
    ((0.49, 0.511), 1, 0, "In 1 of 1 columns"),  # the same noises: their difference counts
    ((0.45, 0.55), 0, 0, "in 1 there is no clear"),
    ((0.9, 0.91), 0, 1, "in 1 it loses"),
    ((0.5, 0.52), 0, 0, "in 1 there is no clear"),
]


@pytest.mark.parametrize(("oss", "won", "lost", "says"), CASES)
def test_the_verdict_counts_only_clear_leads_and_names_what_lost(oss, won, lost, says):
    found = contest(Score("karras", (0.5, 0.52)), Score("oss", oss))
    lead = found.lead()
    assert lead and (lead.won, lead.lost) == (won, lost)
    text = verdict([found])
    assert says in text
    assert ("Euler (DDIM), 6 calls: karras 0.51, oss 0.905." in text) == lost
    section = report([Board((found,), {"date": "today", "sets": 2})])
    assert ("spreads): grid, Euler (DDIM), 6 calls." in section) == lost
    assert f"Columns won by more than 3 spreads: {won} of 1." in section


def test_no_verdict_without_two_sides():
    assert verdict([]) == ""
    assert verdict([contest(Score("karras", (1.0,)), Score("oss", error="refused"))]) == ""


@pytest.fixture
def small(monkeypatch) -> None:
    """One twin, and the one optimizer whose cost is arithmetic."""
    monkeypatch.setattr(entrants, "TWINS", ("karras",))
    monkeypatch.setitem(entrants.TRIED, "points", (8, 16))
    monkeypatch.setattr(entrants, "OPTIMIZERS", {"ays": OPTIMIZERS["ays"]})
    monkeypatch.setitem(work.NOISES, "points", 16)


def test_a_run_that_stopped_goes_on_where_it_was(small):
    whole = run(leaderboard(["gaussians"], ["euler", "dpmpp_2m_sde"], (3,), sets=2))
    assert [c.metric for c in whole.contests] == ["rmse", "sliced_w2"]
    assert all(c.floor > 0 for c in whole.contests)
    for score in whole.contests[0].ranked:
        assert len(score.distances) == 2 and score.distance != score.mean
    assert not any(score.distances for score in whole.contests[1].scores)
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
    monkeypatch.setattr(entrants, "OPTIMIZERS", {"ays_mc": OPTIMIZERS["ays_mc"]})
    monkeypatch.setitem(entrants.MOST_EVALUATIONS, "points", 10)
    found = run(leaderboard(["gaussians"], ["euler"], (3,), sets=1)).contests[0]
    refused = next(score.error for score in found.scores if score.key == "ays_mc")
    assert refused.startswith("takes about ") and "more than the 10 of a search" in refused


def test_one_search_of_oss_serves_all_columns_and_the_oracle_leads_by_its_own_measure(
    small, monkeypatch
):
    wanted = {key: OPTIMIZERS[key] for key in ("oss", "direct")}
    monkeypatch.setattr(entrants, "OPTIMIZERS", wanted)
    monkeypatch.setitem(entrants.TRIES, "points", (20, 60))
    monkeypatch.setitem(entrants.ORACLE_TRIED, "points", (24, 24))
    monkeypatch.setitem(entrants.TEACHER_NOISES, "points", 8)
    shared = Entrants(bind(load_model("grid")), 5)
    for steps in (4, 5):
        made: dict[str, Schedule] = {}
        for key, job in shared.jobs("euler", steps, made).items():
            made[key] = run(job)
        assert {len(schedule.sigmas) for schedule in made.values()} == {steps + 1}
        few, more = shared.trials["euler", 8], shared.trials["euler", 24]
        scores = {key: run(more.score(schedule)) for key, schedule in made.items()}
        assert scores["oracle"] == min(scores.values())
        scores = {key: run(few.score(schedule)) for key, schedule in made.items()}
        assert scores["direct*"] <= min(scores["oss"], scores["oss*"], scores["karras"])
    assert sorted(shared.searches) == [False, True]


def test_the_shipped_board_is_read_and_says_how_it_was_made():
    for model, board in SHIPPED.items():
        assert {"date", "machine", "seconds", "versions", "sets"} <= set(board.made)
        assert board.models == (model,)
        for found in board.contests:
            assert found.ranked and SOLVERS[found.solver].nfe(found.steps, True) == found.nfe
            assert all(len(score.values) == board.made["sets"] for score in found.ranked)


# What the shipped board says

WON = [  # columns in which searching is worth most
    ("gaussians", "euler", 6),
    ("gaussians", "euler", 8),
    ("gaussians", "dpmpp_2m", 6),
    ("gaussians", "heun", 5),
    ("grid", "euler", 5),
    ("grid", "dpmpp_2m", 5),
    ("grid", "dpmpp_2m", 8),
    ("grid", "heun", 7),
    ("checkerboard", "euler", 5),
    ("checkerboard", "dpmpp_2m", 6),
    ("checkerboard", "heun", 9),
    ("scenes", "dpmpp_2m", 5),
    ("scenes", "heun", 5),
    ("scenes", "heun", 7),
]


@pytest.fixture(scope="module")
def contests() -> dict[tuple[str, str, int], Contest]:
    found = [contest for board in SHIPPED.values() for contest in board.contests]
    return {(c.model, c.solver, c.nfe): c for c in found}


@pytest.mark.parametrize("column", WON, ids=str)
def test_the_best_optimised_schedule_beats_every_closed_form(contests, column):
    lead = contests[column].lead()
    assert lead.won and lead.score.mean < 0.8 * lead.other.mean


def test_no_other_column_is_lost_but_those_the_documentation_names(contests):
    lost = [contest.name for contest in contests.values() if contest.lead().lost]
    names = "; ".join(lost) or "none"
    assert f"Columns that fail (a closed form leads by more than 2 spreads): {names}." in DOCS


def test_the_documentation_says_what_the_board_says():
    assert report(list(SHIPPED.values())) in DOCS


@pytest.mark.slow
def test_a_column_can_be_computed_again(contests):
    """The stored levels give the stored numbers, and a new search wins the column again."""
    column = contests["gaussians", "euler", 6]
    judges = work.Judges("gaussians", 6, 2, None)
    lead = column.lead()
    levels = [Schedule(score.sigmas) for score in (lead.score, lead.other)]
    start = SCHEDULES["karras"].make(6, judges.denoise.spec)
    new = run(OPTIMIZERS["ays"].make(judges.denoise, start, "euler", seed=100, free_first=True))
    values, errors, _ = run(judges.judge([*levels, new], "euler", "rmse"))
    assert not errors
    for schedule, score in zip(levels, (lead.score, lead.other), strict=True):
        assert values[schedule]["rmse"] == pytest.approx(score.values[:2], rel=1e-3)
    assert max(values[new]["rmse"]) < 0.8 * min(values[levels[1]]["rmse"])

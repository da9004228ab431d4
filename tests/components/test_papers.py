"""The papers' pages: what they say of their figures is true, and their numbers are the board's."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from itertools import pairwise

import pytest

from ays_core.compare import compare, reference_run
from ays_core.denoiser import bind
from ays_core.job import run
from ays_core.leaderboard import shipped
from ays_core.models import MODELS, load_model
from ays_core.optimizers import OPTIMIZERS
from ays_core.sampling import start_noise
from ays_core.schedule import Schedule
from components import papers
from components.leaderboard_tables import FOLDER
from components.papers import PAPERS


@pytest.mark.parametrize("paper", PAPERS, ids=lambda paper: paper.key)
def test_a_page_is_well_formed_and_its_methods_exist(paper):
    root = ET.fromstring(f"<div>{papers.page(paper)}</div>")
    formula = root.find("math")
    assert formula is not None and len(formula.get("aria-label", "")) > 40
    assert set(paper.methods) <= set(OPTIMIZERS)
    ids = {OPTIMIZERS[key].reference.rpartition("arXiv:")[2] for key in paper.methods}
    assert paper.url.rpartition("/")[2] in ids


def test_the_objective_falls_and_the_error_turns():
    objective, error = (line["y"] for line in papers.klub_figure()["data"])
    assert objective == sorted(objective, reverse=True)
    best = error.index(min(error))
    assert 0 < best < len(error) - 1
    assert error[0] == 1 and error[-1] > error[0]


def test_oss_takes_its_largest_step_first():
    start, found = (line["y"] for line in papers.PAPERS[2].draw()["data"])
    steps = [high / low for high, low in pairwise(found)]
    assert max(steps) == steps[0] and found[1] < start[1] / 5


def test_score_optimal_levels_halve_the_error_of_better_solvers():
    start, found = (line["y"] for line in PAPERS[1].draw()["data"])
    assert all(high > low for high, low in zip(found[1:], start[1:], strict=True))
    denoise = bind(load_model("gaussians"))
    noise = start_noise(denoise.spec, papers.NOISES, papers.JUDGING)
    reference = run(reference_run(denoise, noise))
    parts = {}
    for solver in ("euler", "dpmpp_2m", "heun"):
        schedules = [Schedule((*levels, 0.0)) for levels in (start, found)]
        job = compare(denoise, schedules, solver, noise, ["rmse"], reference=reference)
        before, after = (cell.metrics["rmse"] for cell in run(job).cells)
        parts[solver] = after / before
    assert parts["dpmpp_2m"] < 0.5 and parts["heun"] < 0.5 < parts["euler"] < 1


def test_numbers_are_those_of_the_leaderboard():
    contests = [c for key in papers.SHOWN for c in shipped(FOLDER)[key].contests]
    shown = papers.numbers(PAPERS[0])
    calls, solvers = papers.SHOWN_CALLS, papers.SHOWN_SOLVERS
    contest = next(c for c in contests if c.nfe in calls and c.solver in solvers)
    mine = contest.best(lambda s: s.key in PAPERS[0].methods)
    assert mine is not None and f"<td>{mine.mean:.3g} " in shown
    assert ET.fromstring(f"<div>{shown}</div>").find("div/table/caption") is not None


def test_a_paper_that_is_not_on_the_leaderboard_says_so(monkeypatch, tmp_path):
    monkeypatch.setattr(papers, "FOLDER", tmp_path)
    assert "no numbers" in papers.numbers(PAPERS[0])


@pytest.mark.parametrize("paper", PAPERS, ids=lambda paper: paper.key)
def test_every_letter_of_a_formula_is_explained(paper):
    """The mean is the character for it, and x, p and D are said in words."""
    root = ET.fromstring(f"<div>{papers.page(paper)}</div>")
    formula = root.find("math")
    assert formula is not None and "mathvariant" not in ET.tostring(formula, "unicode")
    letters = {e.text for e in formula.iter("mi")} & {"𝔼", "x", "p", "D"}
    assert "𝔼" in letters
    said = set(re.findall(r"\w+", paper.meaning))
    assert letters <= said
    assert paper.key != "ays" or "same noisy picture with more noise added" in paper.meaning


@pytest.mark.parametrize("paper", PAPERS, ids=lambda paper: paper.key)
def test_where_a_paper_loses_is_said_above_its_table(paper):
    rows = list(papers.standings(paper))
    worse = [contest.model for contest, mine, _, plain in rows if mine.mean > plain.mean]
    said = papers.losses(rows)
    if not worse:
        assert said.startswith(f"Better than Karras in all {len(rows)} rows")
    else:
        assert said.startswith(f"Worse than Karras in {len(worse)} of the {len(rows)} rows")
    for key in papers.SHOWN:
        lost, of = worse.count(key), sum(contest.model == key for contest, *_ in rows)
        assert (f"{MODELS[key].label} ({lost} of {of})" in said) == (lost > 0)
    assert papers.escape(said) in papers.numbers(paper)


def test_score_optimal_loses_on_every_row_of_the_scenes():
    """'On the little scenes it loses: with both solvers and both numbers of calls.'"""
    rows = [row for row in papers.standings(PAPERS[1]) if row[0].model == "scenes"]
    assert len(rows) == len(papers.SHOWN_SOLVERS) * len(papers.SHOWN_CALLS)
    assert all(mine.mean > plain.mean for _, mine, _, plain in rows)
    assert "On the little scenes it loses" in PAPERS[1].seen

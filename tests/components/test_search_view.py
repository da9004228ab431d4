"""What a finished search says of its own choice."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from ays_core.comparison import three_digits
from ays_core.job import Progress, run
from ays_core.optimizers import OPTIMIZERS
from ays_core.schedule import Origin, Schedule
from components.optimize_panel import cost, question, search_job
from components.search_view import ended, figure, outcome, ticks
from components.state import first_studio, with_model, with_steps


@pytest.fixture(scope="module")
def studio():
    return with_steps(with_model(first_studio(), "gaussians"), 5)


def searched(studio, name, **params):
    return run(search_job(replace(studio, optimizer=name, params=tuple(params.items()))))


def test_before_there_is_an_objective_no_axis_is_drawn_and_after_a_stop_nothing(studio):
    entry, start = OPTIMIZERS["oss"], studio.yours
    waiting = figure(entry, Progress("reference", 3, 79, start))["layout"]
    assert not waiting["xaxis"]["visible"] and not waiting["yaxis"]["visible"]
    assert "reference, 3 of 79" in waiting["title"]["text"]
    assert ended(entry, start, question(studio)) is None
    found = searched(studio, "oss", teacher_steps=20, num=8)
    drawn = ended(entry, found, question(studio))
    assert drawn and drawn["data"][0]["y"] and drawn["layout"]["yaxis"]["visible"]
    title = f"{entry.label}: {studio.spec.label}, Euler (DDIM), 5 steps"
    assert drawn["layout"]["title"]["text"].startswith(f"{title}<br>")


def test_early_stopping_says_at_which_sweep_and_stage(studio):
    few = {"draws": 64, "sweeps": 3, "num": 16}
    for steps, stage in ((5, "10 steps"), (12, r"(10|20) steps")):
        found = searched(with_steps(studio, steps), "ays_mc", **few)
        said, params = outcome(found), found.origin.params
        assert params["chosen"] != "start"
        pattern = rf"Kept from sweep \d over {stage}: of all on the way, it does best with the"
        assert re.match(pattern, said)
        of, sweep = params["chosen"].split(", ")
        assert said.startswith(f"Kept from {sweep} over {of}:")
        last = list(params["scores"])[-1]
        went_on = f"The search went on to {last.split(', ')[1]} over {last.split(', ')[0]}."
        assert said.endswith(went_on) == (last != params["chosen"])


def test_so_does_the_search_on_measured_prices(studio):
    small = {"levels": 32, "paths": 64, "num": 32, "power": "3", "stop": "sampler"}
    found = searched(studio, "ays", **small)
    chosen = found.origin.params["chosen"]
    assert outcome(found).startswith(f"Kept from sweep {chosen}: of all on the way, it does best")
    kept = replace(studio, yours=searched(studio, "direct", budget=200, num=32))
    said = outcome(searched(kept, "ays", **small))
    assert re.fullmatch(
        r"No sweep came to anything better than the start, up to sweep \d+: the start is kept\.",
        said,
    )


def test_a_converged_search_speaks_of_klub(studio):
    found = searched(studio, "ays_mc", draws=64, sweeps=2, stop="converged")
    assert ": of all on the way, it has the least KLUB." in outcome(found)
    fixed = searched(studio, "ays", levels=32, paths=64, power="3")
    assert outcome(fixed) == "", "the global minimum was not met on the way"


def test_both_lists_of_oss_are_shown_with_their_errors(studio):
    found = searched(studio, "oss", kind="both", teacher_steps=40, num=32)
    params, said = found.origin.params, outcome(found)
    for name in ("shared", "median"):
        assert three_digits(params["errors"][name]) in said
        levels = ", ".join(f"{sigma:.3g}" for sigma in params["levels"][name])
        assert f"{name}: {levels}" in said
    assert params["levels"]["shared"] != params["levels"]["median"]
    assert list(found.sigmas) in params["levels"].values()
    errors = {"shared": 0.2, "median": 0.3, "start": 0.1}
    kept = Schedule((2.0, 1.0), Origin("oss", {"errors": errors, "chosen": "start"}))
    assert "The start is closer still, 0.100, and is kept." in outcome(kept)


def test_the_slow_search_points_to_the_one_that_measures_once(studio):
    said = cost(replace(with_model(studio, "scenes"), optimizer="ays_mc", params=()))
    assert "prices every step from 24,576 evaluations; with power 3 it finds the least KLUB" in said


@pytest.mark.parametrize("low", [0.0315, 0.2, 0.0999, 3.0, 70.0])
@pytest.mark.parametrize("times", [1.001, 1.02, 1.1, 1.4, 3, 20, 1000])
def test_the_axis_of_a_search_has_levels_to_read(low, times):
    at = ticks([low * times, low])
    seen = [float(v) for v in at["ticktext"] if low * 0.999 <= float(v) <= low * times * 1.001]
    assert 2 <= len(seen) <= 12 and len(set(at["ticktext"])) == len(at["ticktext"])
    assert at["tickvals"] == pytest.approx([float(v) for v in at["ticktext"]])


def test_the_axis_of_a_search_that_has_gained_nothing_is_a_decade():
    assert {"1", "5", "10"} <= set(ticks([5.0, 5.0])["ticktext"])
    assert ticks([0.0]) == {}

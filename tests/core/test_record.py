"""Records: what was found, for what, on which seeds; and whether it is used for that."""

import json
import re

import pytest

from ays_core.__main__ import main
from ays_core.denoiser import Bound, bind
from ays_core.job import run
from ays_core.library import Library
from ays_core.models import MODELS
from ays_core.optimizers import OPTIMIZERS
from ays_core.optimizers.entry import TRAINING_SEEDS
from ays_core.optimizers.optimal_stepsize import for_steps
from ays_core.optimizers.record import found_for
from ays_core.params import Range, adjustable
from ays_core.schedule import Origin, Schedule
from ays_core.schedules import SCHEDULES
from ays_core.searching import search
from ays_core.solvers import SOLVERS
from ays_core.statistics import measure_model

MODEL = bind(MODELS["gaussians"].load())
START = SCHEDULES["karras"].make(4, MODEL.spec)
AXIS = {"levels": 24, "paths": 16}
QUICK = {
    "ays": AXIS | {"num": 8},
    "ays_density": AXIS,
    "ays_mc": {"draws": 64, "sweeps": 1, "num": 8},
    "direct": {"budget": 20, "num": 8},
    "gits": {"teacher_steps": 20, "num": 8},
    "oss": {"teacher_steps": 20, "num": 8},
    "score_optimal": {"batch": 16},
}
FREE = [(key, key in ("ays", "direct", "oss") and free) for key in QUICK for free in (False, True)]


@pytest.mark.parametrize("key, free", dict.fromkeys(FREE))
def test_a_record_says_what_was_found_and_for_what(key, free):
    own = QUICK[key] | ({"free_first": True} if free else {})
    found = run(OPTIMIZERS[key].make(MODEL, START, "heun", seed=5, **own))
    made = found.origin.params
    assert (made["solver"], made["order"]) == ("heun", SOLVERS["heun"].order) == ("heun", 2)
    assert (made["model"], made["conditions"], made["guidance"]) == ("gaussians", [], 1.0)
    assert (made["sigma_max"], made["sigma_min"]) == (found.sigmas[0], found.positive[-1])
    assert (made["steps"], made["final_zero"], made["seed"]) == (4, True, 5)
    assert found_for(made, found, model="gaussians", solver="heun") == ""
    json.dumps(made)


def test_the_range_is_the_results_own():
    """A free first level and the last one before a final 0 are not the start's."""
    own = QUICK["oss"] | {"free_first": True}
    found = run(OPTIMIZERS["oss"].make(MODEL, START, "euler", **own))
    assert found.sigmas[0] < START.sigmas[0] and found.positive[-1] > START.positive[-1]
    made = found.origin.params
    assert (made["sigma_max"], made["sigma_min"]) == (found.sigmas[0], found.positive[-1])
    fewer = for_steps(found, 3)
    ends = fewer.origin.params["sigma_max"], fewer.origin.params["sigma_min"]
    assert ends == (fewer.sigmas[0], fewer.positive[-1])


def test_a_closed_form_that_keeps_its_start_records_what_the_start_costs():
    statistics = run(measure_model(MODEL, **AXIS))
    best = run(OPTIMIZERS["ays"].make(MODEL, START, "euler", power="1", measurement=statistics))
    kept = run(OPTIMIZERS["ays_density"].make(MODEL, best, "euler", measurement=statistics))
    made = kept.origin.params
    assert kept == best and kept.origin.method.endswith("the start, nothing was better")
    assert made["cost"] == made["start_cost"] == made["curve"][-1]
    assert made["cost"] == pytest.approx(statistics.klub(best, 1.0).sum())


def test_evened_prices_are_named():
    statistics = run(measure_model(MODEL, **AXIS))
    own = {"power": "0.5", "measurement": statistics}
    plain, even = (
        run(OPTIMIZERS["ays"].make(MODEL, START, "euler", even=even, **own))
        for even in (False, True)
    )
    assert plain.origin.method == "AYS family, weight sigma^-0.5 (KLUB is 3)"
    assert even.origin.method == "AYS family, weight sigma^-0.5, evened (KLUB is 3)"
    auto = run(OPTIMIZERS["ays"].make(MODEL, START, "dpmpp_2m", num=16, measurement=statistics))
    assert auto.origin.params["even"] == (", evened" in auto.origin.method)


# What it was found for, where it is used for something else

MADE = {
    "model": "grid", "solver": "heun", "order": 2, "conditions": ["cat"], "guidance": 3.0,
    "negative": "", "steps": 3, "sigma_max": 20.0, "sigma_min": 0.1, "final_zero": True,
}  # fmt: skip
USED = Schedule((20.0, 2.0, 0.1, 0.0))
USE = {"model": "grid", "solver": "heun", "conditions": ("cat",), "guidance": 3.0}
DIFFERENT = [
    ({"model": "moons"}, USED, "model grid"),
    ({"solver": "ddim"}, USED, "solver heun (order 2)"),
    ({"conditions": ()}, USED, "condition cat"),
    ({"guidance": 1.0}, USED, "guidance 3.0"),
    ({"negative": "blur"}, USED, "no negative prompt"),
    ({}, USED.with_steps(5), "3 steps"),
    ({}, Schedule((20.0, 2.0, 0.5, 0.1)), "a final 0"),
    ({}, Schedule((14.6, 2.0, 0.1, 0.0)), "levels from 20 to 0.1"),
    ({}, Schedule((20.0, 2.0, 0.03, 0.0)), "levels from 20 to 0.1"),
    ({"model": "moons", "solver": "euler"}, USED, "model grid, solver heun (order 2)"),
]


@pytest.mark.parametrize("use, used, words", DIFFERENT)
def test_what_differs_is_said_and_nothing_else(use, used, words):
    assert found_for(MADE, USED, **USE) == ""
    assert found_for(MADE, used, **USE | use) == words


def test_an_alias_is_the_same_solver():
    made = MADE | {"solver": "euler", "order": 1}
    assert found_for(made, USED, **USE | {"solver": "ddim"}) == ""


def test_older_records_and_other_origins():
    old = {"model": "grid", "solver": "euler", "conditions": [], "guidance": 1.0, "steps": 3}
    old |= {"sigma_max": 80.0, "sigma_min": 0.002, "final_zero": True, "evaluations": 9}
    use = {"model": "grid", "solver": "euler"}
    assert found_for(old, USED, **use) == "", "its range is that of its start"
    assert found_for(old, USED, **use | {"solver": "heun"}) == "solver euler"
    assert found_for({"solver": "heun"}, USED, **use) == "solver heun"
    assert found_for(START.origin.params, USED, **use) == ""
    assert found_for({}, USED, **use) == ""


@pytest.mark.parametrize("odd", [None, 7, "x" * 500, [], [1, 2, 3, 4], {"a": 1}, float("nan")])
def test_a_record_from_anywhere_says_something_short_or_nothing(odd):
    for key in MADE:
        said = found_for(MADE | {key: odd}, USED, **USE)
        assert isinstance(said, str) and len(said) < 120


def test_the_command_line_notes_it(capsys, tmp_path):
    file = tmp_path / "found.json"
    found = Schedule(USED.sigmas, Origin("oss", MADE | {"conditions": [], "guidance": 1.0}))
    file.write_text(json.dumps({"sigmas": list(found.sigmas), "origin": {
        "method": "oss", "params": dict(found.origin.params)}}))  # fmt: skip

    def notes(*argv):
        assert main([*map(str, argv)]) == 0
        return re.findall("note: (.* found for .*)", capsys.readouterr().err)

    use = ("--model", "gaussians", "--solver", "euler", "--num", 2)
    said = f"{file}: found for model grid, solver heun (order 2); elsewhere it may do badly"
    assert notes("compare", *use, "--schedules", file, "--steps", 3) == [said]
    sampled = ("sample", *use, "--schedule", file, "--out", tmp_path / "out")
    assert notes(*sampled) == [said]
    assert notes(*sampled, "--steps", 5, "--resample") == [said.replace("2);", "2), 3 steps;")]
    at_home = ("--model", "grid", "--solver", "heun", "--num", 2, "--steps", 3)
    assert notes("compare", *at_home, "--schedules", f"{file},karras") == []
    assert notes("schedule", file, "--model", "gaussians") == [], "it is not run"
    compared = ("compare", *use, "--schedules", file, "--steps", 3, "--json")
    assert main([*map(str, compared)]) == 0
    saved = tmp_path / "comparison.json"
    saved.write_text(capsys.readouterr().out.splitlines()[-1])
    assert notes("compare", saved) == [said]


# Seeds


def test_judging_and_shown_seeds_are_refused_before_anything_is_asked(tmp_path):
    class Unasked:
        spec = MODEL.spec

        def denoise(self, *_):
            raise AssertionError("the model was asked")

        data = denoise

    for key, entry in OPTIMIZERS.items():
        for seed in (20_000, TRAINING_SEEDS, TRAINING_SEEDS - 1, -1):
            with pytest.raises(ValueError, match=r"optimise on 0 to 9,999, so that"):
                run(entry.make(Bound(Unasked()), START, "euler", seed=seed, **QUICK[key]))
            job = search(Library(tmp_path), entry, MODEL, START, "euler", seed=seed)
            with pytest.raises(ValueError, match=r"optimise on 0 to 9,999"):
                next(job)


@pytest.mark.parametrize("solver", ["euler", "euler_a"])
@pytest.mark.parametrize("key", OPTIMIZERS)
def test_the_last_seeds_that_are_allowed_are_enough(key, solver, monkeypatch):
    """What is checked at first is what is used: nothing fails later."""
    entry, own = OPTIMIZERS[key], QUICK[key]
    last = TRAINING_SEEDS - entry.seeds(solver, **own)
    run(entry.make(MODEL, START, solver, seed=last, **own))
    with pytest.raises(ValueError, match="optimise on"):
        next(entry.make(MODEL, START, solver, seed=last + 1, **own))


def test_no_setting_needs_more_seeds_than_there_are():
    for entry in OPTIMIZERS.values():
        most = {
            p.name: p.values.high for p in adjustable(entry.make) if isinstance(p.values, Range)
        }
        for solver in SOLVERS:
            assert entry.seeds(solver, **most) <= TRAINING_SEEDS

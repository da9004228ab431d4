"""The learned tables that are shipped for the first comparison: what their record says is so."""

import pytest

from ays_core.compare import compare
from ays_core.comparison import optimised
from ays_core.denoiser import bind
from ays_core.job import run
from ays_core.models import load_model
from ays_core.sampling import start_noise
from ays_core.schedules import SCHEDULES

OSS, TWIN = "oss_scenes_euler_6", "karras_tuned_scenes_euler_6"


@pytest.fixture(scope="module")
def errors():
    """Euler, 6 steps, on noises not used to search: error to the reference run by schedule."""
    denoise = bind(load_model("scenes"))
    keys = [OSS, TWIN, "linear_t", "quadratic_t", "kl_optimal", "karras", "log_snr"]
    schedules = [SCHEDULES[key].make(6, denoise.spec) for key in keys]
    noise = start_noise(denoise.spec, 64, 21_000)
    cells = run(compare(denoise, schedules, "euler", noise, ["rmse"], seed=21_000)).cells
    return {key: cell.metrics["rmse"] for key, cell in zip(keys, cells, strict=True)}


def test_the_search_beats_every_closed_form(errors):
    closed_forms = [error for key, error in errors.items() if key not in (OSS, TWIN)]
    assert errors[OSS] < 0.75 * min(closed_forms)


def test_the_range_alone_is_much_of_it(errors):
    assert errors[TWIN] < errors["karras"]


@pytest.mark.parametrize("key, method", [(OSS, "oss"), (TWIN, "karras*")])
def test_the_record_says_how_and_what_for(key, method):
    entry = SCHEDULES[key]
    made = entry.make(6, load_model("scenes").spec)
    params, made_for = made.origin.params, entry.made_for
    assert made.origin.method == method and params["seed"] == 0 and params["evaluations"] > 0
    assert optimised(made) == (method == "oss")
    assert made_for and (made_for.model, made_for.solver, made_for.steps) == ("scenes", "euler", 6)
    assert params["seed"] + params["num"] <= 10_000 <= entry.record["held_out"]["seed"]
    measured = entry.record["held_out"]["metrics"]
    assert measured["oss"]["rmse"] < measured["karras*"]["rmse"] < measured["karras"]["rmse"]

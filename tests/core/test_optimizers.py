"""What every optimizer promises, whatever it minimises."""

import gc
from importlib import import_module

import numpy as np
import pytest
import torch

from ays_core.denoiser import bind
from ays_core.job import run
from ays_core.models import MODELS
from ays_core.optimizers import OPTIMIZERS
from ays_core.optimizers.entry import training_noise
from ays_core.optimizers.teacher import teacher_grid
from ays_core.schedules import SCHEDULES

gits = import_module("ays_core.optimizers.gits")  # the function of this name hides it
MODEL = bind(MODELS["gaussians"].load())
MEASURED = {"levels": 32, "paths": 64}
SMALL = {
    "ays": {**MEASURED, "num": 16},
    "ays_density": MEASURED,
    "ays_mc": {"draws": 64, "sweeps": 2, "num": 16},
    "direct": {"budget": 30, "num": 16},
    "gits": {"teacher_steps": 20, "num": 16},
    "oss": {"teacher_steps": 20, "num": 16},
    "score_optimal": {"levels": 100, "batch": 32},
}
KARRAS = SCHEDULES["karras"].make(5, MODEL.spec)
STARTS = {  # one that is far from good, and one that is hard to beat
    "linear_quadratic": SCHEDULES["linear_quadratic"].make(5, MODEL.spec),
    "oss": run(OPTIMIZERS["oss"].make(MODEL, KARRAS, "euler", **SMALL["oss"])),
}


def chord_costs(start, found):
    """What GITS minimises, of its result and of the start on the nearest levels it can choose."""
    grid = teacher_grid(MODEL, start, gits.TEACHER, SMALL["gits"]["teacher_steps"])
    noise = training_noise(MODEL, SMALL["gits"]["num"], 3)
    cost = run(gits.cost_matrix(MODEL, grid, noise))
    levels = np.array(grid.sigmas)
    paths = ([int(abs(levels - s).argmin()) for s in x.sigmas] for x in (start, found))
    return [gits.path_cost(cost, path, 1.15) for path in paths]


def start_and_result(start, found):
    """The two numbers that an optimizer chose between, lower is better."""
    params = found.origin.params
    if found.origin.method == "gits":
        return chord_costs(start, found)
    if "scores" in params:
        scores = params.get("finals", params["scores"])
        return scores["start"], scores[params["chosen"]]
    for kept, first in (("cost", "start_cost"), ("error", "start_error")):
        if first in params:
            return params[first], params[kept]
    if "start_unevenness" in params:
        return params["start_unevenness"], params["unevenness"]
    return params["curve"][0], params["curve"][-1]  # direct: the start is in the first


@pytest.mark.parametrize("start", STARTS.values(), ids=STARTS)
@pytest.mark.parametrize("key", OPTIMIZERS)
def test_none_returns_a_schedule_worse_than_its_start_by_its_own_measure(key, start):
    found = run(OPTIMIZERS[key].make(MODEL, start, "euler", seed=3, **SMALL[key]))
    assert found.num_steps == start.num_steps and found.final_zero == start.final_zero
    before, after = start_and_result(start, found)
    assert found == start or after <= before


def tensors():
    return sum(issubclass(type(thing), torch.Tensor) for thing in gc.get_objects())


@pytest.mark.parametrize("key", OPTIMIZERS)
def test_closing_midway_leaves_a_valid_best_and_frees_what_the_job_held(key):
    start = STARTS["linear_quadratic"]
    reports = []
    run(OPTIMIZERS[key].make(MODEL, start, "euler", **SMALL[key]), reports.append)
    half = len(reports) // 2
    del reports
    gc.collect()
    before = tensors()
    job = OPTIMIZERS[key].make(MODEL, start, "euler", **SMALL[key])
    for _ in range(half):
        snapshot = next(job).snapshot
    job.close()
    assert snapshot.num_steps == start.num_steps and snapshot.final_zero
    assert snapshot.sigmas[0] == start.sigmas[0]
    del job
    gc.collect()
    assert tensors() <= before

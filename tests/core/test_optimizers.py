"""What every optimizer promises, whatever it minimises."""

import gc
from itertools import pairwise

import numpy as np
import pytest
import torch

from ays_core.denoiser import bind
from ays_core.job import run
from ays_core.metrics import rmse
from ays_core.models import MODELS
from ays_core.optimizers import OPTIMIZERS
from ays_core.optimizers.align_your_steps import Estimator
from ays_core.optimizers.align_your_steps.monte_carlo import positive
from ays_core.optimizers.score_costs import corrector_cost
from ays_core.optimizers.trial import prepare
from ays_core.sampling import sample, start_noise
from ays_core.schedules import SCHEDULES
from ays_core.solvers import first_order_step, pin
from ays_core.statistics import measure_model

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


SEED = 3


def error(num):
    """Of the solver itself, to the reference run of training noises."""
    trial = run(prepare(MODEL, "euler", num, SEED))
    return lambda schedule: run(trial.score(schedule))


def price(power):
    statistics = run(measure_model(MODEL, **MEASURED, seed=SEED))
    return lambda schedule: float(statistics.klub(schedule, power).sum())


def klub_on_draws():
    def cost(schedule):
        estimator = Estimator(MODEL, SMALL["ays_mc"]["draws"], SEED)
        return run(estimator.klub(positive(schedule, MODEL.spec), 2 * SEED + 1))

    return cost


def distance_to_the_teacher():
    own = SMALL["oss"]
    noise = start_noise(MODEL.spec, own["num"], SEED)
    teacher = SCHEDULES["karras"].make(own["teacher_steps"], MODEL.spec)
    end = run(sample(MODEL, teacher, "euler", noise)).samples
    return lambda schedule: rmse(run(sample(MODEL, schedule, "euler", noise)).samples, end)


def deviation_from_the_chord():
    """As GITS has it, a level off the fine trajectory reached by a first-order step."""
    own = SMALL["gits"]
    noise = start_noise(MODEL.spec, own["num"], SEED)
    grid = SCHEDULES["karras"].make(own["teacher_steps"], MODEL.spec)
    fine = run(sample(MODEL, grid, "ipndm", noise))
    ran = [noise * 80.0]
    stepper = pin("ipndm", grid)
    stepper.start(noise)
    for _, x0 in fine.trajectory:
        ran.append(stepper.step(ran[-1], x0))
    start, end = ran[0].double(), ran[-1].double()
    along = torch.nn.functional.normalize(end - start, dim=1)

    def away(x):
        off = x.double() - start
        return (off - (off * along).sum(1, keepdim=True) * along).norm(dim=1).mean()

    def state(sigma):
        above = max(i for i, level in enumerate(grid.sigmas[:-1]) if level >= sigma * (1 - 1e-9))
        if abs(grid.sigmas[above] / sigma - 1) < 1e-9:
            return ran[above], fine.trajectory[above][1]
        x = first_order_step(ran[above], fine.trajectory[above][1], grid.sigmas[above], sigma)
        return x, MODEL(x, sigma)

    def cost(schedule):
        total = 0.0
        for k, (sigma, sigma_next) in enumerate(pairwise(schedule.sigmas)):
            step = first_order_step(*state(sigma), sigma, sigma_next)
            there = away(state(sigma_next)[0]) if sigma_next else 0
            total += 1.15**k * float(away(step) - there)
        return total

    return cost


def uneven_work():
    """On the mean costs of all samples, between fine levels by interpolation."""
    own = SMALL["score_optimal"]
    lam = np.linspace(np.log(80), np.log(0.002), own["levels"] + 1)
    x0 = MODEL.data(own["batch"], SEED).double()
    noise = torch.randn(x0.shape, generator=torch.Generator().manual_seed(SEED)).double()
    costs = [corrector_cost(MODEL, x0 + a * noise, a, b) for a, b in pairwise(np.exp(lam))]
    along = np.concatenate([[0.0], np.cumsum(np.sqrt(costs))])

    def cost(schedule):
        inner = np.interp(-np.log(schedule.sigmas[1:-1]), -lam, along)
        steps = np.diff([0.0, *inner, along[-1]])
        return len(steps) * (steps**2).sum() / steps.sum() ** 2

    return cost


OWN_MEASURES = [  # optimizer, its parameters, what it minimises: computed here, not by its record
    ("ays", {}, lambda: error(3 * SMALL["ays"]["num"])),  # finalists are tried on as many
    ("ays", {"power": "1"}, lambda: price(1.0)),
    ("ays", {"power": "3", "stop": "sampler"}, lambda: error(SMALL["ays"]["num"])),
    ("ays_density", {}, lambda: price(1.0)),
    ("ays_density", {"power": 3.0}, lambda: price(3.0)),
    ("ays_mc", {}, lambda: error(SMALL["ays_mc"]["num"])),
    ("ays_mc", {"stop": "converged"}, klub_on_draws),
    ("direct", {}, lambda: error(SMALL["direct"]["num"])),
    ("gits", {}, deviation_from_the_chord),
    ("oss", {}, distance_to_the_teacher),
    ("oss", {"kind": "both"}, distance_to_the_teacher),
    ("score_optimal", {}, uneven_work),
]


def test_every_optimizer_is_measured():
    assert {key for key, *_ in OWN_MEASURES} == set(OPTIMIZERS)


@pytest.mark.parametrize("start", STARTS.values(), ids=STARTS)
@pytest.mark.parametrize(
    "key, own, measure", OWN_MEASURES, ids=[f"{key} {own}" for key, own, _ in OWN_MEASURES]
)
def test_none_returns_a_schedule_worse_than_its_start_by_its_own_measure(key, own, measure, start):
    found = run(OPTIMIZERS[key].make(MODEL, start, "euler", seed=SEED, **SMALL[key] | own))
    assert found.num_steps == start.num_steps and found.final_zero == start.final_zero
    cost = measure()
    before, after = cost(start), cost(found)
    assert after <= before * (1 + 1e-6)
    again = run(OPTIMIZERS[key].make(MODEL, found, "euler", seed=SEED, **SMALL[key] | own))
    assert cost(again) <= after * (1 + 1e-6)
    params = found.origin.params
    assert (params["sigma_max"], params["sigma_min"]) == (found.sigmas[0], found.positive[-1])


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
    gc.freeze()  # what there is by now is not looked at
    try:
        job = OPTIMIZERS[key].make(MODEL, start, "euler", **SMALL[key])
        for _ in range(half):
            snapshot = next(job).snapshot
        assert tensors() > 0
        job.close()
        del job
        gc.collect()
        assert tensors() == 0
    finally:
        gc.unfreeze()
    assert snapshot.num_steps == start.num_steps and snapshot.final_zero
    assert snapshot.sigmas[0] == start.sigmas[0]

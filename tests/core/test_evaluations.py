"""What a search says it spent is what it spent, and what it said before is not far from it."""

from dataclasses import replace

import pytest
import torch

from ays_core.denoiser import Bound
from ays_core.job import run
from ays_core.models import MODELS
from ays_core.optimizers import OPTIMIZERS, score_costs
from ays_core.optimizers.trial import prepare
from ays_core.optimizers.tuned_range import tuned
from ays_core.schedule import Schedule
from ays_core.schedules import SCHEDULES
from ays_core.solvers import SOLVERS

PLANE = MODELS["gaussians"].load()


class Counting:
    """A model that counts the samples passed through its denoiser. Without features, as a network
    is: there are no exact samples to hold a stochastic solver's against."""

    def __init__(self, kind="points", rows_together=0):
        self.spec, self.data, self.spent = replace(PLANE.spec, kind=kind), PLANE.data, 0
        self.rows_together = rows_together

    def denoise(self, x, sigma, cond=None):
        self.spent += len(x)
        return PLANE.denoise(x, sigma)

    def guided(self, x, sigma, cond, guidance, negative=None):  # a guided call counts once
        return self.denoise(x, sigma)


class Exact(Counting):
    """The same with the coordinates in which sets of samples are compared."""

    def features(self, x):
        return PLANE.features(x)


def counting(model="network", kind="points", guidance=1.0, conditions=0, rows_together=0):
    made = {"network": Counting, "exact": Exact}[model](kind, rows_together)
    words = tuple("abcdefg"[:conditions])
    return Bound(made, words or None, guidance, words)


AXIS = {"levels": 24, "paths": 16}
QUICK = {
    "ays": AXIS | {"num": 8},
    "ays_density": AXIS,
    "ays_mc": {"draws": 64, "sweeps": 1, "num": 8},
    "direct": {"budget": 30, "num": 8},
    "gits": {"teacher_steps": 20, "num": 8},
    "oss": {"teacher_steps": 20, "num": 8},
    "score_optimal": {"levels": 100, "batch": 24},
}
# What is estimated exactly; of a search that decides itself, by what factor it may be off
EXACT, ABOUT = (1.0, 1.0), (0.4, 1.0)
CASES = [
    *(("ays", own, ABOUT) for own in ({}, {"free_first": True})),
    ("ays", {"power": "1"}, EXACT),
    ("ays", {"power": "3", "stop": "sampler"}, (0.5, 1.5)),
    ("ays_density", {}, EXACT),
    *(("ays_mc", {"stop": stop}, EXACT) for stop in ("sampler", "converged")),
    ("direct", {}, EXACT),
    ("direct", {"free_first": True}, (0.99, 1.0)),  # some may begin at one level
    ("gits", {}, EXACT),
    *(("oss", {"kind": kind}, EXACT) for kind in ("shared", "median", "both")),
    *(("oss", {"teacher": teacher}, EXACT) for teacher in ("start", "log_snr")),
    ("oss", {"free_first": True}, EXACT),
    ("score_optimal", {}, EXACT),
    ("score_optimal", {"rounds": 3}, EXACT),
]
STARTS = {
    "from Karras": lambda spec: SCHEDULES["karras"].make(5, spec),
    "to sigma_min": lambda spec: SCHEDULES["karras"].make(5, spec, final_zero=False),
    "of 12 steps": lambda spec: SCHEDULES["linear_quadratic"].make(12, spec),
}


def spent_and_estimated(key, denoise, start, solver, **own):
    entry, own = OPTIMIZERS[key], QUICK[key] | own
    before = entry.evaluations(start, solver, denoise=denoise, **own)
    found = run(entry.make(denoise, start, solver, seed=3, **own))
    spent = found.origin.params["evaluations"]
    assert spent == denoise.model.spent
    return spent, before


def test_every_optimizer_is_counted():
    assert {key for key, *_ in CASES} == set(QUICK) == set(OPTIMIZERS)


@pytest.mark.parametrize("start", STARTS.values(), ids=STARTS)
@pytest.mark.parametrize("key, own, share", CASES, ids=str)
def test_the_record_is_what_was_spent_and_the_estimate_is_near(key, own, share, start):
    denoise = counting("exact")
    spent, before = spent_and_estimated(key, denoise, start(denoise.spec), "euler", **own)
    assert share[0] * before <= spent <= share[1] * before


@pytest.mark.slow
def test_so_it_is_with_many_sweeps_over_several_stages():
    denoise = counting("exact")
    start, own = STARTS["of 12 steps"](denoise.spec), {"sweeps": 12, "draws": 32}
    spent, before = spent_and_estimated("ays_mc", denoise, start, "euler", **own)
    assert 0.4 * before <= spent <= 1.5 * before


TRYING = ("ays", "ays_mc", "direct")
SETTINGS = [
    {"model": "exact"},
    {"model": "network"},
    {"model": "exact", "guidance": 2.0, "conditions": 3},
    {"model": "network", "kind": "pictures"},
]


@pytest.mark.parametrize("solver", ["heun", "dpmpp_2m_sde"])
@pytest.mark.parametrize("setting", SETTINGS, ids=str)
@pytest.mark.parametrize("key", TRYING)
def test_so_it_is_with_any_solver_and_what_prepares_its_trials(key, setting, solver):
    """The reference run, of 79 calls for pictures and 399 for points; a stochastic solver's own
    fine run, where there are no exact samples or guidance moves away from them."""
    denoise = counting(**setting)
    start = SCHEDULES["karras"].make(4, denoise.spec)
    spent, before = spent_and_estimated(key, denoise, start, solver)
    assert before * 0.5 <= spent <= before
    if key == "direct":
        assert spent == before


@pytest.mark.parametrize("key", TRYING)
def test_preparing_is_most_of_it_for_points(key):
    start = SCHEDULES["karras"].make(4, PLANE.spec)
    points, pictures, unknown = (
        OPTIMIZERS[key].evaluations(start, "euler", denoise=denoise, **QUICK[key])
        for denoise in (counting(kind="points"), counting(kind="pictures"), None)
    )
    runs = 3 if key == "ays" else 1  # finalists are tried on twice as many noises again
    assert points - pictures == runs * 8 * (399 - 79) and unknown == pictures


@pytest.mark.parametrize("key", ["ays_mc", "score_optimal"])
def test_conditions_come_in_whole_rounds_which_are_counted(key):
    denoise = counting("network", conditions=7)
    start = SCHEDULES["karras"].make(4, denoise.spec)
    spent, before = spent_and_estimated(key, denoise, start, "euler")
    alone = OPTIMIZERS[key].evaluations(start, "euler", **QUICK[key])
    assert before != alone and 0.5 * before <= spent <= before


@pytest.mark.parametrize("whole", [8, 0])
def test_derivatives_of_the_predictor_are_counted(whole, monkeypatch):
    """A pass backwards as so many evaluations, which is about what it takes."""
    monkeypatch.setattr(score_costs, "WHOLE", whole)
    passes, gradient = [0], score_costs._gradient

    def counted(value, x):
        passes[0] += len(x)
        return gradient(value, x)

    monkeypatch.setattr(score_costs, "_gradient", counted)
    denoise, own = counting(), QUICK["score_optimal"] | {"kind": "predictor"}
    start = SCHEDULES["karras"].make(5, denoise.spec)
    entry = OPTIMIZERS["score_optimal"]
    found = run(entry.make(denoise, start, "euler", **own)).origin.params
    assert found["derivatives"] == passes[0] == 100 * 24 * (3 if whole else 4)
    spent = denoise.model.spent + score_costs.DERIVATIVE * passes[0]
    assert found["evaluations"] == spent
    assert entry.evaluations(start, "euler", denoise=denoise, **own) == spent


def test_a_start_that_is_a_closed_form_is_tried_once():
    """Karras is among those that the search tries first."""
    denoise = counting()
    start = SCHEDULES["karras"].make(5, denoise.spec)
    oss = OPTIMIZERS["oss"].evaluations(start, num=8)
    found = run(OPTIMIZERS["direct"].make(denoise, start, "heun", budget=20, num=8))
    assert found.origin.params["evaluations"] == denoise.model.spent == 8 * (400 + 20 * 8) + oss


def test_levels_that_are_refused_cost_nothing():
    """UniPC divides by the step before; nothing starts above the model's sigma_max."""
    denoise = counting()
    trial = run(prepare(denoise, "unipc", 8, 0))
    before = denoise.model.spent
    for sigmas in ((10.0, 1.0, 0.9999, 0.1), (1000.0, 1.0, 0.1)):
        assert trial.cost(Schedule(sigmas)) == 0
        assert run(trial.score(Schedule(sigmas))) == float("inf")
    assert denoise.model.spent == before
    assert trial.cost(Schedule((10.0, 1.0, 0.1))) == 16
    run(trial.score(Schedule((10.0, 1.0, 0.1))))
    assert denoise.model.spent == before + 16


@pytest.mark.parametrize("solver", ["euler", "heun", "dpmpp_2m", "dpmpp_2m_sde"])
@pytest.mark.parametrize("kind", ["network", "exact"])
def test_schedules_from_one_level_share_their_first_call_and_score_as_ever(solver, kind):
    levels = [(80.0, 5.0, 0.5, 0.0), (80.0, 3.0, 0.2, 0.0), (40.0, 3.0, 0.2, 0.0), (40.0, 1.0, 0.0)]
    denoise = counting(kind)
    trial = run(prepare(denoise, solver, 16, 0))
    for k, schedule in enumerate(map(Schedule, levels)):
        alone = run(prepare(counting(kind), solver, 16, 0))
        costs, before = trial.cost(schedule), denoise.model.spent
        assert run(trial.score(schedule)) == run(alone.score(schedule))
        assert costs == denoise.model.spent - before
        calls = SOLVERS[solver].nfe(schedule.num_steps, final_zero=True)
        assert costs == 16 * (calls - (k % 2))
    only = Schedule((40.0, 0.0))
    assert trial.cost(only) == 16 * (SOLVERS[solver].nfe(1, final_zero=True) - 1)
    assert run(trial.score(only)) == run(alone.score(only)) < float("inf")


@pytest.mark.parametrize("solver", ["euler", "heun", "dpmpp_2m", "dpmpp_2m_sde"])
@pytest.mark.parametrize("kind", ["network", "exact"])
def test_schedules_tried_in_one_batch_score_as_each_alone(solver, kind):
    levels = [(80, 5, 0.5, 0), (800, 5, 0.5, 0), (80, 3, 0.2, 0), (40, 3, 0.2, 0), (20, 1, 0.1, 0)]
    schedules = [Schedule(tuple(map(float, sigmas))) for sigmas in levels]
    denoise = counting(kind, rows_together=64)
    trial = run(prepare(denoise, solver, 16, 0))
    first, second = trial.batches(schedules)
    assert (first, second) == (schedules[:4], schedules[4:])
    calls, last = SOLVERS[solver].nfe(3, final_zero=True), schedules[3:4]
    tried = ((first, 3 * calls - 1), (second, calls), (last, calls), (last, calls - 1))
    for few, asked in tried:
        costs, before = trial.cost(*few), denoise.model.spent
        scores = run(trial.scores(*few))
        assert costs == denoise.model.spent - before == 16 * asked
        alone = run(prepare(counting(kind), solver, 16, 0))
        assert scores == pytest.approx({each: run(alone.score(each)) for each in few}, rel=1e-4)


@pytest.mark.parametrize("free_first", [False, True])
@pytest.mark.parametrize("solver", ["dpmpp_2m", "dpmpp_2m_sde"])
def test_a_search_in_batches_finds_and_spends_what_one_by_one_does(solver, free_first):
    start = SCHEDULES["karras"].make(4, PLANE.spec)
    found = []
    for rows in (0, 32, 10_000):
        denoise, own = counting("exact", rows_together=rows), {"free_first": free_first}
        made = OPTIMIZERS["direct"].make(denoise, start, solver, **QUICK["direct"], **own)
        found.append(run(made).origin.params)
        assert found[-1]["evaluations"] == denoise.model.spent
    for other in found[1:]:
        saved = found[0]["evaluations"] - other["evaluations"]
        assert 0 <= saved <= 2 * 8 * free_first  # first calls that closed forms and start share
        assert other["curve"] == pytest.approx(found[0]["curve"], rel=1e-3)


@pytest.mark.parametrize("solver", ["euler", "heun", "unipc", "euler_a"])
def test_a_range_tuned_twin_counts_what_could_be_made_and_run(solver):
    denoise = counting()
    twin = run(tuned(denoise, "karras", 4, solver, num=8))
    assert twin.origin.params["evaluations"] == denoise.model.spent
    assert torch.isfinite(torch.tensor(twin.origin.params["score"]))
    assert SOLVERS[solver].key == twin.origin.params["solver"]

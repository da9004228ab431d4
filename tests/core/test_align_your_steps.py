"""Align Your Steps on measured prices: closed forms, the programme, and what every run promises."""

import gc
import math
from itertools import combinations, pairwise

import numpy as np
import pytest
from scipy.integrate import quad

from ays_core.denoiser import Bound, bind
from ays_core.job import run
from ays_core.models import MODELS, Mixture
from ays_core.optimizers.align_your_steps import Priced, ays, ays_density
from ays_core.optimizers.align_your_steps.density import evenly_spaced
from ays_core.optimizers.align_your_steps.programme import (
    cheapest,
    cost_of,
    descend,
    fine_levels,
)
from ays_core.optimizers.align_your_steps.search import POWERS
from ays_core.optimizers.trial import prepare
from ays_core.optimizers.tuned_range import GRID
from ays_core.schedule import Schedule
from ays_core.schedules import SCHEDULES
from ays_core.statistics import Statistics, log_levels, measure_model

LOW, HIGH = 0.002, 80.0
MODEL = bind(MODELS["gaussians"].load())


def interval(a, b, c):
    """KLUB of one step from b down to a on N(0, c^2), per dimension."""
    r = (1 + c**2 / a**2) / (1 + c**2 / b**2)
    return (r - 1 - np.log(r)) / 2


def klub_optimal(num_steps, c):
    """Levels with ln(1 + c^2 / sigma^2) evenly spaced."""
    ends = np.log1p(c**2 / np.array([HIGH, LOW]) ** 2)
    return c / np.sqrt(np.expm1(np.linspace(*ends, num_steps + 1)))


def exact(levels, std):
    """The measurement of N(0, std^2) with infinitely many paths."""
    errors = std**2 * levels**2 / (std**2 + levels**2)
    return Statistics("", levels, np.minimum(errors[:, None], errors)[None], np.ones(1), ((0, 1),))


START = SCHEDULES["karras"].make(6, MODEL.spec)


@pytest.fixture(scope="module")
def measurement():
    return run(measure_model(MODEL, levels=48, paths=256))


# The programme


def test_klub_optimum_of_a_gaussian():
    """80, .1756 ... .002: the closed form, and the programme on exact prices of 401 levels."""
    best = klub_optimal(5, 0.5)
    wanted = [80, 0.17564810862, 0.055261668562, 0.018217492325, 0.0060345536065, 0.002]
    assert best == pytest.approx(wanted, rel=1e-8)
    value = sum(interval(a, b, 0.5) for b, a in pairwise(best))
    assert value == pytest.approx(14.735498187, rel=1e-8)
    ratio = (1 + 0.25 / LOW**2) / (1 + 0.25 / HIGH**2)
    assert value == pytest.approx((5 * (ratio**0.2 - 1) - math.log(ratio)) / 2, rel=1e-12)

    levels = log_levels(LOW, HIGH, 401)
    costs = np.triu(interval(levels[:, None], levels, 0.5))
    found, path = cheapest(costs, 5)[-1]
    wanted = [80, 0.175954485, 0.056322107, 0.018512394, 0.006084800, 0.002]
    assert levels[path] == pytest.approx(wanted, rel=1e-6)
    assert found == pytest.approx(14.739435929, rel=1e-6) and found > value


def test_every_step_count_at_once_is_brute_force():
    rng = np.random.default_rng(0)
    costs = np.triu(rng.random((9, 9)), 1)
    for k, (cost, path) in enumerate(cheapest(costs, 8), start=1):
        ways = [(8, *reversed(inner), 0) for inner in combinations(range(1, 8), k - 1)]
        assert cost == pytest.approx(min(cost_of(costs, way) for way in ways))
        assert cost == pytest.approx(cost_of(costs, path)) and len(path) == k + 1
    with pytest.raises(ValueError, match="9 steps between 9 levels"):
        cheapest(costs, 9)


def test_sweeps_go_down_to_a_place_where_nothing_moves():
    start = SCHEDULES["karras"].make(10, MODEL.spec, final_zero=False)
    priced = Priced.by(exact(log_levels(LOW, HIGH, 96), 0.5), start, 3.0)
    costs, levels = zip(*priced.sweeps(), strict=True)
    assert levels[0] == start.sigmas and list(costs) == sorted(costs, reverse=True)
    optimum = priced.best(10)[-1][0]
    assert optimum == pytest.approx(4.5639567, rel=0.01)
    assert optimum < costs[-1] < 1.05 * optimum < costs[8]  # the lattice of 11 places stalls
    again = Priced.by(exact(log_levels(LOW, HIGH, 96), 0.5), Schedule(levels[-1]), 3.0)
    assert len(list(again.sweeps())) <= 3  # snapped to another set of levels, it hardly moves


def test_descent_moves_any_path_strictly_between_its_neighbours():
    rng = np.random.default_rng(1)
    levels = log_levels(LOW, HIGH, 30)
    costs = np.triu(rng.random((30, 30)), 1)
    for path in descend(costs, levels, [29, 20, 19, 18, 0]):
        assert path == sorted(path, reverse=True) and len(set(path)) == 5


def test_choice_of_levels_has_the_start_s_own_and_no_twins():
    measured = log_levels(LOW, HIGH, 24)
    levels = fine_levels(measured, LOW, HIGH, 1.0, 1.0001, 200.0, measured[3] * 1.0001)
    assert {LOW, HIGH, 1.0, 1.0001, measured[3] * 1.0001} <= set(levels) and max(levels) == HIGH
    assert not set(levels) & {200.0, measured[3]}
    assert (np.diff(levels) > 0).all()


@pytest.mark.parametrize(
    "power, even", [(3.0, lambda s: np.log1p(0.25 / s**2)), (1.0, lambda s: np.arctan(s / 0.5))]
)
def test_many_steps_reach_the_closed_form(power, even):
    """KLUB: ln(1 + c^2 / sigma^2) evenly spaced; p = 1: arctan(sigma / c), DDIM's optimum."""
    start = SCHEDULES["log_snr"].make(60, MODEL.spec, final_zero=False)
    levels = Priced.by(exact(log_levels(LOW, HIGH, 201), 0.5), start, power).best(60)[-1][1]
    every_sixth = np.abs(
        np.diff(even(np.array(levels))[12:-11:6])
    )  # single ones follow the lattice
    assert every_sixth == pytest.approx(np.full(6, every_sixth.mean()), rel=0.05)


def test_even_prices_give_steps_that_change_more_slowly():
    """From few paths, whose ripples the exact minimum follows."""

    def roughness(seed, even):
        few = run(measure_model(MODEL, levels=96, paths=32, seed=seed))
        levels = Priced.by(few, START.with_steps(10), 0.75, even).best(10)[-1][1]
        lengths = -np.diff(np.log(levels[:-1]))
        return np.abs(np.diff(np.log(lengths))).mean()

    rough, even = ([roughness(seed, e) for seed in range(0, 200, 50)] for e in (False, True))
    assert np.mean(even) < 0.95 * np.mean(rough)


def test_step_into_zero_costs_what_it_leaves(measurement):
    """Even prices add E(sigma_min, b), at the weight of b, to the step into 0, and nothing else."""
    to_low = Schedule((*START.sigmas[:-2], MODEL.spec.sigma_min))
    zero, low = (Priced.by(measurement, start, 0.5, True) for start in (START, to_low))
    assert zero.levels == pytest.approx(low.levels)
    extra = zero.costs - low.costs
    left = measurement.smooth(0.5).between(low.levels[:1], low.levels)[0]
    assert extra[0] == pytest.approx(low.levels**0.5 * left) and not extra[1:].any()


# The closed form


@pytest.mark.parametrize(
    "power, even", [(3.0, lambda s: np.log1p(0.25 / s**2)), (1.0, lambda s: np.arctan(s / 0.5))]
)
def test_density_is_the_closed_form(power, even):
    start = SCHEDULES["log_snr"].make(12, MODEL.spec, final_zero=False)
    levels = evenly_spaced(exact(log_levels(LOW, HIGH, 401), 0.5), start, power).sigmas
    spacing = np.abs(np.diff(even(np.array(levels))))
    assert spacing == pytest.approx(np.full(12, spacing.mean()), rel=0.02)
    assert levels[0] == HIGH and levels[-1] == LOW


def test_density_is_the_closed_form_of_an_anisotropic_gaussian():
    """KLUB's: 2 sqrt(sum (c_k^2 / (c_k^2 + s^2))^2) per ln s; even shares of its integral."""
    variances = np.array([1.0, 0.3, 0.05]) ** 2
    levels = log_levels(LOW, HIGH, 801)
    errors = (variances * levels[:, None] ** 2 / (variances + levels[:, None] ** 2)).sum(axis=1)
    measured = Statistics(
        "", levels, np.minimum(errors[:, None], errors)[None], np.ones(1), ((0, 1),)
    )
    start = SCHEDULES["log_snr"].make(12, MODEL.spec, final_zero=False)
    found = evenly_spaced(measured, start, 3.0)

    def density(lam):
        return 2 * np.sqrt(np.square(variances / (variances + np.exp(2 * lam))).sum())

    shares = [quad(density, np.log(low), np.log(high))[0] for high, low in pairwise(found.sigmas)]
    assert shares == pytest.approx(np.full(12, np.mean(shares)), rel=0.01)
    one = evenly_spaced(exact(levels, 0.3), start, 3.0)  # a single scale has others
    assert np.abs(np.log(np.array(one.sigmas) / found.sigmas)).max() > 0.3


def test_density_costs_no_more_than_the_start(measurement):
    for start in (START, START.with_steps(24)):
        found = run(ays_density(MODEL, start, "euler", power=0.5, measurement=measurement))
        prices = [measurement.klub(s, 0.5).sum() for s in (found, start)]
        assert prices[0] <= prices[1] and found.num_steps == start.num_steps
        assert found.origin.params["evaluations"] == 0
        best = Priced.by(measurement, start, 0.5).best(start.num_steps)[-1][0]
        assert best < prices[0] < 1.4 * best  # near the minimum, and never below it


def test_density_measures_for_itself():
    snapshots = []
    found = run(
        ays_density(MODEL, START, "euler", levels=32, paths=64),
        lambda p: snapshots.append(p.snapshot),
    )
    assert {s.num_steps for s in snapshots} == {6} and found.final_zero
    assert found.origin.params["evaluations"] == 32 * 64
    assert found.origin.method == "AYS family, weight sigma^-1 (KLUB is 3), as a density"


# The optimizer


def one_gaussian():
    return Mixture("one", [1.0], np.zeros((1, 2)), 0.25 * np.eye(2)[None])


class Counted:
    """A model that counts samples passed through its denoiser."""

    def __init__(self, model):
        self.model, self.spec, self.data, self.evaluations = model, model.spec, model.data, 0

    def denoise(self, x, sigma, cond=None):
        self.evaluations += len(x)
        return self.model.denoise(x, sigma, cond)


SMALL = {"levels": 32, "paths": 64, "num": 16}
CASES = [
    {"power": "auto"},
    {"power": "auto", "free_first": True},
    {"power": "0.5"},
    {"power": "3", "stop": "sampler"},
]


@pytest.mark.parametrize("own", CASES, ids=str)
@pytest.mark.parametrize("final_zero", [True, False])
def test_result_and_snapshots_are_schedules_with_their_record(own, final_zero):
    counted = Counted(MODEL.model)
    start = SCHEDULES["karras"].make(5, MODEL.spec, final_zero=final_zero)
    snapshots = []
    job = ays(Bound(counted), start, "ddim", **SMALL, **own)
    best = run(job, lambda p: snapshots.append(p.snapshot))
    for schedule in (*filter(None, snapshots), best):
        assert schedule.num_steps == 5 and schedule.final_zero == final_zero
        assert schedule.sigmas[0] == start.sigmas[0] or own.get("free_first")
        assert final_zero or schedule.sigmas[-1] == start.sigmas[-1]
        assert schedule.positive[-1] >= MODEL.spec.sigma_min
    params = best.origin.params
    assert best.origin.method.startswith("AYS family, weight sigma^-")
    assert params["solver"] == "euler" and params["evaluations"] == counted.evaluations
    assert params["final_zero"] == final_zero and params["guidance"] == 1
    assert len(params["curve"]) > 1 and params["objective"] and best.origin.reference
    if "scores" in params:
        tried = params.get("finals", params["scores"])
        assert (
            min(tried.values())
            == tried[params["chosen"]]
            <= tried["0" if "stop" in own else "start"]
        )
        assert ("finals" in params) == (own["power"] == "auto")
    else:
        assert params["cost"] <= params["start_cost"]


def test_measurement_is_shared_by_every_question(measurement):
    def refuse(*_):
        raise AssertionError("a question to the measurement asked the model")

    model = Counted(MODEL.model)
    model.denoise = refuse
    denoise = Bound(model)
    costs = {}
    for power in ("0.5", "3"):
        for n in (4, 8):
            start = START.with_steps(n)
            found = run(ays(denoise, start, "euler", power=power, measurement=measurement))
            assert found.num_steps == n and found.origin.params["evaluations"] == 0
            costs[power, n] = found.origin.params["cost"]
            price = measurement.klub(found, float(power)).sum()
            assert price == pytest.approx(costs[power, n], rel=0.02)
    assert costs["3", 8] < costs["3", 4]


def test_measurement_of_another_model_is_refused(measurement):
    with pytest.raises(ValueError, match="not of this model"):
        other = bind(MODELS["moons"].load())
        run(ays(other, START, "euler", power="1", measurement=measurement))


def test_auto_takes_the_best_of_the_family_and_names_it(measurement):
    best = run(ays(MODEL, START, "euler", measurement=measurement, num=64))
    params = best.origin.params
    assert best.origin.method == f"AYS family, weight sigma^-{params['weight']:g} (KLUB is 3)"
    names = [f"{p:g}{even}" for even in ("", " even") for p in POWERS]
    assert list(params["scores"]) == ["start", *names]
    assert params["even"] == params["chosen"].endswith(" even")
    assert params["scores"]["3"] > 2 * params["scores"][params["chosen"]]  # KLUB over-optimises
    ranked = sorted(names, key=params["scores"].get)
    assert set(params["finals"]) == {"start", *ranked[:4]} and params["chosen"] in ranked[:4]
    assert params["objective"].endswith("192 training noises")


def test_a_free_first_level_serves_heun_where_a_fixed_one_cannot(measurement):
    """On seeds not optimised on: Heun evaluates at both ends of a step, and a first step from 80
    down to the data ruins it."""
    start = START.with_steps(4)
    common = {"measurement": measurement, "trial": run(prepare(MODEL, "heun", 64, 0))}
    fixed, free = (run(ays(MODEL, start, "heun", free_first=f, **common)) for f in (False, True))
    assert fixed.sigmas[0] == start.sigmas[0] > 2 * free.sigmas[0]
    assert " from " in free.origin.params["chosen"]
    assert len(free.origin.params["scores"]) <= 1 + 2 * len(POWERS) + 3 * GRID
    other = run(prepare(MODEL, "heun", 64, 5000))
    assert run(other.score(free)) < run(other.score(fixed))


def test_a_trial_at_hand_costs_nothing_and_has_to_be_of_the_same_solver(measurement):
    trial = run(prepare(MODEL, "euler", 32, 0))
    found = run(ays(MODEL, START, "euler", measurement=measurement, trial=trial))
    params = found.origin.params
    assert params["evaluations"] == 32 * (1 + 5 * len(params["scores"]))  # they share the first
    assert run(trial.score(found)) == params["scores"][params["chosen"]]
    with pytest.raises(ValueError, match="a trial of euler, not of heun"):
        run(ays(MODEL, START, "heun", measurement=measurement, trial=trial))


def test_early_stopping_keeps_the_best_sweep_and_says_which(measurement):
    best = run(ays(MODEL, START, "euler", power="3", stop="sampler", measurement=measurement))
    scores = best.origin.params["scores"]
    assert best.origin.params["chosen"] == min(scores, key=scores.get) != "0"
    assert len(scores) - 1 - int(best.origin.params["chosen"]) <= 4  # then it gave up


def test_start_that_nothing_beats_is_returned():
    """Steps on a Gaussian: with the levels that DDIM likes best, nothing is left to find."""
    model = bind(one_gaussian())
    start = SCHEDULES["kl_optimal"].make(5, model.spec, final_zero=False, c=0.5)
    kept = run(ays(model, start, "euler", levels=32, paths=32, num=64))
    assert kept == start and kept.origin.method.endswith("the start, nothing was better")


def test_closing_leaves_a_valid_best_and_frees_the_rest(measurement):
    job = ays(MODEL, START, "euler", **SMALL)
    best = [next(job).snapshot for _ in range(40)][-1]
    job.close()
    assert best is not None and best.num_steps == 6 and "evaluations" in best.origin.params
    del job
    left = [o for o in gc.get_objects() if type(o) is Statistics and o is not measurement]
    assert left == []

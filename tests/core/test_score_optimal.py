"""Score-optimal schedules: closed forms on Gaussians, the update, and the optimizer's promises.

On N(0, c^2), per dimension, with a the higher level and b the lower:
    corrector  b^2 (c^2 + a^2) (1 / (c^2 + b^2) - 1 / (c^2 + a^2))^2
    predictor  b^2 w (1 / w - 1 / (c^2 + b^2))^2,  w = (a b + c^2)^2 / (a^2 + c^2)
"""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy.integrate import quad

from ays_core.denoiser import Bound, bind
from ays_core.job import run
from ays_core.models import MODELS, Mixture
from ays_core.optimizers import score_costs
from ays_core.optimizers.score_costs import DERIVATIVE, corrector_cost, predictor_cost
from ays_core.optimizers.score_optimal import (
    EXPONENT,
    evaluations,
    pchip,
    score_optimal,
    unevenness,
    update,
)
from ays_core.params import parse_params
from ays_core.schedules import SCHEDULES

MODEL = bind(MODELS["gaussians"].load())


def corrector(a, b, c):
    return b**2 * (c**2 + a**2) * (1 / (c**2 + b**2) - 1 / (c**2 + a**2)) ** 2


def predictor(a, b, c):
    w = (a * b + c**2) ** 2 / (a**2 + c**2)
    return b**2 * w * (1 / w - 1 / (c**2 + b**2)) ** 2


def arc_length(s, c):
    """Lambda: the corrector's metric from 0 to s."""
    return 2 * (np.arcsinh(s / c) - s / np.sqrt(s**2 + c**2))


def one_gaussian(c, dim=2):
    return bind(Mixture("one", [1.0], np.zeros((1, dim)), c**2 * np.eye(dim)[None]))


def with_exact_moments(variance, dim=2):
    """Points whose second moments are those of N(0, variance): all that a cost depends on."""
    axes = math.sqrt(dim * variance) * torch.eye(dim, dtype=torch.float64)
    return torch.cat([axes, -axes])


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


# Costs

COSTS = [(1, 0.8, 0.08377124100, 5.862884648e-5), (2, 1, 1.355294118, 1.859114016e-3)]


@pytest.mark.parametrize("a, b, of_corrector, of_predictor", COSTS)
def test_costs_on_a_gaussian(a, b, of_corrector, of_predictor):
    x = with_exact_moments(0.25 + a**2)
    found = corrector_cost(one_gaussian(0.5), x, a, b) / 2
    assert found == pytest.approx(of_corrector, rel=1e-8)
    assert found == pytest.approx(corrector(a, b, 0.5), rel=1e-10)
    found = predictor_cost(one_gaussian(0.5), x, a, b, generator()) / 2
    assert found == pytest.approx(of_predictor, rel=1e-8)
    assert found == pytest.approx(predictor(a, b, 0.5), rel=1e-9)


def test_orders_of_the_costs():
    """The corrector's cost is the square of the step, the predictor's its fourth power."""
    d, x = 1e-3, with_exact_moments(0.25 + 1)
    assert corrector_cost(one_gaussian(0.5), x, 1, 1 - d) / 2 / d**2 == pytest.approx(
        2.048, rel=5e-3
    )
    d = 2e-3
    found = predictor_cost(one_gaussian(0.5), x, 1, 1 - d, generator()) / 2
    assert found / d**4 == pytest.approx(0.02048, rel=0.02)


def test_many_dimensions_tend_to_the_closed_form():
    """Above a few dimensions the cost is its limit for a short step, here without noise: all
    derivatives of a Gaussian's denoiser are constant."""
    x = with_exact_moments(0.25 + 1, dim=12)
    model = one_gaussian(0.5, dim=12)
    ratios = [
        predictor_cost(model, x, 1, low, generator()) / 12 / predictor(1, low, 0.5)
        for low in (0.9, 0.98, 0.996)
    ]
    assert abs(ratios[2] - 1) < 0.01 and abs(ratios[2] - 1) < abs(ratios[1] - 1) / 3
    assert abs(ratios[1] - 1) < abs(ratios[0] - 1) / 3


@pytest.mark.parametrize("sigma", [1.0, 0.5, 0.3])
def test_probes_agree_with_whole_jacobians(sigma, monkeypatch):
    x0 = MODEL.data(4000, 0).double()
    x = x0 + sigma * torch.randn(x0.shape, generator=generator(), dtype=torch.float64)
    wanted = predictor_cost(MODEL, x, sigma, 0.99 * sigma, generator())
    monkeypatch.setattr(score_costs, "WHOLE", 0)
    found = [predictor_cost(MODEL, x, sigma, 0.99 * sigma, generator(k)) for k in range(6)]
    assert np.std(found) < 0.15 * wanted  # one probe's own variance would be of the cost's size
    assert np.mean(found) == pytest.approx(wanted, rel=0.08)


def test_model_without_derivatives_is_refused():
    with pytest.raises(ValueError, match="needs derivatives of D"):
        predictor_cost(lambda x, _: x.detach() / 2, torch.ones(2, 2), 1.0, 0.9, generator())


# The update


def test_update_reads_equal_shares_of_the_length():
    levels = np.array([0, 0.25, 0.5, 0.75, 1])
    moved = update(levels, np.array([1.0, 4, 9, 16]), 0.5, read=np.interp)
    assert moved == pytest.approx([0, 0.4375, 2 / 3, 0.84375, 1], rel=1e-9)


def test_right_exponent_converges_and_the_square_root_oscillates():
    """Exact predictor costs, c = .5, ten steps from log-uniform: largest cost over smallest."""
    wanted = {
        0.5: [1.16e6, 92.3, 2055, 43.8, 564, 28.7],
        0.25: [1.16e6, 13.1, 2.84, 1.61, 1.23, 1.09],
    }
    for exponent, spreads in wanted.items():
        lam = np.linspace(math.log(20), math.log(0.02), 11)
        for k in range(12):
            costs = np.array([predictor(a, b, 0.5) for a, b in pairwise(np.exp(lam))])
            if k < 6:
                assert costs.max() / costs.min() == pytest.approx(spreads[k], rel=0.02)
            lam = update(lam, costs, exponent)
    wanted = [20, 3.9648, 2.1665, 1.4613, 1.0768, 0.8288, 0.6507, 0.5121, 0.3965, 0.2929, 0.02]
    assert EXPONENT["predictor"] == 0.25
    assert np.exp(lam) == pytest.approx(wanted, rel=1e-3)


def test_unevenness_is_one_for_equal_steps():
    assert unevenness(np.full(7, 0.3)) == pytest.approx(1)
    assert unevenness(np.array([1.0, 3.0])) == pytest.approx(1.25)


# The optimizer


def test_corrector_recovers_the_closed_form():
    """Equal shares of Lambda, 14.14 from 80 to .002 for c = .05."""
    total = arc_length(80, 0.05) - arc_length(0.002, 0.05)
    assert total == pytest.approx(14.141770158, rel=1e-8)
    assert arc_length(80, 0.5) - arc_length(0.002, 0.5) == pytest.approx(9.536700541, rel=1e-8)
    wanted = [80, 19.44995887, 4.728410213, 1.148061655, 0.2727013668, 0.002]
    shares = (arc_length(np.array(wanted), 0.05) - arc_length(0.002, 0.05)) / total
    assert shares == pytest.approx(np.linspace(1, 0, 6), abs=1e-8)

    model = one_gaussian(0.05)
    start = SCHEDULES["karras"].make(5, model.spec, final_zero=False)
    found = run(score_optimal(model, start, "euler", levels=200, batch=2048))
    assert found.sigmas == pytest.approx(wanted, rel=0.03)


STDS = np.array([1.0, 0.3, 0.05])


def length_between(density, low, high):
    """Of a metric given per ln s, between two levels."""
    return quad(lambda lam: density(math.exp(lam)), math.log(low), math.log(high), limit=200)[0]


METRICS = {  # of N(0, diag c_k^2), per ln s
    "corrector": lambda s: 2 * np.sqrt(((s**2 / (STDS**2 + s**2)) ** 3).sum()),
    "predictor": lambda s: s * (s**2 * STDS**4 / (STDS**2 + s**2) ** 5).sum() ** 0.25,
}


@pytest.mark.parametrize("kind", METRICS)
def test_levels_lie_evenly_in_the_closed_form_of_an_anisotropic_gaussian(kind):
    model = bind(Mixture("one", [1.0], np.zeros((1, 3)), np.diag(STDS**2)[None]))
    own = {"final_zero": False, "sigma_min": 0.02, "sigma_max": 20}
    start = SCHEDULES["log_snr"].make(6, model.spec, **own)
    found = run(score_optimal(model, start, "euler", kind=kind, levels=200, batch=1024))
    shares = [length_between(METRICS[kind], low, high) for high, low in pairwise(found.sigmas)]
    assert shares == pytest.approx(np.full(6, np.mean(shares)), rel=0.02)
    at_start = [length_between(METRICS[kind], low, high) for high, low in pairwise(start.sigmas)]
    assert max(at_start) > 1.5 * min(at_start)


def test_further_rounds_make_the_steps_of_the_fine_grid_cost_the_same():
    """The paper's fixed point on the fine grid. It ends further from the closed form than one
    round does, because a long last step there is nearly free."""
    model = one_gaussian(0.5)
    start = SCHEDULES["log_snr"].make(8, model.spec, final_zero=False, sigma_min=0.02, sigma_max=20)
    shares = np.linspace(arc_length(20, 0.5), arc_length(0.02, 0.5), 9)
    found = {
        rounds: run(score_optimal(model, start, "euler", rounds=rounds, batch=512))
        for rounds in (1, 2, 5)
    }
    off = {n: np.abs(arc_length(np.array(s.sigmas), 0.5) - shares).max() for n, s in found.items()}
    assert off[1] < 0.02 * (shares[0] - shares[-1]) < off[5] and off[1] < off[2] < off[5]
    lam = np.linspace(math.log(20), math.log(0.02), 101)  # the same with exact costs
    for turn in range(1, 6):
        costs = np.array([corrector(a, b, 0.5) for a, b in pairwise(np.exp(lam))])
        if turn in found:
            along = np.concatenate([[0.0], np.cumsum(costs**0.5)])
            wanted = np.exp(pchip(np.linspace(0, along[-1], 9), along, lam))
            assert found[turn].sigmas == pytest.approx(wanted, rel=0.02)
        lam = update(lam, costs, EXPONENT["corrector"])
    assert [s.origin.params["rounds"] for s in found.values()] == [1, 2, 5]
    spent = [s.origin.params["evaluations"] for s in found.values()]
    assert spent == [evaluations(start, rounds=n, batch=512) for n in found]


def test_few_levels_and_no_rounds_are_refused():
    for name, value in (("levels", 99), ("rounds", 0), ("rounds", 11)):
        with pytest.raises(ValueError, match=f"{name} is {value}; it must lie between"):
            parse_params(score_optimal, {name: value})
    assert parse_params(score_optimal, {"levels": 100, "rounds": 10})["rounds"] == 10


def test_predictor_makes_equal_costs():
    model = one_gaussian(0.5)
    start = SCHEDULES["log_snr"].make(8, model.spec, final_zero=False, sigma_min=0.02, sigma_max=20)
    found = run(score_optimal(model, start, "euler", kind="predictor", batch=1024))
    lengths = [predictor(a, b, 0.5) ** 0.25 for a, b in pairwise(found.sigmas)]
    before = [predictor(a, b, 0.5) ** 0.25 for a, b in pairwise(start.sigmas)]
    assert unevenness(np.array(lengths[1:-1])) < 1.02 < unevenness(np.array(before[1:-1]))


@pytest.mark.parametrize("kind", EXPONENT)
@pytest.mark.parametrize("final_zero", [True, False])
def test_result_and_snapshots_are_schedules_with_their_record(kind, final_zero):
    counted = [0]
    inner = MODEL.model

    class Counted:
        spec, data = inner.spec, inner.data

        def denoise(self, x, sigma, cond=None):
            counted[0] += len(x)
            return inner.denoise(x, sigma)

    start = SCHEDULES["karras"].make(6, MODEL.spec, final_zero=final_zero)
    snapshots = []
    job = score_optimal(Bound(Counted()), start, "ddim", kind=kind, levels=100, batch=32)
    best = run(job, lambda p: snapshots.append(p.snapshot))
    for schedule in (*snapshots, best):
        assert schedule.num_steps == 6 and schedule.sigmas[0] == start.sigmas[0]
        assert schedule.sigmas[-1] == start.sigmas[-1]
    params = best.origin.params
    assert params["solver"] == "euler" and params["kind"] == kind
    derivatives = params.get("derivatives", 0)
    assert (derivatives > 0) == (kind == "predictor") and len(params["curve"]) > 1
    assert params["evaluations"] - DERIVATIVE * derivatives == counted[0] == 100 * 2 * 32
    assert params["unevenness"] < 1.01 < params["start_unevenness"]
    own = {"kind": kind, "levels": 100, "batch": 32}
    assert evaluations(start, denoise=MODEL, **own) == params["evaluations"]


def test_even_start_is_returned():
    model = one_gaussian(0.5)
    start = SCHEDULES["karras"].make(6, model.spec, final_zero=False)
    best = run(score_optimal(model, start, "euler", batch=64))
    once_more = run(score_optimal(model, best, "euler", batch=64))
    assert once_more.sigmas == pytest.approx(best.sigmas, rel=1e-6)
    assert once_more.origin.params["unevenness"] <= best.origin.params["unevenness"]


def test_closing_leaves_the_best_so_far():
    job = score_optimal(MODEL, SCHEDULES["karras"].make(6, MODEL.spec), "euler", levels=100)
    best = [next(job).snapshot for _ in range(110)][-1]
    job.close()
    assert best.num_steps == 6 and best.origin.params["evaluations"] == 100 * 2 * 32  # one part

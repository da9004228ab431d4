"""Measured statistics against closed forms on Gaussians, and the promises of a measurement.

On N(0, c^2): D(x, s) = c^2 x / (c^2 + s^2), M(s) = c^2 s^2 / (c^2 + s^2), and an interval costs
(r - 1 - ln r) / 2 per dimension, r = (1 + c^2/a^2) / (1 + c^2/b^2).
"""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy.integrate import quad

from ays_core.denoiser import Bound, bind
from ays_core.job import run
from ays_core.models import MODELS
from ays_core.optimizers.align_your_steps.estimator import normaliser
from ays_core.schedule import Schedule
from ays_core.statistics import Statistics, log_levels, measure, measured_key, merged

LOW, HIGH = 0.002, 80.0
GRID = bind(MODELS["grid"].load())


def interval(a, b, c):
    """KLUB of one step from b down to a on N(0, c^2), per dimension."""
    r = (1 + c**2 / a**2) / (1 + c**2 / b**2)
    return (r - 1 - math.log(r)) / 2


def exact(levels, stds):
    """The measurement of N(0, diag stds^2) with infinitely many paths: <.,.> = M(min)."""
    variances = np.square(stds)
    errors = (variances * levels[:, None] ** 2 / (variances + levels[:, None] ** 2)).sum(axis=1)
    return Statistics("", levels, np.minimum(errors[:, None], errors)[None], np.ones(1), ((0, 1),))


def gaussian(stds):
    variances = torch.as_tensor(stds) ** 2
    return lambda x, sigma: x * (variances / (variances + sigma**2)).to(x)


def edm(num_steps, low, high):
    r = np.arange(num_steps + 1) / num_steps
    return Schedule(tuple((high ** (1 / 7) + r * (low ** (1 / 7) - high ** (1 / 7))) ** 7))


# The cost of a schedule

INTERVALS = [
    (0.1, 0.2, 0.5, 0.6545559136984128),
    (0.2, 0.5, 0.5, 0.6685728558466808),
    (0.1, 0.5, 0.5, 4.717525321269231),
    (1, 3, 1, 0.10610666754894044),
    (0.002, 0.01, 0.5, 10.38595596687287),
]


@pytest.mark.parametrize("a, b, c, wanted", INTERVALS)
def test_cost_of_an_interval_is_klub(a, b, c, wanted):
    assert interval(a, b, c) == pytest.approx(wanted, rel=1e-9)
    fine = exact(np.union1d(log_levels(LOW, HIGH, 1001), [a, b]), [c])
    assert fine.klub(Schedule((b, a)))[0] == pytest.approx(wanted, rel=5e-5)
    coarse = exact(log_levels(LOW, HIGH, 96), [c])  # as measured, ends between levels
    assert coarse.klub(Schedule((b, a)))[0] == pytest.approx(wanted, rel=0.02)


@pytest.mark.parametrize("a, b, c, wanted", INTERVALS[:4])
def test_measured_cost_of_an_interval(a, b, c, wanted):
    """2e5 draws: 2,000 paths of 100 dimensions."""
    stds = torch.full((100,), c, dtype=torch.float64)
    levels = log_levels(a, b, 24)
    found = run(measure(gaussian(stds), stds * torch.randn(2000, 100, **RANDOM()), levels, 2000))
    assert found.klub(Schedule((b, a))).item() / 100 == pytest.approx(wanted, rel=0.01)


def RANDOM():
    return {"generator": torch.Generator().manual_seed(3), "dtype": torch.float64}


def divergence_of_a_chain(b, a, v, sub_steps):
    """KL of the true reverse chain on N(0, v) from b to a against the one whose denoiser is held at
    b, both observed at some levels between."""
    levels = np.linspace(b, a, sub_steps + 1)
    s2, t2 = levels[:-1] ** 2, levels[1:] ** 2  # squared: a sub-step goes from s to t
    q = t2 / s2
    true_gain, true_variance = (v + t2) / (v + s2), (v + t2) * (s2 - t2) / (v + s2)
    held_gain, held_variance = v / (v + b**2), t2 * (1 - q)  # mean q x_s + (1 - q) held_gain x_b
    on_s, on_b = true_gain - q, (1 - q) * held_gain
    shift = on_s**2 * (v + s2) + on_b**2 * (v + b**2) - 2 * on_s * on_b * (v + s2)
    ratio = true_variance / held_variance
    return np.sum(ratio - 1 - np.log(ratio) + shift / held_variance) / 2


@pytest.mark.parametrize("sub_steps", [1, 64, 4096])
def test_klub_is_the_divergence_of_the_chain_with_a_held_denoiser(sub_steps):
    """Girsanov with its factor, in both places that have it: the normaliser of the importance
    density, which is KLUB of that density's own Gaussian, and the price of an interval."""
    divergence = divergence_of_a_chain(0.5, 0.2, 0.5**2, sub_steps)
    assert divergence == pytest.approx(0.66857285585, rel=1e-10)
    assert 0.5**4 * normaliser(0.2, 0.5) == pytest.approx(divergence, rel=1e-10)
    fine = exact(log_levels(0.2, 0.5, 2001), [0.5])
    assert fine.klub(Schedule((0.5, 0.2)))[0] == pytest.approx(divergence, rel=1e-7)
    assert fine.costs(np.array([0.2, 0.5]))[0, 1] == pytest.approx(divergence, rel=1e-7)


def test_prices_of_a_whole_chain_are_its_divergence():
    """Ten steps of Karras on N(0, .25): each interval's own chain, added up."""
    schedule = edm(10, LOW, HIGH)
    chains = [divergence_of_a_chain(b, a, 0.5**2, 256) for b, a in pairwise(schedule.sigmas)]
    levels = np.unique([*log_levels(LOW, HIGH, 4001), *schedule.sigmas])
    assert exact(levels, [0.5]).klub(schedule) == pytest.approx(chains, rel=1e-4, abs=1e-10)


def test_cost_of_a_schedule_adds_up():
    schedule = edm(10, LOW, HIGH)
    costs = exact(log_levels(LOW, HIGH, 401), [0.5]).klub(schedule)
    assert costs.shape == (10,) and costs.sum() == pytest.approx(46.605025, rel=3e-4)
    each = [interval(a, b, 0.5) for b, a in pairwise(schedule.sigmas)]
    assert costs == pytest.approx(each, rel=2e-3)


@pytest.mark.parametrize("power", [0, 0.5, 1, 3])
@pytest.mark.parametrize("order", [1, 2])
def test_costs_of_any_weight_and_both_orders_are_the_integrals(power, order):
    """Against scipy's quadrature of the definition, on an anisotropic Gaussian."""
    stds = np.array([1.0, 0.3, 0.05])
    variances = stds**2
    schedule = Schedule((30.0, 9.0, 4.0, 1.0, 0.3, 0.1))
    statistics = exact(np.union1d(log_levels(0.01, 80, 801), schedule.sigmas), stds)

    def error(s):
        return float((variances * s**2 / (variances + s**2)).sum())

    def distance(s, b, prev):
        """E|D_s - D_b - w (D_b - D_prev)|^2 for s <= b <= prev, from <D_s, D_b> = V - M(b)."""
        if prev is None:
            return error(b) - error(s)
        w = math.log(b / a) / (2 * math.log(prev / b))
        return error(b) - error(s) + w**2 * (error(prev) - error(b))

    costs = statistics.klub(schedule, power, order)
    for i, (b, a) in enumerate(pairwise(schedule.sigmas)):
        prev = schedule.sigmas[i - 1] if order == 2 and i else None
        wanted = quad(lambda s, b=b, prev=prev: s**-power * distance(s, b, prev), a, b)[0]
        assert costs[i] == pytest.approx(wanted, rel=1e-3)


def test_step_into_zero_is_counted_to_the_lowest_level_with_a_held_denoiser():
    statistics = exact(log_levels(LOW, HIGH, 96), [0.5])
    to_zero, to_low = Schedule((80.0, 5.0, 1.0, 0.1, 0.0)), Schedule((80.0, 5.0, 1.0, 0.1, LOW))
    assert statistics.klub(to_zero) == pytest.approx(statistics.klub(to_low))
    below = Schedule((80.0, 5.0, LOW, LOW / 2, 0.0))
    assert statistics.klub(below)[2:].tolist() == [0.0, 0.0]
    second = statistics.klub(to_zero, order=2)
    assert second[[0, 3]] == pytest.approx(statistics.klub(to_zero)[[0, 3]])  # both first-order
    assert (second[1:3] > statistics.klub(to_zero)[1:3]).all()


def test_cost_matrix_agrees_with_schedules():
    statistics = exact(log_levels(LOW, HIGH, 96), [1.0, 0.1])
    levels = np.array([0.002, 0.05, 0.7, 0.71, 20.0, 80.0])  # two of them in one cell
    costs = statistics.costs(levels, 1.25)
    assert np.diagonal(costs, 1)[::-1] == pytest.approx(
        statistics.klub(Schedule(tuple(levels[::-1])), 1.25), rel=1e-6
    )
    assert costs[1, 4] == pytest.approx(statistics.klub(Schedule((20.0, 0.05)), 1.25)[0])


def test_refusals_name_the_values():
    statistics = exact(log_levels(LOW, HIGH, 8), [1.0])
    with pytest.raises(ValueError, match=r"level 0 is 100, above the measured 80"):
        statistics.klub(Schedule((100.0, 1.0)))
    with pytest.raises(ValueError, match=r"order is 3"):
        statistics.klub(Schedule((10.0, 1.0)), order=3)
    with pytest.raises(ValueError, match="cannot go on from seed 5"):
        done = run(measure(GRID, GRID.data(8, 0), LEVELS, 8))
        run(measure(GRID, GRID.data(8, 0), LEVELS, 16, 5, measured=done))
    with pytest.raises(ValueError, match="ascending"):
        run(measure(gaussian([1.0]), torch.zeros(1, 1), [2.0, 1.0], 1))
    with pytest.raises(ValueError, match="not a saved measurement"):
        Statistics.from_bytes(b"nonsense")


def test_smoothing_keeps_power_laws_and_evens_out_ripples():
    levels = log_levels(LOW, 0.01, 64)  # far below the data's scale: M = s^2, a power law
    plain = exact(levels, [0.5])
    smooth = plain.smooth(0.5)
    assert smooth.distances == pytest.approx(plain.distances, rel=2e-3)
    assert smooth.klub(edm(4, LOW, 0.01)) == pytest.approx(plain.klub(edm(4, LOW, 0.01)), rel=2e-3)
    ripples = np.exp(0.3 * np.random.default_rng(0).standard_normal(64))
    errors = np.cumsum(np.diff(levels**2, prepend=0) * ripples)
    gram = np.minimum(errors[:, None], errors)[None]
    rough = Statistics("", levels, gram, np.ones(1), ((0, 1),))
    beside = np.log(plain.distances.diagonal(1))
    off = [np.std(np.log(s.distances.diagonal(1)) - beside) for s in (rough, rough.smooth(0.5))]
    assert off[1] < 0.5 * off[0]


# The measurement


@pytest.fixture(scope="module")
def grid():
    return run(measure(GRID, GRID.data(2000, 0), log_levels(LOW, HIGH, 64), 2000))


def test_denoising_error_curve():
    """2e5 samples, to 1.5 %; and how far the estimate moves between two of the levels."""
    levels = [0.02, 0.05, 0.1, 0.2, 0.5, 1, 2]
    wanted = [0.000557, 0.002171, 0.016791, 0.066193, 0.29911, 0.595958, 0.774094]
    found = run(measure(GRID, GRID.data(200_000, 0), levels, 200_000))
    assert found.error_curve == pytest.approx(wanted, rel=0.015)
    moved = found.raw_distances[levels.index(0.1), levels.index(0.5)]
    assert moved == pytest.approx(0.283, rel=0.015)
    assert moved == pytest.approx(wanted[4] - wanted[2], rel=0.015)


def identity_gap(statistics):
    """E|D_j - D_k|^2 - |M_j - M_k|, with M the squared errors themselves."""
    mean = statistics.gram.sum(axis=0) / statistics.num_paths
    errors = mean.diagonal()
    return statistics.raw_distances - np.abs(errors[:, None] - errors)


def test_martingale_identity(grid):
    """An exact denoiser's answers are a martingale: the gap is Monte Carlo error, and no more."""
    each = [identity_gap(part) for part in grid.groups()]
    spread = np.std(each, axis=0, ddof=1) / len(each) ** 0.5
    assert np.abs(identity_gap(grid)).max() < 4 * spread.max() < 0.1 * grid.error_curve[-1]
    assert not grid.noise.any()


def test_martingale_identity_is_not_assumed():
    """D that overshoots by a half: distances grow by 1.5^2, errors do not follow."""
    too_far = measure(lambda x, s: 1.5 * GRID(x, s), GRID.data(500, 0), LEVELS, 500)
    right, wrong = run(measure(GRID, GRID.data(500, 0), LEVELS, 500)), run(too_far)
    assert wrong.raw_distances == pytest.approx(1.5**2 * right.raw_distances, rel=1e-4, abs=1e-6)
    assert np.abs(identity_gap(wrong)).max() > 5 * np.abs(identity_gap(right)).max()


@pytest.mark.parametrize("std", [0.01, 0.1])
def test_noise_of_low_precision_is_measured_and_taken_out(std):
    stds = torch.full((64,), 0.5, dtype=torch.float64)
    clean, levels, noise = gaussian(stds), log_levels(LOW, HIGH, 64), RANDOM()
    data = stds * torch.randn(200, 64, **RANDOM())
    noisy = run(
        measure(lambda x, s: clean(x, s) + std * torch.randn(x.shape, **noise), data, levels, 200)
    )
    without = exact(levels, stds.numpy())
    drowned = np.convolve(without.distances.diagonal(1), [0.5, 0.5]) < 64 * std**2 / 4
    assert drowned.sum() > 10 and noisy.noise[drowned] == pytest.approx(64 * std**2, rel=0.3)
    schedule = edm(20, LOW, HIGH)
    wanted = without.klub(schedule, 0.5).sum()
    assert noisy.klub(schedule, 0.5).sum() == pytest.approx(wanted, rel=0.05)


LEVELS = log_levels(LOW, HIGH, 12)


def same(one, other):
    return np.allclose(one.gram.sum(axis=0), other.gram.sum(axis=0), rtol=1e-6) and (
        one.num_paths == other.num_paths and one.seeds == other.seeds
    )


def test_paths_do_not_depend_on_the_batch():
    data = GRID.data(40, 0)
    small, large = (run(measure(GRID, data, LEVELS, 40, batch=size)) for size in (7, 40))
    assert same(small, large)
    assert small.evaluations == 40 * 12 and small.key == measured_key(GRID)
    assert small.paths.max() - small.paths.min() <= 7  # every group gets its share


def test_stopped_measurement_goes_on_where_it_was():
    data = GRID.data(40, 0)
    job = measure(GRID, data, LEVELS, 40, batch=8)
    snapshots = [next(job).snapshot for _ in range(2 * 12 + 5)]  # stopped in the third batch
    job.close()
    half = snapshots[-1]
    assert snapshots[0] is None and half.num_paths == 16
    half.klub(edm(5, LOW, HIGH))  # a partial result is usable
    calls = []

    def counted(x, sigma):
        calls.append(len(x))
        return GRID(x, sigma)

    on = run(measure(Bound(Wrapped(counted)), data, LEVELS, 40, batch=8, measured=half))
    assert sum(calls) == 24 * 12
    assert same(on, run(measure(GRID, data, LEVELS, 40, batch=8)))
    again = run(measure(GRID, data, LEVELS, 40, measured=on))
    assert again is on  # nothing left to do


class Wrapped:
    """The grid with another function for its denoiser."""

    spec = GRID.spec

    def __init__(self, function):
        self.function = function

    def encode(self, conditions):
        return conditions

    def denoise(self, x, sigma, cond=None):
        return self.function(x, sigma)


def test_batches_need_not_hold_whole_rounds_of_conditions():
    sizes = []

    def recorded(x, sigma):
        sizes.append(len(x))
        return GRID(x, sigma)

    three = bind(Wrapped(recorded), ("a", "b", "c"), guidance=1.0)
    found = run(measure(three, GRID.data(21, 0), LEVELS, 21, batch=8))
    assert set(sizes) == {8, 5} and found.num_paths == 21 and "a" in found.key


def test_parts_from_other_seeds_merge():
    spans = [(0, 16), (16, 24)]
    parts = [
        run(measure(GRID, GRID.data(40, 0)[a:b], LEVELS, b - a, seed=a, batch=8)) for a, b in spans
    ]
    whole = run(measure(GRID, GRID.data(40, 0)[:24], LEVELS, 24, batch=8))
    both = merged(parts)
    assert np.allclose(both.gram.sum(axis=0), whole.gram.sum(axis=0)) and both.num_paths == 24
    assert both.seeds == ((0, 16), (16, 24))
    with pytest.raises(ValueError, match="seed 0"):
        merged([parts[0], both])
    other = run(measure(GRID, GRID.data(8, 0), LEVELS[1:], 8, seed=100))
    with pytest.raises(ValueError, match="different levels"):
        merged([whole, other])
    with pytest.raises(ValueError, match="and one of an unnamed denoiser"):
        merged([run(measure(lambda x, _: x, GRID.data(8, 0), LEVELS, 8, seed=100)), whole])


def test_saved_measurement_comes_back(grid):
    back = Statistics.from_bytes(grid.to_bytes())
    assert np.array_equal(back.gram, grid.gram) and np.array_equal(back.paths, grid.paths)
    assert np.array_equal(back.levels, grid.levels)
    assert (back.key, back.seeds) == (grid.key, grid.seeds)

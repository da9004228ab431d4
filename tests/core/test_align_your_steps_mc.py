"""The paper's own search: its importance sampling, its estimator, its stages, and its agreement
with the search on measured prices."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from ays_core.denoiser import Bound, bind
from ays_core.job import run
from ays_core.metrics import sliced_w2
from ays_core.models import MODELS, Mixture
from ays_core.optimizers.align_your_steps import Estimator, Priced, ays_mc, monte_carlo
from ays_core.optimizers.align_your_steps.estimator import distribution, normaliser, quantile
from ays_core.optimizers.align_your_steps.monte_carlo import evaluations, halved, sweep
from ays_core.sampling import sample, start_noise
from ays_core.schedule import Schedule
from ays_core.schedules import SCHEDULES
from ays_core.statistics import measure_model

MODEL = bind(MODELS["gaussians"].load())
ONE = bind(Mixture("one", [1.0], np.zeros((1, 2)), 0.25 * np.eye(2)[None]))


def test_importance_density():
    assert normaliser(0.1, 0.2) == pytest.approx(10.472894619, rel=1e-7)
    assert normaliser(0.2, 0.5) == pytest.approx(10.697165694, rel=1e-7)
    cdf = distribution(np.array([0.12, 0.15, 0.18]), 0.1, 0.2)
    assert cdf == pytest.approx([0.5391275179, 0.8797839535, 0.9862127179], rel=1e-7)
    quartiles = quantile(np.array([0.25, 0.5, 0.75]), 0.1, 0.2)
    assert quartiles == pytest.approx([0.1075419392, 0.1179547966, 0.1346284600], rel=1e-5)


INTERVALS = [  # a, b, c, KLUB per dimension
    (0.1, 0.2, 0.5, 0.6545559136984128),
    (0.2, 0.5, 0.5, 0.6685728558466808),
    (0.1, 0.5, 0.5, 4.717525321269231),
    (1, 3, 1, 0.10610666754894044),
    (0.002, 0.01, 0.5, 10.38595596687287),
]


@pytest.mark.parametrize("a, b, c, wanted", INTERVALS)
def test_klub_of_an_interval(a, b, c, wanted):
    if c == 0.5:  # the importance density's own Gaussian: c^4 Z
        assert 0.5**4 * normaliser(a, b) == pytest.approx(wanted, rel=1e-9)
    one = bind(Mixture("one", [1.0], np.zeros((1, 2)), c**2 * np.eye(2)[None]))
    found = run(Estimator(one, 200_000, 0).klub(Schedule((b, a)), 1)) / 2
    assert found == pytest.approx(wanted, rel=0.01)


SCHEDULES_OF_TEN = {  # from 80 to .002, c = .5, and their KLUB
    "Karras": (np.linspace(80 ** (1 / 7), 0.002 ** (1 / 7), 11) ** 7, 46.605025),
    "log-uniform": (np.geomspace(80, 0.002, 11), 11.734247),
    "arctan": (0.5 * np.tan(np.linspace(np.arctan(160), np.arctan(0.004), 11)), 790.63808),
    "KLUB's own": (
        0.5 / np.sqrt(np.expm1(np.linspace(np.log1p(1 / 160**2), np.log1p(250**2), 11))),
        4.5639567,
    ),
}


@pytest.mark.parametrize("levels, wanted", SCHEDULES_OF_TEN.values(), ids=SCHEDULES_OF_TEN)
def test_klub_of_ten_steps(levels, wanted):
    total = sum(0.5**4 * normaliser(a, b) for b, a in pairwise(levels))
    assert total == pytest.approx(wanted, rel=1e-5)


def test_places_are_told_apart_by_the_normaliser_alone():
    """On N(0, c^2) the sampled mean is the same everywhere: Z makes the whole difference."""
    middles = np.array([0.15, 0.2, 0.3, 0.4])
    estimator = Estimator(ONE, 200_000, 0)
    costs = run(estimator.places(0.1, 0.5, middles, torch.Generator().manual_seed(0))).mean(axis=1)
    assert costs == pytest.approx([3.6374, 2.6463, 4.2063, 6.8626], rel=0.01)
    weights = [normaliser(0.1, m) + normaliser(m, 0.5) for m in middles]
    assert costs / weights == pytest.approx(np.full(4, 0.1250), rel=0.01)


def test_places_cost_thirty_four_evaluations_a_draw():
    estimator = Estimator(MODEL, 64, 0)
    run(estimator.places(0.1, 0.5, np.linspace(0.2, 0.4, 11), torch.Generator()))
    assert estimator.evaluations == 34 * 64


def test_estimate_agrees_with_a_measurement():
    start = SCHEDULES["karras"].make(10, MODEL.spec, final_zero=False)
    measured = run(measure_model(MODEL, levels=160, paths=2048)).klub(start).sum()
    estimates = [run(Estimator(MODEL, 1024, seed).klub(start, seed)) for seed in range(6)]
    error = np.std(estimates, ddof=1)
    assert abs(np.mean(estimates) - measured) < 3 * error < 0.2 * measured


def test_conditions_keep_their_rows():
    """Blocks and batches are whole rounds of the conditions: sample i has condition i mod k."""
    sizes = set()

    class Classes:
        spec, data = MODEL.spec, MODEL.model.data

        def encode(self, conditions):
            return conditions

        def denoise(self, x, sigma, cond=None):
            sizes.add(len(x) % 3)
            return MODEL(x, sigma)

    model = Classes()
    model.data = lambda num, seed, cond=None: MODEL.model.data(num, seed)
    estimator = Estimator(bind(model, ["a", "b", "c"]), 100, 0)
    assert estimator.draws == 8 * 12
    run(estimator.klub(Schedule((10.0, 1.0)), 0))
    assert sizes == {0}


def test_halving_keeps_the_levels_and_adds_their_middles():
    new = halved(np.array([80.0, 5.0, 0.2]))
    assert new == pytest.approx([80, 20, 5, 1, 0.2])
    assert set(new[::2]) == {80.0, 5.0, 0.2}


def test_only_moving_levels_move():
    levels = np.geomspace(80, 0.01, 7)
    estimator = Estimator(MODEL, 64, 0)
    moved = run(sweep(estimator, levels, range(1, 6, 2), torch.Generator().manual_seed(0)))
    assert (moved[::2] == levels[::2]).all() and (moved[1::2] != levels[1::2]).any()
    assert (np.diff(moved) < 0).all()


def test_levels_of_a_stage_stay_where_they_are_in_the_next(monkeypatch):
    """10, 20 and 40 steps: halving keeps every level, and then only the new ones move."""
    seen = []

    def watched(estimator, levels, moving, generator):
        after = yield from sweep(estimator, levels, moving, generator)
        seen.append((levels, after))
        return after

    monkeypatch.setattr(monte_carlo, "sweep", watched)
    start = SCHEDULES["karras"].make(40, MODEL.spec, final_zero=False)
    best = run(ays_mc(MODEL, start, "euler", draws=64, sweeps=2, num=16))
    stages = {n: [pair for pair in seen if len(pair[0]) == n + 1] for n in (10, 20, 40)}
    assert sum(map(len, stages.values())) == len(seen) and all(stages.values())
    for few, many in ((10, 20), (20, 40)):
        kept = stages[many][0][0][::2]
        assert any(np.array_equal(kept, after) for pair in stages[few] for after in pair)
        for before, after in stages[many]:
            assert (before[::2] == kept).all() and (after[::2] == kept).all()
        assert any((before != after).any() for before, after in stages[many])
    assert best.num_steps == 40


QUICK = {"draws": 64, "sweeps": 1, "num": 16}
CASES = [(4, True, "sampler"), (10, False, "converged"), (13, True, "sampler")]


@pytest.mark.parametrize("steps, final_zero, stop", CASES)
def test_result_and_snapshots_are_schedules_with_their_record(steps, final_zero, stop):
    counted = [0]
    inner = MODEL.model

    class Counted:
        spec, data = inner.spec, inner.data

        def denoise(self, x, sigma, cond=None):
            counted[0] += len(x)
            return inner.denoise(x, sigma)

    start = SCHEDULES["karras"].make(steps, MODEL.spec, final_zero=final_zero)
    snapshots = []
    job = ays_mc(Bound(Counted()), start, "ddim", stop=stop, **QUICK)
    best = run(job, lambda p: snapshots.append(p.snapshot))
    for schedule in (*snapshots, best):
        assert schedule.num_steps == steps
        assert schedule.sigmas[0] == start.sigmas[0] and schedule.sigmas[-1] == start.sigmas[-1]
    params = best.origin.params
    assert best.origin.method == "ays_mc" and params["solver"] == "euler"
    scores = params["scores"]
    assert (
        params["chosen"] == min(scores, key=scores.get)
        and scores[params["chosen"]] <= (scores["start"])
    )
    assert params["evaluations"] == counted[0]
    names = {name.partition(",")[0] for name in scores} - {"start"}
    assert names == ({"10 steps"} if steps <= 10 else {"10 steps", "20 steps"})
    assert params["curve"] == list(scores.values())
    assert evaluations(start, "euler", stop=stop, **QUICK) > 0.5 * counted[0]


def test_closing_leaves_the_best_so_far():
    start = SCHEDULES["karras"].make(6, MODEL.spec)
    job = ays_mc(MODEL, start, "euler", stop="converged", **QUICK)
    snapshots = [next(job).snapshot for _ in range(1600)]
    job.close()
    best = snapshots[-1]
    assert best.num_steps == 6 and best.origin.params["evaluations"] > 0
    assert (
        best.origin.params["scores"][best.origin.params["chosen"]]
        <= (best.origin.params["scores"]["start"])
    )


@pytest.mark.slow
def test_both_searches_agree_and_the_exact_one_is_never_higher():
    start = SCHEDULES["karras"].make(10, MODEL.spec, final_zero=False)
    sampled = run(ays_mc(MODEL, start, "euler", draws=128, sweeps=5, stop="converged"))
    statistics = run(measure_model(MODEL, levels=96, paths=2048))
    exact = Schedule(Priced.by(statistics, start, 3.0).best(10)[-1][1])
    judge = Estimator(MODEL, 2048, 77)
    by_draws = {s: run(judge.klub(s, 78)) for s in (sampled, exact)}
    by_price = {s: statistics.klub(s).sum() for s in (sampled, exact)}
    for schedule in (sampled, exact):
        assert by_draws[schedule] == pytest.approx(by_price[schedule], rel=0.05)
    assert by_draws[exact] <= by_draws[sampled] and by_price[exact] <= by_price[sampled]


@pytest.mark.slow
def test_stopping_early_beats_karras_and_the_minimum_loses_to_both():
    """8 x 8 grid, ten steps to sigma_min, KLUB: the gain is on the way, not at its end."""
    grid = bind(MODELS["grid"].load())
    start = SCHEDULES["karras"].make(10, grid.spec, final_zero=False)
    statistics = run(measure_model(grid, levels=96, paths=2048))
    levels = [sigmas for _, sigmas in Priced.by(statistics, start, 3.0).sweeps()]
    noise = start_noise(grid.spec, 2000, 20_000)
    exact = grid.model.features(grid.data(2000, 1_020_000))

    def distance(solver, sigmas):
        ran = run(sample(grid, Schedule(sigmas), solver, noise, seed=20_000))
        return sliced_w2(grid.model.features(ran.samples), exact)

    for solver, share in (("dpmpp_2m_sde", 0.35), ("dpmpp_2m", 0.4)):
        by_sweep = [distance(solver, sigmas) for sigmas in levels[5:14:2]]
        assert min(by_sweep) <= share * distance(solver, start.sigmas)
    assert distance("dpmpp_2m", levels[-1]) >= 3 * min(by_sweep)
    assert 0.75 < levels[12][1] < 1.25 and levels[-1][1] < 0.6
    assert Priced.by(statistics, start, 3.0).best(10)[-1][1][1] == pytest.approx(0.488, rel=0.05)


@pytest.mark.slow
def test_the_papers_search_stopped_by_the_solver_beats_karras_and_converged_it_does_not():
    """The same through the optimizer itself. What it is stopped by are training noises; what it is
    judged by are others."""
    grid = bind(MODELS["grid"].load())
    start = SCHEDULES["karras"].make(10, grid.spec, final_zero=False)
    noise = start_noise(grid.spec, 4000, 20_000)
    exact = grid.model.features(grid.data(4000, 1_020_000))

    def distance(solver, schedule):
        ran = run(sample(grid, schedule, solver, noise, seed=20_000))
        return sliced_w2(grid.model.features(ran.samples), exact)

    found = {}
    for solver, share in (("dpmpp_2m_sde", 0.35), ("dpmpp_2m", 0.4)):
        found[solver] = run(ays_mc(grid, start, solver, draws=128))
        assert found[solver].origin.params["chosen"] not in ("start", "10 steps, sweep 0")
        assert distance(solver, found[solver]) <= share * distance(solver, start)
    converged = run(ays_mc(grid, start, "dpmpp_2m", draws=128, stop="converged"))
    assert distance("dpmpp_2m", converged) >= 3 * distance("dpmpp_2m", found["dpmpp_2m"])
    assert converged.sigmas[1] < 0.7 < found["dpmpp_2m_sde"].sigmas[1] < 1.1

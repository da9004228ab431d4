"""GITS: costs from their definition, paths against every path there is, ends that are kept."""

from itertools import combinations

import numpy as np
import pytest

from ays_core.compare import compare
from ays_core.denoiser import bind
from ays_core.job import run
from ays_core.models import MODELS
from ays_core.optimizers.gits import cheapest, cost_matrix, evaluations, gits, path_cost
from ays_core.sampling import start_noise
from ays_core.schedule import Schedule
from ays_core.schedules import SCHEDULES
from ays_core.solvers import first_order_step, pin

MODEL = bind(MODELS["gaussians"].load())
NOISE = start_noise(MODEL.spec, 16, 0)


def karras(num_steps, **own):
    return SCHEDULES["karras"].make(num_steps, MODEL.spec, **own)


def distance_to_line(x, start, end):
    """Of points x (B, d) to the lines through `start` and `end`: (B,)."""
    along = (end - start) / (end - start).norm(dim=1, keepdim=True)
    away = end - x
    return (away - (away * along).sum(1, keepdim=True) * along).norm(dim=1)


@pytest.mark.parametrize("zero", [True, False])
def test_costs_are_what_the_paper_defines(zero):
    grid = karras(10, final_zero=zero, sigma_max=10.0, sigma_min=0.1)
    stepper = pin("ipndm", grid)
    x, states, estimates = stepper.start(NOISE), [], []
    for sigma in stepper.calls:
        states.append(x)
        estimates.append(MODEL(x, sigma))
        x = stepper.step(x, estimates[-1])
    states = [state.double() for state in (*states, x)]
    levels, cost = run(cost_matrix(MODEL, grid, NOISE))
    assert levels == grid.sigmas
    for i in range(10):
        assert np.isinf(cost[i, : i + 1]).all()
        for j in range(i + 1, 11):
            sigma, sigma_next = grid.sigmas[i], grid.sigmas[j]
            step = first_order_step(states[i], estimates[i].double(), sigma, sigma_next)
            here, there = (distance_to_line(y, states[0], states[-1]) for y in (step, states[j]))
            wanted = float((here - (there if j < 10 else 0)).mean())
            assert cost[i, j] == pytest.approx(wanted, abs=1e-6)


def test_straight_trajectories_cost_nothing():
    _, cost = run(cost_matrix(lambda x, sigma: 0 * x, karras(12), NOISE))  # data: one point
    rounding = 80 * np.finfo(np.float32).eps
    assert np.abs(cost[np.isfinite(cost)]).max() < rounding


@pytest.mark.parametrize("coefficient", [0.9, 1.0, 1.15])
def test_paths_are_the_cheapest_of_all(coefficient):
    _, cost = run(cost_matrix(MODEL, karras(9), NOISE))
    for k, path in enumerate(cheapest(cost, 9, coefficient), 1):
        every = [[0, *inner, 9] for inner in combinations(range(1, 9), k - 1)]
        costs = [path_cost(cost, indices, coefficient) for indices in every]
        assert path in every
        assert path_cost(cost, path, coefficient) == pytest.approx(min(costs))


@pytest.mark.parametrize("zero", [True, False])
@pytest.mark.parametrize("num_steps", [1, 2, 6])
def test_results_keep_the_ends_of_the_start(num_steps, zero):
    start = karras(num_steps, final_zero=zero, sigma_max=40.0)
    best = run(gits(MODEL, start, "ipndm", num=8))
    assert (best.num_steps, best.sigmas[0], best.final_zero) == (num_steps, 40.0, zero)
    assert zero or best.sigmas[-1] == start.sigmas[-1]


def test_more_weight_on_later_steps_makes_them_shorter():
    light, heavy = (run(gits(MODEL, karras(6), "ipndm", coefficient=c)) for c in (0.8, 1.3))
    assert heavy.positive[-1] < light.positive[-1] or heavy.sigmas[2] < light.sigmas[2]


def test_it_beats_its_start_with_few_steps_on_other_noises():
    start = karras(6)
    best = run(gits(MODEL, start, "ipndm"))
    noise = start_noise(MODEL.spec, 100, 20_000)
    ours, theirs = run(compare(MODEL, [best, start], "ipndm", noise, ["rmse"])).cells
    assert ours.metrics["rmse"] < theirs.metrics["rmse"]


def test_a_start_that_is_better_is_kept():
    """Off the fine trajectory's levels there is something better than what they allow."""
    own = {"teacher_steps": 20, "num": 16}
    first, second, *rest = run(gits(MODEL, karras(5), "euler", **own)).sigmas
    moved = [Schedule((first, f * second, *rest)) for f in np.linspace(0.9, 1.1, 11)]
    found = [run(gits(MODEL, start, "euler", **own)) for start in moved]
    costs = [schedule.origin.params["start_cost"] for schedule in found]
    best = int(np.argmin(costs))
    assert found[best] == moved[best] != moved[5]
    params = found[best].origin.params
    assert params["cost"] == params["start_cost"] == min(costs) < params["curve"][-1]
    assert params["sigma_min"] == moved[best].positive[-1]
    assert all(
        schedule.origin.params["cost"] <= cost for schedule, cost in zip(found, costs, strict=True)
    )


def test_levels_beside_the_trajectory_cost_what_their_neighbours_do():
    grid = karras(40)
    between = [1.0001 * grid.sigmas[20], 0.9999 * grid.sigmas[20]]
    levels, cost = run(cost_matrix(MODEL, grid, NOISE, between))
    assert len(levels) == 43 and list(levels) == sorted(levels, reverse=True)
    at = levels.index(grid.sigmas[20])
    assert levels[at - 1] == between[0] and levels[at + 1] == between[1]
    for beside in (at - 1, at + 1):
        assert cost[beside, at + 2 :] == pytest.approx(cost[at, at + 2 :], rel=0.1, abs=2e-3)


def test_the_record_and_the_snapshots():
    calls, snapshots = [], []

    class Model:
        spec = MODEL.spec

        @staticmethod
        def denoise(x, sigma, cond):
            calls.append(len(x))
            return MODEL(x, sigma)

    bound = type(MODEL)(Model())
    best = run(
        gits(bound, karras(5), "euler", teacher_steps=30, num=8, seed=4),
        lambda p: snapshots.append(p.snapshot),
    )
    params = best.origin.params
    assert params["evaluations"] == sum(calls) == (30 + 3) * 8  # three of its levels are others
    estimate = evaluations(karras(5), denoise=bound, teacher_steps=30, num=8)
    assert params["evaluations"] == estimate
    assert evaluations(karras(5), teacher_steps=30, num=8) == (30 + 4) * 8  # the most it can be
    assert {"solver": "euler", "seed": 4, "coefficient": 1.15}.items() <= params.items()
    assert best.origin.method == "gits" and len(params["curve"]) == 5
    assert len(snapshots) == 33 and all(s == karras(5) for s in snapshots)


def test_more_steps_than_the_teacher_has_are_refused():
    with pytest.raises(ValueError, match="30 steps along a teacher of 20"):
        run(gits(MODEL, karras(30), "euler", teacher_steps=20, num=8))


def test_shape_of_the_samples_does_not_matter():
    pictures = NOISE.view(16, 1, 2, 1)
    shaped = cost_matrix(lambda x, s: MODEL(x.view(16, 2), s).view(x.shape), karras(8), pictures)
    assert np.allclose(run(shaped)[1], run(cost_matrix(MODEL, karras(8), NOISE))[1])

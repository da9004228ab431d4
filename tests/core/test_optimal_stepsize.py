"""OSS: published-style verification cases, brute force, and the promises every result makes."""

import gc
from itertools import combinations

import numpy as np
import pytest
import torch

from ays_core.denoiser import bind
from ays_core.job import run
from ays_core.metrics import rmse, squared_errors
from ays_core.models import MODELS, Mixture
from ays_core.optimizers.optimal_stepsize import (
    KINDS,
    evaluations,
    for_steps,
    one_for_all,
    optimal_stepsize,
    search,
)
from ays_core.optimizers.teacher import TEACHERS, replay, teacher_grid
from ays_core.sampling import sample, start_noise
from ays_core.schedule import Schedule
from ays_core.schedules import SCHEDULES


def edm(num_steps, low, high, *, zero=False):
    """Karras levels with rho 7; the last one replaced by 0 on demand."""
    r = np.arange(num_steps + 1) / num_steps
    levels = (high ** (1 / 7) + r * (low ** (1 / 7) - high ** (1 / 7))) ** 7
    return Schedule((*levels[:-1], 0.0 if zero else levels[-1]))


def column(*values):
    return torch.tensor(values, dtype=torch.float64)[:, None]


class Counted:
    """A denoiser that counts its calls and checks that they are whole batches."""

    def __init__(self, denoise, num):
        self.denoise, self.num, self.calls = denoise, num, 0

    def __call__(self, x, sigma):
        assert len(x) == self.num and sigma > 0
        self.calls += 1
        return self.denoise(x, sigma)


def gaussian(x, sigma):  # data N(0, 1)
    return x / (1 + sigma**2)


def two_modes(x, sigma):  # data ±1, standard deviation .2
    v = 0.2**2 + sigma**2
    return (0.2**2 * x + sigma**2 * torch.tanh(x / v)) / v


# The programme


def test_gaussian_case():
    found = run(search(gaussian, edm(20, 0.02, 20), column(20.0), 5))
    assert found.end.item() == pytest.approx(0.91781055, abs=5e-9)
    wanted = {
        2: ([0, 11, 20], 0.14779834),
        3: ([0, 10, 13, 20], 0.060268385),
        4: ([0, 8, 11, 13, 20], 0.030579019),
        5: ([0, 8, 10, 12, 14, 20], 0.015583106),
    }
    for k, (indices, cost) in wanted.items():
        assert found.indices[k].tolist() == indices
        assert found.cost[k] == pytest.approx(cost, rel=1e-6)


def test_two_modes_case_per_sample():
    x = column(14.0, -26.0, 1.0)
    found = run(search(two_modes, edm(20, 0.02, 20), x, 3, shared=False))
    assert found.end[:, 0].tolist() == pytest.approx([0.98055289, -1.14082831, 0.55994407])
    assert found.indices[3].tolist() == [[0, 11, 13, 20], [0, 10, 13, 20], [0, 13, 15, 20]]
    assert found.cost[3] == pytest.approx([0.00275492, 0.01287141, 0.05827192], rel=2e-6)


def nine_modes():
    ticks = np.linspace(-1, 1, 3)
    means = np.stack(np.meshgrid(ticks, ticks), axis=-1).reshape(-1, 2)
    mixture = Mixture("nine", np.ones(9), means, np.tile(0.1**2 * np.eye(2), (9, 1, 1)))
    return lambda x, sigma: mixture.denoise(x, sigma)


def random_states(num, dim=2, seed=3):
    return 20 * torch.from_numpy(np.random.default_rng(seed).standard_normal((num, dim)))


def brute_force(denoise, teacher, x, num_steps):
    """Squared errors of every schedule along the teacher's levels: {indices: (B,)}."""
    end = run(replay(denoise, teacher, x))
    states, levels = {(0,): x}, range(1, teacher.num_steps)
    for k in range(1, num_steps):
        for inner in combinations(levels, k):
            before = (0, *inner[:-1])
            pair = Schedule((teacher.sigmas[before[-1]], teacher.sigmas[inner[-1]]))
            states[(0, *inner)] = run(replay(denoise, pair, states[before]))
    errors = {}
    for chosen, state in states.items():
        if len(chosen) == num_steps:
            last = Schedule((teacher.sigmas[chosen[-1]], teacher.sigmas[-1]))
            reached = run(replay(denoise, last, state))
            errors[(*chosen, teacher.num_steps)] = squared_errors(reached, end).numpy()
    return errors


def test_shared_and_per_sample_against_every_schedule_there_is():
    denoise, teacher, x = nine_modes(), edm(14, 0.02, 20), random_states(200)
    shared = run(search(denoise, teacher, x, 5))
    each = run(search(denoise, teacher, x, 5, shared=False))
    wanted = {
        3: ((0, 7, 9, 14), 0.2103),
        4: ((0, 6, 8, 10, 14), 0.1532),
        5: ((0, 6, 8, 9, 11, 14), 0.0918),
    }
    for n in (2, 3, 4, 5):
        errors = brute_force(denoise, teacher, x, n)
        best = min(errors, key=lambda indices: errors[indices].mean())
        assert tuple(shared.indices[n].tolist()) == best
        assert shared.cost[n] == pytest.approx(errors[best].mean(), rel=1e-9)
        if n in wanted:
            assert best == wanted[n][0]
            assert errors[best].mean() ** 0.5 == pytest.approx(wanted[n][1], rel=1e-3)
        table = np.stack(list(errors.values()))
        ours = np.array([errors[tuple(row)][b] for b, row in enumerate(each.indices[n].tolist())])
        assert (ours <= table.min(axis=0) * (1 + 1e-9)).mean() >= 0.75
        assert ours.mean() ** 0.5 <= 1.01 * table.min(axis=0).mean() ** 0.5


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("zero", [True, False])
def test_replay_costs_what_the_programme_says(shared, zero):
    denoise, teacher, x = nine_modes(), edm(30, 0.02, 20, zero=zero), random_states(20)
    found = run(search(denoise, teacher, x, 6, shared=shared))
    for k, indices in found.indices.items():
        rows = np.broadcast_to(indices, (20, k + 1))
        errors = []
        for b, row in enumerate(rows):
            chosen = Schedule(tuple(teacher.sigmas[i] for i in row))
            end = run(replay(denoise, chosen, x[b : b + 1]))
            errors.append(squared_errors(end, found.end[b : b + 1]).item())
        assert len(set(rows[0])) == k + 1  # strict layers: k steps, not fewer
        wanted = np.mean(errors) if shared else np.array(errors)
        assert found.cost[k] == pytest.approx(wanted, rel=1e-6, abs=1e-12)


def test_single_precision_states_find_what_double_precision_finds():
    denoise, teacher, x = nine_modes(), edm(60, 0.02, 80, zero=True), 4 * random_states(64)
    double = run(search(denoise, teacher, x, 8))
    single = run(search(denoise, teacher, x.float(), 8))
    for k in double.cost:
        assert single.cost[k] == pytest.approx(double.cost[k], rel=1e-4)


def test_one_search_serves_every_number_of_steps_and_counts_its_calls():
    x = random_states(5)
    counted = Counted(nine_modes(), 5)
    found = run(search(counted, edm(12, 0.02, 20), x, 12))
    assert found.evaluations == 5 * counted.calls
    for k in (1, 4, 12):
        alone = run(search(nine_modes(), edm(12, 0.02, 20), x, k))
        assert alone.indices[k].tolist() == found.indices[k].tolist()
        assert alone.cost[k] == pytest.approx(found.cost[k], abs=1e-15)
    assert found.indices[12].tolist() == list(range(13))  # every step of the teacher's
    assert found.cost[12] == pytest.approx(0, abs=1e-15)


def test_a_free_first_level_costs_no_more_and_starts_from_noise_of_its_size():
    teacher, x = edm(20, 0.02, 80, zero=True), 4 * random_states(50)
    fixed = run(search(nine_modes(), teacher, x, 4))
    free = run(search(nine_modes(), teacher, x, 4, free_first=True))
    noise = x / teacher.sigmas[0]
    for k, indices in free.indices.items():
        chosen = Schedule(tuple(teacher.sigmas[i] for i in indices))
        end = run(replay(nine_modes(), chosen, chosen.sigmas[0] * noise))
        assert free.cost[k] == pytest.approx(squared_errors(end, free.end).mean().item(), rel=1e-9)
        assert free.cost[k] < fixed.cost[k] and indices[0] > 0


def test_more_steps_than_the_teacher_has_are_refused():
    with pytest.raises(ValueError, match="6 steps along a teacher of 5"):
        run(search(gaussian, edm(5, 0.02, 20), column(20.0), 6))


def test_median_of_samples_names_as_many_levels_as_there_are_steps():
    grid = edm(20, 0.02, 20)
    indices = np.array([[0, 5, 6, 20], [0, 6, 7, 20], [0, 6, 6 + 2, 20], [0, 7, 9, 20]])
    assert one_for_all(indices, grid) == [0, 6, 7, 20]  # the lower median at every place
    twice = one_for_all(np.array([[0, 6, 6, 20]]), grid)
    assert len(twice) == 4 and twice[1] == 6 and abs(np.log(grid.sigmas[twice[2]] / 0.8)) < 3


# The optimizer

MODEL = bind(MODELS["gaussians"].load())
SMALL = {"teacher_steps": 40, "num": 32}


def karras(num_steps=6, **own):
    return SCHEDULES["karras"].make(num_steps, MODEL.spec, **own)


@pytest.mark.parametrize("kind", ["shared", "median", "both"])
@pytest.mark.parametrize("zero", [True, False])
def test_result_keeps_what_the_start_fixes_and_is_better(kind, zero):
    start = karras(final_zero=zero, sigma_max=40.0)
    best = run(optimal_stepsize(MODEL, start, "euler", kind=kind, **SMALL))
    assert best.num_steps == start.num_steps and best.final_zero == zero
    assert best.sigmas[0] == start.sigmas[0]
    assert zero or best.sigmas[-1] == start.sigmas[-1]
    assert best.origin.params["error"] < best.origin.params["start_error"]


def test_the_sampler_runs_exactly_what_was_optimised():
    best = run(optimal_stepsize(MODEL, karras(), "euler", **SMALL))
    noise = start_noise(MODEL.spec, SMALL["num"], 0)
    teacher = teacher_grid(MODEL, karras(), "karras", SMALL["teacher_steps"])
    end = run(sample(MODEL, teacher, "euler", noise)).samples
    ours = run(sample(MODEL, best, "euler", noise))
    assert ours.ran == pytest.approx(best.sigmas)
    assert rmse(ours.samples, end) == pytest.approx(best.origin.params["error"], rel=1e-4)
    assert best.origin.params["curve"][-1] == pytest.approx(best.origin.params["error"], rel=1e-4)


def test_record_says_how_it_was_found():
    counted = Counted(lambda x, s: MODEL.model.denoise(x, s, None), SMALL["num"])

    class Model:
        spec, denoise = MODEL.spec, staticmethod(lambda x, sigma, cond: counted(x, sigma))

    best = run(optimal_stepsize(bind_to(Model()), karras(), "dpmpp_2m", seed=7, **SMALL))
    origin = best.origin
    assert origin.method == "oss" and origin.parent == "karras" and "2503.21774" in origin.reference
    wanted = {"model": "gaussians", "solver": "dpmpp_2m", "seed": 7, "guidance": 1.0, "steps": 6}
    assert wanted.items() <= origin.params.items()
    assert origin.params["evaluations"] == counted.calls * SMALL["num"]
    assert origin.params["evaluations"] == evaluations(karras(), **SMALL)
    assert len(origin.params["curve"]) == 6


def test_both_is_the_better_of_the_two_and_says_what_each_is_worth():
    alone = [run(optimal_stepsize(MODEL, karras(), "euler", kind=k, **SMALL)) for k in KINDS]
    shared, median, both = alone
    errors = both.origin.params["errors"]
    assert errors["shared"] == shared.origin.params["error"]
    assert errors["median"] == median.origin.params["error"] != errors["shared"]
    assert both.origin.params["chosen"] == min(errors, key=errors.get)
    assert both == min(alone[:2], key=lambda found: found.origin.params["error"])
    assert both.origin.params["evaluations"] == evaluations(karras(), kind="both", **SMALL)
    assert median.origin.params["evaluations"] == evaluations(karras(), kind="median", **SMALL)


@pytest.mark.parametrize("kind", ["shared", "median"])
def test_one_run_has_the_schedules_of_every_number_of_steps(kind):
    long = run(optimal_stepsize(MODEL, karras(), "euler", kind=kind, **SMALL))
    assert for_steps(long, 6) is long
    for steps in range(2, 6):
        found, alone = for_steps(long, steps), karras(steps)
        alone = run(optimal_stepsize(MODEL, alone, "euler", kind=kind, **SMALL))
        assert found.sigmas == alone.sigmas and found.origin.params["steps"] == steps
        assert "error" not in found.origin.params  # that of six steps
    assert for_steps(long, 7) is for_steps(long, 0) is for_steps(karras(), 4) is None


def test_a_free_first_level_is_recorded_and_counted():
    free = run(optimal_stepsize(MODEL, karras(), "euler", free_first=True, **SMALL))
    fixed = run(optimal_stepsize(MODEL, karras(), "euler", **SMALL))
    assert free.sigmas[0] < 80 and free.num_steps == 6 and free.final_zero
    assert free.origin.params["error"] < fixed.origin.params["error"]
    estimate = evaluations(karras(), free_first=True, **SMALL)
    assert free.origin.params["evaluations"] == estimate > fixed.origin.params["evaluations"]


def bind_to(model):
    return type(MODEL)(model)


def test_a_start_that_is_better_is_kept():
    found = run(optimal_stepsize(MODEL, karras(4), "euler", **SMALL))
    grid = teacher_grid(MODEL, karras(4), "karras", SMALL["teacher_steps"])
    x = 80 * start_noise(MODEL.spec, SMALL["num"], 0)
    end = run(replay(MODEL, grid, x))
    first, second, *rest = found.sigmas  # off the teacher's levels there is something better
    moved = [Schedule((first, second * f, *rest)) for f in np.linspace(0.9, 1.1, 21)]
    better = min(moved, key=lambda schedule: rmse(run(replay(MODEL, schedule, x)), end))
    assert better != found
    again = run(optimal_stepsize(MODEL, better, "euler", **SMALL))
    assert again == better
    assert again.origin.params["error"] == again.origin.params["start_error"]
    assert again.origin.params["error"] < found.origin.params["error"]


@pytest.mark.parametrize("teacher", TEACHERS)
def test_any_grid_can_be_the_teachers(teacher):
    start = karras(5, final_zero=False)
    best = run(optimal_stepsize(MODEL, start, "euler", teacher=teacher, teacher_steps=20, num=8))
    assert (best.num_steps, best.sigmas[0], best.sigmas[-1]) == (
        5,
        start.sigmas[0],
        start.sigmas[-1],
    )


@pytest.mark.parametrize("num_steps", [1, 2])
def test_very_few_steps(num_steps):
    best = run(optimal_stepsize(MODEL, karras(num_steps), "euler", **SMALL))
    assert best.num_steps == num_steps and best.sigmas[0] == 80


def test_every_snapshot_is_a_schedule_that_could_be_used():
    start, curves = karras(), []
    job = optimal_stepsize(MODEL, start, "euler", **SMALL)
    for progress in job:
        snapshot = progress.snapshot
        assert isinstance(snapshot, Schedule) and progress.done <= progress.total
        assert (snapshot.num_steps, snapshot.final_zero) == (6, True)
        curves.append(len(snapshot.origin.params.get("curve", [])))
    assert curves == sorted(curves) and set(curves) == {0, 2, 3, 4, 5, 6}


def large_tensors():
    """Tensors of a batch at every level of the teacher."""
    found = (o for o in gc.get_objects() if issubclass(type(o), torch.Tensor))
    return sum(o.shape == (41, 1, 32 * 2) for o in found)


def test_closing_midway_frees_the_states_and_keeps_the_best_so_far():
    job = optimal_stepsize(MODEL, karras(), "euler", **SMALL)
    snapshot = [next(job).snapshot for _ in range(150)][-1]
    assert large_tensors() == 3  # the teacher's states, the kept ones, and D at them
    job.close()
    assert large_tensors() == 0
    again = run(optimal_stepsize(MODEL, snapshot, "euler", **SMALL))  # resume
    assert again.origin.params["error"] <= again.origin.params["start_error"]


def test_judging_seeds_are_refused():
    with pytest.raises(ValueError, match="9990 to 10021"):
        run(optimal_stepsize(MODEL, karras(), "euler", seed=9_990, **SMALL))

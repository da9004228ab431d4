"""Direct search: points and schedules, what it promises, and that it wins where proxies do not."""

import numpy as np
import pytest

from ays_core.compare import compare
from ays_core.denoiser import bind
from ays_core.job import run
from ays_core.models import MODELS
from ays_core.optimizers import optimal_stepsize
from ays_core.optimizers.direct import Gaps, direct, evaluations
from ays_core.optimizers.trial import prepare
from ays_core.sampling import start_noise
from ays_core.schedule import Schedule
from ays_core.schedules import SCHEDULES

MODEL = bind(MODELS["grid"].load())
SMALL = {"budget": 60, "num": 32}


def karras(num_steps=5, **own):
    return SCHEDULES["karras"].make(num_steps, MODEL.spec, **own)


ENDS = [(free, zero) for free in (False, True) for zero in (False, True)]


@pytest.mark.parametrize("free_first, final_zero", ENDS)
def test_a_schedule_and_its_point_are_the_same(free_first, final_zero):
    start = karras(final_zero=final_zero)
    space = Gaps.around(start, MODEL.spec, free_first)
    inner = (60.0,) if free_first else (80.0,)
    wanted = Schedule((*inner, 7.0, 2.0, 0.5, 0.05, 0.0 if final_zero else start.sigmas[-1]))
    point = space.point(wanted)
    assert space.schedule(point).sigmas == pytest.approx(wanted.sigmas)
    assert space.schedule(point + 3).sigmas == pytest.approx(wanted.sigmas)  # a common factor


@pytest.mark.parametrize("free_first, final_zero", ENDS)
def test_every_point_is_a_schedule_within_the_ends(free_first, final_zero):
    start = karras(final_zero=final_zero, sigma_max=40.0)
    space = Gaps.around(start, MODEL.spec, free_first)
    size = len(space.point(start))
    for point in np.random.default_rng(0).normal(0, 3, (200, size)):
        made = space.schedule(point)  # strictly descending, or it would raise
        assert (made.num_steps, made.final_zero) == (start.num_steps, final_zero)
        assert made.sigmas[0] <= 40.0 and made.positive[-1] >= MODEL.spec.sigma_min
        assert free_first or made.sigmas[0] == 40.0
        assert final_zero or made.sigmas[-1] == start.sigmas[-1]


@pytest.mark.parametrize("solver", ["euler", "dpmpp_2m", "euler_a"])
def test_never_worse_than_the_start_or_oss_by_its_own_measure(solver):
    trial = run(prepare(MODEL, solver, SMALL["num"], 0))
    best = run(direct(MODEL, karras(), solver, **SMALL))
    proxy = run(optimal_stepsize(MODEL, karras(), solver, num=SMALL["num"]))
    score = run(trial.score(best))
    assert score <= min(run(trial.score(karras())), run(trial.score(proxy)))
    curve = best.origin.params["curve"]
    assert curve == sorted(curve, reverse=True) and curve[-1] == pytest.approx(score)


def test_it_wins_where_a_first_order_proxy_does_not():
    start = karras(6)
    best = run(direct(MODEL, start, "dpmpp_2m", budget=250, num=64))
    rivals = [start, *(run(optimal_stepsize(MODEL, start, "dpmpp_2m")),)]
    rivals.append(SCHEDULES["log_snr"].make(6, MODEL.spec))
    noise = start_noise(MODEL.spec, 200, 20_000)  # not optimised on
    cells = run(compare(MODEL, [best, *rivals], "dpmpp_2m", noise, ["rmse"])).cells
    ours, *theirs = (cell.metrics["rmse"] for cell in cells)
    assert ours < 0.5 * min(theirs)


def test_every_snapshot_is_a_schedule_and_none_is_worse_than_the_one_before():
    snapshots = {}
    run(direct(MODEL, karras(), "heun", **SMALL), lambda p: snapshots.setdefault(p.snapshot, p))
    assert all(isinstance(s, Schedule) and s.num_steps == 5 for s in snapshots)
    trial = run(prepare(MODEL, "heun", SMALL["num"], 0))
    tried = [s for s, p in snapshots.items() if p.stage == "trying"]
    scores = [run(trial.score(schedule)) for schedule in tried]
    assert scores == sorted(scores, reverse=True) and len(scores) > 2


def test_it_goes_on_from_a_snapshot():
    job = direct(MODEL, karras(), "euler", **SMALL)
    snapshot = next(p.snapshot for p in job if p.stage == "trying" and p.done >= 30)
    job.close()
    trial = run(prepare(MODEL, "euler", SMALL["num"], 0))
    resumed = run(direct(MODEL, snapshot, "euler", **SMALL))
    assert run(trial.score(resumed)) <= run(trial.score(snapshot))


def test_the_record_counts_what_was_spent_and_the_seed_repeats_it():
    best = run(direct(MODEL, karras(), "heun", seed=5, **SMALL))
    assert best == run(direct(MODEL, karras(), "heun", seed=5, **SMALL))
    assert best != run(direct(MODEL, karras(), "heun", seed=6, **SMALL))
    params = best.origin.params
    assert best.origin.method == "direct" and params["seed"] == 5 and params["solver"] == "heun"
    assert params["evaluations"] == evaluations(karras(), "heun", denoise=MODEL, **SMALL)


@pytest.mark.parametrize("free_first", [False, True])
def test_one_step(free_first):
    best = run(direct(MODEL, karras(1), "euler", free_first=free_first, **SMALL))
    assert best.num_steps == 1 and best.final_zero and (free_first or best == karras(1))

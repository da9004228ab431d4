"""Range-tuned twins, the trials they are chosen by, and the verdict on a search."""

import dataclasses
from functools import cache
from itertools import product

import numpy as np
import pytest

from ays_core.compare import compare, reference_run
from ays_core.comparison import name_of
from ays_core.denoiser import bind
from ays_core.job import run
from ays_core.models import MODELS, Mixture
from ays_core.optimizers import OPTIMIZERS
from ays_core.optimizers.judge import judge
from ays_core.optimizers.record import record
from ays_core.optimizers.trial import prepare
from ays_core.optimizers.tuned_range import GRID, tried_ranges, tuned
from ays_core.sampling import start_noise
from ays_core.schedule import Origin, Schedule
from ays_core.schedules import SCHEDULES

MODEL = bind(MODELS["grid"].load())
KARRAS = SCHEDULES["karras"].make(6, MODEL.spec)


@cache
def noise_and_reference(seed, num=64):
    noise = start_noise(MODEL.spec, num, seed)
    return noise, run(reference_run(MODEL, noise))


def error(schedule, seed=0):
    noise, reference = noise_and_reference(seed)
    job = compare(MODEL, [schedule], "euler", noise, ["rmse"], reference=reference)
    return run(job).cells[0].metrics["rmse"]


@pytest.mark.parametrize("key", ["karras", "log_snr", "kl_optimal"])
def test_twin_is_the_same_formula_in_a_better_range(key):
    plain = SCHEDULES[key].make(6, MODEL.spec)
    twin = run(tuned(MODEL, key, 6, "euler"))
    params = twin.origin.params
    own = {k: params[k] for k in ("sigma_min", "sigma_max", "rho", "c") if k in params}
    assert twin == SCHEDULES[key].make(6, MODEL.spec, **own)
    assert params["score"] == pytest.approx(error(twin))
    assert params["score"] < error(plain)
    assert error(twin, seed=20_000) < error(plain, seed=20_000)


def test_twin_is_the_best_of_its_grid():
    twin = run(tuned(MODEL, "log_snr", 6, "euler"))  # no parameter of its own: 36 ranges and itself
    highs, lows = tried_ranges(MODEL.spec, final_zero=True)
    assert len(highs) == len(lows) == GRID
    assert (highs[0], lows[0]) == (MODEL.spec.sigma_max, MODEL.spec.sigma_min)
    scores = [
        error(SCHEDULES["log_snr"].make(6, MODEL.spec, sigma_max=high, sigma_min=low))
        for high in highs
        for low in lows
        if low < high
    ]
    assert twin.origin.params["score"] == pytest.approx(min(scores))


def calls(tries, nfe):
    """Those with one sigma_max share the first call; parameters are tried with that of the best."""
    return [tries * (nfe - 1) + GRID + again for again in (0, 1)]


@pytest.mark.parametrize("solver", ["euler", "dpmpp_2m_sde"])
def test_after_a_first_look_only_the_best_are_tried_on_all_noises(solver):
    """A quarter of the ranges that can be made, and of the values of rho; sets of samples are not
    judged by a part of them, so there all are."""
    twin = run(tuned(MODEL, "karras", 6, solver, num=32, look=8))
    spent = twin.origin.params["evaluations"]
    if solver == "euler":
        rows, firsts = 8 * (35 + GRID) + 32 * (1 + 9 + 2), spent - 32 * 399
        assert 8 * GRID < firsts - 5 * rows <= 8 * (GRID + 1) + 32 * (1 + GRID + 1)
    else:
        assert spent in [32 * each for each in calls(1 + 35 + GRID, 6)]
    plain = SCHEDULES["karras"].make(6, MODEL.spec)
    exam = run(prepare(MODEL, solver, 32, 0))
    assert run(exam.score(twin)) == pytest.approx(twin.origin.params["score"])
    assert run(exam.score(twin)) <= run(exam.score(plain))


def test_twin_says_how_it_was_found():
    twin = run(tuned(MODEL, "karras", 6, "heun", seed=3, num=16))
    assert twin.origin.method == "karras*" and twin.origin.parent == "karras"
    assert twin.origin.reference == SCHEDULES["karras"].reference
    assert name_of(twin) == "Karras with its range tuned"
    ranges = sum(low < high for high, low in product(*tried_ranges(MODEL.spec, final_zero=True)))
    assert ranges == GRID**2 - 1, "one that cannot be made costs nothing"
    spent = twin.origin.params["evaluations"]
    assert spent in [16 * (399 + each) for each in calls(1 + ranges + GRID, 11)]
    assert {"solver": "heun", "seed": 3, "num": 16}.items() <= twin.origin.params.items()


def test_a_reference_at_hand_is_used():
    _, reference = noise_and_reference(0)
    again = run(tuned(MODEL, "karras", 4, "euler", reference=reference))
    assert again == run(tuned(MODEL, "karras", 4, "euler"))
    tries = GRID**2 + GRID  # one was not made
    assert again.origin.params["evaluations"] in [64 * each for each in calls(tries, 4)]


def test_without_a_final_zero_the_end_stays():
    twin = run(tuned(MODEL, "karras", 5, "euler", final_zero=False, num=16))
    assert twin.sigmas[-1] == MODEL.spec.sigma_min and twin.num_steps == 5


def test_every_snapshot_is_a_schedule_and_no_worse_than_the_one_before():
    snapshots = {}
    run(tuned(MODEL, "karras", 4, "euler"), lambda p: snapshots.setdefault(p.snapshot))
    assert all(isinstance(s, Schedule) and s.num_steps == 4 for s in snapshots)
    errors = [error(schedule) for schedule in snapshots]
    assert len(errors) > 2 and errors == sorted(errors, reverse=True)
    assert next(iter(snapshots)) == SCHEDULES["karras"].make(4, MODEL.spec)


def test_stochastic_solvers_are_tried_as_sets_of_samples():
    trial = run(prepare(MODEL, "euler_a", 200, 0))
    assert trial.metric == "sliced_w2" and trial.evaluations == 0
    fine, coarse = (SCHEDULES["karras"].make(n, MODEL.spec) for n in (60, 6))
    assert run(trial.score(fine)) < run(trial.score(coarse))


def test_guidance_leaves_no_exact_samples_so_a_fine_run_is_the_target():
    guided = dataclasses.replace(MODEL, guidance=2.0)  # no condition: the same denoiser
    trial = run(prepare(guided, "euler_a", 200, 0))
    assert trial.metric == "sliced_w2" and trial.evaluations == 200 * 50
    fine, coarse = (SCHEDULES["karras"].make(n, MODEL.spec) for n in (60, 6))
    assert run(trial.score(fine)) < run(trial.score(coarse))


def test_what_a_solver_cannot_run_scores_worst():
    trial = run(prepare(MODEL, "unipc", 8, 0))
    assert run(trial.score(Schedule((10.0, 1.0, 0.9999, 0.1)))) == float("inf")


# The verdict


def test_a_win_is_said_with_the_baselines_beside_it():
    best = run(OPTIMIZERS["oss"].make(MODEL, KARRAS, "euler"))
    verdict = run(judge(MODEL, best, KARRAS, "euler", num=100))
    assert [c.schedule.origin.method for c in verdict.comparison.cells] == [
        *("oss", "karras", "log_snr", "karras*", "log_snr*")
    ]
    assert verdict.comparison.seed == 20_000 and "100 noises not used" in verdict.sentence
    assert verdict.won == (verdict.best == best)
    assert verdict.sentence.startswith("Optimal stepsize (OSS)") == verdict.won
    assert all(cell.run.trajectory == () for cell in verdict.comparison.cells)


def test_a_loss_is_said_too():
    first_order = run(OPTIMIZERS["oss"].make(MODEL, KARRAS, "heun"))
    verdict = run(judge(MODEL, first_order, KARRAS, "heun", num=100))  # it ruins Heun
    assert not verdict.won
    assert "Optimal stepsize (OSS), found by a search, loses here to" in verdict.sentence


def kept_by(key, levels):
    """What the optimizer `key` returns when it ends with `levels`."""
    made = record(key, MODEL, levels, levels, "euler", {}, evaluations=1, objective="", curve=[1.0])
    return Schedule(levels.sigmas, made)


EDITED = Schedule(KARRAS.with_steps(9).with_steps(6).sigmas, Origin("edited", parent="karras"))


@pytest.mark.parametrize("start, name", [(KARRAS, "Karras"), (EDITED, "Karras, edited")])
@pytest.mark.parametrize("key", OPTIMIZERS)
def test_a_kept_start_is_no_win_and_keeps_its_name(key, start, name):
    verdict = run(judge(MODEL, kept_by(key, start), start, "euler", num=20, twins=[]))
    assert not verdict.won and not verdict.to_json()["won"]
    assert verdict.headline.startswith("The search found nothing better than its start.")
    assert verdict.to_json()["headline"] == verdict.headline
    kept = f"{name} (the start, which the search kept)"
    assert verdict.names[verdict.result] == kept and kept in verdict.sentence
    assert OPTIMIZERS[key].label not in verdict.sentence + str(dict(verdict.names))
    assert "found by a search" not in verdict.sentence
    better = f" is better than {kept}, " in verdict.headline
    assert better == (verdict.best != verdict.result)


def test_an_optimizer_that_really_keeps_its_start_is_said_to():
    """On a Gaussian nothing beats the arctangent schedule for DDIM."""
    model = bind(Mixture("one", [1.0], np.zeros((1, 2)), 0.25 * np.eye(2)[None]))
    start = SCHEDULES["kl_optimal"].make(5, model.spec, final_zero=False, c=0.5)
    kept = run(OPTIMIZERS["ays"].make(model, start, "euler", levels=32, paths=32, num=64))
    assert "evaluations" in kept.origin.params
    verdict = run(judge(model, kept, start, "euler", num=50, twins=[]))
    assert not verdict.won and verdict.best == start
    assert verdict.headline == "The search found nothing better than its start."


def test_what_is_a_baseline_again_is_no_win():
    start = SCHEDULES["linear_t"].make(6, MODEL.spec)
    twin = run(tuned(MODEL, "karras", 6, "euler", num=16))
    for found, rival in ((KARRAS, "Karras"), (twin, "Karras with its range tuned")):
        for twins in ([twin], None):  # at hand, or tuned after the others have run
            job = judge(
                *(MODEL, kept_by("direct", found), start, "euler"),
                num=20, twins=twins, tune=lambda *_, **__: given(twin),
            )  # fmt: skip
            verdict = run(job)
            assert not verdict.won
            assert verdict.headline.startswith(f"The search found nothing better than {rival}.")
            assert verdict.names[found] == f"{rival} (which the search came to as well)"
            assert "found by a search" not in verdict.sentence
            assert len(verdict.comparison.cells) == len(set(verdict.names))


def given(schedule):
    yield from ()
    return schedule


def test_a_twin_that_is_the_plain_form_keeps_the_plain_name():
    best = run(OPTIMIZERS["oss"].make(MODEL, KARRAS, "euler", teacher_steps=20, num=8))
    job = judge(MODEL, best, KARRAS, "euler", num=20, tune=lambda *_, **__: given(KARRAS))
    assert set(run(job).names.values()) == {
        *("Optimal stepsize (OSS)", "the start (Karras)", "Uniform in log-SNR")
    }


def test_twins_at_hand_are_not_tuned_again():
    calls = []
    verdict = run(judge(MODEL, KARRAS, KARRAS, "euler", num=20, twins=[]), calls.append)
    assert len(calls) == 399 + 2 * 6 + 3  # the reference, two schedules, and the reports
    assert len(verdict.comparison.cells) == 2

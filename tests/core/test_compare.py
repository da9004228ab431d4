"""Comparisons on exact models: what is measured, what is refused, and what the finding says."""

import dataclasses

import pytest
import torch

from ays_core.compare import REFERENCE_STEPS, compare, reference_run
from ays_core.comparison import Cell, Comparison, optimised, three_digits
from ays_core.denoiser import bind
from ays_core.job import Progress, run
from ays_core.metrics import METRICS, rmse
from ays_core.models import MODELS
from ays_core.sampling import SampleRun, sample, start_noise
from ays_core.schedule import Origin, Schedule
from ays_core.schedules import SCHEDULES

NUM = 64
MODEL = bind(MODELS["gaussians"].load())
NOISE = start_noise(MODEL.spec, NUM, 10_000)
KARRAS, ARCTAN = (SCHEDULES[key].make(6, MODEL.spec) for key in ("karras", "kl_optimal"))


@pytest.fixture(scope="module")
def reference():
    return run(reference_run(MODEL, NOISE))


def test_reference_is_fine_enough(reference):
    assert reference.nfe == 399 and reference.solver == "heun"
    assert reference.schedule.sigmas[0] == MODEL.spec.sigma_max and reference.schedule.final_zero
    finer = SCHEDULES["karras"].make(2 * REFERENCE_STEPS["points"], MODEL.spec)
    twice = run(sample(MODEL, finer, "heun", NOISE))
    assert rmse(twice.samples, reference.samples) < 1e-3  # errors of six steps are 0.1 and more


def test_cells_are_what_the_schedules_give_alone(reference):
    result = run(compare(MODEL, [KARRAS, ARCTAN], "dpmpp_2m", NOISE, reference=reference))
    for cell in result.cells:
        alone = run(sample(MODEL, cell.schedule, "dpmpp_2m", NOISE))
        assert cell.run is not None and torch.equal(cell.run.samples, alone.samples)
        assert cell.run.ran == pytest.approx(cell.schedule.sigmas)
        assert cell.metrics["rmse"] == rmse(alone.samples, reference.samples)
    assert result.ranked[0].metrics["rmse"] == min(c.metrics["rmse"] for c in result.cells)


def test_distances_come_with_their_floor(reference):
    result = run(compare(MODEL, [KARRAS], "euler", NOISE, METRICS, reference=reference))
    distances = {key for key in METRICS if METRICS[key].needs == "samples"}
    assert distances < set(result.cells[0].metrics)
    assert set(result.floors) == {f"{key}_floor" for key in distances}
    assert all(result.cells[0].metrics[k] > result.floors[f"{k}_floor"] > 0 for k in distances)


def test_floors_at_hand_are_not_drawn_again(reference, monkeypatch):
    asked = (MODEL, [KARRAS], "euler", NOISE, METRICS)
    first = run(compare(*asked, reference=reference))
    monkeypatch.setattr(MODEL.model, "draws", None)  # calling it would fail
    again = run(compare(*asked, reference=reference, floors=first.floors | {"more": 1.0}))
    assert again.floors == first.floors and again.cells[0].metrics == first.cells[0].metrics
    few = {"sliced_w2_floor": 1.0}
    alone = run(compare(*asked[:4], ["sliced_w2"], reference=reference, floors=few))
    assert alone.floors == few
    with pytest.raises(TypeError):  # what is not at hand is
        run(compare(*asked, reference=reference, floors=few))


def test_points_have_no_psnr_and_pictures_do(reference):
    result = run(compare(MODEL, [KARRAS], "euler", NOISE, reference=reference))
    assert "psnr_median" not in result.cells[0].metrics
    assert result.cells[0].metrics["same_component"] <= 1


def test_stochastic_solvers_have_no_error_to_a_reference():
    result = run(compare(MODEL, [KARRAS, ARCTAN], "euler_a", NOISE))
    assert result.reference is None and "fresh noise" in result.reference_note
    for cell in result.cells:
        assert set(cell.metrics) == {"sliced_w2", "energy", "frechet"}
    assert "exact samples" in result.finding and "random exact samples" in result.finding


def test_a_failed_cell_says_why_and_the_others_go_on(reference):
    too_high = Schedule((100.0, 1.0, 0.0))
    result = run(compare(MODEL, [too_high, KARRAS], "euler", NOISE, reference=reference))
    failed, fine = result.cells
    assert failed.run is None and "100" in failed.error and "sigma_max" in failed.error
    assert fine.run is not None and not fine.error


def test_progress_counts_every_call_and_carries_what_is_done():
    calls = []

    def on_progress(progress: Progress):
        calls.append((progress.done, progress.total, len(progress.snapshot.cells)))

    run(compare(MODEL, [KARRAS, ARCTAN], "heun", NOISE, ["rmse"]), on_progress)
    total = 399 + 11 + 11
    assert [done for done, _, _ in calls] == [*range(1, total + 1), total]
    assert {of for _, of, _ in calls} == {total}
    assert calls[398][2] == 0 and calls[399 + 11][2] == 1 and calls[-1][2] == 2


def test_closing_midway_stops_the_calls():
    class Counting:
        spec, calls = MODEL.spec, 0

        def denoise(self, x, sigma, cond):
            self.calls += 1
            return MODEL(x, sigma)

    counting = Counting()
    job = compare(dataclasses.replace(MODEL, model=counting), [KARRAS], "euler", NOISE)
    snapshots = [next(job).snapshot for _ in range(5)]
    job.close()
    assert counting.calls == 5 and isinstance(snapshots[-1], Comparison)


@pytest.mark.parametrize("solver, metrics", [("nope", None), ("euler", ["nope"])])
def test_unknown_names_are_refused(solver, metrics):
    with pytest.raises(ValueError, match=r"nope.*known"):
        run(compare(MODEL, [KARRAS], solver, NOISE, metrics))


# The finding


def comparison(*rows):
    """Rows (label, errors per noise, origin params) as a comparison around a reference of 0."""
    zero = torch.zeros(len(rows[0][1]), 1)
    cells = []
    for i, (label, errors, params) in enumerate(rows):
        schedule = Schedule((10.0 + i, 1.0, 0.0), Origin(label, params))
        x = torch.tensor(errors).view(-1, 1)
        ran = SampleRun(schedule, "euler", x, (), schedule.sigmas, (10.0 + i, 1.0), 0.0)
        cells.append(Cell(schedule, ran, {"rmse": rmse(x, zero)}))
    base = SampleRun(KARRAS, "heun", zero, (), KARRAS.sigmas, (1.0,) * 79, 0.0)
    return Comparison("toy", "euler", base, "", {}, tuple(cells))


def test_finding_names_the_best_with_three_digits():
    text = comparison(("linear_t", [0.3] * 9, {}), ("karras", [0.1] * 9, {})).finding
    assert text == (
        "Karras comes closest to the reference run: error 0.100, against 0.300 for Uniform in "
        "time (Euler (DDIM), 2 calls, 9 noises not used to optimise)."
    )


def test_finding_admits_that_a_search_lost_to_a_range_tuned_closed_form():
    found, tuned = {"evaluations": 600}, {"evaluations": 36}
    text = comparison(
        ("karras", [0.3] * 9, {}), ("oss", [0.2] * 9, found), ("karras*", [0.1] * 9, tuned)
    ).finding
    assert "Karras with its range tuned comes closest" in text
    assert text.endswith("oss, found by a search, loses here to Karras with its range tuned.")


def test_finding_admits_chance():
    noisy = comparison(("karras", [0.1, 0.3] * 4, {}), ("linear_t", [0.3, 0.11] * 4, {}))
    assert "Its lead over Uniform in time may be chance." in noisy.finding
    clear = comparison(("karras", [0.1, 0.3] * 4, {}), ("linear_t", [0.2, 0.4] * 4, {}))
    assert "chance" not in clear.finding


def test_finding_admits_that_the_ordinary_picture_is_another_ones():
    result = comparison(("karras", [0.2] * 8, {}), ("linear_t", [0.01] * 7 + [0.9], {}))
    rated = [
        dataclasses.replace(cell, metrics={**cell.metrics, "psnr_median": psnr})
        for cell, psnr in zip(result.cells, (20.0, 46.02), strict=True)
    ]
    text = dataclasses.replace(result, cells=tuple(rated)).finding
    assert text.startswith("Karras comes closest")
    assert text.endswith(
        "The ordinary picture is closest with Uniform in time: median PSNR 46.0 dB, not 20.0 dB."
    )


def test_a_range_tuned_twin_does_not_count_as_optimised():
    origins = Origin("oss", {"evaluations": 600}), Origin("karras*", {"evaluations": 36})
    found = [Schedule((10.0, 1.0, 0.0), origin) for origin in origins]
    assert [optimised(schedule) for schedule in found] == [True, False]
    assert not optimised(KARRAS)


def test_finding_uses_the_callers_names_and_needs_two_runs():
    result = comparison(("karras", [0.1] * 4, {}), ("linear_t", [0.3] * 4, {}))
    assert result.finding_with({result.cells[0].schedule: "Yours"}).startswith("Yours comes")
    assert comparison(("karras", [0.1] * 4, {})).finding == ""


@pytest.mark.parametrize(
    "value, text",
    [(0.1, "0.100"), (0.13249, "0.132"), (12.34, "12.3"), (341.2, "341"), (0.0, "0.00")],
)
def test_three_digits(value, text):
    assert three_digits(value) == text


@pytest.mark.parametrize("key", ["gaussians", "grid", "scenes"])
def test_a_perfect_sampler_scores_about_the_floor(key):
    """Independent exact samples are what a run without any error gives; sets in which every
    component is as frequent as it should be are several times closer to one another."""
    model = bind(MODELS[key].load())
    num = 1024 if key != "scenes" else 64
    noise = start_noise(model.spec, num, 10_000)
    fine = SCHEDULES["karras"].make(40, model.spec)
    result = run(compare(model, [fine], "dpmpp_2m", noise, ["sliced_w2"]))
    ratio = result.cells[0].metrics["sliced_w2"] / result.floors["sliced_w2_floor"]
    assert 0.5 < ratio < 2


def test_a_lead_that_chance_would_give_is_not_called_clear():
    """Two fine schedules of a stochastic solver: neither is better, whatever the noises."""
    fine = [SCHEDULES[key].make(40, MODEL.spec) for key in ("karras", "log_snr")]
    for seed in range(10_000, 10_000 + 6 * 256, 256):
        noise = start_noise(MODEL.spec, 256, seed)
        result = run(compare(MODEL, fine, "dpmpp_2m_sde", noise, ["sliced_w2"], seed=seed))
        best, other = result.ranked
        assert not result.clear(best, other)

"""What the lessons of the Learn tab claim, computed: on the noises that the page shows, and on
noises that judge. Each test begins where its lesson begins, and does what the lesson says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import pytest
import torch

from ays_core.compare import compare, reference_run
from ays_core.editing import with_final_zero
from ays_core.job import run
from ays_core.sampling import SampleRun, start_noise
from ays_core.schedule import Schedule
from components.choices import chosen_schedule
from components.lessons import CONVERGED, LESSONS, STOPPED, oss_schedule
from components.rows_panel import MAX_ROWS
from components.state import SHOWN_SEED, Studio, with_steps

JUDGING = 20_000
NOISES = {"pictures": 64, "points": 1000}


@pytest.fixture(params=[SHOWN_SEED, pytest.param(JUDGING, marks=pytest.mark.slow)])
def seed(request) -> int:
    return request.param


def runs(studio: Studio, schedules: Sequence[Schedule], seed: int) -> list[SampleRun]:
    """The samples of every schedule with the Studio's solver, from the same noise."""
    _, cells = compared(studio, schedules, seed)
    return [cell.run for cell in cells]


def errors(studio: Studio, schedules: Sequence[Schedule], seed: int) -> list[float]:
    _, cells = compared(studio, schedules, seed)
    return [cell.metrics["rmse"] for cell in cells]


def compared(studio: Studio, schedules: Sequence[Schedule], seed: int):
    denoise, num = studio.bound(), number(studio, seed)
    noise, reference = noise_and_reference(studio.model, num, seed)
    job = compare(
        denoise, schedules, studio.solver, noise, ["rmse"], seed=seed, reference=reference
    )
    return reference, run(job).cells


def number(studio: Studio, seed: int) -> int:
    return studio.num if seed == SHOWN_SEED else NOISES[studio.spec.kind]


@cache
def noise_and_reference(model: str, num: int, seed: int):
    denoise = Studio(yours=Schedule((1.0, 0.0)), model=model).bound()
    noise = start_noise(denoise.spec, num, seed)
    return noise, run(reference_run(denoise, noise))


def compared_with(studio: Studio) -> list[Schedule]:
    """Yours, then the others, in the order of the rows."""
    return [studio.yours, *(chosen_schedule(studio, c.key) for c in studio.choices)]


def changed_pictures(studio: Studio, one: SampleRun, other: SampleRun) -> float:
    """Share of samples that ended in another component of the mixture."""
    component = studio.bound().model.component
    return float((component(one.samples) != component(other.samples)).double().mean())


def moved(schedule: Schedule, i: int, factor: float) -> Schedule | None:
    """With level i multiplied, if it stays between its neighbours."""
    sigmas = list(schedule.sigmas)
    sigmas[i] *= factor
    fits = sigmas[i - 1] > sigmas[i] > sigmas[i + 1]
    return Schedule(tuple(sigmas)) if fits else None


@pytest.mark.parametrize("lesson", LESSONS.values(), ids=LESSONS)
def test_a_lesson_begins_in_a_state_that_runs(lesson):
    studio = lesson.prepare()
    assert studio == lesson.prepare() and hash(studio) == hash(lesson.prepare())
    assert len(studio.choices) < MAX_ROWS
    for schedule in compared_with(studio):
        studio.spec.check(schedule)
    assert lesson.links and 4 <= len(lesson.pages) <= 6
    assert all(text and len(text) < 600 for _, text in lesson.pages)


def test_what_is_a_schedule(seed):
    """'The last row is more than twice as far from the reference as the first one below yours.'"""
    studio = LESSONS["schedule"].prepare()
    schedules = compared_with(studio)
    assert len({s.num_steps for s in schedules}) == 1
    _, first, last = errors(studio, schedules, seed)
    assert last > 2 * first


def test_why_a_logarithmic_axis(seed):
    """'All steps but the last at noise far greater than the ring'; 'much closer'."""
    studio = LESSONS["log"].prepare()
    even, factors = schedules = compared_with(studio)
    assert all(sigma > 10 * studio.spec.sigma_data for sigma in even.sigmas[:-2])
    of_even, of_factors = errors(studio, schedules, seed)
    assert of_factors < of_even / 2
    inside = [sigma for sigma in factors.positive if sigma < studio.spec.sigma_data]
    assert len(inside) >= factors.num_steps / 2


def test_the_forgotten_final_zero(seed):
    """'Gone at once, for a single call more. What was under it stays'; 'just as much noise as that
    level says'."""
    studio = LESSONS["final-zero"].prepare()
    whole = with_final_zero(studio.yours, "append")
    cut_run, whole_run = runs(studio, [studio.yours, whole], seed)
    assert whole_run.nfe == cut_run.nfe + 1
    last = studio.yours.sigmas[-1]
    grain = float((cut_run.samples - whole_run.samples).double().square().mean().sqrt())
    assert grain == pytest.approx(last, rel=0.1)
    cut_error, whole_error = errors(studio, [studio.yours, whole], seed)
    assert whole_error < cut_error
    under = studio.bound()(cut_run.samples, last)
    assert torch.allclose(whole_run.samples, under, atol=1e-4)


def test_what_decides_the_picture(seed):
    """'Moving the second point puts other things into some of the pictures, and brings more of them
    back; moving a later point changes what is in hardly any.'"""
    studio = LESSONS["composition"].prepare()
    levels = studio.yours.num_steps
    later = [moved(studio.yours, i, f) for i in range(2, levels) for f in (0.5, 2.0)]
    later = [schedule for schedule in later if schedule is not None]
    second = moved(studio.yours, 1, 3.0)
    assert second is not None and len(later) >= 5
    before, after, *others = runs(studio, [studio.yours, second, *later], seed)
    assert changed_pictures(studio, before, after) > 0.1
    assert max(changed_pictures(studio, before, other) for other in others) < 0.05
    reference, _ = compared(studio, [studio.yours], seed)
    assert changed_pictures(studio, after, reference) < changed_pictures(studio, before, reference)


def test_one_name_two_tables(seed):
    """'Share their first level and the 0, and no level in between'; 'no better than Karras'."""
    studio = LESSONS["two-tables"].prepare()
    comfy, a1111, karras = schedules = compared_with(studio)
    assert comfy.num_steps == a1111.num_steps == 10
    assert set(comfy.sigmas) & set(a1111.sigmas) == {comfy.sigmas[0], 0.0}
    of_comfy, of_a1111, of_karras = errors(studio, schedules, seed)
    assert of_a1111 > 1.5 * of_comfy
    assert of_comfy < 0.75 * of_karras and of_a1111 > 0.9 * of_karras
    assert karras.num_steps == 10


@pytest.mark.parametrize("solver", ["euler", "dpmpp_2m"])
def test_why_stop_early(seed, solver):
    """'Stopped early beats both. Lowered to the end it is worse than Karras' levels.'"""
    studio = replace(LESSONS["stop-early"].prepare(), solver=solver)
    assert [c.key for c in studio.choices] == [STOPPED, CONVERGED]
    karras, stopped, converged = errors(studio, compared_with(studio), seed)
    assert stopped < karras < converged


def test_a_converged_klub_leaps_over_the_high_levels():
    """'It leaps over the high levels and gathers at noise too low to be seen.'"""
    studio = LESSONS["stop-early"].prepare()
    karras, _, converged = compared_with(studio)
    assert converged.sigmas[1] < karras.sigmas[1] / 10
    width = 0.03  # of a cluster of this model
    low = [sum(sigma < width for sigma in s.positive) for s in (karras, converged)]
    assert low[1] > low[0]


def test_the_best_for_one_solver(seed):
    """'Far ahead'; with Heun 'from the first place to the last'."""
    studio = LESSONS["other-solver"].prepare()
    schedules = compared_with(studio)
    assert schedules[1] == oss_schedule() and oss_schedule().origin.params["solver"] == "euler"
    karras, found, even = errors(studio, schedules, seed)
    assert found < min(karras, even) / 2
    karras, found, even = errors(replace(studio, solver="heun"), schedules, seed)
    assert found > max(karras, even)


def test_when_it_stops_paying(seed):
    """'Far ahead' at six; at 20 'a small part of what it was'; every row better than any at six."""
    studio = LESSONS["enough"].prepare()
    leads, rows = [], []
    for steps in (6, 20):
        mine, *others = errors(studio, compared_with(with_steps(studio, steps)), seed)
        leads.append(min(others) - mine)
        rows.append([mine, *others])
    assert leads[0] > 0.25 * min(rows[0][1:])
    assert leads[1] < leads[0] / 3
    assert max(rows[1]) < min(rows[0])

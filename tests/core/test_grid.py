"""A grid: its plan, what runs in its cells, and what is taken away from it."""

import csv
import io
import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from ays_core.__main__ import main
from ays_core.catalogue import UnknownKey
from ays_core.denoiser import bind
from ays_core.grid import (
    AXES,
    Grid,
    Named,
    contact_sheet,
    film,
    measure_grid,
    numbers_csv,
    run_grid,
)
from ays_core.grid.sheet import caption_of, mosaic
from ays_core.grid.work import Kept
from ays_core.job import run
from ays_core.models import load_model
from ays_core.sampling import sample, start_noise
from ays_core.schedule import Schedule
from ays_core.schedules import SCHEDULES
from ays_core.solvers import SOLVERS

OWN = Schedule((20.0, 3.0, 0.7, 0.1, 0.0))
SCHEDULES_ASKED = (Named("Karras", "karras"), Named("mine", schedule=OWN))


@pytest.fixture(scope="module")
def spiral():
    return bind(load_model("spiral"))


def plan(**changes):
    base = Grid("spiral", SCHEDULES_ASKED, ("euler",), (4,), (10_000, 10_050), count=50)
    return replace(base, **changes)


def found(key="karras*", steps=4):
    """Levels of four steps to 0 that claim to be a search's."""
    return {"key": key, "solver": "euler", "steps": steps, "levels": {"sigmas": OWN.sigmas}}


class Counted:
    """A bound model that knows how often it was called."""

    def __init__(self, bound):
        self.bound, self.calls = bound, 0

    def __getattr__(self, name):
        return getattr(self.bound, name)

    def __call__(self, x, sigma):
        self.calls += 1
        return self.bound(x, sigma)

    def at_levels(self, x, sigmas):
        self.calls += len(sigmas)
        return self.bound.at_levels(x, sigmas)


# --- the plan ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"rows": "colour"}, "'colour'; it must be one of schedule, solver, steps, seed"),
        ({"rows": "seed"}, "both 'seed'"),
        ({"solvers": ("euler", "heun")}, "2 values for solver; there must be one"),
        ({"seeds": tuple(range(7))}, "7 values for seed; there must be one to 6"),
        ({"seeds": ()}, "0 values for seed"),
        ({"seeds": (1, 1)}, "seed: a value appears twice"),
        ({"seeds": (-1,)}, "seed: -1"),
        ({"steps": (0,)}, "steps: 0"),
        ({"count": 0}, "samples in a cell: 0"),
        ({"count": 10**6}, "samples in a cell: 1000000"),
        ({"guidance": float("nan")}, "guidance is nan"),
        ({"schedules": (Named("a", "karras"), Named("a", "cosine"))}, "two have the same name"),
    ],
)
def test_a_plan_that_makes_no_grid_is_refused_in_words(changes, says):
    with pytest.raises(ValueError, match=says.replace("(", r"\(")):
        plan(**changes)


def test_unknown_solvers_and_schedules_are_refused_with_the_choices():
    with pytest.raises(UnknownKey, match="euler"):
        plan(solvers=("eular",))
    with pytest.raises(UnknownKey, match="karras"):
        Named("x", "caras*")
    with pytest.raises(ValueError, match="levels of its own"):
        Named("x")


@pytest.mark.parametrize("rows", AXES)
@pytest.mark.parametrize("columns", AXES)
def test_every_pair_of_axes_visits_every_cell_once_and_one_of_each_first(rows, columns):
    if rows == columns:
        return
    many = {
        "schedule": (*SCHEDULES_ASKED, Named("c", "cosine")),
        "solver": ("euler", "heun", "dpmpp_2m"),
        "steps": (3, 4, 5, 6),
        "seed": (0, 1),
    }
    chosen = {axis: v if axis in (rows, columns) else v[:1] for axis, v in many.items()}
    grid = plan(
        schedules=chosen["schedule"],
        solvers=chosen["solver"],
        steps=chosen["steps"],
        seeds=chosen["seed"],
        rows=rows,
        columns=columns,
    )
    spots = list(grid.spots())
    shape = len(grid.values(rows)), len(grid.values(columns))
    assert sorted((s.row, s.column) for s in spots) == list(np.ndindex(shape))
    first = spots[: max(shape)]
    assert {s.row for s in first} == set(range(shape[0]))
    assert {s.column for s in first} == set(range(shape[1]))


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("final_zero", [True, False])
def test_the_most_steps_that_fit_a_number_of_calls(solver, final_zero):
    entry = SOLVERS[solver]
    for calls in (1, 2, 7, 10, 20):
        steps = entry.steps_within(calls, final_zero)
        assert entry.nfe(steps, final_zero) <= calls or steps == 1
        assert entry.nfe(steps + 1, final_zero) > calls


def test_the_same_number_of_calls_gives_heun_half_the_steps():
    grid = plan(solvers=("euler", "heun"), seeds=(0,), columns="solver", steps=(9,), same_nfe=True)
    assert [grid.spot(0, j).steps for j in (0, 1)] == [9, 5]
    assert replace(grid, same_nfe=False).spot(0, 1).steps == 9


def test_a_plan_survives_json_whole():
    tuned = SCHEDULES["cosine"].make(4, load_model("spiral").spec, final_zero=False)
    grid = plan(conditions=("a", "b"), guidance=2.5, same_nfe=True, final_zero=False)
    grid = grid.with_found("cosine*", "euler", 4, tuned)
    again = Grid.from_json(grid.to_json())
    assert again == grid and again.to_json() == grid.to_json()
    assert again.found[0][3].sigmas == tuned.sigmas


@pytest.mark.parametrize(
    "broken",
    [
        "",
        "[]",
        "{}",
        "[" * 100_000,
        '{"ays_studio_grid": 2}',
        {"model": 3},
        {"seeds": "12"},
        {"seeds": [1.5]},
        {"seeds": [True]},
        {"count": True},
        {"guidance": "2"},
        {"guidance": None},
        {"schedules": [1]},
        {"schedules": [{"name": "x", "levels": {"sigmas": [1, 2]}}]},
        {"schedules": [{"name": "x", "key": "nonsense"}]},
        {"found": [{"key": "karras*"}]},
        {"rows": "columns"},
        {"final_zero": False, "found": [found(steps=4)]},
        {"found": [found(steps=5)]},
        {"found": [found(key="karras")]},
        {"found": [found(key="nonsense*")]},
    ],
)
def test_a_file_that_is_no_plan_is_refused_in_words(broken):
    if isinstance(broken, dict):
        broken = json.dumps(json.loads(plan().to_json()) | broken)
    with pytest.raises(ValueError, match=r"\w+ \w+") as refused:
        Grid.from_json(broken)
    assert len(str(refused.value)) < 600


def test_levels_that_a_plan_found_are_those_it_asks_for():
    content = json.loads(plan().to_json())
    assert Grid.from_json(json.dumps(content | {"found": [found()]})).found[0][3] == OWN
    with pytest.raises(ValueError, match="with 5 steps to 0: levels of 4 steps to 0"):
        Grid.from_json(json.dumps(content | {"found": [found(steps=5)]}))


# --- the cells -----------------------------------------------------------------------------------


def test_a_cell_is_the_run_that_one_would_make_alone(spiral):
    result = run(run_grid(spiral, plan()))
    assert set(result.cells) == {(0, 0), (0, 1), (1, 0), (1, 1)}
    for (i, j), cell in result.cells.items():
        seed = plan().seeds[j]
        karras = SCHEDULES["karras"].make(4, spiral.spec, final_zero=True)
        schedule = (karras, OWN)[i]
        alone = run(sample(spiral, schedule, "euler", start_noise(spiral.spec, 50, seed)))
        assert torch.equal(cell.run.samples, alone.samples)
        assert cell.run.ran == schedule.sigmas
        error = (cell.run.samples - result.references[seed].samples).double().square().mean() ** 0.5
        assert cell.metrics["rmse"] == pytest.approx(float(error))
        assert cell.floors["sliced_w2_floor"] > 0


def test_nothing_is_run_twice(spiral):
    kept, counted = Kept(), Counted(spiral)
    run(run_grid(counted, plan(), kept))
    first = counted.calls
    assert first == 2 * 399 + 4 * 4
    again = run(run_grid(counted, plan(rows="seed", columns="schedule"), kept))
    assert counted.calls == first and len(again.cells) == 4
    run(run_grid(counted, plan(schedules=(*SCHEDULES_ASKED, Named("c", "cosine"))), kept))
    assert counted.calls == first + 2 * 4


def test_stopping_keeps_what_is_done(spiral):
    job = run_grid(spiral, plan())
    result = next(p.snapshot for p in job if p.stage == "cells" and len(p.snapshot.cells) == 2)
    job.close()
    assert all(cell.run is not None for cell in result.cells.values())
    assert contact_sheet(spiral.model, result)


def test_a_cell_that_cannot_run_says_why_and_the_others_go_on(spiral):
    close = Named("close", schedule=Schedule((20.0, 1.0, 1.0 - 1e-13, 0.1, 0.0)))
    result = run(run_grid(spiral, plan(schedules=(close, SCHEDULES_ASKED[0]))))
    assert "move them apart" in result.cells[0, 0].error and result.cells[0, 0].run is None
    assert result.cells[1, 0].run is not None


def test_progress_counts_evaluations_and_never_falls_back(spiral):
    steps = [(p.done, p.total) for p in run_grid(spiral, plan())]
    done = [d for d, _ in steps]
    assert done == sorted(done) and done[-1] == steps[-1][1] == 50 * (2 * 399 + 4 * 4)


def test_a_search_is_counted_as_work_and_only_where_it_is_made(spiral):
    grid = plan(schedules=(Named("twin", "karras*"),), seeds=(0, 50))
    kept, counted = Kept(), Counted(spiral)
    steps = [(p.stage, p.done, p.total) for p in run_grid(counted, grid, kept)]
    done = [d for _, d, _ in steps]
    assert done == sorted(done) and done[-1] == steps[-1][2]
    searched = [d for stage, d, _ in steps if stage == "tuning"]
    assert len(set(searched)) > 40, "while it searches, it moves on"
    cells = 50 * 2 * (399 + 4)
    # the search: its reference run and all that it tries, on 64 noises; what cannot be made is not
    tried = (counted.calls - 3 * 399 - 2 * 4) * 64
    assert cells + 64 * 399 + tried <= done[-1] <= cells + 64 * 399 + 1.1 * tried
    assert [p.total for p in run_grid(spiral, grid, kept)][-1] == cells


def test_a_range_tuned_twin_is_searched_once_and_travels_with_the_plan(spiral):
    grid = plan(schedules=(Named("twin", "karras*"), Named("Karras", "karras")), seeds=(0,))
    result = run(run_grid(spiral, grid))
    cells = result.cells
    assert cells[0, 0].metrics["rmse"] < cells[1, 0].metrics["rmse"]
    counted = Counted(spiral)
    again = run(run_grid(counted, Grid.from_json(result.grid.to_json())))
    assert counted.calls == 399 + 2 * 4
    assert torch.equal(again.cells[0, 0].run.samples, cells[0, 0].run.samples)


def test_the_numbers_are_those_of_noises_that_no_search_has_seen(spiral):
    result = run(run_grid(spiral, plan()))
    lines = run(measure_grid(spiral, result, 64))
    assert [line.named.name for line in lines] == ["Karras", "mine"]  # once, whatever the seeds
    noise = start_noise(spiral.spec, 64, 20_000)
    alone = run(sample(spiral, OWN, "euler", noise))
    fine = SCHEDULES["karras"].make(200, spiral.spec, final_zero=True)
    reference = run(sample(spiral, fine, "heun", noise))
    error = (alone.samples - reference.samples).double().square().mean() ** 0.5
    assert lines[1].metrics["rmse"] == pytest.approx(float(error))
    rows = list(csv.DictReader(io.StringIO(numbers_csv(lines))))
    assert rows[1]["schedule"] == "mine" and float(rows[1]["rmse"]) == lines[1].metrics["rmse"]
    assert float(rows[0]["sliced_w2_floor"]) > 0 and rows[0]["noises"] == "64"


def test_a_film_keeps_every_x_and_every_estimate(spiral):
    noise = start_noise(spiral.spec, 8, 10_000)
    filmed = run(film(spiral, OWN, "euler", noise, 10_000))
    assert [sigma for sigma, _ in filmed.x] == [20.0, 3.0, 0.7, 0.1]
    assert torch.equal(filmed.x[0][1], noise * 20)
    for (sigma, x), (_, x0) in zip(filmed.x, filmed.run.trajectory, strict=True):
        assert torch.equal(spiral(x, sigma), x0)


# --- taken away ----------------------------------------------------------------------------------


def test_the_sheet_carries_its_plan_and_is_made_again_to_the_byte(spiral):
    result = run(run_grid(spiral, plan()))
    sheet = contact_sheet(spiral.model, result)
    inside = Image.open(io.BytesIO(sheet)).text["ays_studio_grid"]
    again = run(run_grid(spiral, Grid.from_json(inside)))
    assert contact_sheet(spiral.model, again) == sheet


@pytest.mark.parametrize("model", ["scenes", "grid"])
@pytest.mark.parametrize(("rows", "columns"), [("schedule", "seed"), ("seed", "steps")])
def test_the_sheet_shows_the_samples_themselves(model, rows, columns):
    bound = bind(load_model(model))
    single = {"seeds": (10_000, 10_001), "count": 1}
    if columns == "steps":
        single |= {"steps": (2, 3), "schedules": SCHEDULES_ASKED[:1]}
    grid = plan(model=model, rows=rows, columns=columns, **single)
    result = run(run_grid(bound, grid))
    sheet = np.asarray(Image.open(io.BytesIO(contact_sheet(bound.model, result))))
    if model == "grid":
        points = (sheet == (9, 105, 218)).all(axis=-1).sum()
        assert points >= 4 * (len(result.cells) + len(result.references)) - 4  # 2 x 2 pixels each
    else:
        picture = bound.model.decode(result.cells[0, 0].run.samples)[0]
        enlarged = picture.repeat(5, axis=0).repeat(5, axis=1)
        windows = np.lib.stride_tricks.sliding_window_view(sheet, enlarged.shape)[:, :, 0]
        corners = (windows[:, :, 0, 0] == enlarged[0, 0]).all(-1)
        assert any((windows[i, j] == enlarged).all() for i, j in np.argwhere(corners))


def test_a_mosaic_keeps_every_picture():
    pictures = np.arange(5 * 2 * 3 * 3, dtype=np.uint8).reshape(5, 2, 3, 3)
    canvas = mosaic(pictures)
    assert canvas.shape == (4, 9, 3)
    assert (canvas[:2, 3:6] == pictures[1]).all() and (canvas[2:, 3:6] == pictures[4]).all()
    assert (canvas[2:, 6:] == 255).all()


def test_the_command_line_replays_a_plan_to_the_same_bytes(tmp_path, capsys, spiral):
    result = run(run_grid(spiral, plan()))
    file = tmp_path / "plan.json"
    file.write_text(result.grid.to_json())
    for folder in ("a", "b"):
        assert main(["compare", str(file), "--out", str(tmp_path / folder)]) == 0
    printed = capsys.readouterr().out
    assert "Karras" in printed and "mine" in printed
    sheets = [(tmp_path / folder / "sheet.png").read_bytes() for folder in ("a", "b")]
    assert sheets[0] == sheets[1] == contact_sheet(spiral.model, result)
    assert (tmp_path / "a" / "plan.json").read_text() == result.grid.to_json()


def test_the_command_line_refuses_a_plan_for_an_unknown_model(tmp_path, capsys):
    file = tmp_path / "plan.json"
    file.write_text(plan(model="nothing").to_json())
    assert main(["compare", str(file)]) == 2
    assert "unknown model 'nothing'" in capsys.readouterr().err


def test_progress_says_what_is_done_and_never_goes_back(spiral):
    stages, counts = [], []
    job = run_grid(spiral, plan())
    run(job, lambda p: (stages.append(p.stage), counts.append(p.done)))
    assert set(stages) == {"reference", "cells"}
    assert counts == sorted(counts) and counts[-1] == max(counts)


def test_a_sheet_tells_all_levels_that_ran_whatever_the_name(spiral, monkeypatch):
    many = Named("Ångström 曲", schedule=SCHEDULES["karras"].make(60, spiral.spec))
    drawn = []
    text = ImageDraw.ImageDraw.text
    monkeypatch.setattr(
        ImageDraw.ImageDraw,
        "text",
        lambda self, place, words, *rest: (drawn.append(words), text(self, place, words, *rest)),
    )
    result = run(run_grid(spiral, plan(schedules=(many,), steps=(60,), seeds=(0,), count=2)))
    assert contact_sheet(spiral.model, result)
    told = " ".join(drawn)
    assert spiral.spec.label in told and "seed 0" in told
    ran = [f"{sigma:.4g}" for sigma in result.cells[0, 0].run.ran]
    assert f"{SOLVERS['euler'].label}: {', '.join(ran)}" in told
    assert "Angstrom U+66F2" in told and "a letter that this picture's font lacks" in told
    assert "?" not in told and all(words.isascii() for words in drawn)


def test_a_cell_s_caption_has_units_and_three_digits():
    bound = bind(load_model("scenes"))
    cell = run(run_grid(bound, plan(model="scenes", seeds=(10_000,), count=1))).cells[0, 0]
    calls, error, psnr = caption_of(cell)
    assert calls == "4 calls" and psnr.startswith("PSNR ") and psnr.endswith(" dB")
    digits = "".join(filter(str.isdigit, error)).lstrip("0")
    assert len(digits) == 3, error

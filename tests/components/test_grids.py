"""The Compare tab without a page: plans from controls, and what is shown of results."""

import base64
import io
import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from ays_core.compare import reference_run
from ays_core.grid import Grid
from ays_core.job import run
from ays_core.sampling import sample, start_noise
from components import grids
from components.state import ACCENT, YOURS, first_studio, with_choices, with_model, with_yours


@pytest.fixture(scope="module")
def spiral():
    return with_model(first_studio(), "spiral")


def asked(**changes):
    base = grids.Asked([YOURS, "cosine"], ["euler"], ["6"], 2, 50, "schedule", "seed", False)
    return replace(base, **changes)


@pytest.fixture(scope="module")
def result(spiral):
    return run(grids.grid_job(grids.plan(spiral, asked())))


def test_a_plan_is_what_the_studio_and_the_controls_say():
    studio = replace(first_studio(), condition="cat", guidance=2.0, seed=12_345)
    grid = grids.plan(studio, asked(count=3, seeds=4))
    assert (grid.model, grid.conditions, grid.guidance) == ("scenes", ("cat",), 2.0)
    assert grid.seeds == (12_345, 12_348, 12_351, 12_354)  # no sample twice
    assert grid.schedules[0].schedule == studio.yours
    assert grid.schedules[1].key == "cosine"


def test_the_edited_curve_is_not_shown_twice():
    studio = first_studio()  # whose curve is the shipped schedule
    keys = [YOURS, "oss_scenes_euler_6", "karras"]
    assert len(grids.plan(studio, asked(schedules=keys)).schedules) == 2
    edited = with_yours(studio, (*studio.yours.sigmas[:-2], 0.5, 0.0))
    assert len(grids.plan(edited, asked(schedules=keys)).schedules) == 3


def test_a_twin_that_is_shipped_is_not_searched_again():
    grid = grids.plan(
        first_studio(), asked(schedules=["karras*"], steps=["6", "8"], columns="steps", seeds=1)
    )
    assert [entry[:3] for entry in grid.found] == [("karras*", "euler", 6)]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"schedules": []}, "0 values for schedule"),
        ({"steps": ["many"]}, "'many'; it must be a whole number"),
        ({"steps": ["1e9"]}, "whole number"),
        ({"steps": [None]}, "whole number"),
        ({"seeds": 7}, "7 values for seed"),
        ({"seeds": None}, "0 values for seed"),
        ({"count": 1e9}, "samples; there must be"),
        ({"count": None}, "None samples"),
        ({"count": 1.5}, "whole number"),
        ({"rows": None}, "axis None"),
        ({"solvers": ["euler", "heun"]}, "2 values for solver"),
        ({"schedules": ["../../etc"]}, "unknown schedule"),
    ],
)
def test_controls_that_make_no_grid_are_refused_in_words(spiral, changes, says):
    with pytest.raises(ValueError, match=says):
        grids.plan(spiral, asked(**changes))


def test_every_cell_says_what_really_ran(result):
    shown = grids.shown(result, None, "", 1)
    assert shown.rows[0] == "reference" and shown.columns == ("seed 10000", "seed 10050")
    by_place = {(cell.row, cell.column): cell for cell in shown.cells}
    assert len(by_place) == len(shown.cells) == 3 * 2
    for (i, j), cell in result.cells.items():
        seen = by_place[i + 1, j]
        assert seen.caption[0] == "6 calls" and seen.caption[1].endswith(" s")
        assert seen.levels == ", ".join(f"{sigma:.5g}" for sigma in cell.run.ran)
        assert by_place[0, j].reference and seen.against == by_place[0, j].id
    assert len({cell.id for cell in shown.cells}) == len(shown.cells)


def test_cells_that_are_not_there_yet_wait():
    studio = with_model(first_studio(), "spiral")
    job = grids.grid_job(grids.plan(studio, asked(seeds=1, count=49)))
    early = next(p.snapshot for p in job if p.snapshot.cells)
    job.close()
    states = [cell.state for cell in grids.shown(early, None, "", 1).cells]
    assert sorted(states) == ["done", "done", "running"] or sorted(states) == [
        "done",
        "done",
        "waiting",
    ]


@pytest.mark.parametrize(("rows", "columns"), [("schedule", "steps"), ("steps", "schedule")])
def test_without_seeds_the_reference_stands_before_every_row(spiral, rows, columns):
    grid = grids.plan(spiral, asked(rows=rows, columns=columns, steps=["3", "4"], seeds=1))
    shown = grids.shown(run(grids.grid_job(grid)), None, "", 1)
    references = [cell for cell in shown.cells if cell.reference]
    assert [(cell.row, cell.column) for cell in references] == [(0, 0), (1, 0)]
    assert shown.columns[0] == "reference"
    ids = [cell.id for cell in references]
    assert len(set(ids)) == 2 and all(c.against in ids for c in shown.cells if not c.reference)


def test_every_picture_carries_the_plan_of_its_cell():
    grid = grids.plan(first_studio(), asked(schedules=["karras*"], count=1))
    shown = grids.shown(run(grids.grid_job(grid)), None, "", 1)
    for cell in shown.cells:
        if cell.reference:
            continue
        content = base64.b64decode(cell.picture.url.partition(",")[2])
        with Image.open(io.BytesIO(content)) as picture:
            pixels = np.asarray(picture)
            plan = Grid.from_json(picture.text["ays_studio_grid"])
        assert plan.found and plan.seeds in ((10_000,), (10_001,))
        again = grids.shown(run(grids.grid_job(plan)), None, "", 1)
        own = next(c for c in again.cells if not c.reference)
        content = base64.b64decode(own.picture.url.partition(",")[2])
        with Image.open(io.BytesIO(content)) as picture:
            assert (np.asarray(picture) == pixels).all()


def test_films_are_placed_by_sigma_and_end_where_the_run_ends(result, spiral):
    found = run(grids.films_job(result))
    shown = grids.films(result, found, spiral)
    rows, (x_min, x_max, _, _) = shown.films, shown.extent
    assert rows[0].colour == ACCENT
    for (cell, filmed), row in zip(found, rows, strict=True):
        assert [frame.sigma for frame in row.frames] == [*filmed.run.calls, filmed.run.ran[-1]]
        assert cell.run is not None and row.paths.length == len(row.frames)
        for frame in row.frames:  # noise or data, the cloud fills the plane and no more
            points = np.frombuffer(base64.b64decode(frame.cloud.points), "<f4").reshape(-1, 2)
            assert np.mean((points > x_min) & (points < x_max)) > 0.95
            assert points.std() > 0.1 * (x_max - x_min)
            assert frame.density.startswith("data:image/png")


def test_the_error_along_the_run_ends_near_the_error_of_the_result(result, spiral):
    found = run(grids.films_job(result))
    figure = grids.error_figure(result, found, spiral)
    for trace, (cell, _) in zip(figure["data"], found, strict=True):
        assert len(trace["x"]) == 6 and trace["x"] == sorted(trace["x"], reverse=True)
        # the last step goes to 0 and returns the last estimate
        assert trace["y"][-1] == pytest.approx(cell.metrics["rmse"], rel=1e-5)
    lengths = grids.step_figure(result, found, spiral)
    for trace, (cell, _) in zip(lengths["data"], found, strict=True):
        levels = cell.schedule.positive
        assert sum(trace["y"]) == pytest.approx(np.log(levels[0] / levels[-1]))


def test_numbers_are_a_table_a_figure_and_a_sentence(result, spiral):
    lines = run(grids.numbers_job((result, 64)))
    head, rows = grids.table(lines)
    assert head[:3] == ["Schedule", "Solver", "Calls"] and "Sliced W2" in head
    assert all(len(row) == len(head) for row in rows)
    assert "floor" in rows[0][head.index("Sliced W2")]
    figure = grids.numbers_figure(result, lines, "sliced_w2", spiral)
    assert figure["data"][0]["y"] == [line.metrics["sliced_w2"] for line in lines]
    assert figure["layout"]["shapes"][0]["y0"] == lines[0].floors["sliced_w2_floor"]
    best = min(lines, key=lambda line: line.metrics["rmse"])
    assert f"{best.metrics['rmse']:#.3g} for {best.named.name}" in grids.finding(lines, result.grid)
    assert "64 noises not used to optimise" in grids.finding(lines, result.grid)


def test_several_step_counts_are_a_line_each_schedule(spiral):
    many = asked(columns="steps", steps=["3", "5"], seeds=1)
    result = run(grids.grid_job(grids.plan(spiral, many)))
    lines = run(grids.numbers_job((result, 32)))
    figure = grids.numbers_figure(result, lines, "rmse", spiral)
    assert [trace["x"] for trace in figure["data"]] == [[3, 5], [3, 5]]


def test_pairs_are_for_pictures_and_on_the_same_noises():
    studio = first_studio()
    grid = grids.plan(studio, asked(schedules=[YOURS, "karras", "cosine"], count=2))
    result = run(grids.grid_job(grid))
    pairs = grids.pairs(result)
    assert len(pairs) == 3 and all(len(pair.pictures) == 4 for pair in pairs)
    assert all("6 calls" in pair.a and "6 calls" in pair.b for pair in pairs)


def test_points_have_no_blind_test(result):
    assert grids.pairs(result) == ()


def test_what_is_taken_away_is_the_thing_itself(result):
    lines = run(grids.numbers_job((result, 32)))
    files = grids.takeaway(result, lines)
    assert set(files) == {"sheet.png", "plan.json", "numbers.csv"}
    plan = base64.b64decode(files["plan.json"][0].partition(",")[2]).decode()
    assert Grid.from_json(plan) == result.grid
    assert set(grids.takeaway(result, ())) == {"sheet.png", "plan.json"}


def test_an_uploaded_plan_is_kept_within_limits(result, spiral):
    good = result.grid.to_json()
    assert grids.plan_of(good.encode(), spiral) == result.grid
    for change, says in (
        ({"model": "/etc/passwd"}, "load that model first"),
        ({"steps": [900]}, "steps is 900"),
        ({"count": 4097}, "samples"),
    ):
        broken = json.dumps(json.loads(good) | change).encode()
        with pytest.raises(ValueError, match=says):
            grids.plan_of(broken, spiral)
    with pytest.raises(ValueError, match="bytes"):
        grids.plan_of(b" " * 10**6, spiral)
    with pytest.raises(ValueError, match="not a saved grid"):
        grids.plan_of(b"\xff\xfe\x00", spiral)


def test_one_schedule_has_one_colour_everywhere(result, spiral):
    spot = result.cells[0, 0].spot
    assert grids.style_of(result.grid, spot, spiral) == (ACCENT, "solid")
    chosen = with_choices(spiral, ["karras", "cosine"])
    colour = next(choice.colour for choice in chosen.choices if choice.key == "cosine")
    assert grids.style_of(result.grid, result.cells[1, 0].spot, chosen)[0] == colour


def test_the_reference_of_a_cell_is_the_fine_run_of_its_noise(result, spiral):
    noise = start_noise(spiral.spec, 50, 10_050)
    fine = run(reference_run(spiral.bound(), noise))
    assert (result.references[10_050].samples == fine.samples).all()


def test_a_row_s_picture_can_be_made_again():
    studio = first_studio()
    plan = Grid.from_json(grids.row_plan(studio, "Yours", studio.yours))
    alone = run(grids.grid_job(plan)).cells[0, 0].run
    noise = start_noise(studio.spec, studio.num, studio.seed)
    assert (
        alone.samples == run(sample(studio.bound(), studio.yours, "euler", noise)).samples
    ).all()

"""The Compare tab without a page: plans from controls, and what is shown of results."""

import base64
import io
import json
import re
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from ays_core.compare import reference_run
from ays_core.comparison import three_digits
from ays_core.grid import Grid, Line, Named
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
def plan(spiral):
    return grids.planned(spiral, asked())


@pytest.fixture(scope="module")
def result(plan):
    return run(grids.grid_job(plan.grid))


def inside(picture):
    """The pixels of a picture, and the plan that it carries."""
    content = base64.b64decode(picture.url.partition(",")[2])
    with Image.open(io.BytesIO(content)) as image:
        return np.asarray(image), Grid.from_json(image.text["ays_studio_grid"])


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
        ({"count": None}, "no number of samples"),
        ({"count": 1.5}, "whole number"),
        ({"rows": None}, "axis None"),
        (
            {"solvers": ["euler", "heun"]},
            "2 values for solver; .* or make it the rows or the columns",
        ),
        ({"schedules": ["../../etc"]}, "unknown schedule"),
    ],
)
def test_controls_that_make_no_grid_are_refused_in_words(spiral, changes, says):
    with pytest.raises(ValueError, match=says):
        grids.plan(spiral, asked(**changes))


def test_every_cell_says_what_really_ran(plan, result):
    shown = grids.shown(plan, result, None, "", 1)
    assert shown.rows[0].name == "reference"
    assert [head.name for head in shown.columns] == ["seed 10000", "seed 10050"]
    by_place = {(cell.row, cell.column): cell for cell in shown.cells}
    assert len(by_place) == len(shown.cells) == 3 * 2
    for (i, j), cell in result.cells.items():
        seen = by_place[i + 1, j]
        assert seen.caption[0] == "6 calls" and re.fullmatch(r"\d+ ms|\d+\.\d\d s", seen.caption[1])
        assert seen.levels == ", ".join(f"{sigma:.5g}" for sigma in cell.run.ran)
        assert by_place[0, j].reference and seen.against == by_place[0, j].id
    assert len({cell.id for cell in shown.cells}) == len(shown.cells)


def test_cells_that_are_not_there_yet_wait():
    studio = with_model(first_studio(), "spiral")
    plan = grids.planned(studio, asked(seeds=1, count=49))
    job = grids.grid_job(plan.grid)
    early = next(p.snapshot for p in job if p.snapshot.cells)
    job.close()
    states = [cell.state for cell in grids.shown(plan, early, None, "", 1).cells]
    assert sorted(states) == ["done", "done", "running"] or sorted(states) == [
        "done",
        "done",
        "waiting",
    ]


@pytest.mark.parametrize(("rows", "columns"), [("schedule", "steps"), ("steps", "schedule")])
def test_without_seeds_the_reference_stands_before_every_row(spiral, rows, columns):
    plan = grids.planned(spiral, asked(rows=rows, columns=columns, steps=["3", "4"], seeds=1))
    shown = grids.shown(plan, run(grids.grid_job(plan.grid)), None, "", 1)
    references = [cell for cell in shown.cells if cell.reference]
    assert [(cell.row, cell.column) for cell in references] == [(0, 0), (1, 0)]
    assert shown.columns[0].name == "reference"
    ids = [cell.id for cell in references]
    assert len(set(ids)) == 2 and all(c.against in ids for c in shown.cells if not c.reference)


def test_every_picture_carries_the_plan_of_its_cell_the_reference_and_films_too():
    plan = grids.planned(first_studio(), asked(schedules=["karras*"], count=1))
    result = run(grids.grid_job(plan.grid))
    found = run(grids.films_job(result))
    last = [film.frames[-1].picture for film in grids.films(result, found, first_studio()).films]
    cells = grids.shown(plan, result, None, "", 1).cells
    assert sum(cell.reference for cell in cells) == 2 and len(last) == 1
    for picture in [*(cell.picture for cell in cells), *last]:
        pixels, own = inside(picture)
        assert own.seeds in ((10_000,), (10_001,))
        again = run(grids.grid_job(own))
        shown = grids.shown(grids.Plan(own, first_studio()), again, None, "", 1).cells
        assert (inside(next(c for c in shown if not c.reference).picture)[0] == pixels).all()
        assert own.found or own.schedules[0].name == "reference"


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
    assert figure["data"][0]["x"] == [line.metrics["sliced_w2"] for line in lines]
    floor = lines[0].floors["sliced_w2_floor"]
    assert figure["layout"]["shapes"][0]["x0"] == floor
    assert figure["layout"]["annotations"][0]["text"] == f"floor {three_digits(floor)}"
    assert "Same component" not in head, "a shape drawn by hundreds of components"
    best = min(lines, key=lambda line: line.metrics["rmse"])
    assert f"{best.metrics['rmse']:#.3g} for {best.named.name}" in grids.finding(lines, result.grid)
    assert "64 noises not used to optimise" in grids.finding(lines, result.grid)


def test_several_step_counts_are_a_line_each_schedule(spiral):
    many = asked(columns="steps", steps=["3", "5"], seeds=1)
    result = run(grids.grid_job(grids.plan(spiral, many)))
    lines = run(grids.numbers_job((result, 32)))
    figure = grids.numbers_figure(result, lines, "rmse", spiral)
    assert [trace["x"] for trace in figure["data"]] == [[3, 5], [3, 5]]


def test_a_blind_test_is_on_noises_that_the_grid_does_not_show():
    studio = first_studio()
    result = run(grids.grid_job(grids.plan(studio, asked(schedules=[YOURS, "karras", "cosine"]))))
    seed = grids.new_seed(result.grid, 0.5)
    assert grids.blind_offer(result).ready
    ran = run(grids.blind_job((result, seed)))
    pairs = grids.pairs(result, ran, seed)
    assert len(pairs) == 3 and all(len(pair.pictures) == 8 for pair in pairs)
    assert all("6 calls" in pair.a and "6 calls" in pair.b for pair in pairs)
    shown = {first + k for first in result.grid.seeds for k in range(result.grid.count)}
    assert all(pair.seeds == tuple(range(seed, seed + 8)) for pair in pairs)
    assert not shown & set(pairs[0].seeds)
    noise = start_noise(studio.spec, 1, seed + 3)
    alone = run(sample(studio.bound(), studio.yours, "euler", noise))
    pixels = studio.bound().model.decode(alone.samples)[0]
    content = base64.b64decode(pairs[0].pictures[3][0].url.partition(",")[2])
    with Image.open(io.BytesIO(content)) as image:
        assert (abs(np.asarray(image).astype(int) - pixels) <= 1).all()
        assert not image.text, "its plan would tell whose it is"


@pytest.mark.parametrize("drawn", [0.0, 0.3, 0.999_999])
def test_new_noises_are_new_wherever_the_grid_has_its_seeds(spiral, drawn):
    grid = grids.plan(spiral, asked())
    first = grids.new_seed(grid, drawn)
    moved = replace(grid, seeds=(max(first - 30, 0), first + 5))
    seed = grids.new_seed(moved, drawn)
    shown = {start + k for start in moved.seeds for k in range(moved.count)}
    assert seed >= 30_000 and not shown & set(range(seed, seed + 12))


def test_where_there_is_no_blind_test_it_says_why(result):
    offer = grids.blind_offer(result)
    assert not offer.ready and "for pictures" in offer.note
    assert "run a comparison first" in grids.blind_offer(None).note
    one = run(grids.grid_job(grids.plan(first_studio(), asked(schedules=[YOURS], count=1))))
    assert "needs two schedules" in grids.blind_offer(one).note


def test_a_grid_says_what_it_shows_and_over_which_range(spiral, plan, result):
    shown = grids.shown(plan, result, None, "", 1)
    spec = spiral.spec
    words = f"{spec.label}, Euler (DDIM), 6 steps, seeds 10000 to 10050, 50 samples a cell"
    assert shown.settings == words
    for head, named in zip(shown.rows[1:], plan.grid.schedules, strict=True):
        assert head.name == named.name
        assert head.sub == f"{spec.sigma_max:.3g} … {spec.sigma_min:.3g}"
        assert head.colour
    assert shown.rows[1].colour == ACCENT and shown.rows[2].colour != ACCENT


def test_a_schedule_that_is_left_out_is_named():
    studio = first_studio()
    plan = grids.planned(studio, asked(schedules=[YOURS, "oss_scenes_euler_6", "karras"], count=1))
    shown = grids.shown(plan, run(grids.grid_job(plan.grid)), None, "", 1)
    assert len(shown.rows) == 3 and len(plan.left_out) == 1
    assert shown.note == f"{plan.left_out[0]} is the edited curve itself, which stands once."


def test_what_has_changed_since_is_named(spiral):
    plan = grids.planned(spiral, asked())
    assert plan.changed(spiral) == ()
    edited = with_yours(spiral, (*spiral.yours.sigmas[:-2], 0.05, 0.0))
    assert plan.changed(edited) == ("the edited curve",)
    assert plan.changed(replace(spiral, seed=1)) == ("the seed",)
    assert grids.planned(spiral, asked(schedules=["cosine", "karras"])).changed(edited) == ()
    assert "the model" in plan.changed(with_model(spiral, "grid"))
    assert replace(plan, opened=True).changed(edited) == ()


def test_closed_forms_get_their_range_tuned_twins_in_one_step():
    keys = [YOURS, "karras", "oss_scenes_euler_6", "cosine", "cosine*"]
    wanted = [YOURS, "karras", "karras*", "oss_scenes_euler_6", "cosine", "cosine*"]
    assert grids.with_twins(first_studio(), keys) == wanted
    assert grids.with_twins(first_studio(), wanted) == wanted


def test_how_far_a_stopped_grid_came_is_said(spiral):
    plan = grids.planned(spiral, asked(count=47))
    early = next(p.snapshot for p in grids.grid_job(plan.grid) if len(p.snapshot.cells) == 3)
    assert grids.unfinished(early) == "stopped, 3 of 4 cells"
    assert grids.unfinished(run(grids.grid_job(plan.grid))) == ""


def test_lines_that_differ_by_solver_or_steps_only_look_different(spiral):
    for changes in (
        {"solvers": ["euler", "heun"], "columns": "solver"},
        {"steps": ["3", "5"], "columns": "steps"},
        {"solvers": ["euler", "heun"], "steps": ["3", "5"], "rows": "solver", "columns": "steps"},
    ):
        names = ["cosine", "karras"] if "rows" not in changes else ["cosine"]
        grid = grids.plan(spiral, asked(schedules=names, seeds=1, **changes))
        result = run(grids.grid_job(grid))
        found = run(grids.films_job(result))
        traces = grids.error_figure(result, found, spiral)["data"]
        looks = [(t["line"]["color"], t["line"]["dash"], t["marker"]["symbol"]) for t in traces]
        assert len(set(looks)) == len(traces) >= 4
        colours = {trace["line"]["color"] for trace in traces}
        assert len(colours) == len(names), "one schedule, one colour"


def test_a_lead_that_may_be_chance_is_called_so():
    a, b = Named("A", "karras"), Named("B", "cosine")
    grid = grids.plan(first_studio(), asked())
    steady = (1.0, 1.1, 0.9, 1.0) * 16
    base = Line(a, "euler", 6, 6, 64, {"rmse": 1.0}, squared=steady)
    ahead = replace(base, named=b, metrics={"rmse": 0.9}, squared=tuple(x - 0.2 for x in steady))
    assert "chance" not in grids.finding([base, ahead], grid)
    noisy = tuple(x - 0.01 + (-1) ** k for k, x in enumerate(steady))
    tied = replace(ahead, squared=noisy)
    assert "Its lead over A may be chance." in grids.finding([base, tied], grid)
    fresh = replace(base, named=Named("C", "karras"), metrics={"sliced_w2": 1.0}, squared=())
    assert "C adds fresh noise in every step" in grids.finding([base, ahead, fresh], grid)


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


def test_a_plan_is_read_out_of_a_picture_made_here_and_no_other(result, spiral):
    link = grids.takeaway(result, ())["sheet.png"][0]
    sheet = base64.b64decode(link.partition(",")[2])
    assert grids.plan_of(sheet, spiral) == result.grid
    plain = io.BytesIO()
    Image.new("RGB", (4, 4)).save(plain, "PNG")
    for content in (plain.getvalue(), sheet[:40], sheet[:8]):
        with pytest.raises(ValueError, match="without a plan inside"):
            grids.plan_of(content, spiral)
    with pytest.raises(ValueError, match="bytes"):
        grids.plan_of(sheet + b" " * 20_000_000, spiral)


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

"""Grids of the Compare tab: from what was chosen to a plan, and from a result to what is shown.

Knows nothing of how the page is laid out.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import combinations, product
from typing import Any

import numpy as np

from ays_core.denoiser import bind
from ays_core.grid import (
    Grid,
    GridCell,
    GridResult,
    Line,
    Named,
    Spot,
    contact_sheet,
    film,
    measure_grid,
    numbers_csv,
    run_grid,
)
from ays_core.grid.plan import LONGEST
from ays_core.grid.sheet import caption_of, mosaic, place_of, reference_places
from ays_core.grid.work import Film
from ays_core.job import Job, Progress, relay
from ays_core.metrics import METRICS, squared_errors
from ays_core.models import Mixture, embedded, in_memory, spec_of
from ays_core.paths import ModelSpec
from ays_core.sampling import SampleRun, start_noise
from ays_core.schedule import Schedule
from ays_core.solvers import SOLVERS
from components import blind_view, film_view, grid_view
from components.drawn import field_of
from components.limits import LIMITS
from components.pictures import Cloud, Doing, Strip, cloud, density, strip
from components.recent import Recent
from components.state import (
    ACCENT,
    STYLES,
    TUNED,
    YOURS,
    Studio,
    choice_name,
    chosen_schedule,
    decoded,
    yours_name,
)
from components.twins import shipped_twin

PAIR_NOISES = 24  # of a blind test: more than anyone will judge
FILMED_POINTS = 800
MAX_PLAN = 200_000  # bytes
PATHS = 24  # points whose way is drawn in a film
FILM_PIXELS = 64  # of a density in a film
NOISE_SPREADS = 2.6  # a square of that half side holds 98 of 100 points of noise
FILM_NOTES = {
    "pictures": "The estimate of x0 at every call, and the result at the end.",
    "points": "x at every call with the true density there; x is drawn smaller where noise is "
    "large, so that the spread stays that of the data.",
}
LARGEST = 1024  # pixels of a cell's side in the page
MISSING = (
    "LPIPS and FID are not shown: they need networks whose weights are not part of this app. "
    "Distances are in the model's own coordinates instead."
)
_kept: Recent[Any] = Recent(512)  # cells, references and twins, shared by all visitors


def named(studio: Studio, key: str) -> Named:
    """A chosen schedule under the name that the page gives it."""
    if key == YOURS:
        return Named(yours_name(studio), schedule=studio.yours)
    kept = dict(studio.kept)
    if key in kept:
        return Named(key, schedule=kept[key])
    return Named(choice_name(key), key)


@dataclass(frozen=True)
class Asked:
    """The controls of the Compare tab, in their order; from outside, so anything may be in them."""

    schedules: Sequence[str]
    solvers: Sequence[str]
    steps: Sequence[Any]
    seeds: float
    count: float
    rows: Any
    columns: Any
    same_nfe: bool


def plan(studio: Studio, asked: Asked) -> Grid:
    """What was chosen, as a grid. Seeds go on from the Studio's, so that no sample appears twice.
    Raises `ValueError` in words."""
    count = _checked_count(studio.spec.kind, asked.count)
    seeds = int(asked.seeds or 0)
    grid = Grid(
        model=studio.model,
        schedules=distinct(studio, asked.schedules),
        solvers=tuple(asked.solvers),
        steps=tuple(_whole(n) for n in asked.steps),
        seeds=tuple(studio.seed + k * count for k in range(min(seeds, LONGEST + 1))),
        rows=asked.rows,
        columns=asked.columns,
        conditions=studio.conditions,
        guidance=studio.bound_guidance,
        negative=studio.bound_negative,
        count=count,
        same_nfe=bool(asked.same_nfe),
        final_zero=studio.yours.final_zero,
    )
    for key, solver, steps in product(asked.schedules, grid.solvers, grid.steps):
        sought = replace(studio, solver=solver, yours=studio.yours.with_steps(steps))
        twin = shipped_twin(sought, key.removesuffix(TUNED)) if key.endswith(TUNED) else None
        grid = grid if twin is None else grid.with_found(key, solver, steps, twin)
    return grid


def row_plan(studio: Studio, name: str, schedule: Schedule) -> str:
    """The plan of one row of the Studio: what its pictures carry inside."""
    return Grid(
        model=studio.model,
        schedules=(Named(name, schedule=schedule),),
        solvers=(studio.solver,),
        steps=(schedule.num_steps,),
        seeds=(studio.seed,),
        conditions=studio.conditions,
        guidance=studio.bound_guidance,
        negative=studio.bound_negative,
        count=studio.num,
        final_zero=schedule.final_zero,
    ).to_json()


def distinct(studio: Studio, keys: Sequence[str]) -> tuple[Named, ...]:
    """The chosen schedules; one that is the edited curve is not shown twice."""
    chosen = [named(studio, key) for key in keys]
    mine = studio.yours if YOURS in keys else None
    return tuple(
        each
        for key, each in zip(keys, chosen, strict=True)
        if key == YOURS or key.endswith(TUNED) or not _same(studio, key, mine)
    )


def _same(studio: Studio, key: str, mine: Schedule | None) -> bool:
    try:
        return chosen_schedule(studio, key) == mine
    except ValueError:
        return False  # its cells say why


def _whole(value: Any) -> int:
    try:
        return LIMITS.checked_steps(float(value))
    except (TypeError, ValueError):
        most = LIMITS.levels - 1
        raise ValueError(
            f"steps is {value!r}; it must be a whole number from 1 to {most}"
        ) from None


def grid_job(grid: Grid) -> Job[GridResult]:
    return run_grid(_bound(grid), grid, _kept)


def numbers_job(asked: tuple[GridResult, int]) -> Job[tuple[Line, ...]]:
    result, noises = asked
    return measure_grid(_bound(result.grid), result, noises, _kept)


def films_job(result: GridResult) -> Job[tuple[tuple[GridCell, Film], ...]]:
    """The way of every line of the grid, on its first seed; the snapshot is those so far."""
    bound, films = _bound(result.grid), ()
    num = 1 if bound.spec.kind == "pictures" else min(FILMED_POINTS, result.grid.count)
    lines = list(_lines(result))
    noise = start_noise(bound.spec, num, result.grid.seeds[0])
    for i, cell in enumerate(lines):
        assert cell.schedule is not None  # only cells that ran are lines
        job = film(bound, cell.schedule, cell.spot.solver, noise, result.grid.seeds[0])

        def told(_: Progress, i: int = i, so_far=films) -> Progress:
            return Progress("films", i, len(lines), snapshot=so_far)

        films = (*films, (cell, (yield from relay(job, told))))
    return films


def spec_behind(asked: Grid | GridResult | tuple[GridResult, int]) -> ModelSpec:
    """Of the model that a job of this module runs, by what it is asked."""
    result = asked[0] if isinstance(asked, tuple) else asked
    return spec_of(result.grid.model if isinstance(result, GridResult) else result.model)


def _bound(grid: Grid):
    return bind(in_memory(grid.model), grid.conditions, grid.guidance, grid.negative)


def _lines(result: GridResult) -> list[GridCell]:
    """A cell that ran for every schedule, solver and step count."""
    found = {}
    for _, cell in sorted(result.cells.items()):
        if cell.run is not None:
            key = (cell.spot.named, cell.spot.solver, cell.spot.steps)
            found.setdefault(key, cell)
    return list(found.values())


def line_name(grid: Grid, line: Spot | Line) -> str:
    """A line by what tells it from the others."""
    parts = [line.named.name]
    if len(grid.solvers) > 1:
        parts.append(SOLVERS[line.solver].label)
    if len(grid.steps) > 1:
        parts.append(f"{line.steps} steps")
    return ", ".join(parts)


def style_of(grid: Grid, line: Spot | Line, studio: Studio) -> tuple[str, str]:
    """Colour and dash of a schedule: the ones that it has in the Studio, where it is there."""
    mine = [n.name for n in grid.schedules]
    if line.named.schedule == studio.yours:
        return ACCENT, "solid"
    known = {choice_name(choice.key): (choice.colour, choice.dash) for choice in studio.choices}
    return known.get(line.named.name) or STYLES[mine.index(line.named.name) % len(STYLES)]


# What the grid view shows

STAGES = {"reference": "reference run", "tuning": "searching a range", "cells": "cells"}


def doing(progress: Progress) -> Doing:
    return Doing(STAGES.get(progress.stage, progress.stage), progress.done, progress.total)


def shown(result: GridResult, doing: Doing | None, remaining: str, run: int) -> grid_view.GridShown:
    """The cells so far, with the reference runs in a row above or a column before them."""
    grid = result.grid
    rows, columns = list(grid.labels(grid.rows)), list(grid.labels(grid.columns))
    (rows if grid.columns == "seed" else columns).insert(0, "reference")
    places = reference_places(grid)
    by_seed = {seed: f"r{where[0][0]}-{where[0][1]}" for seed, where in places.items()}
    cells = [
        _reference_cell(result, seed, place) for seed, where in places.items() for place in where
    ]
    for spot in grid.spots():
        cell = result.cells.get((spot.row, spot.column))
        row, column = place_of(grid, spot.row, spot.column)
        blank = grid_view.GridCell(
            f"c{row}-{column}",
            row,
            column,
            "running" if spot == result.running else "waiting",
            against=by_seed[spot.seed],
            name=f"{spot.named.name}, {SOLVERS[spot.solver].label}, {spot.steps} steps, "
            f"seed {spot.seed}",
        )
        cells.append(blank if cell is None else _ran(result, cell, blank))
    spec = spec_of(grid.model)
    extra = field_of(grid.model) if spec.kind == "points" else {}
    return grid_view.GridShown(
        kind=spec.kind,
        rows=tuple(rows),
        columns=tuple(columns),
        cells=tuple(cells),
        progress=doing,
        remaining=remaining,
        run=run,
        **extra,
    )


def _reference_cell(result: GridResult, seed: int, place: tuple[int, int]) -> grid_view.GridCell:
    id = f"r{place[0]}-{place[1]}"
    run = result.references.get(seed)
    name = f"Reference, seed {seed}"
    blank = grid_view.GridCell(id, *place, "waiting", reference=True, name=name)
    if run is None:
        return blank
    return replace(
        blank,
        state="done",
        caption=(f"{run.nfe} calls", f"{run.seconds:.2f} s"),
        levels=_levels(run),
        **_picture(result.grid, run, ""),
    )


def _ran(result: GridResult, cell: GridCell, blank: grid_view.GridCell) -> grid_view.GridCell:
    if cell.run is None:
        return replace(blank, state="failed", message=cell.error)
    calls, *numbers = caption_of(cell)
    return replace(
        blank,
        state="done",
        caption=(calls, f"{cell.run.seconds:.2f} s", *numbers),
        levels=_levels(cell.run),
        **_picture(result.grid, cell.run, alone(result.grid, cell).to_json()),
    )


def schedule_in(result: GridResult, id: str) -> tuple[Schedule, str]:
    """The schedule that ran in a cell that is shown, and its solver. Raises `ValueError`."""
    for cell in result.cells.values():
        row, column = place_of(result.grid, cell.spot.row, cell.spot.column)
        if id == f"c{row}-{column}" and cell.schedule is not None:
            return cell.schedule, cell.spot.solver
    raise ValueError("That cell has no schedule.")


def alone(grid: Grid, cell: GridCell) -> Grid:
    """The plan of one cell: what its picture carries inside."""
    spot = cell.spot
    return replace(
        grid,
        schedules=(spot.named,),
        solvers=(spot.solver,),
        steps=(spot.steps,),
        seeds=(spot.seed,),
        same_nfe=False,
        found=tuple(f for f in grid.found if f[:3] == (spot.named.key, spot.solver, spot.steps)),
    )


def _levels(run: SampleRun) -> str:
    return ", ".join(f"{sigma:.5g}" for sigma in run.ran)


def _picture(grid: Grid, run: SampleRun, settings: str) -> dict[str, Strip | Cloud]:
    """A run as one picture, with its settings inside, or as a cloud."""
    pictures = decoded(grid.model, run.samples)
    if pictures.ndim == 2:
        return {"cloud": cloud(pictures)}
    return {"picture": strip(mosaic(pictures)[None], LARGEST, settings)}


# Films, figures, numbers


def films(
    result: GridResult, found: Sequence[tuple[GridCell, Film]], studio: Studio
) -> film_view.Films:
    """Every run as a row of frames: estimates of x0 for pictures, x itself for points."""
    draw = _picture_film if _pictures(result.grid) else _point_film
    rows = []
    for cell, filmed in found:
        colour, dash = style_of(result.grid, cell.spot, studio)
        frames, paths = draw(result.grid, filmed)
        name = line_name(result.grid, cell.spot)
        rows.append(film_view.Film(name, colour, dash, frames, paths))
    note = FILM_NOTES[spec_of(result.grid.model).kind]
    return film_view.Films(tuple(rows), note, plane(result.grid.model))


def _pictures(grid: Grid) -> bool:
    return spec_of(grid.model).kind == "pictures"


def _picture_film(grid: Grid, filmed: Film) -> tuple[tuple[film_view.Frame, ...], None]:
    way = [*filmed.run.trajectory, (filmed.run.ran[-1], filmed.run.samples)]
    pictures = [(sigma, strip(decoded(grid.model, x[:1]))) for sigma, x in way]
    return tuple(film_view.Frame(sigma, picture=shown) for sigma, shown in pictures), None


def _point_film(grid: Grid, filmed: Film) -> tuple[tuple[film_view.Frame, ...], Cloud | None]:
    """x made smaller where noise is large, so that every frame has the spread of the data."""
    sigma_data = spec_of(grid.model).sigma_data
    way = [*filmed.x, (filmed.run.ran[-1], filmed.run.samples)]
    frames, places = [], []
    for sigma, x in way:
        scale = sigma_data / float(np.hypot(sigma_data, sigma))
        points = decoded(grid.model, x) * scale
        frames.append(film_view.Frame(sigma, None, cloud(points), _noisy(grid.model, sigma, scale)))
        places.append(points[:PATHS])
    return tuple(frames), cloud(places[-1], np.stack(places, axis=1))


@lru_cache(maxsize=256)
def _noisy(model: str, sigma: float, scale: float) -> str:
    """The true density at a noise level, on the scale of its frame."""
    exact = in_memory(model)
    if not isinstance(exact, Mixture):
        return ""
    x_min, x_max, y_min, y_max = (edge / scale for edge in plane(model))
    values = exact.density(FILM_PIXELS, sigma, (x_min, x_max, y_min, y_max))
    return "" if values is None else density(values)


@lru_cache(maxsize=64)
def plane(model: str) -> tuple[float, float, float, float]:
    """A square that holds the data and, made as small, the noise."""
    exact = in_memory(model)
    if not isinstance(exact, Mixture):
        return (-1.0, 1.0, -1.0, 1.0)
    half = max(NOISE_SPREADS * exact.spec.sigma_data, *map(abs, exact.extent()))
    return (-half, half, -half, half)


def error_figure(
    result: GridResult, found: Sequence[tuple[GridCell, Film]], studio: Studio
) -> dict[str, Any]:
    """How far the estimate of x0 is from the reference run, call by call."""
    reference = result.references[result.grid.seeds[0]].samples
    lines = []
    for cell, filmed in found:
        colour, dash = style_of(result.grid, cell.spot, studio)
        way = [(sigma, x0) for sigma, x0 in filmed.run.trajectory]
        errors = [float(squared_errors(x0, reference[: len(x0)]).mean().sqrt()) for _, x0 in way]
        lines.append(_trace(result, cell, [sigma for sigma, _ in way], errors, colour, dash))
    return _figure(lines, "sigma", "error of the estimate of x0", log_x=True, falling=True)


def step_figure(
    result: GridResult, found: Sequence[tuple[GridCell, Film]], studio: Studio
) -> dict[str, Any]:
    """How long each step is in log sigma, where it is; a step to 0 has no length there."""
    lines = []
    for cell, filmed in found:
        colour, dash = style_of(result.grid, cell.spot, studio)
        levels = np.array([sigma for sigma in filmed.run.ran if sigma > 0])
        middle = np.sqrt(levels[1:] * levels[:-1])
        length = np.log(levels[:-1] / levels[1:])
        lines.append(_trace(result, cell, middle.tolist(), length.tolist(), colour, dash))
    return _figure(lines, "sigma", "step in ln sigma", log_x=True, falling=True)


def numbers_figure(
    result: GridResult, lines: Sequence[Line], metric: str, studio: Studio
) -> dict[str, Any]:
    """One metric: over the steps where there are several, else a bar for every line. A distance
    has its floor, what two exact sets of that size differ by, as a dotted line."""
    grid, entry = result.grid, METRICS[metric]
    having = [line for line in lines if metric in line.metrics]
    drawn: list[dict[str, Any]] = []
    if len(grid.steps) > 1:
        ways = {(line.named.name, line.solver): line for line in having}
        for (name, solver), line in ways.items():
            own = sorted(
                (each for each in having if (each.named.name, each.solver) == (name, solver)),
                key=lambda each: each.nfe,
            )
            colour, dash = style_of(grid, line, studio)
            many = len(grid.solvers) > 1
            label = f"{name}, {SOLVERS[solver].label}" if many else name
            drawn.append(
                {
                    "x": [each.nfe for each in own],
                    "y": [each.metrics[metric] for each in own],
                    "name": label,
                    "mode": "lines+markers",
                    "line": {"color": colour, "dash": dash},
                }
            )
    else:
        names = [line_name(grid, line) for line in having]
        colours = [style_of(grid, line, studio)[0] for line in having]
        values = [line.metrics[metric] for line in having]
        drawn = [{"x": names, "y": values, "type": "bar", "marker": {"color": colours}}]
    floors = {line.floors[f"{metric}_floor"] for line in having if f"{metric}_floor" in line.floors}
    title = f"{entry.label}, {having[0].noises} noises" if having else entry.label
    figure = _figure(drawn, "calls" if len(grid.steps) > 1 else "", title)
    figure["layout"]["shapes"] = [
        {
            "type": "line",
            "xref": "paper",
            "x0": 0,
            "x1": 1,
            "y0": y,
            "y1": y,
            "line": {"dash": "dot"},
        }
        for y in floors
    ]
    return figure


def _trace(
    result: GridResult, cell: GridCell, x: list[float], y: list[float], colour: str, dash: str
) -> dict[str, Any]:
    return {
        "x": x,
        "y": y,
        "name": line_name(result.grid, cell.spot),
        "mode": "lines+markers",
        "line": {"color": colour, "dash": dash},
    }


def _figure(
    data: list[dict[str, Any]], x: str, y: str, log_x: bool = False, falling: bool = False
) -> dict[str, Any]:
    across: dict[str, Any] = {"title": {"text": x}}
    across |= {"type": "log"} if log_x else {}
    across |= {"autorange": "reversed"} if falling else {}
    up = {"title": {"text": y}, "rangemode": "tozero"}
    return {"data": data, "layout": {"xaxis": across, "yaxis": up}}


def table(lines: Sequence[Line]) -> tuple[list[str], list[list[str]]]:
    """The numbers as headings and rows of final texts; a distance with its floor."""
    keys = [key for key in METRICS if any(key in line.metrics for line in lines)]
    head = ["Schedule", "Solver", "Calls", *(METRICS[key].label for key in keys)]
    rows = []
    for line in lines:
        values = [_number(line, key) for key in keys]
        if line.error:
            values = [line.error, *[""] * (len(keys) - 1)]
        solver = SOLVERS[line.solver].label
        rows.append([line.named.name, solver, str(line.nfe), *values])
    return head, rows


def _number(line: Line, key: str) -> str:
    if key not in line.metrics:
        return ""
    floor = line.floors.get(f"{key}_floor")
    beside = "" if floor is None else f" (floor {floor:.3g})"
    return f"{line.metrics[key]:#.3g}{beside}"


def finding(lines: Sequence[Line], grid: Grid) -> str:
    """Who comes closest, in a sentence; "" with fewer than two to compare."""
    key = next((key for key in METRICS if any(key in line.metrics for line in lines)), "")
    ranked = sorted((x for x in lines if key in x.metrics), key=lambda x: x.metrics[key])
    if len(ranked) < 2:
        return ""
    best, *others = ranked

    def said(line: Line) -> str:
        return f"{_number(line, key)} for {line_name(grid, line)} in {line.nfe} calls"

    target = "exact samples" if METRICS[key].needs == "samples" else "the reference run"
    against = "; ".join(said(line) for line in others)
    return (
        f"Closest to {target}: {METRICS[key].label.lower()} {said(best)}, against {against} "
        f"({best.noises} noises not used to optimise)."
    )


# The blind test


def pairs(result: GridResult) -> tuple[blind_view.Pair, ...]:
    """Every two lines of the grid on the same noises; for pictures only."""
    grid = result.grid
    if not _pictures(grid):
        return ()
    by_line: dict[Any, dict[int, SampleRun]] = {}
    names = {}
    for cell in result.cells.values():
        if cell.run is not None:
            key = (cell.spot.named.name, cell.spot.solver, cell.spot.steps)
            by_line.setdefault(key, {})[cell.spot.seed] = cell.run
            names[key] = f"{line_name(grid, cell.spot)}, {cell.run.nfe} calls"
    found = []
    for a, b in combinations(sorted(by_line), 2):
        seeds = sorted(by_line[a].keys() & by_line[b].keys())
        shots = [
            (strip(one[None]), strip(other[None]))
            for seed in seeds
            for one, other in zip(
                decoded(grid.model, by_line[a][seed].samples),
                decoded(grid.model, by_line[b][seed].samples),
                strict=True,
            )
        ]
        pair = blind_view.Pair(names[a], names[b], tuple(shots[:PAIR_NOISES]), grid.settings())
        found.append(pair)
    return tuple(found)


# To take away


def takeaway(result: GridResult, lines: Sequence[Line]) -> dict[str, tuple[str, str]]:
    """File names, each with its content as a link and a word on it."""
    model, plan = in_memory(result.grid.model), result.grid.to_json().encode()
    sheet = contact_sheet(model, result)
    files = {"sheet.png": _link("image/png", sheet, "the grid with its labels; the plan is inside")}
    files["plan.json"] = _link("application/json", plan, "what was run, with every level")
    if lines:
        csv = numbers_csv(lines).encode()
        files["numbers.csv"] = _link("text/csv", csv, "every number with its floor")
    return files


def _link(kind: str, content: bytes, about: str) -> tuple[str, str]:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}", about


def plan_of(content: bytes, studio: Studio) -> Grid:
    """A plan from an uploaded file, within this place's limits. Raises `ValueError`.

    It names its model: one that anyone may have, or the one at hand; never a path of this machine.
    """
    if len(content) > MAX_PLAN:
        raise ValueError(f"a file of {len(content):,} bytes; at most {MAX_PLAN:,}")
    grid = Grid.from_json(content.decode("utf-8-sig", errors="replace"))
    if not (embedded(grid.model) or grid.model == studio.model):
        raise ValueError(f"the plan is for {grid.model[:80]!r}: load that model first")
    for steps in grid.steps:
        LIMITS.checked_steps(steps)
    _checked_count(spec_of(grid.model).kind, grid.count)
    return grid


def checked_noises(result: GridResult, noises: float) -> int:
    return _checked_count(spec_of(result.grid.model).kind, noises)


def most_samples(kind: str) -> int:
    return LIMITS.samples if kind == "pictures" else LIMITS.points


def _checked_count(kind: str, count: float | None) -> int:
    most = most_samples(kind)
    if count is None or not 1 <= count <= most or not float(count).is_integer():
        raise ValueError(f"{count} samples; there must be a whole number from 1 to {most}")
    return int(count)

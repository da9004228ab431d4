"""The way of every line of a grid, as rows of frames for the film view."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np

from ays_core.grid import Film, Grid, GridCell, GridResult
from ays_core.models import Mixture, in_memory, spec_of
from components import film_view
from components.grids.cells import alone
from components.grids.lines import line_name, style_of
from components.pictures import Cloud, cloud, density, strip
from components.state import Studio, decoded

PATHS = 24  # points whose way is drawn
FILM_PIXELS = 64  # of a density
NOISE_SPREADS = 2.6  # a square of that half side holds 98 of 100 points of noise
FILM_NOTES = {
    "pictures": "The estimate of x0 at every call, and the result at the end.",
    "points": "x at every call with the true density there; x is drawn smaller where noise is "
    "large, so that the spread stays that of the data.",
}


def films(
    result: GridResult, found: Sequence[tuple[GridCell, Film]], studio: Studio
) -> film_view.Films:
    """Every run as a row of frames: estimates of x0 for pictures, x itself for points."""
    kind = spec_of(result.grid.model).kind
    draw = _picture_film if kind == "pictures" else _point_film
    rows = []
    for cell, filmed in found:
        colour, dash = style_of(result.grid, cell.spot, studio)
        frames, paths = draw(result.grid, cell, filmed)
        name = line_name(result.grid, cell.spot)
        rows.append(film_view.Film(name, colour, dash, frames, paths))
    return film_view.Films(tuple(rows), FILM_NOTES[kind], plane(result.grid.model))


def _picture_film(
    grid: Grid, cell: GridCell, filmed: Film
) -> tuple[tuple[film_view.Frame, ...], None]:
    """Each frame carries the plan of the run that it is of."""
    own = replace(alone(grid, cell), seeds=grid.seeds[:1], count=1).to_json()
    sigmas = [*(sigma for sigma, _ in filmed.run.trajectory), filmed.run.ran[-1]]
    frames = filmed.pictures or pictures_on_the_way(grid.model, filmed)
    pairs = zip(sigmas, frames, strict=True)
    return tuple(film_view.Frame(s, picture=strip(shown, settings=own)) for s, shown in pairs), None


def pictures_on_the_way(model: str, filmed: Film) -> tuple[np.ndarray, ...]:
    """The first sample's estimate at every call and its end, decoded: each (1, H, W, 3)."""
    way = [*(x0 for _, x0 in filmed.run.trajectory), filmed.run.samples]
    return tuple(decoded(model, x[:1]) for x in way)


def _point_film(
    grid: Grid, _: GridCell, filmed: Film
) -> tuple[tuple[film_view.Frame, ...], Cloud | None]:
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

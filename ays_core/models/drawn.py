"""A distribution drawn by hand: the model's name holds its points, so nothing else is needed to
make it again, anywhere: `drawn:0.1,0.2;-0.5,0.3@0.05` has a round component of standard deviation
0.05 at each of two points.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from ays_core.models.mixture import Mixture

PREFIX = "drawn:"
MAX_POINTS = 256
EXTENT = 2.0  # points lie within ±EXTENT
MIN_STD, MAX_STD = 0.005, 0.5
PLACES = 3  # decimals that are kept: half a pixel of any drawing
MAX_NAME = 32 * MAX_POINTS


def is_drawn(name: str) -> bool:
    return name.startswith(PREFIX)


def drawn_name(points: Sequence[Sequence[float]], std: float) -> str:
    """The name of the mixture with these points, each (x, y). Refuses what cannot be drawn."""
    points, std = checked_points(points), checked_std(std)
    written = ";".join(f"{round(x, PLACES):g},{round(y, PLACES):g}" for x, y in points)
    return f"{PREFIX}{written}@{std:g}"


@lru_cache(maxsize=64)
def drawn_model(name: str) -> Mixture:
    """The mixture of this name, or a `ValueError` that says what is wrong with it."""
    points, std = read_name(name)
    means = np.array(points)
    noun = "point" if len(points) == 1 else "points"
    return Mixture(
        drawn_name(points, std),
        np.full(len(means), 1 / len(means)),
        means,
        std**2 * np.tile(np.eye(2), (len(means), 1, 1)),
        label=f"Drawn: {len(points)} {noun}",
        reference="A Gaussian mixture drawn by hand; its denoiser is a closed form",
    )


def read_name(name: str) -> tuple[list[tuple[float, float]], float]:
    """Points and standard deviation of a name."""
    if len(name) > MAX_NAME:
        raise ValueError(f"a name of {len(name):,} characters; at most {MAX_NAME:,}")
    written, at, std = name.removeprefix(PREFIX).partition("@")
    if not is_drawn(name) or not at:
        raise ValueError(
            f"drawn points are written {PREFIX}x,y;x,y@spread, for instance "
            f"{PREFIX}0.1,0.2;-0.5,0.3@0.05; got {name[:60]!r}"
        )
    points = [_pair(pair) for pair in written.split(";")] if written else []
    return checked_points(points), checked_std(_number(std))


def read_points(text: str) -> list[tuple[float, float]]:
    """Points from lines of "x, y", comma, semicolon, tab or space between; empty lines are left
    out. A line that is no point is named, counted as an editor counts lines."""
    if len(text) > MAX_NAME:
        raise ValueError(f"a text of {len(text):,} characters; at most {MAX_NAME:,}")
    points = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            try:
                points.append(_checked(*_pair(line)))
            except ValueError as refused:
                raise ValueError(f"line {number}: {refused}") from None
    return checked_points(points)


def checked_points(points: Sequence[Sequence[float]]) -> list[tuple[float, float]]:
    if not 1 <= len(points) <= MAX_POINTS:
        raise ValueError(f"{len(points)} points; 1 to {MAX_POINTS} make a distribution")
    checked = []
    for i, (x, y) in enumerate(points, 1):
        try:
            checked.append(_checked(x, y))
        except ValueError as refused:
            raise ValueError(f"point {i}: {refused}") from None
    return checked


def checked_std(std: float) -> float:
    if not MIN_STD <= std <= MAX_STD:
        raise ValueError(f"the spread is {std:g}; it must lie between {MIN_STD:g} and {MAX_STD:g}")
    return float(std)


def _checked(x: float, y: float) -> tuple[float, float]:
    if not (math.isfinite(x) and math.isfinite(y) and max(abs(x), abs(y)) <= EXTENT):
        raise ValueError(f"({x:g}, {y:g}) is outside; both must lie within ±{EXTENT:g}")
    return float(x), float(y)


def _pair(text: str) -> tuple[float, float]:
    words = text.replace(",", " ").replace(";", " ").split()
    if len(words) != 2:
        raise ValueError(f"a point is two numbers, x and y; got {text.strip()[:40]!r}")
    return _number(words[0]), _number(words[1])


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{text.strip()[:40]!r} is no number") from None

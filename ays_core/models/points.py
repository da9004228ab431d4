"""Seven sets of points in the plane, each an exact Gaussian mixture mean 0, within ±1.3."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import pairwise

import numpy as np

from ays_core.models.entry import MODELS, ModelEntry
from ays_core.models.mixture import Mixture

Shape = tuple[np.ndarray, np.ndarray]  # means (K, 2), covariances (K, 2, 2)


def point_set(label: str) -> Callable[[Callable[[], Shape]], Callable[[], Shape]]:
    """Puts a shape into `MODELS`, under the function's name; components weigh the same."""

    def add(shape: Callable[[], Shape]) -> Callable[[], Shape]:
        reference = "A Gaussian mixture drawn for this project; its denoiser is a closed form"
        make = partial(_mixture, shape, label, reference)
        MODELS.add(ModelEntry(shape.__name__, label, make, reference))
        return shape

    return add


def _mixture(shape: Callable[[], Shape], label: str, reference: str) -> Mixture:
    means, covariances = shape()
    weights = np.full(len(means), 1 / len(means))
    licence = "Apache-2.0, part of this project"
    return Mixture(
        shape.__name__,
        weights,
        means - means.mean(axis=0),
        covariances,
        label=label,
        reference=reference,
        licence=licence,
    )


def dots(means: np.ndarray, std: float) -> Shape:
    """Round components."""
    return means, std**2 * np.tile(np.eye(2), (len(means), 1, 1))


def stroke(line: np.ndarray, spacing: float, width: float | tuple[float, float]) -> Shape:
    """A line (N, 2) drawn with a brush: components about `spacing` apart, long along the line.

    A standard deviation of half the spacing makes the density along the line even to 1.5 %.
    `width` is the standard deviation across, or those at both ends.
    """
    lengths = np.hypot(*np.diff(line, axis=0).T)
    along = np.concatenate([[0], np.cumsum(lengths)])
    num = max(2, round(along[-1] / spacing))
    at = (np.arange(num) + 0.5) / num * along[-1]
    means = np.stack([np.interp(at, along, line[:, i]) for i in (0, 1)], axis=1)
    segment = np.searchsorted(along, at, side="right") - 1
    tangent = np.diff(line, axis=0)[segment] / lengths[segment, None]
    normal = np.stack([-tangent[:, 1], tangent[:, 0]], axis=1)
    ends = width if isinstance(width, tuple) else (width, width)
    across = np.linspace(*ends, num)[:, None, None]
    return means, (along[-1] / num / 2) ** 2 * _outer(tangent) + across**2 * _outer(normal)


def _outer(v: np.ndarray) -> np.ndarray:
    return v[:, :, None] * v[:, None, :]


def together(*shapes: Shape) -> Shape:
    return np.concatenate([s[0] for s in shapes]), np.concatenate([s[1] for s in shapes])


def arc(centre: tuple[float, float], radius: float, start: float, end: float) -> np.ndarray:
    """Points on a circle from angle `start` to `end`, in degrees: (N, 2)."""
    angle = np.radians(np.linspace(start, end, 181))
    return np.asarray(centre) + radius * np.stack([np.cos(angle), np.sin(angle)], axis=1)


@point_set("Checkerboard")
def checkerboard() -> Shape:
    """Eight squares of a 4 x 4 board on [-1, 1]^2, each 5 x 5 components half a spacing wide."""
    spacing = 0.1
    inside = (np.arange(5) + 0.5) * spacing
    squares = [(i, j) for i in range(4) for j in range(4) if (i + j) % 2 == 0]
    means = [(i / 2 + x - 1, j / 2 + y - 1) for i, j in squares for x in inside for y in inside]
    return dots(np.array(means), spacing / 2)


@point_set("Ring of 8 Gaussians")
def gaussians() -> Shape:
    angle = 2 * np.pi * np.arange(8) / 8
    return dots(np.stack([np.cos(angle), np.sin(angle)], axis=1), 0.06)


@point_set("Grid of 64 Gaussians")
def grid() -> Shape:
    """8 x 8 on linspace(-1, 1, 8)^2, standard deviation .03."""
    ticks = np.linspace(-1, 1, 8)
    return dots(np.stack(np.meshgrid(ticks, ticks), axis=-1).reshape(-1, 2), 0.03)


@point_set("Two moons")
def moons() -> Shape:
    upper = stroke(arc((-0.35, -0.2), 0.7, 0, 180), 0.1, 0.05)
    lower = stroke(arc((0.35, 0.2), 0.7, 180, 360), 0.1, 0.05)
    return together(upper, lower)


@point_set("Spiral")
def spiral() -> Shape:
    """Two turns; the radius grows evenly with the angle."""
    turn = np.linspace(0.25, 2.25, 400)
    angle = 2 * np.pi * turn
    line = (0.45 * turn * np.stack([np.cos(angle), np.sin(angle)])).T
    return stroke(line, 0.07, 0.02)


@point_set("Pinwheel")
def pinwheel() -> Shape:
    """Five arms that bend, and widen, towards their ends."""
    reach = np.linspace(0.25, 1.1, 200)
    shapes = []
    for arm in range(5):
        angle = 2 * np.pi * arm / 5 + 0.9 * reach
        line = reach * np.stack([np.cos(angle), np.sin(angle)])
        shapes.append(stroke(line.T, 0.1, (0.02, 0.09)))
    return together(*shapes)


@point_set('Letters "AYS"')
def letters() -> Shape:
    """The three letters as lines and arcs, drawn here."""
    a = [[(-1.2, -0.6), (-0.8, 0.6), (-0.4, -0.6)], [(-1.06, -0.18), (-0.54, -0.18)]]
    y = [[(-0.36, 0.6), (0.0, 0.0), (0.36, 0.6)], [(0.0, 0.0), (0.0, -0.6)]]
    s = np.concatenate([arc((0.8, 0.3), 0.3, 30, 270), arc((0.8, -0.3), 0.3, 90, -150)])
    straight = [np.array(piece) for line in (*a, *y) for piece in pairwise(line)]
    return together(*(stroke(line, 0.07, 0.02) for line in (*straight, s)))

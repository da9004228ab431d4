"""The creatures of the little scenes: fish, butterfly, cat."""

from __future__ import annotations

import math

from canvas import CREAM, INK, WHITE, Canvas, Colour, mix, paint, shade
from places import land, room, underwater


def fish(c: Canvas) -> None:
    underwater(c)
    skin = c.colour(c.pick(0.03, 0.08, 0.13, 0.3, 0.55, 0.8, 0.95), c.u(0.65, 0.95), c.u(0.88, 1))
    mark = WHITE if c.chance(0.5) else c.colour(paint(c), c.u(0.4, 0.8), 1)
    fin = shade(skin, 0.75)
    width = c.pick(-1, 1) * c.u(0.25, 0.31)  # mirrored, it swims to the left
    f = c.at(c.u(0.44, 0.56), c.u(0.4, 0.55), width, c.u(0.15, 0.21))
    f.polygon([(-0.75, 0), (-1.5, -0.8), (-1.3, 0), (-1.5, 0.8)], fin)
    f.polygon([(-0.5, -0.7), (0, -1.5), (0.4, -0.8)], fin)
    f.polygon([(-0.3, 0.8), (-0.2, 1.4), (0.2, 0.85)], fin)
    f.ellipse(0, 0, 1, 1, skin)
    f.ellipse(0.05, 0.45, 0.75, 0.45, mix(skin, CREAM, 0.5))
    if c.chance(0.7):
        for x in (-0.45, 0.1):
            top, low = 0.97 * math.sqrt(1 - x**2), 0.97 * math.sqrt(1 - (x + 0.16) ** 2)
            front = [(x + 0.2, -top), (x + 0.32, 0), (x + 0.2, low)]
            f.polygon([(x, -top), *front, (x, low), (x + 0.1, 0)], mark)
    f.leaf(-0.07, 0.25, 0.5, 0.45, math.pi - 0.5, fin)
    f.disc(0.62, -0.25, 0.24, WHITE)
    f.disc(0.67, -0.25, 0.14, INK)
    f.disc(0.64, -0.33, 0.055, WHITE)
    f.line([(0.97, 0.2), (0.75, 0.36)], 0.1, shade(skin, 0.5))


def butterfly(c: Canvas) -> None:
    land(c, c.u(0.74, 0.84))
    wing = c.colour(c.pick(0.04, 0.1, 0.15, 0.55, 0.62, 0.8, 0.92), c.u(0.65, 0.95), c.u(0.88, 1))
    spot = c.colour(paint(c), c.u(0.25, 0.8), 1)
    lift, size = c.u(-0.15, 0.2), c.u(0.92, 1.1)
    b = c.at(c.u(0.46, 0.54), c.u(0.42, 0.5), 1)
    for half in (b.at(0, 0, -1), b):
        quarter(half, 0.36 * size, 0.24 * size, 0.94, shade(wing, 0.85), spot)
        quarter(half, 0.47 * size, 0.32 * size, -0.69 - lift, wing, spot)
        half.line([(0, -0.16), (0.05, -0.28), (0.11, -0.34)], 0.02, INK)
        half.disc(0.11, -0.34, 0.022, INK)
    b.ellipse(0, 0.04, 0.036, 0.2, INK)
    b.disc(0, -0.16, 0.045, INK)


def quarter(
    c: Canvas, length: float, width: float, angle: float, wing: Colour, spot: Colour
) -> None:
    """One of a butterfly's four wings."""
    dx, dy = math.cos(angle), math.sin(angle)
    c.leaf(0, 0, length, width, angle, mix(shade(wing, 0.3), INK, 0.4))
    c.leaf(0.02 * dx, 0.02 * dy, length - 0.055, width - 0.06, angle, wing)
    c.disc(0.66 * length * dx, 0.66 * length * dy, width * 0.2, spot)
    c.disc(0.34 * length * dx, 0.34 * length * dy, width * 0.12, mix(wing, WHITE, 0.5))


def cat(c: Canvas) -> None:
    room(c)
    coats = (0.07, 0.65, 0.97), (0.08, 0.12, 0.97), (0.6, 0.12, 0.62), (0.07, 0.35, 0.32)
    coat = c.pick(*coats)
    fur, dark = c.colour(*coat), coat[2] < 0.5
    pink, pale = c.colour(0.97, 0.4, 0.95), mix(fur, WHITE, 0.3 if dark else 0.75)
    iris = c.colour(c.pick(0.13, 0.3, 0.52), 0.75, 1)
    h = c.at(c.u(0.46, 0.54), c.u(0.47, 0.54), c.u(0.29, 0.33))
    h.ellipse(0, 1.6, 0.95, 0.95, shade(fur, 0.88))
    h.ellipse(0, 1.6, 0.5, 0.7, pale)
    halves = h.at(0, 0, -1), h
    for half in halves:
        half.polygon([(0.98, -0.1), (0.86, -1.3), (0.12, -0.72)], fur)
        half.polygon([(0.82, -0.4), (0.77, -1.03), (0.36, -0.72)], pink)
    h.ellipse(0, 0.02, 1.04, 0.88, shade(fur, 0.8))
    h.ellipse(0, 0, 1.02, 0.86, fur)
    if c.chance(0.6):
        for x in (-0.27, 0, 0.27):
            h.leaf(x, -0.82, 0.42, 0.13, math.pi / 2, shade(fur, 1.5 if dark else 0.62))
    h.ellipse(0, 0.42, 0.5, 0.34, pale)
    for half in halves:
        half.ellipse(0.45, -0.08, 0.26, 0.28, shade(fur, 0.5))
        half.ellipse(0.45, -0.08, 0.22, 0.25, iris)
        half.ellipse(0.45, -0.08, 0.1, 0.21, INK)
        for tip in (0.25, 0.56):
            half.line([(0.5, 0.42), (1.3, tip)], 0.045, WHITE if dark else shade(fur, 0.55))
    for x in (-0.38, 0.52):
        h.disc(x, -0.18, 0.065, WHITE)
    h.line([(0, 0.38), (0, 0.54)], 0.05, INK)
    h.polygon([(-0.14, 0.26), (0.14, 0.26), (0, 0.42)], shade(pink, 0.85))
    if c.chance(0.5):
        h.line([(-0.62, 0.92), (0, 1.02), (0.62, 0.92)], 0.16, c.colour(paint(c), 0.75, 0.9))
        h.disc(0, 1.08, 0.15, (255, 208, 70))

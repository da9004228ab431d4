"""Where the little scenes take place: under a sky, on land, at sea, under water, in a room."""

from __future__ import annotations

import math

import numpy as np
from canvas import CREAM, INK, WHITE, Canvas, Colour, mix, shade, wave

DIM = {"night": 0.6, "dusk": 0.8}  # how bright the ground is; 1 elsewhere


def sky(c: Canvas) -> tuple[str, Colour]:
    """Fills the canvas; gives the mood and the colour at the horizon."""
    mood = c.pick("day", "day", "day", "dusk", "dusk", "night", "night", "dawn")
    top, low = {
        "day": ((c.u(0.55, 0.61), c.u(0.55, 0.8), c.u(0.82, 1)), (c.u(0.5, 0.56), 0.2, 1)),
        "dusk": ((c.u(0.7, 0.84), c.u(0.5, 0.7), c.u(0.42, 0.6)), (c.u(0.02, 0.1), 0.62, 1)),
        "night": ((c.u(0.62, 0.7), 0.8, c.u(0.14, 0.24)), (c.u(0.58, 0.74), 0.55, c.u(0.4, 0.55))),
        "dawn": ((c.u(0.44, 0.55), 0.3, c.u(0.78, 0.9)), (c.u(0.09, 0.15), 0.28, 1)),
    }[mood]
    horizon = c.colour(*low)
    c.fade(c.colour(*top), horizon)
    if mood == "night":
        for _ in range(c.count(6, 12)):
            c.disc(c.u(0, 1), c.u(0, 0.6), c.u(0.008, 0.016), CREAM)
    if c.chance(0.75):
        light(c.at(c.u(0.1, 0.9), c.u(0.1, 0.26), c.u(0.06, 0.1)), mood)
    if mood != "night":
        for _ in range(c.pick(0, 1, 1, 2)):
            size = c.u(0.07, 0.12)
            cloud(c.at(c.u(0.05, 0.95), c.u(0.08, 0.36), size), mix(WHITE, horizon, 0.15))
    return mood, horizon


def light(c: Canvas, mood: str) -> None:
    """Sun or moon with a soft glow."""
    moon = mood == "night"
    colour = c.colour(0.14, 0.12, 0.97) if moon else c.colour(c.u(0.1, 0.15), 0.45, 1)
    for glow in (1.7, 1.35):
        c.disc(0, 0, glow, colour, 0.18)
    c.disc(0, 0, 1, colour)
    if moon:
        c.disc(0.3, -0.2, 0.22, shade(colour, 0.86))


def cloud(c: Canvas, colour: Colour) -> None:
    c.ellipse(0, 0.25, 1.5, 0.35, shade(colour, 0.93))
    for x, y, r in ((-0.75, 0, 0.5), (0.7, 0.02, 0.48), (0, -0.22, 0.68)):
        c.disc(x, y, r, colour)


def land(c: Canvas, base: float) -> None:
    """Sky, hills far and near, and a meadow or sand from y = base down."""
    mood, horizon = sky(c)
    hue, saturation = (c.u(0.22, 0.38), c.u(0.5, 0.75)) if c.chance(0.8) else (0.11, 0.5)
    ground = c.colour(hue, saturation, DIM.get(mood, 1) * c.u(0.55, 0.8))
    if c.chance(0.65):
        peak = c.at(c.u(0.05, 0.95), base + 0.03, c.u(0.28, 0.45), c.u(0.2, 0.35))
        mountain(peak, mix(ground, horizon, 0.45), snow=c.chance(0.4))
    if c.chance(0.5):
        c.below(wave(base - 0.06, 0.05, c.u(0, 6)), mix(ground, horizon, 0.25))
    c.below(wave(base, 0.012, c.u(0, 6)), ground)
    c.below(wave(base + 0.16, 0.02, c.u(0, 6)), shade(ground, 0.86))
    for _ in range(14):
        x, y = c.u(0, 1), c.u(base + 0.05, 1)
        c.line([(x, y), (x + c.u(-0.02, 0.02), y - 0.045)], 0.016, shade(ground, c.u(0.75, 1.3)))


def mountain(c: Canvas, colour: Colour, snow: bool) -> None:
    c.polygon([(-1, 0), (0, -1), (1, 0)], colour)
    c.polygon([(0, -1), (1, 0), (0.25, 0)], shade(colour, 0.85))
    if snow:
        cap = [(0, -1), (0.3, -0.7), (0.08, -0.76), (-0.06, -0.64), (-0.28, -0.72)]
        c.polygon(cap, WHITE)


def sea(c: Canvas, base: float) -> Colour:
    """Sky, and water from y = base down; gives the water's colour."""
    mood, horizon = sky(c)
    value = DIM.get(mood, 1) * c.u(0.6, 0.85)
    water = c.colour(c.u(0.5, 0.62), c.u(0.55, 0.8), value)
    c.fade(mix(water, horizon, 0.3), shade(water, 0.8), base)
    for _ in range(14):
        x, y = c.u(0, 1), c.u(base + 0.04, 0.99)
        w = 0.12 * (y - base) + c.u(0.02, 0.06)
        c.line([(x - w, y), (x + w, y)], 0.016, mix(water, WHITE, c.u(0.15, 0.45)))
    return water


def underwater(c: Canvas) -> None:
    hue = c.u(0.48, 0.58)
    top = c.colour(hue, c.u(0.4, 0.65), c.u(0.82, 0.98))
    c.fade(top, c.colour(hue + 0.07, c.u(0.75, 0.95), c.u(0.28, 0.5)))
    for _ in range(c.count(0, 3)):
        x, w = c.u(0, 0.9), c.u(0.05, 0.1)
        c.polygon([(x, 0), (x + w, 0), (x - 0.15, 0.9), (x - 0.25 - w, 0.9)], top, 0.25)
    sand = c.colour(c.u(0.1, 0.13), c.u(0.35, 0.5), c.u(0.7, 0.92))
    c.below(wave(0.9, 0.015, c.u(0, 6)), sand)
    for _ in range(c.count(1, 3)):
        weed(c.at(c.pick(c.u(0.03, 0.25), c.u(0.75, 0.97)), 0.95, 1))
    for _ in range(c.count(2, 5)):
        bubble = c.at(c.u(0.05, 0.95), c.u(0.05, 0.7), c.u(0.016, 0.034))
        bubble.disc(0, 0, 1, (225, 245, 255), 0.55)
        bubble.disc(-0.3, -0.3, 0.4, WHITE)


def weed(c: Canvas) -> None:
    green, sway, height = c.colour(c.u(0.28, 0.45), 0.75, c.u(0.4, 0.65)), c.u(0, 6), c.u(0.2, 0.4)
    stem = [(0.025 * math.sin(9 * k + sway), -height * k) for k in np.linspace(0, 1, 8)]
    c.line(stem, 0.035, green)
    for k, lean in ((2, 0.8), (4, -0.8), (6, 0.8)):
        c.leaf(*stem[k], 0.09, 0.04, lean - math.pi / 2, shade(green, 1.2))


def room(c: Canvas) -> None:
    """A papered wall."""
    hue = c.u(0, 1)
    wall = c.colour(hue, c.u(0.2, 0.5), c.u(0.75, 0.98))
    c.fade(wall, c.colour(hue + c.u(-0.06, 0.06), c.u(0.35, 0.65), c.u(0.55, 0.8)))
    paper = c.pick("plain", "stripes", "dots")
    if paper == "stripes":
        num = c.count(4, 6)
        for k in range(num):
            x, x1 = k / num, (k + 0.5) / num
            c.polygon([(x, 0), (x1, 0), (x1, 1), (x, 1)], WHITE, 0.22)
    elif paper == "dots":
        for row in range(5):
            for column in range(5):
                c.disc((column + row % 2 / 2) / 4.5, (row + 0.4) / 5, 0.03, WHITE, 0.4)


def shadow(c: Canvas, x: float, y: float, width: float) -> None:
    c.ellipse(x, y, width, width * 0.24, INK, 0.3)

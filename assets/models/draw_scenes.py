"""Ten kinds of little scenes, drawn from ellipses and polygons: the world of the embedded models.

`render` varies everything, without end: what a network is trained on. `archetype` fixes what is
drawn where and varies the colours alone, so that its pictures are nearly a low-rank Gaussian.
There are no fonts and no photographs in it.
"""

from __future__ import annotations

import math

import numpy as np
from canvas import CREAM, INK, WHITE, Canvas, Colour, Point, mix, paint, shade
from creatures import butterfly, cat, fish
from places import land, sea, shadow

PI = math.pi


def render(rng: np.random.Generator, cls: int, size: int = 32) -> np.ndarray:
    """A picture of class `cls` (an index into `CLASSES`): uint8 (size, size, 3)."""
    return _draw(Canvas(rng, size=size), cls)


def archetype(cls: int, pose: int, num: int, size: int = 32) -> np.ndarray:
    """`num` pictures of one scene in varied colours: uint8 (num, size, size, 3)."""
    jitter = np.random.default_rng([cls, pose, 1])
    same = [np.random.default_rng([cls, pose, 0]) for _ in range(num)]
    return np.stack([_draw(Canvas(rng, jitter, size), cls) for rng in same])


def _draw(c: Canvas, cls: int) -> np.ndarray:
    THINGS[cls](c)
    return c.pixels()


def flower(c: Canvas) -> None:
    land(c, c.u(0.7, 0.8))
    head, foot = (c.u(0.42, 0.58), c.u(0.34, 0.42)), (c.u(0.42, 0.58), 0.95)
    waist = ((head[0] + foot[0]) / 2 + c.u(-0.03, 0.03), 0.68)
    green = c.colour(c.u(0.27, 0.37), 0.75, c.u(0.4, 0.6))
    petal = c.colour(c.pick(0.0, 0.07, 0.13, 0.6, 0.76, 0.84, 0.93), c.u(0.6, 0.95), c.u(0.9, 1))
    shadow(c, *foot, 0.16)
    c.line([head, waist, foot], 0.05, green)
    for lean in (-c.u(0.9, 1.2), c.u(0.9, 1.2)):
        c.leaf(waist[0], c.u(0.74, 0.86), 0.24, 0.1, lean - PI / 2, shade(green, 1.15))
    bloom = tulip if c.chance(0.25) else blossom
    bloom(c.at(*head, 0.3), petal)


def blossom(c: Canvas, petal: Colour) -> None:
    num, turn, r = c.pick(5, 6, 8, 11), c.u(0, 6), c.u(0.9, 1.07)
    width = min(0.8, 3.5 * r / num)
    for size, colour in ((1.0, shade(petal, 0.72)), (0.9, petal), (0.62, shade(petal, 0.84))):
        for k in range(num):
            c.leaf(0, 0, r * size, width * size, turn + 2 * PI * k / num, colour)
    heart = c.colour(0.12, 0.85, 1) if c.chance(0.7) else c.colour(0.07, 0.7, 0.4)
    c.disc(0, 0, 0.35, shade(heart, 0.75))
    c.disc(0, 0, 0.28, heart)
    c.disc(-0.08, -0.1, 0.1, mix(heart, WHITE, 0.6))


def tulip(c: Canvas, petal: Colour) -> None:
    for lean in (-1, 1):
        c.leaf(lean * 0.23, 0.43, 1.2, 0.67, lean * 0.3 - PI / 2, shade(petal, 0.8))
    c.leaf(0, 0.43, 1.2, 0.67, -PI / 2, petal)
    c.ellipse(0, 0.27, 0.5, 0.33, petal)
    c.leaf(-0.1, 0.2, 0.67, 0.17, -PI / 2, mix(petal, WHITE, 0.4))


def house(c: Canvas) -> None:
    base = c.u(0.66, 0.74)
    land(c, base)
    wall = c.colour(c.pick(0.09, 0.13, 0.5, 0.6, 0.95), c.u(0.1, 0.5), c.u(0.85, 1))
    tiles = c.colour(c.pick(0.0, 0.02, 0.06, 0.6, 0.75), c.u(0.55, 0.85), c.u(0.5, 0.75))
    side = c.pick(-1, 1)  # where the door is; the chimney and the window are on the other
    h = c.at(c.u(0.42, 0.58), base + c.u(0.1, 0.15), side * c.u(0.23, 0.31), 0.3)
    shadow(h, 0, 0, 1.25)
    eaves = -c.u(0.87, 1.2)
    top = eaves - c.u(0.6, 0.93)
    if c.chance(0.7):
        chimney(h.at(-0.55, top, 0.18, 0.3), shade(tiles, 0.65))
    sunny, shady = (-1.25, 1.25) if side > 0 else (1.25, -1.25)
    h.box(-1, eaves, 1, 0, wall)
    h.box(shady * 0.48, eaves, shady * 0.8, 0, shade(wall, 0.86))
    h.polygon([(-1.25, eaves), (0, top), (1.25, eaves)], tiles)
    h.polygon([(0, top), (shady, eaves), (shady * 0.3, eaves)], shade(tiles, 0.8))
    h.line([(sunny, eaves), (shady, eaves)], 0.11, shade(tiles, 0.6))
    h.box(0.22, -0.7, 0.7, 0, c.colour(paint(c), 0.65, c.u(0.35, 0.6)), corner=0.08)
    h.disc(0.58, -0.3, 0.05, CREAM)
    h.box(-0.78, eaves + 0.17, -0.14, eaves + 0.7, WHITE)
    h.box(-0.68, eaves + 0.25, -0.24, eaves + 0.62, CREAM if c.chance(0.5) else (165, 215, 248))
    h.line([(-0.46, eaves + 0.2), (-0.46, eaves + 0.66)], 0.07, WHITE)


def chimney(c: Canvas, brick: Colour) -> None:
    c.box(-1, 0, 1, 2, brick)
    if c.chance(0.5):
        for k in range(3):
            c.disc(0.6 * k, -0.8 - 0.95 * k, 0.4 + 0.16 * k, WHITE, 0.75 - 0.15 * k)


def tree(c: Canvas) -> None:
    base = c.u(0.68, 0.76)
    land(c, base)
    x, foot = c.u(0.42, 0.58), base + c.u(0.1, 0.15)
    bark = c.colour(c.u(0.05, 0.09), 0.55, c.u(0.35, 0.5))
    shadow(c, x, foot, 0.22)
    trunk = c.at(x, foot, c.u(0.04, 0.06), foot - 0.4)
    trunk.polygon([(-1, -1), (1, -1), (1.5, 0), (-1.5, 0)], bark)
    trunk.polygon([(0, -1), (1, -1), (1.5, 0), (0, 0)], shade(bark, 0.75))
    if c.chance(0.55):
        crown(c.at(x, c.u(0.32, 0.38), c.u(0.15, 0.18)))
    else:
        fir(c.at(x, foot - 0.1, c.u(0.24, 0.3), foot - 0.1 - c.u(0.06, 0.14)))


def crown(c: Canvas) -> None:
    hue = c.pick(0.25, 0.3, 0.34, 0.12, 0.06, 0.94)
    leaves = c.colour(hue, c.u(0.5, 0.85), c.u(0.6, 0.88))
    tufts = [(-1, 0.3), (1, 0.3), (0, -0.8), (-0.6, -0.37), (0.6, -0.37), (0, 0.43)]
    for x, y in tufts:
        c.disc(x, y + 0.12, 1, shade(leaves, 0.72))
    for x, y in tufts:
        c.disc(x * 0.85 - 0.12, y * 0.85 - 0.09, 0.85, leaves)
    for x, y in ((-0.8, -0.12), (-0.12, -0.93)):
        c.disc(x, y, 0.5, mix(leaves, CREAM, 0.28))
    if c.chance(0.45):
        fruit = c.colour(c.pick(0.0, 0.1, 0.95), 0.8, 1)
        for x, y in ((-1.2, 0.4), (-0.5, 0.6), (0.3, -0.25), (1.05, 0.5), (0.6, -1.05)):
            c.disc(x + c.u(-0.12, 0.12), y, 0.21, fruit)


def fir(c: Canvas) -> None:
    """Three tiers on a height of 1."""
    needles = c.colour(c.u(0.34, 0.46), c.u(0.5, 0.8), c.u(0.4, 0.62))
    snow = c.chance(0.35)
    for low, high, half in ((0, -0.46, 1), (-0.27, -0.75, 0.78), (-0.54, -1.04, 0.55)):
        c.polygon([(-half, low), (0, high), (half, low)], needles)
        c.polygon([(0, high), (half, low), (half * 0.2, low)], shade(needles, 0.75))
        c.line([(-half, low), (half, low)], 0.06, WHITE if snow else shade(needles, 0.6))
    if snow:
        c.polygon([(-0.19, -0.86), (0, -1.04), (0.19, -0.86)], WHITE)


def sailboat(c: Canvas) -> None:
    base = c.u(0.6, 0.68)
    water = sea(c, base)
    hull = c.colour(c.pick(0.0, 0.05, 0.08, 0.6, 0.85), c.u(0.6, 0.9), c.u(0.55, 0.9))
    main = c.colour(paint(c), c.pick(0.04, 0.5, 0.75), 1)
    jib = c.colour(paint(c), c.u(0.3, 0.85), c.u(0.9, 1))
    deck = base + c.u(0.04, 0.1)
    side = c.pick(-1, 1)  # where the main sail is
    b = c.at(c.u(0.43, 0.57), deck, side * c.u(0.26, 0.33), 0.3)
    b.ellipse(0, 0.5, 0.95, 0.17, shade(water, 0.55), 0.6)
    top = -(deck - c.u(0.08, 0.16)) / 0.3
    b.line([(0, 0), (0, top)], 0.1, (92, 62, 44))
    b.polygon([(0.1, top), (0.1, -0.13), (1, -0.13)], main)
    if c.chance(0.5):
        for down in (0.35, 0.65):
            y, x = top * (1 - down), down + 0.02
            b.polygon([(0.1, y), (x, y), (x + 0.1, y + 0.18), (0.1, y + 0.18)], jib)
    b.polygon([(-0.1, top + 0.23), (-0.1, -0.13), (-0.8, -0.13)], jib)
    b.polygon([(-1, 0), (1, 0), (0.72, 0.5), (-0.72, 0.5)], hull)
    b.polygon([(-0.85, 0.28), (0.85, 0.28), (0.72, 0.5), (-0.72, 0.5)], shade(hull, 0.72))
    b.line([(-1, 0.02), (1, 0.02)], 0.09, mix(hull, WHITE, 0.55))
    if c.chance(0.5):
        b.polygon([(0, top - 0.2), (-0.4, top - 0.07), (0, top + 0.07)], jib)


def mushroom(c: Canvas) -> None:
    base = c.u(0.68, 0.76)
    land(c, base)
    cap = c.colour(c.pick(0.0, 0.99, 0.03, 0.07, 0.6, 0.76), c.u(0.65, 0.95), c.u(0.75, 0.98))
    stalk = c.colour(c.u(0.08, 0.13), c.u(0.06, 0.2), c.u(0.9, 1))
    x, foot = c.u(0.44, 0.56), base + c.u(0.1, 0.17)
    if c.chance(0.4):
        toadstool(c.at(x + c.pick(-0.32, 0.32), foot + 0.02, 0.13), 1.1, cap, stalk)
    toadstool(c.at(x, foot, c.u(0.26, 0.33)), c.u(0.9, 1.15), cap, stalk)


def toadstool(c: Canvas, height: float, cap: Colour, stalk: Colour) -> None:
    """A cap of radius 1 at `height` above the ground."""
    shadow(c, 0, 0, 0.75)
    c.polygon([(-0.27, -height), (0.27, -height), (0.4, 0), (-0.4, 0)], stalk)
    c.polygon([(0.07, -height), (0.27, -height), (0.4, 0), (0.13, 0)], shade(stalk, 0.84))
    c.ellipse(0, 0, 0.4, 0.12, shade(stalk, 0.92))
    top = c.at(0, -height, 1)
    top.ellipse(0, 0.03, 0.98, 0.24, shade(cap, 0.55))
    top.ellipse(0, 0, 0.8, 0.14, shade(stalk, 0.75))
    dome = [(-math.cos(a), -1.15 * math.sin(a)) for a in np.linspace(0, PI, 24)]
    top.polygon([*dome, (0.6, 0.06), (-0.6, 0.06)], cap)
    top.leaf(-0.75, -0.4, 0.6, 0.16, -0.85, mix(cap, WHITE, 0.3))
    for x, y, r in ((-0.55, -0.26, 0.15), (0.1, -0.82, 0.16), (0.58, -0.32, 0.14)):
        top.ellipse(x, y, r, r * 0.9, WHITE)
    for x, y, r in ((0.02, -0.34, 0.17), (-0.4, -0.72, 0.1), (0.52, -0.7, 0.1)):
        top.ellipse(x, y, r, r * 0.9, WHITE)


def balloon(c: Canvas) -> None:
    land(c, c.u(0.84, 0.92))
    bright = c.colour(paint(c), c.u(0.65, 0.95), c.u(0.88, 1))
    other = WHITE if c.chance(0.3) else c.colour(paint(c), c.u(0.35, 0.85), c.u(0.9, 1))
    if c.chance(0.35):
        airship(c.at(c.pick(0.12, 0.88), c.u(0.45, 0.6), 0.075), (other, bright), 2)
    airship(c.at(c.u(0.42, 0.58), c.u(0.33, 0.4), c.u(0.25, 0.3)), (bright, other), c.count(2, 4))


def airship(c: Canvas, stripes: tuple[Colour, Colour], num: int) -> None:
    """An envelope of radius 1 with 2 num - 1 gores, ropes and a basket."""
    for i in range(num):
        f = 1 - 2 * i / (2 * num - 1)
        c.ellipse(0, 0, f, 1, stripes[i % 2])
        neck = [(-0.81 * f, 0.58), (0.81 * f, 0.58), (0.22 * f, 1.32), (-0.22 * f, 1.32)]
        c.polygon(neck, stripes[i % 2])
    c.leaf(-0.62, -0.1, 0.62, 0.2, -PI * 0.33, WHITE, 0.45)
    for side in (-1, 1):
        c.line([(side * 0.2, 1.32), (side * 0.17, 1.68)], 0.05, INK)
    c.box(-0.25, 1.68, 0.25, 2.02, (146, 92, 52), corner=0.07)
    c.box(-0.25, 1.68, 0.25, 1.78, (205, 150, 92))


def cactus(c: Canvas) -> None:
    base = c.u(0.7, 0.78)
    land(c, base)
    x, foot = c.u(0.44, 0.56), base + c.u(0.1, 0.15)
    green = c.colour(c.u(0.3, 0.44), c.u(0.5, 0.75), c.u(0.5, 0.75))
    w, top = c.u(0.085, 0.11), c.u(0.14, 0.24) - foot
    shadow(c, x, foot, 0.24)
    p = c.at(x, foot, 1)
    for half in (p.at(0, 0, -1), p):
        if c.chance(0.85):
            elbow, tip = c.u(-0.38, -0.26), c.u(0.14, 0.24)
            half.box(0, elbow, 0.22, elbow + 0.1, shade(green, 0.8), corner=0.04)
            column(
                p, math.copysign(0.22, half.scale[0]), (elbow - tip, elbow + 0.1), w * 0.68, green
            )
    column(p, 0, (top, 0), w, green)
    if c.chance(0.6):
        bloom = c.colour(c.u(0.87, 1.02), 0.65, 1)
        for k in range(5):
            p.leaf(0, top + 0.02, 0.1, 0.07, 0.55 * (k - 2) - PI / 2, bloom)
        p.disc(0, top, 0.028, CREAM)
    if c.chance(0.5):
        clay = c.colour(c.u(0.02, 0.07), 0.65, c.u(0.7, 0.85))
        p.polygon([(-0.17, -0.1), (0.17, -0.1), (0.12, 0.06), (-0.12, 0.06)], clay)
        p.box(-0.19, -0.14, 0.19, -0.07, shade(clay, 1.15), corner=0.02)


def column(c: Canvas, x: float, ends: Point, w: float, green: Colour) -> None:
    """A rounded column of half width `w`, lit from the left."""
    top, low = ends
    c.box(x - w, top, x + w, low, shade(green, 0.7), corner=w)
    c.box(x - w, top, x + w * 0.55, low, green, corner=w * 0.75)
    ridge = x - w * 0.45
    c.line([(ridge, top + w * 0.9), (ridge, low - w * 0.6)], 0.02, mix(green, CREAM, 0.45))


THINGS = (flower, house, tree, sailboat, mushroom, fish, butterfly, balloon, cat, cactus)
CLASSES = tuple(thing.__name__ for thing in THINGS)

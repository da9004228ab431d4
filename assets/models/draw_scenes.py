"""Ten kinds of little scenes, drawn from ellipses and polygons: the world of the embedded models.

`render` varies everything, without end: what a network is trained on. `archetype` fixes what is
drawn where and varies the colours alone, so that its pictures are nearly a low-rank Gaussian.

Nothing here is measured from other pictures; there are no fonts and no photographs.
"""

from __future__ import annotations

import math

import numpy as np
from canvas import Canvas, Colour, mix, shade, wave

WHITE, CREAM, INK = (250, 250, 252), (255, 244, 190), (34, 28, 36)
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
    list(DRAW.values())[cls](c)
    return c.pixels()


# Places


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
    if c.chance(0.75):
        light(c, mood)
    if mood == "night":
        for _ in range(c.count(6, 12)):
            c.disc(c.u(0, 1), c.u(0, 0.6), c.u(0.008, 0.016), (255, 255, 235))
    else:
        for _ in range(c.pick(0, 1, 1, 2)):
            cloud(c, c.u(0.05, 0.95), c.u(0.08, 0.36), c.u(0.07, 0.12), mix(WHITE, horizon, 0.15))
    return mood, horizon


def light(c: Canvas, mood: str) -> None:
    """Sun or moon with a soft glow."""
    x, y, r = c.u(0.1, 0.9), c.u(0.1, 0.26), c.u(0.06, 0.1)
    colour = c.colour(0.14, 0.12, 0.97) if mood == "night" else c.colour(c.u(0.1, 0.15), 0.45, 1)
    for glow in (1.7, 1.35):
        c.disc(x, y, r * glow, colour, 0.18)
    c.disc(x, y, r, colour)
    if mood == "night":
        c.disc(x + r * 0.3, y - r * 0.2, r * 0.22, shade(colour, 0.86))


def cloud(c: Canvas, x: float, y: float, w: float, colour: Colour) -> None:
    c.ellipse(x, y + w * 0.25, w * 1.5, w * 0.35, shade(colour, 0.93))
    for dx, dy, r in ((-0.75, 0, 0.5), (0.7, 0.02, 0.48), (0, -0.22, 0.68)):
        c.disc(x + dx * w, y + dy * w, r * w, colour)


def land(c: Canvas, base: float) -> Colour:
    """Sky, hills far and near, and a meadow or sand from y = base down; gives the ground colour."""
    mood, horizon = sky(c)
    dim = {"night": 0.6, "dusk": 0.8}.get(mood, 1.0)
    hue, saturation = (c.u(0.22, 0.38), c.u(0.5, 0.75)) if c.chance(0.8) else (0.11, 0.5)
    ground = c.colour(hue, saturation, dim * c.u(0.55, 0.8))
    if c.chance(0.65):
        mountain(c, base, mix(ground, horizon, 0.45), snow=c.chance(0.4))
    if c.chance(0.5):
        c.polygon(
            [*wave(0, 1, base - 0.06, 0.05, c.u(0, 6)), (1, 1), (0, 1)], mix(ground, horizon, 0.25)
        )
    edge = wave(0, 1, base, 0.012, c.u(0, 6))
    c.polygon([*edge, (1, 1), (0, 1)], ground)
    c.polygon([*wave(0, 1, base + 0.16, 0.02, c.u(0, 6)), (1, 1), (0, 1)], shade(ground, 0.86))
    for _ in range(14):
        x, y = c.u(0, 1), c.u(base + 0.05, 1)
        c.line([(x, y), (x + c.u(-0.02, 0.02), y - 0.045)], 0.016, shade(ground, c.u(0.75, 1.3)))
    return ground


def mountain(c: Canvas, base: float, colour: Colour, snow: bool) -> None:
    x, w, h = c.u(0.05, 0.95), c.u(0.28, 0.45), c.u(0.18, 0.32)
    top = base - h
    c.polygon([(x - w, base + 0.03), (x, top), (x + w, base + 0.03)], colour)
    c.polygon([(x, top), (x + w, base + 0.03), (x + w * 0.25, base + 0.03)], shade(colour, 0.85))
    if snow:
        c.polygon(
            [
                (x, top),
                (x + w * 0.3, top + h * 0.3),
                (x + w * 0.08, top + h * 0.24),
                (x - w * 0.06, top + h * 0.36),
                (x - w * 0.28, top + h * 0.28),
            ],
            WHITE,
        )


def sea(c: Canvas, base: float) -> Colour:
    mood, horizon = sky(c)
    dim = {"night": 0.55, "dusk": 0.8}.get(mood, 1.0)
    water = c.colour(c.u(0.5, 0.62), c.u(0.55, 0.8), dim * c.u(0.6, 0.85))
    c.fade(mix(water, horizon, 0.3), shade(water, 0.8), base, 1)
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
    c.polygon([*wave(0, 1, 0.9, 0.015, c.u(0, 6)), (1, 1), (0, 1)], sand)
    for _ in range(c.count(1, 3)):
        weed(c, c.pick(c.u(0.03, 0.25), c.u(0.75, 0.97)))
    for _ in range(c.count(2, 5)):
        x, y, r = c.u(0.05, 0.95), c.u(0.05, 0.7), c.u(0.016, 0.034)
        c.disc(x, y, r, (225, 245, 255), 0.55)
        c.disc(x - r * 0.3, y - r * 0.3, r * 0.4, WHITE)


def weed(c: Canvas, x: float) -> None:
    green, sway, height = c.colour(c.u(0.28, 0.45), 0.75, c.u(0.4, 0.65)), c.u(0, 6), c.u(0.2, 0.4)
    stem = [(x + 0.025 * math.sin(9 * k + sway), 0.95 - height * k) for k in np.linspace(0, 1, 8)]
    c.line(stem, 0.035, green)
    for k in (2, 4, 6):
        c.leaf(*stem[k], 0.09, 0.04, -PI / 2 + (0.8 if k % 4 else -0.8), shade(green, 1.2))


def room(c: Canvas) -> None:
    """A papered wall."""
    hue = c.u(0, 1)
    wall = c.colour(hue, c.u(0.2, 0.5), c.u(0.75, 0.98))
    c.fade(wall, c.colour(hue + c.u(-0.06, 0.06), c.u(0.35, 0.65), c.u(0.55, 0.8)))
    paper = c.pick("plain", "stripes", "dots")
    if paper == "stripes":
        num = c.count(4, 6)
        for k in range(num):
            c.box(k / num, 0, (k + 0.5) / num, 1, WHITE, alpha=0.22)
    elif paper == "dots":
        for row in range(5):
            for column in range(5):
                c.disc((column + row % 2 / 2) / 4.5, (row + 0.4) / 5, 0.03, WHITE, 0.4)


def paint(c: Canvas) -> float:
    """A hue for what people make: any but the greens that grass has already."""
    return c.u(0.45, 1.18)


def shadow(c: Canvas, x: float, y: float, w: float) -> None:
    c.ellipse(x, y, w, w * 0.24, INK, 0.3)


# Things


def flower(c: Canvas) -> None:
    land(c, c.u(0.7, 0.8))
    x, y, foot = c.u(0.42, 0.58), c.u(0.34, 0.42), c.u(0.42, 0.58)
    green = c.colour(c.u(0.27, 0.37), 0.75, c.u(0.4, 0.6))
    petal = c.colour(c.pick(0.0, 0.07, 0.13, 0.6, 0.76, 0.84, 0.93), c.u(0.6, 0.95), c.u(0.9, 1))
    shadow(c, foot, 0.95, 0.16)
    c.line([(x, y), ((x + foot) / 2 + c.u(-0.03, 0.03), 0.68), (foot, 0.95)], 0.05, green)
    for side in (-1, 1):
        y0 = c.u(0.74, 0.86)
        c.leaf((x + foot) / 2, y0, 0.24, 0.1, -PI / 2 + side * c.u(0.9, 1.2), shade(green, 1.15))
    if c.chance(0.25):
        tulip(c, x, y, petal)
    else:
        blossom(c, x, y, petal)


def blossom(c: Canvas, x: float, y: float, petal: Colour) -> None:
    num, turn, r = c.pick(5, 6, 8, 11), c.u(0, 6), c.u(0.27, 0.32)
    width = min(0.24, 3.5 * r / num)
    for factor, colour in ((1.0, shade(petal, 0.72)), (0.9, petal), (0.62, shade(petal, 0.84))):
        for k in range(num):
            angle = turn + 2 * PI * k / num
            c.leaf(x, y, r * factor, width * factor, angle, colour)
    heart = c.colour(0.12, 0.85, 1) if c.chance(0.7) else c.colour(0.07, 0.7, 0.4)
    c.disc(x, y, 0.105, shade(heart, 0.75))
    c.disc(x, y, 0.085, heart)
    c.disc(x - 0.025, y - 0.03, 0.03, mix(heart, WHITE, 0.6))


def tulip(c: Canvas, x: float, y: float, petal: Colour) -> None:
    for dx, angle, colour in (
        (-0.07, -PI / 2 - 0.3, shade(petal, 0.8)),
        (0.07, -PI / 2 + 0.3, shade(petal, 0.8)),
        (0, -PI / 2, petal),
    ):
        c.leaf(x + dx, y + 0.13, 0.36, 0.2, angle, colour)
    c.ellipse(x, y + 0.08, 0.15, 0.1, petal)
    c.leaf(x - 0.03, y + 0.06, 0.2, 0.05, -PI / 2, mix(petal, WHITE, 0.4))


def house(c: Canvas) -> None:
    base = c.u(0.66, 0.74)
    land(c, base)
    x, w, h, roof = c.u(0.42, 0.58), c.u(0.23, 0.31), c.u(0.26, 0.36), c.u(0.18, 0.28)
    foot = base + c.u(0.1, 0.15)
    eaves = foot - h
    wall = c.colour(c.pick(0.09, 0.13, 0.5, 0.6, 0.95), c.u(0.1, 0.5), c.u(0.85, 1))
    tiles = c.colour(c.pick(0.0, 0.02, 0.06, 0.6, 0.75), c.u(0.55, 0.85), c.u(0.5, 0.75))
    side = c.pick(-1, 1)
    shadow(c, x, foot, w * 1.25)
    if c.chance(0.7):
        chimney = x - side * w * 0.55
        c.box(chimney - 0.045, eaves - roof, chimney + 0.045, eaves - 0.02, shade(tiles, 0.65))
        if c.chance(0.5):
            for k, r in enumerate((0.03, 0.042, 0.055)):
                smoke = eaves - roof - 0.06 - 0.08 * k
                c.disc(chimney + 0.03 * k, smoke, r, WHITE, 0.75 - 0.15 * k)
    c.box(x - w, eaves, x + w, foot, wall)
    c.box(x + w * 0.6, eaves, x + w, foot, shade(wall, 0.86))
    c.polygon([(x - w - 0.07, eaves), (x, eaves - roof), (x + w + 0.07, eaves)], tiles)
    c.polygon([(x, eaves - roof), (x + w + 0.07, eaves), (x + w * 0.35, eaves)], shade(tiles, 0.8))
    c.line([(x - w - 0.07, eaves), (x + w + 0.07, eaves)], 0.03, shade(tiles, 0.6))
    door = x + side * w * 0.45
    panel = c.colour(c.u(0, 1), 0.65, c.u(0.35, 0.6))
    c.box(door - 0.065, foot - 0.21, door + 0.065, foot, panel, round=0.02)
    c.disc(door + 0.035, foot - 0.09, 0.015, CREAM)
    pane = CREAM if c.chance(0.5) else (165, 215, 248)
    window = x - side * w * 0.45
    c.box(window - 0.085, eaves + 0.05, window + 0.085, eaves + 0.21, WHITE)
    c.box(window - 0.06, eaves + 0.075, window + 0.06, eaves + 0.185, pane)
    c.line([(window, eaves + 0.06), (window, eaves + 0.2)], 0.02, WHITE)


def tree(c: Canvas) -> None:
    base = c.u(0.68, 0.76)
    land(c, base)
    x, foot, t = c.u(0.42, 0.58), base + c.u(0.1, 0.15), c.u(0.04, 0.06)
    bark = c.colour(c.u(0.05, 0.09), 0.55, c.u(0.35, 0.5))
    shadow(c, x, foot, 0.22)
    c.polygon([(x - t, 0.4), (x + t, 0.4), (x + t * 1.5, foot), (x - t * 1.5, foot)], bark)
    c.polygon([(x, 0.4), (x + t, 0.4), (x + t * 1.5, foot), (x, foot)], shade(bark, 0.75))
    if c.chance(0.55):
        crown(c, x)
    else:
        fir(c, x, foot - 0.1)


def crown(c: Canvas, x: float) -> None:
    hue = c.pick(0.25, 0.3, 0.34, 0.12, 0.06, 0.94)
    leaves = c.colour(hue, c.u(0.5, 0.85), c.u(0.6, 0.88))
    y, r = c.u(0.32, 0.38), c.u(0.15, 0.18)
    round_ = ((-0.16, 0.05), (0.16, 0.05), (0, -0.13), (-0.1, -0.06), (0.1, -0.06), (0, 0.07))
    for dx, dy in round_:
        c.disc(x + dx, y + dy + 0.02, r, shade(leaves, 0.72))
    for dx, dy in round_:
        c.disc(x + dx * 0.85 - 0.02, y + dy * 0.85 - 0.015, r * 0.85, leaves)
    for dx, dy in ((-0.13, -0.02), (-0.02, -0.15)):
        c.disc(x + dx, y + dy, r * 0.5, mix(leaves, CREAM, 0.28))
    if c.chance(0.45):
        fruit = c.colour(c.pick(0.0, 0.1, 0.95), 0.8, 1)
        for dx, dy in ((-0.2, 0.06), (-0.08, 0.1), (0.05, -0.04), (0.17, 0.08), (0.1, -0.17)):
            c.disc(x + dx + c.u(-0.02, 0.02), y + dy, 0.034, fruit)


def fir(c: Canvas, x: float, foot: float) -> None:
    needles, snow = c.colour(c.u(0.34, 0.46), c.u(0.5, 0.8), c.u(0.4, 0.62)), c.chance(0.35)
    top, w = c.u(0.06, 0.14), c.u(0.24, 0.3)
    for k in (2, 1, 0):
        low = foot - (2 - k) * (foot - top) * 0.27
        high, half = low - (foot - top) * (0.5 - 0.02 * k), w * (0.55 + 0.225 * k)
        c.polygon([(x - half, low), (x, high), (x + half, low)], needles)
        c.polygon([(x, high), (x + half, low), (x + half * 0.2, low)], shade(needles, 0.75))
        c.line([(x - half, low), (x + half, low)], 0.024, WHITE if snow else shade(needles, 0.6))
    if snow:
        c.polygon([(x - 0.05, top + 0.1), (x, top), (x + 0.05, top + 0.1)], WHITE)


def sailboat(c: Canvas) -> None:
    base = c.u(0.6, 0.68)
    water = sea(c, base)
    x, y, w, top = c.u(0.43, 0.57), base + c.u(0.1, 0.16), c.u(0.26, 0.33), c.u(0.08, 0.16)
    hull = c.colour(c.pick(0.0, 0.05, 0.08, 0.6, 0.85), c.u(0.6, 0.9), c.u(0.55, 0.9))
    main = c.colour(paint(c), c.pick(0.04, 0.5, 0.75), 1)
    jib = c.colour(paint(c), c.u(0.3, 0.85), c.u(0.9, 1))
    side = c.pick(-1, 1)
    c.ellipse(x, y + 0.1, w * 0.95, 0.05, shade(water, 0.55), 0.6)
    c.line([(x, y - 0.06), (x, top)], 0.028, (92, 62, 44))
    sail = y - 0.1
    c.polygon([(x + side * 0.03, top), (x + side * 0.03, sail), (x + side * w, sail)], main)
    if c.chance(0.5):
        for low in (0.35, 0.65):
            cut, run = top + (sail - top) * low, w * low
            thick = 0.055
            c.polygon(
                [
                    (x + side * 0.03, cut),
                    (x + side * run, cut),
                    (x + side * (run + thick * 0.6), cut + thick),
                    (x + side * 0.03, cut + thick),
                ],
                jib,
            )
    c.polygon(
        [(x - side * 0.03, top + 0.07), (x - side * 0.03, sail), (x - side * w * 0.8, sail)], jib
    )
    c.polygon(
        [(x - w, y - 0.07), (x + w, y - 0.07), (x + w * 0.7, y + 0.08), (x - w * 0.72, y + 0.08)],
        hull,
    )
    c.polygon(
        [
            (x - w * 0.86, y + 0.02),
            (x + w * 0.84, y + 0.02),
            (x + w * 0.7, y + 0.08),
            (x - w * 0.72, y + 0.08),
        ],
        shade(hull, 0.72),
    )
    c.line([(x - w, y - 0.06), (x + w, y - 0.06)], 0.026, mix(hull, WHITE, 0.55))
    if c.chance(0.5):
        c.polygon([(x, top - 0.06), (x - side * 0.12, top - 0.02), (x, top + 0.02)], jib)


def mushroom(c: Canvas) -> None:
    base = c.u(0.68, 0.76)
    land(c, base)
    cap = c.colour(c.pick(0.0, 0.99, 0.03, 0.07, 0.6, 0.76), c.u(0.65, 0.95), c.u(0.75, 0.98))
    stalk = c.colour(c.u(0.08, 0.13), c.u(0.06, 0.2), c.u(0.9, 1))
    foot, x = base + c.u(0.1, 0.17), c.u(0.44, 0.56)
    if c.chance(0.4):
        side = c.pick(-1, 1)
        toadstool(c, (x + side * 0.32, foot + 0.02), 0.13, 0.2, cap, stalk)
    toadstool(c, (x, foot), c.u(0.26, 0.33), c.u(0.38, 0.46), cap, stalk)


def toadstool(
    c: Canvas, foot: tuple[float, float], w: float, h: float, cap: Colour, stalk: Colour
) -> None:
    x, y0 = foot
    y, s = y0 - h * 0.72, w * 0.33
    shadow(c, x, y0, w * 0.75)
    c.polygon([(x - s * 0.8, y), (x + s * 0.8, y), (x + s * 1.2, y0), (x - s * 1.2, y0)], stalk)
    c.polygon(
        [(x + s * 0.2, y), (x + s * 0.8, y), (x + s * 1.2, y0), (x + s * 0.4, y0)],
        shade(stalk, 0.84),
    )
    c.ellipse(x, y0, s * 1.2, s * 0.35, shade(stalk, 0.92))
    c.ellipse(x, y + 0.01, w * 0.98, w * 0.24, shade(cap, 0.55))
    c.ellipse(x, y, w * 0.8, w * 0.14, shade(stalk, 0.75))
    arch = [(x - w * math.cos(a), y - 1.15 * w * math.sin(a)) for a in np.linspace(0, PI, 24)]
    c.polygon([*arch, (x + w * 0.6, y + w * 0.06), (x - w * 0.6, y + w * 0.06)], cap)
    c.leaf(x - w * 0.75, y - w * 0.4, w * 0.6, w * 0.16, -0.85, mix(cap, WHITE, 0.3))
    for dx, dy, r in ((-0.55, -0.26, 0.15), (0.1, -0.82, 0.16), (0.58, -0.32, 0.14)):
        c.ellipse(x + dx * w, y + dy * w, r * w, r * w * 0.9, WHITE)
    for dx, dy, r in ((0.02, -0.34, 0.17), (-0.4, -0.72, 0.1), (0.52, -0.7, 0.1)):
        c.ellipse(x + dx * w, y + dy * w, r * w, r * w * 0.9, WHITE)


def fish(c: Canvas) -> None:
    underwater(c)
    x, y, s = c.u(0.44, 0.56), c.u(0.4, 0.55), c.pick(-1, 1)
    w, h = c.u(0.25, 0.31), c.u(0.15, 0.21)
    skin = c.colour(c.pick(0.03, 0.08, 0.13, 0.3, 0.55, 0.8, 0.95), c.u(0.65, 0.95), c.u(0.88, 1))
    mark = WHITE if c.chance(0.5) else c.colour(paint(c), c.u(0.4, 0.8), 1)
    fin = shade(skin, 0.75)
    tail = [(-0.75, 0), (-1.5, -0.8), (-1.3, 0), (-1.5, 0.8)]
    c.polygon([(x + s * a * w, y + b * h) for a, b in tail], fin)
    c.polygon([(x + s * a * w, y + b * h) for a, b in ((-0.5, -0.7), (0, -1.5), (0.4, -0.8))], fin)
    c.polygon([(x + s * a * w, y + b * h) for a, b in ((-0.3, 0.8), (-0.2, 1.4), (0.2, 0.85))], fin)
    c.ellipse(x, y, w, h, skin)
    c.ellipse(x + s * w * 0.05, y + h * 0.45, w * 0.75, h * 0.45, mix(skin, CREAM, 0.5))
    if c.chance(0.7):
        for at in (-0.45, 0.1):
            top, low = -h * math.sqrt(1 - at**2), h * math.sqrt(1 - (at + 0.16) ** 2)
            band = [(at, top), (at + 0.2, top), (at + 0.32, 0), (at + 0.2, low), (at, low)]
            c.polygon([(x + s * a * w, y + b * 0.97) for a, b in [*band, (at + 0.1, 0)]], mark)
    c.leaf(x - s * 0.02, y + h * 0.25, 0.13, 0.08, PI * (s > 0) + s * 0.5, fin)
    eye = x + s * w * 0.62
    c.disc(eye, y - h * 0.25, 0.052, WHITE)
    c.disc(eye + s * 0.012, y - h * 0.25, 0.03, INK)
    c.disc(eye + s * 0.004, y - h * 0.25 - 0.014, 0.012, WHITE)
    c.line(
        [(x + s * w * 0.97, y + h * 0.2), (x + s * w * 0.75, y + h * 0.36)], 0.022, shade(skin, 0.5)
    )


def butterfly(c: Canvas) -> None:
    land(c, c.u(0.74, 0.84))
    x, y, size = c.u(0.46, 0.54), c.u(0.42, 0.5), c.u(0.92, 1.1)
    wing = c.colour(c.pick(0.04, 0.1, 0.15, 0.55, 0.62, 0.8, 0.92), c.u(0.65, 0.95), c.u(0.88, 1))
    spot = c.colour(paint(c), c.u(0.25, 0.8), 1)
    rim, lift = mix(shade(wing, 0.3), INK, 0.4), c.u(-0.15, 0.2)
    for side in (-1, 1):
        for length, width, angle, inner in (
            (0.36, 0.24, PI * 0.3, shade(wing, 0.85)),
            (0.47, 0.32, -PI * 0.22 - lift, wing),
        ):
            along = angle if side > 0 else PI - angle
            dx, dy = math.cos(along), math.sin(along)
            length, width = length * size, width * size
            c.leaf(x, y, length, width, along, rim)
            c.leaf(x + 0.02 * dx, y + 0.02 * dy, length - 0.055, width - 0.06, along, inner)
            c.disc(x + 0.66 * length * dx, y + 0.66 * length * dy, width * 0.2, spot)
            c.disc(
                x + 0.34 * length * dx, y + 0.34 * length * dy, width * 0.12, mix(wing, WHITE, 0.5)
            )
        feeler = (x + side * 0.11, y - 0.34)
        c.line([(x, y - 0.16), (x + side * 0.05, y - 0.28), feeler], 0.02, INK)
        c.disc(*feeler, 0.022, INK)
    c.ellipse(x, y + 0.04, 0.036, 0.2, INK)
    c.disc(x, y - 0.16, 0.045, INK)


def balloon(c: Canvas) -> None:
    land(c, c.u(0.84, 0.92))
    hue = paint(c)
    bright = c.colour(hue, c.u(0.65, 0.95), c.u(0.88, 1))
    other = WHITE if c.chance(0.3) else c.colour(paint(c), c.u(0.35, 0.85), c.u(0.9, 1))
    if c.chance(0.35):
        side = c.pick(-1, 1)
        airship(c, (0.5 - side * 0.38, c.u(0.45, 0.6)), 0.075, (other, bright), 2)
    airship(c, (c.u(0.42, 0.58), c.u(0.33, 0.4)), c.u(0.25, 0.3), (bright, other), c.count(2, 4))


def airship(
    c: Canvas, centre: tuple[float, float], r: float, stripes: tuple[Colour, Colour], num: int
) -> None:
    """An envelope of 2 num - 1 gores, ropes and a basket."""
    x, y = centre
    low = y + r * 1.32
    for i in range(num):
        f = 1 - 2 * i / (2 * num - 1)
        colour = stripes[i % 2]
        c.ellipse(x, y, r * f, r, colour)
        a = 0.62
        wide, high = r * f * math.cos(a), y + r * math.sin(a)
        c.polygon(
            [(x - wide, high), (x + wide, high), (x + r * 0.22 * f, low), (x - r * 0.22 * f, low)],
            colour,
        )
    c.leaf(x - r * 0.62, y - r * 0.1, r * 0.62, r * 0.2, -PI * 0.33, WHITE, 0.45)
    basket = low + r * 0.36
    for side in (-1, 1):
        c.line([(x + side * r * 0.2, low), (x + side * r * 0.17, basket)], r * 0.05, INK)
    c.box(x - r * 0.25, basket, x + r * 0.25, basket + r * 0.34, (146, 92, 52), round=r * 0.07)
    c.box(x - r * 0.25, basket, x + r * 0.25, basket + r * 0.1, (205, 150, 92))


def cat(c: Canvas) -> None:
    room(c)
    x, y, r = c.u(0.46, 0.54), c.u(0.47, 0.54), c.u(0.29, 0.33)
    coat = c.pick((0.07, 0.65, 0.97), (0.08, 0.12, 0.97), (0.6, 0.12, 0.62), (0.07, 0.35, 0.32))
    fur = c.colour(*coat)
    dark = max(fur) < 130
    pink, pale = c.colour(0.97, 0.4, 0.95), mix(fur, WHITE, 0.3 if dark else 0.75)
    c.ellipse(x, 1.02, r * 0.95, 0.3, shade(fur, 0.88))
    c.ellipse(x, 1.02, r * 0.5, 0.22, pale)
    for s in (-1, 1):
        c.polygon(
            [
                (x + s * r * 0.98, y - r * 0.1),
                (x + s * r * 0.86, y - r * 1.3),
                (x + s * r * 0.12, y - r * 0.72),
            ],
            fur,
        )
        c.polygon(
            [
                (x + s * r * 0.82, y - r * 0.4),
                (x + s * r * 0.77, y - r * 1.03),
                (x + s * r * 0.36, y - r * 0.72),
            ],
            pink,
        )
    c.ellipse(x, y + r * 0.02, r * 1.04, r * 0.88, shade(fur, 0.8))
    c.ellipse(x, y, r * 1.02, r * 0.86, fur)
    if c.chance(0.6):
        stripe = shade(fur, 0.62) if not dark else shade(fur, 1.5)
        for k in (-1, 0, 1):
            c.leaf(x + k * r * 0.27, y - r * 0.82, r * 0.42, r * 0.13, PI / 2, stripe)
    c.ellipse(x, y + r * 0.42, r * 0.5, r * 0.34, pale)
    iris = c.colour(c.pick(0.13, 0.3, 0.52), 0.75, 1)
    for s in (-1, 1):
        eye, level = x + s * r * 0.45, y - r * 0.08
        c.ellipse(eye, level, r * 0.26, r * 0.28, shade(fur, 0.5))
        c.ellipse(eye, level, r * 0.22, r * 0.25, iris)
        c.ellipse(eye, level, r * 0.1, r * 0.21, INK)
        c.disc(eye + r * 0.07, level - r * 0.1, r * 0.065, WHITE)
        for tilt in (-0.05, 0.09):
            hair = WHITE if dark else shade(fur, 0.55)
            ends = (x + s * r * 0.5, y + r * 0.42), (x + s * r * 1.3, y + r * (0.36 + 2.2 * tilt))
            c.line(ends, 0.014, hair)
    nose = y + r * 0.26
    c.polygon([(x - r * 0.14, nose), (x + r * 0.14, nose), (x, nose + r * 0.16)], shade(pink, 0.85))
    c.line([(x, nose + r * 0.12), (x, nose + r * 0.28)], 0.016, INK)
    if c.chance(0.5):
        collar = c.colour(c.u(0, 1), 0.75, 0.9)
        c.line(
            [(x - r * 0.62, y + r * 0.92), (x, y + r * 1.02), (x + r * 0.62, y + r * 0.92)],
            0.05,
            collar,
        )
        c.disc(x, y + r * 1.08, 0.045, (255, 208, 70))


def cactus(c: Canvas) -> None:
    base = c.u(0.7, 0.78)
    land(c, base)
    x, foot, w, top = c.u(0.44, 0.56), base + c.u(0.1, 0.15), c.u(0.085, 0.11), c.u(0.14, 0.24)
    green = c.colour(c.u(0.3, 0.44), c.u(0.5, 0.75), c.u(0.5, 0.75))
    shadow(c, x, foot, 0.24)
    for side in (-1, 1):
        if c.chance(0.85):
            joint, tip = c.u(0.46, 0.6), c.u(0.14, 0.24)
            near, far = sorted((x, x + side * 0.22))
            c.box(near, joint, far, joint + 0.1, shade(green, 0.8), round=0.04)
            column(c, x + side * 0.22, joint - tip, joint + 0.1, w * 0.68, green)
    column(c, x, top, foot, w, green)
    if c.chance(0.6):
        bloom = c.colour(c.u(0.87, 1.02), 0.65, 1)
        for k in range(5):
            c.leaf(x, top + 0.02, 0.1, 0.07, -PI / 2 + 0.55 * (k - 2), bloom)
        c.disc(x, top, 0.028, CREAM)
    if c.chance(0.5):
        pot = c.colour(c.u(0.02, 0.07), 0.65, c.u(0.7, 0.85))
        c.polygon(
            [
                (x - 0.17, foot - 0.1),
                (x + 0.17, foot - 0.1),
                (x + 0.12, foot + 0.06),
                (x - 0.12, foot + 0.06),
            ],
            pot,
        )
        c.box(x - 0.19, foot - 0.14, x + 0.19, foot - 0.07, shade(pot, 1.15), round=0.02)


def column(c: Canvas, x: float, y0: float, y1: float, w: float, green: Colour) -> None:
    c.box(x - w, y0, x + w, y1, shade(green, 0.7), round=w)
    c.box(x - w, y0, x + w * 0.55, y1, green, round=w * 0.75)
    c.line(
        [(x - w * 0.45, y0 + w * 0.9), (x - w * 0.45, y1 - w * 0.6)], 0.02, mix(green, CREAM, 0.45)
    )


DRAW = {
    draw.__name__: draw
    for draw in (
        flower, house, tree, sailboat, mushroom, fish, butterfly, balloon, cat, cactus,
    )
}  # fmt: skip
CLASSES = tuple(DRAW)

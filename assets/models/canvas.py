"""A unit square to draw on: shapes in fractions of the side, x to the right, y down.

Two random sources: `pose` decides what is drawn where, `jitter` moves the colours a little. With
the pose fixed a picture is nearly affine in its few jittered colours.
"""

from __future__ import annotations

import colorsys
import math
from collections.abc import Iterable, Sequence

import numpy as np
from PIL import Image, ImageDraw

SUPERSAMPLE = 4
HUE, SATURATION, VALUE = 0.03, 0.07, 0.07  # standard deviations of the jitter
GREY = 0.12  # colours less saturated than this keep their saturation

Colour = tuple[int, int, int]
Point = tuple[float, float]


class Canvas:
    def __init__(
        self, pose: np.random.Generator, jitter: np.random.Generator | None = None, size: int = 32
    ) -> None:
        self.pose, self.jitter, self.size = pose, jitter, size
        self.side = size * SUPERSAMPLE
        self.image = Image.new("RGB", (self.side, self.side))
        self.draw = ImageDraw.Draw(self.image, "RGBA")

    # Choices

    def u(self, low: float, high: float) -> float:
        return float(self.pose.uniform(low, high))

    def chance(self, probability: float) -> bool:
        return bool(self.pose.random() < probability)

    def pick(self, *options):
        return options[int(self.pose.integers(len(options)))]

    def count(self, low: int, high: int) -> int:
        """A whole number, both ends included."""
        return int(self.pose.integers(low, high + 1))

    def colour(self, hue: float, saturation: float, value: float) -> Colour:
        """An HSV colour, jittered: every part of the picture made from it moves along."""
        if self.jitter is not None:
            hue += HUE * self.jitter.normal()
            saturation += SATURATION * self.jitter.normal() * (saturation > GREY)
            value = max(value + VALUE * self.jitter.normal(), 0.08)
        r, g, b = colorsys.hsv_to_rgb(hue % 1, min(max(saturation, 0), 1), min(max(value, 0), 1))
        return round(255 * r), round(255 * g), round(255 * b)

    # Shapes; `alpha` below 1 lets through what is beneath

    def ellipse(self, x, y, rx, ry, colour: Colour, alpha: float = 1) -> None:
        box = [(x - rx) * self.side, (y - ry) * self.side]
        box += [(x + rx) * self.side, (y + ry) * self.side]
        self.draw.ellipse(box, fill=_fill(colour, alpha))

    def disc(self, x, y, r, colour: Colour, alpha: float = 1) -> None:
        self.ellipse(x, y, r, r, colour, alpha)

    def box(self, x0, y0, x1, y1, colour: Colour, *, round: float = 0, alpha: float = 1) -> None:
        box = [v * self.side for v in (x0, y0, x1, y1)]
        if round:
            self.draw.rounded_rectangle(box, radius=round * self.side, fill=_fill(colour, alpha))
        else:
            self.draw.rectangle(box, fill=_fill(colour, alpha))

    def polygon(self, points: Iterable[Point], colour: Colour, alpha: float = 1) -> None:
        self.draw.polygon(self._scaled(points), fill=_fill(colour, alpha))

    def line(self, points: Iterable[Point], width: float, colour: Colour) -> None:
        pixels = max(1, round(width * self.side))
        self.draw.line(self._scaled(points), fill=colour, width=pixels, joint="curve")

    def leaf(self, x, y, length, width, angle, colour: Colour, alpha: float = 1) -> None:
        """An ellipse that begins at (x, y) and points along `angle` (radians, 0 is right)."""
        c, s = math.cos(angle), math.sin(angle)
        turns = [2 * math.pi * k / 20 for k in range(20)]
        local = [(length / 2 * (1 + math.cos(t)), width / 2 * math.sin(t)) for t in turns]
        self.polygon([(x + a * c - b * s, y + a * s + b * c) for a, b in local], colour, alpha)

    def fade(self, top: Colour, bottom: Colour, y0: float = 0, y1: float = 1) -> None:
        """A vertical gradient over the whole width, from y0 down to y1."""
        first, last = round(y0 * self.side), round(y1 * self.side)
        ramp = Image.linear_gradient("L").resize((self.side, last - first))
        upper, lower = (Image.new("RGB", ramp.size, colour) for colour in (top, bottom))
        self.image.paste(Image.composite(lower, upper, ramp), (0, first))

    def pixels(self) -> np.ndarray:
        """uint8 (size, size, 3)."""
        return np.asarray(self.image.resize((self.size, self.size), Image.Resampling.LANCZOS))

    def _scaled(self, points: Iterable[Point]) -> list[Point]:
        return [(x * self.side, y * self.side) for x, y in points]


def _fill(colour: Colour, alpha: float) -> tuple[int, ...]:
    return (*colour, round(255 * alpha))


def shade(colour: Colour, factor: float) -> Colour:
    """Darker (below 1) or lighter."""
    r, g, b = (min(255, round(c * factor)) for c in colour)
    return r, g, b


def mix(a: Colour, b: Colour, share: float) -> Colour:
    """`share` of b in a."""
    r, g, b_ = (round(p + (q - p) * share) for p, q in zip(a, b, strict=True))
    return r, g, b_


def wave(low: float, high: float, y: float, height: float, phase: float, num: int = 12):
    """Points of a gently waved edge from x = low to x = high."""
    xs: Sequence[float] = [low + (high - low) * k / num for k in range(num + 1)]
    return [(x, y + height * math.sin(2 * math.pi * x + phase)) for x in xs]

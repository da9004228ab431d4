"""A square to draw on, of side 1: x to the right, y down.

Two random sources: `pose` decides what is drawn where, `jitter` moves the colours a little. With
the pose fixed a picture is nearly affine in its few jittered colours.
"""

from __future__ import annotations

import colorsys
import copy
import math
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

SUPERSAMPLE = 4
HUE, SATURATION, VALUE = 0.03, 0.07, 0.07  # standard deviations of the jitter
GREY = 0.12  # colours less saturated than this keep their saturation

Colour = tuple[int, int, int]
Point = tuple[float, float]

WHITE, CREAM, INK = (250, 250, 252), (255, 244, 190), (34, 28, 36)


class Canvas:
    def __init__(
        self, pose: np.random.Generator, jitter: np.random.Generator | None = None, size: int = 32
    ) -> None:
        self.pose, self.jitter, self.size = pose, jitter, size
        self.side = size * SUPERSAMPLE
        self.image = Image.new("RGB", (self.side, self.side))
        self.draw = ImageDraw.Draw(self.image, "RGBA")
        self.origin, self.scale = (0.0, 0.0), (float(self.side), float(self.side))

    def at(self, x: float, y: float, width: float, height: float | None = None) -> Canvas:
        """The same canvas in the coordinates of a thing: its origin here, its size one unit.

        A negative width mirrors the thing.
        """
        inner = copy.copy(self)
        inner.origin = self._pixel((x, y))
        inner.scale = (
            self.scale[0] * width,
            self.scale[1] * (abs(width) if height is None else height),
        )
        return inner

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

    def ellipse(
        self, x: float, y: float, rx: float, ry: float, colour: Colour, alpha: float = 1
    ) -> None:
        """Radii along the axes of the thing's coordinates."""
        self.draw.ellipse(self._corners(x - rx, y - ry, x + rx, y + ry), _fill(colour, alpha))

    def disc(self, x: float, y: float, r: float, colour: Colour, alpha: float = 1) -> None:
        """Round on the canvas, whatever the thing's coordinates."""
        (px, py), pixels = self._pixel((x, y)), r * self._unit
        box = (px - pixels, py - pixels, px + pixels, py + pixels)
        self.draw.ellipse(box, _fill(colour, alpha))

    def box(
        self, x0: float, y0: float, x1: float, y1: float, colour: Colour, *, corner: float = 0
    ) -> None:
        """A rectangle, its corners rounded with radius `corner`."""
        self.draw.rounded_rectangle(self._corners(x0, y0, x1, y1), corner * self._unit, colour)

    def polygon(self, points: Sequence[Point], colour: Colour, alpha: float = 1) -> None:
        self.draw.polygon([self._pixel(p) for p in points], _fill(colour, alpha))

    def line(self, points: Sequence[Point], width: float, colour: Colour) -> None:
        pixels = max(1, round(width * self._unit))
        self.draw.line([self._pixel(p) for p in points], colour, pixels, joint="curve")

    def leaf(
        self, x: float, y: float, length: float, width: float, angle: float, colour: Colour,
        alpha: float = 1,
    ) -> None:  # fmt: skip
        """An ellipse that begins at (x, y) and points along `angle` (radians, 0 is right)."""
        c, s = math.cos(angle), math.sin(angle)
        turns = [2 * math.pi * k / 20 for k in range(20)]
        local = [(length / 2 * (1 + math.cos(t)), width / 2 * math.sin(t)) for t in turns]
        self.polygon([(x + a * c - b * s, y + a * s + b * c) for a, b in local], colour, alpha)

    def fade(self, top: Colour, bottom: Colour, y0: float = 0) -> None:
        """A vertical gradient over the whole width, from y0 down to the lower edge."""
        first = round(y0 * self.side)
        ramp = Image.linear_gradient("L").resize((self.side, self.side - first))
        upper, lower = (Image.new("RGB", ramp.size, colour) for colour in (top, bottom))
        self.image.paste(Image.composite(lower, upper, ramp), (0, first))

    def below(self, edge: Sequence[Point], colour: Colour) -> None:
        """Everything under an edge that runs from left to right."""
        self.polygon([*edge, (1, 1), (0, 1)], colour)

    def pixels(self) -> np.ndarray:
        """uint8 (size, size, 3)."""
        return np.asarray(self.image.resize((self.size, self.size), Image.Resampling.LANCZOS))

    @property
    def _unit(self) -> float:
        """Pixels per unit of length."""
        return math.sqrt(abs(self.scale[0] * self.scale[1]))

    def _pixel(self, point: Point) -> Point:
        (x, y), (width, height) = self.origin, self.scale
        return x + point[0] * width, y + point[1] * height

    def _corners(self, x0: float, y0: float, x1: float, y1: float) -> tuple[float, ...]:
        (left, top), (right, bottom) = self._pixel((x0, y0)), self._pixel((x1, y1))
        return min(left, right), min(top, bottom), max(left, right), max(top, bottom)


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


def wave(y: float, height: float, phase: float) -> list[Point]:
    """A gently waved edge across the canvas."""
    return [(k / 12, y + height * math.sin(2 * math.pi * k / 12 + phase)) for k in range(13)]


def paint(c: Canvas) -> float:
    """A hue for what people make: any but the greens that grass has already."""
    return c.u(0.45, 1.18)

"""What a visitor may ask for, in words.

A public Space serves a hundred strangers on two cores, one's own machine serves its owner: the
first asks for less. `AYS_PUBLIC=1` (the default where `SPACE_ID` is set) chooses the public
limits, `AYS_JOB_SECONDS` replaces the wall-clock limit of one job, `AYS_MODELS` (Hub ids with
commas between) are the real models that a public Space offers, by default none.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sized
from dataclasses import dataclass

PUBLIC_SIDE = 1024  # pixels
QUEUE_SIZE = 20  # visitors waiting for a place; the next one is told to come back


@dataclass(frozen=True)
class Limits:
    """Upper bounds on one request. Methods return their argument or raise `ValueError`."""

    levels: int = 200
    samples: int = 256
    points: int = 4096
    text: int = 20_000
    seconds: float = 600.0
    side: int = 4096  # pixels of a picture's side
    public: bool = False
    allowed: tuple[str, ...] = ()  # Hub ids, on a public Space

    def checked_source(self, source: str) -> str:
        """A public Space loads what its owner has listed: no folder of it, no stranger's choice."""
        source = source.strip()
        if self.public and source not in self.allowed:
            offered = ", ".join(self.allowed) or "none"
            raise ValueError(f"this Space does not load {source!r}; it offers: {offered}")
        return source

    def checked_side(self, side: float | None) -> int | None:
        """Pixels; None, as 0 is, for a checkpoint's own."""
        if side is not None and not 0 <= side <= self.side:
            raise ValueError(f"a picture's side is {side:g} px; here at most {self.side}")
        return int(side) if side else None

    def checked_steps(self, num_steps: float | None) -> int:
        given = "empty" if num_steps is None else f"{num_steps:g}"
        if num_steps is None or num_steps % 1 or not 1 <= num_steps < self.levels:
            wanted = f"give a whole number from 1 to {self.levels - 1}"
            raise ValueError(f"steps is {given}: {wanted}")
        return int(num_steps)

    def checked_levels(self, sigmas: Sized) -> None:
        if len(sigmas) > self.levels:
            raise ValueError(f"{len(sigmas)} levels; here at most {self.levels}")

    def checked_text(self, text: str) -> str:
        if len(text) > self.text:
            raise ValueError(f"{len(text):,} characters; here at most {self.text:,}")
        return text


def from_environment(environment: Mapping[str, str] = os.environ) -> Limits:
    """The limits of this process."""
    public = environment.get("AYS_PUBLIC", "1" if "SPACE_ID" in environment else "0") == "1"
    seconds = float(environment.get("AYS_JOB_SECONDS", "60" if public else "600"))
    listed = (name.strip() for name in environment.get("AYS_MODELS", "").split(","))
    side = PUBLIC_SIDE if public else Limits.side
    return Limits(seconds=seconds, side=side, public=public, allowed=tuple(filter(None, listed)))


LIMITS = from_environment()

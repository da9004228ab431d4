"""What the whole project is about: a list of noise levels, as an immutable value.

A schedule with `n` steps has `n + 1` levels, in descending order, in VE units (the standard
deviation of the noise added to clean data). Formulas, published tables, pasted lists, dragged
curves and optimizers all make a `Schedule`; solvers, comparisons and exports all take one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    import torch

MAX_LEVELS = 1001  # the longest training table in use has 1000 levels; a final 0 makes one more

Resampling = Literal["log-linear", "monotone"]


@dataclass(frozen=True)
class Origin:
    """Who made a schedule, with what, and from what.

    `method` is a catalogue key or a word such as "edited" or "pasted"; `reference` names the
    paper or the repository the numbers come from; `parent` is what it was made from.
    """

    method: str
    params: Mapping[str, object] = field(default_factory=dict[str, object])
    reference: str = ""
    parent: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "params", dict(self.params))


@dataclass(frozen=True)
class Schedule:
    """Strictly decreasing noise levels and their origin.

    `sigmas`: finite, >= 0, VE noise standard deviations; 0 only in the last place. Two schedules
    are equal when their levels are, whoever made them. Invalid levels raise `ValueError`, naming
    the index and the two values.
    """

    sigmas: tuple[float, ...]
    origin: Origin = field(default=Origin("given"), compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "sigmas", checked_levels(self.sigmas))

    @property
    def num_steps(self) -> int:
        """Number of intervals: one less than the number of levels."""
        return len(self.sigmas) - 1

    @property
    def final_zero(self) -> bool:
        """Whether the last level is 0 (the last step returns the estimate of x0)."""
        return self.sigmas[-1] == 0

    @property
    def positive(self) -> tuple[float, ...]:
        """The levels without a final 0."""
        return self.sigmas[:-1] if self.final_zero else self.sigmas

    def tensor(self, like: torch.Tensor | None = None) -> torch.Tensor:
        """The levels as float64, shape (num_steps + 1,), on the device of `like`."""
        import torch

        return torch.tensor(
            self.sigmas, dtype=torch.float64, device=None if like is None else like.device
        )

    def with_steps(self, num_steps: int, resampling: Resampling = "log-linear") -> Schedule:
        """The same curve with another number of steps.

        The positive levels are read as a curve ln sigma over the index fraction and sampled
        evenly ("log-linear": AYS's own rule; "monotone": PCHIP). Both ends are kept, a final 0
        stays a final 0. Raises `ValueError` when there is no curve to read (one positive level).
        """
        if not 1 <= num_steps < MAX_LEVELS:
            raise ValueError(f"a schedule has 1 to {MAX_LEVELS - 1} steps, got {num_steps}")
        if num_steps == self.num_steps:
            return self
        num = num_steps + (not self.final_zero)  # positive levels wanted
        levels = self.positive
        if num == 1:
            resampled = levels[:1]
        elif len(levels) == 1:
            raise ValueError(
                f"one positive level ({levels[0]:g}) has no curve to resample to {num_steps} steps"
            )
        else:
            known, wanted = np.linspace(0, 1, len(levels)), np.linspace(0, 1, num)
            read = _monotone if resampling == "monotone" else np.interp
            curve = read(wanted, known, np.log(levels))
            inner = (float(sigma) for sigma in np.exp(curve[1:-1]))
            resampled = (levels[0], *inner, levels[-1])
        origin = Origin(
            "resampled",
            {"steps": num_steps, "resampling": resampling},
            self.origin.reference,
            parent=self.origin.method,
        )
        return Schedule((*resampled, 0.0) if self.final_zero else resampled, origin)


def _monotone(wanted: np.ndarray, known: np.ndarray, values: np.ndarray) -> np.ndarray:
    """PCHIP: a smooth curve through the values that never turns where they do not."""
    from scipy.interpolate import (  # pyright: ignore[reportMissingTypeStubs]
        PchipInterpolator,
    )

    return PchipInterpolator(known, values)(wanted)


def checked_levels(sigmas: Sequence[float]) -> tuple[float, ...]:
    """`sigmas` as a tuple of floats, or a `ValueError` that names the offending values."""
    if isinstance(sigmas, str) or not hasattr(sigmas, "__len__"):
        raise ValueError(f"a schedule is a list of numbers, got {type(sigmas).__name__}")
    if len(sigmas) > MAX_LEVELS:
        raise ValueError(f"at most {MAX_LEVELS} levels, got {len(sigmas)}")
    if len(sigmas) < 2:
        raise ValueError(f"a schedule needs at least 2 levels, got {len(sigmas)}")
    levels = tuple(_checked_level(i, value) for i, value in enumerate(sigmas))
    for i, (sigma, sigma_next) in enumerate(pairwise(levels)):
        if sigma == 0:
            raise ValueError(f"level {i} is 0: only the last level may be 0")
        if sigma_next == sigma:
            raise ValueError(f"levels {i} and {i + 1} are equal ({sigma:g}): levels must decrease")
        if sigma_next > sigma:
            raise ValueError(
                f"level {i + 1} ({sigma_next:g}) is above level {i} ({sigma:g}): "
                "levels must decrease"
            )
    return levels


def _checked_level(i: int, value: object) -> float:
    try:
        if isinstance(value, str | bool):
            raise TypeError
        level = float(value)  # pyright: ignore[reportArgumentType] - refused just below
    except (TypeError, ValueError):
        raise ValueError(f"level {i} is not a number: {str(value)[:30]!r}") from None
    except OverflowError:
        level = math.inf
    if not math.isfinite(level):
        raise ValueError(f"level {i} is {level}: levels must be finite")
    if level < 0:
        raise ValueError(f"level {i} is {level:g}: levels cannot be negative")
    return level + 0.0  # -0 becomes 0

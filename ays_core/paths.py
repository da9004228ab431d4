"""Noise paths: the one place where the conventions of model families meet.

The core speaks VE only: x = x0 + sigma * n. A family's own time ("model time") and its own scale
of x are read and written here.

| path | time of a level | native x |
|---|---|---|
| VP, a table of levels | index in the table, linear in ln sigma | x / sqrt(1 + sigma^2) |
| flow matching | t = sigma / (1 + sigma) | x (1 - t) |
| EDM | sigma itself | x |
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal, Protocol

import numpy as np

from ays_core.schedule import Schedule

FLOW_SIGMA_MAX = 1e4  # a flow model's t = 1 is sigma = infinity; levels from here on mean t = 1
RANGE_SLACK = 1e-3  # published tables print sigma_max to four digits


class Path(Protocol):
    """A family's noise axis. Arrays in, arrays out, float64."""

    @property
    def name(self) -> Literal["vp", "flow", "ve"]: ...

    @property
    def table(self) -> np.ndarray | None:
        """The levels a discrete model was trained on, ascending; None for a continuous one."""
        ...

    def time(self, sigma: np.ndarray) -> np.ndarray:
        """Model time of a level: T(sigma)."""
        ...

    def sigma(self, time: np.ndarray) -> np.ndarray:
        """Level at a model time: S(t), the inverse of `time`."""
        ...

    def scale(self, sigma: float) -> float:
        """native x = scale * VE x."""
        ...


@dataclass(frozen=True)
class VP:
    """Variance preserving, trained on a table of levels: `alphas_cumprod` in ascending time."""

    alphas_cumprod: tuple[float, ...]
    name: Literal["vp"] = "vp"

    @property
    def table(self) -> np.ndarray:
        return self._table

    @cached_property
    def _table(self) -> np.ndarray:
        abar = np.asarray(self.alphas_cumprod, dtype=np.float64)
        return np.sqrt((1 - abar) / abar)

    def time(self, sigma: np.ndarray) -> np.ndarray:
        return np.interp(np.log(sigma), np.log(self.table), np.arange(len(self.table)))

    def sigma(self, time: np.ndarray) -> np.ndarray:
        return np.exp(np.interp(time, np.arange(len(self.table)), np.log(self.table)))

    def scale(self, sigma: float) -> float:
        return float((1 + sigma**2) ** -0.5)


@dataclass(frozen=True)
class Flow:
    """Flow matching, x_t = (1 - t) x0 + t * n (SD3, Flux, Wan)."""

    name: Literal["flow"] = "flow"
    table: None = None

    def time(self, sigma: np.ndarray) -> np.ndarray:
        sigma = np.asarray(sigma, dtype=np.float64)
        return np.where(sigma >= FLOW_SIGMA_MAX, 1.0, sigma / (1 + sigma))

    def sigma(self, time: np.ndarray) -> np.ndarray:
        time = np.asarray(time, dtype=np.float64)
        last = FLOW_SIGMA_MAX / (1 + FLOW_SIGMA_MAX)
        return np.where(time >= last, FLOW_SIGMA_MAX, time / (1 - np.minimum(time, last)))

    def scale(self, sigma: float) -> float:
        # At t = 1 the native x is the noise alone, x = sigma * n.
        return 1 / sigma if sigma >= FLOW_SIGMA_MAX else 1 / (1 + sigma)


@dataclass(frozen=True)
class VE:
    """Variance exploding, continuous (EDM): model time is sigma."""

    name: Literal["ve"] = "ve"
    table: None = None

    def time(self, sigma: np.ndarray) -> np.ndarray:
        return np.asarray(sigma, dtype=np.float64)

    def sigma(self, time: np.ndarray) -> np.ndarray:
        return np.asarray(time, dtype=np.float64)

    def scale(self, sigma: float) -> float:  # noqa: ARG002 - VE x is the native x at every level
        return 1.0


def scaled_linear_vp(start: float = 0.00085, end: float = 0.012, num: int = 1000) -> VP:
    """Stable Diffusion's path: betas linear in their square roots."""
    betas = np.linspace(start**0.5, end**0.5, num) ** 2
    return VP(tuple(np.cumprod(1 - betas).tolist()))


def linear_vp(start: float = 1e-4, end: float = 0.02, num: int = 1000) -> VP:
    """DDPM's path: linear betas. The embedded models declare it."""
    return VP(tuple(np.cumprod(1 - np.linspace(start, end, num)).tolist()))


LONG_TAIL = 1000.0  # sigma_max from which on most of an even spacing in sigma or ln sigma is noise


def long_tailed(spec: ModelSpec) -> bool:
    """Whether the range reaches up to (nearly) pure noise: a flow model's, or that of a table with
    a zero terminal signal-to-noise ratio. Levels even in model time keep to what matters."""
    return spec.path.name != "ve" and spec.sigma_max >= LONG_TAIL


@dataclass(frozen=True)
class ModelSpec:
    """What is known about a model before it is asked anything.

    `sample_shape`: of one x, without the batch. `sigma_data`: standard deviation of the data,
    per element. `kind`: what `decode` gives. `exact`: the score is a closed form, no network.
    `revision`: of the repository that its weights come from. `family`: the published model it is,
    or is trained from, where known: tables are made for one.
    """

    key: str
    label: str
    sample_shape: tuple[int, ...]
    sigma_min: float
    sigma_max: float
    sigma_data: float
    path: Path
    prediction: Literal["x0", "eps", "v", "flow", "edm"] = "x0"
    kind: Literal["points", "pictures"] = "pictures"
    classes: tuple[str, ...] = ()
    takes_prompt: bool = False
    exact: bool = False
    reference: str = ""
    licence: str = ""
    revision: str = ""
    family: str = ""

    def check(self, schedule: Schedule) -> Schedule:
        """`schedule`, or a `ValueError` when it starts above what this model knows."""
        if schedule.sigmas[0] > self.sigma_max * (1 + RANGE_SLACK):
            raise ValueError(
                f"level 0 is {schedule.sigmas[0]:g}, above {self.label}'s sigma_max "
                f"{self.sigma_max:g}: scale the schedule to at most {self.sigma_max:g}"
            )
        return schedule

"""What solvers and optimizers know of a model: D(x, sigma), an estimate of x0.

VE coordinates: x = x0 + sigma * n. Condition and guidance are bound before sampling, so that no
solver or optimizer carries them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch

from ays_core.job import Job
from ays_core.paths import ModelSpec

Batch = torch.Tensor  # (B, *sample_shape), VE coordinates
Levels = float | tuple[float, ...]  # one for the batch, or one each for as many equal parts of it
Cond = Any  # whatever a model's `encode` gives and its `denoise` takes; opaque elsewhere


@runtime_checkable
class Denoiser(Protocol):
    """D(x, sigma): estimate of x0, same shape and dtype as x; sigma > 0, one level per call."""

    def __call__(self, x: Batch, sigma: float) -> Batch: ...


class Model(Protocol):
    """A diffusion model in VE coordinates."""

    @property
    def spec(self) -> ModelSpec: ...

    def encode(self, conditions: Sequence[str]) -> Cond:
        """Classes or prompts as a condition: sample i of a batch has condition i mod k."""
        ...

    def denoise(self, x: Batch, sigma: float, cond: Cond | None) -> Batch:
        """D(x, sigma | cond); unconditional when `cond` is None. A model with `rows_together` takes
        several levels (`Levels`), where that pays in batches of up to so many rows."""
        ...

    def decode(self, x: Batch) -> np.ndarray:
        """uint8 (B, H, W, 3) for pictures, float64 (B, 2) for points."""
        ...

    def data(self, num: int, seed: int, cond: Cond | None = None) -> Batch:
        """`num` samples of the training data, of the condition where one is given."""
        ...


def levels_of(sigma: Levels) -> tuple[float, ...]:
    return sigma if isinstance(sigma, tuple) else (sigma,)


def rows_from(cond: Cond, first: int, num: int) -> Cond:
    """The condition of `num` samples from number `first` on, for a batch that begins there: sample
    i has condition i mod k, whatever the batch."""
    if isinstance(cond, dict):
        return {name: rows_from(part, first, num) for name, part in cond.items()}
    rows = [(first + i) % len(cond) for i in range(num)]
    return cond[rows] if isinstance(cond, torch.Tensor) else tuple(cond[i] for i in rows)


@dataclass(frozen=True, eq=False)
class OwnData:
    """Clean samples that stand for the training data. `samples`: (N, *sample_shape), row i of
    condition i mod k. `origin`: where they come from, in words. `evaluations`: of the model, that
    drawing them took."""

    samples: Batch
    origin: str
    evaluations: int = 0

    @property
    def fingerprint(self) -> str:
        """By this the same samples are known again, whatever they are called."""
        return hashlib.sha256(self.samples.float().cpu().numpy().tobytes()).hexdigest()[:16]


@dataclass(frozen=True)
class Bound:
    """A model with its condition and guidance: the `Denoiser` that solvers and optimizers take.

    guidance g != 1 gives D_none + g (D_cond - D_none): classifier-free guidance. A network does
    both in one call, or takes guidance as an input, in a method of its own:
    `guided(x, sigma, cond, guidance, negative)`. `negative`: what to guide away from instead of
    from nothing, where the model has such a method.
    """

    model: Model
    cond: Cond | None = None
    guidance: float = 1.0
    conditions: tuple[str, ...] = ()  # what `cond` encodes, for records
    negative: Cond | None = None
    away_from: str = ""  # what `negative` encodes
    own: OwnData | None = None

    @property
    def spec(self) -> ModelSpec:
        return self.model.spec

    def __call__(self, x: Batch, sigma: Levels) -> Batch:
        model: Any = self.model  # which takes several levels only if it says so
        guided = getattr(model, "guided", None)
        if guided is not None and self.cond is not None:
            return guided(x, sigma, self.cond, self.guidance, self.negative)
        x0 = model.denoise(x, sigma, self.cond)
        if self.cond is None or self.guidance == 1:
            return x0
        plain = model.denoise(x, sigma, None)
        return plain + self.guidance * (x0 - plain)

    @property
    def rows_together(self) -> int:
        """Rows up to which it pays to ask for several levels at once; 0: one level a call."""
        return getattr(self.model, "rows_together", 0)

    def at_levels(self, x: Batch, sigmas: Sequence[float]) -> Batch:
        """D of x (L, B, *sample_shape) at L levels, one each, in one batch. More than one level
        only of a model that has `rows_together`."""
        if len(sigmas) == 1:
            return self(x[0], sigmas[0])[None]
        return self.of_rows(0, x.shape[1])(x.flatten(0, 1), tuple(sigmas)).view_as(x)

    def of_rows(self, first: int, num: int) -> Bound:
        """For a batch of the samples from number `first` on: each keeps its own condition."""
        if self.cond is None or len(self.conditions) < 2:
            return self
        return replace(self, cond=rows_from(self.cond, first, num))

    @property
    def draw_steps(self) -> int:
        """Evaluations that a sample of `data` takes: a network draws what stands for its training
        data itself."""
        return 0 if self.own is not None else getattr(self.model, "draw_steps", 0)

    def draw(self, num: int, seed: int) -> Job[Batch]:
        """As `data`, as a job: it yields after every call of a network that draws them itself."""
        if not self.draw_steps:
            return self.data(num, seed)
        draw: Any = self.model
        return (yield from draw.draw(num, seed, self.cond))

    def with_data(self, num: int, seed: int) -> Job[Bound]:
        """With its first `num` samples of data at hand, where they have to be drawn."""
        if not self.draw_steps:
            return self
        samples = yield from self.draw(num, seed)
        own = OwnData(samples, self.data_origin, self.draw_steps * num)
        return replace(self, own=own)

    def data(self, num: int, seed: int) -> Batch:
        """`num` samples of the data this bound model was trained on (its condition's own), or of
        what stands for it. A network draws them here and now, which may take long: see `draw`."""
        if self.own is not None:
            samples = self.own.samples
            return samples[torch.arange(num, device=samples.device) % len(samples)]
        return self.model.data(num, seed, self.cond)

    @property
    def data_origin(self) -> str:
        """What `data` gives, in words: "" for the data themselves."""
        if self.own is not None:
            return self.own.origin
        return getattr(self.model, "data_origin", "")


def bind(
    model: Model, conditions: Sequence[str] | str = (), guidance: float = 1.0, negative: str = ""
) -> Bound:
    """`model` for one or several classes or prompts ("" or none: unconditional), with guidance.

    Guidance 1 is off. `negative`: a prompt to guide away from. Raises `ValueError` for guidance
    without a condition to guide to, and for a negative prompt that would change nothing.
    """
    listed = [conditions] if isinstance(conditions, str) else conditions
    chosen = tuple(filter(None, listed))
    if guidance != 1 and not chosen:
        raise ValueError(f"guidance {guidance:g} needs a class or a prompt to guide to")
    if negative and (guidance == 1 or not getattr(model, "takes_negative", False)):
        why = "without guidance" if guidance == 1 else f"with {model.spec.label}"
        raise ValueError(f"a negative prompt changes nothing {why}: leave out {negative!r}")
    return Bound(
        model,
        model.encode(chosen) if chosen else None,
        guidance,
        chosen,
        model.encode([negative]) if negative else None,
        negative,
    )

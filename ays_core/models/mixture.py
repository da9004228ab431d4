"""Gaussian mixtures: models whose denoiser is a formula, in any number of dimensions.

The data are sum_k w_k N(mu_k, C_k). Noise of level sigma adds sigma^2 to every variance, so the
density at every level is again a mixture, and its score and denoiser are exact:

    p(k | x) = softmax_k ( ln w_k + ln N(x; mu_k, C_k + sigma^2) )
    D(x)     = sum_k p(k | x) [ mu_k + C_k (C_k + sigma^2)^-1 (x - mu_k) ]
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import torch

from ays_core.denoiser import Batch, Levels, levels_of
from ays_core.paths import ModelSpec, linear_vp

SIGMA_MIN, SIGMA_MAX = 0.002, 80.0
# Model time is an index into DDPM's linear betas, begun low enough that the table reaches
# SIGMA_MIN: sigma of its first entry is sqrt(beta / (1 - beta)).
PATH = linear_vp(start=SIGMA_MIN**2 / (1 + SIGMA_MIN**2))
CACHED = 100_000  # numbers in a working array: more would fall out of a core's cache


class Mixture:
    """An exact model. weights (K,), means (K, d), covariances (K, d, d).

    Arithmetic is in float64, whatever the dtype of x; results have the dtype of x.
    """

    rows_together = 4096  # a small batch costs what its calls of torch cost

    def __init__(
        self,
        key: str,
        weights: Sequence[float] | np.ndarray,
        means: np.ndarray,
        covariances: np.ndarray,
        *,
        label: str = "",
        reference: str = "a Gaussian mixture: its denoiser is a closed form",
        licence: str = "",
    ) -> None:
        share = torch.as_tensor(np.asarray(weights) / np.max(weights), dtype=torch.float64)
        self.weights = share / share.sum()
        self.means = torch.as_tensor(means, dtype=torch.float64)
        covariance = torch.as_tensor(covariances, dtype=torch.float64)
        self.variances, self.axes = torch.linalg.eigh(covariance)  # C_k = axes diag(.) axes^T
        centre = self.weights @ self.means
        spread = self.means - centre
        total = torch.einsum("k,kij->ij", self.weights, covariance)
        self.total = total + torch.einsum("k,ki,kj->ij", self.weights, spread, spread)
        self.centre = centre
        self.spec = ModelSpec(
            key=key,
            label=label or key,
            sample_shape=(self.means.shape[1],),
            sigma_min=SIGMA_MIN,
            sigma_max=SIGMA_MAX,
            sigma_data=math.sqrt(float(self.total.diagonal().mean())),
            path=PATH,
            kind="points",
            exact=True,
            reference=reference,
            licence=licence,
        )

    def encode(self, conditions: Sequence[str]) -> NoReturn:
        asked = ", ".join(map(repr, conditions)) or "an empty list"
        raise ValueError(f"{self.spec.label} has no classes to choose from, got {asked}")

    def denoise(self, x: Batch, sigma: Levels, cond: None = None) -> Batch:  # noqa: ARG002
        """D(x, sigma): shape (B, d), dtype of x; with L levels in L equal parts. There are no
        classes, so no `cond`."""
        variances = _noised(self.variances, sigma)
        shrink = self.variances / variances
        gain = (self.axes * shrink[:, :, None]) @ self.axes.mT  # C (C + sigma^2)^-1, (L, K, d, d)
        offset = self.means - (gain @ self.means[..., None])[..., 0]
        x0 = []
        for y in self._few(x, len(gain)):
            posterior = torch.softmax(self._log_joint(y, variances), dim=2)  # (L, B, K)
            mixed = (posterior @ gain.flatten(2)).view(*y.shape, y.shape[2])  # (L, B, d, d)
            x0.append((mixed @ y[..., None])[..., 0] + posterior @ offset)
        return torch.cat(x0, dim=1).view(x.shape).to(x.dtype)

    def component(self, x: Batch) -> torch.Tensor:
        """The component x most likely belongs to, as noise goes to 0: (B,) int64."""
        variances = _noised(self.variances, 0.0)
        rows = [self._log_joint(y, variances)[0].argmax(dim=1) for y in self._few(x)]
        return torch.cat(rows)

    def log_density(self, x: Batch, sigma: float = 0.0) -> torch.Tensor:
        """ln p(x; sigma) of data with noise of level sigma: (B,) float64."""
        variances = _noised(self.variances, sigma)
        rows = [torch.logsumexp(self._log_joint(y, variances)[0], dim=1) for y in self._few(x)]
        return torch.cat(rows)

    def features(self, x: Batch) -> torch.Tensor:
        """Coordinates for distances between sample sets: the points themselves, (B, d) float64."""
        return x.to(torch.float64)

    def decode(self, x: Batch) -> np.ndarray:
        """(B, 2) float64 to draw: the point itself, or its two principal coordinates."""
        y = x.detach().to(torch.float64)
        if y.shape[1] == 1:
            y = torch.cat([y, torch.zeros_like(y)], dim=1)
        elif y.shape[1] > 2:
            leading = torch.linalg.eigh(self.total).eigenvectors[:, -2:].flip(1)
            y = (y - self.centre) @ leading
        return y.numpy()

    def data(self, num: int, seed: int, cond: None = None) -> Batch:  # noqa: ARG002
        """`num` exact samples, (num, d) float32.

        Stratified: a component of weight w gets num * w of them, rounded up or down. Counts drawn
        at random (`draws`) would put a distance between two exact sample sets.
        """
        generator = torch.Generator().manual_seed(seed)
        return self._of(stratified(self.weights, num, generator), generator)

    def draws(self, num: int, seed: int, cond: None = None) -> Batch:  # noqa: ARG002
        """`num` independent exact samples, (num, d) float32: what a perfect sampler gives."""
        generator = torch.Generator().manual_seed(seed)
        return self._of(independent(self.weights, num, generator), generator)

    def _of(self, k: torch.Tensor, generator: torch.Generator) -> Batch:
        """One exact sample of each component named in k (B,)."""
        eps = torch.randn(len(k), self.means.shape[1], generator=generator, dtype=torch.float64)
        scaled = self.variances[k].sqrt() * eps
        return (self.means[k] + (self.axes[k] @ scaled[..., None])[..., 0]).float()

    def extent(self) -> tuple[float, float, float, float]:
        """(x_min, x_max, y_min, y_max) to draw in: nearly all of the data, and some air."""
        drawn = self.decode(self.data(4000, seed=0))
        low, high = np.quantile(drawn, [0.002, 0.998], axis=0)
        air = 0.12 * float((high - low).max())
        (x_min, y_min), (x_max, y_max) = low - air, high + air
        return float(x_min), float(x_max), float(y_min), float(y_max)

    def density(
        self,
        size: int = 160,
        sigma: float = 0.0,
        extent: tuple[float, float, float, float] | None = None,
    ) -> np.ndarray | None:
        """The density of the data with noise of level `sigma` over `extent`, by default that of the
        data: (size, size), first row at the top.

        Softened to the size of a pixel, so that narrow components are not lost between pixels.
        None where the data are not points in the plane.
        """
        if self.means.shape[1] != 2:
            return None
        x_min, x_max, y_min, y_max = extent or self.extent()
        x = torch.linspace(x_min, x_max, size, dtype=torch.float64)
        y = torch.linspace(y_max, y_min, size, dtype=torch.float64)
        grid = torch.cartesian_prod(y, x).flip(1)
        pixel = max(x_max - x_min, y_max - y_min) / size
        return self.log_density(grid, math.hypot(sigma, pixel)).exp().view(size, size).numpy()

    def _few(self, x: Batch, parts: int = 1) -> tuple[torch.Tensor, ...]:
        """x in float64, its equal parts side by side, some rows of each at a time."""
        num, dim = self.means.shape
        y = x.to(torch.float64).unflatten(0, (parts, -1))
        return y.split(max(1, CACHED // (parts * dim * max(num, dim))), dim=1)

    def _log_joint(self, y: torch.Tensor, variances: torch.Tensor) -> torch.Tensor:
        """ln w_k + ln N(y; mu_k, C_k + sigma^2) of y (L, B, d): (L, B, K)."""
        whiten = (self.axes / variances.sqrt()[:, :, None]).permute(3, 0, 2, 1)  # (axis, L, d, K)
        shift = -(whiten * self.means.T).sum(dim=2, keepdim=True)
        seen = y.expand(len(whiten), *y.shape).flatten(0, 1)
        white = torch.baddbmm(shift.flatten(0, 1), seen, whiten.flatten(0, 1))  # (axis L, B, K)
        energy = white.square().unflatten(0, whiten.shape[:2]).sum(dim=0)
        log_volume = (variances * 2 * math.pi).log().sum(dim=2)[:, None]
        return self.weights.log() - 0.5 * (log_volume + energy)


def _noised(variances: torch.Tensor, sigma: Levels) -> torch.Tensor:
    """Of every component with noise of each level: (L, K, d)."""
    levels = torch.tensor(levels_of(sigma), dtype=torch.float64)
    return variances + levels[:, None, None] ** 2


def stratified(weights: torch.Tensor, num: int, generator: torch.Generator) -> torch.Tensor:
    """`num` indices in random order; index k comes num * weights[k] times, rounded up or down."""
    order = torch.randperm(len(weights), generator=generator)
    offset = torch.rand((), generator=generator, dtype=torch.float64)
    edges = torch.floor(num * weights[order].cumsum(0) + offset).long()
    edges[-1] = num
    counts = edges.diff(prepend=torch.zeros(1, dtype=torch.int64))
    return order.repeat_interleave(counts)[torch.randperm(num, generator=generator)]


def independent(weights: torch.Tensor, num: int, generator: torch.Generator) -> torch.Tensor:
    """`num` indices, each k with probability weights[k]: how often one comes is left to chance."""
    return torch.multinomial(weights, num, replacement=True, generator=generator)


# Mixture files: {"weights": [...], "means": [[...]], "stds": [...]} or "covariances" for "stds"

MAX_BYTES = 4_000_000
MAX_COMPONENTS = 2_000
MAX_NUMBERS = 1_000_000  # in all covariances together
MIN_STD, MAX_EXTENT = 1e-6, SIGMA_MAX / 4  # noise of sigma_max must drown the data


def read_mixture(path: Path | str) -> Mixture:
    """The mixture in a JSON file: K weights, K means of d numbers, and the widths: K standard
    deviations ("stds", one number or d numbers each) or K matrices d x d ("covariances").

    Raises `ValueError`, with the file and the field at fault.
    """
    path = Path(path)
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ValueError(f"has more than {MAX_BYTES:,} bytes")
        return Mixture(path.stem, *_parse(path.read_bytes()), label=path.stem)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"mixture file {path.name}: {error}") from None
    except OSError as error:
        raise ValueError(f"mixture file {path.name}: {error.strerror}") from None


def _parse(text: bytes) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    content = json.loads(text)
    if not isinstance(content, dict):
        raise ValueError('must hold an object with "weights", "means" and "stds"')
    unknown = set(content) - {"weights", "means", "stds", "covariances"}
    if unknown:
        raise ValueError(f"unknown field {min(unknown)[:40]!r}")
    if ("stds" in content) == ("covariances" in content):
        raise ValueError('needs either "stds" or "covariances"')
    weights, means = _numbers(content, "weights", 1), _numbers(content, "means", 2)
    num, dim = means.shape
    if not 1 <= num <= MAX_COMPONENTS or dim < 1 or num * dim**2 > MAX_NUMBERS:
        raise ValueError(
            f"means: {num} components in {dim} dimensions; 1 to {MAX_COMPONENTS} components, "
            f"and components x dimensions^2 at most {MAX_NUMBERS:,}"
        )
    if weights.shape != (num,):
        raise ValueError(f"weights: {len(weights)} for {num} means")
    if not (weights > 0).all():
        raise ValueError(f"weights: must be positive, one is {weights.min():g}")
    if np.abs(means).max() > MAX_EXTENT:
        raise ValueError(f"means: must lie within ±{MAX_EXTENT:g}, as noise ends at {SIGMA_MAX:g}")
    return weights, means, _covariances(content, num, dim)


def _covariances(content: dict[str, Any], num: int, dim: int) -> np.ndarray:
    """(K, d, d), symmetric and positive, from either field."""
    if "stds" in content:
        stds = _numbers(content, "stds", 1, 2)
        if stds.shape not in ((num,), (num, dim)):
            raise ValueError(f"stds: need {num} numbers, or {num} lists of {dim}")
        if stds.min() < MIN_STD or stds.max() > MAX_EXTENT:
            raise ValueError(f"stds: must lie between {MIN_STD:g} and {MAX_EXTENT:g}")
        return np.eye(dim) * np.square(stds.reshape(num, -1, 1))
    covariances = _numbers(content, "covariances", 3)
    if covariances.shape != (num, dim, dim):
        raise ValueError(f"covariances: need {num} matrices of {dim} x {dim}")
    if not np.allclose(covariances, covariances.mT, rtol=1e-6, atol=0):
        raise ValueError("covariances: every matrix must be symmetric")
    variances = np.linalg.eigvalsh(covariances)
    low, high = variances.min(), variances.max()
    if low < MIN_STD**2 or high > MAX_EXTENT**2:
        raise ValueError(
            f"covariances: eigenvalues must lie between {MIN_STD**2:g} and {MAX_EXTENT**2:g}, "
            f"one is {low if low < MIN_STD**2 else high:g}"
        )
    return covariances


def _numbers(content: dict[str, Any], field: str, *ranks: int) -> np.ndarray:
    """A field as a float64 array, nested as deep as one of `ranks`."""
    if field not in content:
        raise ValueError(f'needs "{field}"')
    try:
        array = np.asarray(content[field], dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{field}: must be numbers, in lists of equal length") from None
    if array.ndim not in ranks:
        raise ValueError(f"{field}: must be lists nested {' or '.join(map(str, ranks))} deep")
    if not np.isfinite(array).all():
        raise ValueError(f"{field}: every number must be finite")
    return array

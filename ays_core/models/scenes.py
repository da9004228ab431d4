"""The embedded picture model: an exact mixture of low-rank Gaussians over little scenes.

Component k is one drawn scene in varied colours: x = mu_k + V_k a + psi n with a ~ N(0, diag
lambda_k), V_k orthonormal, and one small variance psi^2 for all that is left. Such a mixture of
principal component analysers (Tipping and Bishop 1999) has a closed-form denoiser. With dimension
D, rank r, y = x - mu_k and v = lambda + psi^2:

    D_k(x) = mu_k + V diag(v / (v + sigma^2)) V^T y + psi^2 / (psi^2 + sigma^2) (1 - V V^T) y   (1)
    ln p_k = ln w_k - 1/2 [ sum_i ln(v_i + sigma^2) + (D - r) ln(psi^2 + sigma^2)               (2)
             + sum_i (V^T y)_i^2 / (v_i + sigma^2) + (|y|^2 - |V^T y|^2) / (psi^2 + sigma^2) ]
    D(x)   = sum_k softmax_k(ln p) D_k(x)                                                      (3)

A class is its own components only. What varies in one scene is the colours of a few layers, so
V_k = (1_3 x layers_k) rotation_k: J pixel maps shared by the three channels, and a rotation of the
3 J amounts in which they are added. `assets/models/make_scenes.py` fits them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from functools import cache, cached_property
from pathlib import Path

import numpy as np
import torch

from ays_core.denoiser import Batch
from ays_core.models.entry import MODELS, ModelEntry
from ays_core.models.mixture import independent, stratified
from ays_core.paths import ModelSpec, linear_vp

FILE = Path(__file__).parents[2] / "assets/models/scenes.safetensors"
LABEL = "Little scenes (32×32, exact)"
REFERENCE = (
    "Closed-form denoiser of a synthetic world, no neural network: a mixture of principal "
    "component analysers (Tipping and Bishop 1999) of scenes that this project draws"
)
LICENCE = "Apache-2.0, part of this project"
SIGMA_MIN, SIGMA_MAX = 0.02, 80.0

LOG_2PI = math.log(2 * math.pi)
# A component this much less likely than the best is left out. That also keeps denormal numbers
# out of the sums: with them a call takes several times as long.
PRUNED = math.log(1e-12)
ROWS = 32  # pictures at a time: the working arrays of more fall out of the cache

Chooser = Callable[[torch.Tensor, int, torch.Generator], torch.Tensor]  # of indices by weight
Classes = tuple[int, ...]  # an encoded condition: sample i has class cond[i mod len(cond)]


@dataclass(frozen=True)
class Components:
    """K Gaussians over pictures of 3 channels and P pixels.

    weights (K,), means (K, 3, P), layers (K, J, P) with orthonormal rows, rotation (K, 3J, 3J),
    variances (K, 3J): v = lambda + psi^2; psi2: psi^2.
    """

    weights: torch.Tensor
    means: torch.Tensor
    layers: torch.Tensor
    rotation: torch.Tensor
    variances: torch.Tensor
    psi2: float

    def __len__(self) -> int:
        return len(self.means)

    def __getitem__(self, rows: slice | torch.Tensor) -> Components:
        return self._each(lambda tensor: tensor[rows])

    def to(self, dtype: torch.dtype) -> Components:
        return self._each(lambda tensor: tensor.to(dtype))

    def _each(self, change: Callable[[torch.Tensor], torch.Tensor]) -> Components:
        tensors = (field.name for field in fields(self) if field.name != "psi2")
        return replace(self, **{name: change(getattr(self, name)) for name in tensors})

    @cached_property
    def along_means(self) -> torch.Tensor:
        """(1_3 x layers_k) mu_k, (K, 1, 3J)."""
        return (self.means @ self.layers.mT).flatten(1)[:, None]

    @cached_property
    def norms(self) -> torch.Tensor:
        """|mu_k|^2, (K, 1)."""
        return self.means.flatten(1).square().sum(dim=1, keepdim=True)

    def log_joint(self, x: torch.Tensor, sigma: float) -> tuple[torch.Tensor, torch.Tensor]:
        """For x (B, 3, P): ln w_k + ln N(x; mu_k, C_k + sigma^2), (K, B); V^T y, (K, B, 3J)."""
        num, count, pixels = self.layers.shape
        on = (x.reshape(-1, pixels) @ self.layers.reshape(-1, pixels).mT).view(-1, 3, num, count)
        along = (on.permute(2, 0, 1, 3).flatten(2) - self.along_means) @ self.rotation
        means, flat = self.means.flatten(1), x.flatten(1)
        norm = self.norms - 2 * (means @ flat.mT) + flat.square().sum(1)
        variance, rest = self.variances + sigma**2, self.psi2 + sigma**2
        dim, rank = means.shape[1], 3 * count
        energy = (along.square() @ (1 / variance - 1 / rest)[..., None])[..., 0] + norm / rest
        volume = variance.log().sum(1) + (dim - rank) * math.log(rest) + dim * LOG_2PI
        return self.weights.log()[:, None] - 0.5 * (energy + volume[:, None]), along  # (2)

    def denoise(self, x: torch.Tensor, sigma: float) -> torch.Tensor:
        """D(x, sigma) of x (B, 3, P)."""
        log_joint, along = self.log_joint(x, sigma)
        below = log_joint - log_joint.amax(dim=0)
        posterior = torch.softmax(below.masked_fill(below < PRUNED, -math.inf), dim=0)  # (K, B)
        kept = posterior.any(dim=1).nonzero()[:, 0]
        if len(kept) > len(self) // 2:
            return self._mean(x, sigma, posterior, along)
        return self[kept]._mean(x, sigma, posterior[kept], along[kept])

    def _mean(
        self, x: torch.Tensor, sigma: float, posterior: torch.Tensor, along: torch.Tensor
    ) -> torch.Tensor:
        """(3): x itself fades, means and layers come in."""
        fade = self.psi2 / (self.psi2 + sigma**2)
        gain = self.variances / (self.variances + sigma**2) - fade
        on = (posterior[..., None] * gain[:, None] * along) @ self.rotation.mT  # (K, B, 3J)
        on = on.unflatten(2, (3, -1)).permute(1, 2, 0, 3).flatten(2)  # (B, 3, K J)
        mean = (posterior.mT @ self.means.flatten(1)).view_as(x)
        return fade * x + (1 - fade) * mean + on @ self.layers.flatten(0, 1)  # (1)

    def sample(self, k: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """One sample of each component named in k (B,): (B, 3, P)."""
        part = self[k]
        like = {"generator": generator, "dtype": self.means.dtype}
        amounts = torch.randn(part.variances.shape, **like) * (part.variances - self.psi2).sqrt()
        on = (part.rotation @ amounts[..., None]).view(len(k), 3, -1)
        rest = math.sqrt(self.psi2) * torch.randn(part.means.shape, **like)
        return part.means + on @ part.layers + rest


class Scenes:
    """The model: class-conditional, exact. x is (B, 3, 32, 32), pixels in [-1, 1]."""

    def __init__(self, spec: ModelSpec, components: Components, features: torch.Tensor) -> None:
        """`components`: float64, class by class, as many in each. `features`: (F, 3 P)."""
        self.spec = spec
        self.components = components
        self._directions = features.to(torch.float64)
        # The origin of the arithmetic lies among the data: less to cancel in float32.
        self._centre = components.means.mean(dim=0)
        centred = replace(components, means=components.means - self._centre)
        size = len(components) // len(spec.classes)
        slices = {cls: slice(cls * size, (cls + 1) * size) for cls in range(len(spec.classes))}
        self._rows: dict[int | None, slice] = {None: slice(None), **slices}
        self._of = {
            (dtype, cls): centred.to(dtype)[rows]
            for dtype in (torch.float32, torch.float64)
            for cls, rows in self._rows.items()
        }

    def encode(self, conditions: Sequence[str]) -> Classes:
        """Class names as a condition. Raises `ValueError` for unknown ones, naming the known."""
        known = ", ".join(self.spec.classes)
        if not conditions:
            raise ValueError(f"no class given; choose from: {known}")
        for name in conditions:
            if name not in self.spec.classes:
                raise ValueError(f"unknown class {name!r}; choose from: {known}")
        return tuple(self.spec.classes.index(name) for name in conditions)

    def denoise(self, x: Batch, sigma: float, cond: Classes | None = None) -> Batch:
        """D(x, sigma | class): shape and dtype of x (half precisions by way of float32)."""
        y = self._centred(x, torch.float64 if x.dtype == torch.float64 else torch.float32)
        x0 = torch.empty_like(y)
        for rows, cls in _by_class(len(x), cond):
            components = self._of[y.dtype, cls]
            for few in rows.split(ROWS):
                x0[few] = components.denoise(y[few], sigma)
        return (x0 + self._centre.to(y.dtype)).view(x.shape).to(x.dtype)

    def log_density(
        self, x: Batch, sigma: float = 0.0, cond: Classes | None = None
    ) -> torch.Tensor:
        """ln p(x; sigma | class) of data with noise of level sigma: (B,) float64."""
        y = self._centred(x, torch.float64)
        found = y.new_empty(len(y))
        for rows, cls in _by_class(len(x), cond):
            components = self._of[y.dtype, cls]
            log_share = components.weights.sum().log()
            for few in rows.split(ROWS):
                log_joint, _ = components.log_joint(y[few], sigma)
                found[few] = torch.logsumexp(log_joint, dim=0) - log_share
        return found

    def component(self, x: Batch) -> torch.Tensor:
        """The scene x most likely shows, as noise goes to 0: (B,) int64, class by class."""
        rows = self._centred(x, torch.float32).split(ROWS)
        components = self._of[torch.float32, None]
        return torch.cat([components.log_joint(few, 0.0)[0].argmax(dim=0) for few in rows])

    def features(self, x: Batch) -> torch.Tensor:
        """Coordinates for distances between sample sets: principal components, (B, 40) float64."""
        return self._centred(x, torch.float64).flatten(1) @ self._directions.mT

    def decode(self, x: Batch) -> np.ndarray:
        """uint8 (B, 32, 32, 3)."""
        return ((x.detach().float() + 1) * 127.5).round().clamp(0, 255).byte().movedim(1, 3).numpy()

    def data(self, num: int, seed: int, cond: Classes | None = None) -> Batch:
        """`num` exact samples, float32: every scene (of a class) equally often, up to rounding."""
        return self._exact(num, seed, cond, stratified)

    def draws(self, num: int, seed: int, cond: Classes | None = None) -> Batch:
        """`num` independent exact samples, float32: what a perfect sampler gives."""
        return self._exact(num, seed, cond, independent)

    def _exact(self, num: int, seed: int, cond: Classes | None, choose: Chooser) -> Batch:
        generator = torch.Generator().manual_seed(seed)
        chosen = torch.empty(num, dtype=torch.int64)
        for rows, cls in _by_class(num, cond):
            weights = self.components.weights[self._rows[cls]]
            drawn = choose(weights / weights.sum(), len(rows), generator)
            chosen[rows] = drawn + (self._rows[cls].start or 0)
        few = [self.components.sample(k, generator).float() for k in chosen.split(ROWS)]
        return torch.cat(few).view(num, *self.spec.sample_shape)

    def _centred(self, x: Batch, dtype: torch.dtype) -> torch.Tensor:
        return x.to(dtype).flatten(2) - self._centre.to(dtype)


def _by_class(num: int, cond: Classes | None) -> Iterator[tuple[torch.Tensor, int | None]]:
    """The rows of a batch that share a class, and the class."""
    rows = torch.arange(num)
    if cond is None:
        yield rows, None
        return
    of_row = torch.tensor(cond)[rows % len(cond)]
    for cls in of_row.unique().tolist():
        yield rows[of_row == cls], cls


def read_scenes(path: Path = FILE) -> Scenes:
    """The model in a file of `make_scenes.py`."""
    from safetensors import safe_open

    with safe_open(path, "pt") as file:
        means, maps, roots = (file.get_tensor(n).double() for n in ("means", "maps", "roots"))
        features, psi = file.get_tensor("features"), json.loads(file.metadata()["about"])["psi"]
    # maps^T root = layers^T (C^T root) with orthonormal layers, where maps maps^T = C C^T
    factor = torch.linalg.cholesky(maps @ maps.mT)
    layers = torch.linalg.solve_triangular(factor, maps, upper=False).contiguous()
    root = (factor.mT[:, None] @ roots.unflatten(1, (3, -1))).flatten(1, 2)
    variances, rotation = torch.linalg.eigh(root @ root.mT)
    weights = torch.full((len(means),), 1 / len(means), dtype=torch.float64)
    variances = variances.clamp(min=psi**2)
    components = Components(weights, means, layers, rotation, variances, psi**2)
    return Scenes(read_spec(path), components, features)


@cache
def read_spec(path: Path = FILE) -> ModelSpec:
    """What is known without reading the model itself."""
    from safetensors import safe_open

    with safe_open(path, "pt") as file:
        about = json.loads(file.metadata()["about"])
    return ModelSpec(
        key="scenes",
        label=LABEL,
        sample_shape=(3, 32, 32),
        sigma_min=SIGMA_MIN,
        sigma_max=SIGMA_MAX,
        sigma_data=about["sigma_data"],
        path=linear_vp(),
        classes=tuple(about["classes"]),
        exact=True,
        reference=REFERENCE,
        licence=LICENCE,
    )


MODELS.add(ModelEntry("scenes", LABEL, read_scenes, REFERENCE, describe=read_spec))

"""How far samples are from where they should be: from a reference run, or from exact samples.

Pure functions, float64 inside. A distance between two finite sample sets is never 0, so each one
has a floor to be read beside it: the same distance of as many independent exact samples.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

import torch

from ays_core import perceptual
from ays_core.catalogue import Catalogue, Entry

PEAK_TO_PEAK = 2.0  # pictures lie in [-1, 1]
BEST_PSNR = 100.0  # dB; two equal pictures would have infinitely many
ROWS = 512  # of a table of distances, at a time


@dataclass(frozen=True)
class MetricEntry(Entry):
    """A number for a set of samples; `make` computes it.

    `needs` says from what: "reference" from x and the reference run's x, both (B, *sample_shape);
    "components" from the exact model's component of both, (B,) integers; "samples" from two sets
    of features, (B, d), of the samples and of exact ones, and it has a floor; "pictures" from
    both runs as uint8 (B, H, W, 3). `absent` says why it cannot be had here, "" where it can.
    """

    unit: str = ""
    better: Literal["low", "high"] = "low"
    needs: Literal["reference", "samples", "components", "pictures"] = "reference"
    about: str = ""
    pictures_only: bool = False
    absent: Callable[[], str] = lambda: ""


METRICS: Catalogue[MetricEntry] = Catalogue("metric")


def metric(
    key: str, label: str, reference: str, **facts
) -> Callable[[Callable[..., float]], Callable[..., float]]:
    """Add the decorated function to the catalogue; its first line says what it measures."""

    def add(function: Callable[..., float]) -> Callable[..., float]:
        about = (function.__doc__ or "").partition("\n")[0]
        METRICS.add(MetricEntry(key, label, function, reference, about=about, **facts))
        return function

    return add


def squared_errors(x: torch.Tensor, reference: torch.Tensor) -> torch.Tensor:
    """Mean squared error of every sample over its own elements: (B,) float64."""
    if x.shape != reference.shape:
        raise ValueError(f"samples {tuple(x.shape)} and reference {tuple(reference.shape)} differ")
    return (x.double() - reference.double()).square().flatten(1).mean(dim=1)


@metric("rmse", "Error", "Root mean square over all elements of all samples", unit="of x")
def rmse(x: torch.Tensor, reference: torch.Tensor) -> float:
    """Root mean square difference to the reference run of the same noise."""
    return float(squared_errors(x, reference).mean().sqrt())


@metric(
    "psnr_median",
    "PSNR, median",
    "Peak signal-to-noise ratio for pictures in [-1, 1], at most 100 dB",
    unit="dB",
    better="high",
    pictures_only=True,
)
def psnr_median(x: torch.Tensor, reference: torch.Tensor) -> float:
    """How close the ordinary picture is to the reference run's: half of them are closer."""
    psnr = 10 * torch.log10(PEAK_TO_PEAK**2 / squared_errors(x, reference))
    return float(psnr.clamp(max=BEST_PSNR).quantile(0.5))


@metric(
    "same_component",
    "Same component",
    "Most likely component under the exact model, as noise goes to 0",
    unit="share",
    better="high",
    needs="components",
)
def same_component(component: torch.Tensor, reference: torch.Tensor) -> float:
    """Share of samples that end in the same component of the mixture as the reference run."""
    return float((component == reference).double().mean())


@metric(
    "sliced_w2",
    "Sliced W2",
    "Bonneel et al. 2015, Sliced and Radon Wasserstein Barycenters of Measures",
    unit="of features",
    needs="samples",
)
def sliced_w2(
    features: torch.Tensor, exact: torch.Tensor, *, seed: int = 0, projections: int = 128
) -> float:
    """Root mean square of the Wasserstein-2 distances along random directions."""
    a, b = _two_sets(features, exact)
    generator = torch.Generator().manual_seed(seed)
    directions = torch.randn(a.shape[1], projections, generator=generator, dtype=torch.float64)
    directions = (directions / directions.norm(dim=0)).to(a.device)
    along_a, along_b = (a @ directions).sort(dim=0).values, (b @ directions).sort(dim=0).values
    return float((along_a - along_b).square().mean().sqrt())


@metric(
    "energy",
    "Energy distance",
    "Székely and Rizzo 2013, Energy statistics: sqrt(2 E|X-Y| - E|X-X'| - E|Y-Y'|)",
    unit="root of features",
    needs="samples",
)
def energy(features: torch.Tensor, exact: torch.Tensor) -> float:
    """Distance between two distributions that is 0 only when they are the same."""
    a, b = _two_sets(features, exact)
    squared = 2 * _mean_distance(a, b) - _mean_distance(a, a) - _mean_distance(b, b)
    return max(squared, 0.0) ** 0.5  # never below 0 but for rounding


def _mean_distance(a: torch.Tensor, b: torch.Tensor) -> float:
    exactly = "donot_use_mm_for_euclid_dist"  # products lose the small distances
    total = sum(torch.cdist(rows, b, compute_mode=exactly).sum() for rows in a.split(ROWS))
    return float(total) / (len(a) * len(b))


@metric(
    "frechet",
    "Fréchet distance",
    "Dowson and Landau 1982; Heusel et al. 2017 (FID), here on the model's own features",
    unit="of features, squared",
    needs="samples",
)
def frechet(features: torch.Tensor, exact: torch.Tensor) -> float:
    """Squared Wasserstein-2 distance between the Gaussians with the two sets' moments."""
    a, b = _two_sets(features, exact)
    if len(a) < 2:
        raise ValueError("a Fréchet distance needs at least 2 samples")
    cov_a, cov_b = _covariance(a), _covariance(b)
    values, axes = torch.linalg.eigh(cov_a)
    root = (axes * values.clamp(min=0).sqrt()) @ axes.mT
    cross = torch.linalg.eigvalsh(root @ cov_b @ root).clamp(min=0).sqrt().sum()
    means = (a.mean(dim=0) - b.mean(dim=0)).square().sum()
    return max(float(means + cov_a.trace() + cov_b.trace() - 2 * cross), 0.0)


def _covariance(a: torch.Tensor) -> torch.Tensor:
    centred = a - a.mean(dim=0)
    return centred.mT @ centred / (len(a) - 1)


def _two_sets(features: torch.Tensor, exact: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    if features.ndim != 2 or features.shape != exact.shape:
        raise ValueError(
            f"two sets (B, d) of the same size, got {tuple(features.shape)} "
            f"and {tuple(exact.shape)}"
        )
    return features.double(), exact.to(features.device).double()


metric(
    "lpips",
    "LPIPS",
    "Zhang et al. 2018, The Unreasonable Effectiveness of Deep Features as a Perceptual Metric",
    unit="of features",
    needs="pictures",
    pictures_only=True,
    absent=partial(perceptual.absent, "lpips"),
)(perceptual.lpips)
metric(
    "fid",
    "FID to the reference",
    "Heusel et al. 2017, GANs Trained by a Two Time-Scale Update Rule",
    unit="of features, squared",
    needs="pictures",
    pictures_only=True,
    absent=partial(perceptual.absent, "fid"),
)(perceptual.fid)

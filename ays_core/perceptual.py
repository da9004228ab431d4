"""Distances between pictures as networks trained on photographs see them, through torchmetrics.

Optional: `pip install torchmetrics torchvision torch-fidelity`, and the networks' weights in
torch's own cache. Nothing is downloaded here: where something is missing, `absent` says what.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch

SMALLEST = 64  # pixels of a side: below, these networks have nothing to look at
NEEDS = {  # packages, and a file in torch's cache of weights
    "lpips": (("torchmetrics", "torchvision"), "alexnet-owt-7be5be79.pth"),
    "fid": (
        ("torchmetrics", "torchvision", "torch_fidelity"),
        "weights-inception-2015-12-05-6726825d.pth",
    ),
}


def absent(key: str) -> str:
    """Why a metric of `NEEDS` cannot be had here; "" where it can."""
    packages, weights = NEEDS[key]
    missing = [name.replace("_", "-") for name in packages if find_spec(name) is None]
    if missing:
        return f"{' and '.join(missing)} not installed"
    file = Path(torch.hub.get_dir()) / "checkpoints" / weights
    return "" if file.exists() else f"{weights} is not in {file.parent}"


def too_small(shape: Sequence[int]) -> bool:
    """Whether pictures of this shape, (B, H, W, 3), are too small for these networks."""
    return min(shape[1:3]) < SMALLEST


def lpips(pictures: np.ndarray, reference: np.ndarray) -> float:
    """Mean perceptual distance of every picture to the reference run's of the same noise.

    Both are uint8 (B, H, W, 3).
    """
    from torchmetrics.image.lpip import (  # pyright: ignore[reportMissingImports]
        LearnedPerceptualImagePatchSimilarity,
    )

    measure = LearnedPerceptualImagePatchSimilarity(net_type="alex")
    with torch.no_grad():
        for a, b in zip(_few(pictures), _few(reference), strict=True):
            measure.update(a.float() / 127.5 - 1, b.float() / 127.5 - 1)
    return float(measure.compute())


def fid(pictures: np.ndarray, reference: np.ndarray) -> float:
    """Fréchet distance of Inception's features to those of the reference run's pictures.

    It falls with the number of pictures: only numbers from equally many can be compared.
    """
    from torchmetrics.image.fid import (  # pyright: ignore[reportMissingImports]
        FrechetInceptionDistance,
    )

    measure = FrechetInceptionDistance()
    with torch.no_grad():
        for batch, real in ((reference, True), (pictures, False)):
            for few in _few(batch):
                measure.update(few, real=real)
    return float(measure.compute())


def _few(pictures: np.ndarray) -> tuple[torch.Tensor, ...]:
    """uint8 (B, H, W, 3) as (b, 3, H, W), eight at a time."""
    return torch.from_numpy(pictures).permute(0, 3, 1, 2).split(8)

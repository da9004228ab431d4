"""LPIPS and FID where their networks are at hand, and the reason where they are not.

The networks themselves cannot be had in a test: stand-ins of torchmetrics' shape take their place.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from importlib.machinery import ModuleSpec
from types import ModuleType

import numpy as np
import pytest
import torch

from ays_core import perceptual
from ays_core.compare import compare
from ays_core.denoiser import bind
from ays_core.job import run
from ays_core.metrics import METRICS
from ays_core.models import load_model
from ays_core.sampling import start_noise
from ays_core.schedules import SCHEDULES


class Pairs:
    """As torchmetrics' LPIPS: pictures in [-1, 1]; here the mean difference of every pair."""

    def __init__(self, net_type: str) -> None:
        assert net_type == "alex"
        self.found: list[torch.Tensor] = []

    def update(self, a: torch.Tensor, b: torch.Tensor) -> None:
        assert a.shape == b.shape and a.shape[1] == 3 and a.min() >= -1 and a.max() <= 1
        self.found.append((a - b).abs().flatten(1).mean(dim=1))

    def compute(self) -> torch.Tensor:
        return torch.cat(self.found).mean()


class Sets:
    """As torchmetrics' FID: uint8 pictures; here the distance of the two means."""

    def __init__(self) -> None:
        self.found: dict[bool, list[torch.Tensor]] = {True: [], False: []}

    def update(self, pictures: torch.Tensor, real: bool) -> None:
        assert pictures.dtype == torch.uint8 and pictures.shape[1] == 3
        self.found[real].append(pictures.double())

    def compute(self) -> torch.Tensor:
        means = [torch.cat(self.found[real]).mean(dim=0) for real in (True, False)]
        return (means[0] - means[1]).square().mean()


@pytest.fixture
def at_hand(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    (tmp_path / "checkpoints").mkdir()
    for _, weights in perceptual.NEEDS.values():
        (tmp_path / "checkpoints" / weights).touch()
    names = {name for packages, _ in perceptual.NEEDS.values() for name in packages}
    names |= {"torchmetrics.image", "torchmetrics.image.lpip", "torchmetrics.image.fid"}
    for name in names:
        module = ModuleType(name)
        module.__spec__ = ModuleSpec(name, None)
        monkeypatch.setitem(sys.modules, name, module)
    lpip, fid = (sys.modules[f"torchmetrics.image.{name}"] for name in ("lpip", "fid"))
    monkeypatch.setattr(lpip, "LearnedPerceptualImagePatchSimilarity", Pairs, raising=False)
    monkeypatch.setattr(fid, "FrechetInceptionDistance", Sets, raising=False)


def test_what_is_missing_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr(perceptual, "find_spec", lambda name: None if "v" in name else name)
    assert perceptual.absent("lpips") == "torchvision not installed"
    monkeypatch.setattr(perceptual, "find_spec", lambda name: None)
    assert (
        perceptual.absent("fid") == "torchmetrics and torchvision and torch-fidelity not installed"
    )
    monkeypatch.setattr(perceptual, "find_spec", lambda name: name)
    assert "alexnet-owt-7be5be79.pth is not in" in perceptual.absent("lpips")


def test_pictures_are_given_as_the_networks_take_them(at_hand):
    assert perceptual.absent("lpips") == perceptual.absent("fid") == ""
    black, white = np.zeros((11, 64, 64, 3), np.uint8), np.full((11, 64, 64, 3), 255, np.uint8)
    assert perceptual.lpips(black, white) == pytest.approx(2.0)
    assert perceptual.lpips(white, white) == 0
    assert perceptual.fid(black, white) == pytest.approx(255**2)


class Enlarged:
    """A picture model whose pictures are large enough."""

    def __init__(self) -> None:
        self.inner = load_model("scenes")
        self.spec = replace(self.inner.spec, key="enlarged")
        self.denoise, self.data = self.inner.denoise, self.inner.data

    def decode(self, x: torch.Tensor) -> np.ndarray:
        return self.inner.decode(x).repeat(2, axis=1).repeat(2, axis=2)


@pytest.mark.parametrize("solver", ["euler", "euler_a"])
def test_a_comparison_has_them_where_pictures_are_large_enough(at_hand, solver):
    keys = {key for key, entry in METRICS.items() if entry.needs == "pictures"}
    assert keys == {"lpips", "fid"}
    for model, large in ((Enlarged(), True), (load_model("scenes"), False)):
        denoise = bind(model)
        noise = start_noise(denoise.spec, 2, 10_000)
        start = SCHEDULES["karras"].make(3, denoise.spec)
        cell = run(compare(denoise, [start], solver, noise)).cells[0]
        wanted = keys if large and solver == "euler" else set()
        assert keys & set(cell.metrics) == wanted
        assert all(cell.metrics[key] > 0 for key in wanted)

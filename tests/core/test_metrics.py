"""Metrics against closed forms and scipy."""

import numpy as np
import pytest
import torch
from scipy.stats import energy_distance

from ays_core.metrics import BEST_PSNR, METRICS, energy, frechet, psnr_median, rmse, sliced_w2


def normal(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


DISTANCES = [key for key, entry in METRICS.items() if entry.needs == "samples"]


def test_rmse_is_over_all_elements():
    x = torch.zeros(2, 3, 4, 4)
    x[0] = 0.3  # one of two samples is off by 0.3
    assert rmse(x, torch.zeros_like(x)) == pytest.approx(0.3 / 2**0.5)


def test_psnr_is_of_the_ordinary_picture():
    off = torch.tensor([0.2, 0.2, 1.0]).view(3, 1, 1, 1).expand(3, 3, 4, 4)
    assert psnr_median(off, torch.zeros_like(off)) == pytest.approx(20.0)  # 20 log10(2 / 0.2)
    assert psnr_median(off, off) == BEST_PSNR


def test_errors_refuse_another_shape():
    with pytest.raises(ValueError, match=r"\(2, 3\).*\(3, 2\)"):
        rmse(torch.zeros(2, 3), torch.zeros(3, 2))


def test_same_component_is_a_share():
    same = METRICS["same_component"].make(torch.tensor([0, 1, 2, 3]), torch.tensor([0, 1, 2, 5]))
    assert same == 0.75


def test_sliced_w2_of_a_shift():
    x = normal(500, 3)
    shift = torch.tensor([3.0, 0.0, 4.0])
    # along a random direction in d dimensions a shift of length 5 is 5 / sqrt(d) on average
    assert sliced_w2(x, x + shift, projections=5_000) == pytest.approx(5 / 3**0.5, rel=0.02)
    assert sliced_w2(x[:, :1], x[:, :1] + 2) == pytest.approx(2)


def test_sliced_w2_depends_on_its_seed_alone():
    x, y = normal(100, 2), normal(100, 2, seed=1)
    assert sliced_w2(x, y, seed=3) == sliced_w2(x, y, seed=3) != sliced_w2(x, y, seed=4)


def test_energy_is_scipys_in_one_dimension():
    x, y = normal(700, 1), 0.5 + 2 * normal(700, 1, seed=1)
    wanted = energy_distance(x[:, 0].numpy(), y[:, 0].numpy())
    assert energy(x, y) == pytest.approx(float(wanted), rel=1e-6)


def test_frechet_of_an_affine_map():
    x = normal(400, 5)
    moved = (x - x.mean(dim=0)) * 2 + 3
    # covariance C and 4 C: tr(C + 4C - 2 (2C)) = tr C, and means 3 apart in each coordinate
    wanted = float(torch.cov(x.T).trace()) + float((x.mean(dim=0) * 0 + 3).square().sum())
    assert frechet(x - x.mean(dim=0), moved) == pytest.approx(wanted, rel=1e-9)


@pytest.mark.parametrize("key", DISTANCES)
def test_distances_are_of_sets(key):
    distance = METRICS[key].make
    x, y = normal(300, 4), normal(300, 4, seed=1) + 0.2
    shuffled = x[torch.from_numpy(np.random.default_rng(0).permutation(300))]
    assert distance(x, shuffled) == pytest.approx(0, abs=1e-6)
    assert distance(x, y) == pytest.approx(distance(y, x), rel=1e-9)
    assert distance(x, y) < distance(x, y + 1)
    assert distance(x.float(), y.float()) == pytest.approx(distance(x, y), rel=1e-5)


@pytest.mark.parametrize("key", DISTANCES)
def test_distances_refuse_sets_of_other_sizes(key):
    with pytest.raises(ValueError, match="same size"):
        METRICS[key].make(normal(10, 2), normal(11, 2))


@pytest.mark.parametrize("key", METRICS)
def test_every_metric_says_what_it_is(key):
    entry = METRICS[key]
    assert entry.unit and entry.about.endswith(".") and entry.better in ("low", "high")

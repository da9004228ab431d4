"""The embedded picture model: its formulas, its classes, and that it can be made again."""

import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from ays_core.denoiser import bind
from ays_core.models import MODELS, Mixture
from ays_core.models.scenes import FILE, Components, Scenes, read_scenes

sys.path.insert(0, str(FILE.parent))
import draw_scenes
import make_scenes

SCENES = MODELS["scenes"].load()
CLASSES = SCENES.spec.classes
PER_CLASS = len(SCENES.components) // len(CLASSES)


def double(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def noisy(num, sigma, cond=None, seed=20_000):
    x0 = SCENES.data(num, seed, cond).double()
    return x0, x0 + sigma * double(*x0.shape, seed=seed)


def test_classes_are_those_that_are_drawn():
    assert CLASSES == draw_scenes.CLASSES
    assert len(SCENES.components) == 400


# Formulas


@pytest.mark.parametrize("sigma", [0.02, 0.3, 3.0, 80.0])
def test_low_rank_components_are_gaussians(sigma):
    """Against the dense mixture with covariances V diag(lambda) V^T + psi^2."""
    num, maps, pixels, psi2 = 5, 2, 6, 0.01
    layers = torch.linalg.qr(double(num, pixels, maps)).Q.mT
    rotation = torch.linalg.qr(double(num, 3 * maps, 3 * maps, seed=1)).Q
    variances = psi2 + double(num, 3 * maps, seed=2).exp()
    means, weights = double(num, 3, pixels, seed=3), torch.softmax(double(num, seed=4), dim=0)
    low_rank = Components(weights, means, layers, rotation, variances, psi2)

    identity = torch.eye(3, dtype=torch.float64)
    v = torch.stack([torch.kron(identity, la.mT.contiguous()) for la in layers]) @ rotation
    covariances = (v * (variances - psi2)[:, None]) @ v.mT + psi2 * torch.eye(
        3 * pixels, dtype=v.dtype
    )
    dense = Mixture("dense", weights.numpy(), means.flatten(1).numpy(), covariances.numpy())

    x = double(7, 3, pixels, seed=5) * (1 + sigma)
    expected = dense.denoise(x.flatten(1), sigma).view_as(x)
    torch.testing.assert_close(low_rank.denoise(x, sigma), expected, rtol=0, atol=1e-9)
    density = torch.logsumexp(low_rank.log_joint(x, sigma)[0], dim=0)
    torch.testing.assert_close(density, dense.log_density(x.flatten(1), sigma))


@pytest.mark.parametrize("classes", [(), ("cat", "tree")])
@pytest.mark.parametrize("sigma", [0.02, 0.5, 4.0, 15.0, 80.0])
def test_denoiser_is_the_score(classes, sigma):
    """Tweedie: D(x) = x + sigma^2 grad ln p(x; sigma), of a class where one is given."""
    cond = SCENES.encode(classes) if classes else None
    x = noisy(4, sigma, cond)[1].requires_grad_()
    (score,) = torch.autograd.grad(SCENES.log_density(x, sigma, cond).sum(), x)
    estimate = SCENES.denoise(x, sigma, cond)
    torch.testing.assert_close(estimate, x + sigma**2 * score, rtol=0, atol=1e-7)


@pytest.mark.parametrize("sigma", [0.02, 0.5, 4.0, 15.0, 80.0])
def test_single_precision_is_enough(sigma):
    _, x = noisy(16, sigma)
    single, exact = SCENES.denoise(x.float(), sigma), SCENES.denoise(x, sigma)
    assert (single - exact).abs().max() < 2e-3


def test_estimates_at_two_levels_are_a_martingale():
    """E |D_a - D_b|^2 = E |x0 - D_b|^2 - E |x0 - D_a|^2 along one path of noise."""
    x0, low = noisy(512, 2.0)
    high = low + (6.0**2 - 2.0**2) ** 0.5 * double(*x0.shape, seed=1)
    a, b = SCENES.denoise(low.float(), 2.0), SCENES.denoise(high.float(), 6.0)
    step, before, after = ((p - q).square().mean() for p, q in ((a, b), (x0, b), (x0, a)))
    assert float(step) == pytest.approx(float(before - after), rel=0.03)


def test_no_flag_of_the_process_is_changed():
    SCENES.denoise(SCENES.data(2, 0), 5.0)
    assert float(torch.tensor([1e-40]) * 1.0) != 0


def test_pictures_of_the_model_are_clean():
    """What D leaves of noise of level sigma_min is less than a grey level."""
    x0, x = noisy(64, SCENES.spec.sigma_min)
    error = (SCENES.denoise(x, SCENES.spec.sigma_min) - x0).square().mean().sqrt()
    assert error < 1 / 255


def test_features_keep_what_varies():
    data = SCENES.data(1024, 20_000)
    features = SCENES.features(data)
    assert features.shape == (1024, 40) and features.dtype == torch.float64
    kept = features.var(dim=0).sum() / data.flatten(1).double().var(dim=0).sum()
    assert 0.8 < kept < 1


# Classes


def test_samples_belong_to_their_class():
    cond = SCENES.encode(["cat", "flower", "cat"])
    expected = torch.tensor(cond)[torch.arange(100) % 3]
    assert torch.equal(SCENES.component(SCENES.data(100, 0, cond)) // PER_CLASS, expected)


def test_data_has_every_scene_equally_often():
    assert SCENES.component(SCENES.data(800, 0)).bincount().tolist() == [2] * 400
    cond = SCENES.encode(["fish"])
    first = CLASSES.index("fish") * PER_CLASS
    counts = SCENES.component(SCENES.data(120, 0, cond)).bincount(minlength=400)
    assert counts[first : first + PER_CLASS].tolist() == [3] * PER_CLASS


def test_sampling_stays_in_the_class():
    cond = SCENES.encode(["butterfly"])
    levels = np.append(np.geomspace(80, 0.02, 24), 0)
    x = 80 * double(16, 3, 32, 32).float()
    for sigma, sigma_next in pairwise(levels):
        x0 = SCENES.denoise(x, sigma, cond)
        x = x0 + sigma_next / sigma * (x - x0)
    assert (SCENES.component(x) // PER_CLASS == CLASSES.index("butterfly")).all()
    assert len(SCENES.component(x).unique()) > 4


def test_a_row_follows_its_own_class():
    _, x = noisy(4, 5.0)
    mixed = SCENES.denoise(x, 5.0, SCENES.encode(["house", "tree"]))
    houses = SCENES.denoise(x, 5.0, SCENES.encode(["house"]))
    trees = SCENES.denoise(x, 5.0, SCENES.encode(["tree"]))
    torch.testing.assert_close(mixed[::2], houses[::2], rtol=0, atol=1e-10)
    torch.testing.assert_close(mixed[1::2], trees[1::2], rtol=0, atol=1e-10)


def test_classes_together_are_the_whole():
    """p(x) is the mean of p(x | class)."""
    _, x = noisy(3, 8.0)
    each = [SCENES.log_density(x, 8.0, SCENES.encode([name])) for name in CLASSES]
    together = torch.logsumexp(torch.stack(each), dim=0) - np.log(len(CLASSES))
    torch.testing.assert_close(SCENES.log_density(x, 8.0), together, rtol=0, atol=1e-8)


def test_guidance():
    _, x = noisy(3, 8.0)
    plain = SCENES.denoise(x, 8.0, None)
    of_class = SCENES.denoise(x, 8.0, SCENES.encode(["cactus"]))
    guided = bind(SCENES, "cactus", 3.0)(x, 8.0)
    torch.testing.assert_close(guided, plain + 3 * (of_class - plain))


def test_unknown_classes_name_the_known():
    with pytest.raises(ValueError, match="unknown class 'dog'; choose from: flower, house"):
        SCENES.encode(["cat", "dog"])


# Drawing and fitting


@pytest.mark.parametrize("cls", range(10))
def test_drawing(cls):
    picture = draw_scenes.render(np.random.default_rng(3), cls)
    assert picture.shape == (32, 32, 3) and picture.dtype == np.uint8
    assert np.array_equal(picture, draw_scenes.render(np.random.default_rng(3), cls))
    assert not np.array_equal(picture, draw_scenes.render(np.random.default_rng(4), cls))
    assert picture.std() > 20


def test_drawing_larger_is_the_same_scene():
    small = draw_scenes.render(np.random.default_rng(0), 0).astype(float)
    large = draw_scenes.render(np.random.default_rng(0), 0, size=64).astype(float)
    assert np.abs(large.reshape(32, 2, 32, 2, 3).mean(axis=(1, 3)) - small).mean() < 6


def test_four_scenes_fitted_again(tmp_path):
    """Drawing and fitting again gives the denoiser of the file, to 1e-2."""
    chosen = [(0, 0), (0, 1), (1, 0), (1, 1)]
    file = tmp_path / "four.safetensors"
    make_scenes.write([make_scenes.drawn_and_fitted(s) for s in chosen], CLASSES[:2], file)
    again = read_scenes(file)
    rows = torch.tensor([cls * PER_CLASS + pose for cls, pose in chosen])
    weights = torch.full((4,), 0.25, dtype=torch.float64)
    shipped = replace(SCENES.components[rows], weights=weights)
    shipped = Scenes(again.spec, shipped, SCENES.features(SCENES.data(1, 0)))
    x0 = again.data(16, 0).double()
    for sigma in (0.02, 0.1, 0.5, 2.0, 10.0, 80.0):
        x = x0 + sigma * double(*x0.shape)
        difference = again.denoise(x, sigma) - shipped.denoise(x, sigma)
        assert difference.square().mean().sqrt() < 1e-2, sigma


def test_a_scene_is_low_rank():
    """Eight maps, each in three channels, hold 99.9 % of what varies in one scene."""
    scene = make_scenes.drawn_and_fitted((5, 0))
    layers = scene.maps.astype(float)
    root = scene.root.astype(float).reshape(3, make_scenes.MAPS, -1)
    within = np.square(np.einsum("jp,cjr->rcp", layers, root)).sum() / scene.mean.size
    assert scene.left < 1e-3 * within


def test_the_file_is_small_enough_for_a_hub_without_large_files():
    assert FILE.stat().st_size < 9_000_000
    assert Path(make_scenes.FILE) == FILE

"""Gaussian mixtures against closed forms and autograd; mixture files, good and hostile."""

import json

import numpy as np
import pytest
import torch

from ays_core.denoiser import bind
from ays_core.models import MODELS, Mixture, load_model, read_mixture
from ays_core.models.mixture import stratified


def double(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def random_mixture(num, dim, seed=0):
    root = double(num, dim, dim, seed=seed) / 2
    covariances = root @ root.mT + 0.01 * torch.eye(dim)
    weights = double(num, seed=seed + 1).exp()
    return Mixture("random", weights.numpy(), double(num, dim, seed=seed + 2).numpy(), covariances)


@pytest.mark.parametrize("sigma", [0.002, 0.1, 1.0, 80.0])
def test_one_gaussian_is_linear(sigma):
    """One component: D(x) = mu + C (C + sigma^2)^-1 (x - mu)."""
    covariance = np.array([[0.5, 0.3, 0.0], [0.3, 0.4, -0.1], [0.0, -0.1, 0.2]])
    mean = np.array([0.2, -0.7, 1.1])
    model = Mixture("one", [1.0], mean[None], covariance[None])
    x = mean + double(20, 3).numpy() * (0.5 + sigma)
    gain = covariance @ np.linalg.inv(covariance + sigma**2 * np.eye(3))
    expected = mean + (x - mean) @ gain.T
    actual = model.denoise(torch.from_numpy(x), sigma).numpy()
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("num", [20, 700])  # in one go, and some rows at a time
@pytest.mark.parametrize("dim", [1, 2, 5])
def test_several_levels_in_one_batch_are_what_each_is_alone(dim, num):
    model, sigmas = random_mixture(60, dim), (40.0, 2.0, 0.3, 0.01)
    x = double(len(sigmas), num, dim) * torch.tensor(sigmas)[:, None, None]
    alone = torch.stack([model.denoise(*each) for each in zip(x, sigmas, strict=True)])
    together = bind(model).at_levels(x, sigmas)
    torch.testing.assert_close(together, alone, rtol=0, atol=1e-12)


@pytest.mark.parametrize("sigma", [0.01, 0.3, 2.0, 40.0])
@pytest.mark.parametrize("dim", [1, 2, 5])
def test_denoiser_is_the_score(dim, sigma):
    """Tweedie: D(x) = x + sigma^2 grad ln p(x; sigma)."""
    model = random_mixture(6, dim)
    x = (double(30, dim, seed=9) * (1 + sigma)).requires_grad_()
    (score,) = torch.autograd.grad(model.log_density(x, sigma).sum(), x)
    estimate = model.denoise(x, sigma)
    torch.testing.assert_close(estimate, x + sigma**2 * score, rtol=1e-10, atol=1e-10)


def test_density_is_one_in_total():
    model = random_mixture(4, 2)
    axis = torch.linspace(-8, 8, 801, dtype=torch.float64)
    x = torch.cartesian_prod(axis, axis)
    total = model.log_density(x, 0.1).exp().sum() * (axis[1] - axis[0]) ** 2
    assert float(total) == pytest.approx(1, abs=1e-6)


def test_error_curve_of_the_grid():
    """E |x0 - D|^2, of points on linspace(-1, 1, 8)^2 with standard deviation .03."""
    expected = {0.02: 0.000557, 0.05: 0.002171, 0.1: 0.016791, 0.2: 0.066193}
    expected |= {0.5: 0.29911, 1.0: 0.595958, 2.0: 0.774094}
    model = MODELS["grid"].load()
    x0 = model.data(200_000, 20_000).double()
    noise = double(*x0.shape)
    for sigma, error in expected.items():
        estimate = model.denoise(x0 + sigma * noise, sigma, None)
        assert float((x0 - estimate).square().sum(1).mean()) == pytest.approx(error, rel=0.015)


def test_estimates_at_two_levels_are_a_martingale():
    """E |D_a - D_b|^2 = M(b) - M(a) along one path of noise."""
    model = MODELS["grid"].load()
    x0 = model.data(200_000, 20_000).double()
    low = x0 + 0.1 * double(*x0.shape, seed=1)
    high = low + np.sqrt(0.5**2 - 0.1**2) * double(*x0.shape, seed=2)
    step = model.denoise(high, 0.5, None) - model.denoise(low, 0.1, None)
    assert float(step.square().sum(1).mean()) == pytest.approx(0.29911 - 0.016791, rel=0.015)


def test_components_own_their_samples():
    means = np.array([[-1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    model = Mixture("three", [0.2, 0.5, 0.3], means, 0.01 * np.tile(np.eye(2), (3, 1, 1)))
    component = model.component(model.data(1000, 0))
    assert component.dtype == torch.int64
    assert component.bincount().tolist() == [200, 500, 300]


@pytest.mark.parametrize("num", [1, 7, 64, 1000])
def test_stratified_counts(num):
    weights = torch.tensor([0.5, 0.25, 0.15, 0.1], dtype=torch.float64)
    for seed in range(20):
        chosen = stratified(weights, num, torch.Generator().manual_seed(seed))
        assert len(chosen) == num
        counts = chosen.bincount(minlength=4)
        assert ((counts - num * weights).abs() < 1).all()


def test_every_component_has_its_chance():
    """Over seeds, a single draw follows the weights."""
    weights = torch.tensor([0.7, 0.2, 0.1], dtype=torch.float64)
    drawn = [stratified(weights, 1, torch.Generator().manual_seed(s)) for s in range(2000)]
    share = torch.cat(drawn).bincount(minlength=3) / 2000
    torch.testing.assert_close(share.double(), weights, rtol=0, atol=0.04)


def test_drawing_more_than_two_dimensions():
    """`decode` keeps the two directions in which the data spread most."""
    widths = np.diag([0.01, 1.0, 0.01, 0.25])
    model = Mixture("flat", [1.0], np.zeros((1, 4)), widths[None])
    x = double(10, 4)
    np.testing.assert_allclose(np.abs(model.decode(x)), x[:, [1, 3]].abs().numpy(), atol=1e-12)


# Files

GOOD = {"weights": [1, 3], "means": [[0, 1], [2, 3]], "stds": [0.1, 0.2]}


def write(tmp_path, content):
    file = tmp_path / "points.json"
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    return file


def test_stds_and_covariances_agree(tmp_path):
    x = double(5, 2)
    ways = [
        GOOD,
        GOOD | {"stds": [[0.1, 0.1], [0.2, 0.2]]},
        {k: v for k, v in GOOD.items() if k != "stds"}
        | {"covariances": [[[0.01, 0], [0, 0.01]], [[0.04, 0], [0, 0.04]]]},
    ]
    first, *others = [read_mixture(write(tmp_path, way)).denoise(x, 0.5) for way in ways]
    for other in others:
        torch.testing.assert_close(other, first, rtol=0, atol=1e-14)


BAD = {
    "weights: 3 for 2": GOOD | {"weights": [1, 1, 1]},
    "weights: must be positive": GOOD | {"weights": [1, -1]},
    "weights: every number must be finite": GOOD | {"weights": [1, float("nan")]},
    "weights: must be numbers": GOOD | {"weights": [1, "many"]},
    "weights: must be lists": GOOD | {"weights": 3},
    'needs "weights"': {k: v for k, v in GOOD.items() if k != "weights"},
    "means: must be numbers": GOOD | {"means": [[0, 1], [2]]},
    "means: must be lists nested 2 deep": GOOD | {"means": [0, 1]},
    "means: must lie within": GOOD | {"means": [[0, 1], [2, 3000]]},
    "means: 1 components in 2000 dimensions": GOOD | {"means": [[0] * 2000], "weights": [1]},
    "means: 0 components|means: must be lists": GOOD | {"means": [], "weights": []},
    "stds: must lie between": GOOD | {"stds": [0.1, 0]},
    "stds: need 2 numbers": GOOD | {"stds": [0.1]},
    'either "stds" or "covariances"': {"weights": [1], "means": [[0]]},
    "stds: must lie between 1e-06 and 20": GOOD | {"stds": [0.1, 1e-200]},
    "unknown field 'std'": GOOD | {"std": 1},
    "covariances: need 2 matrices of 2 x 2": {"weights": [1, 1], "means": GOOD["means"]}
    | {"covariances": [[[1]], [[1]]]},
    "covariances: every matrix must be symmetric": {"weights": [1], "means": [[0, 0]]}
    | {"covariances": [[[1, 0.5], [0, 1]]]},
    "covariances: eigenvalues must lie between .* one is -1": {"weights": [1], "means": [[0, 0]]}
    | {"covariances": [[[1, 2], [2, 1]]]},
    "must hold an object": [1, 2],
    "Expecting": "{",
    "recursion|nested": "[" * 200_000,
    "bytes": " " * 5_000_000,
}


@pytest.mark.parametrize("reason", BAD)
def test_bad_files_are_named_with_their_field(tmp_path, reason):
    with pytest.raises(ValueError, match=f"^mixture file points.json: .*({reason})") as error:
        load_model(str(write(tmp_path, BAD[reason])))
    assert "\n" not in str(error.value)


def test_weights_need_not_add_up_to_one(tmp_path):
    x = double(5, 2)
    one, other = (GOOD | {"weights": weights} for weights in ([0.25, 0.75], [5e307, 1.5e308]))
    expected = read_mixture(write(tmp_path, one)).denoise(x, 1.0)
    torch.testing.assert_close(read_mixture(write(tmp_path, other)).denoise(x, 1.0), expected)


def test_many_dimensions(tmp_path):
    dim = 300
    content = {"weights": [1, 1], "means": [[0.5] * dim, [-0.5] * dim], "stds": [0.1, 0.1]}
    model = read_mixture(write(tmp_path, content))
    assert model.component(model.data(50, 0)).bincount().tolist() == [25, 25]
    x0 = model.data(50, 0)
    error = model.denoise(x0 + 0.1 * double(50, dim), 0.1) - x0
    # One Gaussian at a time: the posterior variance is s^2 sigma^2 / (s^2 + sigma^2).
    assert float(error.square().mean()) == pytest.approx(0.005, rel=0.1)


def test_missing_file():
    with pytest.raises(ValueError, match=r"mixture file nothing.json: No such file"):
        load_model("nothing.json")

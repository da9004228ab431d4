"""What every model of the catalogue keeps, and how models are found by name."""

import json

import numpy as np
import pytest
import torch

from ays_core.models import MODELS, load_model

LOW, MIDDLE, HIGH = 1e-4, 0.5, 1e5


@pytest.fixture(params=MODELS)
def model(request):
    return MODELS[request.param].load()


def noisy(model, num, sigma, seed=20_000):
    """(x0, x0 + sigma n) in float64."""
    x0 = model.data(num, seed).double()
    eps = torch.randn(x0.shape, generator=torch.Generator().manual_seed(seed), dtype=x0.dtype)
    return x0, x0 + sigma * eps


def test_spec_is_the_entry_s(model):
    entry = MODELS[model.spec.key]
    assert entry.spec == model.spec
    assert entry.load() is model
    assert model.spec.label == entry.label
    assert model.spec.reference and model.spec.licence


def test_model_time_covers_the_sigma_range(model):
    ends = np.array([model.spec.sigma_min, model.spec.sigma_max])
    np.testing.assert_allclose(model.spec.path.sigma(model.spec.path.time(ends)), ends, rtol=1e-9)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_shape_and_dtype(model, dtype):
    _, x = noisy(model, 3, MIDDLE)
    x0 = model.denoise(x.to(dtype), MIDDLE, None)
    assert x0.shape == (3, *model.spec.sample_shape)
    assert x0.dtype == dtype


def test_no_noise_leaves_x(model):
    x, _ = noisy(model, 64, 0)
    # What D takes away is sigma^2 times the score, and that is at most a few sigma of the data's.
    assert (model.denoise(x, LOW, None) - x).abs().max() < 1e-3


def test_only_noise_leaves_the_mean(model):
    if not model.spec.exact:
        pytest.skip("a network was trained up to its own sigma_max")
    _, x = noisy(model, 4, HIGH)
    mean = model.data(4096, 0).double().mean(dim=0)
    x0 = model.denoise(x, HIGH, None)
    # D - mean = Cov x / sigma^2 + O(1 / sigma^2), of the size of variance / sigma.
    assert (x0 - mean).pow(2).mean().sqrt() < 0.03
    assert (x0 - x0.mean(dim=0)).abs().max() < 1e-2


def test_data_has_sigma_data(model):
    data = model.data(4096, 20_000).double()
    assert data.dtype == torch.float64 and model.data(2, 0).dtype == torch.float32
    spread = (data - data.mean(dim=0)).pow(2).mean().sqrt()
    assert float(spread) == pytest.approx(model.spec.sigma_data, rel=0.02)


def test_data_follows_its_seed(model):
    assert torch.equal(model.data(5, 7), model.data(5, 7))
    assert not torch.equal(model.data(5, 7), model.data(5, 8))


@pytest.mark.parametrize("sigma", [0.1, 0.5, 2.0])
def test_denoiser_is_the_posterior_mean(model, sigma):
    """The error of a posterior mean is orthogonal to it: E <x0 - D, D> = 0."""
    if not model.spec.exact:
        pytest.skip("a trained network is a posterior mean only as far as it was trained")
    x0, x = noisy(model, 2048 if model.spec.kind == "points" else 512, sigma)
    estimate = model.denoise(x.float(), sigma, None)
    rows = ((x0 - estimate) * estimate).flatten(1).sum(dim=1)
    assert abs(float(rows.mean())) < 4 * float(rows.std()) / len(rows) ** 0.5


def test_rows_do_not_depend_on_the_batch(model):
    _, x = noisy(model, 9, MIDDLE)
    together = model.denoise(x, MIDDLE, None)
    for k in range(9):
        alone = model.denoise(x[k : k + 1], MIDDLE, None)
        torch.testing.assert_close(alone[0], together[k], rtol=0, atol=1e-4)


def test_decode(model):
    decoded = model.decode(model.data(3, 0))
    if model.spec.kind == "points":
        assert decoded.shape == (3, 2) and decoded.dtype == np.float64
    else:
        assert decoded.shape[0] == 3 and decoded.shape[3] == 3 and decoded.dtype == np.uint8


def test_unknown_classes_are_refused(model):
    if model.spec.takes_prompt:
        pytest.skip("takes any text")
    with pytest.raises(ValueError, match="unicorn"):
        model.encode(["unicorn"])
    with pytest.raises(ValueError):
        model.encode([])


def test_known_classes_are_encoded(model):
    for name in model.spec.classes:
        cond = model.encode([name])
        assert model.denoise(model.data(2, 0, cond), MIDDLE, cond).shape[0] == 2


# By name


def test_models_by_key_and_path(tmp_path):
    assert load_model("spiral") is MODELS["spiral"].load()
    file = tmp_path / "two.json"
    file.write_text(json.dumps({"weights": [1, 3], "means": [[-1.0], [1.0]], "stds": [0.1, 0.2]}))
    model = load_model(str(file))
    assert model.spec.key == "two" and model.spec.sample_shape == (1,) and model.spec.exact


@pytest.mark.parametrize("name", ["", "spirals", "no/such/folder"])
def test_unknown_models_list_the_known(name):
    with pytest.raises(ValueError, match="one of: checkerboard, gaussians, grid"):
        load_model(name)

"""The embedded network: shipped as any checkpoint, run by the adapter that any checkpoint has."""

import json
import shutil

import numpy as np
import pytest
import torch
from PIL import Image

from ays_core.denoiser import bind
from ays_core.job import run
from ays_core.models import load_model
from ays_core.models.pipelines.unet2d import UNet2D
from ays_core.models.unet import FOLDER, read_drawings
from ays_core.sampling import sample, start_noise
from ays_core.schedules import SCHEDULES


@pytest.fixture(scope="module")
def unet():
    return load_model("scenes_unet")


def test_it_is_small_and_says_what_it_cost():
    sizes = [file.stat().st_size for file in FOLDER.rglob("*.safetensors")]
    assert len(sizes) == 1 and sizes[0] <= 8 * 2**20
    trained = json.loads((FOLDER / "training.json").read_text())
    assert trained["images"] > 0 and trained["minutes"] > 0 and trained["curve"]
    card = (FOLDER / "README.md").read_text()
    assert f"{trained['images']:,}" in card and "license: apache-2.0" in card
    for name in ("samples.png", "loss.png"):
        assert name in card
        with Image.open(FOLDER / name) as picture:
            assert picture.width > 100


@pytest.fixture
def recipe(tmp_path, monkeypatch):
    """The recipe, writing elsewhere, from a copy of what is shipped."""
    monkeypatch.syspath_prepend(str(FOLDER.parent))
    import make_unet

    shutil.copytree(FOLDER, tmp_path / "shipped")
    monkeypatch.setattr(make_unet, "EXPORT", tmp_path / "shipped")
    monkeypatch.setattr(make_unet, "CHECKPOINT", tmp_path / "none.pt")
    return make_unet


def test_without_a_checkpoint_there_is_nothing_to_export(recipe):
    before = {file: file.read_bytes() for file in recipe.EXPORT.rglob("*") if file.is_file()}
    with pytest.raises(SystemExit, match="there is no checkpoint to export"):
        recipe.train(0, 1, 0)
    assert before == {f: f.read_bytes() for f in recipe.EXPORT.rglob("*") if f.is_file()}


@pytest.mark.slow
def test_training_goes_on_from_what_is_shipped_which_nothing_worse_replaces(recipe, unet, capsys):
    net, ema, _, done = recipe.begin("cpu")
    trained = json.loads((FOLDER / "training.json").read_text())
    assert done["images"] == trained["images"] and done["curve"] == trained["curve"]
    shipped = dict(unet.module.named_parameters())
    assert all(torch.equal(w, shipped[name]) for name, w in ema.named_parameters())
    weights = recipe.EXPORT / "unet" / "diffusion_pytorch_model.safetensors"
    before = weights.read_bytes()
    with torch.no_grad():
        net.conv_out.weight.mul_(0.5)
    recipe.export(net, done)
    assert weights.read_bytes() == before and "not exported" in capsys.readouterr().out


def test_the_adapter_reads_the_same_from_the_config(unet):
    assert isinstance(unet, UNet2D)
    assert unet.noise.prediction == unet.spec.prediction == "v"
    read, stated = unet.noise.path, unet.spec.path
    sigmas = np.geomspace(unet.spec.sigma_min, unet.spec.sigma_max, 20)
    np.testing.assert_allclose(read.time(sigmas), stated.time(sigmas), atol=1e-2)
    assert unet.noise.sigma_min <= unet.spec.sigma_min < unet.spec.sigma_max <= unet.noise.sigma_max


def test_its_x_are_the_pixels_in_another_order(unet):
    drawings = read_drawings()
    with Image.open(FOLDER / "drawings.png") as image:
        sheet = np.asarray(image.convert("RGB"))
    decoded = unet.decode(drawings[:3])
    for k in range(3):
        assert (decoded[k] == sheet[:32, 32 * k : 32 * (k + 1)]).all()


def test_data_is_of_its_class(unet):
    cond = unet.encode(["fish", "cat"])
    drawn, all_of_them = unet.data(6, 0, cond), read_drawings()
    classes = unet.spec.classes
    for k, x in enumerate(drawn):
        found = int((all_of_them == x).flatten(1).all(dim=1).nonzero()[0])
        assert classes[found // 40] == ["fish", "cat"][k % 2]


@pytest.mark.parametrize(("sigma", "share"), [(0.1, 0.5), (1.0, 0.25), (10.0, 0.9)])
def test_it_takes_noise_away_from_drawings_it_never_saw(unet, sigma, share):
    """D is closer to x0 than x by far, and than the mean drawing."""
    x0 = read_drawings()[::5]
    noise = start_noise(unet.spec, len(x0), 20_000)
    with torch.no_grad():
        error = (unet.denoise(x0 + sigma * noise, sigma, None) - x0).square().mean().sqrt()
    assert error < share * min(sigma, unet.spec.sigma_data) * (1 if sigma < 1 else 2)


def test_one_knows_what_it_shows(unet):
    """Samples of a class are nearest to drawings of that class more often than chance by far."""
    drawings, classes = read_drawings(), unet.spec.classes
    means = drawings.reshape(len(classes), 40, -1).mean(dim=1)
    schedule = SCHEDULES["karras"].make(10, unet.spec)
    bound = bind(unet, classes, guidance=1.5)
    done = run(sample(bound, schedule, "dpmpp_2m", start_noise(unet.spec, 40, 20_000)))
    nearest = torch.cdist(done.samples.flatten(1), means).argmin(dim=1)
    right = (nearest == torch.arange(40) % len(classes)).double().mean()
    assert right > 0.4  # the mean picture of a class is a crude judge; chance is 0.1

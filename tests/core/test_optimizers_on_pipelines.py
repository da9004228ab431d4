"""Every optimizer on real-model pipelines: guidance, several prompts, half precision, own data."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from ays_core.denoiser import Bound, bind
from ays_core.job import Job, Progress, run
from ays_core.models import MODELS
from ays_core.models.pictures import bind_pictures
from ays_core.models.pipelines import PipelineModel, adapt
from ays_core.optimizers import OPTIMIZERS
from ays_core.optimizers.score_costs import predictor_cost
from ays_core.sampling import sample, start_noise
from ays_core.schedule import Schedule
from ays_core.schedules import SCHEDULES
from ays_core.solvers import SOLVERS
from ays_core.statistics import log_levels, measure, measure_model
from tests.core import tiny_pipelines as tiny

PROMPTS = ("a cat", "red dog")
SMALL: dict[str, dict[str, Any]] = {  # the cheapest that each takes
    "ays": {"power": "1", "levels": 24, "paths": 16},
    "ays_density": {"levels": 24, "paths": 16},
    "ays_mc": {"draws": 64, "sweeps": 1, "stop": "converged"},
    "oss": {"teacher_steps": 20, "num": 8},
    "direct": {"budget": 20, "num": 8},
    "gits": {"teacher_steps": 20, "num": 8},
    "score_optimal": {"levels": 100, "batch": 16},
}


@cache
def model(name: str, dtype: torch.dtype = torch.float32) -> PipelineModel:
    pipe = tiny.make(name)
    pipe.unet.to(dtype) if hasattr(pipe, "unet") else pipe.transformer.to(dtype)
    made = adapt(pipe, name, size=tiny.SIZES.get(name))
    draw, known = made.draw, {}  # the same samples for every optimizer: drawing them takes longest

    def drawn(num: int, seed: int, cond: Any = None) -> Job[torch.Tensor]:
        key = (num, seed, str(cond and {name: rows.sum() for name, rows in cond.items()}))
        if key not in known:
            known[key] = yield from draw(num, seed, cond)
        return known[key]

    made.draw = drawn
    return made


def bound_to(name: str, dtype: torch.dtype = torch.float32) -> Bound:
    if name == "ddpm":
        return bind(model(name, dtype))
    classes = ("1", "2") if name == "dit" else PROMPTS
    return bind(model(name, dtype), classes, 4.0)


def start_for(bound: Bound, steps: int = 4) -> Schedule:
    form = "linear_t" if bound.spec.path.name == "flow" else "karras"
    return SCHEDULES[form].make(steps, bound.spec)


def test_every_optimizer_is_tried_here():
    assert set(SMALL) == set(OPTIMIZERS)


@pytest.mark.parametrize(
    ("name", "dtype", "key"),
    [
        *(("dit", torch.bfloat16, key) for key in SMALL),
        *(("stable_diffusion", torch.bfloat16, key) for key in ("ays", "gits")),
        *(("stable_diffusion_3", torch.float32, key) for key in ("ays", "gits")),
    ],
)
def test_with_guidance_and_several_conditions(name, dtype, key):
    bound = bound_to(name, dtype)
    start = start_for(bound)
    found = run(OPTIMIZERS[key].make(bound, start, "euler", seed=3, **SMALL[key]))
    assert found.num_steps == start.num_steps and found.final_zero
    assert found.sigmas[0] == pytest.approx(start.sigmas[0], rel=1e-3)
    origin = found.origin.params
    assert len(bound.conditions) == 2
    assert (origin["guidance"], origin["conditions"]) == (
        4.0,
        list(bound.conditions),
    )
    assert origin["data"] == "samples of the model itself, 50 calls each"
    ran = run(sample(bound, found, "euler", start_noise(bound.spec, 2, 10_000)))
    assert ran.samples.dtype == torch.float32 and torch.isfinite(ran.samples).all()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("name", ["ddpm", "dit", "stable_diffusion"])
def test_in_half_precision_all_but_the_network_is_float32(name, dtype):
    bound = bound_to(name, dtype)
    x = start_noise(bound.spec, 2, 0)
    assert bound.model.module.dtype == dtype and bound(x, 2.0).dtype == torch.float32
    exact = bound_to(name)(x, 2.0)
    off = float(((bound(x, 2.0) - exact).norm() / exact.norm()).detach())
    assert 0 < off < 0.05


def test_with_guidance_the_martingale_shortcut_is_wrong_and_is_not_taken():
    """E_jk = |M_j - M_k| holds for an exact denoiser only: prices are of the pairs themselves."""
    bound = bound_to("dit")
    levels = log_levels(bound.spec.sigma_min, bound.spec.sigma_max, 24)
    found = run(measure(bound, bound.data(16, 0), levels, 16))
    mean = found.gram.sum(axis=0) / found.num_paths
    shortcut = np.abs(mean.diagonal()[:, None] - mean.diagonal())
    pairs = mean.diagonal()[:, None] + mean.diagonal() - 2 * mean
    off = np.abs(shortcut - pairs).max() / pairs.max()
    assert off > 0.1
    assert np.allclose(found.raw_distances, np.maximum(pairs, 0), rtol=1e-6, atol=1e-9)


def test_unguided_and_unconditional_models_work_too():
    bound = bound_to("ddpm")
    for key in ("score_optimal", "gits"):
        found = run(OPTIMIZERS[key].make(bound, start_for(bound), "euler", seed=1, **SMALL[key]))
        assert found.num_steps == 4 and found.origin.params["guidance"] == 1.0


@pytest.mark.parametrize("name", ["dit", "stable_diffusion"])
def test_derivatives_of_networks_with_attention(name):
    """Second ones, which fused attention lacks."""
    bound = bound_to(name)
    x = bound.data(2, 0) + 1.0 * start_noise(bound.spec, 2, 0)
    found = predictor_cost(bound, x, 1.0, 0.9, torch.Generator().manual_seed(0))
    assert np.isfinite(found) and found != 0


def test_a_multistep_solver_and_its_trials_with_guidance():
    bound = bound_to("dit", torch.bfloat16)
    small = {"power": "auto", "levels": 24, "paths": 16, "num": 8}
    found = run(OPTIMIZERS["ays"].make(bound, start_for(bound), "dpmpp_2m", seed=0, **small))
    scores = found.origin.params["scores"]
    assert min(scores.values()) == scores[found.origin.params["chosen"]] <= scores["start"]
    assert SOLVERS["dpmpp_2m"].key == found.origin.params["solver"]


# Data


@pytest.mark.parametrize("key", SMALL)
def test_drawing_data_can_be_seen_and_stopped(key):
    """The first progress comes after a call or two of the network, not after thousands of rows."""
    bound = bind(model("dit"), ("3", "4"), 4.0)
    job = OPTIMIZERS[key].make(bound, start_for(bound), "euler", seed=77)
    fed, network = [], bound.model.network
    bound.model.network = lambda x, *args: fed.append(len(x)) or network(x, *args)
    try:
        first = next(job)
    finally:
        bound.model.network = network
        job.close()
    assert sum(fed) <= 2 * 1024 and isinstance(first, Progress)


def test_a_measurement_draws_what_it_learns_from_batch_by_batch_and_goes_on():
    bound = bind(model("dit"), ("5", "6"), 1.0)
    job = measure_model(bound, levels=4, paths=64, seed=500)
    stages, half = [], None
    while half is None:
        progress = next(job)
        stages.append(progress.stage)
        half = progress.snapshot
    job.close()
    assert stages[:50] == ["drawing samples to learn from"] * 50 and half.num_paths == 8
    on = run(measure_model(bound, levels=4, paths=64, seed=500, measured=half))
    whole = run(measure(bound, bound.data(64, 500), on.levels, 64, 500))
    assert on.num_paths == 64
    np.testing.assert_allclose(on.gram.sum(0), whole.gram.sum(0), rtol=1e-3)


def test_evaluations_that_data_take_are_counted():
    bound = bind(model("dit"), ("1",), 1.0)
    small = SMALL["score_optimal"]
    found = run(OPTIMIZERS["score_optimal"].make(bound, start_for(bound), "euler", **small))
    own = run(bound.with_data(small["batch"], 0))
    assert own.own.evaluations == 50 * small["batch"] and own.data_origin == bound.data_origin
    again = run(OPTIMIZERS["score_optimal"].make(own, start_for(bound), "euler", **small))
    assert again.sigmas == found.sigmas
    assert found.origin.params["evaluations"] > 50 * small["batch"]


@pytest.mark.parametrize("num", [3, 40, 64])
def test_every_sample_keeps_its_condition_whatever_the_batch(num):
    """More conditions than there are paths in a batch: none forces the batches to be larger."""
    names = tuple(map(str, range(num)))
    bound, sizes = bind(model("dit"), names, 1.0), []
    data = torch.randn(64, *bound.spec.sample_shape, generator=torch.Generator().manual_seed(0))
    denoise = bound.model.denoise
    bound.model.denoise = lambda x, *args: sizes.append(len(x)) or denoise(x, *args)
    try:
        few = run(measure(bound, data, [0.5, 5.0], 64))
    finally:
        del bound.model.denoise
    assert max(sizes) == 8 and (few.paths > 0).all()
    one_batch = run(measure(bound, data, [0.5, 5.0], 64, batch=64))
    np.testing.assert_allclose(few.gram.sum(0), one_batch.gram.sum(0), rtol=1e-3)
    assert torch.equal(
        bound.of_rows(5, 4).cond["class_labels"], torch.tensor([i % num for i in range(5, 9)])
    )


def test_the_embedded_network_learns_from_drawings_and_says_so():
    embedded = bind(MODELS["scenes_unet"].load(), "cat", 1.5)
    assert embedded.draw_steps == 0
    assert embedded.data_origin == "drawings that it was not trained on"
    assert next(measure_model(embedded, levels=2, paths=1)).stage == "measuring"


# The user's own pictures


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    random = np.random.default_rng(0)
    for i in range(3):
        pixels = random.integers(0, 255, (20 + 4 * i, 24, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{i}.png")
        (tmp_path / f"{i}.txt").write_text(f"picture {i}\n")
    return tmp_path


def test_pictures_with_their_captions_are_the_data(folder):
    bound = run(bind_pictures(model("stable_diffusion"), folder, 3.0))
    assert bound.conditions == ("picture 0", "picture 1", "picture 2") and bound.guidance == 3.0
    data = bound.data(5, seed=77)
    assert data.shape == (5, *bound.spec.sample_shape)
    assert torch.equal(data[3], data[0]) and not torch.equal(data[0], data[1])
    for file, name in zip(sorted(folder.glob("*.txt")), ("1", "tench", "1"), strict=True):
        file.write_text(name)
    bound = run(bind_pictures(model("dit"), folder, 3.0))
    key, small = "ays_density", SMALL["ays_density"]
    found = run(OPTIMIZERS[key].make(bound, start_for(bound), "euler", **small))
    said = found.origin.params["data"]
    assert said == f"3 pictures of {folder.name} with their captions"


@pytest.mark.parametrize("name", ["stable_diffusion", "stable_diffusion_xl", "flux", "dit"])
def test_encoding_is_what_decoding_undoes(name, folder):
    """By the scale and the shift: a latent that the VAE's decoder is given is the one it made."""
    one = model(name)
    for file in folder.glob("*.txt"):
        file.write_text("1")
    pipe, seen = one.pipe, []
    data = run(bind_pictures(one, folder)).data(1, 0)
    with torch.no_grad():
        image = torch.from_numpy(np.array(Image.open(folder / "0.png"))[2:18, 4:20].copy())
        assert one.side == (16, 16) and image.shape == (16, 16, 3)
        original, pipe.vae.decode = pipe.vae.decode, lambda z, **_: seen.append(z) or (z[:, :3],)
        one.pictures(data)
        pipe.vae.decode = original
        drawn = pipe.vae.encode(_whole_picture(folder / "0.png")).latent_dist
    noise = torch.randn(drawn.mean.shape, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(seen[0], drawn.mean + drawn.std * noise, atol=1e-5)


def _whole_picture(file: Path) -> torch.Tensor:
    from ays_core.models.pictures import as_batch

    return as_batch(file, (16, 16))


def test_pixels_need_no_captions_and_no_vae(folder):
    for file in folder.glob("*.txt"):
        file.unlink()
    bound = run(bind_pictures(model("ddpm"), folder))
    assert bound.conditions == () and bound.data_origin == f"3 pictures of {folder.name}"
    assert float(bound.data(3, 0).abs().max()) <= 1


def test_captions_may_stand_in_one_file(folder):
    for file in folder.glob("*.txt"):
        file.unlink()
    lines = [f'{{"file_name": "{i}.png", "text": "number {i}"}}' for i in range(3)]
    (folder / "metadata.jsonl").write_text("\n".join(lines))
    assert run(bind_pictures(model("stable_diffusion"), folder)).conditions[2] == "number 2"


def test_what_is_no_data_is_refused_in_words(folder, tmp_path_factory):
    (folder / "1.txt").unlink()
    with pytest.raises(ValueError, match=r"1\.png has no caption: write it into 1\.txt"):
        run(bind_pictures(model("stable_diffusion"), folder))
    empty = tmp_path_factory.mktemp("empty")
    with pytest.raises(ValueError, match="has no pictures"):
        run(bind_pictures(model("ddpm"), empty))
    with pytest.raises(ValueError, match="is not a folder"):
        run(bind_pictures(model("ddpm"), empty / "no"))
    (folder / "1.txt").write_text("there")
    with pytest.raises(ValueError, match="makes videos: pictures are no data for it"):
        run(bind_pictures(model("wan"), folder))

"""Checkpoints: what is known before loading, memory, one model held."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from ays_core.denoiser import bind
from ays_core.job import run
from ays_core.models import checkpoints, device, held, in_memory, load_model, pipelines, spec_of
from ays_core.models.checkpoints import choose, find
from ays_core.models.device import Batches, best_dtype
from ays_core.models.pipelines import adapt, load_pipeline, place
from ays_core.sampling import start_noise
from tests.core import single_file
from tests.core import tiny_pipelines as tiny


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("checkpoints") / "tiny-sd"
    tiny.make("stable_diffusion").save_pretrained(path)
    return path


@pytest.fixture(autouse=True)
def nothing_held():
    yield
    held.release()


def size_of(folder: Path, pattern: str) -> int:
    return sum(path.stat().st_size for path in folder.glob(pattern))


# Before anything is loaded


def test_a_folder_says_what_it_is_before_its_weights_are_read(folder, monkeypatch):
    monkeypatch.setattr(pipelines, "_from_folder", None)
    found = find(str(folder))
    assert found.facts == adapt(tiny.make("stable_diffusion")).facts | {
        "native levels": "sigma 0.0292 to 14.61"
    }
    assert found.size > size_of(folder, "*/*.safetensors") > 0 and not found.missing


@pytest.mark.parametrize("name", [*tiny.TEXT_AND_CLASS, "ddpm", "edm"])
def test_facts_before_loading_are_those_after(name: str, tmp_path):
    pipe = tiny.make(name)
    pipe.save_pretrained(tmp_path)
    facts, loaded = dict(find(str(tmp_path)).facts), adapt(pipe, size=tiny.SIZES.get(name)).facts
    levels = facts.pop("native levels")
    assert levels.startswith("sigma ")
    if name.startswith("flux"):  # its shift is known when the size is
        assert "by the size" in facts.pop("shift")
        loaded.pop("shift")
    assert facts == loaded


def test_what_is_no_pipeline_is_refused_in_words(tmp_path):
    with pytest.raises(
        ValueError, match=r"neither a folder, nor a \.safetensors file, nor a Hub id"
    ):
        find("what is this")
    with pytest.raises(ValueError, match=r"no model_index\.json"):
        find(str(tmp_path))
    pickled = tmp_path / "model.ckpt"
    pickled.write_bytes(b"")
    with pytest.raises(ValueError, match="nothing else is read"):
        find(str(pickled))
    index = {"_class_name": "StableCascadeDecoderPipeline"}
    (tmp_path / "model_index.json").write_text(json.dumps(index))
    with pytest.raises(ValueError, match="StableCascadeDecoderPipeline is not supported; supp"):
        find(str(tmp_path))


def test_a_scheduler_that_is_not_diffusers_own_is_refused(tmp_path):
    tiny.make("ddpm").save_pretrained(tmp_path)
    index = json.loads((tmp_path / "model_index.json").read_text())
    for named in (["diffusers", "DDPMPipeline"], ["my_code", "MyScheduler"]):
        (tmp_path / "model_index.json").write_text(json.dumps(index | {"scheduler": named}))
        with pytest.raises(ValueError, match=f"its scheduler, {named[1]}, is not one of diffusers"):
            find(str(tmp_path))


FILES = {
    "model_index.json": 1,
    "unet/config.json": 1,
    "unet/diffusion_pytorch_model.safetensors": 400,
    "unet/diffusion_pytorch_model.fp16.safetensors": 200,
    "unet/diffusion_pytorch_model.bin": 400,
    "text_encoder/model.safetensors": 40,
    "text_encoder/model.fp16.safetensors": 20,
    "safety_checker/model.safetensors": 99,
    "tokenizer/merges.txt": 5,
    "v1-5.ckpt": 999,
    "README.md": 9,
}
INDEX = {
    "_class_name": "StableDiffusionPipeline",
    "unet": ["diffusers", "UNet2DConditionModel"],
    "text_encoder": ["transformers", "CLIPTextModel"],
    "tokenizer": ["transformers", "CLIPTokenizer"],
    "safety_checker": ["stable_diffusion", "StableDiffusionSafetyChecker"],
}


@pytest.mark.parametrize(("dtype", "size"), [(torch.float32, 440), (torch.bfloat16, 220)])
def test_only_configs_and_one_set_of_safetensors_are_fetched(dtype, size, monkeypatch):
    monkeypatch.setattr(checkpoints, "best_dtype", lambda device: dtype)
    needed, variant = choose(INDEX, FILES)
    assert sum(needed.values()) == 7 + size
    assert variant == (None if dtype == torch.float32 else "fp16")
    assert not [name for name in needed if name.endswith((".bin", ".ckpt", ".md"))]
    assert not [name for name in needed if name.startswith("safety_checker")]


def test_a_variant_is_taken_only_where_every_part_has_it(monkeypatch):
    monkeypatch.setattr(checkpoints, "best_dtype", lambda device: torch.bfloat16)
    files = {
        name: size for name, size in FILES.items() if name != "text_encoder/model.fp16.safetensors"
    }
    assert choose(INDEX, files)[1] is None
    sharded = {
        "unet/diffusion_pytorch_model-00001-of-00002.safetensors": 1,
        "unet/diffusion_pytorch_model.safetensors.index.json": 1,
        "text_encoder/model.fp16-00001-of-00002.safetensors": 1,
        "text_encoder/model-00001-of-00001.safetensors": 1,
    }
    needed, variant = choose(INDEX, sharded)
    assert variant is None and set(needed) == set(sharded) - {
        "text_encoder/model.fp16-00001-of-00002.safetensors"
    }


def test_a_part_without_safetensors_is_refused():
    files = {name: size for name, size in FILES.items() if "unet" not in name}
    files["unet/diffusion_pytorch_model.bin"] = 400
    with pytest.raises(ValueError, match="its unet cannot be loaded from safetensors: it has none"):
        choose(INDEX, files)


# One file


def test_a_single_file_with_its_config_folder_is_the_same_model(folder, tmp_path):
    pipe = tiny.make("stable_diffusion")
    single_file.save(pipe, tmp_path / "model.safetensors")
    configs = tmp_path / "configs"
    shutil.copytree(folder, configs, ignore=shutil.ignore_patterns("*.safetensors"))
    found = find(str(tmp_path / "model.safetensors"), str(configs))
    assert found.facts == find(str(folder)).facts
    model = run(held.bring(found))
    assert model.spec.label == "model.safetensors"
    original = adapt(pipe)
    x = start_noise(model.spec, 2, 0)
    with torch.no_grad():
        ours = bind(model, "a cat", 3.0)(x, 2.0)
        assert torch.allclose(ours, bind(original, "a cat", 3.0)(x, 2.0), atol=1e-5)
        assert (model.decode(x) == original.decode(x)).mean() > 0.99
    with pytest.raises(ValueError, match="give the folder of its configs"):
        find(str(tmp_path / "model.safetensors"))


# Memory


def test_one_model_is_held_and_the_one_before_is_freed(folder, tmp_path):
    first = run(held.bring(find(str(folder))))
    assert load_model(str(folder)) is first, "not loaded twice"
    tiny.make("ddpm").save_pretrained(tmp_path / "pixels")
    second = run(held.bring(find(str(tmp_path / "pixels"))))
    assert held.current() is second
    assert spec_of(str(folder)) == first.spec, "it can still be shown"
    with pytest.raises(ValueError, match="no longer in memory: load it again"):
        in_memory(str(folder))
    held.release()
    assert held.current() is None


def test_precision_is_the_device_s(monkeypatch):
    assert best_dtype("cpu") == torch.float32 and best_dtype("mps") == torch.float16
    for native, dtype in ((True, torch.bfloat16), (False, torch.float16)):
        monkeypatch.setattr(
            torch.cuda, "is_bf16_supported", lambda including_emulation, n=native: n
        )
        assert best_dtype("cuda") == dtype


def test_parts_wait_in_main_memory_where_a_card_is_short(monkeypatch):
    pipe, done = tiny.make("stable_diffusion"), []
    monkeypatch.setattr(type(pipe), "to", lambda self, device: done.append(("to", device)))
    monkeypatch.setattr(
        type(pipe),
        "enable_model_cpu_offload",
        lambda self, device: done.append(("offload", device)),
    )
    sizes = [
        sum(p.numel() * p.element_size() for p in part.parameters())
        for part in (pipe.unet, pipe.vae, pipe.text_encoder)
    ]
    room = device.WEIGHTS_SHARE
    for free, words in (
        (sum(sizes) * 1.01, "cuda"),
        (max(sizes) * 1.01, "cuda, its parts in turn"),
    ):
        monkeypatch.setattr(pipelines, "free_memory", lambda _, free=free: free / room)
        assert place(pipe, "cuda") == words
    assert done == [("to", "cuda"), ("offload", "cuda")]
    monkeypatch.setattr(pipelines, "free_memory", lambda _: max(sizes) / room / 2)
    with pytest.raises(ValueError, match=r"its largest part has .* choose a smaller model"):
        place(pipe, "cuda")


def test_a_batch_is_as_large_as_the_memory_at_hand(monkeypatch):
    layer, seen = torch.nn.Linear(4, 8), []

    def call(rows: slice) -> torch.Tensor:
        seen.append(rows.stop - rows.start)
        return layer(torch.ones(rows.stop - rows.start, 4))

    monkeypatch.setattr(device, "free_memory", lambda _: 3.5 * 8 * 4 / device.SHARE)
    batches = Batches(layer, "a layer")
    assert batches.run(9, "cpu", call).shape == (9, 8)
    assert seen == [1, 3, 3, 2], "the first row tells what a row needs"
    assert batches.seconds_a_row and batches.seconds_a_row > 0


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"),
        RuntimeError("MPS backend out of memory (MPS allocated: 8 GB)"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate"),
    ],
)
def test_out_of_memory_becomes_half_the_batch(error, monkeypatch):
    """The samples are the same, in as many calls as it takes."""
    model = adapt(tiny.make("stable_diffusion"))
    x = start_noise(model.spec, 5, 0)
    denoise, seen, network = bind(model, ["a cat", "dog"], 3.0), [], model.network
    expected = denoise(x, 2.0).detach()

    def short(rows: torch.Tensor, time: float, cond: Any) -> torch.Tensor:
        seen.append(len(rows))
        if len(rows) > 3:
            raise error
        return network(rows, time, cond)

    monkeypatch.setattr(model, "network", short)
    model.batches.rows = 10
    assert torch.allclose(denoise(x, 2.0).detach(), expected, atol=1e-5)
    assert seen == [10, 5, 2, 2, 2, 2, 2], "and it stays with what fitted"


def test_out_of_memory_with_one_sample_is_a_clear_sentence(monkeypatch):
    model = adapt(tiny.make("ddpm"), "tiny")

    def never(*args: Any) -> torch.Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(model, "network", never)
    with pytest.raises(ValueError, match="out of memory on cpu: not even one sample of tiny fits"):
        model.denoise(start_noise(model.spec, 2, 0), 2.0, None)
    monkeypatch.setattr(model, "network", lambda *args: torch.zeros(2) @ torch.zeros(3))
    with pytest.raises(RuntimeError, match="size"):
        model.denoise(start_noise(model.spec, 2, 0), 2.0, None)


@pytest.mark.parametrize("name", [*tiny.TEXT_AND_CLASS, "ddpm", "edm"])
def test_all_that_a_network_is_fed_stands_on_its_device(name: str):
    """On torch's "meta" device, which like a card refuses tensors that stand elsewhere."""
    pipe, x_device = tiny.make(name), "meta"
    here = adapt(tiny.make(name), size=tiny.SIZES.get(name))
    model = adapt(pipe.to(x_device), size=tiny.SIZES.get(name))
    x = torch.randn(2, *model.spec.sample_shape, device=x_device)
    cond = None
    if model.spec.takes_prompt or model.spec.classes:
        words = ["a cat", "dog"] if model.spec.takes_prompt else ["1", "2"]
        encoder = here if name in ("pixart_sigma", "wan") else model  # T5 reads its mask's values
        cond, nothing = encoder.encode(words), encoder.nothing()
        cond, model._nothing = (
            {key: rows.to(x_device) for key, rows in part.items()} for part in (cond, nothing)
        )
    with torch.no_grad():
        assert model.denoise(x, 3.0, cond).device.type == x_device
        assert model.pictures(x).device.type == x_device
        if cond is not None:
            assert model.guided(x, 3.0, cond, 3.0).device.type == x_device


def test_pipelines_are_loaded_on_the_device_asked_for(folder):
    model = load_pipeline(folder, device="cpu")
    assert model.placed == "cpu, float32" and str(model.device) == "cpu"

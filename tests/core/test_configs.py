"""Configs of checkpoints: laid out in every way there is, refused in words where they are wrong."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from ays_core.job import run
from ays_core.models import checkpoints, device, held
from ays_core.models.checkpoints import check_room, find
from ays_core.models.pipelines import adapt, load_pipeline
from ays_core.sampling import start_noise
from tests.core import single_file
from tests.core import tiny_pipelines as tiny
from tests.core.fake_hub import HUB_ID, served


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A tiny pipeline on disk, made once a family."""
    home, made = tmp_path_factory.mktemp("saved"), set()

    def save(name: str) -> Path:
        if name not in made:
            tiny.make(name).save_pretrained(home / name)
            made.add(name)
        return home / name

    return save


@pytest.fixture
def folder(saved, tmp_path) -> Path:
    shutil.copytree(saved("stable_diffusion"), tmp_path / "tiny")
    return tmp_path / "tiny"


@pytest.fixture(autouse=True)
def nothing_held():
    yield
    held.release()


def rewritten(file: Path, **fields: Any) -> Path:
    file.write_text(json.dumps(json.loads(file.read_text()) | fields))
    return file


# Laid out in every way there is


def beside_the_index(source: Path, target: Path) -> Path:
    """As the first unconditional models lie on the Hub: the network has no folder of its own."""
    target.mkdir()
    shutil.copy(source / "model_index.json", target)
    for name in ("config.json", "diffusion_pytorch_model.safetensors"):
        shutil.copy(source / "unet" / name, target)
    shutil.copy(source / "scheduler" / "scheduler_config.json", target)
    return target


def test_a_network_beside_the_index_is_found_sized_and_run(saved, tmp_path):
    plain = saved("ddpm")
    found = find(str(beside_the_index(plain, tmp_path / "root")))
    assert found.size == sum(file.stat().st_size for file in (tmp_path / "root").iterdir())
    assert found.facts == find(str(plain)).facts
    model = run(held.bring(found))
    x = start_noise(model.spec, 1, 0)
    with torch.no_grad():
        expected = adapt(tiny.make("ddpm")).denoise(x, 2.0, None)
        assert torch.allclose(model.denoise(x, 2.0, None), expected, atol=1e-5)


def test_from_the_hub_all_of_it_is_fetched(saved, tmp_path, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    with served(beside_the_index(saved("ddpm"), tmp_path / "root"), monkeypatch) as hub:
        model = run(held.bring(find(HUB_ID)))
        assert model.facts["prediction"] == "eps"
        assert set(hub.asked) == set(hub.files()) - {"README.md"}


def test_a_part_behind_a_link_counts(folder, tmp_path):
    size = find(str(folder)).size
    shutil.move(folder / "unet", tmp_path / "elsewhere")
    (folder / "unet").symlink_to(tmp_path / "elsewhere")
    assert find(str(folder)).size == size


# Refused before anything large is fetched


def test_a_checkpoint_that_cannot_be_run_is_refused_before_its_download(
    folder, saved, tmp_path, monkeypatch
):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    rewritten(folder / "unet/config.json", time_cond_proj_dim=256)
    two = tmp_path / "two"
    shutil.copytree(saved("wan"), two)
    transformer = json.loads((two / "model_index.json").read_text())["transformer"]
    shutil.copytree(two / "transformer", two / "transformer_2")
    rewritten(two / "model_index.json", transformer_2=transformer, boundary_ratio=0.875)
    refusals = {folder: r"distilled to few steps of its own \(LCM\)", two: "has two networks"}
    for place, words in refusals.items():
        with pytest.raises(ValueError, match=words):
            find(str(place))
        with served(place, monkeypatch) as hub:
            with pytest.raises(ValueError, match=words):
                find(HUB_ID)
            assert not [name for name in hub.asked if name.endswith(".safetensors")]
        shutil.rmtree(tmp_path / "hub")


INDEX, SCHEDULER = "model_index.json", "scheduler/scheduler_config.json"


@pytest.mark.parametrize(
    ("file", "content", "words"),
    [
        (INDEX, "{not", r"model_index\.json is not JSON"),
        (INDEX, "[1]", r"model_index\.json holds a list"),
        (INDEX, {"_class_name": ["x", "y"]}, r"_class_name is \['x', 'y'\]"),
        (INDEX, {"scheduler": "x"}, r"scheduler is 'x'; it must be \[library, class\]"),
        (INDEX, {"unet": None}, "its unet cannot be loaded from safetensors"),
        (SCHEDULER, "nope", r"scheduler_config\.json is not JSON"),
        (
            SCHEDULER,
            {"beta_schedule": "odd"},
            "beta_schedule is 'odd', which PNDMScheduler has not",
        ),
        (SCHEDULER, {"prediction_type": "odd"}, "prediction type 'odd' is not a convention known"),
        ("unet/config.json", "[]", r"unet/config\.json holds a list"),
    ],
)
def test_what_is_wrong_is_said_with_the_file_and_the_field(folder, file, content, words):
    if isinstance(content, str):
        (folder / file).write_text(content)
    elif content == {"unet": None}:
        index = json.loads((folder / file).read_text())
        del index["unet"]
        (folder / file).write_text(json.dumps(index))
        shutil.rmtree(folder / "unet")
    else:
        rewritten(folder / file, **content)
    with pytest.raises(ValueError, match=words):
        find(str(folder))


@pytest.mark.parametrize(("field", "value"), [("shift", "three"), ("shift", [3])])
def test_a_flow_scheduler_with_a_field_that_is_no_number_is_refused(saved, tmp_path, field, value):
    shutil.copytree(saved("stable_diffusion_3"), tmp_path / "sd3")
    rewritten(tmp_path / "sd3" / SCHEDULER, **{field: value})
    with pytest.raises(ValueError, match=r"scheduler_config\.json|must be a number"):
        find(str(tmp_path / "sd3"))


def test_a_single_file_without_its_text_encoder_is_refused(folder, tmp_path):
    from safetensors.torch import load_file, save_file

    single_file.save(tiny.make("stable_diffusion"), tmp_path / "whole.safetensors")
    weights = load_file(tmp_path / "whole.safetensors")
    kept = {name: w for name, w in weights.items() if not name.startswith("cond_stage")}
    save_file(kept, tmp_path / "part.safetensors")
    for file in folder.rglob("*.safetensors"):
        file.unlink()
    with pytest.raises(ValueError, match=r"part\.safetensors.* Failed to load CLIPTextModel"):
        run(held.bring(find(str(tmp_path / "part.safetensors"), str(folder))))


# The size of a picture


@pytest.mark.parametrize(
    ("name", "multiple"),
    [
        ("stable_diffusion", 2),
        ("stable_diffusion_3", 4),
        ("flux", 4),
        ("dit", 4),
        ("pixart_sigma", 4),
        ("wan", 16),
        ("ddpm", 2),
    ],
)
def test_a_side_is_a_multiple_of_what_the_networks_take_together(saved, name, multiple):
    found = find(str(saved(name)))
    assert found.multiple == multiple
    assert found.checked_size(0) is None and found.checked_size(4 * multiple) == 4 * multiple
    for size in (4 * multiple + 1, 3 * multiple):
        with pytest.raises(
            ValueError, match=f"must be a multiple of {multiple}, from {4 * multiple}"
        ):
            run(held.bring(found, size=size))
    assert held.current() is None, "refused before anything is read"


@pytest.mark.parametrize("name", ["stable_diffusion", "stable_diffusion_3", "flux", "dit", "ddpm"])
def test_the_smallest_side_runs(saved, name):
    found = find(str(saved(name)))
    model = run(held.bring(found, size=4 * found.multiple))
    assert model.side == (4 * found.multiple,) * 2


# Memory


def test_weights_that_main_memory_cannot_hold_are_refused_before_they_are_read(folder, monkeypatch):
    """In the precision that they will have: half-precision files are twice as large on a CPU."""
    from safetensors.torch import load_file, save_file

    numbers = 0
    for file in folder.rglob("*.safetensors"):
        weights = load_file(file)
        numbers += sum(w.numel() for w in weights.values())
        save_file({name: w.half() for name, w in weights.items()}, file, {"format": "pt"})
    found = find(str(folder))
    monkeypatch.setattr(checkpoints, "best_device", lambda: "cpu")
    monkeypatch.setattr(checkpoints, "free_memory", lambda _: 4 * numbers)
    check_room(found)
    monkeypatch.setattr(checkpoints, "free_memory", lambda _: 4 * numbers - 1)
    with pytest.raises(ValueError, match=r"its weights take .* GiB of main memory"):
        run(held.bring(found))


@pytest.mark.parametrize(
    ("names", "limit", "room"),
    [
        (device.CGROUP_FILES[0], "1000", 1000 - 700 + 300),
        (device.CGROUP_FILES[1], "1000", 1000 - 700 + 300),
        (device.CGROUP_FILES[0], "max", None),
    ],
)
def test_a_container_s_limit_counts(names, limit, room, tmp_path, monkeypatch):
    import psutil

    monkeypatch.setattr(device, "CGROUP", tmp_path)
    (tmp_path / "memory").mkdir()
    limit_file, used, stat, dropped = names
    (tmp_path / limit_file).write_text(f"{limit}\n")
    (tmp_path / used).write_text("700\n")
    (tmp_path / stat).write_text(f"anon 5\n{dropped} 300\n")
    expected = room or psutil.virtual_memory().total
    assert device.free_memory("cpu") <= expected
    assert (device.free_memory("cpu") == room) == (room is not None)


def test_out_of_memory_outside_the_network_is_a_sentence_too(monkeypatch):
    model = adapt(tiny.make("stable_diffusion"), "tiny")

    def never(*args: Any, **kwargs: Any) -> Any:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(model.pipe.vae, "decode", never)
    with pytest.raises(ValueError, match="out of memory on cpu while decoding a picture"):
        model.decode(start_noise(model.spec, 2, 0))
    monkeypatch.setattr(model.pipe.vae, "encode", never)
    with pytest.raises(ValueError, match="out of memory on cpu while encoding a picture"):
        model.clean(torch.zeros(1, 3, 16, 16), 0)
    monkeypatch.setattr(model.pipe, "encode_prompt", never)
    with pytest.raises(ValueError, match="out of memory on cpu while reading the prompt"):
        model.encode(["a cat"])


def test_out_of_memory_while_loading_is_a_sentence_too(saved, monkeypatch):
    from diffusers.pipelines.pipeline_utils import DiffusionPipeline

    def never(*args: Any, **kwargs: Any) -> Any:
        raise MemoryError

    monkeypatch.setattr(DiffusionPipeline, "to", never)
    with pytest.raises(ValueError, match="out of memory on cpu while placing the weights"):
        load_pipeline(saved("ddpm"), device="cpu")
    monkeypatch.setattr(DiffusionPipeline, "from_pretrained", never)
    with pytest.raises(ValueError, match="out of memory on cpu while reading the weights"):
        load_pipeline(saved("ddpm"), device="cpu")


def test_after_work_parts_that_take_turns_leave_the_card(monkeypatch):
    model, freed = held.hold(adapt(tiny.make("ddpm"), "tiny")), []
    monkeypatch.setattr(model.pipe, "maybe_free_model_hooks", lambda: freed.append("parts"))
    monkeypatch.setattr(held, "free_caches", lambda: freed.append("caches"))
    held.rest()
    assert freed == ["parts", "caches"]

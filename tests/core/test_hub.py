"""The Hub and its cache, asked over a real line by the Hub's own client."""

from __future__ import annotations

import shutil
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import huggingface_hub
import pytest
import torch
from huggingface_hub import constants

from ays_core.commands.inputs import load
from ays_core.denoiser import bind
from ays_core.job import run
from ays_core.models import held, hub, in_memory
from ays_core.models.checkpoints import download, find
from ays_core.models.hub import cached, remove
from ays_core.models.pipelines import adapt
from ays_core.sampling import start_noise
from tests.core import tiny_pipelines as tiny
from tests.core.fake_hub import HUB_ID, LATER, REVISION, FakeHub, served


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("checkpoints") / "tiny-sd"
    tiny.make("stable_diffusion").save_pretrained(path)
    return path


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    yield tmp_path / "hub"
    held.release()


@pytest.fixture
def there(folder, monkeypatch):
    with served(folder, monkeypatch) as hub:
        yield hub


def test_size_and_licence_are_known_before_the_download(there: FakeHub, folder):
    found = find(HUB_ID)
    assert (found.licence, found.revision) == ("openrail", REVISION)
    assert found.facts["prediction"] == "eps" and found.multiple == 2
    assert found.size == find(str(folder)).size
    assert not [name for name in there.asked if name.endswith("safetensors")], "only configs so far"
    assert found.to_fetch > sum(path.stat().st_size for path in folder.glob("*/*.safetensors"))


def test_a_download_shows_how_far_it_is_and_the_model_is_then_here(there, monkeypatch):
    monkeypatch.setattr(hub, "MEGABYTE", 1)
    found, seen = find(HUB_ID), []
    model = run(held.bring(found), seen.append)
    steps = [p for p in seen if p.stage.startswith("downloading")]
    assert steps[-1].done == steps[-1].total == found.to_fetch
    assert [p.stage for p in seen[len(steps) :]] == ["reading the weights", "one call to try it"]
    assert model.spec.key == HUB_ID and in_memory(HUB_ID) is model
    assert (model.spec.licence, model.spec.revision) == ("openrail", REVISION)
    assert "README.md" not in there.asked and not find(HUB_ID).missing
    with torch.no_grad():
        x = start_noise(model.spec, 1, 0)
        expected = adapt(tiny.make("stable_diffusion")).denoise(x, 2.0, None)
        assert torch.allclose(model.denoise(x, 2.0, None), expected, atol=1e-5)


def test_the_command_line_says_what_it_fetches_before_it_does(there, capsys, monkeypatch):
    fetched_before = []
    monkeypatch.setattr(
        "builtins.print", lambda *args, **kwargs: fetched_before.append((args, list(there.asked)))
    )
    model = load(HUB_ID)
    words, asked = next((a[0], asked) for a, asked in fetched_before if HUB_ID in str(a[0]))
    assert "MB of full precision" in words and words.endswith("licence: openrail")
    assert not [name for name in asked if name.endswith(".safetensors")]
    assert load(HUB_ID) is model, "and it is there the next time"


def test_a_download_that_is_closed_stops_within_a_file(there, monkeypatch):
    found, asked = find(HUB_ID), []

    def endless(source, name, *, tqdm_class, **kwargs):
        asked.append(name)
        with tqdm_class(total=1) as bar:
            while True:
                bar.update(1)
                time.sleep(0.001)

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", endless)
    job = download(found)
    next(job)
    [thread] = [t for t in threading.enumerate() if t.name == hub.THREAD]
    job.close()
    thread.join(5)
    assert not thread.is_alive() and len(asked) == 1 < len(found.missing)


def test_what_xet_tells_twice_is_counted_once():
    """On their way, and written: it has a bar for either."""
    from huggingface_hub.utils._xet_progress_reporting import XetDownloadProgressReporter

    meter = hub._Meter()
    meter.begin()
    reporter = XetDownloadProgressReporter(
        reconstruction_desc="written",
        transfer_desc="on their way",
        total=1000,
        log_level=0,
        name="huggingface_hub.xet_get",
        tqdm_class=meter.bars(),
    )
    with reporter:
        for done in (100, 300, 1000):
            reporter.update_progress(
                SimpleNamespace(
                    total_bytes_completed=done,
                    total_transfer_bytes_completed=done + 50,
                    total_bytes=1000,
                    total_bytes_completion_rate=1.0,
                    total_transfer_bytes_completion_rate=1.0,
                )
            )
            assert meter.done == done


def test_the_cache_is_listed_and_what_is_removed_is_gone(there, cache):
    assert cached() == []
    run(download(find(HUB_ID)))
    [(name, size)] = cached()
    assert name == HUB_ID and size > 0
    assert remove(HUB_ID) == size
    assert cached() == [] and not (cache / "models--someone--tiny").exists()
    with pytest.raises(ValueError, match="someone/tiny is not in the cache"):
        remove(HUB_ID)


# Without a line


@pytest.fixture(params=["the line is cut", "HF_HUB_OFFLINE"])
def cut(request, there, monkeypatch):
    def now() -> None:
        if request.param == "HF_HUB_OFFLINE":
            monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
        else:
            there.close()

    return now


def test_offline_what_is_in_the_cache_is_used(there, cut, folder, cache):
    run(download(find(HUB_ID)))
    assert not (cache / "models--someone--tiny/refs/main").exists(), "files come by revision"
    cut()
    found = find(HUB_ID)
    assert not found.missing and found.revision == REVISION
    assert run(held.bring(found)).spec.key == HUB_ID
    with pytest.raises(ValueError, match=f"and other/model is not here: .* one of {HUB_ID}"):
        find("other/model")
    assert run(held.bring(find(str(folder)))).spec.label == "tiny-sd"


def test_offline_the_newest_revision_that_is_complete_is_used(there, cut, cache):
    run(download(find(HUB_ID)))
    there.revision = LATER
    index = (there.folder / "model_index.json").read_bytes()
    there.extra = {**there.extra, "model_index.json": index + b"\n"}
    looked = find(HUB_ID)
    assert looked.revision == LATER and looked.missing
    cut()
    assert find(HUB_ID).revision == REVISION, "of the later one only configs are here"
    shutil.rmtree(cache / "models--someone--tiny/snapshots" / REVISION)
    with pytest.raises(ValueError, match=r"is here only in part \(its unet"):
        find(HUB_ID)


def test_a_line_that_is_cut_during_a_download_is_said_in_words(there, monkeypatch):
    found = find(HUB_ID)
    monkeypatch.setattr("huggingface_hub.file_download.time.sleep", lambda _: None)
    monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda _: None)
    there.close()
    with pytest.raises(ValueError, match=f"of {HUB_ID} could not be fetched: "):
        run(download(found))


def test_a_gated_or_unknown_repository_is_said_in_words(there):
    there.gated = True
    with pytest.raises(ValueError, match="is gated: accept"):
        find(HUB_ID)
    with pytest.raises(ValueError, match="the Hub has no 'someone/secret', or not for you"):
        find("someone/secret")


def test_it_is_the_model_that_was_saved(there):
    model = run(held.bring(find(HUB_ID)))
    x = start_noise(model.spec, 2, 0)
    with torch.no_grad():
        expected = bind(adapt(tiny.make("stable_diffusion")), "a cat", 3.0)(x, 2.0)
        assert torch.allclose(bind(model, "a cat", 3.0)(x, 2.0), expected, atol=1e-5)

"""Checkpoints: what one is before its weights are read; fetched from the Hub, kept, removed.

Of a Hub repository come its configs and its safetensors, nothing else, and only after one has seen
how large they are and under which licence. What is in the local cache, or in a folder, needs no
network.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ays_core.job import Job, Progress
from ays_core.models.device import HALF, best_device, best_dtype
from ays_core.models.pipelines import family_of
from ays_core.models.pipelines.noise import read_noise

HUB_ID = re.compile(r"\w[\w.-]*/\w[\w.-]*")
WEIGHTS = re.compile(
    r"(?:model|diffusion_pytorch_model)(?:\.(?P<variant>[a-z]\w*))?(?:-\d{5}-of-\d{5})?"
    r"(?:\.(?P<late>[a-z]\w*))?\.(?P<kind>safetensors|bin)"
)
CONFIGS = (".json", ".txt", ".model")
THREAD = "download of a checkpoint"
POLL = 0.3  # seconds between two looks at a download
MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Checkpoint:
    """One checkpoint as it is found. `size`: bytes of what is read; `missing`: (file, bytes) still
    to be fetched into the cache. `facts`: read from its configs, to be shown."""

    source: str
    folder: Path
    facts: Mapping[str, str]
    size: int
    licence: str = ""
    revision: str = ""
    variant: str | None = None
    file: Path | None = None  # of a single-file checkpoint, whose configs are in `folder`
    missing: tuple[tuple[str, int], ...] = field(default=())

    @property
    def to_fetch(self) -> int:
        return sum(size for _, size in self.missing)


def find(source: str, config: str = "") -> Checkpoint:
    """What is at a Hub id, in a folder, or in one .safetensors file with its `config` folder.

    Of a Hub repository that is not here only its configs are fetched, which are kilobytes. Raises
    `ValueError` for what is none of them, is not supported, or cannot be reached.
    """
    path = Path(source).expanduser()
    if path.is_file():
        if path.suffix != ".safetensors":
            raise ValueError(f"{path.name} is not a .safetensors file: nothing else is read")
        if not config:
            raise ValueError(
                f"{path.name} is a single file: give the folder of its configs as well"
            )
        folder = Path(config).expanduser()
        return Checkpoint(str(path), folder, read_facts(folder), path.stat().st_size, file=path)
    if source and path.is_dir():
        files = {
            file.relative_to(path).as_posix(): file.stat().st_size
            for file in path.rglob("*")
            if file.is_file()
        }
        facts = read_facts(path)
        needed, variant = choose(read_index(path), files)
        return Checkpoint(str(path), path, facts, sum(needed.values()), variant=variant)
    if HUB_ID.fullmatch(source):
        return find_on_hub(source)
    raise ValueError(f"{source!r} is neither a folder, nor a .safetensors file, nor a Hub id")


def find_on_hub(source: str) -> Checkpoint:
    """A Hub repository, or what the cache has of it where the Hub cannot be reached."""
    import huggingface_hub as hub
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, RepositoryNotFoundError

    try:
        info = hub.model_info(source, files_metadata=True)
    except GatedRepoError:
        raise ValueError(gated(source)) from None
    except RepositoryNotFoundError:
        raise ValueError(f"the Hub has no {source!r}, or not for you: set HF_TOKEN") from None
    except (OSError, hub.errors.OfflineModeIsEnabled, HfHubHTTPError, RuntimeError):
        return find_in_cache(source)
    files = {file.rfilename: int(file.size or 0) for file in info.siblings or ()}
    if "model_index.json" not in files:
        raise ValueError(f"{source} is no diffusers pipeline: it has no model_index.json")
    revision = str(info.sha)
    folder = Path(fetch(source, "model_index.json", revision)).parent
    index = read_index(folder)
    family_of(str(index.get("_class_name")))
    needed, variant = choose(index, files)
    for name in needed:
        if name.endswith("config.json"):
            fetch(source, name, revision)
    return Checkpoint(
        source,
        folder,
        read_facts(folder),
        sum(needed.values()),
        licence_of(info),
        revision,
        variant,
        missing=tuple((n, size) for n, size in needed.items() if not (folder / n).exists()),
    )


def find_in_cache(source: str) -> Checkpoint:
    """A Hub repository from the local cache alone."""
    import huggingface_hub as hub

    try:
        folder = Path(hub.snapshot_download(source, local_files_only=True, cache_dir=cache_dir()))
        local = find(str(folder))
    except (OSError, ValueError):
        raise ValueError(
            f"the Hub cannot be reached, and {source} is not here: give a local folder, or one of "
            f"{', '.join(name for name, _ in cached()) or 'none that are here'}"
        ) from None
    return Checkpoint(
        source, folder, local.facts, local.size, revision=folder.name, variant=local.variant
    )


def read_index(folder: Path) -> dict[str, Any]:
    file = folder / "model_index.json"
    if not file.is_file():
        raise ValueError(f"{str(folder)!r} is no diffusers pipeline: it has no model_index.json")
    return json.loads(file.read_text(encoding="utf-8"))


def read_facts(folder: Path) -> dict[str, str]:
    """Family, noise axis and size, from the configs alone."""
    index = read_index(folder)
    family = str(index.get("_class_name"))
    family_of(family)
    noise = read_noise(scheduler_in(folder, index))
    top = "infinity (t = 1)" if noise.path.name == "flow" else f"{noise.sigma_max:.4g}"
    return {
        "pipeline": family,
        **noise.facts,
        "native levels": f"sigma {noise.sigma_min:.3g} to {top}",
    }


def scheduler_in(folder: Path, index: Mapping[str, Any]) -> Any:
    """The checkpoint's own scheduler, one of diffusers' classes by name."""
    import diffusers
    from diffusers.schedulers.scheduling_utils import SchedulerMixin

    library, name = index.get("scheduler") or (None, None)
    known = getattr(diffusers, str(name), None) if library == "diffusers" else None
    if not (isinstance(known, type) and issubclass(known, SchedulerMixin)):
        raise ValueError(f"its scheduler, {name}, is not one of diffusers'")
    try:
        return known.from_pretrained(str(folder), subfolder="scheduler", local_files_only=True)
    except OSError:
        raise ValueError(f"{str(folder)!r} has no scheduler config") from None


def choose(index: Mapping[str, Any], files: Mapping[str, int]) -> tuple[dict[str, int], str | None]:
    """Of a repository's `files` (bytes by name): what a pipeline is read from, and which variant of
    the weights. Half-precision weights where the machine works in half precision, if all parts have
    them. Raises `ValueError` for a part that has no safetensors."""
    unneeded = family_of(str(index.get("_class_name"))).unneeded
    parts = [
        part
        for part, made in index.items()
        if isinstance(made, list) and made[0] and part not in unneeded
    ]
    weights: dict[str, dict[str | None, dict[str, int]]] = {}
    needed = {name: size for name, size in files.items() if name == "model_index.json"}
    for part in parts:
        for name, size in files.items():
            folder, _, file = name.rpartition("/")
            if folder != part:
                continue
            if matched := WEIGHTS.fullmatch(file):
                sets = weights.setdefault(part, {})
                if matched["kind"] == "safetensors":
                    variant = matched["variant"] or matched["late"]
                    sets.setdefault(variant, {})[name] = size
            elif file.endswith(CONFIGS):
                needed[name] = size
    half = best_dtype(best_device()) in HALF
    for variant in ("fp16", None) if half else (None, "fp16"):
        if all(variant in sets for sets in weights.values()):
            for sets in weights.values():
                needed |= sets[variant]
            return needed, variant
    lacking = [part for part, sets in weights.items() if not sets] or list(weights)
    raise ValueError(f"its {', '.join(lacking)} cannot be loaded from safetensors: it has none")


def licence_of(info: Any) -> str:
    """As the repository states it."""
    card = info.card_data
    named = getattr(card, "license_name", None) or getattr(card, "license", None)
    return str(named or "not stated")


def gated(source: str) -> str:
    return f"{source} is gated: accept its licence on its page at the Hub, then set HF_TOKEN"


def cache_dir() -> str:
    from huggingface_hub import constants

    return constants.HF_HUB_CACHE


def fetch(source: str, name: str, revision: str, **kwargs: Any) -> str:
    """One file of a repository, in the cache; where it lies."""
    import huggingface_hub as hub
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError

    try:
        return hub.hf_hub_download(source, name, revision=revision, cache_dir=cache_dir(), **kwargs)
    except GatedRepoError:
        raise ValueError(gated(source)) from None
    except (OSError, HfHubHTTPError) as error:
        said = str(error).strip().partition("\n")[0]
        raise ValueError(f"{name} of {source} could not be fetched: {said}") from None


class _Stopped(Exception):
    pass


def download(checkpoint: Checkpoint) -> Job[Path]:
    """Fetch what is missing; progress in megabytes. Closing the job stops it at the next piece that
    arrives, and what has arrived is used by the next try. Returns the folder."""
    total = checkpoint.to_fetch
    meter = _Meter()

    def work() -> None:
        try:
            for name, size in checkpoint.missing:
                meter.begin()
                fetch(checkpoint.source, name, checkpoint.revision, tqdm_class=meter.bars())
                meter.end(size)
        except _Stopped:
            pass
        except BaseException as error:
            meter.error = error

    thread = threading.Thread(target=work, name=THREAD, daemon=True)
    thread.start()
    try:
        while thread.is_alive():
            done = min(meter.done, total)
            yield Progress("downloading, MB", done // MEGABYTE, total // MEGABYTE)
            thread.join(POLL)
    finally:
        meter.stopped = True
    if meter.error is not None:
        raise meter.error
    yield Progress("downloading, MB", total // MEGABYTE, total // MEGABYTE)
    return checkpoint.folder


class _Meter:
    """Bytes that have arrived, counted by the progress bars that the Hub's client wants to draw."""

    def __init__(self) -> None:
        self.finished = self.current = 0
        self.stopped, self.error = False, None
        self.error: BaseException | None

    @property
    def done(self) -> int:
        return self.finished + self.current

    def begin(self) -> None:
        if self.stopped:
            raise _Stopped
        self.current = 0

    def end(self, size: int) -> None:
        self.finished, self.current = self.finished + size, 0

    def bars(self) -> Any:
        """A class of progress bars that draw nothing and are counted here."""
        from huggingface_hub.utils import tqdm

        meter = self

        class Bar(tqdm):
            def __init__(self, *args: Any, **kwargs: Any) -> None:
                meter.current += int(kwargs.get("initial") or 0)
                super().__init__(*args, **{**kwargs, "disable": True})

            def update(self, n: float | None = 1) -> bool | None:
                if meter.stopped:
                    raise _Stopped
                meter.current += int(n or 0)
                return super().update(n)

        return Bar


def cached() -> list[tuple[str, int]]:
    """Pipelines in the local cache: (Hub id, bytes), largest first."""
    found = [
        (repo.repo_id, repo.size_on_disk)
        for repo in _repositories()
        if any(
            file.file_name == "model_index.json"
            for revision in repo.revisions
            for file in revision.files
        )
    ]
    return sorted(found, key=lambda item: -item[1])


def remove(source: str) -> int:
    """Take a pipeline out of the local cache; the bytes that this frees. Raises `ValueError` for
    one that is not there."""
    import huggingface_hub as hub

    revisions = [
        revision.commit_hash
        for repo in _repositories()
        if repo.repo_id == source
        for revision in repo.revisions
    ]
    if not revisions:
        raise ValueError(f"{source} is not in the cache")
    plan = hub.scan_cache_dir(cache_dir()).delete_revisions(*revisions)
    plan.execute()
    return plan.expected_freed_size


def _repositories() -> Iterable[Any]:
    import huggingface_hub as hub
    from huggingface_hub.errors import CacheNotFound

    try:
        scanned = hub.scan_cache_dir(cache_dir())
    except CacheNotFound:
        return ()
    return [repo for repo in scanned.repos if repo.repo_type == "model"]

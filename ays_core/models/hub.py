"""The Hub and its local cache: what a repository holds, its files fetched, kept and removed.

Revisions are fetched by their hash, so the cache has no branch names of ours: what is there is
found by looking at its snapshots.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ays_core.job import Job, Progress

HUB_ID = re.compile(r"\w[\w.-]*/\w[\w.-]*")
INDEX = "model_index.json"
THREAD = "download of a checkpoint"
POLL = 0.3  # seconds between two looks at a download
MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Repository:
    """A Hub repository: bytes of every file, at one revision."""

    source: str
    revision: str
    files: dict[str, int]
    licence: str


class Unreachable(Exception):
    """The Hub does not answer, or is not to be asked."""


def look_up(source: str) -> Repository:
    """What the Hub says of `source`. Raises `Unreachable`, and `ValueError` for what it does not
    show."""
    import huggingface_hub as hub
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError

    try:
        info = hub.model_info(source, files_metadata=True)
    except GatedRepoError:
        raise ValueError(gated(source)) from None
    except RepositoryNotFoundError:
        raise ValueError(f"the Hub has no {source!r}, or not for you: set HF_TOKEN") from None
    except transport_errors():
        raise Unreachable from None
    files = {file.rfilename: int(file.size or 0) for file in info.siblings or ()}
    return Repository(source, str(info.sha), files, licence_of(info))


def transport_errors() -> tuple[type[Exception], ...]:
    """What the Hub's client raises where a line is cut, of whichever HTTP library it is made."""
    from huggingface_hub.errors import (
        HTTPError,  # pyright: ignore[reportPrivateImportUsage]
        XetDownloadError,
    )

    return OSError, RuntimeError, HTTPError, XetDownloadError


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
    from huggingface_hub.errors import GatedRepoError

    try:
        return hub.hf_hub_download(source, name, revision=revision, cache_dir=cache_dir(), **kwargs)
    except GatedRepoError:
        raise ValueError(gated(source)) from None
    except transport_errors() as error:
        said = str(error).strip().partition("\n")[0] or type(error).__name__
        raise ValueError(f"{name} of {source} could not be fetched: {said}") from None


class _Stopped(Exception):
    pass


def fetch_all(source: str, revision: str, missing: Sequence[tuple[str, int]]) -> Job[None]:
    """Fetch `missing`, (file, bytes) each; progress in megabytes. Closing the job stops it at the
    next piece that arrives; files that are complete by then are used by the next try."""
    total = sum(size for _, size in missing)
    meter = _Meter()

    def work() -> None:
        try:
            for name, size in missing:
                meter.begin()
                fetch(source, name, revision, tqdm_class=meter.bars())
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
        self.check()
        self.current = 0

    def end(self, size: int) -> None:
        self.finished, self.current = self.finished + size, 0

    def check(self) -> None:
        if self.stopped:
            raise _Stopped

    def bars(self) -> Any:
        """A class of progress bars that draw nothing and are counted here."""
        from huggingface_hub.utils import tqdm

        meter = self

        class Bar(tqdm):
            def __init__(self, *args: Any, **kwargs: Any) -> None:
                meter.current = int(kwargs.get("initial") or 0)
                super().__init__(*args, **{**kwargs, "disable": True})

            def update(self, n: float | None = 1) -> bool | None:
                meter.check()
                meter.current += int(n or 0)
                return super().update(n)

            # Xet tells of bytes twice, on their way and written: only the latter are counted.
            def update_transfer(self, n: float) -> None:  # noqa: ARG002
                meter.check()

            def set_transfer_postfix_str(self, postfix: str, refresh: bool = True) -> None:
                pass

        return Bar


# What is in the local cache


def cached() -> list[tuple[str, int]]:
    """Pipelines in the local cache: (Hub id, bytes), largest first."""
    found = [
        (repo.repo_id, repo.size_on_disk)
        for repo in _repositories()
        if any(_has_index(revision) for revision in repo.revisions)
    ]
    return sorted(found, key=lambda item: -item[1])


def snapshots(source: str) -> list[Path]:
    """The folders of what the cache has of a pipeline, newest first."""
    revisions = [
        revision
        for repo in _repositories()
        if repo.repo_id == source
        for revision in repo.revisions
        if _has_index(revision)
    ]
    newest_first = sorted(revisions, key=lambda revision: -revision.last_modified)
    return [Path(revision.snapshot_path) for revision in newest_first]


def _has_index(revision: Any) -> bool:
    return any(file.file_name == INDEX for file in revision.files)


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

"""Where saved schedules are kept: in the library's file, or in a visitor's own browser.

On a public Space strangers share one file system: what one of them saves stays in their browser.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol

from ays_core.library import Library, Saved
from ays_core.schedule import Schedule
from components.limits import LIMITS

STORAGE_KEY = "ays-studio-library"
SECRET = "not a secret: saved schedules hold nothing private"  # fixed: a restart must read them
VERSION = 1
MAX_SCHEDULES = 50  # a browser gives a page five million characters
MAX_CONTENT = 1_000_000  # characters of all together


class Shelf(Protocol):
    """What `ays_core.library.Library` does for schedules."""

    def save(
        self, schedule: Schedule, name: str, record: Mapping[str, Any] | None = None
    ) -> int: ...
    def schedules(self) -> list[Saved]: ...
    def get(self, id: int) -> Saved: ...
    def rename(self, id: int, name: str) -> None: ...
    def delete(self, id: int) -> None: ...
    def restore(self, id: int) -> None: ...


class BrowserShelf:
    """A shelf made from what a browser kept, `None` for nothing yet; `content` is what to keep now.

    It comes from outside: entries that make no sense are left out. Only the last deletion can be
    undone. Raises `ValueError` for a later version's content, which is then left alone.
    """

    def __init__(self, kept: Any) -> None:
        self._saved: dict[int, Saved] = {}
        kept = kept if isinstance(kept, Mapping) else {}
        if kept.get("version", VERSION) != VERSION:
            raise ValueError("this browser's library was written by another version of the app")
        entries = kept.get("saved")
        for entry in entries[:MAX_SCHEDULES] if isinstance(entries, list) else ():
            saved = _read(entry)
            if saved is not None:
                self._saved[saved.id] = saved
        self._deleted = _read(kept.get("deleted"))

    @property
    def content(self) -> dict[str, Any]:
        saved = [_entry(saved) for saved in self._saved.values()]
        return {"version": VERSION, "saved": saved, "deleted": _entry(self._deleted)}

    def save(self, schedule: Schedule, name: str, record: Mapping[str, Any] | None = None) -> int:
        saved = Saved(name, schedule, record or {}, time.time())
        size = sum(len(each.to_json()) for each in (saved, *self._saved.values()))
        if len(self._saved) >= MAX_SCHEDULES or size > MAX_CONTENT:
            raise ValueError(
                f"this browser keeps {MAX_SCHEDULES} schedules, {MAX_CONTENT:,} characters in all: "
                "delete some first"
            )
        last = self._deleted.id if self._deleted else 0
        id = max(last, *self._saved, 0) + 1
        self._saved[id] = replace(saved, id=id)
        return id

    def schedules(self) -> list[Saved]:
        return sorted(self._saved.values(), key=lambda saved: saved.id, reverse=True)

    def get(self, id: int) -> Saved:
        if id not in self._saved:
            raise ValueError(f"the library has no schedule {id}")
        return self._saved[id]

    def rename(self, id: int, name: str) -> None:
        self._saved[id] = replace(self.get(id), name=name)

    def delete(self, id: int) -> None:
        self._deleted = self.get(id)
        del self._saved[id]

    def restore(self, id: int) -> None:
        if self._deleted is None or self._deleted.id != id:
            raise ValueError("only the last deletion can be undone")
        self._saved[id] = self._deleted
        self._deleted = None


def open_shelf(kept: Any, public: bool = LIMITS.public) -> Library | BrowserShelf:
    """The shelf of this visitor; `kept` is what their browser holds."""
    return BrowserShelf(kept) if public else Library()


def kept_by_browser(shelf: Library | BrowserShelf) -> dict[str, Any] | None:
    """What the browser has to keep from now on."""
    return shelf.content if isinstance(shelf, BrowserShelf) else None


def _entry(saved: Saved | None) -> list[Any] | None:
    return saved and [saved.id, saved.to_json()]


def _read(entry: Any) -> Saved | None:
    try:
        id, text = entry
        return replace(Saved.from_json(text), id=int(id))
    except (TypeError, ValueError, AttributeError, OverflowError):
        return None

"""What is kept between sessions: schedules with their records, and measurements.

One SQLite file in the folder `AYS_HOME` (else data/ beside app.py), made when something is first
written. Every call opens it, does one transaction and closes it: any number of threads and
processes may do so at once, and one that is killed leaves what was there before.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from ays_core.interop import parse, write
from ays_core.schedule import Origin, Schedule

FILE = "library.sqlite"
VERSION = 1  # of the tables below; raise it together with a step that brings older files up to it
TABLES = """
CREATE TABLE schedules (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL,
                        content TEXT NOT NULL, created REAL NOT NULL, deleted REAL);
CREATE TABLE measurements (key TEXT PRIMARY KEY, content BLOB NOT NULL, used REAL NOT NULL);
"""
MAX_NAME = 80  # characters
MAX_CONTENT = 200_000  # characters of one schedule with its record
MAX_SCHEDULES = 10_000
MEASUREMENT_BYTES = 2**25  # of one measurement; 8 groups of 400 levels are 10 MB
ROOM = 2**29  # bytes of all measurements together
KEPT_DELETED = 30 * 86_400.0  # seconds for which a deletion can be undone
WAIT = 20.0  # seconds for another writer
LATEST = 1e10  # seconds since 1970: a date has four digits for the year


@dataclass(frozen=True)
class Saved:
    """A schedule with its name. `record`: what else was known of it (model, solver, error, ...);
    plain JSON. `created`: seconds since 1970; `id` 0: not in the file yet."""

    name: str
    schedule: Schedule
    record: Mapping[str, Any] = field(default_factory=dict[str, Any])
    created: float = 0.0
    id: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", checked_name(self.name))
        object.__setattr__(self, "record", dict(self.record))

    def to_json(self) -> str:
        """Interop's JSON with name and record added: any reader of that finds the levels.

        Infinite values in a record become null. Raises `ValueError` where the record is no plain
        JSON, or too long to keep.
        """
        content = json.loads(write("json", self.schedule))
        content |= {"name": self.name, "created": self.created, "record": self.record}
        try:
            text = json.dumps(json.loads(json.dumps(content), parse_constant=lambda _: None))
        except (TypeError, ValueError, RecursionError) as problem:
            raise ValueError(f"the record of {self.name!r} is no plain JSON: {problem}") from None
        if len(text) > MAX_CONTENT:
            raise ValueError(
                f"{self.name!r} and its record are {len(text):,} characters; at most "
                f"{MAX_CONTENT:,} are kept"
            )
        return text

    @staticmethod
    def from_json(text: str) -> Saved:
        """What `to_json` wrote, or levels in any other form that `interop.parse` reads. From
        anywhere: raises `ValueError`, in words, for what is neither."""
        schedule = parse(text).require()
        try:
            content = json.loads(text)
        except ValueError:
            content = None
        content = content if isinstance(content, dict) else {}
        name, record, created = (content.get(key) for key in ("name", "record", "created"))
        return Saved(
            name if isinstance(name, str) else schedule.origin.method,
            schedule,
            record if isinstance(record, dict) else {},
            created if isinstance(created, float) and 0 <= created < LATEST else 0.0,
        )


class Measurement(NamedTuple):
    """A saved measurement as it is listed: key, `Statistics.to_bytes`, when it was last used."""

    key: str
    content: bytes
    used: float


def home() -> Path:
    """The folder of the library: `AYS_HOME`, else data/ beside app.py."""
    return Path(os.environ.get("AYS_HOME") or Path(__file__).parents[1] / "data").expanduser()


def checked_name(name: object) -> str:
    """A name without the spaces around it, or a `ValueError`: one line, 1 to 80 characters."""
    if not isinstance(name, str):
        raise ValueError(f"a name is text, got {type(name).__name__}")
    name = name.strip()
    if not name:
        raise ValueError("a schedule is saved under a name: give one")
    if len(name) > MAX_NAME:
        raise ValueError(f"a name has at most {MAX_NAME} characters, got {len(name)}")
    if not name.isprintable():
        raise ValueError(f"a name is one line of printable characters, got {name[:30]!r}")
    return name


@dataclass(frozen=True)
class Library:
    """The file in `folder`. `room`: bytes for all measurements; the longest unused one goes first.

    Every method raises `ValueError`, in words, where the file cannot be used.
    """

    folder: Path = field(default_factory=home)
    room: int = ROOM

    @property
    def path(self) -> Path:
        return Path(self.folder) / FILE

    # --- schedules -------------------------------------------------------------------------------

    def save(self, schedule: Schedule, name: str, record: Mapping[str, Any] | None = None) -> int:
        """Keep `schedule` under `name`; returns its id. Two may have the same name."""
        saved = Saved(name, schedule, record or {}, time.time())
        text = saved.to_json()
        with self._transaction() as file:
            _purge(file, saved.created - KEPT_DELETED)
            held = file.execute("SELECT count(*) FROM schedules").fetchone()[0]
            if held >= MAX_SCHEDULES:
                raise ValueError(f"the library is full ({held:,} schedules): delete some first")
            added = file.execute(
                "INSERT INTO schedules (name, content, created) VALUES (?, ?, ?)",
                (saved.name, text, saved.created),
            )
            return int(added.lastrowid or 0)

    def schedules(self) -> list[Saved]:
        """All that are not deleted, the newest first."""
        return self._select("deleted IS NULL")

    def get(self, id: int) -> Saved:
        """The one with this id. Raises `ValueError` where there is none, or it was deleted."""
        found = self._select("deleted IS NULL AND id = ?", id)
        if not found:
            raise ValueError(f"the library has no schedule {id}")
        return found[0]

    def rename(self, id: int, name: str) -> None:
        self._change("name = ?", checked_name(name), id, "deleted IS NULL")

    def delete(self, id: int) -> None:
        """Out of the list; `restore` brings it back until it is purged."""
        self._change("deleted = ?", time.time(), id, "deleted IS NULL")

    def restore(self, id: int) -> None:
        """Undo `delete`."""
        self._change("deleted = ?", None, id, "deleted IS NOT NULL")

    def purge(self, age: float = 0.0) -> None:
        """Remove for good what was deleted at least `age` seconds ago."""
        with self._transaction() as file:
            _purge(file, time.time() - age)

    def _select(self, where: str, *values: object) -> list[Saved]:
        if not self.path.exists():
            return []
        with self._transaction("DEFERRED") as file:
            sentence = f"SELECT id, name, content FROM schedules WHERE {where}"
            rows = file.execute(f"{sentence} ORDER BY created DESC, id DESC", values)
            return [_read(*row) for row in rows]

    def _change(self, what: str, value: object, id: int, only: str) -> None:
        with self._transaction() as file:
            sentence = f"UPDATE schedules SET {what} WHERE id = ? AND {only}"
            if file.execute(sentence, (value, id)).rowcount == 0:
                raise ValueError(f"the library has no schedule {id}")

    # --- measurements ----------------------------------------------------------------------------

    def put_measurement(self, key: str, content: bytes) -> None:
        """Keep a measurement (`Statistics.to_bytes`) under its content key, in place of an older
        one; the longest unused ones make room for it."""
        limit = min(MEASUREMENT_BYTES, self.room)
        if len(content) > limit:
            raise ValueError(f"a measurement of {len(content):,} bytes; at most {limit:,} are kept")
        with self._transaction() as file:
            file.execute(
                "INSERT OR REPLACE INTO measurements (key, content, used) VALUES (?, ?, ?)",
                (checked_key(key), content, time.time()),
            )
            room = self.room
            listed = file.execute(
                "SELECT key, length(content) FROM measurements ORDER BY used DESC, rowid DESC"
            )
            for key, size in listed.fetchall():
                room -= size
                if room < 0:
                    file.execute("DELETE FROM measurements WHERE key = ?", (key,))

    def measurement(self, key: str) -> bytes | None:
        """What was kept under `key`, or None. Counts as a use."""
        if not self.path.exists():
            return None
        with self._transaction() as file:
            row = file.execute("SELECT content FROM measurements WHERE key = ?", (key,)).fetchone()
            if row is None:
                return None
            file.execute("UPDATE measurements SET used = ? WHERE key = ?", (time.time(), key))
            return row[0]

    def measurements(self, most: int = 50) -> list[Measurement]:
        """The most recently used ones, at most so many. To be listed is no use."""
        if not self.path.exists():
            return []
        with self._transaction("DEFERRED") as file:
            listed = "SELECT key, content, used FROM measurements ORDER BY used DESC LIMIT ?"
            return [Measurement(*row) for row in file.execute(listed, (most,))]

    def delete_measurement(self, key: str) -> None:
        """For good: it can be measured again. Raises `ValueError` where there is none."""
        with self._transaction() as file:
            gone = file.execute("DELETE FROM measurements WHERE key = ?", (key,))
            if gone.rowcount == 0:
                raise ValueError("the library has no such measurement: it may be gone already")

    # --- the file --------------------------------------------------------------------------------

    @contextmanager
    def _transaction(self, kind: str = "IMMEDIATE") -> Iterator[sqlite3.Connection]:
        """The file, made where there is none; all that is done with it happens, or nothing."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self.path, timeout=WAIT, isolation_level=None)) as file:
                _prepare(file)
                file.execute(f"BEGIN {kind}")
                try:
                    yield file
                except BaseException:
                    file.execute("ROLLBACK")
                    raise
                file.execute("COMMIT")
        except (sqlite3.Error, OSError, OverflowError) as problem:
            raise ValueError(
                f"the library {self.path} cannot be used: {problem}; AYS_HOME names another folder"
            ) from None


def checked_key(key: str) -> str:
    if not key or len(key) > 200:
        raise ValueError(f"a measurement's key has 1 to 200 characters, got {len(key)}")
    return key


def _prepare(file: sqlite3.Connection) -> None:
    """Tables of this version, or a `ValueError` for a file of a later one."""
    found = _version(file)
    if found > VERSION:
        raise ValueError(
            f"this library was written by a newer version of the app (format {found}; this one "
            f"reads {VERSION}): update the app, or let AYS_HOME name another folder"
        )
    if found == VERSION:
        return
    file.execute("BEGIN IMMEDIATE")
    if _version(file) == 0:  # unless another process was faster
        for sentence in filter(str.strip, TABLES.split(";")):
            file.execute(sentence)
        file.execute(f"PRAGMA user_version = {VERSION}")
    file.execute("COMMIT")
    try:
        file.execute(
            "PRAGMA journal_mode = WAL"
        )  # kept in the file: readers do not wait for a writer
    except sqlite3.OperationalError:
        return  # another process has the file open this very moment; its own call sets the mode


def _version(file: sqlite3.Connection) -> int:
    return int(file.execute("PRAGMA user_version").fetchone()[0])


def _purge(file: sqlite3.Connection, until: float) -> None:
    file.execute("DELETE FROM schedules WHERE deleted <= ?", (until,))


def _read(id: int, name: str, text: str) -> Saved:
    """A row of our own writing: the origin as it was, whatever it holds."""
    content = json.loads(text)
    schedule = Schedule(tuple(content["sigmas"]), Origin(**content["origin"]))
    return Saved(name, schedule, content["record"], content["created"], id)

"""The library: what is saved comes back, whoever else writes, and whatever is killed meanwhile."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from ays_core import library
from ays_core.denoiser import bind
from ays_core.interop import parse
from ays_core.library import Library, Saved, home
from ays_core.models import load_model
from ays_core.optimizers import OPTIMIZERS
from ays_core.schedule import Origin, Schedule
from ays_core.schedules import SCHEDULES
from ays_core.statistics import Statistics

ROOT = Path(__file__).parents[2]
ORIGIN = Origin(
    "oss", {"seed": 3, "curve": [0.5, 0.25], "nested": {"p": [[1, 0.1]]}}, "a paper", "karras"
)
SCHEDULE = Schedule((14.6, 1 / 3, 0.1, 0.0), ORIGIN)
RECORD = {"model": "scenes", "error": 0.125, "range": [0.1, 14.6]}


@pytest.fixture
def shelf(tmp_path: Path) -> Library:
    return Library(tmp_path / "made" / "later")


def names(shelf: Library) -> list[str]:
    return [saved.name for saved in shelf.schedules()]


def test_what_is_saved_comes_back_with_origin_and_record(shelf):
    saved = shelf.get(shelf.save(SCHEDULE, "  First ", RECORD))
    assert saved.schedule.sigmas == SCHEDULE.sigmas
    assert saved.schedule.origin == ORIGIN
    assert (saved.name, saved.record) == ("First", RECORD)
    assert saved == shelf.schedules()[0]


def test_nothing_is_created_by_looking(shelf):
    assert shelf.schedules() == [] and shelf.measurements() == []
    assert shelf.measurement("key") is None
    assert not shelf.folder.exists()


def test_the_newest_comes_first_and_names_may_repeat(shelf):
    for name in ("a", "b", "a"):
        shelf.save(SCHEDULE, name)
    listed = shelf.schedules()
    assert [saved.name for saved in listed] == ["a", "b", "a"]
    assert [saved.id for saved in listed] == sorted((s.id for s in listed), reverse=True)


def test_rename_delete_and_undo(shelf):
    first, second = shelf.save(SCHEDULE, "a"), shelf.save(SCHEDULE, "b")
    shelf.rename(first, "c")
    shelf.delete(second)
    assert names(shelf) == ["c"]
    shelf.restore(second)
    assert names(shelf) == ["b", "c"]
    shelf.delete(first)
    shelf.purge()
    for gone in (shelf.restore, shelf.delete, shelf.get):
        with pytest.raises(ValueError, match=f"no schedule {first}"):
            gone(first)
    assert shelf.save(SCHEDULE, "d") not in (first, second)  # an id is never used again


def test_old_deletions_are_purged_by_the_next_save(shelf, monkeypatch):
    first = shelf.save(SCHEDULE, "a")
    shelf.delete(first)
    shelf.save(SCHEDULE, "b")
    shelf.restore(first)
    shelf.delete(first)
    monkeypatch.setattr(library, "KEPT_DELETED", 0.0)
    shelf.save(SCHEDULE, "c")
    with pytest.raises(ValueError):
        shelf.restore(first)


@pytest.mark.parametrize("name", ["", "  ", "x" * 81, "two\nlines", "\x00", None, 3])
def test_impossible_names_are_refused(shelf, name):
    with pytest.raises(ValueError, match="name"):
        shelf.save(SCHEDULE, name)
    kept = shelf.save(SCHEDULE, "Größe 6 · β'); DROP TABLE schedules;--")
    with pytest.raises(ValueError, match="name"):
        shelf.rename(kept, name)
    assert len(shelf.schedules()) == 1


def test_hostile_sizes_are_refused_in_words(shelf, monkeypatch):
    with pytest.raises(ValueError, match="characters; at most 200,000 are kept"):
        shelf.save(SCHEDULE, "long", {"text": "x" * 200_000})
    with pytest.raises(ValueError, match="bytes; at most"):
        shelf.put_measurement("key", bytes(library.MEASUREMENT_BYTES + 1))
    with pytest.raises(ValueError, match="no plain JSON"):
        shelf.save(SCHEDULE, "odd", {"object": object()})
    with pytest.raises(ValueError):
        shelf.get(10**30)
    monkeypatch.setattr(library, "MAX_SCHEDULES", 1)
    shelf.save(SCHEDULE, "a")
    with pytest.raises(ValueError, match="full"):
        shelf.save(SCHEDULE, "b")


def test_json_is_read_by_anyone_and_by_us():
    text = Saved("Mine", SCHEDULE, RECORD, created=1.5e9).to_json()
    assert parse(text).require().sigmas == SCHEDULE.sigmas
    again = Saved.from_json(text)
    assert (again.name, again.record, again.created) == ("Mine", RECORD, 1.5e9)
    assert again.schedule.origin.params["curve"] == [0.5, 0.25]
    assert again.schedule.origin.parent == "karras"


def test_an_infinite_objective_is_written_as_json_knows_it():
    lost = Schedule((2.0, 1.0), Origin("oss", {"curve": [float("inf"), 1.0]}))
    content = json.loads(Saved("a", lost).to_json(), parse_constant=pytest.fail)
    assert content["origin"]["params"]["curve"] == [None, 1.0]


@pytest.mark.parametrize("text", ["3, 2, 1", "[3, 2, 1]", '{"sigmas": [3, 2, 1], "name": 7}'])
def test_levels_without_a_name_can_be_imported(text):
    saved = Saved.from_json(text)
    assert (saved.schedule.sigmas, saved.name, saved.record) == ((3, 2, 1), "pasted", {})


@pytest.mark.parametrize(
    "text", ["", "{", '{"sigmas": [1, 2], "name": "x"}', '{"name": "no levels"}', "[" * 5000]
)
def test_what_is_no_schedule_is_refused(text):
    with pytest.raises(ValueError) as refused:
        Saved.from_json(text)
    assert len(str(refused.value)) > 10


@pytest.mark.parametrize("key", OPTIMIZERS)
def test_results_of_every_optimizer_can_be_kept(shelf, key):
    bound = bind(load_model("gaussians"))
    start = SCHEDULES["karras"].make(4, bound.spec)
    job = OPTIMIZERS[key].make(bound, start, "euler", seed=0)
    found = next(p.snapshot for p in job if isinstance(p.snapshot, Schedule))
    job.close()
    kept = shelf.get(shelf.save(found, key))
    assert kept.schedule == found
    assert kept.schedule.origin == found.origin


# Measurements


def measured(paths: int) -> Statistics:
    gram = np.random.default_rng(paths).random((8, 4, 4))
    each = np.full(8, paths)
    return Statistics("key", np.array([0.1, 1, 2, 3.0]), gram, each, ((0, 8 * paths),))


def test_measurements_come_back_and_are_replaced(shelf):
    for paths in (1, 2):
        shelf.put_measurement("key", measured(paths).to_bytes())
    again = Statistics.from_bytes(shelf.measurement("key") or b"")
    assert again.num_paths == 16
    np.testing.assert_array_equal(again.gram, measured(2).gram)
    assert [(kept.key, len(kept.content)) for kept in shelf.measurements()] == [
        ("key", len(measured(2).to_bytes()))
    ]
    assert shelf.measurement("another") is None


def test_the_longest_unused_measurement_makes_room(tmp_path):
    small = Library(tmp_path, room=30)
    for key in "abc":
        small.put_measurement(key, bytes(10))
    assert small.measurement("a") == bytes(10)  # a use
    small.put_measurement("d", bytes(10))
    assert {kept.key for kept in small.measurements()} == {"a", "c", "d"}
    small.put_measurement("e", bytes(30))
    assert [kept.key for kept in small.measurements()] == ["e"]
    with pytest.raises(ValueError, match="at most 30"):
        small.put_measurement("f", bytes(31))


@pytest.mark.parametrize("key", ["", "x" * 201])
def test_impossible_keys_are_refused(shelf, key):
    with pytest.raises(ValueError, match="key"):
        shelf.put_measurement(key, b"")


# The file


def test_the_folder_is_set_by_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("AYS_HOME", str(tmp_path / "mine"))
    Library().save(SCHEDULE, "a")
    assert (tmp_path / "mine" / library.FILE).is_file()
    monkeypatch.delenv("AYS_HOME")
    assert home() == ROOT / "data"


def test_a_later_format_is_refused_and_left_alone(shelf):
    shelf.save(SCHEDULE, "a")
    with sqlite3.connect(shelf.path) as file:
        file.execute("PRAGMA user_version = 7")
    file.close()
    for use in (shelf.schedules, lambda: shelf.save(SCHEDULE, "b")):
        with pytest.raises(ValueError, match=r"newer version of the app \(format 7; .* reads 1\)"):
            use()


def test_a_file_that_is_something_else_is_refused_and_left_alone(shelf):
    shelf.folder.mkdir(parents=True)
    shelf.path.write_bytes(b"not a database, " * 100)
    with pytest.raises(ValueError, match="cannot be used: file is not a database"):
        shelf.save(SCHEDULE, "a")
    assert shelf.path.read_bytes() == b"not a database, " * 100


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match=r"file/below.*AYS_HOME"):
        Library(tmp_path / "file" / "below").save(SCHEDULE, "a")


def test_many_threads_write_at_once(shelf):
    failed = []

    def write(i: int) -> None:
        try:
            for j in range(5):
                shelf.save(SCHEDULE, f"{i} {j}")
        except ValueError as problem:
            failed.append(problem)

    threads = [threading.Thread(target=write, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert sorted(names(shelf)) == sorted(f"{i} {j}" for i in range(8) for j in range(5))


def script(folder: Path, body: str) -> subprocess.Popen:
    code = (
        "import sys\nfrom pathlib import Path\nfrom ays_core.library import Library\n"
        "from ays_core.schedule import Schedule\n"
        f"shelf, a = Library(Path({str(folder)!r})), Schedule((2.0, 1.0))\n{body}"
    )
    return subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE)


def test_several_processes_write_at_once(shelf):
    """They also race for making the file."""
    body = "for j in range(20): shelf.save(a, f'{sys.argv} {j}')"
    running = [script(shelf.folder, body) for _ in range(3)]
    for process in running:
        process.communicate()
    assert [process.returncode for process in running] == [0, 0, 0]
    assert len(shelf.schedules()) == 60


def test_a_kill_in_the_middle_of_a_write_leaves_what_was_there(shelf):
    shelf.save(SCHEDULE, "before")
    body = (
        "import time\n"
        "with shelf._transaction() as file:\n"
        "    file.execute('DELETE FROM schedules')\n"
        "    file.execute('PRAGMA cache_size = 1')\n"  # what is written goes to the disk at once
        "    for i in map(str, range(300)):\n"
        "        file.execute('INSERT INTO measurements VALUES (?, zeroblob(9999), 0)', (i,))\n"
        "    print('now', flush=True)\n"
        "    time.sleep(60)\n"
    )
    code = script(shelf.folder, body)
    assert code.stdout is not None
    assert code.stdout.readline() == b"now\n"
    os.kill(code.pid, signal.SIGKILL)
    code.communicate()
    assert code.returncode == -signal.SIGKILL
    assert names(shelf) == ["before"] and shelf.measurements() == []
    shelf.save(SCHEDULE, "after")
    assert names(shelf) == ["after", "before"]
    with sqlite3.connect(shelf.path) as file:
        assert file.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    file.close()


def test_kills_at_any_moment_lose_nothing_that_was_acknowledged(shelf):
    body = "i = 0\nwhile True:\n    shelf.save(a, str(i)); print(i, flush=True); i += 1\n"
    process = script(shelf.folder, body)
    assert process.stdout is not None
    for _ in range(25):
        process.stdout.readline()
    process.kill()
    told = process.stdout.read().split()
    process.wait()
    process.stdout.close()
    last = int(told[-1]) if told else 24
    found = {int(name) for name in names(shelf)}
    assert set(range(last + 1)) <= found <= set(range(last + 2))

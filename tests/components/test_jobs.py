"""Jobs in the page: bounded, superseded, closed."""

import os
import pickle
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest

from ays_core.job import Progress
from components import jobs
from components.jobs import Overtime, Superseded, Turn, in_line, job_for, leave, stream
from components.limits import Limits
from tests.core import tiny_pipelines as tiny


def counting(closed, total=1000):
    try:
        for i in range(total):
            yield Progress("counting", i, total, snapshot=i)
        return "done"
    finally:
        closed.append(True)


def result_of(generator):
    while True:
        try:
            next(generator)
        except StopIteration as stop:
            return stop.value


def test_a_job_runs_to_its_end_and_returns_its_result():
    closed = []
    turn = Turn.take("someone", "rows")
    assert result_of(stream(counting(closed, 3), turn, seconds=60)) == "done"
    assert closed == [True]


def test_newer_work_of_the_same_kind_ends_the_older():
    closed = []
    older = stream(counting(closed), Turn.take("someone", "rows"), seconds=60)
    assert next(older).done == 0 and next(older).done == 1
    Turn.take("someone", "rows")
    with pytest.raises(Superseded) as ended:
        next(older)
    assert ended.value.snapshot == 1 and closed == [True]


@pytest.mark.parametrize(("visitor", "kind"), [("another", "rows"), ("someone", "optimize")])
def test_other_visitors_and_other_kinds_do_not_interfere(visitor, kind):
    running = stream(counting([]), Turn.take("someone", "rows"), seconds=60)
    next(running)
    Turn.take(visitor, kind)
    assert next(running).done == 1


def test_the_wall_clock_limit_ends_a_job_with_its_best_so_far():
    running = stream(counting([]), Turn.take("someone", "rows"), seconds=-1)
    with pytest.raises(Overtime, match="limit of -1 s"):
        next(running)


def test_leaving_ends_everything_of_a_visitor():
    closed = []
    running = stream(counting(closed), Turn.take("someone", "rows"), seconds=60)
    next(running)
    leave(SimpleNamespace(session_hash="someone"))
    with pytest.raises(Superseded):
        next(running)
    assert closed == [True]


def test_closing_the_stream_closes_the_job():
    closed = []
    running = stream(counting(closed), Turn.take("someone", "rows"), seconds=60)
    next(running)
    running.close()
    assert closed == [True]


@pytest.mark.parametrize("exact", [True, False])
def test_without_a_lent_gpu_a_job_is_the_same_job(exact):
    closed = []
    job = job_for(partial(counting, closed), 3, exact, Turn.take("someone", "rows"), 1.0)
    assert result_of(stream(job, Turn.take("someone", "rows"), seconds=60)) == "done"
    assert closed == [True]


# One network at a time


def waiting(visitor: str, closed: list, kind: str = "rows"):
    turn = Turn.take(visitor, kind)
    return turn, in_line(counting(closed, 3), turn)


def test_others_wait_in_line_and_are_told_how_many_are_ahead(monkeypatch):
    monkeypatch.setattr(jobs, "LOOK", 0)
    (_, first), (_, second), (_, third) = (waiting(name, []) for name in "abc")
    assert next(first).stage == "counting"
    assert "1 ahead" in next(second).stage and "2 ahead" in next(third).stage
    assert result_of(first) == "done"
    assert next(second).stage == "counting" and "1 ahead" in next(third).stage
    assert result_of(second) == "done" and result_of(third) == "done"
    assert jobs._line == []


def test_who_stops_or_leaves_holds_nobody_up(monkeypatch):
    monkeypatch.setattr(jobs, "LOOK", 0)
    closed = []
    (_, first), (_, second), (_, third) = waiting("a", closed), waiting("b", []), waiting("c", [])
    next(first), next(second), next(third)
    Turn.take("a", "rows")  # stopped; its consumer may notice late
    leave(SimpleNamespace(session_hash="b"))
    assert next(third).stage == "counting"
    for job in (first, second, third):
        job.close()
    assert closed == [True] and jobs._line == [], "and what it held is given back"


def test_two_searches_of_one_visitor_wait_for_each_other_too(monkeypatch):
    monkeypatch.setattr(jobs, "LOOK", 0)
    _, rows = waiting("a", [])
    _, search = waiting("a", [], "optimize")
    next(rows)
    assert "1 ahead" in next(search).stage
    rows.close()
    assert next(search).stage == "counting"
    search.close()


def test_waiting_is_not_counted_as_time_of_the_job(monkeypatch):
    monkeypatch.setattr(jobs, "LOOK", 0)
    _, first = waiting("a", [])
    next(first)
    turn, job = waiting("b", [])
    running = stream(job, turn, seconds=0.2)
    next(running)
    time.sleep(0.25)
    next(running)  # still waiting, and not over
    first.close()
    assert next(running).stage == "counting"
    time.sleep(0.25)
    with pytest.raises(Overtime):
        next(running)


# What comes back from another process


def refusing(_asked):
    yield Progress("counting", 0, 1, snapshot=5)
    raise ValueError("not on these levels")


@pytest.fixture
def lent(monkeypatch):
    """`on_gpu` as a ZeroGPU Space runs it: values cross to it and back, errors lose their words."""
    here = jobs.on_gpu

    def there(make, asked, seconds):
        try:
            for progress in here(make, asked, seconds):
                yield pickle.loads(pickle.dumps(progress))
        except Exception:
            raise RuntimeError("ZeroGPU worker error") from None

    monkeypatch.setattr(jobs, "LENDS", True)
    monkeypatch.setattr(jobs, "on_gpu", there)


def test_a_refusal_over_there_is_the_same_sentence_here(lent):
    job = job_for(refusing, 3, False, Turn.take("someone", "rows"), 1.0)
    assert next(job).snapshot == 5
    with pytest.raises(ValueError, match="not on these levels"):
        next(job)


def test_work_is_closed_before_its_gpu_is_taken_away(lent, monkeypatch):
    closed = []
    monkeypatch.setattr(jobs, "LEASE", jobs.LEAVING)  # all of it is for what comes back
    job = job_for(partial(counting, closed), 3, False, Turn.take("someone", "rows"), 1.0)
    with pytest.raises(Overtime):
        next(job)
    monkeypatch.setattr(jobs, "LEASE", 60.0)
    job = job_for(partial(counting, closed), 3, False, Turn.take("someone", "rows"), 1.0)
    assert [progress.snapshot for progress in job] == [0, 1, 2]
    assert closed == [True] and jobs._line == []


@pytest.mark.slow
def test_a_space_that_lends_its_gpu_loads_what_it_offers_while_it_starts(tmp_path):
    """Only its main thread may; a visitor's handler finds it there."""
    tiny.make("stable_diffusion").save_pretrained(tmp_path / "tiny")
    script = Path(__file__).with_name("zero_gpu.py")
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, script, tmp_path / "tiny"],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
    )
    assert "all there" in done.stdout, done.stderr[-2000:]
    assert "someone/none is not offered: the Hub has no such thing" in done.stderr


@pytest.mark.parametrize(("work", "asked"), [(1.0, 11), (40.0, 60), (9999.0, 60), (0.0, 60)])
def test_a_gpu_is_asked_for_as_long_as_the_work_takes(work, asked, monkeypatch):
    monkeypatch.setattr(jobs, "LIMITS", Limits(seconds=60, public=True))
    assert jobs.gpu_seconds(counting, [], work) == asked

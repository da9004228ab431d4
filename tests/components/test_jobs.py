"""Jobs in the page: bounded, superseded, closed."""

from functools import partial
from types import SimpleNamespace

import pytest

from ays_core.job import Progress
from components.jobs import Overtime, Superseded, Turn, job_for, leave, stream


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
    job = job_for(partial(counting, closed), 3, exact)
    assert result_of(stream(job, Turn.take("someone", "rows"), seconds=60)) == "done"
    assert closed == [True]

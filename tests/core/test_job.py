import pytest

from ays_core.job import Job, Progress, run


def count(to: int, log: list[str]) -> Job[str]:
    try:
        for i in range(to):
            yield Progress("counting", i + 1, to, snapshot=i)
        return "done"
    finally:
        log.append("freed")


def test_run_returns_the_result_and_reports_on_the_way():
    log, seen = [], []
    assert run(count(3, log), seen.append) == "done"
    assert [(p.done, p.total, p.snapshot) for p in seen] == [(1, 3, 0), (2, 3, 1), (3, 3, 2)]
    assert log == ["freed"]
    assert run(count(0, log)) == "done"


def test_jobs_compose():
    def twice(log) -> Job[list[str]]:
        first = yield from count(2, log)
        second = yield from count(1, log)
        return [first, second]

    log, seen = [], []
    assert run(twice(log), seen.append) == ["done", "done"]
    assert len(seen) == 3
    assert log == ["freed", "freed"]


def test_closing_frees():
    log = []
    job = count(3, log)
    next(job)
    job.close()
    assert log == ["freed"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_a_failing_listener_frees_and_is_heard(error):
    def listener(progress):
        raise error

    log = []
    with pytest.raises(error):
        run(count(3, log), listener)
    assert log == ["freed"]


def test_a_failing_job_is_heard():
    def fails() -> Job[None]:
        yield Progress("failing", 0, 1)
        raise ValueError("no result")

    with pytest.raises(ValueError, match="no result"):
        run(fails())

"""Results that are kept: bounded by number and by bytes, and safe among threads."""

from dataclasses import dataclass
from threading import Thread

import numpy as np

from components.recent import Recent, bytes_of


@dataclass(frozen=True)
class Result:
    samples: np.ndarray
    more: tuple[np.ndarray, ...] = ()


def result(num):
    return Result(np.zeros(num, dtype=np.uint8))


def test_the_bytes_of_a_result_are_those_of_its_arrays():
    one = np.zeros(10, dtype=np.float64)
    assert bytes_of(Result(one, (one, one))) == 240
    assert bytes_of({"a": [one], "b": "words", "c": 3}) == 80


def test_what_was_used_longest_ago_goes_first():
    kept = Recent(2)
    for key in "ab":
        kept.put(key, key)
    kept.get("a")
    kept.put("c", "c")
    assert [kept.get(key) for key in "abc"] == ["a", None, "c"]


def test_large_results_leave_less_room():
    kept = Recent(100, most_bytes=1000)
    for key in range(10):
        kept.put(key, result(300))
    assert [key for key in range(10) if kept.get(key) is not None] == [7, 8, 9]
    kept.put(8, result(10))  # in its own place, not beside it
    kept.put("small", result(300))
    assert kept.get(7) is not None and kept.get("small") is not None
    whole = result(5000)
    assert kept.put("large", whole) is whole and kept.get("large") is whole
    assert kept.get("small") is None


def test_many_threads_may_read_and_write():
    kept, failed = Recent(3), []

    def work():
        try:
            for i in range(3000):
                kept.put(i % 7, result(i % 11))
                kept.get((i + 3) % 7)
        except Exception as problem:
            failed.append(problem)

    threads = [Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []

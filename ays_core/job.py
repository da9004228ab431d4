"""Long work: a generator that yields `Progress` and returns its result.

Jobs compose (`teacher = yield from sample(...)`), stop by being closed, and need neither threads
nor a user interface. Code after a `yield` runs in the consumer's context, so a job never holds
`torch.no_grad()` across one, and frees what it holds in `finally`.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, TypeVar

R = TypeVar("R")


@dataclass(frozen=True)
class Progress:
    """How far a job is. `snapshot` is always a usable partial result, or None before the first."""

    stage: str
    done: int
    total: int
    snapshot: Any = None


Job = Generator[Progress, None, R]


def relay(job: Job[R], change: Callable[[Progress], Progress]) -> Job[R]:
    """`job` as a part of another one: its result, and its progress as `change` makes it."""
    try:
        while True:
            yield change(next(job))
    except StopIteration as stop:
        return stop.value
    finally:
        job.close()


def run(job: Job[R], on_progress: Callable[[Progress], object] = lambda _: None) -> R:
    """Run a job to its end, calling `on_progress` on the way."""
    try:
        while True:
            on_progress(next(job))
    except StopIteration as stop:
        return stop.value
    finally:
        job.close()

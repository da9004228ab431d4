"""A core `Job` in the page: bounded in time, and closed as soon as nobody waits for it.

A handler that starts new work calls `Turn.take`; the work it replaces sees at its next step that
its turn is over, closes its job (whose `finally` frees what it held) and ends. Stop, a changed
control, a reload and a closed tab are all the same thing: the turn is taken.
"""

from __future__ import annotations

import itertools
import math
import threading
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, TypeVar

import gradio as gr
import spaces
from spaces.config import Config

from ays_core.job import Job, Progress
from ays_core.models.held import rest
from components.limits import LIMITS
from components.words import tell

R = TypeVar("R")
S = TypeVar("S")

_numbers = itertools.count(1)
_newest: dict[tuple[str, str], int] = {}  # (visitor, kind of work) -> the turn that counts
_lock = threading.Lock()
_line: list[Turn] = []  # work with a network: the first one runs
_card = threading.Lock()  # held for one step

LENDS = bool(Config.zero_gpu)  # whether this is a ZeroGPU Space
LEASE = 120.0  # seconds for which a ZeroGPU Space lends its GPU at most
STARTING = 10.0  # of them, until the first call
LEAVING = 2.0  # of them, for what comes back
LOOK = 0.2  # seconds between two looks at the line
WAITING = "Waiting: {ahead} ahead in line for the model. It starts by itself."


class Overtime(ValueError):
    """A job that reached its wall-clock limit. `snapshot` is the best it had."""

    def __init__(self, seconds: float, snapshot: object) -> None:
        super().__init__(f"stopped after the limit of {seconds:g} s; the best so far is kept")
        self.snapshot = snapshot


class Superseded(Exception):
    """Newer work of the same visitor took this job's turn. `snapshot` is the best it had."""

    def __init__(self, snapshot: object) -> None:
        super().__init__("superseded")
        self.snapshot = snapshot


@dataclass(frozen=True)
class Turn:
    """One piece of work of one visitor, valid until the next of its kind is taken."""

    visitor: str
    kind: str
    number: int

    @staticmethod
    def take(visitor: str | None, kind: str) -> Turn:
        """The newest turn; every earlier one of this visitor and kind is over."""
        turn = Turn(visitor or "", kind, next(_numbers))
        with _lock:
            _newest[turn.visitor, turn.kind] = turn.number
        return turn

    @property
    def is_over(self) -> bool:
        return _newest.get((self.visitor, self.kind)) != self.number


def leave(request: gr.Request) -> None:
    """End everything of a visitor who closed the page."""
    visitor = request.session_hash or ""
    with _lock:
        for key in [key for key in _newest if key[0] == visitor]:
            del _newest[key]


def gpu_seconds(make: Callable[[Any], Job[Any]], asked: Any, seconds: float) -> int:  # noqa: ARG001 - the GPU's own signature
    """How long a GPU is asked for: as long as the work should take, and a little to begin; as long
    as there is where nobody knows (0)."""
    needed = STARTING + 1.5 * seconds if seconds else LEASE
    return int(min(LEASE, LIMITS.seconds, needed))


@dataclass(frozen=True)
class Ended:
    """How a job ended in another process, from which only values come back, no errors. `late`: of
    its time there, in seconds; 0 for a refusal in `words`."""

    words: str
    late: float = 0.0


@spaces.GPU(duration=gpu_seconds)
def on_gpu(make: Callable[[S], Job[R]], asked: S, seconds: float) -> Job[R | None]:
    """The job `make(asked)`, in the process that a ZeroGPU Space gives a GPU; elsewhere as it is.

    What crosses into that process is pickled, so the job is made there. Its result may be lost on
    the way: the last snapshot says the same. There it ends before the GPU is taken away, so that
    what a job keeps when it is closed is kept.
    """
    if not LENDS:
        return (yield from make(asked))
    ends = time.monotonic() + gpu_seconds(make, asked, seconds) - LEAVING
    try:
        job = make(asked)
        try:
            while time.monotonic() < ends:
                yield next(job)
        finally:
            job.close()
        yield Progress("ended", 0, 1, Ended("", ends))
    except StopIteration as stop:
        return stop.value
    except ValueError as refused:
        yield Progress("ended", 0, 1, Ended(str(refused)))


def answered(job: Job[R]) -> Job[R]:
    """`job` from another process: how it ended is again an error here."""
    snapshot: object = None
    try:
        while True:
            progress = next(job)
            if isinstance(progress.snapshot, Ended):
                if progress.snapshot.late:
                    raise Overtime(min(LEASE, LIMITS.seconds), snapshot)
                raise ValueError(progress.snapshot.words)
            snapshot = progress.snapshot if progress.snapshot is not None else snapshot
            yield progress
    except StopIteration as stop:
        return stop.value
    finally:
        job.close()


def job_for(
    make: Callable[[S], Job[R]], asked: S, exact: bool, turn: Turn, seconds: float
) -> Job[R | None]:
    """The job: a formula at once; a network in its turn, on a GPU where one is lent, for about
    `seconds` (0: nobody knows)."""
    return make(asked) if exact else in_line(answered(on_gpu(make, asked, seconds)), turn)


def in_line(job: Job[R], turn: Turn) -> Job[R]:
    """`job` when all that asked before are done: one network works at a time, or they would share
    one memory. Yields how many are ahead while it waits."""
    with _lock:
        _line.append(turn)
    try:
        while ahead := _ahead(turn):
            yield Progress(WAITING.format(ahead=ahead), 0, 1)
            time.sleep(LOOK)
        while True:
            with _card:  # what was stopped finishes its step before another begins one
                progress = next(job)
            yield progress
    except StopIteration as stop:
        return stop.value
    finally:
        job.close()
        if _line[0] == turn:
            with _card:
                rest()
        with _lock:
            _line.remove(turn)


def _ahead(turn: Turn) -> int:
    """How many wait before this one. Those whose turn is over do not count: they are leaving."""
    with _lock:
        return sum(not other.is_over for other in _line[: _line.index(turn)])


def stream(job: Job[R], turn: Turn, seconds: float) -> Generator[Progress, None, R]:
    """The job's progress; returns its result.

    Raises `Superseded` when the turn is over and `Overtime` after `seconds`, each with the last
    snapshot. The job is closed in any case.
    """
    deadline, told = time.monotonic() + seconds, ""
    snapshot: object = None
    try:
        while True:
            if turn.is_over:
                raise Superseded(snapshot)
            if time.monotonic() > deadline:
                raise Overtime(seconds, snapshot)
            progress = next(job)
            snapshot = progress.snapshot if progress.snapshot is not None else snapshot
            if progress.stage.startswith(WAITING[:8]):  # that is no time of its own
                deadline = math.inf
                if progress.stage != told:
                    told = progress.stage
                    tell(told)
            elif deadline == math.inf:
                deadline = time.monotonic() + seconds
            yield progress
    except StopIteration as stop:
        return stop.value
    finally:
        job.close()

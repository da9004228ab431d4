"""The work of the Compare tab: a grid, its films, its numbers and its blind test, each started,
shown while it runs, and stopped. Newer work of a kind takes the older one's turn."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr

from ays_core.grid import GridResult, Line
from ays_core.job import Job, Progress
from components import grids
from components.blind_view import BlindTest
from components.costs import network_seconds
from components.jobs import Overtime, Superseded, Turn, job_for, stream
from components.limits import LIMITS
from components.words import refusal, warn

KIND, FILMS, NUMBERS, BLIND = "grid", "films", "numbers", "blind"
FRAME = 0.15  # seconds between two updates of the page
SOON = 1.5  # seconds: less than that is not worth a number


@dataclass(frozen=True, eq=False)
class Compared:
    """What a visitor's grid came to, with the plan it was started from."""

    plan: grids.Plan
    result: GridResult


@dataclass(frozen=True, eq=False)
class Measured:
    """The numbers of a grid, with that grid."""

    compared: Compared
    lines: tuple[Line, ...] = ()


def compute(request: gr.Request, plan: grids.Plan, other: bool) -> Generator[tuple, None, None]:
    """The grid as it is computed: (what is shown, the result so far, no files before its end).
    What is still told of another grid ends."""
    turn = Turn.take(request.session_hash, KIND)
    if other:
        take_turns(request, FILMS, NUMBERS, BLIND)
    began = time.monotonic()
    grid = plan.grid
    cost = grids.evaluations_of(grid, grid.count * len(grid.seeds))
    for result, progress in streamed(grids.grid_job, grid, turn, cost):
        if result is None:
            continue
        grids.keep_cells(result)
        if progress is None:
            result = replace(result, running=None)
            said, doing = grids.unfinished(result), None
        else:
            said, doing = remaining(progress, time.monotonic() - began), grids.doing(progress)
        yield grids.shown(plan, result, doing, said, turn.number), Compared(plan, result), ""


def streamed(
    make: Callable[[Any], Job[Any]], asked: Any, turn: Turn, cost: tuple[int, bool]
) -> Generator[tuple[Any, Progress | None], None, None]:
    """(snapshot, progress) worth showing, and at the end (result, None): at the time limit the
    last snapshot. Nothing more when newer work has taken the turn, or Stop: they show what is.
    `cost`: evaluations, and whether they are guided: for so long a GPU is asked for."""
    sent = 0.0
    exact = grids.spec_behind(asked).exact
    job = job_for(make, asked, exact, turn, network_seconds(*cost))
    running = stream(job, turn, LIMITS.seconds)
    snapshot = None
    try:
        while True:
            progress = next(running)
            snapshot = progress.snapshot if progress.snapshot is not None else snapshot
            if time.monotonic() - sent > FRAME:
                sent = time.monotonic()
                yield snapshot, progress
    except StopIteration as stop:
        yield (snapshot if stop.value is None else stop.value), None
    except Superseded:
        return
    except Overtime as late:
        warn(late)
        yield late.snapshot, None
    except ValueError as refused:
        raise refusal(refused) from None


def remaining(progress: Progress, seconds: float) -> str:
    """How long it may still take, once there is something to tell it from."""
    if progress.done < 0.05 * progress.total or seconds < 1:
        return ""
    left = seconds * (progress.total - progress.done) / progress.done
    return f"about {left:.0f} s left" if left >= SOON else "nearly done"


def take_turns(request: gr.Request, *kinds: str) -> int:
    """End what runs of these kinds; the number that counts from now on."""
    return max(Turn.take(request.session_hash, kind).number for kind in kinds)


def halt(
    compared: Compared | None, measured: Measured | None, request: gr.Request
) -> tuple[Any, Any, Any]:
    """Stop: what is done stays, and it is said that more was to come."""
    number = take_turns(request, FILMS, NUMBERS, BLIND, KIND)
    numbers = gr.skip() if measured is None else told(measured)
    if compared is None or compared.result.running is None:
        return gr.skip(), gr.skip(), numbers
    result = replace(compared.result, running=None)
    said = grids.unfinished(result)
    view = grids.shown(compared.plan, result, None, said, number)
    return view, replace(compared, result=result), numbers


def offer_blind(compared: Compared | None) -> BlindTest:
    return grids.blind_offer(None if compared is None else compared.result)


def judged(compared: Compared | None, request: gr.Request) -> Generator[BlindTest, None, None]:
    """A blind test begins: new noises, for every line of the grid."""
    result = finished(compared).result
    seed = grids.new_seed(result.grid, random.random())
    turn = Turn.take(request.session_hash, BLIND)
    offer = grids.blind_offer(result)
    cost = grids.evaluations_of(result.grid, grids.BLIND_NOISES, reference=False)
    for ran, progress in streamed(grids.blind_job, (result, seed), turn, cost):
        if progress is not None:
            yield BlindTest(note=grids.progress_note(ran or (), progress), ready=True)
        else:
            yield replace(offer, pairs=grids.pairs(result, ran or (), seed))


def filmed(compared: Compared | None, request: gr.Request) -> Generator[tuple, None, None]:
    """Every line of the grid once more, with everything on the way."""
    there = finished(compared)
    result, studio = there.result, there.plan.studio
    turn = Turn.take(request.session_hash, FILMS)
    cost = grids.evaluations_of(result.grid, 1, reference=False)
    for snapshot, _ in streamed(grids.films_job, result, turn, cost):
        found = snapshot or ()
        yield (
            grids.films(result, found, studio),
            grids.error_figure(result, found, studio),
            grids.step_figure(result, found, studio),
        )


def measure_all(
    compared: Compared | None, noises: float, metric: str, request: gr.Request
) -> Generator[tuple, None, None]:
    """All numbers of every line, on noises that no search has seen."""
    there = finished(compared)
    try:
        num = grids.checked_noises(there.result, noises)
    except ValueError as refused:
        raise refusal(refused) from None
    turn = Turn.take(request.session_hash, NUMBERS)
    cost = grids.evaluations_of(there.result.grid, num)
    for lines, progress in streamed(grids.numbers_job, (there.result, num), turn, cost):
        measured = Measured(there, lines or ())
        if progress is None:
            yield measured, told(measured), drawn(measured, metric)
        else:
            far = f"{progress.done:,} of {progress.total:,} evaluations"
            yield measured, grids.measuring(measured.lines, far), gr.skip()


def told(measured: Measured) -> str:
    return grids.measured(measured.lines, measured.compared.result)


def drawn(measured: Measured | None, metric: str) -> dict[str, Any] | None:
    """One metric as a figure, once there are numbers."""
    if measured is None or not measured.lines:
        return None
    there = measured.compared
    return grids.numbers_figure(there.result, measured.lines, metric, there.plan.studio)


def finished(compared: Compared | None) -> Compared:
    if compared is None or not compared.result.cells:
        raise refusal("Compare something first: there is no grid yet.")
    return compared


def taken_away(compared: Compared | None, measured: Measured | None) -> str:
    """Files of the grid, with its numbers where it has been measured."""
    result = None if compared is None else compared.result
    return grids.files(result, () if measured is None else measured.lines)

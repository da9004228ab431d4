"""What a search found beside honest baselines, on noises that no search has seen."""

from __future__ import annotations

import html
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import gradio as gr

from ays_core.compare import REFERENCE_SOLVER, REFERENCE_STEPS
from ays_core.comparison import three_digits
from ays_core.job import Job
from ays_core.metrics import METRICS
from ays_core.optimizers.judge import Verdict, judge
from ays_core.schedule import Schedule
from ays_core.solvers import SOLVERS
from components.costs import seconds_for
from components.events import COMPUTE, PRIVATE
from components.jobs import Overtime, Superseded, Turn, job_for, stream
from components.limits import LIMITS
from components.state import Studio
from components.twins import twin_job
from components.words import warn

KIND = "judge"
NOISES = {"points": 320, "pictures": 96}  # held-out ones
OWN = ' class="own"'
RIVALS = "Karras, uniform in log-SNR, both with their range tuned, and its start"


@dataclass(frozen=True)
class Found:
    """What a search that began from `studio` ended with; no schedule when it had nothing yet.
    `complete`: whether it ended by itself; else it can be gone on with."""

    studio: Studio
    schedule: Schedule | None
    complete: bool = True


def build(found: gr.State) -> gr.State:
    """The verdict on what was `found`, as words; returns it as what a record keeps."""
    verdict = gr.State(None)
    with gr.Row(elem_id="verdict"):
        told = gr.HTML(elem_id="verdict-told", padding=False)
        ask = gr.Button(
            "Judge it", size="sm", elem_id="judge", min_width=90, scale=0, visible=False
        )
    shown = [told, verdict]
    found.change(at_once, found, shown, trigger_mode="always_last", **COMPUTE)
    found.change(offered, found, ask, **PRIVATE)
    ask.click(judged, found, shown, **COMPUTE)
    return verdict


def offered(found: Found | None) -> gr.Button:
    """Judging is offered where it does not begin by itself."""
    return gr.Button(visible=waits(found))


def waits(found: Found | None) -> bool:
    """A network takes long to judge with, and who stopped a search wants the machine quiet."""
    if found is None or found.schedule is None:
        return False
    return not (found.complete and found.studio.instant)


def at_once(found: Found | None, request: gr.Request) -> Generator[tuple, None, None]:
    """Judge what a finished search found; nothing of what an earlier one found is left."""
    if found is None or found.schedule is None:
        Turn.take(request.session_hash, KIND)
        yield "", None
    elif waits(found):
        took = seconds_for(found.studio, calls_of(found))
        yield (
            line(f"How it does against {RIVALS} is not known yet: {max(took, 1):.0f} s or more."),
            None,
        )
    else:
        yield from judged(found, request)


def judged(found: Found, request: gr.Request) -> Generator[tuple, None, None]:
    """The verdict in words, as far as it has come, and at the end as a record."""
    turn = Turn.take(request.session_hash, KIND)
    verdict, told = None, None
    num = noises(found.studio)
    try:
        seconds = seconds_for(found.studio, calls_of(found))
        job = job_for(judging, found, found.studio.spec.exact, turn, seconds)
        running = stream(job, turn, LIMITS.seconds)
        while True:
            progress = next(running)
            verdict = progress.snapshot or verdict
            words = f"Judging on {num} held-out noises: {progress.stage}."
            if words != told:
                told = words
                yield line(words, verdict), gr.skip()
    except StopIteration as stop:
        verdict = stop.value or verdict
    except Superseded:
        return
    except Overtime as late:
        warn(late)
    except ValueError as refused:
        yield line(f"It cannot be judged: {refused}"), None
        return
    yield line("", verdict), verdict and verdict.to_json()


def judging(found: Found) -> Job[Verdict]:
    """The result against its start and the baselines, at the solver and the steps it is for."""
    studio, bound = found.studio, found.studio.bound()
    assert found.schedule is not None

    def tune(_denoise: Any, key: str, *_: Any, **_own: Any) -> Job[Schedule]:
        return twin_job(studio, bound, key)

    return judge(bound, found.schedule, studio.yours, studio.solver, num=noises(studio), tune=tune)


def calls_of(found: Found) -> int:
    """Evaluations that the verdict takes at least: a reference run, and each of the four."""
    studio = found.studio
    fine = SOLVERS[REFERENCE_SOLVER].nfe(REFERENCE_STEPS[studio.spec.kind], final_zero=True)
    each = SOLVERS[studio.solver].nfe(studio.num_steps, studio.yours.final_zero)
    return noises(studio) * (fine + 4 * each)


def noises(studio: Studio) -> int:
    return NOISES[studio.spec.kind] if studio.instant else studio.num


def line(words: str, verdict: Verdict | None = None) -> str:
    """The verdict so far, and what is being done."""
    doing = f'<p class="verdict-doing">{html.escape(words)}</p>' if words else ""
    return (table(verdict) if verdict else "") + doing


def table(verdict: Verdict) -> str:
    """Who is closest in a sentence, then everybody, best first, with a bar for its error."""
    ranked, key = verdict.comparison.ranked, verdict.comparison.main_metric
    most = max(cell.metrics[key] for cell in ranked) or 1.0
    rows = "".join(
        f"<tr{OWN * (cell.schedule == verdict.result)}>"
        f'<th scope="row">{html.escape(verdict.names[cell.schedule])}</th>'
        f"<td>{three_digits(cell.metrics[key])}</td>"
        f'<td><i style="width:{100 * cell.metrics[key] / most:.0f}%"></i></td></tr>'
        for cell in ranked
    )
    num = len(ranked[0].run.samples) if ranked[0].run else 0
    caption = f"{METRICS[key].label}, {num} noises that no search has seen"
    return (
        f'<p class="verdict-said">{html.escape(verdict.headline)}</p>'
        f'<table class="verdict-table"><caption>{html.escape(caption)}</caption>{rows}</table>'
    )

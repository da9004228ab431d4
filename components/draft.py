"""What a visitor was doing, kept in their browser over a reload.

A draft comes back from the browser, so it is read like any other input: what does not fit is left
out, and a draft that makes no sense is dropped.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import gradio as gr

from ays_core.optimizers import OPTIMIZERS
from ays_core.schedule import Origin, Schedule
from ays_core.schedules import SCHEDULES
from ays_core.solvers import SOLVERS
from components.events import PRIVATE
from components.limits import LIMITS
from components.state import (
    MAX_GUIDANCE,
    TUNED,
    Studio,
    first_studio,
    start_of,
    with_choices,
    with_model,
)

STORAGE_KEY = "ays-studio-draft"
SECRET = "not a secret: drafts hold nothing private"  # fixed, so that a restart can read them
VERSION = 1

# A window keeps a draft of its own over a reload; a new one begins with the newest of any window.
# What is on the curve when the page goes, and has not reached Python, goes into the draft too.
RESTORED = """(kept) => {
  const own = () => JSON.parse(sessionStorage.getItem("KEY") || "null");
  addEventListener("pagehide", () => {
    const [editor] = window.ScheduleEditor ? ScheduleEditor.instances : [], draft = own() || kept;
    if (!editor || !draft || !editor.rev) return;
    editor.keys.cancel();
    const parent = draft.method === "edited" ? draft.parent : draft.method;
    const edited = { ...draft, sigmas: editor.sigmas, method: "edited", parent };
    const same = JSON.stringify(draft.sigmas) === JSON.stringify(editor.sigmas);
    sessionStorage.setItem("KEY", JSON.stringify(same ? draft : edited));
  });
  return own() || kept;
}""".replace("KEY", STORAGE_KEY)
KEPT = "(kept) => sessionStorage.setItem('KEY', JSON.stringify(kept))".replace("KEY", STORAGE_KEY)


def place() -> gr.BrowserState:
    """Where a browser keeps a draft; in the beginning that of the first Studio."""
    return gr.BrowserState(draft_of(first_studio()), storage_key=STORAGE_KEY, secret=SECRET)


def connect(demo: gr.Blocks, studio: gr.State) -> tuple[Any, gr.State]:
    """Each change is kept; a page opens with what was. Returns the event, and what changes where
    that is not the first Studio."""
    kept, other = place(), gr.State(False)
    event = demo.load(opened, kept, [studio, other], js=RESTORED, **PRIVATE)
    noted = studio.change(draft_of, studio, kept, **PRIVATE)
    noted.success(None, kept, None, js=KEPT, trigger_mode="always_last")
    return event, other


def draft_of(studio: Studio) -> dict[str, Any]:
    """The Studio as JSON."""
    origin, start = studio.yours.origin, start_of(studio)
    return {
        "version": VERSION,
        "model": studio.model,
        "condition": studio.condition,
        "negative": studio.negative,
        "guidance": studio.guidance,
        "solver": studio.solver,
        "optimizer": studio.optimizer,
        "seed": studio.seed,
        "sigmas": list(studio.yours.sigmas),
        "method": origin.method,
        "parent": origin.parent,
        "start": {"sigmas": list(start.sigmas), "method": start.origin.method},
        "choices": [choice.key for choice in studio.choices],
    }


def opened(draft: Any) -> tuple[Studio, bool]:
    """The Studio that a page opens with, and whether it is another than the first one."""
    studio = restored(draft)
    return studio, studio != first_studio()


def restored(draft: Any) -> Studio:
    """The Studio a draft describes; the first one where there is none, or none that fits."""
    first = first_studio()
    if draft == draft_of(first) or not isinstance(draft, Mapping):
        return first
    if draft.get("version") != VERSION:
        return first
    try:
        return _read(first, draft)
    except (KeyError, TypeError, ValueError, OverflowError):
        return first


def _read(first: Studio, draft: Mapping[str, Any]) -> Studio:
    studio = with_model(first, str(draft["model"]))
    parent = draft["parent"] and str(draft["parent"])[:60]
    yours = studio.spec.check(_schedule(draft["sigmas"], str(draft["method"])[:60], parent))
    worded = studio.spec.takes_prompt or draft["condition"] in studio.spec.classes
    condition = LIMITS.checked_text(str(draft["condition"])) if worded else ""
    negative = LIMITS.checked_text(str(draft.get("negative", ""))) if worded else ""
    before = draft.get("start")
    start = before and _schedule(before["sigmas"], str(before["method"])[:60])
    seed, guidance = int(draft["seed"]), float(draft["guidance"])
    if not 0 <= seed < 2**31 or not 1 <= guidance <= MAX_GUIDANCE:
        raise ValueError("out of range")
    keys = [k for k in draft["choices"][:8] if str(k).removesuffix(TUNED) in SCHEDULES]
    studio = replace(
        studio,
        yours=yours,
        start=start and studio.spec.check(start),
        condition=condition,
        negative=negative,
        guidance=guidance if condition else 1.0,
        solver=SOLVERS[draft["solver"]].key,
        optimizer=OPTIMIZERS[draft.get("optimizer", first.optimizer)].key,
        seed=seed,
    )
    return with_choices(studio, keys)


def _schedule(sigmas: Any, method: str, parent: str | None = None) -> Schedule:
    LIMITS.checked_levels(sigmas)
    return Schedule(tuple(sigmas), Origin(method, parent=parent))

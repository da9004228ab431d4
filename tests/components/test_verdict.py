"""What a search found beside the baselines: at once where that is cheap, plainly, and kept."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest

from ays_core.optimizers import OPTIMIZERS
from ays_core.schedule import Origin, Schedule
from components import verdict
from components.optimize_panel import effort, search_job
from components.state import first_studio, with_model, with_steps
from components.verdict import Found

SOMEONE = SimpleNamespace(session_hash="someone")


@pytest.fixture(scope="module")
def studio():
    ring = with_model(first_studio(), "gaussians")
    few = (("num", 16), ("teacher_steps", 20))
    return replace(with_steps(ring, 4), optimizer="oss", params=few)


def searched(studio, name="oss"):
    job = search_job(replace(studio, optimizer=name))
    while True:
        try:
            next(job)
        except StopIteration as stop:
            return stop.value


@pytest.fixture(scope="module")
def found(studio):
    return Found(studio, searched(studio))


@pytest.mark.parametrize("better", [True, False])
def test_a_finished_search_is_judged_at_once_and_plainly(studio, found, better, monkeypatch):
    monkeypatch.setitem(verdict.NOISES, "points", 64)
    if not better:  # what was found is the start of this one, and Karras what it found
        found = Found(replace(studio, yours=found.schedule), studio.yours)
    *views, (last, kept) = verdict.at_once(found, SOMEONE)
    assert any("Judging on 64 held-out noises" in view for view, _ in views)
    names = ("with its range tuned", "Uniform in log-SNR", "Karras", "the start (")
    assert all(name in last for name in names) and last.count("<tr") == 6
    assert last.count('class="own"') == 1 and "64 noises that no search has seen" in last
    assert kept["won"] is False or better
    assert len(kept["scores"]) == 6 and kept["first_seed"] == 20_000
    assert ("is better than" in last) != kept["won"]
    if not better:
        assert "is better than Karras, resampled, by more than chance" in last


def test_a_kept_start_is_said_to_be_one(studio, found, monkeypatch):
    monkeypatch.setitem(verdict.NOISES, "points", 32)
    start = Schedule(found.schedule.sigmas, Origin("kl_optimal"))
    kept = Found(replace(studio, yours=start), found.schedule)
    *_, (last, record) = verdict.at_once(kept, SOMEONE)
    assert "The search found nothing better than its start." in last
    assert "(the start, which the search kept)" in last and OPTIMIZERS["oss"].label not in last
    assert record["won"] is False and last.count('class="own"') == 1


@pytest.mark.parametrize("change", ["stopped", "none", "nothing found"])
def test_what_was_stopped_is_judged_when_asked(found, change):
    if change == "stopped":
        ((said, kept),) = verdict.at_once(replace(found, complete=False), SOMEONE)
        assert "is not known yet" in said and kept is None
        assert verdict.waits(replace(found, complete=False)) and not verdict.waits(found)
        return
    nothing = None if change == "none" else replace(found, schedule=None)
    assert list(verdict.at_once(nothing, SOMEONE)) == [("", None)]
    assert not verdict.waits(nothing)


def test_the_effort_in_words():
    assert effort(0, 24_576, 0.0) == "Measured already: 0 evaluations."
    assert effort(24_576, 0, 12.4) == "About 24,576 evaluations, 12 s here."
    assert "less than 1 s" in effort(100, 24_576, 0.1)


def test_every_optimizer_says_what_it_minimises():
    assert all(entry.about.endswith(".") for entry in OPTIMIZERS.values())

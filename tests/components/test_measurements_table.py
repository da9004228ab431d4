"""Kept measurements as a table: what they are of, what they cost, and forgetting one."""

from __future__ import annotations

from dataclasses import replace

import gradio as gr
import pytest

from ays_core.denoiser import bind
from ays_core.job import run
from ays_core.library import Library
from ays_core.models import load_model
from ays_core.searching import measure_once
from ays_core.statistics import Statistics
from components import measurements_table
from components.limits import from_environment


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("AYS_HOME", str(tmp_path))


def test_what_was_measured_is_listed_with_its_cost_and_can_be_forgotten():
    assert "Nothing measured yet" in measurements_table.shown()[0]
    guided = bind(load_model("scenes"), ["cat"], 2.0)
    run(measure_once(Library(), bind(load_model("grid")), 24, 16))
    run(measure_once(Library(), guided, 24, 16))
    table, which = measurements_table.shown()
    assert "Little scenes (32×32, exact), cat, guidance 2" in table
    assert table.count("<td>384</td>") == 2  # evaluations: 16 paths up 24 levels
    newest = which.choices[0][1]
    measurements_table.forget_one(newest)
    table, which = measurements_table.shown()
    assert "guidance" not in table and len(which.choices) == 1
    with pytest.raises(gr.Error, match="no such measurement"):
        measurements_table.forget_one(newest)


def test_names_that_hold_markup_are_shown_as_text():
    run(measure_once(Library(), bind(load_model("grid")), 24, 16))
    each = Library().measurements()[0]
    found = replace(Statistics.from_bytes(each.content), key='["<b>x</b>", [], 1.0]')
    assert "&lt;b&gt;x&lt;/b&gt;" in measurements_table.table([(each, found)])


def test_on_a_public_space_they_are_everyones(monkeypatch):
    monkeypatch.setattr(measurements_table, "LIMITS", from_environment({"AYS_PUBLIC": "1"}))
    with pytest.raises(gr.Error, match="everyone"):
        measurements_table.forget_one("a")

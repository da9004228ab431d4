"""What a visitor draws: read from the page, used in the Studio, kept in the draft."""

from __future__ import annotations

from dataclasses import replace

import gradio as gr
import pytest

from ays_core.job import run
from ays_core.models import spec_of
from ays_core.optimizers import OPTIMIZERS
from components import drawing, model_panel
from components.comparison import rows_job
from components.draft import draft_of, restored
from components.optimize_panel import search_job
from components.point_pad import Drawing, PointPad, drawing_of
from components.state import YOURS, first_studio


@pytest.mark.parametrize("name", drawing.EXAMPLES)
def test_an_example_is_used_at_once_and_comes_back_with_the_draft(name):
    drawn, text = drawing.example(name, Drawing(std=0.08))
    assert text == drawing.written(drawn) and drawn.std == 0.08
    assert len(set(drawn.points)) == len(drawn.points)
    studio, tabs = drawing.used(first_studio(), drawn)
    assert tabs.selected == "studio" and studio.instant
    assert spec_of(studio.model).kind == "points" and studio.num_steps == first_studio().num_steps
    again = restored(draft_of(studio))
    assert again.model == studio.model and again.yours.sigmas == studio.yours.sigmas
    assert (studio.spec.label, studio.model) in model_panel.model_choices(studio)
    assert drawing.typed(Drawing(), drawing.written(drawn)).points == drawn.points


def test_rows_run_on_it():
    studio, _ = drawing.used(first_studio(), Drawing(((0.0, 0.5), (1.0, -0.5)), 0.1))
    rows = run(rows_job(studio))
    assert {row.state for row in rows.rows} == {"done"} and "reference" in rows.finding
    errors = {row.key: row.cell.metrics["rmse"] for row in rows.rows if row.cell is not None}
    assert errors["karras*"] < errors[YOURS]  # yours are Karras' levels, over the whole range


FEW = {  # instead of hundreds of trials and thousands of draws
    "direct": (("budget", 20), ("num", 16)),
    "ays_mc": (("draws", 128), ("sweeps", 2), ("num", 16)),
}


@pytest.mark.slow
@pytest.mark.parametrize("method", OPTIMIZERS)
def test_every_optimizer_runs_on_it(method):
    drawn, _ = drawing.example("Two moons", Drawing())
    studio, _ = drawing.used(first_studio(), drawn)
    studio = replace(studio, optimizer=method, params=FEW.get(method, ()))
    found = run(search_job(studio))
    assert found.origin.params["model"] == studio.model and found.num_steps == studio.num_steps
    assert found.sigmas != studio.yours.sigmas


@pytest.mark.parametrize(
    "payload",
    [
        3,
        {},
        {"points": "all"},
        {"points": [[0]]},
        {"points": [[0, 0, 0]]},
        {"points": [["a", 0]]},
        {"points": [[None, 0]]},
        {"points": [[9, 0]]},
        {"points": [[0, float("nan")]]},
        {"points": [[0, 0]], "std": 0},
        {"points": [[0, 0]], "std": "wide"},
        {"points": [[0, 0]] * 300},
    ],
)
def test_nonsense_from_a_client_is_refused(payload):
    with pytest.raises(ValueError, match=r"\w \w"):
        drawing_of(payload)
    with pytest.raises(gr.Error):
        PointPad().preprocess(payload)


def test_an_empty_drawing_is_no_distribution():
    assert PointPad().preprocess(None) == Drawing()
    with pytest.raises(gr.Error, match="0 points"):
        drawing.used(first_studio(), Drawing())
    with pytest.raises(gr.Error, match="no number"):
        drawing.typed(Drawing(), "a, b")

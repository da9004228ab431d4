"""Figures on their way to the page."""

from __future__ import annotations

import json

import gradio as gr
import numpy as np
import plotly.graph_objects as go
import pytest

from components.plotly_view import PlotlyView


@pytest.fixture
def view() -> PlotlyView:
    with gr.Blocks():
        return PlotlyView()


def test_a_figure_of_plotly_becomes_json_without_its_own_theme(view):
    figure = go.Figure(go.Scatter(x=np.arange(3), y=[3, 1, 2]), {"title": {"text": "Errors"}})
    assert figure.layout.template.layout.to_plotly_json()
    sent = json.loads(json.dumps(view.postprocess(figure)))
    assert sent["data"][0]["y"] == [3, 1, 2]
    assert sent["layout"] == {"title": {"text": "Errors"}}
    assert figure.layout.template.layout.to_plotly_json(), "the caller's figure is as it was"


@pytest.mark.parametrize("value", [None, {"data": [], "layout": {}}])
def test_json_and_nothing_pass_as_they_are(view, value):
    assert view.postprocess(value) == value
    assert view.preprocess(value) is None

"""Toasts show words, whatever the words are."""

import gradio as gr
import pytest

from components.words import refusal, tell, warn

HOSTILE = '<img src="http://example.org/x.png"> & "more"'
SAFE = '&lt;img src="http://example.org/x.png"&gt; &amp; "more"'


def test_a_refusal_is_escaped():
    error = refusal(ValueError(HOSTILE))
    assert isinstance(error, gr.Error) and error.message == SAFE


@pytest.mark.parametrize(("said", "shown"), [(warn, "Warning"), (tell, "Info")])
def test_a_warning_is_escaped(monkeypatch, said, shown):
    toasts = []
    monkeypatch.setattr(gr, shown, toasts.append)
    said(HOSTILE)
    assert toasts == [SAFE]

"""Pictures of a folder as what a search learns from, chosen in the page."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from ays_core.job import run
from ays_core.models import held
from ays_core.models.pipelines import adapt
from ays_core.optimizers import OPTIMIZERS
from ays_core.searching import measurement_key
from components import data_field, optimize_panel, price_panel, search_view
from components.limits import Limits
from components.state import PROMPT, first_studio, with_model
from tests.core import tiny_pipelines as tiny


@pytest.fixture
def studio():
    """A tiny pixel network in memory, and a Studio that has chosen it."""
    model = held.hold(adapt(tiny.make("ddpm"), "tiny/ddpm", size=tiny.SIZES.get("ddpm")))
    yield with_model(first_studio(), model.spec.key)
    held.release()


@pytest.fixture
def folder(tmp_path):
    for i in range(3):
        pixels = np.full((24, 24, 3), 60 * i, dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{i}.png")
    return tmp_path


def test_pictures_are_learnt_from_and_the_result_says_so(studio, folder):
    changed, said = data_field.learnt_from(studio, f"  {folder} ")
    assert changed.pictures == str(folder) and said == "<p>3 pictures.</p>"
    small = (("levels", 24), ("paths", 16))
    searching = replace(changed, optimizer="ays_density", params=small)
    found = run(optimize_panel.search_job(searching))
    assert found.origin.params["data"] == f"3 pictures of {folder.name}"
    assert search_view.outcome(found) == f"Learnt from 3 pictures of {folder.name}."
    bound = run(changed.bound_to_data())
    assert float(bound.data(3, 0)[0].max()) == -1  # the first one is black
    assert run(studio.bound_to_data()).data_origin.startswith("samples of the model itself")


def test_other_pictures_are_another_measurement(studio, folder):
    pictures = replace(studio, pictures=str(folder))
    keys = {measurement_key(run(one.bound_to_data())) for one in (studio, pictures)}
    Image.fromarray(np.full((24, 24, 3), 200, dtype=np.uint8)).save(folder / "1.png")
    keys.add(measurement_key(run(pictures.bound_to_data())))
    assert len(keys) == 3
    assert price_panel.measured_of(studio) != price_panel.measured_of(pictures)


@pytest.mark.parametrize("wrong", ["no/such/folder", "empty"])
def test_what_cannot_be_learnt_from_is_said_and_changes_nothing(studio, tmp_path, wrong):
    same, said = data_field.learnt_from(studio, str(tmp_path) if wrong == "empty" else wrong)
    assert same is studio and said.startswith("<p><b>Not used.</b> ")


def test_an_empty_field_goes_back_to_the_models_own_samples(studio, folder):
    changed, _ = data_field.learnt_from(studio, str(folder))
    assert data_field.learnt_from(changed, "")[0].pictures == ""
    assert with_model(changed, "scenes").pictures == ""


def test_only_a_network_on_ones_own_machine_is_offered_pictures(studio, folder, monkeypatch):
    assert data_field.offered(studio).visible
    assert not data_field.offered(first_studio()).visible
    monkeypatch.setattr(data_field, "LIMITS", Limits(public=True))
    assert not data_field.offered(studio).visible
    assert data_field.learnt_from(studio, str(folder)) == (studio, "")


def test_what_a_network_draws_for_itself_is_in_the_estimate(studio, folder):
    searching = replace(studio, optimizer="ays_density", params=(("levels", 24), ("paths", 16)))
    assert "About 1,184 evaluations" in optimize_panel.cost(searching)  # 24 x 16 + 50 x 16
    told = optimize_panel.cost(replace(searching, pictures=str(folder)))
    assert "About 384 evaluations" in told
    searching = replace(studio, optimizer="score_optimal", params=(("batch", 16),))
    assert "About 4,000 evaluations" in optimize_panel.cost(searching)  # 100 x 2 x 16 + 50 x 16


def test_an_estimate_reads_no_prompt(monkeypatch):
    def refuse(*_):
        raise AssertionError("an estimate asked the text encoder")

    model = held.hold(adapt(tiny.make("stable_diffusion"), "tiny/sd"))
    monkeypatch.setattr(type(model), "encode", refuse)
    try:
        studio = with_model(first_studio(), model.spec.key)
        assert studio.conditions == (PROMPT,) and studio.unread().conditions == (PROMPT,)
        for key in OPTIMIZERS:
            assert " evaluations, " in optimize_panel.cost(replace(studio, optimizer=key))
    finally:
        held.release()

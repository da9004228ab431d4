"""A loaded model in the page: what is offered, stale rows, Generate, loading and its limits."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from ays_core.grid import Grid, run_grid
from ays_core.grid.work import Kept, keep
from ays_core.job import run
from ays_core.models import held
from ays_core.models.checkpoints import find
from ays_core.models.pipelines import adapt
from ays_core.sampling import start_noise
from ays_core.schedule import Schedule
from ays_core.schedules import SCHEDULES
from components import comparison, grids, loading_panel, model_panel, rows_panel
from components.choices import chosen_schedule, fits, menu, misfits, shown_keys
from components.draft import draft_of, restored
from components.jobs import Turn
from components.limits import Limits, from_environment
from components.state import (
    chosen_keys,
    first_studio,
    with_choices,
    with_model,
    with_words,
    with_yours,
)
from tests.core import tiny_pipelines as tiny

SOMEONE = SimpleNamespace(session_hash="someone")
PUBLISHED = ("ays_sd15", "ays_sdxl", "ays_svd", "ays_if", "oss_flux", "oss_wan")


@pytest.fixture
def load():
    """A tiny pipeline in memory, and a Studio that has chosen it."""

    def loaded(name: str, **config: Any):
        pipe = tiny.make(name)
        if config:
            pipe.unet.register_to_config(**config)
        model = held.hold(adapt(pipe, f"tiny/{name}", size=tiny.SIZES.get(name)))
        return with_model(first_studio(), model.spec.key)

    yield loaded
    held.release()


def last(views) -> Any:
    *_, view = views
    return view


# What is offered


@pytest.mark.parametrize(
    ("name", "config", "own"),
    [
        ("stable_diffusion", {"cross_attention_dim": 768}, "ays_sd15"),
        ("stable_diffusion", {}, ""),
        ("stable_diffusion_xl", {}, "ays_sdxl"),
        ("stable_diffusion_3", {}, ""),
        ("flux", {}, "oss_flux"),
        ("wan", {}, "oss_wan"),
        ("ddpm", {}, ""),
    ],
)
def test_published_tables_are_offered_where_they_belong(name, config, own, load):
    studio = load(name, **config)
    offered = {key for _, key in menu(studio)}
    assert [key for key in PUBLISHED if key in offered] == ([own] if own else [])
    assert not [key for key in offered if key.endswith("*") or "scenes" in key]
    if own:
        assert own in chosen_keys(studio), "and it is among the rows"
        row = chosen_schedule(studio, own)
        steps = SCHEDULES[own].made_for.steps
        assert f"made for {steps} steps, resampled to 6" in misfits(studio, row)
        at_home = replace(studio, yours=studio.yours.with_steps(steps))
        assert "steps" not in misfits(at_home, chosen_schedule(at_home, own))


def test_elsewhere_a_published_table_comes_with_a_warning():
    studio = first_studio()
    assert fits("ays_sd15", studio)
    said = misfits(studio, chosen_schedule(studio, "ays_sd15"))
    assert "made for Stable Diffusion 1.5, not for Little scenes" in said
    assert misfits(studio, chosen_schedule(studio, "karras")) == ""


def test_what_does_not_fit_waits_unseen_and_comes_back(load):
    studio = with_choices(load("ddpm"), ["karras*", "kl_optimal", "oss_scenes_euler_6"])
    assert shown_keys(studio) == ["kl_optimal"]
    studio = rows_panel.chosen(studio, ["kl_optimal", "log_snr"])
    back = with_model(studio, "scenes")
    assert shown_keys(back) == ["kl_optimal", "log_snr", "karras*", "oss_scenes_euler_6"]


@pytest.mark.parametrize(
    ("name", "origin"), [("stable_diffusion_3", "linear_t"), ("ddpm", "karras")]
)
def test_a_loaded_model_begins_with_a_curve_of_its_own_range(name, origin, load):
    studio = load(name)
    assert studio.yours.origin.method == origin
    assert studio.yours.sigmas[0] == studio.spec.sigma_max


def test_prompts_are_one_a_line_and_guidance_needs_one(load):
    studio = load("stable_diffusion")
    assert studio.conditions and studio.guidance == 7.5, "the pipeline's own"
    studio = model_panel.worded(studio, "a cat\n\n a dog ", "green")
    assert studio.conditions == ("a cat", "a dog")
    assert studio.bound().conditions == ("a cat", "a dog") and studio.bound().away_from == "green"
    without = with_words(studio, "", "green").bound()
    assert without.guidance == 1 and without.cond is None and without.away_from == ""
    shown, prompt, negative = model_panel.words_of(studio)
    assert shown.visible and (prompt, negative) == (studio.condition, "green")
    assert not model_panel.words_of(first_studio())[0].visible


def test_a_draft_of_a_loaded_model_comes_back_while_it_is_there(load):
    studio = model_panel.worded(load("stable_diffusion"), "a cat\na dog", "green")
    back = restored(draft_of(studio))
    assert (back.model, back.conditions, back.negative) == (
        studio.model,
        studio.conditions,
        "green",
    )
    held.release()
    assert restored(draft_of(studio)) == first_studio()


# Rows that wait for Generate


def test_rows_of_a_loaded_model_are_stale_until_generate_is_asked_for(load, monkeypatch):
    studio = with_choices(load("ddpm"), ["karras", "kl_optimal"])
    studio = with_yours(studio, (100.0, 10.0, 1.0, 0.0))
    view = last(rows_panel.show(studio, SOMEONE))
    assert [row.state for row in view.rows] == ["stale"] * 4 and view.model == studio.model
    _, button = rows_panel.offer(studio)
    assert button.interactive and "79 + 9 calls for 4 pictures" in button.value
    done = last(rows_panel.generated(studio, SOMEONE))
    assert [row.state for row in done.rows] == ["done"] * 4 and done.finding
    assert all(row.strip and row.strip.count == 4 for row in done.rows)
    _, button = rows_panel.offer(studio)
    assert not button.interactive
    moved = with_yours(studio, (100.0, 9.0, 1.0, 0.0))
    assert [r.state for r in last(rows_panel.show(moved, SOMEONE)).rows] == [
        "done",
        "stale",
        "done",
        "done",
    ]
    assert "Generate: 3 calls" in rows_panel.offer(moved)[1].value, "only what has changed"


def test_a_model_loaded_again_is_computed_again(load):
    """Its size or its weights may be others."""
    studio = load("ddpm")
    last(rows_panel.generated(studio, SOMEONE))
    assert comparison.known_rows(studio).complete
    assert load("ddpm") == studio and comparison.known_rows(studio).num_done == 0


def test_embedded_models_have_no_generate_button():
    assert not rows_panel.offer(first_studio())[0].visible


def test_a_stopped_computation_keeps_what_it_has_and_holds_nothing(load):
    studio = load("ddpm", norm_eps=1e-5)
    studio = replace(studio, seed=12_345)
    views = rows_panel.generated(studio, SOMEONE)
    next(views)
    rows_panel.halt(SOMEONE)
    view = last(views)
    assert view.progress is None and {row.state for row in view.rows} == {"stale"}
    from components import jobs

    assert jobs._line == []


def test_work_in_parts_goes_on_where_the_last_part_ended(load, monkeypatch):
    """As on a machine that lends its GPU for less time than all rows take."""
    studio = replace(with_choices(load("ddpm"), ["karras", "kl_optimal"]), seed=11_111)
    monkeypatch.setattr(rows_panel, "LEASE", rows_panel.STARTING)  # every part ends after a row
    parts, make = [], comparison.part_job

    def counted(part):
        parts.append(part.view.num_done)
        return make(part)

    monkeypatch.setattr(rows_panel, "part_job", counted)
    rows = run(rows_panel.whole_job(studio, Turn.take("someone", "rows")))
    assert rows.complete and parts == list(range(len(rows.rows) + 1))
    assert rows.rows[0].cell.metrics == comparison.known_rows(studio).rows[0].cell.metrics


def test_a_reference_run_longer_than_the_limit_is_gone_on_with(load, monkeypatch):
    studio = replace(with_choices(load("ddpm"), ["karras"]), seed=14_141)
    whole = run(comparison.reference_run(studio.bound(), start_noise(studio.spec, 4, 14_141)))
    calls, model = [], held.current()
    network = model.network
    monkeypatch.setattr(model, "network", lambda *args: calls.append(1) or network(*args))
    job = comparison.rows_job(studio)
    while len(calls) < 30:
        next(job)
    job.close()  # as at the limit
    before, (left, _) = len(calls), comparison.calls_of(studio)
    assert 0 < left < 79
    rows = run(comparison.rows_job(studio))
    reference = rows.reference.samples
    assert float((reference - whole.samples).norm() / whole.samples.norm()) < 1e-4
    assert len(calls) - before <= left + 4 * 6 * 2, "what was run is not run again"
    assert rows.reference.nfe == 79 and rows.reference.ran == whole.ran
    assert rows.reference.pictures.shape[0] == 4, "decoded where the network is"


def test_a_grid_goes_on_with_the_reference_run_of_another_process(load, monkeypatch):
    studio, calls, model = load("ddpm"), [], held.current()
    plan = Grid.from_json(grids.row_plan(replace(studio, seed=15_151), "Yours", studio.yours))
    network = model.network
    monkeypatch.setattr(model, "network", lambda *args: calls.append(1) or network(*args))
    job = run_grid(studio.bound(), plan, Kept())  # what is kept there is lost
    while len(calls) < 30:
        there = next(job).snapshot
    job.close()
    before, here = len(calls), Kept()
    keep(there, here)
    result = run(run_grid(studio.bound(), plan, here))
    assert len(calls) - before < 79 - 20 + 6
    whole = run(run_grid(studio.bound(), plan))
    samples = [made.references[15_151].samples for made in (result, whole)]
    assert float((samples[0] - samples[1]).norm() / samples[1].norm()) < 1e-4


def test_a_model_that_was_freed_is_said_to_be(load):
    studio = load("ddpm")
    held.release()
    assert studio.spec.label == "ddpm", "what was chosen can still be shown"
    with pytest.raises(gr.Error, match="no longer in memory: load it again"):
        last(rows_panel.generated(replace(studio, seed=13_131), SOMEONE))


# Loading


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("models") / "tiny"
    tiny.make("ddpm").save_pretrained(path)
    return str(path)


@pytest.fixture(autouse=True)
def empty_cache(tmp_path, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))


def test_look_then_load_then_it_is_the_model(folder, load):
    found, facts, button = loading_panel.looked(f" {folder} ", None)
    assert button.interactive and button.value == "Load"
    for words in ("DDPMPipeline", "sigma 0.01 to 157.4", "eps", "all here", "not stated"):
        assert words in facts
    states = list(loading_panel.loaded(found, 0, SOMEONE))
    assert "Reading the weights" in "".join(words for words, _ in states)
    assert "tiny is loaded: cpu, float32" in states[-1][0] and states[-1][1] == folder
    studio = loading_panel.as_model(first_studio(), states[-1][1])
    assert studio.model == folder and studio.spec.prediction == "eps"
    assert (studio.spec.label, folder) in model_panel.model_choices(studio)
    assert "tiny on cpu" in model_panel.capability(studio)


def test_loading_that_is_stopped_changes_nothing(folder, load):
    found, *_ = loading_panel.looked(folder, None)
    states = loading_panel.loaded(found, 0, SOMEONE)
    next(states)
    loading_panel.halt(SOMEONE)
    words, name = last(states)
    assert "Stopped" in words and name == "" and held.current() is None
    assert loading_panel.as_model(first_studio(), name) == first_studio()


def test_what_cannot_be_loaded_is_a_sentence(tmp_path):
    for source, words in (("", "neither a folder"), (str(tmp_path), "no model_index")):
        with pytest.raises(gr.Error, match=words):
            loading_panel.looked(source, "")
    with pytest.raises(gr.Error, match="Look at a model first"):
        list(loading_panel.loaded(None, 0, SOMEONE))
    with pytest.raises(gr.Error, match="nobody/nothing is not in the cache"):
        loading_panel.removed("nobody/nothing")


def test_a_single_file_is_asked_for_its_configs():
    assert loading_panel.wants_config("/models/sd.safetensors ").visible
    assert not loading_panel.wants_config("owner/name").visible


def test_a_public_space_offers_its_list_and_says_so(folder, monkeypatch):
    limits = from_environment({"SPACE_ID": "x/y", "AYS_MODELS": "owner/small, owner/other"})
    assert limits.allowed == ("owner/small", "owner/other")
    assert limits.checked_source(" owner/small") == "owner/small"
    monkeypatch.setattr(loading_panel, "LIMITS", limits)
    for source in (folder, "stranger/model", "/etc"):
        with pytest.raises(gr.Error, match="it offers: owner/small, owner/other"):
            loading_panel.looked(source, "")
    with pytest.raises(gr.Error, match="this Space does not load"):
        list(loading_panel.loaded(find(folder), 0, SOMEONE))
    with pytest.raises(gr.Error, match="Nothing is removed on a public Space"):
        loading_panel.removed("owner/small")
    with gr.Blocks():
        panel = loading_panel.build()
    assert isinstance(panel.source, gr.Dropdown)
    assert [value for _, value in panel.source.choices] == list(limits.allowed)
    nothing = from_environment({"SPACE_ID": "x/y"})
    with pytest.raises(ValueError, match="it offers: none"):
        nothing.checked_source("owner/small")
    assert Limits().checked_source(folder) == folder, "one's own machine loads anything"


def test_levels_of_another_model_are_refused_in_words(load):
    studio = load("stable_diffusion")
    above = replace(studio, yours=Schedule((80.0, 1.0, 0.0)))
    view = last(rows_panel.generated(replace(above, seed=14_141), SOMEONE))
    assert (
        view.rows[1].state == "failed"
        and "above stable_diffusion's sigma_max" in view.rows[1].message
    )


# The Compare tab


def test_a_grid_of_a_loaded_model_has_its_words_and_is_computed_anew_when_loaded_again(load):
    studio = model_panel.worded(load("stable_diffusion"), "a cat\na dog", "green")
    asked = grids.Asked(["yours", "karras"], ["euler"], [3], 1, 2, "schedule", "seed", False)
    plan = grids.plan(studio, asked)
    assert (plan.conditions, plan.guidance, plan.negative) == (("a cat", "a dog"), 7.5, "green")
    assert Grid.from_json(plan.to_json()) == plan and "not green" in plan.settings()
    assert not grids.spec_behind(plan).exact, "so it waits in line"
    first = run(grids.grid_job(plan))
    shown = grids.shown(grids.Plan(plan, studio), first, None, "", 1)
    assert {cell.state for cell in shown.cells} == {"done"}
    again = run(grids.grid_job(plan))
    assert again.references[studio.seed] is first.references[studio.seed]
    load("stable_diffusion")
    anew = run(grids.grid_job(plan))
    assert anew.references[studio.seed] is not first.references[studio.seed]
    without = run(grids.grid_job(replace(plan, negative="")))
    difference = without.references[studio.seed].samples - anew.references[studio.seed].samples
    assert float(difference.abs().max()) > 1e-4
    held.release()
    with pytest.raises(ValueError, match="no longer in memory"):
        run(grids.grid_job(plan))
    assert grids.spec_behind((first, 3)) == studio.spec

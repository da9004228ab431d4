"""Saving, using and undoing, in the library's file and in a visitor's browser alike."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import pytest

from ays_core.library import Library, Saved
from ays_core.schedule import Origin, Schedule
from components import library_panel, shelf
from components.comparison import known_rows
from components.library_panel import Desk
from components.rows_panel import row_of
from components.saved_table import Table, sparkline, table
from components.shelf import BrowserShelf, open_shelf
from components.state import first_studio, with_model, with_row

STUDIO = with_model(first_studio(), "checkerboard")
FOUND = Schedule(
    (20.0, 2.0, 0.1, 0.0),
    Origin("oss", {"solver": "heun", "model": "grid", "curve": [1.0, 0.5]}, "paper", "karras"),
)


@pytest.fixture(params=["file", "browser"])
def public(request, tmp_path: Path, monkeypatch) -> bool:
    monkeypatch.setenv("AYS_HOME", str(tmp_path / "home"))
    public = request.param == "browser"
    monkeypatch.setattr(library_panel, "open_shelf", lambda kept: open_shelf(kept, public))
    return public


def stored(kept):
    """What a browser gives back: JSON."""
    return json.loads(json.dumps(kept))


def save(kept, desk, name, schedule=FOUND):
    kept, desk = library_panel.save_yours(kept, desk, replace(STUDIO, yours=schedule), name)
    return stored(kept), desk


def names(kept) -> list[str]:
    return [saved.name for saved in library_panel.shown(kept, Desk())[0].saved]


def test_save_rename_delete_undo(public, tmp_path):
    kept, desk = save(None, Desk(), "one")
    first = desk.chosen
    kept, desk = save(kept, desk, "two")
    assert names(kept) == ["two", "one"]
    kept, desk = library_panel.rename_chosen(stored(kept), desk, " three ")
    kept, desk = library_panel.delete_chosen(stored(kept), replace(desk, chosen=first))
    assert names(stored(kept)) == ["three"]
    assert desk == Desk(chosen=0, deleted=first)
    assert library_panel.shown(stored(kept), desk)[2].interactive
    kept, desk = library_panel.undo_delete(stored(kept), desk)
    assert names(stored(kept)) == ["three", "one"]
    assert desk == Desk(chosen=first)
    kept, desk = save(kept, desk, "four")
    assert desk.chosen > first + 1
    assert (kept is not None) == public
    assert (tmp_path / "home").exists() == (not public)  # a visitor leaves nothing here


def test_a_saved_result_comes_back_with_its_record(public):
    kept, desk = save(None, Desk(), "mine")
    saved = library_panel.taken(replace(STUDIO, model="grid", solver="heun"), kept, desk)
    assert saved.schedule == FOUND
    assert saved.schedule.origin == FOUND.origin
    assert saved.record["solver"] == STUDIO.solver and saved.record["versions"]["torch"]


def test_without_a_name_it_is_saved_under_where_it_comes_from(public):
    kept, _ = save(None, Desk(), "  ")
    assert names(kept)[0].startswith("Yours: ")


def test_use_and_compare(public, monkeypatch):
    said = []
    monkeypatch.setattr(gr, "Info", said.append)
    kept, desk = save(None, Desk(), "mine")
    studio, tabs = library_panel.as_start(STUDIO, kept, desk)
    assert studio.yours == FOUND and tabs.selected == "studio"
    assert said == ["Found for model grid, solver heun: elsewhere it may do badly."]
    studio, _ = library_panel.as_row(STUDIO, kept, desk)
    assert studio.choices[0].key == "mine" and dict(studio.kept)["mine"] == FOUND
    again, _ = library_panel.as_row(studio, kept, desk)
    assert again == studio


SEARCHED = {
    "solver": "heun", "order": 2, "model": "grid", "conditions": [], "guidance": 1.0, "steps": 3,
    "sigma_max": 20.0, "sigma_min": 0.1, "final_zero": True, "evaluations": 9,
}  # fmt: skip


def test_what_a_searched_schedule_was_found_for_is_said_of_its_row_too(public, monkeypatch):
    """Even where its row has other steps than the search had."""
    said = []
    monkeypatch.setattr(gr, "Info", said.append)
    found = Schedule(FOUND.sigmas, Origin("oss", SEARCHED))
    kept, desk = save(None, Desk(), "mine", found)
    studio, _ = library_panel.as_row(STUDIO, kept, desk)
    assert said == ["Found for model grid, solver heun (order 2): elsewhere it may do badly."]
    at_home = replace(with_model(STUDIO, "grid"), solver="heun")
    assert library_panel.searched_for(at_home, found, found) == ""
    assert studio.num_steps == 6
    row = next(row for row in known_rows(studio).rows if row.key == "mine")
    note = row_of(known_rows(studio), row).note
    assert note.endswith(", found for model grid, solver heun (order 2), 3 steps")


def test_export_and_import_are_inverse(public):
    kept, desk = save(None, Desk(), "mine")
    text = library_panel.chosen(kept, desk, SimpleNamespace(_data={"id": desk.chosen}))[1]
    kept, desk = library_panel.import_text(kept, desk, text.encode())
    assert names(stored(kept)) == ["mine", "mine"]
    again = library_panel.taken(STUDIO, stored(kept), desk)
    assert again.schedule.origin == FOUND.origin and again.record["model"] == STUDIO.model


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe\x00", b'{"sigmas": [1, 2]}', b"x" * 2_000_000, b"3, 2, nan"]
)
def test_a_file_that_is_no_schedule_is_refused_in_words(public, content):
    with pytest.raises(gr.Error) as refused:
        library_panel.import_text(None, Desk(), content)
    assert len(refused.value.message) > 15


def test_nothing_chosen_is_refused_in_words(public):
    for act in (library_panel.delete_chosen, library_panel.undo_delete):
        with pytest.raises(gr.Error):
            act(None, Desk())
    with pytest.raises(gr.Error, match="choose a schedule"):
        library_panel.as_start(STUDIO, None, Desk())
    assert library_panel.shown(None, Desk())[1] == ""


def test_a_schedule_above_the_model_is_refused(public):
    kept, desk = save(None, Desk(), "high", Schedule((9999.0, 1.0)))
    with pytest.raises(gr.Error, match="sigma_max"):
        library_panel.as_start(STUDIO, kept, desk)


# The browser's shelf: what it holds may have been written by anyone


@pytest.mark.parametrize(
    "kept",
    [
        None,
        7,
        [],
        {},
        {"saved": 3},
        {"version": 1, "saved": [None, 1, ["x", "y"], [1], [1, "{"], [float("inf"), "3, 2"]]},
        {"version": 1, "saved": [[1, json.dumps({"sigmas": [2, 1], "name": "x" * 99})]]},
    ],
)
def test_content_that_makes_no_sense_is_left_out(kept):
    assert BrowserShelf(kept).schedules() == []


def test_another_version_is_refused_and_left_alone():
    with pytest.raises(ValueError, match="another version"):
        BrowserShelf({"version": 2, "saved": []})


def test_a_browser_keeps_so_much(monkeypatch):
    kept = BrowserShelf(None)
    monkeypatch.setattr(shelf, "MAX_SCHEDULES", 1)
    kept.save(FOUND, "a")
    with pytest.raises(ValueError, match="delete some first"):
        kept.save(FOUND, "b")
    monkeypatch.setattr(shelf, "MAX_SCHEDULES", 9)
    monkeypatch.setattr(shelf, "MAX_CONTENT", 1000)
    with pytest.raises(ValueError, match="delete some first"):
        kept.save(FOUND, "b", {"text": "x" * 900})


def test_a_public_space_uses_the_browser():
    assert isinstance(open_shelf(None, public=True), BrowserShelf)
    assert isinstance(open_shelf(None, public=False), Library)


# The table


def test_the_table_escapes_what_it_shows():
    evil = "<img src=x onerror=alert(1)>"
    record = {"model": evil, "solver": evil, "error": 0.1234}
    text = table(Table((Saved(evil, Schedule((2.0, 1.0), Origin(evil)), record, 1e9, 5),), 5))
    assert "<img" not in text and text.count("&lt;img") == 4
    assert 'value="5" checked' in text and "0.123" in text and "2001-09-09" in text


def test_a_table_of_odd_records():
    record = {"error": "x", "model": ["a"], "solver": None}
    text = table(Table((Saved("a", Schedule((2.0, 0.0)), record),)))
    assert text.count("<td>–</td>") == 3


@pytest.mark.parametrize("sigmas", [(2.0, 0.0), (2.0, 1.0), tuple(range(200, 0, -1))])
def test_a_sparkline_stays_in_its_frame(sigmas):
    points = sparkline(Schedule(sigmas)).split('points="')[1].split('"')[0].split()
    xy = [tuple(map(float, point.split(","))) for point in points]
    assert all(0 <= x <= 96 and 0 <= y <= 26 for x, y in xy)
    assert len(xy) == len([sigma for sigma in sigmas if sigma])


# Rows with a name of their own


def test_a_row_never_takes_the_name_of_another():
    studio = with_row(STUDIO, "karras", FOUND)
    assert studio.choices[0].key == "karras 2"
    studio = with_row(with_row(studio, "yours", FOUND), "karras 2", Schedule((3.0, 1.0)))
    assert [choice.key for choice in studio.choices[:3]] == ["karras 2 2", "yours 2", "karras 2"]

"""Library: saved schedules, and what can be done with them."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr

from ays_core.library import MAX_CONTENT, MAX_NAME, Library, Saved
from components import measurements_table
from components.choices import searched_for, yours_name
from components.comparison import error_of
from components.events import PRIVATE
from components.limits import LIMITS
from components.saved_table import SavedTable, Table
from components.shelf import (
    SECRET,
    STORAGE_KEY,
    BrowserShelf,
    kept_by_browser,
    open_shelf,
)
from components.state import Studio, with_row
from components.words import refusal, tell

VERSIONS = ("torch", "diffusers")  # a solver's numbers may depend on them
WHERE = {
    True: "What you save stays in this browser; other visitors never see it.",
    False: "Saved in one file on this machine, for everyone who uses this app.",
}


@dataclass(frozen=True)
class Desk:
    """What one visitor has in hand: the chosen row, and the last deletion to undo; 0 is none."""

    chosen: int = 0
    deleted: int = 0


@dataclass(frozen=True)
class LibraryPanel:
    """The events that gave the Studio a saved schedule, and what a handler that saves reads."""

    taken: list[Any]
    inputs: list[Any]


def build(studio: gr.State, tab: gr.Tab, tabs: gr.Tabs) -> LibraryPanel:
    kept = gr.BrowserState(None, storage_key=STORAGE_KEY, secret=SECRET)
    desk = gr.State(Desk())
    gr.Markdown(WHERE[LIMITS.public], elem_id="library-where")
    with gr.Row():
        name = gr.Textbox(
            label="Name",
            placeholder="of the edited curve, to save; of the chosen schedule, to rename",
            max_length=MAX_NAME,
            elem_id="library-name",
            scale=4,
        )
        save = gr.Button("Save the edited curve", variant="primary", elem_id="library-save")
        rename = gr.Button("Rename the chosen", elem_id="library-rename")
    table = SavedTable(None, elem_id="library-table")
    with gr.Row():
        use = gr.Button("Use as start", elem_id="library-use")
        compare = gr.Button("Add as a row", elem_id="library-compare")
        delete = gr.Button("Delete", elem_id="library-delete")
        undo = gr.Button("Undo delete", interactive=False, elem_id="library-undo")
        bring = gr.UploadButton(
            "Import JSON", file_types=[".json", ".txt", ".csv"], type="binary", elem_id="import"
        )
    with gr.Accordion("The chosen schedule as JSON", open=False, elem_id="library-export"):
        exported = gr.Code(label="JSON", language="json", buttons=["copy", "download"])

    measurements_table.build(tab)

    hand = [kept, desk]
    tab.select(shown, hand, [table, exported, undo], **PRIVATE)
    table.select(chosen, hand, [desk, exported], **PRIVATE)
    for event, act, inputs in (
        (save.click, save_yours, [studio, name]),
        (rename.click, rename_chosen, [name]),
        (delete.click, delete_chosen, []),
        (undo.click, undo_delete, []),
        (bring.upload, import_text, [bring]),
    ):
        acted = event(act, [*hand, *inputs], hand, **PRIVATE)
        acted.success(shown, hand, [table, exported, undo], **PRIVATE)
    taken = [
        button.click(act, [studio, *hand], [studio, tabs], **PRIVATE)
        for button, act in ((use, as_start), (compare, as_row))
    ]
    return LibraryPanel(taken, hand)


def on_shelf(act: Callable[..., Desk]) -> Callable[..., tuple[Any, Desk]]:
    """A handler (kept, desk, ...) -> (kept, desk) from act(shelf, desk, ...) -> desk."""

    def handler(kept: Any, desk: Desk, *inputs: Any) -> tuple[Any, Desk]:
        try:
            shelf = open_shelf(kept)
            desk = act(shelf, desk, *inputs)
        except ValueError as refused:
            raise refusal(refused) from None
        return kept_by_browser(shelf), desk

    return handler


@on_shelf
def save_yours(shelf: Library | BrowserShelf, desk: Desk, studio: Studio, name: str) -> Desk:
    """Keep the edited curve with all that is known of it; without a name, by where it is from."""
    name = (name or "").strip() or yours_name(studio)[:MAX_NAME]
    return replace(desk, chosen=shelf.save(studio.yours, name, record_of(studio)))


@on_shelf
def save_result(
    shelf: Library | BrowserShelf, desk: Desk, found: Any, verdict: dict[str, Any] | None
) -> Desk:
    """Keep what a search found: its schedule holds the whole record of the search, and what the
    judge said of it goes with it."""
    if found is None or found.schedule is None:
        raise ValueError("there is no result to save yet")
    studio = replace(found.studio, yours=found.schedule)
    record = record_of(studio) | ({"verdict": verdict} if verdict else {})
    tell("Saved in the library.")
    return replace(desk, chosen=shelf.save(studio.yours, yours_name(studio)[:MAX_NAME], record))


@on_shelf
def rename_chosen(shelf: Library | BrowserShelf, desk: Desk, name: str) -> Desk:
    shelf.rename(picked(desk), name)
    return desk


@on_shelf
def delete_chosen(shelf: Library | BrowserShelf, desk: Desk) -> Desk:
    shelf.delete(picked(desk))
    return Desk(deleted=desk.chosen)


@on_shelf
def undo_delete(shelf: Library | BrowserShelf, desk: Desk) -> Desk:
    shelf.restore(desk.deleted)
    return Desk(chosen=desk.deleted)


@on_shelf
def import_text(shelf: Library | BrowserShelf, desk: Desk, content: bytes) -> Desk:
    """A file of ours comes back with its record; any other list of levels as a pasted one."""
    if len(content) > MAX_CONTENT:
        raise ValueError(f"a file of {len(content):,} bytes; at most {MAX_CONTENT:,}")
    saved = Saved.from_json(content.decode("utf-8-sig", errors="replace"))
    LIMITS.checked_levels(saved.schedule.sigmas)
    return replace(desk, chosen=shelf.save(saved.schedule, saved.name, saved.record))


def chosen(kept: Any, desk: Desk, event: gr.EventData) -> tuple[Desk, str]:
    """A row was chosen: it is the one that the buttons mean."""
    desk = replace(desk, chosen=int(event._data["id"]))
    return desk, as_json(kept, desk)


def shown(kept: Any, desk: Desk) -> tuple[Table, str, gr.Button]:
    """The table as it is now, the chosen one as JSON, and whether there is something to undo."""
    try:
        saved = tuple(open_shelf(kept).schedules())
    except ValueError as refused:
        raise refusal(refused) from None
    return Table(saved, desk.chosen), as_json(kept, desk), gr.Button(interactive=desk.deleted > 0)


def as_start(studio: Studio, kept: Any, desk: Desk) -> tuple[Studio, gr.Tabs]:
    """The chosen schedule becomes the edited curve."""
    return replace(studio, yours=taken(studio, kept, desk).schedule), gr.Tabs(selected="studio")


def as_row(studio: Studio, kept: Any, desk: Desk) -> tuple[Studio, gr.Tabs]:
    """The chosen schedule becomes a row of the comparison."""
    saved = taken(studio, kept, desk)
    return with_row(studio, saved.name, saved.schedule), gr.Tabs(selected="studio")


def taken(studio: Studio, kept: Any, desk: Desk) -> Saved:
    """The chosen schedule, for the model at hand; says so where it was found for something else."""
    try:
        saved = open_shelf(kept).get(picked(desk))
        LIMITS.checked_levels(studio.spec.check(saved.schedule).sigmas)
    except ValueError as refused:
        raise refusal(refused) from None
    differs = searched_for(studio, saved.schedule, saved.schedule)
    if differs:
        tell(f"Found for {differs}: elsewhere it may do badly.")
    return saved


def record_of(studio: Studio) -> dict[str, Any]:
    """Where the curve was used, and how it did there."""
    record = {
        "model": studio.model,
        "condition": studio.condition,
        "guidance": studio.guidance,
        "solver": studio.solver,
        "seed": studio.seed,
        "noises": studio.num,
        "error": error_of(studio),
        "versions": {package: importlib.metadata.version(package) for package in VERSIONS},
    }
    return {key: value for key, value in record.items() if value not in (None, "")}


def picked(desk: Desk) -> int:
    if not desk.chosen:
        raise ValueError("choose a schedule of the table first")
    return desk.chosen


def as_json(kept: Any, desk: Desk) -> str:
    """The chosen schedule with its record, or nothing where none is chosen."""
    try:
        return open_shelf(kept).get(picked(desk)).to_json()
    except ValueError:
        return ""

"""The edited schedule: curve, table, start, paste and copy."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr
import numpy as np
import pandas as pd

from ays_core.interop import DIALECTS, parse, write
from ays_core.schedules import SCHEDULES
from components.choices import curves
from components.events import LAST
from components.field_words import FieldWords, Said
from components.following import Following
from components.limits import LIMITS
from components.schedule_editor import OPENING, Edited, Pushed, ScheduleEditor
from components.state import Studio, with_edit, with_yours
from components.words import refusal, sentence

TIME_POINTS = 200  # of the curve from ln sigma to model time
LIVE = 100  # ms between two looks at the points while a level moves
TABLE_HEADERS = ["step", "sigma"]


@dataclass(frozen=True)
class SchedulePanel:
    editor: ScheduleEditor
    start: gr.Dropdown
    table: gr.Dataframe
    table_said: FieldWords
    pasted: gr.Textbox
    paste: gr.Button
    diagnosis: FieldWords
    offers: gr.Radio
    priced: Callable  # brings up to date what is under the curve, after an event

    @property
    def curve(self) -> list[Any]:
        """What shows the levels, and is edited by hand."""
        return [self.editor, self.table]


def build(
    studio: gr.State,
    first: Studio,
    following: Following,
    under: Callable[[gr.State, ScheduleEditor], Callable],
) -> SchedulePanel:
    """`under`: what else belongs to the curve, built right below it."""
    editor = ScheduleEditor(
        first.yours,
        label="Yours",
        elem_id="editor",
        references=curves(first),
        max_levels=LIMITS.levels,
        **model_props(first),
    )
    priced = under(studio, editor)
    start = gr.Dropdown(
        [(entry.label, key) for key, entry in SCHEDULES.items()],
        value=None,
        label="Start from",
        elem_id="start",
    )
    with gr.Accordion("Numbers", open=False, elem_id="numbers"):
        table = gr.Dataframe(
            table_of(first),
            headers=TABLE_HEADERS,
            datatype=["number", "number"],
            column_count=2,
            static_columns=[0],
            interactive=True,
            max_height=320,
            label="The same levels, to type",
            elem_id="table",
        )
        table_said = FieldWords(fields=["table"], elem_id="table-said")
    with gr.Accordion("Paste and copy", open=False, elem_id="paste-copy"):
        pasted = gr.Textbox(
            label="Paste a list from anywhere",
            placeholder="14.615, 6.475, 3.861, …, 0   (also JSON, CSV, a ComfyUI or PyTorch list)",
            lines=2,
            elem_id="pasted",
        )
        paste = gr.Button("Use these levels", size="sm", elem_id="paste")
        diagnosis = FieldWords(fields=["pasted"], elem_id="diagnosis")
        offers = gr.Radio([], label="Or read it as", visible=False, elem_id="offers")
        dialect = gr.Dropdown(
            [(entry.label, key) for key, entry in DIALECTS.items()],
            value="plain",
            label="Copy as",
            elem_id="dialect",
        )
        refused = FieldWords(fields=["dialect"], elem_id="copied-said")
        copied = gr.Code(
            write("plain", first.yours),
            label="Levels",
            language=None,
            wrap_lines=True,  # what scrolls sideways must be in reach of the keyboard, and is not
            elem_id="copied",
        )

    dialect.input(written, [studio, dialect], [copied, refused], **LAST)
    following.add(written, [copied, refused], dialect)
    following.add(background, editor)
    following.add(lambda _: Said(), table_said)  # what was refused is no longer in the table
    return SchedulePanel(editor, start, table, table_said, pasted, paste, diagnosis, offers, priced)


def model_props(studio: Studio) -> dict[str, Any]:
    """What the editor needs to know of the model: its range, its own time, how fast it is."""
    spec = studio.spec
    lam = np.linspace(np.log(spec.sigma_min / 2), np.log(spec.sigma_max), TIME_POINTS)
    times = {
        "lam": lam.tolist(),
        "time": spec.path.time(np.exp(lam)).tolist(),
        "discrete": spec.path.table is not None,
    }
    return {
        "sigma_min": spec.sigma_min,
        "sigma_max": spec.sigma_max,
        "live_ms": LIVE if spec.kind == "points" and spec.exact else 0,
        "times": json.dumps(times),
    }


def table_of(studio: Studio) -> pd.DataFrame:
    levels = [shown(sigma) for sigma in studio.yours.sigmas]
    return pd.DataFrame({"step": range(len(levels)), "sigma": levels})


def shown(sigma: float) -> float:
    """A level as the table shows it: to six digits, as one drags it."""
    return float(f"{sigma:.6g}")


def from_curve(studio: Studio, edited: Edited) -> tuple[Studio, pd.DataFrame, int]:
    """A level was dragged, typed at the curve, added or removed. Programs do not number edits."""
    try:
        if edited.rev is None:
            studio = with_yours(studio, edited.sigmas)
        else:
            studio = with_edit(studio, edited.sigmas, edited.rev)
    except ValueError as refused:
        raise refusal(refused) from None
    return studio, table_of(studio), studio.num_steps


def on_the_curve(act: Callable[..., Any]) -> Callable[..., Any]:
    """A handler (Studio, Edited, *values): what `act` makes of a Studio and these values, where the
    Studio's curve is the one in the page, though its edit may still be on the way."""

    def handler(studio: Studio, edited: Edited, *values: Any) -> Any:
        with contextlib.suppress(ValueError):  # the edit's own answer says why
            studio = with_edit(studio, edited.sigmas, edited.rev)
        return act(studio, *values)

    return handler


def from_table(studio: Studio, table: pd.DataFrame) -> Studio:
    """The table was edited: a level typed, or a row added or removed. Raises `ValueError` for an
    impossible list; what was shown rounded is still exact where it was not typed anew."""
    if list(table.columns) != TABLE_HEADERS:
        raise ValueError("the table has the columns step and sigma: it was put back")
    exact: dict[Any, Any] = {shown(sigma): sigma for sigma in studio.yours.sigmas}
    cells = [typed(cell) for cell in table["sigma"].tolist()]
    levels = filled(cells, studio.spec.sigma_min) if len(cells) > studio.num_steps + 1 else cells
    return with_yours(studio, [exact.get(level, level) for level in levels])


def filled(cells: list[Any], least: float) -> list[Any]:
    """A row that was added is empty: it stands for the level between its neighbours, or for half of
    the last one above 0."""
    for i, cell in enumerate(cells):
        if empty(cell) and 0 < i < len(cells) and isinstance(cells[i - 1], float):
            below = cells[i + 1] if i + 1 < len(cells) else 0
            above = cells[i - 1]
            middle = (above * below) ** 0.5 if below else max(above / 2, least)
            return [*cells[:i], shown(middle), *cells[i + 1 :]]
        if empty(cell):
            raise ValueError(f"level {i} is empty: a new level needs one above it")
    return cells


def empty(cell: object) -> bool:
    return cell is None or cell == "" or cell != cell


def typed(cell: object) -> Any:
    """A cell one typed into comes as text: its number, or the text as it is, to be refused."""
    try:
        return float(cell.replace(",", ".")) if isinstance(cell, str) else cell
    except ValueError:
        return cell


def from_start(studio: Studio, key: str) -> Studio:
    """A schedule of the catalogue becomes the edited one."""
    try:
        entry = SCHEDULES[key]
        made = entry.make(studio.num_steps, studio.spec, final_zero=studio.yours.final_zero)
    except ValueError as refused:
        raise refusal(refused) from None
    return replace(studio, yours=made)


def from_text(studio: Studio, text: str) -> tuple[Studio, Said, gr.Radio]:
    """A pasted list becomes the edited schedule; what was noticed is said, repairs are offered."""
    try:
        parsed = parse(LIMITS.checked_text(text or ""), studio.spec)
        if parsed.schedule is not None:
            LIMITS.checked_levels(parsed.schedule.sigmas)
            studio = replace(studio, yours=parsed.schedule)
    except ValueError as refused:
        return studio, Said(f"Not used. {sentence(refused)}.", wrong=True), gr.Radio(visible=False)
    notes = " ".join(ended(sentence(note)) for note in parsed.notes)
    used = parsed.schedule is not None
    said = (notes or f"Read as {parsed.dialect}.") if used else f"Not used yet. {notes}"
    offers = [(offer.label, offer.key) for offer in parsed.offers]
    return studio, Said(said, wrong=not used), gr.Radio(offers, value=None, visible=bool(offers))


def ended(sentence: str) -> str:
    return sentence if sentence.endswith((".", "?")) else f"{sentence}."


def from_offer(studio: Studio, text: str, key: str) -> tuple[Studio, Said, gr.Radio]:
    """The pasted list, repaired in the way that was chosen; nothing is left to choose."""
    try:
        offers = parse(LIMITS.checked_text(text or ""), studio.spec).offers
        offer = {offer.key: offer for offer in offers}[key]
        studio = with_yours(studio, offer.schedule.sigmas)
    except KeyError:
        changed = Said("The pasted text has changed: read it again first.", wrong=True)
        return studio, changed, gr.Radio(visible=False)
    except ValueError as refused:
        return studio, Said(f"Not used. {sentence(refused)}.", wrong=True), gr.Radio(visible=False)
    return studio, Said(f"Used: {offer.label}."), gr.Radio(visible=False)


def drawn(act: Callable[..., Studio]) -> Callable[..., tuple[Studio, Pushed, pd.DataFrame]]:
    """As `on_the_curve`; the answer is what came of it with its own curve and table, so that of two
    operations in a row each is seen, and undone, by itself."""
    handler = on_the_curve(act)

    def drawing(studio: Studio, edited: Edited, *values: Any) -> Any:
        made = handler(studio, edited, *values)
        return made, replace(redrawn(made), seen=edited.seen), table_of(made)

    return drawing


def worded(act: Callable[..., Studio]) -> Callable[..., tuple[Studio, Pushed, Said]]:
    """As `drawn`, with words for the table: why `act` refuses, and then the curve stays. One event
    does it all: a page asks the second handler of an event when the first has answered, and with
    what stands in the fields by then."""

    def handler(studio: Studio, edited: Edited, *values: Any) -> Any:
        try:
            return *drawn(act)(studio, edited, *values)[:2], Said()
        except ValueError as refused:
            stays = drawn(lambda studio: studio)(studio, edited)
            return *stays[:2], Said(sentence(refused), wrong=True)

    return handler


def written(studio: Studio, dialect: str) -> tuple[str, Said]:
    """The edited schedule in another tool's own format, or the reason why it has none."""
    try:
        return write(dialect, studio.yours, studio.spec), Said()
    except ValueError as refused:
        return "", Said(f"{sentence(refused)}.", wrong=True)


def background(studio: Studio) -> ScheduleEditor:
    """What surrounds the curve: compared schedules, the model's range and time."""
    return ScheduleEditor(references=curves(studio), **model_props(studio))


def redrawn(studio: Studio) -> Pushed:
    """The curve, after a change that was not made there."""
    return Pushed(studio.yours.sigmas, studio.edit)


def counted(studio: Studio) -> tuple[int, pd.DataFrame]:
    """The step count and the table, after any change of the levels."""
    return studio.num_steps, table_of(studio)


def opened(studio: Studio) -> tuple[Pushed, pd.DataFrame, int]:
    """The curve, the table and the step count that a page begins with, unless the visitor was
    faster."""
    pushed = Pushed(studio.yours.sigmas, studio.edit or 0, OPENING)
    return pushed, table_of(studio), studio.num_steps

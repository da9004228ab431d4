"""The page that the browser tests and the benchmark of Compare's views drive.

`python -m tests.ui.views_app PORT` serves it alone.
"""

from __future__ import annotations

import sys
from dataclasses import replace

import gradio as gr
import numpy as np

from components import static, theme
from components.blind_view import BlindTest, BlindView, Pair
from components.film_view import Film, Films, FilmView, Frame
from components.grid_view import GridCell, GridShown, GridView, Head
from components.pictures import Doing, Strip, cloud, density, strip

NATIVE = 32  # pixels of a picture's side
HOSTILE = "<img src=x onerror=alert(1)> ${1+1} {{value}}"
EXTENT = (-2.0, 2.0, -2.0, 2.0)
SIDE = 6  # cells along a side of the grid, the reference row not counted
POINTS = 1000
LEVELS = {
    "Karras": (14.6, 6.5, 3.3, 1.1, 0.6, 0.0),
    "Uniform": (14.6, 11.7, 8.8, 5.9, 3.0, 0.03),
    HOSTILE: (10.0, 1.0, 0.1),
}


def picture(row: int, column: int) -> np.ndarray:
    """(32, 32, 3): red tells the row, green the column, blue the place; 40 more at one pixel."""
    down, across = np.indices((NATIVE, NATIVE))
    values = np.stack(
        [np.full((NATIVE, NATIVE), 30 * row), np.full((NATIVE, NATIVE), 30 * column), 4 * down],
        axis=-1,
    )
    values[..., 2] += across
    if row:
        values[5, 7] += 40
    return values.astype(np.uint8)


def points(row: int) -> np.ndarray:
    """(1000, 2) around (1, 1); one row has a point of its own at (-1, -1)."""
    places = 1 + 0.1 * np.random.default_rng(1).standard_normal((POINTS, 2))
    if row:
        places[0] = (-1, -1)
    return places


def cell(kind: str, row: int, column: int, done: bool = True) -> GridCell:
    """The reference stands on top: row 0."""
    reference = row == 0
    shown = {}
    if done:
        shown = (
            {"picture": strip(picture(row, column)[None])}
            if kind == "pictures"
            else {"cloud": cloud(points(row))}
        )
    return GridCell(
        id=f"{row}-{column}",
        row=row,
        column=column,
        state="done" if done else "waiting",
        reference=reference,
        against="" if reference else f"0-{column}",
        name=f"Reference, seed {column}" if reference else f"Schedule {row}, Euler, seed {column}",
        caption=("200 calls", "0.90 s") if reference else ("6 calls", "0.03 s", "error 0.132"),
        levels="14.6, 3.2, 0.03",
        **shown,
    )


def shown(kind: str, rows: int = SIDE, columns: int = SIDE, done: int = 99) -> GridShown:
    places = [(row, column) for row in range(rows + 1) for column in range(columns)]
    names = ["reference", *(f"Schedule {row}" for row in range(1, rows + 1))]
    return GridShown(
        kind,
        rows=tuple(Head(name, "80 … 0.002", "#56B4E9", "dash") for name in names),
        columns=tuple(Head(f"seed {10_000 + j}") for j in range(columns)),
        cells=tuple(cell(kind, *place, done=k < done) for k, place in enumerate(places)),
        extent=EXTENT,
        density=density(np.ones((8, 8))) if kind == "points" else "",
        run=1,
    )


def halfway() -> GridShown:
    view = shown("pictures", done=9)
    cells = [replace(each, state="running") if each.id == "1-3" else each for each in view.cells]
    doing = Doing("cells", 9, 42)
    return replace(view, cells=tuple(cells), progress=doing, said="about 4 s left", run=2)


def whole() -> GridShown:
    return replace(shown("pictures"), run=2)


def failed() -> GridShown:
    view = shown("pictures", 2, 3)
    message = f"{HOSTILE} cannot run these levels."
    cells = [
        GridCell(e.id, e.row, e.column, "failed", name=e.name, against=e.against, message=message)
        if e.id in ("0-0", "1-1")
        else e
        for e in view.cells
    ]
    rows = tuple(map(Head, ("reference", HOSTILE, "Schedule 2")))
    return replace(view, cells=tuple(cells), rows=rows, run=3)


def films(kind: str) -> Films:
    """Frame k of film i has the colour (100, 20 k, 60 i); clouds have k + 1 points in a row."""
    rows = []
    for i, (name, levels) in enumerate(LEVELS.items()):
        frames = []
        for k, sigma in enumerate(levels):
            if kind == "pictures":
                plain = np.full((1, 8, 8, 3), (100, 20 * k, 60 * i), dtype=np.uint8)
                frames.append(Frame(sigma, strip(plain)))
            else:
                places = np.array([[0.2 * j, 1.0 - 0.5 * i] for j in range(k + 1)])
                frames.append(Frame(sigma, None, cloud(places), density(np.ones((8, 8)))))
        way = np.array([[[0.5 * k - 1, -1.0] for k in range(len(levels))]])
        paths = cloud(np.zeros((1, 2)), way) if kind == "points" else None
        rows.append(Film(name, ("#E8590C", "#0072B2", "")[i], "solid", tuple(frames), paths))
    return Films(tuple(rows), "What a frame is.", EXTENT)


def plain(red: int, green: int) -> Strip:
    return strip(np.full((1, 8, 8, 3), (red, green, 0), dtype=np.uint8))


def pairs(first: int = 30_000, rounds: int = 3) -> BlindTest:
    """First's pictures are red, Second's are green; the value is the round."""
    pictures = tuple((plain(200 + k, 0), plain(0, 200 + k)) for k in range(rounds))
    seeds = tuple(range(first, first + rounds))
    pair = Pair("First, 6 calls", "Second, 9 calls", pictures, "spiral, Euler", seeds)
    return BlindTest((pair,), "What a test is.", True)


PUSHES = {
    "half": halfway,
    "whole": whole,
    "fail": failed,
    "older": lambda: replace(shown("pictures", 1, 1), run=0),
}


def build() -> gr.Blocks:
    with gr.Blocks() as demo:
        with gr.Row():
            buttons = {name: gr.Button(name, elem_id=name) for name in PUSHES}
            again = gr.Button("again", elem_id="again")
        with gr.Tab("Pictures"):
            one = GridView(shown("pictures"), elem_id="one")
        with gr.Tab("Points"):
            GridView(shown("points"), elem_id="two")
        with gr.Tab("Films"):
            FilmView(films("pictures"), elem_id="film")
            FilmView(films("points"), elem_id="clouds")
        with gr.Tab("Blind"):
            blind = BlindView(pairs(), elem_id="blind")
        chosen = gr.JSON(elem_id="chosen")

        def select(event: gr.EventData):
            return event._data

        blind.select(lambda: pairs(40_000), None, blind, show_progress="hidden")
        one.select(select, None, chosen, show_progress="hidden")
        for name, make in PUSHES.items():
            buttons[name].click(make, None, one, show_progress="hidden")
        again.click(pairs, None, blind, show_progress="hidden")
    return demo


if __name__ == "__main__":
    build().launch(
        server_port=int(sys.argv[1]),
        theme=theme.THEME,
        css_paths=theme.CSS,
        **static.serving(),
        run_history=False,
        quiet=True,
    )

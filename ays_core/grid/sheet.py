"""A finished grid to take away: one labelled picture, and its numbers as CSV.

Nothing in them depends on when or how fast they were made: the same plan gives the same bytes.
"""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterator, Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo

from ays_core.comparison import three_digits
from ays_core.denoiser import Batch, Model
from ays_core.grid.measure import Line
from ays_core.grid.plan import MARK, Grid
from ays_core.grid.work import GridCell, GridResult
from ays_core.sampling import SampleRun
from ays_core.solvers import SOLVERS

CELL = 160  # pixels of a cell's longer side, at least
TEXT, SMALL = 14, 11  # pixels
GAP = 10
INK, PAPER, PALE = (28, 30, 33), (255, 255, 255), (110, 115, 122)
POINT = (9, 105, 218)
LABELS = 150  # pixels for the names of the rows
NARROWEST = 640  # pixels of a sheet: what ran has to be read
DRAWN = "…–"  # by the font that Pillow brings along, beside ASCII
SPELT = str.maketrans({"σ": "sigma", "·": ",", "→": "->", "×": "x", "−": "-"})
CODES = "U+ and digits: a letter that this picture's font lacks. The plan inside has it."

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def mosaic(pictures: np.ndarray) -> np.ndarray:
    """Pictures (B, H, W, 3) as one, as square as they can be laid out; empty places are white."""
    count, height, width, _ = pictures.shape
    columns = int(np.ceil(np.sqrt(count)))
    rows = -(-count // columns)
    canvas = np.full((rows * height, columns * width, 3), 255, dtype=np.uint8)
    for k, picture in enumerate(pictures):
        i, j = divmod(k, columns)
        canvas[i * height : (i + 1) * height, j * width : (j + 1) * width] = picture
    return canvas


def scattered(points: np.ndarray, extent: Sequence[float], size: int = CELL) -> np.ndarray:
    """Points (B, 2) drawn over `extent` (x_min, x_max, y_min, y_max): uint8 (size, size, 3)."""
    x_min, x_max, y_min, y_max = extent
    image = Image.new("RGB", (size, size), PAPER)
    draw = ImageDraw.Draw(image)
    for x, y in points:
        i, j = (x - x_min) / (x_max - x_min) * size, (y_max - y) / (y_max - y_min) * size
        draw.rectangle((i, j, i + 1, j + 1), fill=POINT)
    return np.asarray(image)


def cell_picture(model: Model, x: Batch) -> np.ndarray:
    """Samples as one picture (H, W, 3): a mosaic, or points in the plane."""
    shown = model.decode(x)
    if shown.ndim == 4:
        return mosaic(shown)
    extent = getattr(model, "extent", None)
    return scattered(shown, extent() if extent else _around(shown))


def contact_sheet(model: Model, result: GridResult) -> bytes:
    """The whole grid as one PNG: labels, numbers and settings on it, and the plan inside, under
    the key `ays_studio_grid`, from which it can be made again."""
    grid = result.grid
    placed = dict(_placed(model, result))
    rows, columns = _labels(grid)
    height, width = next(iter(placed.values()))[0].shape[:2] if placed else (CELL, CELL)
    scale = max(1, -(-CELL // max(height, width)))
    height, width = scale * height, scale * width
    font, small = ImageFont.load_default(TEXT), ImageFont.load_default(SMALL)
    below = max((len(lines) for _, lines in placed.values()), default=1)
    pitch = (width + GAP, height + below * (SMALL + 4) + GAP)
    across = max(LABELS + len(columns) * pitch[0] + GAP, NARROWEST)
    title = _wrapped(grid.settings(model.spec.label), font, across - 2 * GAP)
    notes = [line for note in _notes(result) for line in _wrapped(note, small, across - 2 * GAP)]
    if any("U+" in line for line in (*title, *notes, *map(_plain, (*rows, *columns)))):
        notes.append(CODES)
    top = GAP + len(title) * (TEXT + 4) + GAP + TEXT + GAP
    bottom = top + len(rows) * pitch[1]
    sheet = Image.new("RGB", (across, bottom + len(notes) * (SMALL + 5) + 2 * GAP), PAPER)
    draw = ImageDraw.Draw(sheet)

    for k, line in enumerate(title):
        draw.text((GAP, GAP + k * (TEXT + 4)), line, INK, font)
    for j, label in enumerate(columns):
        place = (LABELS + j * pitch[0], top - TEXT - GAP)
        draw.text(place, _fitted(label, font, width), INK, font)
    for i, label in enumerate(rows):
        for k, line in enumerate(_wrapped(label, font, LABELS - 2 * GAP)):
            draw.text((GAP, top + i * pitch[1] + k * (TEXT + 3)), line, INK, font)
    for (i, j), (picture, lines) in placed.items():
        left, upper = LABELS + j * pitch[0], top + i * pitch[1]
        image = Image.fromarray(picture).resize((width, height), Image.Resampling.NEAREST)
        sheet.paste(image, (left, upper))
        for k, line in enumerate(lines):
            place = (left, upper + height + 2 + k * (SMALL + 3))
            draw.text(place, _fitted(line, small, width), PALE, small)
    for k, line in enumerate(notes):
        place = (GAP, bottom + k * (SMALL + 5))
        draw.text(place, line, PALE, small)
    return png(np.asarray(sheet), grid.to_json())


def reference_places(grid: Grid) -> dict[int, list[tuple[int, int]]]:
    """Where the reference run of every seed stands: a row above the grid, where the columns are
    seeds, else a column before it. The cells move down or right by one to make room."""
    if grid.columns == "seed":
        return {seed: [(0, j)] for j, seed in enumerate(grid.seeds)}
    if grid.rows == "seed":
        return {seed: [(i, 0)] for i, seed in enumerate(grid.seeds)}
    return {grid.seeds[0]: [(i, 0) for i in range(len(grid.values(grid.rows)))]}


def place_of(grid: Grid, row: int, column: int) -> tuple[int, int]:
    """Where a cell stands beside the references."""
    return (row + 1, column) if grid.columns == "seed" else (row, column + 1)


def _labels(grid: Grid) -> tuple[list[str], list[str]]:
    rows, columns = list(grid.labels(grid.rows)), list(grid.labels(grid.columns))
    (rows if grid.columns == "seed" else columns).insert(0, "reference")
    return rows, columns


Place = tuple[tuple[int, int], tuple[np.ndarray, tuple[str, ...]]]


def _placed(model: Model, result: GridResult) -> Iterator[Place]:
    """Every picture that there is with its place and what is written under it."""
    for seed, places in reference_places(result.grid).items():
        if seed in result.references:
            run = result.references[seed]
            shown = cell_picture(model, run.samples), (calls_of(run),)
            yield from ((place, shown) for place in places)
    for (row, column), cell in result.cells.items():
        if cell.run is not None:
            shown = cell_picture(model, cell.run.samples), caption_of(cell)
            yield place_of(result.grid, row, column), shown


def png(picture: np.ndarray, settings: str) -> bytes:
    """A picture with its settings inside."""
    inside, buffer = PngInfo(), io.BytesIO()
    inside.add_text(MARK, settings)
    Image.fromarray(picture).save(buffer, "PNG", pnginfo=inside)
    return buffer.getvalue()


def caption_of(cell: GridCell) -> tuple[str, ...]:
    """What ran in a cell and how far off it is: never how long it took."""
    if cell.run is None:
        return (cell.error,)
    lines = [calls_of(cell.run)]
    if "rmse" in cell.metrics:
        lines.append(f"error {three_digits(cell.metrics['rmse'])}")
    elif "sliced_w2" in cell.metrics:
        floor = three_digits(cell.floors.get("sliced_w2_floor", 0.0))
        lines.append(f"sliced W2 {three_digits(cell.metrics['sliced_w2'])}, floor {floor}")
    if "psnr_median" in cell.metrics:
        lines.append(f"PSNR {three_digits(cell.metrics['psnr_median'])} dB")
    return tuple(lines)


def calls_of(run: SampleRun) -> str:
    return f"{run.nfe} calls" if run.nfe != 1 else "1 call"


def numbers_csv(lines: Sequence[Line]) -> str:
    """The numbers of `measure_grid`, a line each, every distance with its floor."""
    keys = list(dict.fromkeys(key for line in lines for key in line.metrics))
    floors = list(dict.fromkeys(key for line in lines for key in line.floors))
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["schedule", "solver", "steps", "nfe", "noises", *keys, *floors, "error"])
    for line in lines:
        values = [line.metrics.get(key, "") for key in keys]
        values += [line.floors.get(key, "") for key in floors]
        about = [line.named.name, line.solver, line.steps, line.nfe, line.noises]
        writer.writerow([*about, *values, line.error])
    return file.getvalue()


def _notes(result: GridResult) -> list[str]:
    """Below the pictures: what really ran, for every schedule, solver and step count."""
    notes, seen = [], set()
    for _, cell in sorted(result.cells.items()):
        key = (cell.spot.named, cell.spot.solver, cell.spot.steps)
        if cell.run is None or key in seen:
            continue
        seen.add(key)
        levels = ", ".join(f"{sigma:.4g}" for sigma in cell.run.ran)
        label = SOLVERS[cell.spot.solver].label
        notes.append(f"{cell.spot.named.name}, {label}: {levels}")
    return notes


def _plain(text: str) -> str:
    """In letters that the font has: accents go, what is left is named by its code."""
    folded = unicodedata.normalize("NFKD", text.translate(SPELT))
    return "".join(
        char if char.isascii() or char in DRAWN else f"U+{ord(char):04X} "
        for char in folded
        if not unicodedata.combining(char)
    )


def _fitted(text: str, font: Font, width: float) -> str:
    text = _plain(text)
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(text + "...") > width:
        text = text[:-1]
    return text + "..."


def _wrapped(text: str, font: Font, width: float) -> list[str]:
    lines: list[str] = []
    for word in _plain(text).split():
        if lines and font.getlength(f"{lines[-1]} {word}") <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return [_fitted(line, font, width) for line in lines]


def _around(points: np.ndarray) -> tuple[float, float, float, float]:
    (x_min, y_min), (x_max, y_max) = points.min(axis=0), points.max(axis=0)
    return float(x_min), float(x_max) + 1e-9, float(y_min), float(y_max) + 1e-9

"""From results to text, JSON and files; progress on the way."""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, is_dataclass
from itertools import zip_longest
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, TypeVar

from ays_core.catalogue import Entry
from ays_core.interop import write
from ays_core.job import Job, Progress, run
from ays_core.params import adjustable
from ays_core.schedule import Schedule

if TYPE_CHECKING:
    from ays_core.compare import Cell, Comparison

R = TypeVar("R")


@dataclass(frozen=True)
class Answer:
    """What a command found: as text, and as the object for `--json`."""

    text: str
    content: dict[str, Any]
    complete: bool = True  # False: interrupted, and this is the best so far


def facts(entry: Entry, tunable: bool) -> dict[str, Any]:
    """What an entry says about itself, as JSON."""
    found: dict[str, Any] = {}
    for field in fields(entry):
        value = getattr(entry, field.name)
        if is_dataclass(value) and not isinstance(value, type):
            found[field.name] = asdict(value)
        elif value is None or isinstance(value, str | int | float | tuple):
            found[field.name] = value
    if tunable:
        found["params"] = [
            {"name": p.name, "type": p.kind.__name__, "default": p.default} | asdict(p.values)
            for p in adjustable(entry.make)
        ]
    return found


def described(schedule: Schedule) -> dict[str, Any]:
    return {"sigmas": list(schedule.sigmas), "origin": asdict(schedule.origin)}


def asked(args: argparse.Namespace) -> dict[str, Any]:
    """The settings of a run, enough to repeat it."""
    names = ("model", "solver", "conditions", "guidance", "num", "seed")
    return {name: getattr(args, name) for name in names}


def versions() -> dict[str, str]:
    """Of the packages that a search's numbers may depend on."""
    return {package: importlib.metadata.version(package) for package in ("torch", "diffusers")}


def schedule_answer(schedule: Schedule, seconds: float, complete: bool = True) -> Answer:
    """`nfe`, `objective` and `curve`: what a search spent and reached, from its record."""
    found: dict[str, Any] = dict(schedule.origin.params)
    curve = found.get("curve", [])
    objective = {"name": found.get("objective", ""), "value": min(curve)} if curve else {}
    objective |= {key: found[key] for key in ("error", "start_error") if key in found}
    content = {
        **described(schedule),
        "nfe": found.get("evaluations", 0),
        "seconds": seconds,
        "objective": objective,
        "curve": curve,
    }
    return Answer(write("plain", schedule), content, complete)


def watched(job: Job[R]) -> tuple[R, bool]:
    """A job's result with progress shown; its newest snapshot and False where it is interrupted."""
    bar, best = Bar(), None

    def watch(progress: Progress) -> None:
        nonlocal best
        best = progress.snapshot or best
        bar(progress)

    try:
        return run(job, watch), True
    except KeyboardInterrupt:
        if best is None:
            raise
        return best, False


def row(name: str, cell: Cell, result: Comparison) -> dict[str, Any]:
    """One schedule of a comparison; metrics that have a floor with their floor."""
    found = {"schedule": name, **described(cell.schedule)}
    if cell.run is None:
        return found | {"ran": [], "nfe": 0, "seconds": 0.0, "metrics": {}, "error": cell.error}
    floors = {key: value for key, value in result.floors.items() if key[:-6] in cell.metrics}
    ran = {"ran": list(cell.run.ran), "nfe": cell.run.nfe, "seconds": cell.run.seconds}
    return found | ran | {"metrics": {**cell.metrics, **floors}}


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Rows as text, columns aligned; a row that failed has its reason instead of numbers."""
    keys = list(dict.fromkeys(key for row in rows for key in row["metrics"]))
    lines = [["schedule", "calls", "seconds", *keys]]
    for found in rows:
        values = [f"{found['metrics'][key]:.4g}" for key in keys if key in found["metrics"]]
        lines.append([found["schedule"], str(found["nfe"]), f"{found['seconds']:.3f}", *values])
    widths = [max(map(len, column)) for column in zip_longest(*lines, fillvalue="")]
    for line, found in zip(lines[1:], rows, strict=True):
        line[1:] = [found["error"]] if "error" in found else line[1:]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=False)).rstrip()
        for line in lines
    )


def write_samples(folder: Path, decoded: Any, seed: int, settings: dict[str, Any]) -> list[str]:
    """Pictures as PNG, named by their seed, with the settings inside; points as one CSV."""
    if decoded.ndim == 2:
        rows = "".join(f"{x!r},{y!r}\n" for x, y in decoded.tolist())
        (folder / "points.csv").write_text("x,y\n" + rows, encoding="utf-8")
        return ["points.csv"]
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    files = []
    for k, picture in enumerate(decoded):
        inside = PngInfo()
        inside.add_text("ays_studio", json.dumps({**settings, "seed": seed + k, "num": 1}))
        files.append(f"{seed + k:05d}.png")
        Image.fromarray(picture).save(folder / files[-1], pnginfo=inside)
    return files


class Bar:
    """Progress on stderr: one line that is redrawn, or a line a second where it cannot be."""

    def __init__(self) -> None:
        self._printed = perf_counter()

    def __call__(self, progress: Progress) -> None:
        line = f"{progress.stage} {progress.done}/{progress.total}"
        done = progress.done == progress.total
        if sys.stderr.isatty():
            print(f"\r\033[K{line}", end="\n" if done else "", file=sys.stderr, flush=True)
        elif done or perf_counter() - self._printed > 1:
            self._printed = perf_counter()
            print(line, file=sys.stderr, flush=True)

"""What the command line does: one function per command, from parsed arguments to an `Answer`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, is_dataclass
from importlib import import_module
from pathlib import Path
from time import perf_counter
from typing import Any

from ays_core.catalogue import Catalogue, Entry, UnknownKey
from ays_core.interop import DIALECTS, parse, write
from ays_core.interop.reading import MAX_TEXT
from ays_core.job import Progress, run
from ays_core.params import adjustable, parse_params
from ays_core.paths import ModelSpec
from ays_core.schedule import Schedule
from ays_core.schedules import SCHEDULES, fitted

CATALOGUES = {  # imported when asked for: torch takes a second
    "models": ("ays_core.models", "MODELS"),
    "solvers": ("ays_core.solvers", "SOLVERS"),
    "schedules": ("ays_core.schedules", "SCHEDULES"),
    "optimizers": ("ays_core.optimizers", "OPTIMIZERS"),
    "dialects": ("ays_core.interop", "DIALECTS"),
    "metrics": ("ays_core.metrics", "METRICS"),
}


@dataclass(frozen=True)
class Answer:
    """What a command found: as text, and as the object for `--json`."""

    text: str
    content: dict[str, Any]
    complete: bool = True  # False: interrupted, and this is the best so far


def list_entries(args: argparse.Namespace) -> Answer:
    module, name = CATALOGUES[args.kind]
    catalogue: Catalogue[Entry] = getattr(import_module(module), name)
    tunable = args.kind in ("schedules", "optimizers")
    entries = [facts(entry, tunable) for entry in catalogue.values()]
    width = max(len(entry["key"]) for entry in entries)
    text = "\n".join(f"{entry['key']:<{width}}  {entry['label']}" for entry in entries)
    return Answer(text, {args.kind: entries})


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


def make_schedule(args: argparse.Namespace) -> Answer:
    began = perf_counter()
    schedule = chosen(args.schedule, args, load(args.model).spec, given(args.param))
    return schedule_answer(schedule, perf_counter() - began)


def sample_pictures(args: argparse.Namespace) -> Answer:
    from ays_core.denoiser import bind
    from ays_core.sampling import sample, start_noise

    model = load(args.model)
    schedule = chosen(args.schedule, args, model.spec)
    denoise = bind(model, args.conditions, args.guidance)
    noise = start_noise(model.spec, args.num, args.seed)
    ran = run(sample(denoise, schedule, args.solver, noise, seed=args.seed), Bar())
    settings = {
        **asked(args),
        "schedule": described(schedule),
        "ran": list(ran.ran),
        "calls": list(ran.calls),
        "nfe": ran.nfe,
    }
    folder = Path(args.out)
    folder.mkdir(parents=True, exist_ok=True)
    files = write_samples(folder, model.decode(ran.samples), args.seed, settings)
    (folder / "run.json").write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
    text = f"{len(files)} files in {folder}, {ran.nfe} calls, {ran.seconds:.2f} s"
    return Answer(text, {**settings, "seconds": ran.seconds, "files": files})


def convert(args: argparse.Namespace) -> Answer:
    if args.to not in DIALECTS:
        raise UnknownKey(f"unknown dialect {args.to!r}; known: {', '.join(DIALECTS)}")
    spec = load(args.model).spec if args.model else None
    return Answer(write(args.to, read_file(args.file, args, spec), spec), {})


# --- what commands share -------------------------------------------------------------------------


def load(model: str) -> Any:
    from ays_core.models import load_model

    return load_model(model)


def chosen(
    name: str, args: argparse.Namespace, spec: ModelSpec, params: dict[str, str] | None = None
) -> Schedule:
    """The schedule `name`, a catalogue key or a file, with the steps, range and end asked for."""
    if name in SCHEDULES:
        entry = SCHEDULES[name]
        if args.steps is None:
            raise ValueError(f"--steps is needed for {name}")
        if entry.made_for:
            args.notes += entry.made_for.warnings(spec, getattr(args, "solver", ""), args.steps)
        return entry.make(
            args.steps,
            spec,
            final_zero=args.final_zero,
            sigma_min=args.sigma_min,
            sigma_max=args.sigma_max,
            **parse_params(entry.make, params or {}),
        )
    if name != "-" and not Path(name).is_file():
        raise UnknownKey(f"no schedule and no file {name!r}; known: {', '.join(SCHEDULES)}")
    if params:
        raise ValueError(f"--param does not go with a list of levels ({name})")
    listed = read_file(name, args, None if args.sigma_max else spec)
    steps = args.steps or listed.num_steps
    if steps != listed.num_steps and not args.resample:
        raise ValueError(
            f"{name} has {listed.num_steps} steps, --steps asks for {steps}: "
            "add --resample to resample it"
        )
    return fitted(listed, steps, spec, args.final_zero, args.sigma_min, args.sigma_max)


def read_file(name: str, args: argparse.Namespace, spec: ModelSpec | None) -> Schedule:
    """The list of levels in a file, "-" for stdin; what is odd about it becomes a note."""
    try:
        if name == "-":
            text = sys.stdin.read(MAX_TEXT + 1)
        else:
            with open(name, encoding="utf-8") as file:
                text = file.read(MAX_TEXT + 1)
    except UnicodeDecodeError:
        raise ValueError(f"{name} is not a text file") from None
    try:
        parsed = parse(text, spec)
        schedule = parsed.require()
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
    args.notes += parsed.notes
    return schedule


def given(params: Sequence[str]) -> dict[str, str]:
    """`k=v` arguments as a mapping."""
    found = {}
    for text in params:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise ValueError(f"--param is {text!r}; write it as name=value")
        found[key] = value
    return found


def described(schedule: Schedule) -> dict[str, Any]:
    return {"sigmas": list(schedule.sigmas), "origin": asdict(schedule.origin)}


def asked(args: argparse.Namespace) -> dict[str, Any]:
    """The settings of a run, enough to repeat it."""
    names = ("model", "solver", "conditions", "guidance", "num", "seed")
    return {name: getattr(args, name) for name in names}


def schedule_answer(schedule: Schedule, seconds: float) -> Answer:
    content = {
        **described(schedule),
        "nfe": 0,
        "seconds": seconds,
        "objective": {},
        "curve": [],
    }
    return Answer(write("plain", schedule), content)


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
    """Progress on stderr: one line that is redrawn, or a line every tenth where it cannot be."""

    def __init__(self) -> None:
        self._shown = ""

    def __call__(self, progress: Progress) -> None:
        tenth = 10 * progress.done // max(progress.total, 1)
        line = f"{progress.stage} {progress.done}/{progress.total}"
        if sys.stderr.isatty():
            end = "\n" if progress.done == progress.total else ""
            print(f"\r\033[K{line}", end=end, file=sys.stderr, flush=True)
        elif self._shown != f"{progress.stage} {tenth}":
            self._shown = f"{progress.stage} {tenth}"
            print(line, file=sys.stderr)

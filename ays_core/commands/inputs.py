"""From names, files and `k=v` words to what commands work with."""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ays_core.catalogue import UnknownKey
from ays_core.interop import parse
from ays_core.interop.reading import MAX_TEXT
from ays_core.job import run
from ays_core.params import parse_params
from ays_core.paths import ModelSpec
from ays_core.schedule import Schedule
from ays_core.schedules import SCHEDULES, fitted


def load(model: str) -> Any:
    """A model by name. Of a checkpoint one is told what it is before its weights are fetched."""
    from ays_core.commands.outputs import Bar
    from ays_core.models import load_model

    def told(found: Any) -> None:
        fetched = f", {found.to_fetch / 1e6:,.0f} MB of it to fetch" if found.missing else ""
        size = f"{found.size / 1e6:,.0f} MB of {found.variant or 'full precision'}{fetched}"
        licence = found.licence or "not stated here"
        print(f"{found.source}: {size}, licence: {licence}", file=sys.stderr)

    return load_model(model, told, Bar())


def bound_to_data(model: Any, args: argparse.Namespace) -> Any:
    """`model` with what was asked for, and with the pictures of a folder as its data, if any."""
    from ays_core.commands.outputs import Bar
    from ays_core.denoiser import bind
    from ays_core.models.pictures import bind_pictures

    if not args.pictures:
        return bind(model, args.conditions, args.guidance)
    if args.conditions:
        raise ValueError("--pictures have captions of their own: leave out --prompt and --class")
    return run(bind_pictures(model, args.pictures, args.guidance), Bar())


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
    listed = own_for_steps(listed, steps)
    if steps != listed.num_steps and not args.resample:
        raise ValueError(
            f"{name} has {listed.num_steps} steps, --steps asks for {steps}: "
            "add --resample to resample it"
        )
    made = fitted(listed, steps, spec, args.final_zero, args.sigma_min, args.sigma_max)
    note_use(name, listed, made, args, spec)
    return made


def note_use(
    name: str, listed: Schedule, used: Schedule, args: argparse.Namespace, spec: ModelSpec
) -> None:
    """A note where a searched schedule is run with something that it was not found for."""
    if getattr(args, "solver", None) is None:
        return  # it is not run
    from ays_core.optimizers.record import found_for

    others = found_for(
        listed.origin.params,
        used,
        model=spec.key,
        solver=args.solver,
        conditions=args.conditions,
        guidance=args.guidance,
    )
    if others:
        args.notes.append(f"{name}: found for {others}; elsewhere it may do badly")


def own_for_steps(listed: Schedule, steps: int) -> Schedule:
    """A result of OSS has its own levels for fewer steps; any other list stays as it is."""
    from ays_core.optimizers.optimal_stepsize import for_steps

    return for_steps(listed, steps) or listed


def read_file(name: str, args: argparse.Namespace, spec: ModelSpec | None) -> Schedule:
    """The list of levels in a file, "-" for stdin; what is odd about it becomes a note."""
    try:
        parsed = parse(read_text(name), spec)
        schedule = parsed.require()
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
    args.notes += parsed.notes
    return schedule


def read_text(name: str) -> str:
    """A file's text, "-" for stdin; no more of it than `parse` takes."""
    if name == "-":
        return sys.stdin.read(MAX_TEXT + 1)
    try:
        with open(name, encoding="utf-8") as file:
            return file.read(MAX_TEXT + 1)
    except UnicodeDecodeError:
        raise ValueError("not a text file") from None


def given(params: Sequence[str]) -> dict[str, str]:
    """`k=v` arguments as a mapping."""
    found = {}
    for text in params:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise ValueError(f"--param is {text!r}; write it as name=value")
        found[key] = value
    return found


SAVED: dict[str, Callable[[Any], bool]] = {
    "model": lambda value: isinstance(value, str),
    "solver": lambda value: isinstance(value, str),
    "conditions": lambda value: isinstance(value, list),
    "guidance": lambda value: type(value) in (int, float) and math.isfinite(value),
    "num": lambda value: type(value) is int and value > 0,
    "seed": lambda value: type(value) is int and value >= 0,
    "rows": lambda value: isinstance(value, list) and all(isinstance(row, dict) for row in value),
}


SAVED_SEARCH: dict[str, Callable[[Any], bool]] = {
    "method": lambda value: isinstance(value, str),
    **{name: SAVED[name] for name in ("model", "solver", "conditions", "guidance", "seed")},
    "params": lambda value: isinstance(value, dict),
}


def saved_comparison(text: str, args: argparse.Namespace) -> dict[str, Schedule]:
    """The schedules of what `compare --json` wrote; its settings take the place of arguments."""
    try:
        content = read_settings(text, args, SAVED)
        return {
            str(row.get("schedule", i)): parse(json.dumps(row)).require()
            for i, row in enumerate(content["rows"])
        }
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{args.file} is not a saved comparison: {error}") from None


def saved_search(name: str, args: argparse.Namespace) -> Schedule:
    """The best so far of what `optimize --out` wrote: a search goes on from there. Its settings
    take the place of arguments; `--param` changes single ones."""
    text = read_text(name)
    try:
        content = read_settings(text, args, SAVED_SEARCH)
        args.params = {**content["params"], **given(args.param)}
        args.pictures = args.pictures or content.get("pictures")
        return parse(text).require()
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{name} is not a saved search: {error}") from None


def read_settings(
    text: str, args: argparse.Namespace, settings: dict[str, Callable[[Any], bool]]
) -> dict[str, Any]:
    """A file's JSON object, its settings, each checked, put into `args`."""
    content = json.loads(text)
    if not isinstance(content, dict):
        raise ValueError("it holds no object")
    for name, holds in settings.items():
        if name not in content:
            raise ValueError(f"it has no {name}")
        if not holds(content[name]):
            raise ValueError(f"{name} is {str(content[name])[:30]!r}")
        setattr(args, name, content[name])
    return content

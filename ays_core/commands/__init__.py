"""What the command line does: one function per command, from parsed arguments to an `Answer`."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from time import perf_counter
from typing import Any

from ays_core.catalogue import Catalogue, UnknownKey
from ays_core.commands.grids import is_grid, replay
from ays_core.commands.inputs import (
    bound_to_data,
    chosen,
    given,
    load,
    note_use,
    read_file,
    read_text,
    saved_comparison,
    saved_search,
)
from ays_core.commands.outputs import (
    Answer,
    Bar,
    asked,
    described,
    facts,
    row,
    schedule_answer,
    table,
    versions,
    watched,
    write_samples,
)
from ays_core.interop import DIALECTS, write
from ays_core.job import run
from ays_core.params import parse_params
from ays_core.schedule import Schedule

CATALOGUES = {  # imported when asked for: torch takes a second
    "models": ("ays_core.models", "MODELS"),
    "solvers": ("ays_core.solvers", "SOLVERS"),
    "schedules": ("ays_core.schedules", "SCHEDULES"),
    "optimizers": ("ays_core.optimizers", "OPTIMIZERS"),
    "dialects": ("ays_core.interop", "DIALECTS"),
    "metrics": ("ays_core.metrics", "METRICS"),
}


def catalogue(kind: str) -> Catalogue[Any]:
    module, name = CATALOGUES[kind]
    return getattr(import_module(module), name)


def list_entries(args: argparse.Namespace) -> Answer:
    tunable = args.kind in ("schedules", "optimizers")
    entries = [facts(entry, tunable) for entry in catalogue(args.kind).values()]
    width = max(len(entry["key"]) for entry in entries)
    text = "\n".join(f"{entry['key']:<{width}}  {entry['label']}" for entry in entries)
    return Answer(text, {args.kind: entries})


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


def optimize(args: argparse.Namespace) -> Answer:
    """Search from a schedule, or go on from the file of an earlier search."""
    from ays_core.library import Library
    from ays_core.searching import cost, search

    resumed = args.method not in catalogue("optimizers") and Path(args.method).is_file()
    start = saved_search(args.method, args) if resumed else None
    entry = catalogue("optimizers")[args.method]
    needed(args, "model", "solver", instead="the file of an earlier search")
    model = load(args.model)
    start = start or chosen(args.start, args, model.spec)
    own = parse_params(entry.make, args.params if resumed else given(args.param))
    denoise, library = bound_to_data(model, args), Library()
    where = (library, entry, denoise, start, args.solver)
    _, saved = cost(*where, seed=args.seed, **own)
    if saved:
        args.notes.append(f"measured before, and not again: {saved:,} evaluations")
    began = perf_counter()
    schedule, complete = watched(search(*where, seed=args.seed, **own))
    answer = schedule_answer(schedule, perf_counter() - began, complete)
    names = ("method", "model", "solver", "conditions", "guidance", "seed", "pictures")
    answer.content.update({name: getattr(args, name) for name in names})
    answer.content.update(params=own, complete=complete, versions=versions())
    if args.judge and complete:
        from ays_core.optimizers.judge import judge

        try:
            verdict = run(judge(denoise, schedule, start, args.solver), Bar())
        except KeyboardInterrupt:
            answer = replace(answer, complete=False)
        else:
            answer.content.update(won=verdict.won, verdict=verdict.to_json())
            args.notes += [verdict.headline, verdict.sentence]
    if args.out:
        Path(args.out).write_text(json.dumps(answer.content, indent=2) + "\n", encoding="utf-8")
    return answer


def needed(args: argparse.Namespace, *names: str, instead: str) -> None:
    for name in names:
        if getattr(args, name) is None:
            raise ValueError(f"--{name} is needed, or {instead}")


def compare_schedules(args: argparse.Namespace) -> Answer:
    from ays_core.compare import compare
    from ays_core.denoiser import bind
    from ays_core.sampling import start_noise

    text = read_text(args.file) if args.file else ""
    if is_grid(text):
        return replay(text, args)
    named = saved_comparison(text, args) if args.file else named_schedules(args)
    model = load(args.model)
    for name, schedule in named.items() if args.file else ():
        note_use(name, schedule, schedule, args, model.spec)
    denoise = bind(model, args.conditions, args.guidance)
    noise = start_noise(model.spec, args.num, args.seed)
    schedules = list(named.values())
    job = compare(denoise, schedules, args.solver, noise, seed=args.seed)
    result, complete = watched(job)
    if complete and not result.ranked:
        raise ValueError(result.cells[0].error)
    rows = [row(name, cell, result) for name, cell in zip(named, result.cells, strict=False)]
    reference = result.reference and {
        "solver": result.reference.solver,
        "nfe": result.reference.nfe,
    }
    finding = result.finding_with({schedule: name for name, schedule in named.items()})
    content = {**asked(args), "reference": reference, "finding": finding, "rows": rows}
    return Answer(f"{table(rows)}\n{result.reference_note}\n{finding}", content, complete)


def named_schedules(args: argparse.Namespace) -> dict[str, Schedule]:
    needed(args, "model", "solver", "schedules", instead="the file of a saved comparison")
    spec = load(args.model).spec
    return {name: chosen(name, args, spec) for name in args.schedules.split(",")}


def convert(args: argparse.Namespace) -> Answer:
    if args.to not in DIALECTS:
        raise UnknownKey(f"unknown dialect {args.to!r}; known: {', '.join(DIALECTS)}")
    spec = load(args.model).spec if args.model else None
    return Answer(write(args.to, read_file(args.file, args, spec), spec, args.solver), {})

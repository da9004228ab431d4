"""The command line: the functions the app uses, for sweeps, benchmarks and other tools.

    python -m ays_core list models|solvers|schedules|optimizers|dialects|metrics
    python -m ays_core schedule karras --model scenes --steps 10 --param rho=5
    python -m ays_core optimize oss --model scenes --solver euler --steps 6 --out best.json
    python -m ays_core optimize best.json --judge --out better.json
    python -m ays_core sample --model scenes --solver euler --schedule best.json --out pictures
    python -m ays_core compare --model scenes --solver euler --schedules karras,best.json --steps 6
    python -m ays_core compare grid.json --out again
    python -m ays_core convert best.json --to comfyui

With `--json` the last line on stdout is one JSON object. Progress and notes go to stderr. Exit
codes: 0 done, 2 bad input (one line on stderr), 130 interrupted (the best so far is written).
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from ays_core import commands


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit code."""
    try:
        args = parser().parse_args(argv)
        args.notes = []
        answer: commands.Answer = args.run(args)
    except KeyboardInterrupt:
        print("interrupted before there was a result", file=sys.stderr)
        return 130
    except (ValueError, OSError) as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    for note in args.notes:
        print(f"note: {note}", file=sys.stderr)
    print(json.dumps(answer.content) if args.json else answer.text.rstrip("\n"))
    if not answer.complete:
        print("interrupted: this is the best so far", file=sys.stderr)
    return 0 if answer.complete else 130


class Parser(argparse.ArgumentParser):
    """Its errors are `ValueError`s: one line, like every other."""

    def error(self, message: str) -> NoReturn:
        raise ValueError(message)


def number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(f"{text[:30]!r} is not a number")
    return value


def count(text: str) -> int:
    return whole(text, 1, 10**9)


def seed(text: str) -> int:
    return whole(text, 0, 2**31 - 1)


def whole(text: str, low: int, high: int) -> int:
    if not text.isdecimal() or len(text) > 12 or not low <= int(text) <= high:
        raise argparse.ArgumentTypeError(
            f"{text[:30]!r} is not a whole number from {low} to {high}"
        )
    return int(text)


def parser() -> Parser:
    top = Parser(
        prog="python -m ays_core",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    subparsers = top.add_subparsers(required=True, metavar="COMMAND", parser_class=Parser)

    def command(name: str, function: Any, about: str) -> Parser:
        made = subparsers.add_parser(name, help=about, description=about, allow_abbrev=False)
        made.set_defaults(run=function, json=False)
        return made

    made = command("list", commands.list_entries, "what can be chosen by name")
    made.add_argument("kind", choices=list(commands.CATALOGUES))
    add_json(made)

    made = command("schedule", commands.make_schedule, "the noise levels of a schedule")
    made.add_argument("schedule", metavar="KEY|FILE")
    add_levels(made)
    add_params(made)
    add_json(made)

    made = command("optimize", commands.optimize, "a better schedule for a model and a solver")
    made.add_argument("method", metavar="METHOD|FILE", help="FILE: an earlier --out, to go on from")
    made.add_argument("--start", metavar="KEY|FILE", default="karras")
    add_levels(made, required=False)
    add_run(made, required=False)
    add_params(made)
    made.add_argument("--pictures", metavar="DIR", help="learn from these, with their captions")
    made.add_argument("--judge", action="store_true", help="against baselines, on unseen noises")
    made.add_argument("--out", metavar="FILE")
    add_json(made)

    made = command("sample", commands.sample_pictures, "pictures or points from one schedule")
    made.add_argument("--schedule", metavar="KEY|FILE", required=True)
    add_levels(made)
    add_run(made)
    made.add_argument("--num", type=count, default=16, metavar="N")
    made.add_argument("--out", metavar="DIR", required=True)
    add_json(made)

    made = command("compare", commands.compare_schedules, "several schedules on the same noise")
    made.add_argument(
        "file", metavar="FILE", nargs="?", help="a saved comparison or grid to repeat"
    )
    made.add_argument("--schedules", metavar="KEY|FILE,...")
    add_levels(made, required=False)
    add_run(made, required=False)
    made.add_argument("--num", type=count, default=256, metavar="N")
    made.add_argument("--out", metavar="DIR", help="for a grid: its sheet, plan and numbers")
    add_json(made)

    made = command("convert", commands.convert, "a list of levels as another tool reads it")
    made.add_argument("file", metavar="FILE|-")
    made.add_argument("--to", metavar="DIALECT", required=True)
    made.add_argument("--model")
    made.add_argument("--solver", default="euler", help="for diffusers, which runs it")
    return top


def add_levels(made: Parser, required: bool = True) -> None:
    made.add_argument("--model", metavar="M", required=required, help="key, or a mixture file")
    made.add_argument("--steps", type=count, metavar="N")
    made.add_argument("--sigma-min", type=number, metavar="S", help="default: the model's")
    made.add_argument("--sigma-max", type=number, metavar="S", help="default: the model's")
    made.add_argument("--final-zero", action=argparse.BooleanOptionalAction)
    made.add_argument("--resample", action="store_true", help="a FILE to --steps steps")


def add_run(made: Parser, required: bool = True) -> None:
    made.add_argument("--solver", metavar="S", required=required)
    made.add_argument("--class", "--prompt", dest="conditions", action="append", default=[])
    made.add_argument("--guidance", type=number, default=1.0, metavar="G", help="1 is off")
    made.add_argument("--seed", type=seed, default=0)


def add_params(made: Parser) -> None:
    made.add_argument("--param", action="append", default=[], metavar="k=v")


def add_json(made: Parser) -> None:
    made.add_argument("--json", action="store_true", help="one JSON object, last line on stdout")


if __name__ == "__main__":
    sys.exit(main())

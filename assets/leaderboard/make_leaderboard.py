"""Computes leaderboard.json, beside this file: `python assets/leaderboard/make_leaderboard.py`.

Every finished column is written at once, and a new run goes on from there; `--fresh` starts anew.
Parts may be computed into other files, with `--file`, and joined with `--join`.
`--report` prints docs/leaderboard.md, what the board says, and computes nothing.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import platform
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from ays_core.job import Job  # noqa: E402
from ays_core.leaderboard import Board, leaderboard, report  # noqa: E402
from ays_core.leaderboard.entrants import TRIED, TRIES  # noqa: E402
from ays_core.leaderboard.work import BUDGETS, SETS, SOLVERS_SHOWN  # noqa: E402
from ays_core.models import MODELS  # noqa: E402

FILE = Path(__file__).with_name("leaderboard.json")
SHOWN = ("gaussians", "checkerboard", "grid", "scenes")
MORE_BUDGETS = (4, 15, 20)  # of points in the plane


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--models", nargs="+", default=SHOWN)
    arguments.add_argument("--solvers", nargs="+", default=SOLVERS_SHOWN)
    arguments.add_argument("--budgets", nargs="+", type=int, help="the usual ones by default")
    arguments.add_argument("--minutes", type=float, default=120.0, help="stop after so many")
    arguments.add_argument("--threads", type=int, default=1)
    arguments.add_argument("--file", type=Path, default=FILE, help="where to write it")
    arguments.add_argument(
        "--join", nargs="+", type=Path, default=[], help="take these in, and end"
    )
    arguments.add_argument("--fresh", action="store_true", help="forget what there is")
    arguments.add_argument("--report", action="store_true", help="print what it says in words")
    given = arguments.parse_args()

    board = Board()
    if given.file.exists() and not given.fresh:
        board = Board.from_json(given.file.read_text())
    if given.join:
        for path in given.join:
            board = joined(board, Board.from_json(path.read_text()))
        write(board, given.file)
        return
    if given.report:
        print(report(board))
        return
    torch.set_num_threads(given.threads)
    os.nice(10)
    spent = (float(str(board.made.get("seconds", 0))), float(str(board.made.get("cpu_seconds", 0))))
    began = time.monotonic()
    job = columns(given.models, given.solvers, given.budgets, board)
    for progress in job:
        taken = time.monotonic() - began
        if progress.stage == "contests":
            facts = made(given.threads, spent[0] + taken, spent[1] + time.process_time())
            write(replace(progress.snapshot, made=facts), given.file)
            last = progress.snapshot.contests[-1]
            print(f"{last.name}: {last.ranked[0].key}, {last.seconds:.0f} s", flush=True)
        if taken > 60 * given.minutes:
            job.close()
            break


def columns(
    models: Sequence[str], solvers: Sequence[str], budgets: Sequence[int] | None, board: Board
) -> Job[Board]:
    """The usual budgets for all models first, then more of them where calls are cheap."""
    board = yield from leaderboard(models, solvers, budgets or BUDGETS, before=board)
    if budgets:
        return board
    points = [model for model in models if MODELS[model].spec.kind == "points"]
    return (yield from leaderboard(points, solvers, MORE_BUDGETS, before=board))


def made(threads: int, seconds: float, cpu_seconds: float) -> dict[str, object]:
    """When, where and with what. `seconds`: waited; `cpu_seconds`: of processor time."""
    packages = ("torch", "diffusers", "numpy")
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "machine": f"{processor()}, {os.cpu_count()} cores, threads used: {threads}",
        "seconds": round(seconds),
        "cpu_seconds": round(cpu_seconds),
        "versions": {name: importlib.metadata.version(name) for name in packages},
        "sets": SETS,
        "training_noises": TRIED,
        "tries": TRIES,
    }


def processor() -> str:
    """The processor's name, where the system tells."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())


def joined(board: Board, part: Board) -> Board:
    """With the columns of `part` that are not there yet. Times add up, the later date counts."""
    if not board.contests:
        return part
    same = ("machine", "versions", "sets", "training_noises", "tries")
    if any(board.made[name] != part.made[name] for name in same):
        raise SystemExit("these boards were not made alike: on one machine, with one version")
    new = [c for c in part.contests if not board.has(c.model, c.solver, c.nfe)]
    facts = {**board.made, "date": max(str(board.made["date"]), str(part.made["date"]))}
    for name in ("seconds", "cpu_seconds"):
        facts[name] = float(str(board.made[name])) + float(str(part.made[name]))
    return Board((*board.contests, *new), facts)


def write(board: Board, file: Path) -> None:
    """Whole or not at all."""
    part = file.with_suffix(".part")
    part.write_text(board.to_json())
    part.replace(file)


if __name__ == "__main__":
    main()

"""Computes the leaderboard, a file for each model beside this one: `make leaderboard`.

Every finished column is written at once, and a new run goes on from there; `--fresh` starts anew,
`--again` judges what was found before again, without another search.
`--report` prints docs/leaderboard.md, what the boards say, and computes nothing.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import platform
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # a script knows its own folder only: the imports below need it

from ays_core.job import Job  # noqa: E402
from ays_core.leaderboard import Board, leaderboard, report, shipped  # noqa: E402
from ays_core.leaderboard.entrants import ORACLE_TRIED, TRIED, TRIES  # noqa: E402
from ays_core.leaderboard.work import BUDGETS, SETS, SOLVERS_SHOWN  # noqa: E402
from ays_core.models import MODELS  # noqa: E402

FOLDER = Path(__file__).parent
SHOWN = tuple(key for key, entry in MODELS.items() if entry.spec.exact)  # a network takes too long
MORE_BUDGETS = (4, 15, 20)  # after the usual ones
EMPTY = Board()


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--models", nargs="+", choices=SHOWN, default=SHOWN)
    arguments.add_argument("--solvers", nargs="+", default=SOLVERS_SHOWN)
    arguments.add_argument("--budgets", nargs="+", type=int, default=(*BUDGETS, *MORE_BUDGETS))
    arguments.add_argument("--minutes", type=float, default=240.0, help="stop after so many")
    arguments.add_argument("--threads", type=int, default=1)
    how = arguments.add_mutually_exclusive_group()
    how.add_argument("--fresh", action="store_true", help="forget what there is")
    how.add_argument("--again", action="store_true", help="judge again what was found before")
    how.add_argument("--report", action="store_true", help="print what they say in words")
    given = arguments.parse_args()

    boards = shipped(FOLDER)
    if given.report:
        print(report(list(boards.values())))
        return
    torch.set_num_threads(given.threads)
    os.nice(10)
    end = time.monotonic() + 60 * given.minutes
    for model in given.models:
        there = boards.get(model, EMPTY)
        before, known = (EMPTY, there) if given.again else (there, EMPTY)
        if given.fresh:
            before = EMPTY
        job = leaderboard([model], given.solvers, given.budgets, before=before, known=known)
        compute(job, FOLDER / f"{model}.json", before, given.threads, end)


def compute(job: Job[Board], file: Path, before: Board, threads: int, end: float) -> None:
    """Writes every column as it is finished, until there are no more or it is `end`."""
    began, cpu = time.monotonic(), time.process_time()
    earlier = [float(str(before.made.get(key, 0))) for key in ("seconds", "cpu_seconds")]
    for progress in job:
        if progress.stage == "contests":
            taken = time.monotonic() - began, time.process_time() - cpu
            facts = made(threads, earlier[0] + taken[0], earlier[1] + taken[1])
            write(replace(progress.snapshot, made=facts), file)
            last = progress.snapshot.contests[-1]
            print(f"{last.name}: {last.ranked[0].key}, {last.seconds:.0f} s", flush=True)
        if time.monotonic() > end:
            job.close()


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
        "oracle_noises": ORACLE_TRIED,
        "tries": TRIES,
    }


def processor() -> str:
    """The processor's name, where the system tells."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())


def write(board: Board, file: Path) -> None:
    """Whole or not at all."""
    part = file.with_suffix(".part")
    part.write_text(board.to_json())
    part.replace(file)


if __name__ == "__main__":
    main()

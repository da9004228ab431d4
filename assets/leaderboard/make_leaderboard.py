"""Computes leaderboard.json, beside this file: `python assets/leaderboard/make_leaderboard.py`.

Every finished column is written at once, and a new run goes on from there; `--fresh` starts anew.
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
sys.path.insert(0, str(ROOT))

from ays_core.leaderboard import SETS, TRAINING, Board, leaderboard  # noqa: E402

FILE = Path(__file__).with_name("leaderboard.json")
MODELS = ("gaussians", "checkerboard", "grid", "scenes")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--models", nargs="+", default=MODELS)
    arguments.add_argument("--minutes", type=float, default=60.0, help="stop after so many")
    arguments.add_argument("--threads", type=int, default=2)
    arguments.add_argument("--fresh", action="store_true", help="forget what there is")
    given = arguments.parse_args()
    torch.set_num_threads(given.threads)
    os.nice(10)

    board = Board()
    if FILE.exists() and not given.fresh:
        board = Board.from_json(FILE.read_text())
    began, spent = time.monotonic(), float(str(board.made.get("seconds", 0)))
    job = leaderboard(given.models, before=board)
    for progress in job:
        taken = time.monotonic() - began
        if progress.stage == "contests":
            write(replace(progress.snapshot, made=made(given.threads, spent + taken)))
            last = progress.snapshot.contests[-1]
            print(f"{last.model} {last.solver} {last.nfe}: {last.ranked[0].key}", flush=True)
        if taken > 60 * given.minutes:
            job.close()
            break


def made(threads: int, seconds: float) -> dict[str, object]:
    """When, where and with what."""
    packages = ("torch", "diffusers", "numpy")
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, threads used: {threads}",
        "seconds": round(seconds),
        "versions": {name: importlib.metadata.version(name) for name in packages},
        "sets": SETS,
        "training_noises": TRAINING,
    }


def write(board: Board) -> None:
    """Whole or not at all."""
    part = FILE.with_suffix(".part")
    part.write_text(board.to_json())
    part.replace(FILE)


if __name__ == "__main__":
    main()

"""Searches again the schedules that are shipped for the first comparison, and writes them with
their record: `make defaults`.

For `scenes` with Euler and 6 steps, the last of them into 0: what OSS finds over 128 training
noises, and karras with its range tuned on 64 of them. What both are worth is measured on 320 noises
not used for either, and goes into the record.
"""

from __future__ import annotations

import json
import sys
from importlib.metadata import version
from typing import Any

from ays_core.comparison import Cell, Comparison
from ays_core.denoiser import bind
from ays_core.job import Progress, run
from ays_core.models import load_model
from ays_core.optimizers import OPTIMIZERS
from ays_core.optimizers.judge import judge
from ays_core.optimizers.tuned_range import tuned
from ays_core.schedule import Schedule
from ays_core.schedules import SCHEDULES, TABLES

MODEL, SOLVER, STEPS = "scenes", "euler", 6


def table(schedule: Schedule, key: str, label: str, held_out: dict[str, Any]) -> dict[str, Any]:
    """The schedule in the form of `ays_core/schedules/tables.py`."""
    origin = schedule.origin
    made_for = {"model": MODEL, "solver": SOLVER, "steps": STEPS, "guidance": 1.0, "space": "vp"}
    return {
        "key": key,
        "label": label,
        "reference": origin.reference,
        "sigmas": list(schedule.sigmas),
        "made_for": made_for,
        "origin": {"method": origin.method, "params": origin.params, "parent": origin.parent},
        "record": {
            "held_out": held_out,
            **{name: version(name).partition("+")[0] for name in ("torch", "diffusers")},
        },
    }


def held_out(result: Comparison) -> dict[str, Any]:
    """Every schedule's numbers on the noises that nothing was optimised on."""

    def numbers(cell: Cell) -> dict[str, float]:
        return {key: float(f"{value:.4g}") for key, value in cell.metrics.items()}

    num = len(result.cells[0].run.samples) if result.cells[0].run else 0
    by_method = {cell.schedule.origin.method: numbers(cell) for cell in result.cells}
    return {"seed": result.seed, "num": num, "metrics": by_method, "floors": dict(result.floors)}


def show(progress: Progress) -> None:
    print(f"\r{progress.stage}: {progress.done} of {progress.total}   ", end="", file=sys.stderr)


def main() -> None:
    denoise = bind(load_model(MODEL))
    start = SCHEDULES["karras"].make(STEPS, denoise.spec)
    found = run(OPTIMIZERS["oss"].make(denoise, start, SOLVER), show)
    twin = run(tuned(denoise, "karras", STEPS, SOLVER), show)
    verdict = run(judge(denoise, found, start, SOLVER, twins=[twin]), show)
    measured = held_out(verdict.comparison)
    where = denoise.spec.label
    for schedule, key, label in (
        (found, f"oss_{MODEL}_{SOLVER}_{STEPS}", f"OSS for {where}"),
        (twin, f"karras_tuned_{MODEL}_{SOLVER}_{STEPS}", f"Karras, range tuned, for {where}"),
    ):
        text = json.dumps(table(schedule, key, label, measured), indent=1, ensure_ascii=False)
        (TABLES / f"{key}.json").write_text(text + "\n", encoding="utf-8")
    print(f"\n{verdict.sentence}")


if __name__ == "__main__":
    main()

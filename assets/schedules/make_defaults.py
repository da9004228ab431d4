"""Search the schedules that are shipped for the embedded models: `make defaults`.

Each becomes a table beside this file, in the form that ays_core/schedules/tables.py documents,
with the record of its search. Nothing here depends on which noises the app shows or judges on.
"""

from __future__ import annotations

import importlib.metadata
import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from ays_core.denoiser import bind  # noqa: E402
from ays_core.job import run  # noqa: E402
from ays_core.models import MODELS  # noqa: E402
from ays_core.optimizers import OPTIMIZERS  # noqa: E402
from ays_core.optimizers.tuned_range import tuned  # noqa: E402
from ays_core.schedule import Schedule  # noqa: E402
from ays_core.schedules import SCHEDULES  # noqa: E402

HERE = Path(__file__).parent
# (optimizer, range-tuned closed form, model, solver, steps): what the app opens with
SHIPPED = (("oss", "karras", "scenes", "euler", 6),)


def search(method: str, model: str, solver: str, steps: int) -> Schedule:
    """The schedule that `method` finds from karras with its own defaults."""
    denoise = bind(MODELS[model].load())
    start = SCHEDULES["karras"].make(steps, denoise.spec)
    return run(OPTIMIZERS[method].make(denoise, start, solver))


def twin(key: str, model: str, solver: str, steps: int) -> Schedule:
    """The closed form `key` with its range tuned."""
    return run(tuned(bind(MODELS[model].load()), key, steps, solver))


def table(key: str, label: str, schedule: Schedule, model: str, solver: str) -> dict:
    """The schedule as a table of the catalogue."""
    origin, spec, steps = schedule.origin, MODELS[model].spec, schedule.num_steps
    versions = {
        name: importlib.metadata.version(name).partition("+")[0] for name in ("torch", "diffusers")
    }
    made_for: dict[str, Any] = {"model": model, "solver": solver, "steps": steps}
    return {
        "key": f"{key}_{model}_{solver}_{steps}",
        "label": f"{label} for {spec.label}",
        "reference": origin.reference,
        "sigmas": list(schedule.sigmas),
        "made_for": made_for | {"guidance": 1.0, "space": spec.path.name},
        "origin": {"method": origin.method, "params": dict(origin.params), "parent": origin.parent},
        "record": versions,
    }


def write(content: dict) -> None:
    path = HERE / f"{content['key']}.json"
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    print(path.name, [round(sigma, 4) for sigma in content["sigmas"]])


if __name__ == "__main__":
    for method, key, model, solver, steps in SHIPPED:
        where = (model, solver, steps)
        write(table(method, method.upper(), search(method, *where), model, solver))
        label = f"{SCHEDULES[key].label}, range tuned,"
        write(table(f"{key}_tuned", label, twin(key, *where), model, solver))

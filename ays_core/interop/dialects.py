"""One pair of functions per target: what we write, and how the target itself reads it."""

from __future__ import annotations

import csv
import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from ays_core.catalogue import Catalogue, Entry
from ays_core.interop.snippets import assigned_list, native, write_diffusers, write_kdiffusion
from ays_core.paths import ModelSpec
from ays_core.schedule import Schedule

PRINTED = 1e-7  # relative; targets compute in float32


@dataclass(frozen=True)
class Dialect(Entry):
    """`make(schedule, spec or None)` writes; `read` gives the numbers the target would run on.

    Those are our VE levels, or, where `native`, the model family's own: times for flow models.
    What `runs` the levels and does not only list them takes a solver as well.
    """

    read: Callable[[str], list[float]] = field(kw_only=True)
    suffix: str = ".txt"
    native: bool = False
    runs: bool = False


DIALECTS: Catalogue[Dialect] = Catalogue("dialect")


def write(
    dialect: str, schedule: Schedule, spec: ModelSpec | None = None, solver: str = "euler"
) -> str:
    """`schedule` as text for a target. `spec` adds what is known of the model; `solver` counts
    where the text runs the levels.

    The text is read back by the target's own rule first; `ValueError` when the target cannot run
    these levels.
    """
    target = DIALECTS[dialect]
    text = target.make(schedule, spec, *[solver] * target.runs)
    heard = np.array(target.read(text))
    meant = np.array(native(schedule, spec) if target.native else schedule.sigmas)
    if heard.shape != meant.shape or not np.allclose(heard, meant, rtol=PRINTED, atol=0):
        raise ValueError(f"{target.label} would not run these levels as they are")
    return text


def fixed_point(sigma: float) -> str:
    """Nine significant digits, never an exponent."""
    return np.format_float_positional(sigma, precision=9, fractional=False, trim="0")


# --- plain, CSV, JSON ----------------------------------------------------------------------------


# Every writer is given the model; what is plain needs nothing of it.
def write_plain(schedule: Schedule, spec: ModelSpec | None = None) -> str:  # noqa: ARG001
    return "".join(f"{sigma!r}\n" for sigma in schedule.sigmas)


def read_plain(text: str) -> list[float]:
    return [float(line) for line in text.split()]


def write_csv(schedule: Schedule, spec: ModelSpec | None = None) -> str:
    """Timesteps in the model's training convention (table index; 1000 t for flow), where it has
    one. log_snr = -2 ln sigma."""
    rows = ["step,sigma,timestep,log_snr"]
    for i, sigma in enumerate(schedule.sigmas):
        timestep = _timestep(sigma, spec)
        log_snr = f"{-2 * np.log(sigma):.6f}" if sigma else ""
        rows.append(f"{i},{sigma!r},{timestep},{log_snr}")
    return "\n".join(rows) + "\n"


def _timestep(sigma: float, spec: ModelSpec | None) -> str:
    if spec is None or not sigma or spec.path.name == "ve":
        return ""
    time = float(spec.path.time(np.array(sigma)))
    return f"{1000 * time if spec.path.name == 'flow' else time:.4f}"


def read_csv(text: str) -> list[float]:
    return [float(row["sigma"]) for row in csv.DictReader(text.splitlines())]


def write_json(schedule: Schedule, spec: ModelSpec | None = None) -> str:
    """What a reader needs to use the levels; only `sigmas` is needed to read them back."""
    origin = schedule.origin
    content: dict[str, object] = {
        "sigmas": list(schedule.sigmas),
        "steps": schedule.num_steps,
        "origin": {
            "method": origin.method,
            "params": dict(origin.params),
            "reference": origin.reference,
            "parent": origin.parent,
        },
        "sha256": hashlib.sha256(repr(schedule.sigmas).encode()).hexdigest(),
    }
    if spec is not None:
        content["model"] = {
            "key": spec.key,
            "label": spec.label,
            "path": spec.path.name,
            "prediction": spec.prediction,
            "sigma_min": spec.sigma_min,
            "sigma_max": spec.sigma_max,
        }
        if spec.path.name == "flow":
            content["flow_times"] = native(schedule, spec)
            content["shift"] = "already applied"
    return json.dumps(content, indent=2) + "\n"


def read_json(text: str) -> list[float]:
    return [float(sigma) for sigma in json.loads(text)["sigmas"]]


# --- ComfyUI -------------------------------------------------------------------------------------


def write_comfyui(schedule: Schedule, spec: ModelSpec | None = None) -> str:
    """One line for the ManualSigmas node, which takes the numbers as they are."""
    return ", ".join(map(fixed_point, native(schedule, spec))) + "\n"


def read_comfyui(text: str) -> list[float]:
    """ManualSigmas: every number a regular expression finds. It knows no exponents."""
    if ".." in text:
        raise ValueError("ComfyUI cannot read '..'")
    return [float(number) for number in re.findall(r"[-+]?(?:\d*\.*\d+)", text)]


for entry in (
    Dialect("plain", "Plain list", write_plain, "one level a line", read=read_plain),
    Dialect("json", "JSON", write_json, "RFC 8259", read=read_json, suffix=".json"),
    Dialect("csv", "CSV", write_csv, "RFC 4180", read=read_csv, suffix=".csv"),
    Dialect(
        "comfyui",
        "ComfyUI ManualSigmas",
        write_comfyui,
        "ComfyUI, node ManualSigmas",
        read=read_comfyui,
        native=True,
    ),
    Dialect(
        "diffusers",
        "diffusers",
        write_diffusers,
        "diffusers, pipe.scheduler",
        read=assigned_list,
        suffix=".py",
        native=True,
        runs=True,
    ),
    Dialect(
        "kdiffusion",
        "k-diffusion",
        write_kdiffusion,
        "k-diffusion, sample_* functions",
        read=assigned_list,
        suffix=".py",
    ),
):
    DIALECTS.add(entry)

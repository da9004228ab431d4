"""Searches with what the library holds: what was measured once is not measured again.

A measurement that was stopped is kept as far as it came, and gone on with the next time.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from inspect import signature
from typing import Any

import torch

from ays_core.denoiser import Bound
from ays_core.job import Job, Progress, relay, run
from ays_core.library import Library
from ays_core.models import MODELS
from ays_core.optimizers import OptimizerEntry
from ays_core.optimizers.entry import check_seeds
from ays_core.sampling import start_noise
from ays_core.schedule import Schedule
from ays_core.statistics import Statistics, measure_model, measured_key

FORMAT = 1  # of what is measured: raise it when the same arguments give something else
LEVELS, PATHS = 96, 256  # of a measurement, where a search asks for nothing else


def measurement_key(denoise: Bound, levels: int = LEVELS, paths: int = PATHS, seed: int = 0) -> str:
    """All that a measurement depends on. What a catalogue model is, its key says; of any other, one
    answer is asked for: files change and keep their names."""
    known = denoise.spec.key in MODELS and MODELS[denoise.spec.key].load() is denoise.model
    answer = [] if known else _answer(denoise)
    asked = json.dumps([FORMAT, measured_key(denoise), answer, levels, paths, seed])
    return hashlib.sha256(asked.encode()).hexdigest()


def _answer(denoise: Bound) -> list[float]:
    """D of one noisy sample, to three digits: by this a model is known again."""
    with torch.no_grad():
        x = start_noise(denoise.spec, max(1, len(denoise.conditions)), 0) * denoise.spec.sigma_data
        x0 = denoise(x, denoise.spec.sigma_data) / denoise.spec.sigma_data
    return [round(value, 3) for value in x0.flatten()[:64].tolist()]


def kept(
    library: Library, denoise: Bound, levels: int = LEVELS, paths: int = PATHS, seed: int = 0
) -> Statistics | None:
    """The measurement that the library has, finished or not; None for none, or where the library
    cannot be read: it only saves time."""
    try:
        content = library.measurement(measurement_key(denoise, levels, paths, seed))
        return None if content is None else Statistics.from_bytes(content)
    except ValueError:
        return None


def measure_once(
    library: Library, denoise: Bound, levels: int = LEVELS, paths: int = PATHS, seed: int = 0
) -> Job[Statistics]:
    """The library's measurement, or a new one that is put there, when it is stopped, too."""
    found = kept(library, denoise, levels, paths, seed)
    if found is not None and found.num_paths >= paths:
        return found
    newest = found

    def seen(p: Progress) -> Progress:
        nonlocal newest
        newest = p.snapshot or newest
        return p

    job = measure_model(denoise, levels=levels, paths=paths, seed=seed, measured=found)
    try:
        return (yield from relay(job, seen))
    finally:
        if newest is not None and newest is not found:
            key = measurement_key(denoise, levels, paths, seed)
            with suppress(ValueError):  # a library that cannot be written saves no time later
                library.put_measurement(key, newest.to_bytes())


def search(
    library: Library,
    entry: OptimizerEntry,
    denoise: Bound,
    start: Schedule,
    solver: str,
    *,
    seed: int = 0,
    **own: Any,
) -> Job[Schedule]:
    """The optimizer `entry` from `start`, with the library's measurement where it takes one. The
    record counts what was measured for this search."""
    make = entry.make
    if not takes_measurement(entry):
        return (yield from make(denoise, start, solver, seed=seed, **own))
    check_seeds(seed, entry.seeds(solver, **own))  # before it is measured
    levels, paths = own.get("levels", LEVELS), own.get("paths", PATHS)
    before = kept(library, denoise, levels, paths, seed)
    walk = measure_once(library, denoise, levels, paths, seed)
    statistics = yield from with_guesses(walk, entry, denoise, start, solver, **own)
    measured_now = statistics.num_paths - (before.num_paths if before else 0)
    spent = measured_now * (len(statistics.levels) + denoise.draw_steps)

    def counted(schedule: Schedule) -> Schedule:
        params = schedule.origin.params
        if "evaluations" not in params:
            return schedule
        params = {**params, "evaluations": params["evaluations"] + spent}  # pyright: ignore
        return Schedule(schedule.sigmas, replace(schedule.origin, params=params))

    job = make(denoise, start, solver, seed=seed, measurement=statistics, **own)
    return counted(
        (yield from relay(job, lambda p: replace(p, snapshot=p.snapshot and counted(p.snapshot))))
    )


def with_guesses(
    walk: Job[Statistics],
    entry: OptimizerEntry,
    denoise: Bound,
    start: Schedule,
    solver: str,
    **own: Any,
) -> Job[Statistics]:
    """`walk` with schedules as snapshots: the arithmetic part of the search with what is measured
    so far, `start` before there is anything."""
    newest: tuple[Statistics | None, Schedule] = (None, start)

    def shown(p: Progress) -> Progress:
        nonlocal newest
        if p.snapshot is not None and p.snapshot is not newest[0]:
            job = entry.make(
                denoise, start, solver, measurement=p.snapshot, **arithmetic(entry, own)
            )
            newest = p.snapshot, run(job)
        return replace(p, snapshot=newest[1])

    return (yield from relay(walk, shown))


def arithmetic(entry: OptimizerEntry, own: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters with which a measurement is all that the search needs: the solver is not tried."""
    if "stop" not in signature(entry.make).parameters:
        return dict(own)
    power = own.get("power", "auto")
    return {**own, "stop": "converged", "power": "1" if power == "auto" else power}


def cost(
    library: Library,
    entry: OptimizerEntry,
    denoise: Bound,
    start: Schedule,
    solver: str,
    **own: Any,
) -> tuple[int, int]:
    """Evaluations that `search` will take, about, and those that the library saves."""
    total = entry.evaluations(start, solver, denoise=denoise, **own)
    if not takes_measurement(entry):
        return total, 0
    seed = own.get("seed", 0)
    found = kept(library, denoise, own.get("levels", LEVELS), own.get("paths", PATHS), seed)
    saved = found.evaluations if found else 0
    return max(total - saved, 0), saved


def takes_measurement(entry: OptimizerEntry) -> bool:
    return "measurement" in signature(entry.make).parameters

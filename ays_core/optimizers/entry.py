"""What every optimizer is, and the record that its result carries.

An optimizer is `make(denoise, start, solver, *, seed, **own) -> Job[Schedule]`. Step count, sigma
range and final 0 are those of `start`. Its snapshots and its result are schedules alike: their
`origin.params` say how they were found, up to the objective along the way (`curve`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ays_core.catalogue import Catalogue, Entry
from ays_core.denoiser import Bound
from ays_core.params import adjustable
from ays_core.sampling import start_noise
from ays_core.schedule import Origin, Schedule
from ays_core.solvers import SOLVERS

TRAINING_SEEDS = 10_000  # optimizers use the seeds below; what is shown and judged uses others


@dataclass(frozen=True)
class OptimizerEntry(Entry):
    """`about`: what it minimises, in a sentence. `learns_from`: the parameter that says on how many
    clean samples, "" where it takes none. `evaluations(start, solver, denoise=None, **own)`: what
    it will cost, in denoiser evaluations of one sample each, drawing those samples apart: exactly,
    or where a search decides itself, about. `denoise` None: as for pictures without conditions.
    """

    about: str = ""
    learns_from: str = ""
    evaluations: Callable[..., int] = lambda *_args, **_own: 0

    def samples(self, own: Mapping[str, Any]) -> int:
        """On how many clean samples it learns, with these parameters."""
        usual = {parameter.name: parameter.default for parameter in adjustable(self.make)}
        return {**usual, **own}[self.learns_from] if self.learns_from else 0


OPTIMIZERS: Catalogue[OptimizerEntry] = Catalogue("optimizer")


def record(
    method: str,
    denoise: Bound,
    start: Schedule,
    solver: str,
    own: Mapping[str, Any],
    *,
    evaluations: int,
    objective: str,
    curve: Sequence[float],
) -> Origin:
    """Where a schedule that was searched for comes from, and what it is good for.

    `own`: the optimizer's parameters, seed included. `objective`: what `curve` measures, in words.
    """
    return Origin(
        method,
        {
            "model": denoise.spec.key,
            "solver": SOLVERS[solver].key,
            "conditions": list(denoise.conditions),
            "guidance": denoise.guidance,
            **({"negative": denoise.away_from} if denoise.away_from else {}),
            **({"data": denoise.data_origin} if denoise.data_origin else {}),
            "steps": start.num_steps,
            "sigma_max": start.sigmas[0],
            "sigma_min": start.positive[-1],
            "final_zero": start.final_zero,
            **own,
            "evaluations": evaluations + (denoise.own.evaluations if denoise.own else 0),
            "objective": objective,
            "curve": [float(value) for value in curve],
        },
        OPTIMIZERS[method].reference if method in OPTIMIZERS else "",
        parent=start.origin.method,
    )


def training_noise(denoise: Bound, num: int, seed: int):
    """Unit noise of seeds seed ... seed + num - 1, all of them for training, or a `ValueError`."""
    if seed < 0 or seed + num > TRAINING_SEEDS:
        raise ValueError(
            f"seeds {seed} to {seed + num - 1}: optimizers use 0 to {TRAINING_SEEDS - 1}, so that "
            "results can be judged on noises never optimised on"
        )
    return start_noise(denoise.spec, num, seed)

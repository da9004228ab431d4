"""What every optimizer is.

An optimizer is `make(denoise, start, solver, *, seed, **own) -> Job[Schedule]`. Step count, sigma
range and final 0 are those of `start`. Its snapshots and its result are schedules alike: their
`origin.params` say how they were found (`record`), up to the objective along the way (`curve`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ays_core.catalogue import Catalogue, Entry
from ays_core.denoiser import Batch, Bound
from ays_core.params import adjustable
from ays_core.sampling import start_noise

TRAINING_SEEDS = 10_000  # optimizers use the seeds below; what is shown and judged uses others


@dataclass(frozen=True)
class OptimizerEntry(Entry):
    """`about`: what it minimises, in a sentence. `learns_from`: the parameter that says on how many
    clean samples, "" where it takes none. `seeds(solver, **own)`: how many training seeds it uses,
    from its own on. `evaluations(start, solver, denoise=None, **own)`: what
    it will cost, in denoiser evaluations of one sample each, drawing those samples apart: exactly,
    or where a search decides itself, about. `denoise` None: as for pictures without conditions.
    """

    about: str = ""
    learns_from: str = ""
    seeds: Callable[..., int] = lambda _solver, **_own: 1
    evaluations: Callable[..., int] = lambda *_args, **_own: 0

    def samples(self, own: Mapping[str, Any]) -> int:
        """On how many clean samples it learns, with these parameters."""
        usual = {parameter.name: parameter.default for parameter in adjustable(self.make)}
        return {**usual, **own}[self.learns_from] if self.learns_from else 0


OPTIMIZERS: Catalogue[OptimizerEntry] = Catalogue("optimizer")


def check_seeds(seed: int, num: int) -> None:
    """A `ValueError` unless seeds seed ... seed + num - 1 are all for training."""
    if seed < 0 or seed + num > TRAINING_SEEDS:
        raise ValueError(
            f"seeds {seed} to {seed + num - 1}: optimise on 0 to {TRAINING_SEEDS - 1:,}, so that "
            "results can be judged on noises never optimised on"
        )


def training_noise(denoise: Bound, num: int, seed: int) -> Batch:
    """Unit noise of seeds seed ... seed + num - 1, all of them for training, or a `ValueError`."""
    check_seeds(seed, num)
    return start_noise(denoise.spec, num, seed)

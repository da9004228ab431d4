"""How well a schedule serves its solver, tried on training noises: what optimizers choose by.

Deterministic solvers are tried against the reference run of the same noises. A stochastic one is
tried as a set of samples: against exact samples, or where there are none (a network, guidance)
against a fine run of the solver itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import torch

from ays_core.compare import REFERENCE_SOLVER, REFERENCE_STEPS, HasFeatures, reference_run
from ays_core.denoiser import Batch, Bound
from ays_core.job import Job
from ays_core.metrics import METRICS
from ays_core.optimizers.entry import training_noise
from ays_core.sampling import SampleRun, sample, sample_together
from ays_core.schedule import Schedule
from ays_core.schedules import SCHEDULES
from ays_core.solvers import SOLVERS, check_steps

FINE_STEPS = 50  # of a stochastic solver's own fine run


@dataclass(frozen=True, eq=False)
class Trial:
    """A solver's exam: the noise, (B, *sample_shape), and what should come of it (`target`:
    samples for "rmse", features for "sliced_w2"). Lower scores are better. `evaluations`: what it
    cost to prepare.

    Schedules that begin at one level ask the denoiser the same first question: of those tried
    together or one after another, the first alone pays for it.
    """

    denoise: Bound
    solver: str
    noise: Batch
    seed: int
    metric: str
    target: torch.Tensor
    evaluations: int = 0
    _first: dict[float, Batch] = field(init=False, repr=False, default_factory=dict)  # x0 by level

    @property
    def num(self) -> int:
        return len(self.noise)

    @property
    def measures(self) -> str:
        """What a score is, in words."""
        to = "the reference run" if self.metric == "rmse" else "the samples it should give"
        return f"{METRICS[self.metric].label.lower()} to {to}, {self.num} training noises"

    def few(self, num: int) -> Trial:
        """The exam on the first `num` noises only, where samples are held against their own."""
        if self.metric != "rmse":
            raise ValueError("sets of samples cannot be compared on a part of them")
        return replace(self, noise=self.noise[:num], target=self.target[:num], evaluations=0)

    def batches(self, schedules: Sequence[Schedule]) -> list[Sequence[Schedule]]:
        """Those that `scores` should try in one batch: as many as pay with this model."""
        size = max(1, self.denoise.rows_together // self.num)
        return [schedules[i : i + size] for i in range(0, len(schedules), size)]

    def cost(self, *schedules: Schedule) -> int:
        """Evaluations that `scores` takes next: none for levels that model or solver refuses."""
        able, nfe = list(filter(self.runs, schedules)), SOLVERS[self.solver].nfe
        later = sum(nfe(schedule.num_steps, schedule.final_zero) - 1 for schedule in able)
        first = {schedule.sigmas[0] for schedule in able} - set(self._first)
        return (len(first) + later) * self.num

    def runs(self, schedule: Schedule) -> bool:
        """Whether model and solver take these levels."""
        try:
            check_steps(SOLVERS[self.solver], self.denoise.spec.check(schedule))
        except ValueError:
            return False
        return True

    def score(self, schedule: Schedule) -> Job[float]:
        """The schedule's score; infinite where the solver cannot run it."""
        return (yield from self.scores(schedule))[schedule]

    def scores(self, *schedules: Schedule) -> Job[dict[Schedule, float]]:
        """The score of each, tried in one batch: schedules with equally many calls."""
        found = dict.fromkeys(schedules, float("inf"))
        able = list(filter(self.runs, schedules))
        if not able:
            return found
        asked = (self.denoise, able, self.solver, self.noise)
        ran = yield from sample_together(*asked, seed=self.seed, first=self._first_calls(able))
        for schedule, x in zip(able, ran, strict=True):
            if torch.isfinite(x).all():
                samples = x if self.metric == "rmse" else features(self.denoise, x)
                found[schedule] = METRICS[self.metric].make(samples, self.target)
        return found

    def _first_calls(self, schedules: Sequence[Schedule]) -> list[Batch]:
        """x0 of the first call of each."""
        levels = [schedule.sigmas[0] for schedule in schedules]
        new = [level for level in dict.fromkeys(levels) if level not in self._first]
        if new:
            x = torch.stack([self.noise * level for level in new])
            with torch.no_grad():
                self._first.update(zip(new, self.denoise.at_levels(x, new), strict=True))
        first = [self._first[level] for level in levels]
        self._first.clear()  # the newest only: each is as large as the noise
        self._first[levels[-1]] = first[-1]
        return first


def prepare(
    denoise: Bound, solver: str, num: int, seed: int, reference: SampleRun | None = None
) -> Job[Trial]:
    """The exam of `solver` on `num` training noises from `seed` on. Costs a reference run of them,
    unless the caller has it, or a fine run of a stochastic solver without exact samples."""
    solver = SOLVERS[solver].key
    noise = training_noise(denoise, num, seed)
    if not SOLVERS[solver].stochastic:
        given, spent = reference, 0
        if given is None:
            given = yield from reference_run(denoise, noise)
            spent = given.nfe * num
        return Trial(denoise, solver, noise, seed, "rmse", given.samples, spent)
    if has_exact_samples(denoise):
        exact = features(denoise, denoise.data(num, seed))
        return Trial(denoise, solver, noise, seed, "sliced_w2", exact)
    fine = SCHEDULES["karras"].make(FINE_STEPS, denoise.spec)
    ran = yield from sample(denoise, fine, solver, noise.flip(0), seed=seed)
    target = features(denoise, ran.samples)
    return Trial(denoise, solver, noise, seed, "sliced_w2", target, ran.nfe * num)


def preparing(denoise: Bound | None, solver: str) -> int:
    """Denoiser calls for every noise that `prepare` takes. None: as for pictures."""
    entry = SOLVERS[solver]
    if not entry.stochastic:
        steps = REFERENCE_STEPS[denoise.spec.kind if denoise else "pictures"]
        return SOLVERS[REFERENCE_SOLVER].nfe(steps, final_zero=True)
    return 0 if denoise and has_exact_samples(denoise) else entry.nfe(FINE_STEPS, final_zero=True)


def trying(solver: str, start: Schedule, tries: int, *, free_first: bool = False) -> int:
    """Denoiser calls for every noise that `tries` schedules with the steps of `start` take in one
    exam. With a `free_first` level at most: it may be the same for some."""
    calls = SOLVERS[solver].nfe(start.num_steps, start.final_zero)
    return tries * calls if free_first else 1 + tries * (calls - 1)


def has_exact_samples(denoise: Bound) -> bool:
    """Whether a set of samples can be held against the data themselves."""
    return isinstance(denoise.model, HasFeatures) and denoise.guidance == 1


def given_or_prepared(
    given: Trial | None, denoise: Bound, solver: str, num: int, seed: int
) -> Job[Trial]:
    """The exam that a caller has prepared and paid for, else a new one. Refuses one of another
    model or solver with a `ValueError`."""
    if given is None:
        return (yield from prepare(denoise, solver, num, seed))
    if given.denoise is not denoise or given.solver != SOLVERS[solver].key:
        raise ValueError(f"that is a trial of {given.solver}, not of {solver} with this model")
    return replace(given, evaluations=0)


def sets(solver: str) -> int:
    """How many times as many noises a stochastic solver is tried on: it is judged by a distance
    between sets of samples, which needs more of them than errors of pairs do."""
    return 8 if SOLVERS[solver].stochastic else 1


def features(denoise: Bound, x: Batch) -> torch.Tensor:
    """The coordinates in which sets are compared: the model's own, else all elements. (B, d)."""
    if isinstance(denoise.model, HasFeatures):
        return denoise.model.features(x)
    return x.flatten(1)

"""Who enters a contest: closed forms, their range-tuned twins, published tables, every optimizer's
results.

A star: with the range free, too. All that is tried on the target solver is tried on the same
training noises; trials, references, measurement and searches are made once for a model.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ays_core.compare import reference_run
from ays_core.comparison import TUNED
from ays_core.denoiser import Bound
from ays_core.job import Job
from ays_core.leaderboard.board import ORACLE
from ays_core.optimizers import OPTIMIZERS
from ays_core.optimizers.entry import training_noise
from ays_core.optimizers.stepsize_search import Search, search
from ays_core.optimizers.teacher import teacher_grid
from ays_core.optimizers.trial import Trial, prepare
from ays_core.optimizers.tuned_range import tuned
from ays_core.sampling import SampleRun
from ays_core.schedule import Schedule
from ays_core.schedules import SCHEDULES
from ays_core.solvers import SOLVERS
from ays_core.statistics import Statistics, measure_model

TWINS = ("karras", "log_snr", "kl_optimal", "quadratic_t")
PUBLISHED = ("ays_sd15", "ays_sdxl")  # for latent models: their range fits these, too
START = "karras"  # where every optimizer starts; starred, from the best range-tuned twin
TRIED = {"pictures": (48, 128), "points": (256, 512)}  # training noises; for a stochastic solver
ORACLE_TRIED = {"pictures": (128, 128), "points": (256, 512)}  # or it learns its noises by heart
MOST_EVALUATIONS = {"pictures": 250_000, "points": 5_000_000}  # of one search
OWN = {  # what optimizers are given; all else is as they have it
    "points": {"ays_mc": {"draws": 512}, "score_optimal": {"batch": 256}},
    "pictures": {
        "gits": {"num": 32},
        "score_optimal": {"batch": 32},
    },
}
TEACHER_STEPS, TEACHER_NOISES = 100, {"pictures": 64, "points": 128}  # for OSS
TRIES = {"pictures": (100, 150), "points": (400, 1000)}  # of direct search, and of the oracle
STOCHASTIC_SHARE = 4  # so many times fewer with a stochastic solver, on its many more noises
Noises = Mapping[str, tuple[int, int]]  # by kind of model; the second for a stochastic solver
FOR_ANY_SOLVER = ("ays_density", "gits", "score_optimal")  # the solver changes nothing in them


class Entrants:
    """Everything of a model that its contests share. `most_steps`: of any contest."""

    def __init__(self, denoise: Bound, most_steps: int) -> None:
        self.denoise, self.kind, self.most_steps = denoise, denoise.spec.kind, most_steps
        self.trials: dict[tuple[str, int], Trial] = {}
        self.references: dict[int, SampleRun] = {}
        self.measurement: Statistics | None = None
        self.searches: dict[bool, Search] = {}
        self.found: dict[tuple[str, Schedule], Schedule] = {}

    def jobs(
        self, solver: str, steps: int, made: Mapping[str, Schedule]
    ) -> dict[str, Job[Schedule]]:
        """One job for each entrant, to be run in this order; `made`: what those before gave."""
        jobs = {
            key: self._closed(key, steps) for key, e in SCHEDULES.items() if e.kind == "formula"
        }
        jobs |= {key: self._closed(key, steps) for key in PUBLISHED}
        jobs |= {key + TUNED: self._twin(key, steps, solver) for key in TWINS}
        for key in OPTIMIZERS:
            if key == "oss":
                jobs |= {"oss": self._oss(steps, False), "oss" + TUNED: self._oss(steps, True)}
            elif key != "direct":
                jobs[key] = self._optimised(key, solver, lambda: made[START])
                jobs[key + TUNED] = self._optimised(key, solver, lambda: best_twin(made))
        if "direct" in OPTIMIZERS:

            def oss() -> list[Schedule]:
                return [made[key] for key in ("oss", "oss" + TUNED) if key in made]

            def everyone() -> list[Schedule]:
                return list(made.values())

            share = STOCHASTIC_SHARE if SOLVERS[solver].stochastic else 1
            few, many = (tries // share for tries in TRIES[self.kind])
            jobs["direct" + TUNED] = self._direct(solver, made, oss, few, TRIED)
            jobs[ORACLE] = self._direct(solver, made, everyone, many, ORACLE_TRIED)
        return jobs

    def trial(self, solver: str, noises: Noises = TRIED) -> Job[Trial]:
        """The exam all that try the solver share; the oracle's own has more noises."""
        stochastic = SOLVERS[solver].stochastic
        num = noises[self.kind][stochastic]
        if (solver, num) not in self.trials:
            if not stochastic and num not in self.references:
                noise = training_noise(self.denoise, num, 0)
                self.references[num] = yield from reference_run(self.denoise, noise)
            job = prepare(self.denoise, solver, num, 0, self.references.get(num))
            self.trials[solver, num] = yield from job
        return self.trials[solver, num]

    def _closed(self, key: str, steps: int) -> Job[Schedule]:
        yield from ()
        return SCHEDULES[key].make(steps, self.denoise.spec, final_zero=True)

    def _twin(self, key: str, steps: int, solver: str) -> Job[Schedule]:
        trial = yield from self.trial(solver)
        return (yield from tuned(self.denoise, key, steps, solver, trial=trial))

    def _optimised(self, key: str, solver: str, start_of: Callable[[], Schedule]) -> Job[Schedule]:
        """`start_of`: a schedule that is there when this job begins."""
        entry, start = OPTIMIZERS[key], start_of()
        given: dict[str, Any] = dict(OWN[self.kind].get(key, {}))
        if key in FOR_ANY_SOLVER and (key, start) in self.found:
            return self.found[key, start]
        if key in ("ays", "ays_density"):
            if self.measurement is None:
                self.measurement = yield from measure_model(self.denoise)
            given["measurement"] = self.measurement
        else:
            self.check(entry.evaluations(start, solver, denoise=self.denoise, **given))
        if key == "ays":
            given["free_first"] = start.origin.method != START
        if key in ("ays", "ays_mc"):
            given["trial"] = yield from self.trial(solver)
        found = yield from entry.make(self.denoise, start, solver, seed=0, **given)
        self.found[key, start] = found
        return found

    def _oss(self, steps: int, free_first: bool) -> Job[Schedule]:
        """From one search for the most steps, whose layers are the answers for fewer."""
        start = SCHEDULES[START].make(self.most_steps, self.denoise.spec, final_zero=True)
        grid = teacher_grid(self.denoise, start, START, TEACHER_STEPS)
        if free_first not in self.searches:
            x = grid.sigmas[0] * training_noise(self.denoise, TEACHER_NOISES[self.kind], 0)
            job = search(self.denoise, grid, x, self.most_steps, free_first=free_first)
            self.searches[free_first] = yield from job
        indices = self.searches[free_first].indices[steps]
        return Schedule(tuple(grid.sigmas[i] for i in indices))

    def _direct(
        self,
        solver: str,
        made: Mapping[str, Schedule],
        proxies_of: Callable[[], Sequence[Schedule]],
        budget: int,
        noises: Noises,
    ) -> Job[Schedule]:
        trial = yield from self.trial(solver, noises)
        job = OPTIMIZERS["direct"].make(
            self.denoise, made[START], solver, seed=0, free_first=True, trial=trial,
            proxies=proxies_of(), budget=budget,
        )  # fmt: skip
        return (yield from job)

    def check(self, evaluations: int) -> None:
        """Refuses a search that costs too much here, saying what it would take."""
        most = MOST_EVALUATIONS[self.kind]
        if evaluations > most:
            raise ValueError(
                f"takes about {evaluations:,} evaluations, more than the {most:,} of a search here"
            )


def best_twin(made: Mapping[str, Schedule]) -> Schedule:
    """The range-tuned twin that did best on the training noises."""
    twins = [made[key + TUNED] for key in TWINS if key + TUNED in made]
    if not twins:
        raise ValueError("no range could be tuned to start from")
    return min(twins, key=lambda twin: twin.origin.params["score"])  # pyright: ignore

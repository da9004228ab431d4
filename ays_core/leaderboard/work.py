"""Contest by contest: entrants are made, then run on judging noises that nobody optimised on."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from ays_core.compare import compare, reference_run
from ays_core.denoiser import bind
from ays_core.job import Job, Progress, relay
from ays_core.leaderboard.board import Board, Contest, Score
from ays_core.leaderboard.entrants import Entrants
from ays_core.models import load_model
from ays_core.optimizers.judge import JUDGING_SEED
from ays_core.sampling import SampleRun, start_noise
from ays_core.schedule import Schedule
from ays_core.solvers import SOLVERS

SOLVERS_SHOWN = ("euler", "dpmpp_2m", "heun", "dpmpp_2m_sde")
BUDGETS = (5, 6, 8, 10)  # denoiser calls
SETS = 5  # of seeds: their spread is what chance does
EMPTY = Board()
DISTANCE = "sliced_w2"  # to exact samples: of every run, beside the error where there is one
NOISES = {"pictures": 64, "points": 1024}  # in a set


def columns(solvers: Iterable[str], budgets: Sequence[int]) -> list[tuple[str, int, int]]:
    """Solver, calls and steps: the most steps that fit each budget, each once."""
    found = {}
    for solver in solvers:
        calls = SOLVERS[solver].nfe
        for budget in budgets:
            steps = max(n for n in range(1, budget + 1) if calls(n, True) <= budget)
            found[SOLVERS[solver].key, calls(steps, True), steps] = None
    return list(found)


def leaderboard(
    models: Sequence[str],
    solvers: Sequence[str] = SOLVERS_SHOWN,
    budgets: Sequence[int] = BUDGETS,
    *,
    sets: int = SETS,
    noises: int | None = None,
    before: Board = EMPTY,
    known: Board = EMPTY,
) -> Job[Board]:
    """Every model with every solver and budget. The snapshot is the board so far; given as `before`
    it is gone on with. `noises`: in a set of seeds; by default as the kind of model needs. What was
    found for a column of `known` is judged again without another search.
    """
    board, wanted = before, columns(solvers, budgets)
    for model in models:
        left = [column for column in wanted if not board.contest(model, *column[:2])]
        if not left:
            continue
        judges = Judges(model, max(steps for *_, steps in left), sets, noises)
        for solver, nfe, steps in left:
            so_far = board
            contest = yield from relay(
                judges.contest(solver, nfe, steps, known.contest(model, solver, nfe)),
                lambda p, so_far=so_far: replace(p, snapshot=so_far),
            )
            board = replace(board, contests=(*board.contests, contest))
            yield Progress("contests", len(board.contests), len(models) * len(wanted), board)
    return board


class Judges:
    """The judging noises of a model, with their reference runs, and its entrants."""

    def __init__(self, model: str, most_steps: int, sets: int, noises: int | None) -> None:
        self.denoise = bind(load_model(model))
        self.entrants = Entrants(self.denoise, most_steps)
        self.num = noises or NOISES[self.denoise.spec.kind]
        self.seeds = [JUDGING_SEED + i * self.num for i in range(sets)]
        self.references: dict[int, SampleRun] = {}

    def contest(
        self, solver: str, nfe: int, steps: int, known: Contest | None = None
    ) -> Job[Contest]:
        began = time.monotonic()
        made: dict[str, Schedule] = {}
        failed: dict[str, str] = {}
        jobs = self.entrants.jobs(solver, steps, made)
        for score in known.scores if known else ():
            if score.key in jobs:
                jobs[score.key] = recalled(score)
        for key, job in jobs.items():
            try:
                made[key] = yield from relay(job, lambda p, key=key: replace(p, stage=key))
            except ValueError as refused:
                failed[key] = str(refused)
        metric = DISTANCE if SOLVERS[solver].stochastic else "rmse"
        judged, errors, floor = yield from self.judge(made.values(), solver, metric)
        scores = []
        for key in jobs:
            schedule = made.get(key)
            error = failed.get(key, "") if schedule is None else errors.get(schedule, "")
            if schedule is None or error:
                scores.append(Score(key, error=error))
            else:
                sigmas = tuple(_digits(sigma, 6) for sigma in schedule.sigmas)
                values = judged[schedule]
                distances = () if metric == DISTANCE else tuple(values[DISTANCE])
                scores.append(Score(key, tuple(values[metric]), "", sigmas, distances))
        where = (self.denoise.spec.key, solver, nfe, steps, self.num)
        seconds = round(time.monotonic() - began, 1)
        return Contest(*where, metric, _digits(floor, 5), tuple(scores), seconds)

    def judge(
        self, schedules: Iterable[Schedule], solver: str, metric: str
    ) -> Job[tuple[dict[Schedule, dict[str, list[float]]], dict[Schedule, str], float]]:
        """Every schedule's numbers on every set of seeds, the metric and the distance, the same
        levels once; the reasons why some did not run; and the floor of the distance."""
        wanted = list(dict.fromkeys((metric, DISTANCE)))
        values = {schedule: {key: list[float]() for key in wanted} for schedule in schedules}
        errors: dict[Schedule, str] = {}
        floors = dict[int, Mapping[str, float]]()
        for seed in self.seeds:
            noise = start_noise(self.denoise.spec, self.num, seed)
            if metric == "rmse" and seed not in self.references:
                self.references[seed] = yield from reference_run(self.denoise, noise)
            for schedule in values:  # one at a time: a trajectory need not outlive its run
                result = yield from compare(
                    self.denoise, [schedule], solver, noise, wanted, seed=seed,
                    reference=self.references.get(seed), floors=floors.get(seed),
                )  # fmt: skip
                floors[seed] = result.floors
                cell = result.cells[0]
                if cell.error:
                    errors[schedule] = cell.error
                else:
                    for key, numbers in values[schedule].items():
                        numbers.append(_digits(cell.metrics[key], 5))
        floor = statistics.fmean(each[f"{DISTANCE}_floor"] for each in floors.values())
        return values, errors, floor


def recalled(score: Score) -> Job[Schedule]:
    """What was found before, or why nothing was, as a job."""
    yield from ()
    if score.error:
        raise ValueError(score.error)
    return Schedule(score.sigmas)


def _digits(value: float, num: int) -> float:
    return float(f"{value:.{num}g}")

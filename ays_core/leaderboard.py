"""Which schedule wins where: closed forms, their range-tuned twins and every optimizer's results,
with several solvers and budgets, judged on noises that nobody optimised on.

A number is the error to the reference run, or for a stochastic solver the sliced W2 distance to
exact samples; it comes with its spread over several sets of seeds.
"""

from __future__ import annotations

import inspect
import json
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace

from ays_core.compare import compare, reference_run
from ays_core.denoiser import Bound, bind
from ays_core.job import Job, Progress, relay
from ays_core.models import load_model
from ays_core.optimizers import OPTIMIZERS
from ays_core.optimizers.entry import training_noise
from ays_core.optimizers.judge import JUDGING_SEED
from ays_core.optimizers.tuned_range import TUNED, tuned
from ays_core.sampling import SampleRun, start_noise
from ays_core.schedule import Schedule
from ays_core.schedules import SCHEDULES
from ays_core.solvers import SOLVERS
from ays_core.statistics import Statistics, measure_model

SOLVERS_SHOWN = ("euler", "dpmpp_2m", "heun", "dpmpp_2m_sde")
BUDGETS = (5, 6, 8, 10)  # denoiser calls
TWINS = ("karras", "log_snr", "kl_optimal")
START = "karras"  # where every optimizer starts; starred, from the best range-tuned twin
SETS = 5  # of seeds: their spread is what chance does
NOISES = {"pictures": 32, "points": 1024}  # in a set
MOST_EVALUATIONS = {"pictures": 60_000, "points": 1_000_000}  # of one search
TRAINING = {"pictures": 32, "points": 64}  # noises for tuning a range
CLEAR = 2.0  # spreads from which on a lead is more than chance


@dataclass(frozen=True)
class Score:
    """One schedule in one cell: a number for each set of seeds, or the reason why there is none."""

    key: str
    values: tuple[float, ...] = ()
    error: str = ""

    @property
    def mean(self) -> float:
        return statistics.fmean(self.values)

    @property
    def spread(self) -> float:
        """Standard deviation over the sets of seeds."""
        return statistics.stdev(self.values) if len(self.values) > 1 else 0.0

    @property
    def optimised(self) -> bool:
        return self.key.removesuffix(TUNED) in OPTIMIZERS


@dataclass(frozen=True)
class Contest:
    """All schedules with one model, solver and number of calls. `noises`: in a set of seeds.
    `floor`: how far two exact sets are apart, 0 for an error to a reference."""

    model: str
    solver: str
    nfe: int
    steps: int
    noises: int
    metric: str
    floor: float
    scores: tuple[Score, ...]

    @property
    def ranked(self) -> tuple[Score, ...]:
        """Those that ran, best first."""
        return tuple(sorted((s for s in self.scores if s.values), key=lambda s: s.mean))

    def lead(self) -> tuple[Score, Score, bool] | None:
        """The best optimised schedule, the best other one, and whether they differ by more than
        `CLEAR` spreads of their difference, noises being the same; None where one is missing."""
        optimised = next((s for s in self.ranked if s.optimised), None)
        other = next((s for s in self.ranked if not s.optimised), None)
        if optimised is None or other is None:
            return None
        gaps = [a - b for a, b in zip(optimised.values, other.values, strict=True)]
        gap = Score("", tuple(gaps))
        return optimised, other, abs(gap.mean) > CLEAR * gap.spread


@dataclass(frozen=True)
class Board:
    """Contests so far. `made`: when, on what machine, with which versions; plain JSON."""

    contests: tuple[Contest, ...] = ()
    made: Mapping[str, object] = field(default_factory=dict[str, object])

    @property
    def models(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(contest.model for contest in self.contests))

    def of(self, model: str) -> tuple[Contest, ...]:
        return tuple(contest for contest in self.contests if contest.model == model)

    def has(self, model: str, solver: str, nfe: int) -> bool:
        return any((c.model, c.solver, c.nfe) == (model, solver, nfe) for c in self.contests)

    def to_json(self) -> str:
        lines = ",\n".join(json.dumps(asdict(contest)) for contest in self.contests)
        return f'{{"made": {json.dumps(dict(self.made))},\n"contests": [\n{lines}\n]}}\n'

    @staticmethod
    def from_json(text: str) -> Board:
        content = json.loads(text)
        contests = []
        for contest in content["contests"]:
            scores = [Score(s["key"], tuple(s["values"]), s["error"]) for s in contest["scores"]]
            contests.append(Contest(**{**contest, "scores": tuple(scores)}))
        return Board(tuple(contests), content["made"])


def verdict(contests: Sequence[Contest]) -> str:
    """Where the best optimised schedule wins and where it loses, in words."""
    leads = [(contest, lead) for contest in contests if (lead := contest.lead())]
    if not leads:
        return ""
    won = [c for c, (optimised, other, clear) in leads if clear and optimised.mean < other.mean]
    lost = [(c, lead) for c, lead in leads if lead[2] and lead[0].mean > lead[1].mean]
    text = (
        f"In {len(won)} of {len(leads)} columns the best optimised schedule beats every closed "
        f"form, range-tuned ones too, by more than {CLEAR:g} spreads of the difference; in "
        f"{len(lost)} it loses by as much; in {len(leads) - len(won) - len(lost)} there is no "
        "clear difference."
    )
    for contest, (optimised, other, _) in lost:
        text += (
            f" {SOLVERS[contest.solver].label}, {contest.nfe} calls: {other.key} "
            f"{other.mean:.3g}, {optimised.key} {optimised.mean:.3g}."
        )
    return text


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
    before: Board = Board(),
) -> Job[Board]:
    """Every model with every solver and budget. The snapshot is the board so far; given as `before`
    it is gone on with. `noises`: in a set of seeds; by default as the kind of model needs.
    """
    board, wanted = before, columns(solvers, budgets)
    for model in models:
        entrants = None
        for solver, nfe, steps in wanted:
            if board.has(model, solver, nfe):
                continue
            if entrants is None:
                entrants = _Entrants(bind(load_model(model)), sets, noises)
            so_far = board
            contest = yield from relay(
                entrants.contest(solver, nfe, steps),
                lambda p, so_far=so_far: replace(p, snapshot=so_far),
            )
            board = replace(board, contests=(*board.contests, contest))
            total = len(models) * len(wanted)
            yield Progress("contests", len(board.contests), total, snapshot=board)
    return board


class _Entrants:
    """Everything that is made once for a model: references, and its measurement."""

    def __init__(self, denoise: Bound, sets: int, noises: int | None) -> None:
        self.denoise = denoise
        self.num = noises or NOISES[denoise.spec.kind]
        self.seeds = [JUDGING_SEED + i * self.num for i in range(sets)]
        self.references: dict[int, SampleRun] = {}
        self.training: SampleRun | None = None
        self.measurement: Statistics | None = None

    def contest(self, solver: str, nfe: int, steps: int) -> Job[Contest]:
        made: dict[str, Schedule] = {}
        failed: dict[str, str] = {}
        jobs = {
            key: self._closed(key, steps) for key, e in SCHEDULES.items() if e.kind == "formula"
        }
        jobs |= {key + TUNED: self._twin(key, steps, solver) for key in TWINS}
        for key in OPTIMIZERS:
            jobs[key] = self._optimised(key, solver, lambda: made[START])
            jobs[key + TUNED] = self._optimised(key, solver, lambda: best_twin(made))
        for key, job in jobs.items():
            try:
                made[key] = yield from relay(job, lambda p, key=key: replace(p, stage=key))
            except ValueError as refused:
                failed[key] = str(refused)
        values: dict[str, list[float]] = {key: [] for key in made}
        floors: list[float] = []
        metric = "sliced_w2" if SOLVERS[solver].stochastic else "rmse"
        for seed in self.seeds:
            noise = start_noise(self.denoise.spec, self.num, seed)
            if metric == "rmse" and seed not in self.references:
                self.references[seed] = yield from reference_run(self.denoise, noise)
            reference = self.references.get(seed)
            result = yield from compare(
                self.denoise, list(made.values()), solver, noise, [metric], seed=seed,
                reference=reference,
            )  # fmt: skip
            floors.append(result.floors.get(f"{metric}_floor", 0.0))
            for key, cell in zip(made, result.cells, strict=True):
                if cell.error:
                    failed[key] = cell.error
                else:
                    values[key].append(float(f"{cell.metrics[metric]:.5g}"))
        scores = [
            Score(key, error=failed[key]) if key in failed else Score(key, tuple(values[key]))
            for key in jobs
        ]
        floor = statistics.fmean(floors)
        where = (self.denoise.spec.key, solver, nfe, steps, self.num)
        return Contest(*where, metric, floor, tuple(scores))

    def _closed(self, key: str, steps: int) -> Job[Schedule]:
        yield Progress(key, 0, 1)
        return SCHEDULES[key].make(steps, self.denoise.spec, final_zero=True)

    def _twin(self, key: str, steps: int, solver: str) -> Job[Schedule]:
        num = TRAINING[self.denoise.spec.kind]
        if self.training is None:
            self.training = yield from reference_run(
                self.denoise, training_noise(self.denoise, num, 0)
            )
        job = tuned(self.denoise, key, steps, solver, num=num, reference=self.training)
        return (yield from job)

    def _optimised(self, key: str, solver: str, start_of: Callable[[], Schedule]) -> Job[Schedule]:
        """`start_of`: a schedule that is there when this job begins."""
        entry, start, given = OPTIMIZERS[key], start_of(), {}
        if "measurement" in inspect.signature(entry.make).parameters:
            if self.measurement is None:
                self.measurement = yield from measure_model(self.denoise)
            given = {"measurement": self.measurement}
        elif entry.evaluations(start, solver) > MOST_EVALUATIONS[self.denoise.spec.kind]:
            raise ValueError(f"takes {entry.evaluations(start, solver):,} evaluations")
        return (yield from entry.make(self.denoise, start, solver, seed=0, **given))


def best_twin(made: Mapping[str, Schedule]) -> Schedule:
    """The range-tuned twin that did best on the training noises."""
    twins = [made[key + TUNED] for key in TWINS if key + TUNED in made]
    if not twins:
        raise ValueError("no range could be tuned to start from")
    return min(twins, key=lambda twin: twin.origin.params["score"])  # pyright: ignore

"""The leaderboard as a value: contests, their scores, and what they say in words.

A number is the error to the reference run, or for a stochastic solver the sliced W2 distance to
exact samples; there is one for each of several sets of seeds. Two schedules are compared set by
set, as the noises are the same: what counts is the spread of their difference.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ays_core.comparison import TUNED
from ays_core.models import MODELS
from ays_core.optimizers import OPTIMIZERS
from ays_core.schedules import SCHEDULES
from ays_core.solvers import SOLVERS

ORACLE = "oracle"  # direct search from the best of all others, with more tries
PAPERS = ("ays", "ays_mc", "score_optimal", "oss")
WON, LOST = 3.0, 2.0  # spreads of the difference from which on a lead counts, and a defeat


@dataclass(frozen=True)
class Score:
    """One schedule in one contest: a number for each set of seeds, or the reason why there is none.
    `sigmas`: its levels, to six digits. `distances`: sliced W2 to exact samples on the same sets,
    where a number is something else."""

    key: str
    values: tuple[float, ...] = ()
    error: str = ""
    sigmas: tuple[float, ...] = ()
    distances: tuple[float, ...] = ()

    @property
    def mean(self) -> float:
        return statistics.fmean(self.values)

    @property
    def spread(self) -> float:
        """Standard deviation over the sets of seeds."""
        return statistics.stdev(self.values) if len(self.values) > 1 else 0.0

    @property
    def distance(self) -> float:
        """Mean sliced W2 to exact samples."""
        return statistics.fmean(self.distances or self.values)

    @property
    def base(self) -> str:
        return self.key.removesuffix(TUNED)

    @property
    def optimised(self) -> bool:
        return self.base in OPTIMIZERS

    @property
    def tuned(self) -> bool:
        """A closed form with its range and its own parameters tuned."""
        return self.key.endswith(TUNED) and self.base in SCHEDULES

    @property
    def closed(self) -> bool:
        """A closed form as the catalogue makes it."""
        return self.key in SCHEDULES and SCHEDULES[self.key].kind == "formula"

    @property
    def published(self) -> bool:
        """A published table, which was made for another model."""
        return self.key in SCHEDULES and SCHEDULES[self.key].kind == "table"


@dataclass(frozen=True)
class Lead:
    """One schedule before another. `spreads`: their mean difference over its own spread; negative
    where the other one is better."""

    score: Score
    other: Score
    spreads: float

    @property
    def won(self) -> bool:
        return self.spreads > WON

    @property
    def lost(self) -> bool:
        return self.spreads < -LOST


@dataclass(frozen=True)
class Contest:
    """All schedules with one model, solver and number of calls. `noises`: in a set of seeds.
    `floor`: the sliced W2 of exact samples drawn at random, which no sampler can be expected to
    beat. `seconds`: what it took to compute."""

    model: str
    solver: str
    nfe: int
    steps: int
    noises: int
    metric: str
    floor: float
    scores: tuple[Score, ...]
    seconds: float = field(default=0.0, compare=False)

    @property
    def name(self) -> str:
        """What to call this column, in words."""
        return f"{self.model}, {SOLVERS[self.solver].label}, {self.nfe} calls"

    @property
    def ranked(self) -> tuple[Score, ...]:
        """Those that ran, best first."""
        return tuple(sorted((s for s in self.scores if s.values), key=lambda s: s.mean))

    def best(self, of: Callable[[Score], bool]) -> Score | None:
        return next((score for score in self.ranked if of(score)), None)

    def found(self, score: Score) -> bool:
        """Whether a search found these levels: not those of a closed form, tuned or as it is, or of
        a published table, which it was given and kept."""
        given = {s.sigmas for s in self.scores if s.sigmas and not (s.optimised or s.key == ORACLE)}
        return score.optimised and score.sigmas not in given

    @property
    def summary(self) -> dict[str, Score | None]:
        """The best of every kind. What a search was given and kept does not count as its own."""
        return {
            "closed": self.best(lambda s: s.closed),
            "published": self.best(lambda s: s.published),
            "tuned": self.best(lambda s: s.tuned),
            "papers": self.best(lambda s: s.base in PAPERS and self.found(s)),
            "optimised": self.best(self.found),
            ORACLE: self.best(lambda s: s.key == ORACLE),
        }

    @property
    def over_oracle(self) -> float | None:
        """Error of the best of the three papers over the oracle's; None where one is missing."""
        papers, oracle = self.summary["papers"], self.summary[ORACLE]
        return papers.mean / oracle.mean if papers and oracle else None

    def lead(self, over: str = "closed") -> Lead | None:
        """The best optimised schedule before the best of another kind; None where one is
        missing."""
        return self.lead_of(self.summary["optimised"], over)

    def lead_of(self, score: Score | None, over: str = "closed") -> Lead | None:
        """A schedule that ran before the best of a kind; None where one is missing."""
        other = self.summary[over]
        if score is None or other is None or not score.values:
            return None
        gap = Score("", tuple(b - a for a, b in zip(score.values, other.values, strict=True)))
        if gap.mean == 0:
            return Lead(score, other, 0.0)
        return Lead(score, other, gap.mean / max(gap.spread, 1e-9 * abs(gap.mean)))

    def of(self, key: str) -> Score | None:
        return next((score for score in self.scores if score.key == key), None)


@dataclass(frozen=True)
class Board:
    """Contests so far. `made`: when, on what machine, with which versions; plain JSON."""

    contests: tuple[Contest, ...] = ()
    made: Mapping[str, object] = field(default_factory=dict[str, object])

    @property
    def models(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(contest.model for contest in self.contests))

    def of(self, model: str) -> tuple[Contest, ...]:
        """A model's contests, solver by solver, by number of calls."""
        found = [contest for contest in self.contests if contest.model == model]
        solvers = list(dict.fromkeys(contest.solver for contest in found))
        return tuple(sorted(found, key=lambda c: (solvers.index(c.solver), c.nfe)))

    def contest(self, model: str, solver: str, nfe: int) -> Contest | None:
        which = (model, solver, nfe)
        return next((c for c in self.contests if (c.model, c.solver, c.nfe) == which), None)

    def to_json(self) -> str:
        lines = ",\n".join(json.dumps(asdict(contest)) for contest in self.contests)
        return f'{{"made": {json.dumps(dict(self.made))},\n"contests": [\n{lines}\n]}}\n'

    @staticmethod
    def from_json(text: str) -> Board:
        content = json.loads(text)
        contests = []
        for contest in content["contests"]:
            scores = [Score(**{**score, **_tuples(score)}) for score in contest["scores"]]
            contests.append(Contest(**{**contest, "scores": tuple(scores)}))
        return Board(tuple(contests), content["made"])


@dataclass(frozen=True)
class Record:
    """How one optimizer did over many contests against the best of a kind: `won` by more than
    `WON` spreads, `lost` by more than `LOST`, of those in which it `ran`; in `kept` of them its
    levels were another's, which it was given."""

    key: str
    ran: int
    won: int
    lost: int
    kept: int


def records(contests: Sequence[Contest], over: str = "closed") -> tuple[Record, ...]:
    """Every optimizer by itself, not only the best of each column, in hindsight."""
    keys = dict.fromkeys(s.key for c in contests for s in c.scores if s.optimised)
    found = []
    for key in keys:
        scores = [(c, score) for c in contests if (score := c.of(key)) and score.values]
        leads = [lead for c, score in scores if (lead := c.lead_of(score, over))]
        won, lost = sum(lead.won for lead in leads), sum(lead.lost for lead in leads)
        found.append(Record(key, len(leads), won, lost, sum(not c.found(s) for c, s in scores)))
    return tuple(found)


def _tuples(score: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) for name, value in score.items() if isinstance(value, list)}


def shipped(folder: Path) -> dict[str, Board]:
    """The boards in a folder, a file for each model, in the order of the catalogue."""
    files = {key: folder / f"{key}.json" for key in MODELS}
    return {key: Board.from_json(f.read_text()) for key, f in files.items() if f.exists()}


def verdict(contests: Sequence[Contest]) -> str:
    """Where the best optimised schedule wins and where it loses, in words."""
    leads = [(contest, lead) for contest in contests if (lead := contest.lead())]
    if not leads:
        return ""
    won = sum(lead.won for _, lead in leads)
    lost = [(contest, lead) for contest, lead in leads if lead.lost]
    text = (
        f"In {won} of {len(leads)} columns the best optimised schedule beats every closed form "
        f"by more than {WON:g} spreads of the difference; in {len(lost)} it loses by more than "
        f"{LOST:g}; in {len(leads) - won - len(lost)} there is no clear difference."
    )
    tuned = [lead for contest in contests if (lead := contest.lead("tuned"))]
    if tuned:
        text += (
            f" Against closed forms with range and shape tuned on the same noises it wins "
            f"{sum(lead.won for lead in tuned)} and loses {sum(lead.lost for lead in tuned)}."
        )
    for contest, lead in lost:
        text += (
            f" {SOLVERS[contest.solver].label}, {contest.nfe} calls: {lead.other.key} "
            f"{lead.other.mean:.3g}, {lead.score.key} {lead.score.mean:.3g}."
        )
    return text

"""The leaderboard in words: docs/leaderboard.md, made by a command."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ays_core.leaderboard.board import (
    LOST,
    ORACLE,
    WON,
    Board,
    Contest,
    Score,
    records,
    verdict,
)

KINDS = {  # of `Contest.summary`, in words
    "closed": "best closed form",
    "published": "published for other models",
    "tuned": "range and shape tuned",
    "papers": "best of the three papers",
    "optimised": "best optimised",
    ORACLE: "oracle",
}
INTRODUCTION = f"""# Leaderboard

Printed by `python assets/leaderboard/make_leaderboard.py --report` from the boards that
`make leaderboard` computed. Numbers: error to the reference run, for SDE solvers sliced W2 to exact
samples, mean ± spread over sets of judging noises on which nothing was optimised. In brackets the
sliced W2 of the same runs; `floor` is that of as many exact samples drawn at random. Gap: how many
spreads of their difference the best optimised schedule is ahead of the best closed form of the
catalogue; behind, where negative. A star: with the range free, too. The oracle searches with the
solver itself from the best of all others, on more training noises: what is left to win.

A column's best optimised schedule is the best in hindsight, of up to {{methods}} methods; levels
that a search was given and kept are not counted as its own. Method by method, over all columns,
each against the best closed form of the column and against the best one with range and shape tuned:
won by more than {WON:g} spreads, lost by more than {LOST:g}."""


def report(boards: Sequence[Board]) -> str:
    """Markdown: how it was made, method by method, each model's columns, and those that fail."""
    contests = [contest for board in boards for contest in board.contests]
    methods = len({s.key for c in contests for s in c.scores if s.optimised})
    lines = [INTRODUCTION.format(methods=methods), "", *_methods(contests)]
    for board in boards:
        for model in board.models:
            lines += ["", f"## {model}", "", f"{verdict(board.of(model))} {_made(board)}", ""]
            lines += _table(board.of(model))
    failing = [contest for contest in contests if (lead := contest.lead()) and lead.lost]
    named = "; ".join(contest.name for contest in failing)
    lines += ["", f"Columns that fail (a closed form leads by more than {LOST:g} spreads): "
              f"{named or 'none'}."]  # fmt: skip
    clear = sum(bool((lead := contest.lead()) and lead.won) for contest in contests)
    lines += ["", f"Columns won by more than {WON:g} spreads: {clear} of {len(contests)}."]
    return "\n".join(lines)


def _methods(contests: Sequence[Contest]) -> Iterator[str]:
    yield "| method | columns | closed form: won | lost | tuned: won | lost | kept another's |"
    yield "|---|---|---|---|---|---|---|"
    for plain, tuned in zip(records(contests), records(contests, "tuned"), strict=True):
        cells = (plain.key, plain.ran, plain.won, plain.lost, tuned.won, tuned.lost, plain.kept)
        yield f"| {' | '.join(map(str, cells))} |"


def _made(board: Board) -> str:
    made = board.made
    return (
        f"Judged on {made.get('date')} ({made.get('machine')}) on {made.get('sets')} sets of "
        f"noises; that run took {_minutes(made.get('cpu_seconds'))} of processor time."
    )


def _table(contests: Sequence[Contest]) -> Iterator[str]:
    heads = ("column", "floor", *KINDS.values(), "gap", "papers over oracle")
    yield f"| {' | '.join(heads)} |"
    yield "|---" * len(heads) + "|"
    for contest in contests:
        best, lead, over = contest.summary, contest.lead(), contest.over_oracle
        cells = [
            contest.name.partition(", ")[2],
            f"{contest.floor:.3g}" if contest.floor else "–",
            *(named(best[kind]) for kind in KINDS),
            f"{lead.spreads:.1f}" if lead else "–",
            f"{over:.2f}" if over else "–",
        ]
        yield f"| {' | '.join(cells)} |"


def named(score: Score | None) -> str:
    """A number with its spread, the distance beside it, and whose it is."""
    if score is None:
        return "–"
    number = f"{score.mean:.3g} ± {score.spread:.1g}"
    if score.distances:
        number += f" ({score.distance:.3g})"
    return number if score.key == ORACLE else f"{number} {score.key}"


def _minutes(seconds: object) -> str:
    return f"{float(str(seconds or 0)) / 60:.0f} minutes"

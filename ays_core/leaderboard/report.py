"""The leaderboard in words: docs/leaderboard.md, made by a command."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ays_core.leaderboard.board import LOST, ORACLE, WON, Board, Contest, Score, verdict

KINDS = {  # of `Contest.summary`, in words
    "closed": "best closed form",
    "published": "published for other models",
    "tuned": "range and shape tuned",
    "papers": "best of the three papers",
    "optimised": "best optimised",
    ORACLE: "oracle",
}


def report(board: Board) -> str:
    """Markdown: how it was made, each model's verdict and columns, and the columns that fail."""
    made = board.made
    lines = [
        "# Leaderboard",
        "",
        f"Printed by `python assets/leaderboard/make_leaderboard.py --report` from the board that "
        f"`make leaderboard` computed on {made.get('date')} ({made.get('machine')}) in "
        f"{_minutes(made.get('cpu_seconds'))} of processor time, {_minutes(made.get('seconds'))} "
        f"of waiting. Numbers: error to the reference run, for SDE solvers sliced W2 to exact "
        f"samples; means over {made.get('sets')} sets of judging noises. Gap: how many spreads of "
        "their difference the best optimised schedule is ahead of the best closed form of the "
        "catalogue; behind, where negative.",
    ]
    for model in board.models:
        lines += ["", f"## {model}", "", verdict(board.of(model)), "", *_table(board.of(model))]
    failing = [contest for contest in board.contests if (lead := contest.lead()) and lead.lost]
    named = "; ".join(contest.name for contest in failing)
    lines += ["", f"Columns that fail (a closed form leads by more than {LOST:g} spreads): "
              f"{named or 'none'}."]  # fmt: skip
    clear = sum(bool((lead := contest.lead()) and lead.won) for contest in board.contests)
    lines += ["", f"Columns won by more than {WON:g} spreads: {clear} of {len(board.contests)}."]
    return "\n".join(lines)


def _table(contests: Sequence[Contest]) -> Iterator[str]:
    heads = ("column", *KINDS.values(), "gap", "papers over oracle")
    yield f"| {' | '.join(heads)} |"
    yield "|---" * len(heads) + "|"
    for contest in contests:
        best, lead, over = contest.summary, contest.lead(), contest.over_oracle
        cells = [
            contest.name.partition(", ")[2],
            *(named(best[kind]) for kind in KINDS),
            f"{lead.spreads:.1f}" if lead else "–",
            f"{over:.2f}" if over else "–",
        ]
        yield f"| {' | '.join(cells)} |"


def named(score: Score | None) -> str:
    """A number and whose it is."""
    if score is None:
        return "–"
    return f"{score.mean:.3g}" if score.key == ORACLE else f"{score.mean:.3g} {score.key}"


def _minutes(seconds: object) -> str:
    return f"{float(str(seconds or 0)) / 60:.0f} minutes"

"""The leaderboard that is shipped: a table for each model, computed ahead by a command."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from itertools import groupby

import gradio as gr

from ays_core.comparison import TUNED
from ays_core.leaderboard import Board, Contest, Score, verdict
from ays_core.leaderboard.board import ORACLE
from ays_core.leaderboard.report import KINDS
from ays_core.models import MODELS
from ays_core.solvers import SOLVERS
from components import static
from components.choices import choice_name

FILE = static.ASSETS / "leaderboard/leaderboard.json"
COMMAND = "python assets/leaderboard/make_leaderboard.py"
TEXT = """
## Which schedule wins where

Error to the reference run; for stochastic solvers the sliced W2 distance to exact samples, beside
its floor. Mean and spread over {sets} sets of noises from seed 20,000 on, on which nothing was
optimised; the best of a column, oracle aside, is bold. A star marks a closed form with its range
and shape tuned, and a column has as many steps as fit its number of calls. An optimizer keeps the
range it starts with, Karras' own; with a star its range is free too, or that of the best tuned
closed form. The oracle is a direct search with the solver itself that starts from the best of all
others: what is left to win. The gap counts spreads of the difference between the best optimised
schedule and the best closed form; it is negative where the closed form wins. Computed on {date}
({machine}) by `{command}`.
"""


def build(tab: gr.Tab) -> None:
    """Nothing where no board has been computed. The tables are sent to those who open the tab: they
    are large."""
    if not FILE.exists():
        return
    board = Board.from_json(FILE.read_text())
    gr.Markdown(TEXT.format(command=COMMAND, **board.made))
    css = static.head("library/saved.css")
    shown = gr.HTML(head=css, apply_default_css=False, elem_id="leaderboard")
    tables = "".join(details(model, board.of(model)) for model in board.models)
    tab.select(lambda: tables, None, shown, show_progress="hidden", api_visibility="private")


def details(model: str, contests: Sequence[Contest]) -> str:
    """One model: what the numbers say in words, and the numbers."""
    name = MODELS[model].label if model in MODELS else model
    return (
        f'<details class="saved board"><summary>{escape(name)}</summary>'
        f"<p>{escape(verdict(contests))} {noises(contests)}</p>"
        f"{summary(contests)}<details><summary>Every schedule</summary>{table(contests)}</details>"
        "</details>"
    )


def summary(contests: Sequence[Contest]) -> str:
    """A row for each column: the best of every kind, how far ahead, and what is left to win."""
    heads = ("", *KINDS.values(), "gap", "papers over oracle")
    rows = ""
    for contest in contests:
        best, lead, over = contest.summary, contest.lead(), contest.over_oracle
        cells = [_best(best[kind]) for kind in KINDS]
        cells += [f"{lead.spreads:.1f}" if lead else "–", f"{over:.2f}" if over else "–"]
        name = f"{SOLVERS[contest.solver].label}, {contest.nfe} calls"
        rows += f'<tr><th scope="row">{escape(name)}</th>'
        rows += "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"
    head = "".join(f'<th scope="col">{escape(head)}</th>' for head in heads)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _best(score: Score | None) -> str:
    """A number and whose it is; the oracle is its own."""
    if score is None:
        return "–"
    if score.key == ORACLE:
        return f"{score.mean:.3g}"
    star = TUNED if score.key.endswith(TUNED) else ""
    return f"{score.mean:.3g}<br><small>{escape(choice_name(score.base))}{star}</small>"


def name_of(key: str) -> str:
    return "Oracle" if key == ORACLE else choice_name(key)


def table(contests: Sequence[Contest]) -> str:
    """Rows are schedules, in the order of the best average place; columns solvers and calls."""
    keys = sorted(
        {s.key: 0 for c in contests for s in c.scores}, key=lambda key: place(key, contests)
    )
    heads = "".join(f'<th scope="col">{_head(contest)}</th>' for contest in contests)
    groups = "".join(
        f'<th scope="colgroup" colspan="{len(list(group))}">{escape(SOLVERS[solver].label)}</th>'
        for solver, group in groupby(contests, key=lambda contest: contest.solver)
    )
    rows = ""
    for key in keys:
        cells = "".join(f"<td>{_cell(contest, key)}</td>" for contest in contests)
        rows += f'<tr><th scope="row">{escape(name_of(key))}</th>{cells}</tr>'
    head = f"<thead><tr><td></td>{groups}</tr><tr><td></td>{heads}</tr></thead>"
    return f"<table>{head}<tbody>{rows}</tbody></table>"


def noises(contests: Sequence[Contest]) -> str:
    """How many noises a number stands on."""
    counts = sorted({contest.noises for contest in contests})
    return f"Noises in a set: {', '.join(map(str, counts))}."


def place(key: str, contests: Sequence[Contest]) -> float:
    """Where a schedule comes in on average; last where it did not run."""
    places = []
    for contest in contests:
        ranked = [score.key for score in contest.ranked]
        places.append(ranked.index(key) if key in ranked else len(contest.scores))
    return sum(places) / len(places)


def _head(contest: Contest) -> str:
    floor = f"<br>floor {contest.floor:.3g}" if contest.floor else ""
    return f"{contest.nfe} calls{floor}"


def _cell(contest: Contest, key: str) -> str:
    score = next((score for score in contest.scores if score.key == key), Score(key))
    if not score.values:
        return f'<span title="{escape(score.error)}">–</span>'
    mean = f"{score.mean:.3g}"
    if score == contest.best(lambda other: other.key != ORACLE):
        mean = f"<b>{mean}</b>"
    return f"{mean} <small>± {score.spread:.2g}</small>"

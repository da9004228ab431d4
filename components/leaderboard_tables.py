"""The leaderboard that is shipped: a table for each model, computed ahead by a command."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from itertools import groupby

import gradio as gr

from ays_core.leaderboard import Board, Contest, Score, verdict
from ays_core.models import MODELS
from ays_core.solvers import SOLVERS
from components import static
from components.state import choice_name

FILE = static.ASSETS / "leaderboard/leaderboard.json"
COMMAND = "python assets/leaderboard/make_leaderboard.py"
TEXT = """
## Which schedule wins where

Error to the reference run; for stochastic solvers the sliced W2 distance to exact samples, beside
its floor. Mean and spread over {sets} sets of noises from seed 20,000 on, on which nothing was
optimised; the best of a column is bold. A star marks a closed form with its range tuned, and
a column has as many steps as fit its number of calls. Computed on {date} ({machine}) by
`{command}`. An optimizer keeps the range it starts with: Karras' own, or with a star that of the
best tuned closed form.
"""


def build() -> None:
    """Nothing where no board has been computed."""
    if not FILE.exists():
        return
    board = Board.from_json(FILE.read_text())
    gr.Markdown(TEXT.format(command=COMMAND, **board.made))
    tables = "".join(details(model, board.of(model)) for model in board.models)
    css = static.head("library/saved.css")
    gr.HTML(tables, head=css, apply_default_css=False, elem_id="leaderboard")


def details(model: str, contests: Sequence[Contest]) -> str:
    """One model: what the numbers say in words, and the numbers."""
    name = MODELS[model].label if model in MODELS else model
    return (
        f'<details class="saved board"><summary>{escape(name)}</summary>'
        f"<p>{escape(verdict(contests))} {noises(contests)}</p>{table(contests)}</details>"
    )


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
        rows += f'<tr><th scope="row">{escape(choice_name(key))}</th>{cells}</tr>'
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
    if score == contest.ranked[0]:
        mean = f"<b>{mean}</b>"
    return f"{mean} <small>± {score.spread:.2g}</small>"

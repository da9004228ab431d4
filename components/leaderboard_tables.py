"""The leaderboard that is shipped: a table for each model, computed ahead by a command."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from itertools import groupby

import gradio as gr

from ays_core.comparison import TUNED
from ays_core.leaderboard import Board, Contest, Score, records, shipped, verdict
from ays_core.leaderboard.board import ORACLE
from ays_core.leaderboard.report import KINDS
from ays_core.models import MODELS
from ays_core.solvers import SOLVERS
from components import static
from components.choices import choice_name
from components.events import PRIVATE

FOLDER = static.ASSETS / "leaderboard"
COMMAND = "python assets/leaderboard/make_leaderboard.py"
TEXT = f"""
## Which schedule wins where

Error to the reference run, and below it the sliced W2 distance of the same samples to exact ones,
which is the number that counts for stochastic solvers; its floor is that of exact samples drawn at
random. Mean and spread over sets of noises from seed 20,000 on, on which nothing was optimised; the
best of a column, oracle aside, is bold. A star marks a closed form with its range and shape tuned,
and a column has as many steps as fit its number of calls. An optimizer keeps the range it starts
with, Karras' own; with a star its range is free too, or that of the best tuned closed form, and
levels that it was given and kept are not counted as its own. The oracle is a direct search with the
solver itself that starts from the best of all others, on more noises: what is left to win. The gap
counts spreads of the difference between the best optimised schedule, in hindsight, and the best
closed form; it is negative where the closed form wins. Made by `{COMMAND}`.
"""


# All tables at once are 30,000 nodes, which every change of the page would have to walk through.
UNFOLD = """element.addEventListener("toggle", ({ target }) => {
  const kept = target.querySelector(":scope > template");
  if (kept) kept.replaceWith(kept.content);
}, true);"""


def build(tab: gr.Tab) -> None:
    """Nothing where no board has been computed. The tables are sent to those who open the tab: they
    are large."""
    boards = shipped(FOLDER)
    if not boards:
        return
    gr.Markdown(TEXT)
    css = static.head("library/saved.css")
    shown = gr.HTML(head=css, apply_default_css=False, elem_id="leaderboard", js_on_load=UNFOLD)
    tables = "".join(details(model, board) for model, board in boards.items())
    tab.select(lambda: tables, None, shown, **PRIVATE)


def details(model: str, board: Board) -> str:
    """One model: what the numbers say in words, and the numbers."""
    name = MODELS[model].label if model in MODELS else model
    contests = board.of(model)
    made = f"Computed on {board.made.get('date')} ({board.made.get('machine')})."
    words = f"<p>{escape(verdict(contests))} {noises(contests)} {escape(made)}</p>"
    every = f"<details>{folded('Every schedule', table(contests))}</details>"
    tables = f"{words}{summary(contests)}{by_method(contests)}{every}"
    return f'<details class="saved board">{folded(escape(name), tables)}</details>'


def folded(title: str, content: str) -> str:
    """What a `details` holds, no part of the page before it is opened."""
    return f"<summary>{title}</summary><template>{content}</template>"


def by_method(contests: Sequence[Contest]) -> str:
    """Each optimizer by itself, over all columns."""
    heads = ("Columns won and lost", "closed form", "range and shape tuned", "kept another's")
    head = "".join(f'<th scope="col">{escape(head)}</th>' for head in heads)
    rows = ""
    for plain, tuned in zip(records(contests), records(contests, "tuned"), strict=True):
        cells = (f"{r.won} won, {r.lost} lost of {r.ran}" for r in (plain, tuned))
        row = "".join(f"<td>{cell}</td>" for cell in (*cells, plain.kept))
        rows += f'<tr><th scope="row">{escape(name_of(plain.key))}</th>{row}</tr>'
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


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
    return f"{score.mean:.3g}<br><small>{escape(name_of(score.key))}</small>"


def name_of(key: str) -> str:
    """A schedule's name, with its star."""
    if key == ORACLE:
        return "Oracle"
    return choice_name(key.removesuffix(TUNED)) + (TUNED if key.endswith(TUNED) else "")


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
    distance = f"<br><small>W2 {score.distance:.3g}</small>" if score.distances else ""
    return f"{mean} <small>± {score.spread:.2g}</small>{distance}"

"""What the page says of a grid, as HTML: what it is made from, its numbers, its files."""

from __future__ import annotations

import html
from collections.abc import Sequence

from ays_core.grid import GridResult, Line
from components.grids.numbers import finding, missing, table
from components.grids.takeaway import takeaway
from components.state import Studio

AGAIN = "python -m ays_core compare plan.json --out again"


def about(studio: Studio) -> str:
    """What every cell of the next grid will share, as it is set in the Studio."""
    spec, words = studio.spec, [studio.spec.label]
    if studio.conditions:
        what = "prompt" if spec.takes_prompt else "class"
        words.append(f"{what} {', '.join(studio.conditions)}")
        if studio.bound_guidance != 1:
            words.append(f"guidance {studio.bound_guidance:g}")
    elif spec.classes:
        words.append("any class")
    line = f"{', '.join(words)}, seeds from {studio.seed} on, as set in the Studio."
    axes = "Rows and columns are two of schedules, solvers, steps, seeds."
    return f"<p>{html.escape(line)} {axes}</p>"


def measured(lines: Sequence[Line], result: GridResult) -> str:
    """The numbers as a table, with what is found in them and what is missing."""
    said = (finding(lines, result.grid), missing(result.grid))
    return measuring(lines, *filter(None, said)) if lines else ""


def measuring(lines: Sequence[Line], *said: str) -> str:
    """The numbers so far, with what is said of them."""
    words = "".join(f"<p>{html.escape(each)}</p>" for each in said)
    if not lines:
        return words
    head, rows = table(lines)
    heads = "".join(f'<th scope="col">{html.escape(text)}</th>' for text in head)
    body = "".join(
        f'<tr><th scope="row">{html.escape(name)}</th>'
        + "".join(f"<td>{html.escape(value)}</td>" for value in values)
        + "</tr>"
        for name, *values in rows
    )
    whole = f"<table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>"
    return f'<div class="saved">{whole}</div>{words}'


def files(result: GridResult | None, lines: Sequence[Line]) -> str:
    """Links that hold the files themselves: nothing is kept on the server."""
    if result is None:
        return "<p>Compare something first.</p>"
    links = "".join(
        f'<li><a download="{name}" href="{link}">{name}</a> {about}</li>'
        for name, (link, about) in takeaway(result, lines).items()
    )
    again = f"To make the same again: <code>{AGAIN}</code>"
    opens = '"Open a plan" reads plan.json, and every picture of this page, too.'
    return f"<ul>{links}</ul><p>{again}. {opens}</p>"

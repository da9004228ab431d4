"""What leaves the page: files."""

from __future__ import annotations

import base64
from collections.abc import Sequence

from ays_core.grid import GridResult, Line, contact_sheet, numbers_csv
from ays_core.models import in_memory


def takeaway(result: GridResult, lines: Sequence[Line]) -> dict[str, tuple[str, str]]:
    """File names, each with its content as a link and a word on it."""
    model, plan = in_memory(result.grid.model), result.grid.to_json().encode()
    sheet = contact_sheet(model, result)
    files = {"sheet.png": _link("image/png", sheet, "the grid with its labels; the plan is inside")}
    files["plan.json"] = _link(
        "application/json",
        plan,
        "what was run: formulas by name, all other schedules with every level",
    )
    if lines:
        csv = numbers_csv(lines).encode()
        files["numbers.csv"] = _link("text/csv", csv, "every number with its floor")
    return files


def _link(kind: str, content: bytes, about: str) -> tuple[str, str]:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}", about

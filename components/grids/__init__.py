"""Grids of the Compare tab: from what was chosen to a plan, and from a result to what is shown.

Knows nothing of how the page is laid out.
"""

from components.grids.cells import doing, schedule_in, shown
from components.grids.chosen import Asked, checked_noises, most_samples, plan, plan_of, row_plan
from components.grids.figures import error_figure, numbers_figure, step_figure
from components.grids.films import films
from components.grids.lines import style_of
from components.grids.numbers import finding, missing, table
from components.grids.takeaway import pairs, takeaway
from components.grids.work import (
    evaluations_of,
    films_job,
    grid_job,
    keep_cells,
    numbers_job,
    spec_behind,
)

__all__ = [
    "Asked",
    "checked_noises",
    "doing",
    "error_figure",
    "evaluations_of",
    "films",
    "films_job",
    "finding",
    "grid_job",
    "keep_cells",
    "missing",
    "most_samples",
    "numbers_figure",
    "numbers_job",
    "pairs",
    "plan",
    "plan_of",
    "row_plan",
    "schedule_in",
    "shown",
    "spec_behind",
    "step_figure",
    "style_of",
    "table",
    "takeaway",
]

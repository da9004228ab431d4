"""Grids of the Compare tab: from what was chosen to a plan, and from a result to what is shown.

Knows nothing of how the page is laid out.
"""

from components.grids.blind import (
    BLIND_NOISES,
    blind_job,
    blind_offer,
    new_seed,
    pairs,
    progress_note,
)
from components.grids.cells import doing, schedule_in, shown, unfinished
from components.grids.chosen import (
    Asked,
    Plan,
    checked_noises,
    most_samples,
    plan,
    plan_of,
    planned,
    row_plan,
    with_twins,
)
from components.grids.figures import error_figure, numbers_figure, step_figure
from components.grids.films import films
from components.grids.lines import style_of
from components.grids.numbers import finding, missing, table
from components.grids.takeaway import takeaway
from components.grids.told import about, files, measured, measuring
from components.grids.work import (
    evaluations_of,
    films_job,
    grid_job,
    keep_cells,
    numbers_job,
    spec_behind,
)

__all__ = [
    "BLIND_NOISES",
    "Asked",
    "Plan",
    "about",
    "blind_job",
    "blind_offer",
    "checked_noises",
    "doing",
    "error_figure",
    "evaluations_of",
    "files",
    "films",
    "films_job",
    "finding",
    "grid_job",
    "keep_cells",
    "measured",
    "measuring",
    "missing",
    "most_samples",
    "new_seed",
    "numbers_figure",
    "numbers_job",
    "pairs",
    "plan",
    "plan_of",
    "planned",
    "progress_note",
    "row_plan",
    "schedule_in",
    "shown",
    "spec_behind",
    "step_figure",
    "style_of",
    "table",
    "takeaway",
    "unfinished",
    "with_twins",
]

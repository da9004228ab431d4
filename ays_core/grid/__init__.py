"""A grid of comparisons: planned as a value, run as a job, taken away as pictures and numbers."""

from ays_core.grid.measure import Film, Line, film, measure_grid
from ays_core.grid.plan import AXES, Grid, Named, Spot
from ays_core.grid.sheet import contact_sheet, numbers_csv
from ays_core.grid.work import GridCell, GridResult, Results, run_grid

__all__ = [
    "AXES",
    "Film",
    "Grid",
    "GridCell",
    "GridResult",
    "Line",
    "Named",
    "Results",
    "Spot",
    "contact_sheet",
    "film",
    "measure_grid",
    "numbers_csv",
    "run_grid",
]

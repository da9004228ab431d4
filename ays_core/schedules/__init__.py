"""Ways to make a schedule without a search: closed forms, and published or learned tables.

Every `make` has the same form, `make(num_steps, spec, *, final_zero, sigma_min, sigma_max, **own)`,
and gives exactly `num_steps` steps or refuses, naming the nearest number that works. `final_zero`
left out: closed forms end in 0, tables end as they are printed. `sigma_min` and `sigma_max` left
out: closed forms span the model's own range, tables keep theirs.
"""

from ays_core.schedules import closed_forms  # noqa: F401 - fills the catalogue
from ays_core.schedules.entry import SCHEDULES, MadeFor, ScheduleEntry
from ays_core.schedules.tables import TABLES, add_tables, fitted, read_table, scaled

__all__ = ["SCHEDULES", "TABLES", "MadeFor", "ScheduleEntry", "fitted", "read_table", "scaled"]

add_tables()

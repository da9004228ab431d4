"""What a model says along the noise axis, measured once: `measure` walks, `Statistics` answers."""

from ays_core.statistics.value import Statistics
from ays_core.statistics.walk import log_levels, measure, measure_model, measured_key, merged

__all__ = ["Statistics", "log_levels", "measure", "measure_model", "measured_key", "merged"]

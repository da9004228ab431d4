"""Align Your Steps: schedules that keep the solver's path close to the true one."""

from ays_core.optimizers.align_your_steps.density import ays_density
from ays_core.optimizers.align_your_steps.estimator import Estimator
from ays_core.optimizers.align_your_steps.measured import ays
from ays_core.optimizers.align_your_steps.monte_carlo import ays_mc
from ays_core.optimizers.align_your_steps.priced import Priced
from ays_core.optimizers.align_your_steps.search import family

__all__ = ["Estimator", "Priced", "ays", "ays_density", "ays_mc", "family"]

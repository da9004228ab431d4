"""Optimizers: each file is one paper, or one idea, that makes a schedule by searching for it."""

from ays_core.optimizers.align_your_steps import ays, ays_density, ays_mc
from ays_core.optimizers.direct import direct
from ays_core.optimizers.entry import OPTIMIZERS, OptimizerEntry
from ays_core.optimizers.gits import gits
from ays_core.optimizers.optimal_stepsize import optimal_stepsize
from ays_core.optimizers.score_optimal import score_optimal

__all__ = [
    "OPTIMIZERS",
    "OptimizerEntry",
    "ays",
    "ays_density",
    "ays_mc",
    "direct",
    "gits",
    "optimal_stepsize",
    "score_optimal",
]

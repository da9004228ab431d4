"""Align Your Steps: schedules that keep the solver's path close to the true one."""

from ays_core.optimizers.align_your_steps.measured import Priced, ays, family

__all__ = ["Priced", "ays", "family"]

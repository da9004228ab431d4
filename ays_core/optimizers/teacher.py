"""The fine trajectory that some optimizers learn from: its levels, and steps along them."""

from __future__ import annotations

from itertools import pairwise

import torch

from ays_core.denoiser import Batch, Bound, Denoiser
from ays_core.job import Job, Progress
from ays_core.schedule import Schedule
from ays_core.schedules import SCHEDULES
from ays_core.solvers import first_order_step

TEACHERS = ("karras", "log_snr", "linear_t", "quadratic_t", "kl_optimal", "start")


def teacher_grid(denoise: Bound, start: Schedule, teacher: str, num_steps: int) -> Schedule:
    """The levels to choose from: between the ends of `start`, but down to the model's sigma_min
    where a final 0 leaves the last positive level free."""
    denoise.spec.check(start)
    if teacher == "start":
        return start.with_steps(num_steps)
    low = start.positive[-1]
    return SCHEDULES[teacher].make(
        num_steps,
        denoise.spec,
        final_zero=start.final_zero,
        sigma_min=min(low, denoise.spec.sigma_min) if start.final_zero else low,
        sigma_max=start.sigmas[0],
    )


def replay(denoise: Denoiser, schedule: Schedule, x: Batch) -> Job[Batch]:
    """First-order steps along `schedule` from states `x` at its first level, in x's dtype."""
    for i, (sigma, sigma_next) in enumerate(pairwise(schedule.sigmas)):
        with torch.no_grad():
            x = first_order_step(x, denoise(x, sigma), sigma, sigma_next)
        yield Progress("replay", i + 1, schedule.num_steps)
    return x

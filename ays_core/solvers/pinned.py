"""diffusers' own schedulers, made for exactly the given noise levels.

All of them run on VE x. That takes three rules, the same for every class:

- `set_timesteps` is never called: it rounds, drops, re-spaces or shifts levels. `sigmas` are
  assigned, as float64.
- The map between two levels is the VE one: alpha = 1, sigma = sigma. A first-order step is the
  same map in VE, VP and flow coordinates, so a solver that interpolates in ln sigma (DPM++, UniPC,
  DEIS) gives what its native run gives.
- Levels are positive here; `Stepper` handles a final 0. So the flags that lower the order of the
  last step are off.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import torch

Levels = Sequence[float]  # positive, descending
Scheduler = Any  # a diffusers scheduler
Calls = tuple[float, ...]  # sigma of every denoiser call inside one step, the first at its start


# Where a step from sigma to sigma_next calls the denoiser, beside its start


def ends(_i: int, sigma: float, sigma_next: float) -> Calls:
    return sigma, sigma_next


def middle(_i: int, sigma: float, sigma_next: float) -> Calls:
    return sigma, (sigma * sigma_next) ** 0.5


def thirds(_i: int, sigma: float, sigma_next: float) -> Calls:
    ratio = (sigma_next / sigma) ** (1 / 3)
    return sigma, sigma * ratio, sigma * ratio**2


def first_twice(i: int, sigma: float, sigma_next: float) -> Calls:
    return (sigma, sigma_next) if i == 0 else (sigma,)


# Pinning


def pinned(scheduler: Scheduler, sigmas: Levels, num_calls: int) -> Scheduler:
    """`scheduler` at the beginning of `sigmas`, in VE coordinates."""
    scheduler.sigmas = torch.tensor(sigmas, dtype=torch.float64)
    scheduler.timesteps = torch.arange(num_calls, 0, -1, dtype=torch.float64)  # distinct, unread
    scheduler.num_inference_steps = num_calls
    scheduler._step_index = 0  # a look-up by timestep is one more thing that can go wrong
    scheduler._sigma_to_alpha_sigma_t = lambda sigma: (torch.ones_like(sigma), sigma)
    scheduler.is_scale_input_called = True  # the denoiser takes VE x as it is
    return scheduler


def scheduler_class(name: str) -> Callable[..., Scheduler]:
    # Not `import diffusers`: it replaces its own module while it loads, and of two threads the
    # second would be given the empty one.
    return getattr(importlib.import_module("diffusers"), name)


def one_call(levels: Levels, *, cls: str, **config: object) -> Scheduler:
    """One call a step: the levels as they are."""
    return pinned(scheduler_class(cls)(**config), levels, len(levels) - 1)


def doubled(levels: Levels) -> list[float]:
    """Two indices a step, for schedulers that count calls: s0, s1, s1, ..., sn, sn."""
    return [levels[0], *(sigma for sigma in levels[1:] for _ in range(2))]


def two_calls(levels: Levels, *, cls: str, **config: object) -> Scheduler:
    """Heun: what the second call finds in `sigmas` is the end of the step."""
    # The scheduler's own table is never read; KDPM2 would take 0.1 s to build a long one.
    scheduler = scheduler_class(cls)(num_train_timesteps=2, **config)
    return pinned(scheduler, doubled(levels), 2 * (len(levels) - 1))


def flow_heun(levels: Levels) -> Scheduler:
    times = [sigma / (1 + sigma) for sigma in levels]
    scheduler = two_calls(times, cls="FlowMatchHeunDiscreteScheduler")
    scheduler.dt = None
    return scheduler


def single_step(levels: Levels, *, order: int, **config: object) -> Scheduler:
    """DPM-Solver++ singlestep: a step's inner levels are levels; its order list counts calls."""
    inner = {2: middle, 3: thirds}[order]
    steps = [inner(i, *ends) for i, ends in enumerate(pairwise(levels))]
    scheduler = scheduler_class("DPMSolverSinglestepScheduler")(
        solver_order=order, prediction_type="sample", **config
    )
    scheduler.order_list = list(range(1, order + 1)) * len(steps)
    return pinned(
        scheduler, [*(s for calls in steps for s in calls), levels[-1]], order * len(steps)
    )


def kdpm2(levels: Levels) -> Scheduler:
    scheduler = two_calls(levels, cls="KDPM2DiscreteScheduler")
    inner = [s for i, step in enumerate(pairwise(levels)) for s in middle(i, *step)]
    scheduler.sigmas_interpol = torch.tensor(inner, dtype=torch.float64)
    return scheduler


def kdpm2_ancestral(levels: Levels) -> Scheduler:
    """Down to sigma'^2 / sigma and back up to sigma', which is the middle of the way down."""
    scheduler = two_calls(levels, cls="KDPM2AncestralDiscreteScheduler")
    sigma, sigma_next = torch.tensor([*pairwise(levels)], dtype=torch.float64).reshape(-1, 2).T
    scheduler.sigmas_interpol = sigma_next.repeat_interleave(2)
    scheduler.sigmas_down = (sigma_next**2 / sigma).repeat_interleave(2)
    scheduler.sigmas_up = (sigma_next * (1 - (sigma_next / sigma) ** 2).sqrt()).repeat_interleave(2)
    return scheduler


def ipndm(levels: Levels) -> Scheduler:
    """Adams-Bashforth weights of equal steps, as published, on the eps of each call."""
    scheduler = one_call(levels, cls="IPNDMScheduler")
    scheduler.betas, scheduler.alphas = torch.zeros(len(levels)), torch.ones(len(levels))
    scheduler._get_prev_sample = lambda x, i, i_next, eps: (
        x + (scheduler.sigmas[i_next] - scheduler.sigmas[i]) * eps
    )
    return scheduler


def pndm(levels: Levels) -> Scheduler:
    """PLMS: the first step is done twice, the second time with the mean of both ends."""
    last = len(levels) - 1
    base: Any = scheduler_class("PNDMScheduler")

    class PLMS(base):
        @property
        def step_index(self) -> int:  # the scheduler itself counts calls
            return max(self.counter - 1, 0)

        def _get_prev_sample(self, sample, timestep, prev_timestep, model_output):
            i, i_next = last - int(timestep), last - int(prev_timestep)
            return sample + (self.sigmas[i_next] - self.sigmas[i]) * model_output

    scheduler = PLMS(num_train_timesteps=max(last, 1), skip_prk_steps=True)
    pinned(scheduler, levels, max(last, 1))
    scheduler.prk_timesteps = ()
    countdown = range(last, 0, -1)
    scheduler.timesteps = torch.tensor([*countdown[:1], last - 1, *countdown[1:]])
    return scheduler

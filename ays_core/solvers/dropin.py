"""A solver as a scheduler for an unmodified diffusers pipeline: `pipe.scheduler = ...`.

Here, unlike in `pinned.py`, x is in the pipeline's own convention (VP or flow) and the scheduler
is fed what the network predicts. Whatever step count, timesteps or sigmas the pipeline asks for,
the scheduler runs its schedule, and nothing is shifted again.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch

from ays_core.paths import FLOW_SIGMA_MAX, ModelSpec
from ays_core.schedule import Schedule
from ays_core.solvers import check_steps
from ays_core.solvers.catalogue import SOLVERS, multistep
from ays_core.solvers.pinned import Scheduler, scheduler_class

# The first-order solvers as DPM++ of order 1: the same maps, and one class for every convention.
FIRST_ORDER = {
    "euler": partial(multistep, solver_order=1),
    "euler_a": partial(multistep, solver_order=1, algorithm_type="sde-dpmsolver++"),
}
PREDICTIONS = {
    "eps": "epsilon",
    "v": "v_prediction",
    "x0": "sample",
    "flow": "flow_prediction",
}
LOG_SNR = {
    "DPMSolverMultistepScheduler",
    "DPMSolverSinglestepScheduler",
    "UniPCMultistepScheduler",
}
RUNS = {  # scheduler classes that follow exactly these levels, by noise path
    "vp": LOG_SNR | {"HeunDiscreteScheduler"},
    "flow": LOG_SNR | {"FlowMatchHeunDiscreteScheduler"},
}
TIMESTEPS = {"vp": 1.0, "flow": 1000.0}  # per unit of model time


@dataclass(frozen=True)
class Pinning:
    """What a pinned scheduler is made of: a class of diffusers, its config, the levels and the
    timesteps that it holds, and what else is set on it."""

    name: str
    config: Mapping[str, Any]
    levels: tuple[float, ...]
    timesteps: tuple[float, ...]
    attributes: Mapping[str, Any]


def pinned_scheduler(key: str, schedule: Schedule, spec: ModelSpec) -> Scheduler:
    """The solver `key` along exactly `schedule`, for a pipeline whose model is `spec`.

    Raises `ValueError`, naming the solvers that can, where the pipeline's own schedulers cannot.
    A pipeline that does not scale its start noise (DiT) cannot run `heun`.
    """
    made_of = pinning(key, schedule, spec)
    scheduler = dropped_in(scheduler_class(made_of.name))(**made_of.config)
    for name, value in made_of.attributes.items():
        setattr(scheduler, name, value)
    scheduler.pin(made_of.levels, made_of.timesteps)
    return scheduler


def pinning(key: str, schedule: Schedule, spec: ModelSpec) -> Pinning:
    """As `pinned_scheduler`, in numbers and names."""
    entry = SOLVERS[key]
    check_steps(entry, spec.check(schedule))
    made = FIRST_ORDER.get(entry.key, entry.make)(schedule.positive)
    name = type(made).__name__
    if name not in RUNS.get(spec.path.name, ()):
        raise ValueError(
            f"no scheduler of diffusers runs {entry.label} in a {spec.path.name} pipeline on given "
            f"levels; these do: {', '.join(can_drop_in(spec)) or 'none'}"
        )
    flow = spec.path.name == "flow"
    levels = [*made.sigmas.tolist(), *[0.0] * schedule.final_zero]
    if flow and entry.takes != "flow":  # that one is in flow time already
        levels = [level / (1 + level) for level in levels]
    calls = [sigma for step in entry.calls(schedule.sigmas) for sigma in step]
    times = spec.path.time(np.array(calls)) * TIMESTEPS[spec.path.name]
    attributes: dict[str, Any] = {}
    if name not in LOG_SNR:
        attributes["dt"] = None  # Heun's memory of a half-done step
    else:  # pipelines scale their unit noise by this
        attributes["init_noise_sigma"] = schedule.sigmas[0] * spec.path.scale(schedule.sigmas[0])
    if hasattr(made, "order_list"):
        attributes["order_list"] = [*made.order_list, 1]
    if flow and schedule.sigmas[0] >= FLOW_SIGMA_MAX:
        attributes["beyond"] = 1 - levels[0]
    config = in_convention(made, schedule, spec)
    return Pinning(name, config, tuple(levels), tuple(times.tolist()), attributes)


def can_drop_in(spec: ModelSpec) -> list[str]:
    """Solvers that `pinned_scheduler` gives for a pipeline whose model is `spec`."""
    classes = RUNS.get(spec.path.name, set())
    return [
        key
        for key, entry in SOLVERS.items()
        if type(FIRST_ORDER.get(key, entry.make)((2.0, 1.0))).__name__ in classes
    ]


def in_convention(made: Scheduler, schedule: Schedule, spec: ModelSpec) -> dict[str, Any]:
    """The config of `made`, for this model's prediction and for how the schedule ends."""
    known = {name: value for name, value in made.config.items() if not name.startswith("_")}
    ours = {"prediction_type": PREDICTIONS[spec.prediction], "final_sigmas_type": "sigma_min"}
    if spec.path.name == "flow":
        ours |= {"use_flow_sigmas": True}
    if schedule.final_zero:
        ours |= {"final_sigmas_type": "zero"}
    return known | {name: value for name, value in ours.items() if name in known}


@functools.cache
def dropped_in(base: Any) -> Any:
    """`base` with levels of its own."""
    from diffusers.schedulers.scheduling_utils import SchedulerOutput

    log_snr = "Multistep" in base.__name__ or "Singlestep" in base.__name__

    class Pinned(base):
        beyond = (
            0.0  # how far from t = 1, where lambda is infinite, the level is that stands for it
        )

        def pin(self, levels, timesteps):
            self.sigmas = torch.tensor(levels, dtype=torch.float64)
            self.timesteps = torch.tensor(timesteps, dtype=torch.float32)
            self.num_inference_steps = len(timesteps)
            self._step_index, self._begin_index = None, 0
            self._pinned = copy.deepcopy(self.__dict__)

        # Pipelines look for these names before they pass them.
        def set_timesteps(
            self,
            num_inference_steps=None,
            device=None,
            timesteps=None,
            sigmas=None,  # noqa: ARG002
            mu=None,  # noqa: ARG002
        ):
            """Begin the pinned levels again, whatever is asked."""
            if "_pinned" not in self.__dict__:  # Heun asks for its table while it is made
                return super().set_timesteps(num_inference_steps, device, timesteps)
            self.__dict__.update(copy.deepcopy(self._pinned))
            self.timesteps = self.timesteps.to(device)

        @functools.wraps(base.step)
        def step(self, model_output, timestep, sample, *args, return_dict=True, **kwargs):
            """A step into 0 is the last x0, for every solver."""
            if self.step_index is None:
                self._init_step_index(timestep)
            if self.step_index == 0 and self.beyond:  # from t = 1 along the network's velocity
                sample = sample - self.beyond * model_output
            into_zero = self.step_index == len(self.timesteps) - 1 and self.sigmas[-1] == 0
            if into_zero and log_snr:
                x0 = self.convert_model_output(model_output, sample=sample)
                self._step_index = len(self.timesteps)
                return SchedulerOutput(prev_sample=x0) if return_dict else (x0,)
            return super().step(
                model_output, timestep, sample, *args, return_dict=return_dict, **kwargs
            )

    Pinned.__name__ = Pinned.__qualname__ = f"Pinned{base.__name__}"
    return Pinned

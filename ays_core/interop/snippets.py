"""Python that makes a schedule run: a scheduler for a diffusers pipeline, a tensor for k-diffusion.

What is written needs nothing of this project.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ays_core.paths import ModelSpec, scaled_linear_vp
from ays_core.schedule import Schedule

STABLE_DIFFUSION = ModelSpec(  # what is written for where no model is named
    key="",
    label="Stable Diffusion 1.5",
    sample_shape=(4, 64, 64),
    sigma_min=float(scaled_linear_vp().table[0]),
    sigma_max=float(scaled_linear_vp().table[-1]),
    sigma_data=1.0,
    path=scaled_linear_vp(),
    prediction="eps",
)
AXES = {"vp": "levels: sigma", "flow": "levels: t = sigma / (1 + sigma), after the shift"}
DIFFUSERS = """\
# {title}
# {solver} on exactly these levels, whatever steps, timesteps or sigmas a pipeline asks for, and
# nothing is shifted again. For {label}, which predicts {prediction}:
#
#     pipe.scheduler = scheduler
{start}\
import copy
import functools
from typing import Any

import torch
from diffusers import {name}

sigmas = {sigmas}  # {axis}
{held}\
timesteps = {timesteps}


{source}

scheduler = dropped_in({name})({config})
{attributes}\
scheduler.pin({levels}, timesteps)
"""
UNSCALED = """\
#
# It starts from noise times {factor:.7g}: a pipeline that does not scale its noise by
# scheduler.init_noise_sigma (DiT and flow models do not) is given latents = {factor:.7g} * noise.
"""


def write_diffusers(
    schedule: Schedule, spec: ModelSpec | None = None, solver: str = "euler"
) -> str:
    """The scheduler that runs `schedule` with `solver` in an unmodified pipeline: code and all.

    Raises `ValueError`, naming what can, where diffusers has no scheduler that does.
    """
    from ays_core.solvers import SOLVERS
    from ays_core.solvers.dropin import dropped_in, pinning

    spec = spec or STABLE_DIFFUSION
    made_of = pinning(solver, schedule, spec)
    levels, factor = native(schedule, spec), start_factor(schedule, spec)
    inner = "" if list(made_of.levels) == levels else wrapped(made_of.levels)
    return DIFFUSERS.format(
        title=title(schedule, spec),
        solver=SOLVERS[solver].label,
        label=one_line(spec.label),
        prediction=spec.prediction,
        start="" if abs(factor - 1) < 1e-4 else UNSCALED.format(factor=factor),
        name=made_of.name,
        sigmas=wrapped(levels),
        axis=AXES[spec.path.name],
        timesteps=wrapped(made_of.timesteps),
        source=re.sub(r" +# noqa.*", "", inspect.getsource(dropped_in)),
        config=", ".join(f"{k}={v!r}" for k, v in own_config(made_of).items()),
        attributes="".join(f"scheduler.{k} = {v!r}\n" for k, v in made_of.attributes.items()),
        held=f"held = {inner}  # as the scheduler holds them\n" if inner else "",
        levels="held" if inner else "sigmas",
    )


def start_factor(schedule: Schedule, spec: ModelSpec) -> float:
    """What unit noise is times at the start, on the pipeline's own scale."""
    return schedule.sigmas[0] * spec.path.scale(schedule.sigmas[0])


def own_config(made_of: Any) -> Mapping[str, Any]:
    """What differs from the class's defaults."""
    from ays_core.solvers.pinned import scheduler_class

    defaults = inspect.signature(scheduler_class(made_of.name)).parameters
    return {k: v for k, v in made_of.config.items() if v != defaults[k].default}


def write_kdiffusion(schedule: Schedule, spec: ModelSpec | None = None) -> str:
    return (
        f"# {title(schedule, spec)}\n"
        "# Any sample_* function of k-diffusion takes this tensor as its sigmas.\n"
        "import torch\n\n"
        f"sigmas = torch.tensor({wrapped(schedule.sigmas)})\n"
    )


def native(schedule: Schedule, spec: ModelSpec | None) -> list[float]:
    """The levels in the model family's own convention: times after the shift for flow models."""
    if spec is None or spec.path.name != "flow":
        return list(schedule.sigmas)
    return spec.path.time(np.array(schedule.sigmas)).tolist()


def assigned_list(text: str) -> list[float]:
    """The one list of numbers assigned to `sigmas`, as a Python reader sees it; nothing runs."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "sigmas":
            value = node.value.args[0] if isinstance(node.value, ast.Call) else node.value
            return [float(number) for number in ast.literal_eval(value)]
    raise ValueError("no list named sigmas")


def title(schedule: Schedule, spec: ModelSpec | None) -> str:
    words = f"{schedule.origin.method}, {schedule.num_steps} steps"
    return one_line(f"{words}, for {spec.label}" if spec else words)


def one_line(words: str) -> str:
    """What stands in a comment must not become code."""
    return " ".join(words.split())


def wrapped(numbers: Sequence[float]) -> str:
    """A Python list, five numbers a line."""
    lines = [", ".join(map(repr, numbers[i : i + 5])) for i in range(0, len(numbers), 5)]
    return "[\n    " + ",\n    ".join(lines) + ",\n]"

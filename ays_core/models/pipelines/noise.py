"""What a checkpoint's scheduler config says about its noise: read and shown, never assumed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from ays_core.paths import FLOW_SIGMA_MAX, VE, VP, Flow, Path

PREDICTIONS: dict[str, Literal["eps", "v", "x0"]] = {
    "epsilon": "eps",
    "v_prediction": "v",
    "sample": "x0",
}


@dataclass(frozen=True)
class Noise:
    """A noise axis: path, what the network predicts, its range, and facts worth showing.

    `sign` is that of an EDM network's output: -1 where it is trained as v.
    """

    path: Path
    prediction: Literal["x0", "eps", "v", "flow", "edm"]
    sigma_min: float
    sigma_max: float
    sigma_data: float
    facts: dict[str, str]
    sign: int = 1


def read_noise(scheduler: Any, image_tokens: int | None = None) -> Noise:
    """The noise axis of a checkpoint from its own scheduler.

    `image_tokens`: length of the transformer's sequence, for a shift that depends on it. Raises
    `ValueError` for a config whose convention is not known, or with a field that is no number.
    """
    config: Mapping[str, Any] = scheduler.config
    kind = str(config.get("_class_name", type(scheduler).__name__))
    if kind.startswith("EDM"):
        return edm(kind, config)
    predicted = str(config.get("prediction_type", "epsilon"))
    if config.get("timestep_type") == "continuous" and predicted == "v_prediction":
        return continuous_v(kind, config, scheduler.sigmas)
    flow = kind.startswith("FlowMatch") or config.get("use_flow_sigmas", False)
    if flow or predicted == "flow_prediction":
        return flow_matching(kind, config, image_tokens)
    if predicted not in PREDICTIONS or not hasattr(scheduler, "alphas_cumprod"):
        raise ValueError(
            f"{kind} with prediction type {predicted!r} is not a convention known here; known: "
            f"{', '.join((*PREDICTIONS, 'flow_prediction'))} and EDM's"
        )
    return variance_preserving(kind, config, scheduler.alphas_cumprod, PREDICTIONS[predicted])


def variance_preserving(
    kind: str, config: Mapping[str, Any], alphas_cumprod: Any, prediction: Literal["eps", "v", "x0"]
) -> Noise:
    """A table of levels. One that ends in pure noise ends at diffusers' own stand-in, 2^-24."""
    alphas = np.maximum(np.asarray(alphas_cumprod.tolist()), 2.0**-24)
    path = VP(tuple(alphas.tolist()))
    facts = {
        "scheduler": kind,
        "prediction": prediction,
        "training levels": f"{len(alphas)}, {config.get('beta_schedule', 'given')} betas",
    }
    return Noise(path, prediction, float(path.table[0]), float(path.table[-1]), 1.0, facts)


def flow_matching(kind: str, config: Mapping[str, Any], image_tokens: int | None) -> Noise:
    """x_t = (1 - t) x0 + t n. A shift s takes t / (1 - t) = sigma to s sigma, and no more.

    Levels here are after the shift: it says where the checkpoint's own schedules put their
    levels, and where its training table begins.
    """
    shift = number(config.get("shift") or config.get("flow_shift") or 1.0, kind, "shift")
    told = f"{shift:g}"
    if config.get("use_dynamic_shifting") and image_tokens is None:
        told = "by the size of the picture (dynamic)"
    elif config.get("use_dynamic_shifting") and image_tokens is not None:
        shift = dynamic_shift(kind, config, image_tokens)
        told = f"{shift:.4g} at this size (dynamic)"
    trained = int(config.get("num_train_timesteps", 1000))
    facts = {
        "scheduler": kind,
        "prediction": "flow",
        "shift": told,
        "training levels": f"{trained}, t even before the shift",
    }
    return Noise(Flow(), "flow", shift / (trained - 1), FLOW_SIGMA_MAX, 1.0, facts)


# Where a config does not say, the pipelines themselves take these.
DYNAMIC = {
    "base_shift": 0.5,
    "max_shift": 1.15,
    "base_image_seq_len": 256,
    "max_image_seq_len": 4096,
}


def dynamic_shift(kind: str, config: Mapping[str, Any], image_tokens: int) -> float:
    """mu is linear in the number of image tokens; the shift is e^mu, or mu itself."""
    base, most, few, many = (
        number(config.get(name, usual), kind, name) for name, usual in DYNAMIC.items()
    )
    mu = base + (most - base) / (many - few) * (image_tokens - few)
    return mu if config.get("time_shift_type") == "linear" else math.exp(mu)


def number(value: Any, kind: str, name: str) -> float:
    """A field of a config that must be a number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"the config of its {kind} has {name} = {value!r}; it must be a number")
    return float(value)


def continuous_v(kind: str, config: Mapping[str, Any], sigmas: Any) -> Noise:
    """EulerDiscrete over a continuous axis: EDM's preconditioning of v with sigma_data 1."""
    positive = [float(sigma) for sigma in sigmas if sigma > 0]
    ends = config.get("sigma_min") or min(positive), config.get("sigma_max") or max(positive)
    sigma_min, sigma_max = (number(end, kind, "a sigma") for end in ends)
    facts = {"scheduler": kind, "prediction": "v, continuous time ln(sigma) / 4"}
    return Noise(VE(), "edm", sigma_min, sigma_max, 1.0, facts, sign=-1)


def edm(kind: str, config: Mapping[str, Any]) -> Noise:
    """Karras et al., table 1: the network is preconditioned, model time is ln(sigma) / 4."""
    sigma_data, sigma_min, sigma_max = (
        number(config.get(name), kind, name) for name in ("sigma_data", "sigma_min", "sigma_max")
    )
    facts = {
        "scheduler": kind,
        "prediction": "EDM-preconditioned",
        "sigma_data": f"{sigma_data:g}",
    }
    return Noise(
        VE(),
        "edm",
        sigma_min,
        sigma_max,
        sigma_data,
        facts,
        sign=-1 if config.get("prediction_type") == "v_prediction" else 1,
    )

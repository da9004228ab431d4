"""Real models: diffusers pipelines from a folder or the Hub, in VE coordinates.

Only safetensors are read and no code of a checkpoint is run.
"""

from __future__ import annotations

from typing import Any

import torch

from ays_core.models.pipelines.base import PipelineModel
from ays_core.models.pipelines.stable_diffusion import StableDiffusion, StableDiffusionXL
from ays_core.models.pipelines.transformers import DiT, Flux, PixArtSigma, StableDiffusion3, Wan
from ays_core.models.pipelines.unet2d import UNet2D

__all__ = ["FAMILIES", "PipelineModel", "adapt", "load_pipeline"]

FAMILIES: dict[str, type[PipelineModel]] = {  # by the class that a checkpoint's index names
    "StableDiffusionPipeline": StableDiffusion,
    "StableDiffusionXLPipeline": StableDiffusionXL,
    "StableDiffusion3Pipeline": StableDiffusion3,
    "FluxPipeline": Flux,
    "DiTPipeline": DiT,
    "PixArtSigmaPipeline": PixArtSigma,
    "WanPipeline": Wan,
    "DDPMPipeline": UNet2D,
    "DDIMPipeline": UNet2D,
}


def load_pipeline(
    source: str, *, size: int | None = None, device: str | None = None
) -> PipelineModel:
    """The model in a local folder or at a Hub id, on the best device there is.

    `size`: pixels of a side, where not the checkpoint's own. Raises `ValueError` for a pipeline
    that is not supported, naming those that are, or that cannot be loaded safely.
    """
    from diffusers.pipelines.pipeline_utils import DiffusionPipeline

    try:
        index: Any = DiffusionPipeline.load_config(source)
    except (OSError, ValueError) as error:
        raise ValueError(f"no diffusers pipeline in {source!r}: {first_line(error)}") from None
    family = family_of(str(index.get("_class_name")))
    device = device or best_device()
    try:
        pipe = DiffusionPipeline.from_pretrained(
            source,
            use_safetensors=True,
            dtype=torch.float32 if device == "cpu" else torch.bfloat16,
            **{name: None for name in family.unneeded if name in index},
        )
    except (OSError, ValueError, ImportError) as error:
        raise ValueError(
            f"{source!r} cannot be loaded from safetensors without code of its own: "
            f"{first_line(error)}"
        ) from None
    return adapt(pipe.to(device), source, size=size)


def adapt(pipe: Any, source: str = "", *, size: int | None = None) -> PipelineModel:
    """A pipeline that is in memory already, as a model."""
    name = type(pipe).__name__
    pipe.set_progress_bar_config(disable=True)
    return family_of(name)(pipe, source or name, size)


def family_of(name: str) -> type[PipelineModel]:
    try:
        return FAMILIES[name]
    except KeyError:
        raise ValueError(f"{name} is not supported; supported: {', '.join(FAMILIES)}") from None


def best_device() -> str:
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]

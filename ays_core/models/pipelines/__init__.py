"""Real models: diffusers pipelines from a folder or a file, in VE coordinates.

Only safetensors are read and no code of a checkpoint is run.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from ays_core.models.device import (
    GIB,
    WEIGHTS_SHARE,
    best_device,
    best_dtype,
    free_memory,
    memory_for,
)
from ays_core.models.pipelines.base import PipelineModel
from ays_core.models.pipelines.stable_diffusion import StableDiffusion, StableDiffusionXL
from ays_core.models.pipelines.transformers import DiT, Flux, PixArtSigma, StableDiffusion3, Wan
from ays_core.models.pipelines.unet2d import UNet2D

__all__ = ["FAMILIES", "PipelineModel", "adapt", "family_of", "load_pipeline", "place"]

SINGLE_FILE = ".safetensors"
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
    source: str | Path,
    *,
    name: str = "",
    size: int | None = None,
    device: str | None = None,
    config: str | Path | None = None,
    variant: str | None = None,
) -> PipelineModel:
    """The model in a local folder, or in one .safetensors file with a `config` folder beside it,
    on the best device there is.

    `name`: what it is called, by default `source`. `size`: pixels of a side, where not the
    checkpoint's own. `variant`: which of several sets of weights, "fp16" for instance. Raises
    `ValueError` for a pipeline that is not supported, naming those that are, or that cannot be
    loaded safely.
    """
    from diffusers.loaders.single_file_utils import SingleFileComponentError

    single = Path(source).is_file()
    if single and Path(source).suffix != SINGLE_FILE:
        raise ValueError(f"{source} is not a {SINGLE_FILE} file: nothing else is read")
    if single and not config:
        raise ValueError(f"{source} is a single file: give the folder with its configs as well")
    folder = Path(config) if single and config else Path(source)
    index = index_of(folder)
    family = family_of(str(index.get("_class_name")))
    device = device or best_device()
    kwargs: dict[str, Any] = {part: None for part in family.unneeded if part in index}
    dtype = torch.float32 if family.precise else best_dtype(device)
    try:
        with memory_for("reading the weights", "cpu"):
            pipe = (
                _from_single_file(str(index["_class_name"]), Path(source), folder, dtype, kwargs)
                if single
                else _from_folder(folder, dtype, variant, kwargs)
            )
    except (OSError, ValueError, ImportError, SingleFileComponentError) as error:
        raise ValueError(
            f"{str(source)!r} cannot be loaded from safetensors without code of its own: "
            f"{first_line(error)}"
        ) from None
    placed = place(pipe, device)
    model = adapt(pipe, name or str(source), size=size)
    model.placed = f"{placed}, {str(model.module.dtype).removeprefix('torch.')}"
    return model


def index_of(folder: Path) -> dict[str, Any]:
    """What a checkpoint's folder says it is, or a `ValueError`."""
    from diffusers.pipelines.pipeline_utils import DiffusionPipeline

    if not (folder / "model_index.json").is_file():
        raise ValueError(f"no diffusers pipeline in {str(folder)!r}: it has no model_index.json")
    try:
        index: Any = DiffusionPipeline.load_config(str(folder), local_files_only=True)
    except (OSError, ValueError) as error:
        raise ValueError(f"no diffusers pipeline in {str(folder)!r}: {first_line(error)}") from None
    return index


def _from_folder(folder: Path, dtype: torch.dtype, variant: str | None, kwargs: Any) -> Any:
    from diffusers.pipelines.pipeline_utils import DiffusionPipeline

    return DiffusionPipeline.from_pretrained(
        str(folder),
        use_safetensors=True,
        local_files_only=True,
        variant=variant,
        dtype=dtype,
        **kwargs,
    )


def _from_single_file(kind: str, file: Path, config: Path, dtype: torch.dtype, kwargs: Any) -> Any:
    import diffusers

    pipeline = getattr(diffusers, kind)
    if not hasattr(pipeline, "from_single_file"):
        raise ValueError(f"a {kind} is not kept in a single file")
    return pipeline.from_single_file(
        str(file), config=str(config), local_files_only=True, torch_dtype=dtype, **kwargs
    )


def place(pipe: Any, device: str) -> str:
    """Put a pipeline on `device`, in words. Where its weights exceed what is free there, its parts
    wait in main memory for their turn; a part that exceeds it alone is a `ValueError`."""
    parts = [part for part in pipe.components.values() if isinstance(part, torch.nn.Module)]
    weights = [sum(p.numel() * p.element_size() for p in part.parameters()) for part in parts]
    room = WEIGHTS_SHARE * free_memory(device)
    if device == "cpu" or sum(weights) <= room:
        with memory_for("placing the weights", device):
            pipe.to(device)
        return device
    if max(weights) > room:
        raise ValueError(
            f"its largest part has {max(weights) / GIB:.1f} GiB of weights, and {room / GIB:.1f} "
            f"GiB can be used on {device}: free some, or choose a smaller model"
        )
    pipe.enable_model_cpu_offload(device=device)
    return f"{device}, its parts in turn"


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


def first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]

"""The embedded network: what real models are like, small enough for every machine.

A class-conditional diffusers `UNet2DModel`, trained by assets/models/make_unet.py on the procedural
scenes and loaded like any checkpoint. Its x are pictures with four pixels in the channels, a
rotation of the pixels that keeps noise white.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch.nn.functional import pixel_shuffle, pixel_unshuffle

from ays_core.denoiser import Batch
from ays_core.models.entry import MODELS, ModelEntry
from ays_core.models.pipelines import best_device
from ays_core.models.pipelines.base import Cond, fed_time
from ays_core.models.pipelines.unet2d import UNet2D
from ays_core.paths import ModelSpec, linear_vp

FOLDER = Path(__file__).parents[2] / "assets/models/scenes_unet"
KEY, LABEL = "scenes_unet", "Little scenes (32×32, network)"
REFERENCE = "UNet2DModel of 3.8 million weights, trained here: assets/models/scenes_unet/README.md"
LICENCE = "Apache-2.0"
FOLD = 2  # pixels of a side that lie in the channels


class ScenesUNet(UNet2D):
    """The UNet2D adapter with classes; the label after the last class means any of them."""

    draw_steps = 0
    data_origin = "drawings that it was not trained on"

    def __init__(self, pipe: Any) -> None:
        super().__init__(pipe, KEY)
        self.spec = read_unet_spec()  # trained over a part of the range that its scheduler names

    def encode(self, conditions: Sequence[str]) -> Cond:
        """Class names as labels. Raises `ValueError` for unknown ones, naming the known."""
        classes = self.spec.classes
        if not conditions:
            raise ValueError(f"no class given; choose from: {', '.join(classes)}")
        for name in conditions:
            if name not in classes:
                raise ValueError(f"unknown class {name!r}; choose from: {', '.join(classes)}")
        labels = [classes.index(name) for name in conditions]
        return {"class_labels": torch.tensor(labels, device=self.device)}

    def nothing(self) -> Cond:
        return {"class_labels": torch.tensor([len(self.spec.classes)], device=self.device)}

    def network(self, x: Batch, time: torch.Tensor, cond: Cond) -> Batch:
        return self.module(x, fed_time(time, x), **cond, return_dict=False)[0]

    def pictures(self, latents: Batch) -> Batch:
        return pixel_shuffle(latents, FOLD)

    def data(self, num: int, seed: int, cond: Cond | None = None) -> Batch:
        """`num` drawings that the network was not trained on, drawn without end but for 400 of
        them: a class's own, or of all classes."""
        drawn = read_drawings()
        generator = torch.Generator().manual_seed(seed)
        if cond is None:
            pick = torch.randint(len(drawn), (num,), generator=generator)
        else:
            per_class = len(drawn) // len(self.spec.classes)
            labels = cond["class_labels"].cpu()
            labels = labels[torch.arange(num) % len(labels)]
            pick = labels * per_class + torch.randint(per_class, (num,), generator=generator)
        return drawn[pick].to(self.device)


def read_unet(folder: Path = FOLDER) -> ScenesUNet:
    """The network, in float32 on a CPU."""
    from diffusers.pipelines.ddpm.pipeline_ddpm import DDPMPipeline

    pipe = DDPMPipeline.from_pretrained(str(folder), use_safetensors=True, dtype=torch.float32)
    pipe.set_progress_bar_config(disable=True)
    return ScenesUNet(pipe.to(best_device()))


@cache
def read_drawings(folder: Path = FOLDER) -> Batch:
    """The held-out drawings as x, class by class: (400, 12, 16, 16) float32."""
    with Image.open(folder / "drawings.png") as image:
        sheet = torch.from_numpy(np.array(image.convert("RGB")))
    size = FOLD * read_unet_spec(folder).sample_shape[1]
    pictures = sheet.unflatten(0, (-1, size)).unflatten(2, (-1, size)).transpose(1, 2).flatten(0, 1)
    return pixel_unshuffle(pictures.permute(0, 3, 1, 2).float() / 127.5 - 1, FOLD)


@cache
def read_unet_spec(folder: Path = FOLDER) -> ModelSpec:
    """What is known without reading the network itself."""
    trained = json.loads((folder / "training.json").read_text(encoding="utf-8"))
    return ModelSpec(
        key=KEY,
        label=LABEL,
        sample_shape=tuple(trained["sample_shape"]),
        sigma_min=trained["sigma_min"],
        sigma_max=trained["sigma_max"],
        sigma_data=trained["sigma_data"],
        path=linear_vp(),
        prediction="v",
        classes=tuple(trained["classes"]),
        reference=REFERENCE,
        licence=LICENCE,
    )


MODELS.add(ModelEntry(KEY, LABEL, read_unet, REFERENCE, describe=read_unet_spec))

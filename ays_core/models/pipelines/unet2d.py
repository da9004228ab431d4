"""Unconditional pixel models: a UNet2DModel with any prediction, or EDM's preconditioning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from ays_core.denoiser import Batch
from ays_core.models.pipelines.base import Cond, PipelineModel, fed_time


class UNet2D(PipelineModel):
    """`DDPMPipeline` and its like. x are the pixels themselves."""

    takes_prompt = False
    precise = True
    part = "unet"

    @classmethod
    def multiple(cls, network: Mapping[str, Any], vae: Mapping[str, Any]) -> int:  # noqa: ARG003
        return 2 ** (len(network["block_out_channels"]) - 1)  # what its blocks halve

    def sample_shape(self, size: int | None) -> tuple[int, ...]:
        config = self.module.config
        side = size or config.sample_size
        height, width = side if isinstance(side, Sequence) else (side, side)
        return config.in_channels, height, width

    def encode(self, conditions: Sequence[str]) -> Cond:
        raise ValueError(
            f"{self.spec.label} takes neither prompts nor classes, got {', '.join(conditions)!r}"
        )

    def nothing(self) -> Cond:
        return {}

    def network(self, x: Batch, time: torch.Tensor, cond: Cond) -> Batch:  # noqa: ARG002
        return self.module(x, fed_time(time, x), return_dict=False)[0]

    def pictures(self, latents: Batch) -> Batch:
        return latents if latents.shape[1] == 3 else latents[:, :1].expand(-1, 3, -1, -1)

    def latents(self, pictures: Batch, generator: torch.Generator) -> Batch:  # noqa: ARG002
        if self.spec.sample_shape[0] not in (1, 3):
            raise ValueError(
                f"{self.spec.label} has {self.spec.sample_shape[0]} channels, no picture"
            )
        return pictures if self.spec.sample_shape[0] == 3 else pictures.mean(1, keepdim=True)

    @property
    def side(self) -> tuple[int, int]:
        _, height, width = self.spec.sample_shape
        return height, width

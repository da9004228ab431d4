"""Stable Diffusion 1.x, 2.x and XL: a UNet over the latents of a VAE, with text."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from ays_core.denoiser import Batch
from ays_core.models.pipelines.base import Cond, PipelineModel, fed_time


class StableDiffusion(PipelineModel):
    """`StableDiffusionPipeline`: eps (1.x, 2.x base) or v (2.x), read from the config."""

    part = "unet"
    unneeded = ("safety_checker",)  # pictures are compared as they are

    def family(self) -> str:
        text = self.module.config.cross_attention_dim
        return {768: "Stable Diffusion 1.5", 1024: "Stable Diffusion 2"}.get(text, "")

    def encode(self, conditions: Sequence[str]) -> Cond:
        return {"encoder_hidden_states": self._texts(conditions)[0]}

    def nothing(self) -> Cond:
        return {"encoder_hidden_states": self._texts([""])[1]}

    def _texts(self, prompts: Sequence[str]) -> tuple[torch.Tensor, ...]:
        return self.texts(prompts, num_images_per_prompt=1, do_classifier_free_guidance=True)

    def network(self, x: Batch, time: torch.Tensor, cond: Cond) -> Batch:
        return self.module(x, fed_time(time, x), **cond, return_dict=False)[0]


class StableDiffusionXL(StableDiffusion):
    """`StableDiffusionXLPipeline`: two text encoders, pooled text and picture size beside them."""

    unneeded = ()

    def family(self) -> str:
        return "Stable Diffusion XL"

    def encode(self, conditions: Sequence[str]) -> Cond:
        text, _, pooled, _ = self._texts(conditions)
        return self._with_size(text, pooled)

    def nothing(self) -> Cond:
        _, text, _, pooled = self._texts([""])
        return self._with_size(text, pooled)

    def _texts(self, prompts: Sequence[str]) -> tuple[torch.Tensor, ...]:
        return self.texts(prompts)

    def _with_size(self, text: torch.Tensor, pooled: torch.Tensor) -> Cond:
        """Original size, crop and target size, as the pipeline's default has them."""
        height, width = (side * self.pipe.vae_scale_factor for side in self.spec.sample_shape[1:])
        ids = torch.tensor([[height, width, 0, 0, height, width]]).to(text)
        return {
            "encoder_hidden_states": text,
            "text_embeds": pooled,
            "time_ids": ids.repeat(len(text), 1),
        }

    def network(self, x: Batch, time: torch.Tensor, cond: Cond) -> Batch:
        added = {name: cond[name] for name in ("text_embeds", "time_ids")}
        return self.module(
            x,
            fed_time(time, x),
            encoder_hidden_states=cond["encoder_hidden_states"],
            added_cond_kwargs=added,
            return_dict=False,
        )[0]

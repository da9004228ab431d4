"""Diffusion transformers over VAE latents: DiT, PixArt-Sigma, SD3, Flux, Wan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import torch

from ays_core.denoiser import Batch, Levels
from ays_core.models.pipelines.base import Cond, PipelineModel, fed_time, rows_of

FLOW_TIMESTEPS = 1000  # these networks are fed 1000 t


def every_row(number: float, x: Batch) -> torch.Tensor:
    return torch.full((len(x),), number, device=x.device, dtype=torch.float32)


class DiT(PipelineModel):
    """`DiTPipeline`: ImageNet classes, by name or number."""

    takes_prompt = False

    def classes(self) -> tuple[str, ...]:
        names: dict[int, str] = {}  # of several, the first in the alphabet stands for the class
        for name, number in self.pipe.labels.items():
            names.setdefault(number, name)
        return tuple(names.get(i, str(i)) for i in range(self._null))

    @property
    def _null(self) -> int:
        return int(self.module.config.num_embeds_ada_norm)

    def encode(self, conditions: Sequence[str]) -> Cond:
        known = {**{str(i): i for i in range(self._null)}, **self.pipe.labels}
        for name in conditions:
            if name not in known:
                raise ValueError(
                    f"{self.spec.label} has no class {name!r}; give one of its "
                    f"{self._null} classes by name or number, 0 to {self._null - 1}"
                )
        return {"class_labels": torch.tensor([known[c] for c in conditions], device=self.device)}

    def nothing(self) -> Cond:
        return {"class_labels": torch.tensor([self._null], device=self.device)}

    def network(self, x: Batch, time: torch.Tensor, cond: Cond) -> Batch:
        return self.module(x, timestep=fed_time(time, x), **cond, return_dict=False)[0]


class PixArtSigma(PipelineModel):
    """`PixArtSigmaPipeline`: a DiT with text."""

    def encode(self, conditions: Sequence[str]) -> Cond:
        return self._named(self.texts(conditions)[:2])

    def nothing(self) -> Cond:
        return self._named(self.texts([""])[2:])

    def _named(self, text_and_mask: Sequence[torch.Tensor]) -> Cond:
        return dict(
            zip(("encoder_hidden_states", "encoder_attention_mask"), text_and_mask, strict=True)
        )

    def network(self, x: Batch, time: torch.Tensor, cond: Cond) -> Batch:
        return self.module(
            x,
            timestep=fed_time(time, x),
            added_cond_kwargs={"resolution": None, "aspect_ratio": None},
            **cond,
            return_dict=False,
        )[0]


class StableDiffusion3(PipelineModel):
    """`StableDiffusion3Pipeline`: flow matching, shifted."""

    def family(self) -> str:
        return "Stable Diffusion 3"

    def image_tokens(self, shape: tuple[int, ...]) -> int:
        return shape[1] * shape[2] // self.module.config.patch_size**2

    def encode(self, conditions: Sequence[str]) -> Cond:
        text, _, pooled, _ = self._texts(conditions)
        return {"encoder_hidden_states": text, "pooled_projections": pooled}

    def nothing(self) -> Cond:
        _, text, _, pooled = self._texts([""])
        return {"encoder_hidden_states": text, "pooled_projections": pooled}

    def _texts(self, prompts: Sequence[str]) -> tuple[torch.Tensor, ...]:
        return self.texts(prompts, prompt_2=None, prompt_3=None)

    def network(self, x: Batch, time: torch.Tensor, cond: Cond) -> Batch:
        timestep = fed_time(FLOW_TIMESTEPS * time, x)
        return self.module(hidden_states=x, timestep=timestep, **cond, return_dict=False)[0]


class Flux(PipelineModel):
    """`FluxPipeline`: packed latents. Guidance is an input of the distilled network (dev); where
    it is not (schnell), it is classifier-free."""

    @classmethod
    def multiple(cls, network: Mapping[str, Any], vae: Mapping[str, Any]) -> int:
        return 2 * super().multiple(network, vae)  # two by two are packed

    def sample_shape(self, size: int | None) -> tuple[int, ...]:
        side = size // self.pipe.vae_scale_factor if size else self.pipe.default_sample_size
        return self.module.config.in_channels // 4, side, side

    def family(self) -> str:
        return "FLUX.1-dev" if self.module.config.guidance_embeds else "FLUX.1-schnell"

    def image_tokens(self, shape: tuple[int, ...]) -> int:
        return shape[1] * shape[2] // 4

    def encode(self, conditions: Sequence[str]) -> Cond:
        text, pooled, _ = self.texts(conditions)
        return {"encoder_hidden_states": text, "pooled_projections": pooled}

    def nothing(self) -> Cond:
        return self.encode([""])

    @property
    def takes_negative(self) -> bool:
        return not self.module.config.guidance_embeds

    @property
    def usual_guidance(self) -> float:
        return super().usual_guidance if self.module.config.guidance_embeds else 1.0

    def guided(
        self, x: Batch, sigma: Levels, cond: Cond, guidance: float, negative: Cond | None = None
    ) -> Batch:
        if not self.module.config.guidance_embeds:
            return super().guided(x, sigma, cond, guidance, negative)
        fed = rows_of(cond, len(x)) | {"guidance": every_row(guidance, x).to(self.device)}
        return self._estimate(x, sigma, fed)

    def network(self, x: Batch, time: torch.Tensor, cond: Cond) -> Batch:
        batch, channels, height, width = x.shape
        text = cond["encoder_hidden_states"]
        if self.module.config.guidance_embeds:
            cond = {"guidance": every_row(1.0, x), **cond}
        out = self.module(
            hidden_states=self.pipe._pack_latents(x, batch, channels, height, width),
            timestep=fed_time(FLOW_TIMESTEPS * time, x).to(x.dtype) / FLOW_TIMESTEPS,
            txt_ids=torch.zeros(text.shape[1], 3).to(text),
            img_ids=self.pipe._prepare_latent_image_ids(
                batch, height // 2, width // 2, x.device, x.dtype
            ),
            **cond,
            return_dict=False,
        )[0]
        factor: Any = self.pipe.vae_scale_factor
        return self.pipe._unpack_latents(out, height * factor, width * factor, factor)


class Wan(PipelineModel):
    """`WanPipeline`, text to video with one network: x is (channels, frames, height, width)."""

    @classmethod
    def check(cls, source: str, index: Mapping[str, Any], network: Mapping[str, Any]) -> None:
        super().check(source, index, network)
        second = index.get("transformer_2") or [None]
        if second[0] is not None or index.get("expand_timesteps"):
            raise ValueError(
                f"{source} has two networks or a time of its own for every token (Wan 2.2); "
                "supported: Wan 2.1 text to video"
            )

    @classmethod
    def multiple(cls, network: Mapping[str, Any], vae: Mapping[str, Any]) -> int:
        return int(vae.get("scale_factor_spatial") or 8) * int(network["patch_size"][1])

    def sample_shape(self, size: int | None, frames: int = 81) -> tuple[int, ...]:
        side = (size or 480) // self.pipe.vae_scale_factor_spatial
        length = (frames - 1) // self.pipe.vae_scale_factor_temporal + 1
        return self.module.config.in_channels, length, side, side

    def family(self) -> str:
        return "Wan 2.1"

    def encode(self, conditions: Sequence[str]) -> Cond:
        return {"encoder_hidden_states": self._texts(conditions)[0]}

    def nothing(self) -> Cond:
        return {"encoder_hidden_states": self._texts([""])[1]}

    def _texts(self, prompts: Sequence[str]) -> tuple[torch.Tensor, ...]:
        # The length is that of the pipeline's own call.
        texts = self.texts(prompts, do_classifier_free_guidance=True, max_sequence_length=512)
        return tuple(text.to(self.module.dtype) for text in texts)

    def network(self, x: Batch, time: torch.Tensor, cond: Cond) -> Batch:
        timestep = fed_time(FLOW_TIMESTEPS * time, x)
        return self.module(hidden_states=x, timestep=timestep, **cond, return_dict=False)[0]

    @property
    def side(self) -> NoReturn:
        raise ValueError(f"{self.spec.label} makes videos: pictures are no data for it")

    def pictures(self, latents: Batch) -> Batch:
        """The frame in the middle."""
        vae = self.pipe.vae
        stats = torch.tensor([vae.config.latents_mean, vae.config.latents_std]).to(latents)
        mean, std = stats[..., None, None, None]
        video = vae.decode((latents * std + mean).to(vae.dtype), return_dict=False)[0]
        return video[:, :, video.shape[2] // 2]

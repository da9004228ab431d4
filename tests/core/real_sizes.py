"""Every family at the size of one published checkpoint of it, from its configs; weights are random.

Text encoders are left out: what they would give has its shape here (`condition`). On torch's "meta"
device nothing takes memory, so that what an adapter reads from real configs can be tested.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from tests.core.tiny_pipelines import SD_BETAS

LINEAR = {"beta_start": 1e-4, "beta_end": 0.02}
PIXELS = {"flux": 1024}  # a side, where the configs do not say


def vae(channels: int = 4, **config: Any) -> Any:
    """A picture's side is eight times that of its latents, as in all of these; else small."""
    from diffusers import AutoencoderKL

    return AutoencoderKL(
        block_out_channels=(4,) * 4,
        norm_num_groups=2,
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        latent_channels=channels,
        **config,
    )


def scheduler(kind: str, **config: Any) -> Any:
    """In float32 on the CPU, wherever and in whatever precision the networks are being made."""
    import diffusers

    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float32)
    try:
        with torch.device("cpu"):
            return getattr(diffusers, kind)(**config)
    finally:
        torch.set_default_dtype(before)


def stable_diffusion() -> Any:
    from diffusers import StableDiffusionPipeline, UNet2DConditionModel

    return StableDiffusionPipeline(
        vae=vae(),
        text_encoder=None,
        tokenizer=None,
        unet=UNet2DConditionModel(sample_size=64, cross_attention_dim=768, attention_head_dim=8),
        scheduler=scheduler("PNDMScheduler", skip_prk_steps=True, **SD_BETAS),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


def stable_diffusion_xl() -> Any:
    from diffusers import StableDiffusionXLPipeline, UNet2DConditionModel

    unet = UNet2DConditionModel(
        sample_size=128,
        block_out_channels=(320, 640, 1280),
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        transformer_layers_per_block=[1, 2, 10],
        attention_head_dim=[5, 10, 20],
        cross_attention_dim=2048,
        addition_embed_type="text_time",
        addition_time_embed_dim=256,
        projection_class_embeddings_input_dim=2816,
        use_linear_projection=True,
    )
    noise = scheduler("EulerDiscreteScheduler", timestep_spacing="leading", **SD_BETAS)
    parts = dict.fromkeys(("text_encoder", "text_encoder_2", "tokenizer", "tokenizer_2"))
    return StableDiffusionXLPipeline(vae=vae(), unet=unet, scheduler=noise, **parts)


def stable_diffusion_3() -> Any:
    from diffusers import (
        SD3Transformer2DModel,
        StableDiffusion3Pipeline,
    )

    transformer = SD3Transformer2DModel(
        num_layers=24, num_attention_heads=24, caption_projection_dim=1536, pos_embed_max_size=192
    )
    parts = (f"{kind}{n}" for kind in ("text_encoder", "tokenizer") for n in ("", "_2", "_3"))
    return StableDiffusion3Pipeline(
        transformer=transformer,
        scheduler=scheduler("FlowMatchEulerDiscreteScheduler", shift=3.0),
        vae=vae(16, shift_factor=0.0609),
        **dict.fromkeys(parts),
    )


def flux() -> Any:
    from diffusers import FluxPipeline, FluxTransformer2DModel

    parts = dict.fromkeys(("text_encoder", "text_encoder_2", "tokenizer", "tokenizer_2"))
    return FluxPipeline(
        transformer=FluxTransformer2DModel(guidance_embeds=True),
        scheduler=scheduler(
            "FlowMatchEulerDiscreteScheduler", shift=3.0, use_dynamic_shifting=True
        ),
        vae=vae(16, shift_factor=0.1159),
        **parts,
    )


def dit() -> Any:
    from diffusers import DiTPipeline, DiTTransformer2DModel

    return DiTPipeline(
        transformer=DiTTransformer2DModel(
            sample_size=32, out_channels=8, norm_elementwise_affine=False
        ),
        vae=vae(),
        scheduler=scheduler("DDIMScheduler", clip_sample=False, **LINEAR),
    )


def pixart_sigma() -> Any:
    from diffusers import (
        PixArtSigmaPipeline,
        PixArtTransformer2DModel,
    )

    return PixArtSigmaPipeline(
        transformer=PixArtTransformer2DModel(
            sample_size=128,
            caption_channels=4096,
            interpolation_scale=2,
            use_additional_conditions=False,
        ),
        vae=vae(),
        scheduler=scheduler("DPMSolverMultistepScheduler", **LINEAR),
        text_encoder=None,
        tokenizer=None,
    )


def wan() -> Any:
    from diffusers import (
        AutoencoderKLWan,
        WanPipeline,
        WanTransformer3DModel,
    )

    return WanPipeline(
        transformer=WanTransformer3DModel(num_attention_heads=12, ffn_dim=8960, num_layers=30),
        vae=AutoencoderKLWan(base_dim=3),
        scheduler=scheduler(
            "UniPCMultistepScheduler",
            prediction_type="flow_prediction",
            use_flow_sigmas=True,
            flow_shift=3.0,
        ),
        text_encoder=None,
        tokenizer=None,
    )


def ddpm() -> Any:
    from diffusers import DDPMPipeline, UNet2DModel

    unet = UNet2DModel(
        sample_size=32,
        block_out_channels=(128, 256, 256, 256),
        down_block_types=("DownBlock2D", "AttnDownBlock2D", "DownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "UpBlock2D", "AttnUpBlock2D", "UpBlock2D"),
        attention_head_dim=None,
    )
    return DDPMPipeline(unet, scheduler("DDPMScheduler", **LINEAR))


FAMILIES: dict[str, tuple[str, Callable[[], Any]]] = {
    "stable_diffusion": ("SD 1.5", stable_diffusion),
    "stable_diffusion_xl": ("SDXL", stable_diffusion_xl),
    "stable_diffusion_3": ("SD 3 medium", stable_diffusion_3),
    "flux": ("Flux dev", flux),
    "dit": ("DiT-XL/2 256", dit),
    "pixart_sigma": ("PixArt-Sigma 1024", pixart_sigma),
    "wan": ("Wan 2.1 1.3B, 81 frames of 480²", wan),
    "ddpm": ("DDPM CIFAR-10", ddpm),
}
TEXTS = {  # shapes of what text encoders give, by the network's name for it
    "stable_diffusion": {"encoder_hidden_states": (77, 768)},
    "stable_diffusion_xl": {"encoder_hidden_states": (77, 2048), "text_embeds": (1280,)},
    "stable_diffusion_3": {"encoder_hidden_states": (333, 4096), "pooled_projections": (2048,)},
    "flux": {"encoder_hidden_states": (512, 4096), "pooled_projections": (768,)},
    "pixart_sigma": {"encoder_hidden_states": (300, 4096)},
    "wan": {"encoder_hidden_states": (512, 4096)},
}


def condition(name: str, model: Any) -> dict[str, torch.Tensor] | None:
    """One row of random numbers instead of a text, on the network's device."""
    place = {"device": model.device, "dtype": model.module.dtype}
    if name == "ddpm":
        return None
    if name == "dit":
        return {"class_labels": torch.zeros(1, dtype=torch.int64, device=model.device)}
    cond = {part: torch.randn(1, *shape, **place) for part, shape in TEXTS[name].items()}
    if name == "stable_diffusion_xl":
        cond |= {"time_ids": torch.tensor([[1024, 1024, 0, 0, 1024, 1024]], **place)}
    if name == "pixart_sigma":
        cond |= {"encoder_attention_mask": torch.ones(1, 300, **place)}
    return cond

"""Every supported family as a pipeline of a few thousand random weights, made from configs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

LETTERS = "abcdefghijklmnopqrstuvwxyz"


def clip_tokenizer() -> Any:
    from transformers import CLIPTokenizer

    words = [*LETTERS, *(f"{c}</w>" for c in LETTERS), "<|startoftext|>", "<|endoftext|>"]
    return CLIPTokenizer(vocab={w: i for i, w in enumerate(words)}, merges=[], model_max_length=8)


def t5_tokenizer() -> Any:
    from transformers import T5TokenizerFast

    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", -5.0), *((c, -3.0) for c in "▁" + LETTERS)]
    return T5TokenizerFast(vocab=pieces, extra_ids=0, model_max_length=16)


def clip(projection: bool = False) -> Any:
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    config = CLIPTextConfig(
        vocab_size=54,
        hidden_size=16,
        intermediate_size=16,
        projection_dim=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=8,
        bos_token_id=52,
        eos_token_id=53,
        pad_token_id=53,
    )
    return (CLIPTextModelWithProjection if projection else CLIPTextModel)(config)


def t5() -> Any:
    from transformers import T5Config, T5EncoderModel

    return T5EncoderModel(
        T5Config(vocab_size=32, d_model=32, d_kv=8, d_ff=16, num_layers=1, num_heads=2)
    )


def vae(channels: int = 4, **config: Any) -> Any:
    from diffusers import AutoencoderKL

    return AutoencoderKL(
        block_out_channels=(4, 4),
        norm_num_groups=2,
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        latent_channels=channels,
        sample_size=16,
        **config,
    )


SD_BETAS = {
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "steps_offset": 1,
}


def condition_unet(**config: Any) -> Any:
    from diffusers import UNet2DConditionModel

    return UNet2DConditionModel(
        sample_size=8,
        block_out_channels=(8, 16),
        layers_per_block=1,
        norm_num_groups=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        attention_head_dim=4,
        **config,
    )


def stable_diffusion(prediction: str = "epsilon") -> Any:
    from diffusers import PNDMScheduler, StableDiffusionPipeline

    return StableDiffusionPipeline(
        vae=vae(),
        text_encoder=clip(),
        tokenizer=clip_tokenizer(),
        unet=condition_unet(cross_attention_dim=16),
        scheduler=PNDMScheduler(prediction_type=prediction, skip_prk_steps=True, **SD_BETAS),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


def stable_diffusion_v() -> Any:
    return stable_diffusion("v_prediction")


def stable_diffusion_xl() -> Any:
    from diffusers import EulerDiscreteScheduler, StableDiffusionXLPipeline

    return StableDiffusionXLPipeline(
        vae=vae(),
        text_encoder=clip(),
        text_encoder_2=clip(projection=True),
        tokenizer=clip_tokenizer(),
        tokenizer_2=clip_tokenizer(),
        unet=condition_unet(
            cross_attention_dim=32,
            addition_embed_type="text_time",
            addition_time_embed_dim=8,
            projection_class_embeddings_input_dim=8 * 6 + 16,
        ),
        scheduler=EulerDiscreteScheduler(timestep_spacing="leading", **SD_BETAS),
    )


def stable_diffusion_3() -> Any:
    from diffusers import (
        FlowMatchEulerDiscreteScheduler,
        SD3Transformer2DModel,
        StableDiffusion3Pipeline,
    )

    return StableDiffusion3Pipeline(
        transformer=SD3Transformer2DModel(
            sample_size=8,
            patch_size=2,
            in_channels=4,
            num_layers=1,
            attention_head_dim=8,
            num_attention_heads=2,
            joint_attention_dim=32,
            caption_projection_dim=16,
            pooled_projection_dim=32,
            out_channels=4,
        ),
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0),
        vae=vae(4, shift_factor=0.06),
        text_encoder=clip(projection=True),
        tokenizer=clip_tokenizer(),
        text_encoder_2=clip(projection=True),
        tokenizer_2=clip_tokenizer(),
        text_encoder_3=t5(),
        tokenizer_3=t5_tokenizer(),
    )


def flux(guidance: bool = True) -> Any:
    from diffusers import FlowMatchEulerDiscreteScheduler, FluxPipeline, FluxTransformer2DModel

    return FluxPipeline(
        transformer=FluxTransformer2DModel(
            patch_size=1,
            in_channels=16,
            num_layers=1,
            num_single_layers=1,
            attention_head_dim=16,
            num_attention_heads=2,
            joint_attention_dim=32,
            pooled_projection_dim=16,
            axes_dims_rope=(4, 4, 8),
            guidance_embeds=guidance,
        ),
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0, use_dynamic_shifting=True),
        vae=vae(4, shift_factor=0.1),
        text_encoder=clip(),
        tokenizer=clip_tokenizer(),
        text_encoder_2=t5(),
        tokenizer_2=t5_tokenizer(),
    )


def flux_schnell() -> Any:
    return flux(guidance=False)


def dit() -> Any:
    from diffusers import DDIMScheduler, DiTPipeline, DiTTransformer2DModel

    return DiTPipeline(
        transformer=DiTTransformer2DModel(
            sample_size=8,
            num_layers=1,
            patch_size=2,
            attention_head_dim=8,
            num_attention_heads=2,
            in_channels=4,
            out_channels=8,
            num_embeds_ada_norm=1000,
            norm_type="ada_norm_zero",
            norm_elementwise_affine=False,
            activation_fn="gelu-approximate",
            attention_bias=True,
        ),
        vae=vae(),
        scheduler=DDIMScheduler(clip_sample=False),
        id2label={0: "tench", 1: "goldfish, Carassius auratus"},
    )


def pixart_sigma() -> Any:
    from diffusers import (
        DPMSolverMultistepScheduler,
        PixArtSigmaPipeline,
        PixArtTransformer2DModel,
    )

    return PixArtSigmaPipeline(
        transformer=PixArtTransformer2DModel(
            sample_size=8,
            num_layers=1,
            patch_size=2,
            attention_head_dim=8,
            num_attention_heads=2,
            in_channels=4,
            out_channels=8,
            cross_attention_dim=16,
            caption_channels=32,
            attention_bias=True,
            use_additional_conditions=False,
        ),
        vae=vae(),
        scheduler=DPMSolverMultistepScheduler(beta_start=1e-4, beta_end=0.02),
        text_encoder=t5(),
        tokenizer=t5_tokenizer(),
    )


def wan() -> Any:
    from diffusers import (
        AutoencoderKLWan,
        UniPCMultistepScheduler,
        WanPipeline,
        WanTransformer3DModel,
    )

    return WanPipeline(
        transformer=WanTransformer3DModel(
            patch_size=(1, 2, 2),
            num_attention_heads=2,
            attention_head_dim=12,
            in_channels=16,
            out_channels=16,
            text_dim=32,
            freq_dim=16,
            ffn_dim=16,
            num_layers=1,
            rope_max_seq_len=32,
        ),
        vae=AutoencoderKLWan(base_dim=3, z_dim=16, dim_mult=[1, 1, 1, 1], num_res_blocks=1),
        scheduler=UniPCMultistepScheduler(
            prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0
        ),
        text_encoder=t5(),
        tokenizer=t5_tokenizer(),
    )


def pixel_unet() -> Any:
    from diffusers import UNet2DModel

    return UNet2DModel(
        sample_size=8,
        block_out_channels=(8, 8),
        norm_num_groups=4,
        layers_per_block=1,
        down_block_types=("DownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "UpBlock2D"),
    )


def ddpm(prediction: str = "epsilon") -> Any:
    from diffusers import DDPMPipeline, DDPMScheduler

    return DDPMPipeline(pixel_unet(), DDPMScheduler(prediction_type=prediction))


def ddpm_v() -> Any:
    return ddpm("v_prediction")


def ddpm_sample() -> Any:
    return ddpm("sample")


def edm(prediction: str = "epsilon") -> Any:
    from diffusers import DDPMPipeline, EDMEulerScheduler

    return DDPMPipeline(pixel_unet(), EDMEulerScheduler(prediction_type=prediction))


def edm_v() -> Any:
    return edm("v_prediction")


TEXT_AND_CLASS: dict[str, Callable[[], Any]] = {
    make.__name__: make
    for make in (
        stable_diffusion,
        stable_diffusion_v,
        stable_diffusion_xl,
        stable_diffusion_3,
        flux,
        flux_schnell,
        dit,
        pixart_sigma,
        wan,
    )
}
PIXELS = {make.__name__: make for make in (ddpm, ddpm_v, ddpm_sample, edm, edm_v)}
SIZES = {"flux": 16, "flux_schnell": 16, "wan": 16}  # pixels, where a config does not say


def make(name: str) -> Any:
    """The pipeline `name`, with the same weights every time."""
    torch.manual_seed(0)
    pipe = (TEXT_AND_CLASS | PIXELS)[name]()
    for part in pipe.components.values():
        if isinstance(part, torch.nn.Module):
            part.eval()
    for parameter in pipe.components[
        "unet" if "unet" in pipe.components else "transformer"
    ].parameters():
        torch.nn.init.normal_(parameter, std=0.2)  # some blocks begin at zero and would say nothing
    return pipe

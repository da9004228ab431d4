"""A Stable Diffusion pipeline as one file, by the names of the original release."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from safetensors.torch import save_file

UNET = {
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "conv_in": "input_blocks.0.0",
    "conv_norm_out": "out.0",
    "conv_out": "out.2",
    "norm1.": "in_layers.0.",
    "conv1.": "in_layers.2.",
    "norm2.": "out_layers.0.",
    "conv2.": "out_layers.3.",
    "time_emb_proj": "emb_layers.1",
    "conv_shortcut": "skip_connection",
}
VAE = {
    "conv_norm_out": "norm_out",
    "conv_shortcut": "nin_shortcut",
    "group_norm": "norm",
    "to_q": "q",
    "to_k": "k",
    "to_v": "v",
    "to_out.0": "proj_out",
    "mid_block.attentions.0": "mid.attn_1",
    "mid_block.resnets.0": "mid.block_1",
    "mid_block.resnets.1": "mid.block_2",
}


def renamed(name: str, names: dict[str, str]) -> str:
    for ours, theirs in names.items():
        name = name.replace(ours, theirs)
    return name


def unet_name(name: str, layers: int) -> str:
    """`layers`: residual blocks in a down block."""
    place = re.match(r"(down|up)_blocks\.(\d+)\.(resnets|attentions|\w+samplers)\.(\d+)\.", name)
    middle = re.match(r"mid_block\.(resnets|attentions)\.(\d)\.", name)
    if place:
        way, block, kind, i = place[1], int(place[2]), place[3], int(place[4])
        rest = name[place.end() :]
        if kind == "downsamplers":
            return f"input_blocks.{(block + 1) * (layers + 1)}.0.op.{rest.removeprefix('conv.')}"
        if kind == "upsamplers":
            after = 2 if block == 0 else 1  # behind the attention, where the block has one
            return f"output_blocks.{(block + 1) * (layers + 1) - 1}.{after}.{rest}"
        number = block * (layers + 1) + i + (way == "down")
        side = "input" if way == "down" else "output"
        prefix = f"{side}_blocks.{number}.{int(kind == 'attentions')}."
    elif middle:
        prefix = f"middle_block.{1 if middle[1] == 'attentions' else 2 * int(middle[2])}."
        kind, rest = middle[1], name[middle.end() :]
    else:
        return renamed(name, UNET)
    return prefix + (renamed(rest, UNET) if kind == "resnets" else rest)


def vae_name(name: str, blocks: int) -> str:
    name = re.sub(r"down_blocks\.(\d+)\.resnets", r"down.\1.block", name)
    name = re.sub(r"down_blocks\.(\d+)\.downsamplers\.0", r"down.\1.downsample", name)
    for block in range(blocks):
        name = name.replace(f"up_blocks.{block}.resnets", f"up.{blocks - 1 - block}.block")
        name = name.replace(f"up_blocks.{block}.upsamplers.0", f"up.{blocks - 1 - block}.upsample")
    return renamed(name, VAE)


def save(pipe: Any, file: Path) -> None:
    """The weights of a StableDiffusionPipeline as its original release would name them."""
    layers = pipe.unet.config.layers_per_block
    blocks = len(pipe.vae.config.up_block_types)
    weights = {}
    for name, value in pipe.unet.state_dict().items():
        weights[f"model.diffusion_model.{unet_name(name, layers)}"] = value
    for name, value in pipe.vae.state_dict().items():
        if re.search(r"attentions.*(to_[qkv]|to_out\.0)\.weight", name):
            value = value[..., None, None]  # convolutions of one pixel, there
        weights[f"first_stage_model.{vae_name(name, blocks)}"] = value
    for name, value in pipe.text_encoder.state_dict().items():
        inner = name if name.startswith("text_model.") else f"text_model.{name}"
        weights[f"cond_stage_model.transformer.{inner}"] = value
    save_file({name: value.contiguous() for name, value in weights.items()}, file)

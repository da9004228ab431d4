"""What our denoiser costs over the bare network: a guided step of a small random-weight UNet.

On a card the network has SDXL's own size instead, in bfloat16. Calls alternate, each first every
other time, and the middle of their ratios counts: what else runs disturbs both.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import torch

from ays_core.denoiser import bind
from ays_core.models.device import best_device
from ays_core.models.pipelines import adapt
from tests.core.tiny_pipelines import stable_diffusion_xl

REPEATS, TARGET, GUIDANCE, SIGMA = 60, 1.02, 5.0, 2.0
SDXL = {
    "sample_size": 128,
    "block_out_channels": (320, 640, 1280),
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
    "transformer_layers_per_block": (1, 2, 10),
    "attention_head_dim": (5, 10, 20),
    "layers_per_block": 2,
    "use_linear_projection": True,
}
SMALL = {
    "sample_size": 32,
    "block_out_channels": (64, 128),
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
    "up_block_types": ("CrossAttnUpBlock2D", "UpBlock2D"),
    "attention_head_dim": 8,
    "layers_per_block": 2,
}


def network(device: str) -> Any:
    from diffusers import UNet2DConditionModel

    with torch.device(device):
        return UNet2DConditionModel(
            **(SDXL if device == "cuda" else SMALL),
            cross_attention_dim=32,
            addition_embed_type="text_time",
            addition_time_embed_dim=8,
            projection_class_embeddings_input_dim=8 * 6 + 16,
        ).eval()


def seconds(work: Callable[[], object], device: str) -> float:
    began = time.perf_counter()
    work()
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - began


@torch.no_grad()
def main() -> None:
    device = best_device()
    pipe = stable_diffusion_xl()
    pipe.unet = network(device)
    dtype = torch.float32 if device == "cpu" else torch.bfloat16
    model = adapt(pipe.to(device, dtype))
    denoise = bind(model, "a cat", GUIDANCE)
    x = torch.randn(1, *model.spec.sample_shape, device=device)
    cond = model.encode(["a cat"])
    both = {name: torch.cat([rows, rows]) for name, rows in cond.items()}
    fed = torch.cat([x, x]).to(dtype)
    at = torch.full((len(fed),), 500.0, dtype=torch.float64)

    def bare() -> None:
        model.network(fed, at, both)

    def own() -> None:
        denoise(x, SIGMA)

    pairs = []
    for k in range(REPEATS + 2):
        first, second = (own, bare) if k % 2 else (bare, own)
        times = {work: seconds(work, device) for work in (first, second)}
        pairs.append((times[own], times[bare]))
    ratio = statistics.median(a / b for a, b in pairs[2:])
    ours, theirs = (statistics.median(times) for times in zip(*pairs[2:], strict=True))
    count = sum(parameter.numel() for parameter in pipe.unet.parameters()) / 1e6
    print(f"a guided step, {count:.0f} M weights on {device}: ours {1000 * ours:.1f} ms, the bare")
    print(f"network {1000 * theirs:.1f} ms, ratio {ratio:.3f} (target {TARGET})")


if __name__ == "__main__":
    main()

"""A diffusers pipeline as D(x, sigma) in VE coordinates: what every family shares."""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import torch

from ays_core.denoiser import Batch, Levels, levels_of, rows_from
from ays_core.job import Job, Progress, run
from ays_core.models.device import Batches, memory_for
from ays_core.models.pipelines.noise import Noise, read_noise
from ays_core.paths import ModelSpec

Cond = dict[str, torch.Tensor]  # the network's inputs beside x and time, a row per prompt or class
DATA_STEPS = 50
DRAWN = 16  # samples drawn at a time
PROMPTS = 32  # read at a time
BUSY = 64  # rows: of more, a GPU has no use for another schedule's


class PipelineModel:
    """One loaded pipeline.

    A family states how large x is, how its network is called (`network`), and what prompts or
    classes are to it (`encode`, `nothing`). `facts` is what was read from the configs, to be shown;
    `placed` where it runs, in words.
    """

    takes_prompt = True
    draw_steps = DATA_STEPS
    data_origin = f"samples of the model itself, {DATA_STEPS} calls each"
    precise = False  # float32 on every device: small, and worth it
    placed = ""
    part = "transformer"  # which component the network is
    unneeded: tuple[str, ...] = ()  # components that are not loaded

    def __init__(self, pipe: Any, source: str, size: int | None = None) -> None:
        self.pipe = pipe  # stays where it is: to ask for its place walks all of its modules
        self.device: torch.device = pipe._execution_device
        self.dtype: torch.dtype = self.module.dtype
        self.batches = Batches(self.module, source)
        self._nothing: Cond | None = None
        self.check(source, pipe.config, self.module.config)
        shape = self.sample_shape(size)
        self.noise: Noise = read_noise(pipe.scheduler, self.image_tokens(shape))
        self.facts = {"pipeline": type(pipe).__name__, **self.noise.facts}
        self.spec = ModelSpec(
            key=source,
            label=source.rstrip("/").rpartition("/")[2],
            sample_shape=shape,
            sigma_min=self.noise.sigma_min,
            sigma_max=self.noise.sigma_max,
            sigma_data=self.noise.sigma_data,
            path=self.noise.path,
            prediction=self.noise.prediction,
            classes=self.classes(),
            takes_prompt=self.takes_prompt,
            reference=f"diffusers {type(pipe).__name__}, {source}",
            family=self.family(),
        )

    # What a family states, before anything is loaded

    @classmethod
    def check(cls, source: str, index: Mapping[str, Any], network: Mapping[str, Any]) -> None:  # noqa: ARG003
        """Raises `ValueError` for a checkpoint of this family that cannot be run, by the pipeline's
        index and the network's config."""
        if network.get("time_cond_proj_dim"):
            raise ValueError(
                f"{source} is distilled to few steps of its own (LCM): it has no schedule to choose"
            )

    @classmethod
    def multiple(cls, network: Mapping[str, Any], vae: Mapping[str, Any]) -> int:
        """Of what a picture's side, in pixels, is a multiple: what the VAE makes one of, and what
        the network takes together."""
        patch = network.get("patch_size") or 1
        return 2 ** (len(vae["block_out_channels"]) - 1) * int(patch)

    # and with its networks

    @property
    def module(self) -> Any:
        """The network itself."""
        return getattr(self.pipe, self.part)

    def sample_shape(self, size: int | None) -> tuple[int, ...]:
        """Shape of one x, for pictures of `size` pixels (None: the checkpoint's own size)."""
        config = self.module.config
        side = size // self.shrinks if size else config.sample_size
        return config.in_channels, side, side

    def image_tokens(self, shape: tuple[int, ...]) -> int | None:  # noqa: ARG002
        """Length of the transformer's sequence of image tokens, where a shift depends on it."""
        return None

    def family(self) -> str:
        """The published model whose tables of levels belong here; "" where none is known."""
        return ""

    def classes(self) -> tuple[str, ...]:
        return ()

    def network(self, x: Batch, time: torch.Tensor, cond: Cond) -> Batch:
        """The network's raw output at native x and model time, (B,) float64 on the CPU."""
        raise NotImplementedError

    def encode(self, conditions: Sequence[str]) -> Cond:
        """Prompts or classes as inputs of the network, a row each."""
        raise NotImplementedError

    def nothing(self) -> Cond:
        """What the pipeline itself feeds where there is no condition; one row."""
        raise NotImplementedError

    def pictures(self, latents: Batch) -> Batch:
        """Native clean x as pictures in [-1, 1], (B, 3, H, W)."""
        vae = self.vae
        mean, std = vae.config.get("latents_mean"), vae.config.get("latents_std")
        latents = latents / vae.config.scaling_factor
        if mean is not None and std is not None:
            rows = torch.tensor([mean, std]).to(latents)[..., None, None]
            latents = latents * rows[1] + rows[0]
        latents = latents + (vae.config.get("shift_factor") or 0.0)
        return vae.decode(latents.to(vae.dtype), return_dict=False)[0]

    def latents(self, pictures: Batch, generator: torch.Generator) -> Batch:
        """Pictures in [-1, 1] as native clean x: what `pictures` undoes."""
        vae = self.vae
        fed = pictures.to(self.device, vae.dtype)
        drawn = vae.encode(fed).latent_dist
        noise = torch.randn(drawn.mean.shape, generator=generator).to(drawn.mean)
        latents = drawn.mean + drawn.std * noise - (vae.config.get("shift_factor") or 0.0)
        mean, std = vae.config.get("latents_mean"), vae.config.get("latents_std")
        if mean is not None and std is not None:
            rows = torch.tensor([mean, std]).to(latents)[..., None, None]
            latents = (latents - rows[0]) / rows[1]
        return latents * vae.config.scaling_factor

    @property
    def vae(self) -> Any:
        """In float32 where it says that it overflows in float16."""
        vae = self.pipe.vae
        if vae.dtype == torch.float16 and vae.config.get("force_upcast"):
            vae.to(torch.float32)
        return vae

    @property
    def shrinks(self) -> int:
        """Pixels of a picture's side for one of x."""
        halved = len(self.pipe.vae.config.block_out_channels) - 1
        return getattr(self.pipe, "vae_scale_factor", 2**halved)  # DiTPipeline does not say

    @property
    def side(self) -> tuple[int, int]:
        """Height and width of a picture, in pixels."""
        height, width = (n * self.shrinks for n in self.spec.sample_shape[1:])
        return height, width

    # What all of them share

    @torch.no_grad()
    def clean(self, pictures: Batch, seed: int) -> Batch:
        """Pictures in [-1, 1], (B, 3, H, W), as clean x, float32; what a VAE draws is of `seed`."""
        drawn = torch.Generator().manual_seed(seed)
        with memory_for("encoding a picture", str(self.device)):
            return self.latents(pictures, drawn).float().cpu()

    @torch.no_grad()
    def texts(self, prompts: Sequence[str], **asked: Any) -> tuple[Any, ...]:
        """What the pipeline's own `encode_prompt` makes of them, a row each."""
        listed, encode = list(prompts), self.pipe.encode_prompt
        with memory_for("reading the prompt", str(self.device)):
            parts = [
                encode(listed[i : i + PROMPTS], device=self.device, **asked)
                for i in range(0, len(listed), PROMPTS)
            ]
        return tuple(None if p[0] is None else torch.cat(p) for p in zip(*parts, strict=True))

    @property
    def usual_guidance(self) -> float:
        """What the pipeline itself guides with unless told otherwise; 1 where it does not, as a
        network that is distilled to need none."""
        asked = inspect.signature(self.pipe.__call__).parameters.get("guidance_scale")
        return (
            float(asked.default)
            if asked is not None and (self.takes_prompt or self.spec.classes)
            else 1.0
        )

    @property
    def rows_together(self) -> int:
        """On a CPU a large batch is no faster than a small one, and slower from some size on."""
        return BUSY if self.device.type == "cuda" else 0

    def denoise(self, x: Batch, sigma: Levels, cond: Cond | None) -> Batch:
        """D(x, sigma | cond), float32 on the device of x; row i has condition i mod k."""
        return self._estimate(x, sigma, rows_of(self._or_nothing(cond), len(x)))

    @property
    def takes_negative(self) -> bool:
        """Whether a negative prompt means something."""
        return self.takes_prompt

    def guided(
        self, x: Batch, sigma: Levels, cond: Cond, guidance: float, negative: Cond | None = None
    ) -> Batch:
        """D_none + g (D_cond - D_none), both in one call of the network; of `negative` where given
        instead of none."""
        if guidance == 1:
            return self.denoise(x, sigma, cond)
        with_cond, without = rows_of(cond, len(x)), rows_of(self._or_nothing(negative), len(x))
        both = {name: torch.cat([without[name], with_cond[name]]) for name in with_cond}
        plain, x0 = self._estimate(torch.cat([x, x]), 2 * levels_of(sigma), both).chunk(2)
        return plain + guidance * (x0 - plain)

    @torch.no_grad()
    def decode(self, x: Batch) -> np.ndarray:
        """uint8 (B, H, W, 3)."""
        with memory_for("decoding a picture", str(self.device)):
            rows = [self.pictures(row.to(self.device)).float().cpu() for row in x.split(1)]
        pictures = torch.cat(rows)
        levels = (pictures / 2 + 0.5).clamp(0, 1).mul(255).round()
        return levels.permute(0, 2, 3, 1).to(torch.uint8).numpy()

    def draw(self, num: int, seed: int, cond: Cond | None = None) -> Job[Batch]:
        """Samples of the model itself, since its training data are not here: 50 Euler steps, even
        in model time. Sample k is of seed + k and condition k mod the number of conditions."""
        ends = self.spec.path.time(np.array([self.spec.sigma_max, self.spec.sigma_min]))
        sigmas = [*self.spec.path.sigma(np.linspace(ends[0], ends[1], DATA_STEPS)).tolist(), 0.0]
        drawn, done = [], 0
        for first in range(0, num, DRAWN):
            size = min(DRAWN, num - first)
            x = sigmas[0] * self._noise(size, seed + first)
            here = None if cond is None else rows_from(cond, first, size)
            for sigma, sigma_next in pairwise(sigmas):
                ratio = sigma_next / sigma
                with torch.no_grad():
                    x = ratio * x + (1 - ratio) * self.denoise(x, sigma, here)
                done += size
                yield Progress("drawing samples to learn from", done, DATA_STEPS * num)
            drawn.append(x)
        return torch.cat(drawn)

    def _noise(self, num: int, seed: int) -> Batch:
        shape = self.spec.sample_shape
        return torch.stack(
            [
                torch.randn(shape, generator=torch.Generator().manual_seed(seed + k))
                for k in range(num)
            ]
        )

    def data(self, num: int, seed: int, cond: Cond | None = None) -> Batch:
        """As `draw`, here and now."""
        return run(self.draw(num, seed, cond))

    def _or_nothing(self, cond: Cond | None) -> Cond:
        if cond is None:
            self._nothing = self._nothing or self.nothing()
            return self._nothing
        return cond

    def _estimate(self, x: Batch, sigma: Levels, cond: Cond) -> Batch:
        """D(x) = a x + b network(c x, time), the numbers of each row those of its level. Float32,
        on x's own device, but for the network."""
        levels = levels_of(sigma)
        numbers = torch.tensor([self._numbers(level) for level in levels], dtype=torch.float64)
        numbers = numbers.repeat_interleave(len(x) // len(levels), dim=0)
        time = numbers[:, 0]
        c, a, b = numbers[:, 1:].to(x).view(-1, 3, *[1] * (x.ndim - 1)).unbind(1)
        fed = c * x
        device, dtype = self.device, self.dtype
        out = self.batches.run(
            len(x),
            str(device),
            lambda rows: self.network(
                fed[rows].to(device, dtype),
                time[rows],
                {name: as_fed(part[rows], dtype) for name, part in cond.items()},
            )[:, : x.shape[1]].to(x),  # a learned variance is dropped
        )
        return a * x + b * out

    def _numbers(self, sigma: float) -> tuple[float, float, float, float]:
        """Model time and the numbers c, a, b of a level, by what the network predicts."""
        native, time = self.spec.path.scale(sigma), float(self.spec.path.time(np.array(sigma)))
        std = self.spec.sigma_data
        match self.spec.prediction:
            case "eps":
                return time, native, 1.0, -sigma
            case "v":
                return time, native, 1 / (1 + sigma**2), -sigma / math.sqrt(1 + sigma**2)
            case "flow":
                return time, native, native, -time
            case "edm":
                c_in = (sigma**2 + std**2) ** -0.5
                out = self.noise.sign * sigma * std * c_in
                return 0.25 * math.log(sigma), c_in, (std * c_in) ** 2, out
        return time, native, 0.0, 1.0


def fed_time(time: torch.Tensor, x: Batch) -> torch.Tensor:
    """As networks take it."""
    return time.to(x.device, torch.float32)


def as_fed(part: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """In the network's precision, which that of a text encoder need not be."""
    return part.to(dtype) if part.is_floating_point() else part


def rows_of(cond: Cond, num: int) -> Cond:
    """`num` rows of a condition: row i is its row i mod k."""
    return rows_from(cond, 0, num)

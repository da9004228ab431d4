"""Train `scenes_unet`, the embedded network, on the procedural scenes: `make unet`.

A class-conditional diffusers `UNet2DModel` with v-prediction on DDPM's linear path, small enough
for a CPU: pictures go through it at half resolution with four pixels in the channels; on a GPU
where there is one. Time-boxed and resumable: run it again to train on from the last checkpoint, or
from the weights that are shipped. Exports after every leg to `assets/models/scenes_unet/`, unless
what is there is better: a diffusers pipeline with fp16 weights, a model card, the loss curve,
pictures, and what it cost so far.

    python assets/models/make_unet.py --minutes 60
"""

from __future__ import annotations

import argparse
import copy
import datetime
import json
import math
import platform
import sys
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw
from safetensors.torch import load_file
from torch.nn.functional import pixel_unshuffle

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]  # the imports below need both

from draw_scenes import CLASSES, render  # noqa: E402

from ays_core.paths import linear_vp  # noqa: E402

CHECKPOINT = ROOT / "build" / "scenes_unet.pt"
EXPORT = Path(__file__).parent / "scenes_unet"
NO_CLASS = len(CLASSES)  # the label that means "any class": what guidance guides away from
POOL = 60_000  # pictures drawn once and shown again, mirrored half of the time
BATCH = 64
EMA = 0.9995
SIGMA_MIN, SIGMA_MAX = 0.02, 80.0
CARD = """---
license: apache-2.0
library_name: diffusers
---

# Little scenes, the network

A class-conditional `UNet2DModel` (3.8 million weights, float16) with v-prediction on DDPM's linear
path at continuous times, trained from scratch on procedural drawings of ten kinds of scenes. It saw
{images:,} pictures in {minutes:g} minutes on {machine}, with other programs beside it
(torch {torch}, {date}); its v-loss was {last:g} at the end. There are no photographs and no
third-party pictures in the data.

- Made by `python assets/models/make_unet.py`, which also resumes the training.
- x: (12, 16, 16), a 32 x 32 RGB picture in [-1, 1] through `pixel_unshuffle(2)`; sigma from
  {sigma_min:g} to {sigma_max:g}. Label 10 means any class: what guidance moves away from.
- Meant for trying noise schedules on a network where no other weights are at hand. It is small, and
  its pictures show it: soft edges, now and then a mixture of two scenes.

Not chosen, one class a row: Euler, 50 steps on Karras' levels, guidance 1.5.

![samples](samples.png)

![loss](loss.png)
"""


def network() -> torch.nn.Module:
    from diffusers import UNet2DModel

    return UNet2DModel(
        sample_size=16,
        in_channels=12,
        out_channels=12,
        block_out_channels=(64, 96, 128),
        down_block_types=("DownBlock2D", "DownBlock2D", "AttnDownBlock2D"),
        up_block_types=("AttnUpBlock2D", "UpBlock2D", "UpBlock2D"),
        layers_per_block=1,
        norm_num_groups=16,
        attention_head_dim=32,
        num_class_embeds=NO_CLASS + 1,
    )


def draw_pool(num: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """uint8 pictures (num, 3, 32, 32) and their classes (num,)."""
    from concurrent.futures import ProcessPoolExecutor

    chunks = [(seed + k, num // 60) for k in range(60)]
    with ProcessPoolExecutor(max_workers=2) as pool:
        drawn = list(pool.map(draw_chunk, chunks))
    pictures, classes = (np.concatenate(parts) for parts in zip(*drawn, strict=True))
    return torch.from_numpy(pictures).permute(0, 3, 1, 2).contiguous(), torch.from_numpy(classes)


def draw_chunk(job: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    seed, num = job
    rng = np.random.default_rng(seed)
    classes = rng.integers(0, NO_CLASS, num)
    return np.stack([render(rng, int(c)) for c in classes]), classes


def levels(num: int, generator: torch.Generator) -> torch.Tensor:
    """Training noise levels: log-normal around where pictures are decided, a fifth log-uniform."""
    normal = torch.exp(0.2 + 1.4 * torch.randn(num, generator=generator))
    u = torch.rand(num, generator=generator)
    uniform = torch.exp(math.log(SIGMA_MIN) + u * math.log(SIGMA_MAX / SIGMA_MIN))
    mixed = torch.where(torch.rand(num, generator=generator) < 0.2, uniform, normal)
    return mixed.clamp(SIGMA_MIN, SIGMA_MAX)


def loss_of(
    net: torch.nn.Module, x0: torch.Tensor, label: torch.Tensor, generator: torch.Generator
) -> torch.Tensor:
    """Mean squared error of v = alpha n - s x0 at x = alpha x0 + s n, alpha^2 + s^2 = 1. All but
    the network is on the CPU."""
    device = next(net.parameters()).device
    sigma = levels(len(x0), generator)
    noise = torch.randn(x0.shape, generator=generator)
    alpha = (1 + sigma**2).rsqrt()[:, None, None, None]
    s = sigma[:, None, None, None] * alpha
    time_ = torch.from_numpy(linear_vp().time(sigma.double().numpy())).float()
    x = (alpha * x0 + s * noise).to(device, memory_format=torch.channels_last)
    with torch.autocast(device.type, dtype=torch.bfloat16):
        v = net(x, time_.to(device), class_labels=label.to(device)).sample
    return (v.float() - (alpha * noise - s * x0).to(device)).square().mean()


def begin(device: str) -> tuple[torch.nn.Module, torch.nn.Module, torch.optim.Optimizer, dict]:
    """Network, its average, optimiser and what was done: of the last checkpoint, else from the
    weights that are shipped, else new."""
    net = network().to(device, memory_format=torch.channels_last)
    ema = copy.deepcopy(net).eval().requires_grad_(False)
    optimiser = torch.optim.AdamW(net.parameters(), lr=4e-4, weight_decay=0.01)
    done = {"images": 0, "seconds": 0.0, "curve": []}
    weights = EXPORT / "unet" / "diffusion_pytorch_model.safetensors"
    if CHECKPOINT.exists():
        saved = torch.load(CHECKPOINT, weights_only=True, map_location=device)
        net.load_state_dict(saved["net"])
        ema.load_state_dict(saved["ema"])
        optimiser.load_state_dict(saved["optimiser"])
        done = saved["done"]
    elif weights.exists():
        shipped = {name: w.float() for name, w in load_file(weights).items()}
        net.load_state_dict(shipped)
        ema.load_state_dict(shipped)
        trained = read_record()
        done = {name: trained[name] for name in ("images", "curve")}
        done["seconds"] = 60 * trained["minutes"]
    return net, ema, optimiser, done


def read_record() -> dict:
    return json.loads((EXPORT / "training.json").read_text(encoding="utf-8"))


@torch.no_grad()
def held_out_loss(net: torch.nn.Module) -> float:
    """The loss on drawings that no training sees, the same noises every time."""
    generator = torch.Generator().manual_seed(10**9)
    pictures, classes = held_out()
    losses = [
        loss_of(net, pixel_unshuffle(x0.float() / 127.5 - 1, 2), label, generator)
        for x0, label in zip(pictures.split(BATCH), classes.split(BATCH), strict=True)
    ]
    return float(torch.stack(losses).mean())


def train(minutes: float, threads: int, seed: int) -> None:
    torch.set_num_threads(threads)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    if minutes <= 0 and not CHECKPOINT.exists():
        raise SystemExit(f"there is no checkpoint to export: {CHECKPOINT}")
    net, ema, optimiser, done = begin(device)
    before = done["seconds"]
    generator = torch.Generator().manual_seed(seed + done["images"])
    if minutes <= 0:
        return export(ema, done)
    pictures, classes = draw_pool(POOL, seed + done["images"])
    began, reported, window = time.monotonic(), time.monotonic(), []
    budget = minutes * 60
    while (spent := time.monotonic() - began) < budget:
        warm_up = min(1.0, (done["images"] + 1) / 20_000)
        cool_down = min(1.0, 0.02 + (budget - spent) / (0.4 * budget))  # lower towards the end
        optimiser.param_groups[0]["lr"] = 4e-4 * warm_up * cool_down
        pick = torch.randint(len(pictures), (BATCH,), generator=generator)
        x0 = pictures[pick].float() / 127.5 - 1
        mirrored = torch.rand(BATCH, generator=generator) < 0.5
        x0[mirrored] = x0[mirrored].flip(-1)
        dropped = torch.rand(BATCH, generator=generator) < 0.12
        label = classes[pick].masked_fill(dropped, NO_CLASS)
        loss = loss_of(net, pixel_unshuffle(x0, 2), label, generator)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        decay = min(EMA, (1 + done["images"] / BATCH) / (10 + done["images"] / BATCH))
        for slow, fast in zip(ema.parameters(), net.parameters(), strict=True):
            slow.lerp_(fast.detach(), 1 - decay)
        done["images"] += BATCH
        window.append(loss.item())
        if time.monotonic() - reported > 60:
            reported = time.monotonic()
            done["curve"].append([done["images"], float(np.mean(window))])
            done["seconds"] = before + time.monotonic() - began
            print(f"{spent / 60:6.1f} min {done['images']:9,} images, v-loss {np.mean(window):.4f}")
            sys.stdout.flush()
            window = []
            save(net, ema, optimiser, done)
    done["seconds"] = before + time.monotonic() - began
    save(net, ema, optimiser, done)
    export(ema, done)


def save(net, ema, optimiser, done) -> None:
    CHECKPOINT.parent.mkdir(exist_ok=True)
    part = CHECKPOINT.with_suffix(".part")
    state = {"net": net.state_dict(), "ema": ema.state_dict(), "optimiser": optimiser.state_dict()}
    torch.save({**state, "done": done}, part)
    part.replace(CHECKPOINT)


def shipped_loss() -> float:
    """Of the network that is there already; infinite where there is none."""
    weights = EXPORT / "unet" / "diffusion_pytorch_model.safetensors"
    if not weights.exists():
        return math.inf
    net = network().eval()
    net.load_state_dict({name: w.float() for name, w in load_file(weights).items()})
    return held_out_loss(net)


def export(ema: torch.nn.Module, done: dict) -> None:
    """The averaged weights in half precision as a diffusers pipeline, what they cost, and pictures;
    nothing where what is shipped is better on drawings that neither has seen.

    The scheduler's table is only where the network's noise comes from: any solver runs it.
    """
    from diffusers import DDPMPipeline, DDPMScheduler

    device = next(ema.parameters()).device
    ema = copy.deepcopy(ema).cpu()
    loss, shipped = held_out_loss(ema), shipped_loss()
    if loss > shipped:
        print(f"held-out v-loss {loss:.4f}, {shipped:.4f} of what is shipped: not exported")
        return
    EXPORT.mkdir(parents=True, exist_ok=True)
    scheduler = DDPMScheduler(beta_schedule="linear", prediction_type="v_prediction")
    DDPMPipeline(copy.deepcopy(ema).half(), scheduler).save_pretrained(EXPORT)
    x0 = draw_held_out().float() / 127.5 - 1
    record = {
        "images": done["images"],
        "minutes": round(done["seconds"] / 60, 1),
        "machine": machine(device),
        "torch": torch.__version__.split("+")[0],
        "date": datetime.date.today().isoformat(),
        "classes": list(CLASSES),
        "sample_shape": [12, 16, 16],
        "sigma_min": SIGMA_MIN,
        "sigma_max": SIGMA_MAX,
        "sigma_data": round(float((x0 - x0.mean(dim=0)).square().mean().sqrt()), 4),
        "curve": [[n, round(loss, 4)] for n, loss in done["curve"]],
    }
    (EXPORT / "training.json").write_text(json.dumps(record) + "\n", encoding="utf-8")
    (EXPORT / "README.md").write_text(CARD.format(**record, last=record["curve"][-1][1]))
    draw_curve(record["curve"]).save(EXPORT / "loss.png")
    draw_samples().save(EXPORT / "samples.png")


def machine(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{platform.machine()}, {torch.get_num_threads()} thread, CPU"


def held_out_rows() -> list[list[np.ndarray]]:
    """Drawings that the network never saw, 20 a row, two rows a class."""
    rng = np.random.default_rng(10**9)
    return [[render(rng, row // 2) for _ in range(20)] for row in range(20)]


def held_out() -> tuple[torch.Tensor, torch.Tensor]:
    """Those as uint8 (400, 3, 32, 32), and their classes (400,)."""
    drawn = np.stack([picture for row in held_out_rows() for picture in row])
    return torch.from_numpy(drawn).permute(0, 3, 1, 2), torch.arange(len(drawn)) // 40


def draw_held_out() -> torch.Tensor:
    """The held-out drawings as a file: what optimizers take for the network's data."""
    drawn = held_out_rows()
    sheet = np.concatenate([np.concatenate(row, axis=1) for row in drawn])
    Image.fromarray(sheet).save(EXPORT / "drawings.png", optimize=True)
    return torch.from_numpy(np.stack([picture for row in drawn for picture in row]))


def draw_curve(curve: list) -> Image.Image:
    """v-loss over images, both on log axes."""
    n, loss = np.log(np.array(curve, dtype=float)).T
    image = Image.new("RGB", (480, 240), "white")
    x = 30 + 430 * (n - n[0]) / (n[-1] - n[0])
    y = 20 + 190 * (loss.max() - loss) / (loss.max() - loss.min())
    draw = ImageDraw.Draw(image)
    draw.line(list(zip(x.tolist(), y.tolist(), strict=True)), fill=(9, 105, 218), width=2)
    draw.text((30, 222), f"{curve[0][0]:,} to {curve[-1][0]:,} images (log)", "black")
    draw.text((30, 4), f"v-loss {curve[0][1]:.3f} to {curve[-1][1]:.3f} (log)", "black")
    return image


def draw_samples() -> Image.Image:
    """Eight pictures of every class: Euler, 50 steps, guidance 1.5, seeds from 10,000 on."""
    from ays_core.denoiser import bind
    from ays_core.job import run
    from ays_core.models.unet import read_unet, read_unet_spec
    from ays_core.sampling import sample, start_noise
    from ays_core.schedules import SCHEDULES

    read_unet_spec.cache_clear()
    model, rows = read_unet(), []
    schedule = SCHEDULES["karras"].make(50, model.spec)
    for cls in model.spec.classes:
        noise = start_noise(model.spec, 8, 10_000)
        done = run(sample(bind(model, cls, 1.5), schedule, "euler", noise))
        rows.append(np.concatenate(list(model.decode(done.samples)), axis=1))
    return Image.fromarray(np.concatenate(rows)).resize((768, 960), Image.Resampling.NEAREST)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--minutes", type=float, default=60, help="0: only export the checkpoint, if there is one"
    )
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    train(arguments.minutes, arguments.threads, arguments.seed)

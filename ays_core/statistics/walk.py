"""One walk up the noise axis with a model: what fills a `Statistics`."""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import torch

from ays_core.denoiser import Batch, Bound, Denoiser
from ays_core.job import Job, Progress, relay
from ays_core.statistics.value import GROUPS, Statistics

HELD = 1 << 24  # numbers held at a time: the answers of one batch of paths at all levels
PART = 1 << 22  # of those, how many are turned into float64 at a time


def measured_key(denoise: Denoiser) -> str:
    """What a measurement of `denoise` is a measurement of: model, conditions, guidance,
    negative prompt where there is one, data that are not the model's own."""
    if not isinstance(denoise, Bound):
        return ""
    bound = [denoise.spec.key, list(denoise.conditions), denoise.guidance]
    bound += [denoise.away_from] if denoise.away_from else []
    bound += [denoise.own.fingerprint] if denoise.own else []
    return json.dumps(bound, ensure_ascii=False)


def log_levels(low: float, high: float, num: int) -> np.ndarray:
    """`num` levels, ascending, evenly spaced in ln s, with exact ends."""
    levels = np.geomspace(low, high, num)
    levels[[0, -1]] = low, high
    return levels


def measure(
    denoise: Denoiser,
    data: Batch | None,
    levels: Sequence[float] | np.ndarray,
    paths: int,
    seed: int = 0,
    *,
    batch: int | None = None,
    measured: Statistics | None = None,
) -> Job[Statistics]:
    """Walk `paths` paths up the ascending `levels`, the denoiser called once on each level.

    `data`: clean samples, (N, *sample_shape); path k starts from row k mod N, with noise of seed
    `seed + k` and condition k mod their number, whatever the batch. None: what a network draws
    itself, sample k from seed `seed + k`, batch by batch, so that little is lost where it is
    stopped. `batch`: paths at a time, by default as many as keep their answers within memory.
    `measured`: an earlier, unfinished measurement with these arguments, to go on from. Yields after
    every call; the snapshot is the measurement so far, None before the first batch is done.
    """
    levels = np.array(levels, dtype=np.float64)
    if len(levels) < 2 or levels[0] <= 0 or (np.diff(levels) <= 0).any():
        raise ValueError("a measurement needs two or more levels, above 0 and ascending")
    found = measured or _nothing(measured_key(denoise), levels)
    _check_same(found, _nothing(measured_key(denoise), levels))
    if found.seeds not in ((), ((seed, seed + found.num_paths),)):
        raise ValueError(f"a measurement with seeds {found.seeds} cannot go on from seed {seed}")
    numbers = math.prod(denoise.spec.sample_shape) if data is None else data[0].numel()  # pyright: ignore
    size = batch or max(1, min(HELD // (len(levels) * numbers), -(-paths // GROUPS)))
    start = found.num_paths
    total = max(-(-(paths - start) // size), 0) * len(levels)
    done = 0
    for first in range(start, paths, size):
        rows = torch.arange(first, min(first + size, paths))
        here = denoise.of_rows(first, len(rows)) if isinstance(denoise, Bound) else denoise
        clean = yield from _clean(here, data, rows, seed, Progress("", done, total, found))
        answers = _path_noise(clean, len(levels), seed + rows)
        x, sigma_before = clean, 0.0
        for k, sigma in enumerate(levels.tolist()):
            with torch.no_grad():
                x = x + math.sqrt(sigma**2 - sigma_before**2) * answers[k]
                answers[k] = here(x, sigma)
            sigma_before, done = sigma, done + 1
            if k + 1 < len(levels):
                yield Progress("measuring", done, total, found if found.num_paths else None)
        found = _with(found, _products(answers, clean), len(rows), seed)
        yield Progress("measuring", done, total, found)
    return found


def measure_model(
    denoise: Bound,
    *,
    levels: int = 96,
    paths: int = 256,
    seed: int = 0,
    measured: Statistics | None = None,
) -> Job[Statistics]:
    """`measure` over the model's own range, on its own data: what every optimizer can share."""
    axis = log_levels(denoise.spec.sigma_min, denoise.spec.sigma_max, levels)
    data = None if denoise.draw_steps else denoise.data(paths, seed)
    return measure(denoise, data, axis, paths, seed, measured=measured)


def _clean(
    here: Denoiser, data: Batch | None, rows: torch.Tensor, seed: int, at: Progress
) -> Job[Batch]:
    """What the paths `rows` start from: of the data, or drawn now by `here`, bound to them."""
    if data is not None:
        return data[rows % len(data)]
    assert isinstance(here, Bound)
    so_far = at.snapshot if at.snapshot.num_paths else None
    return (
        yield from relay(
            here.draw(len(rows), seed + int(rows[0])),
            lambda p: replace(at, stage=p.stage, snapshot=so_far),
        )
    )


def _path_noise(clean: Batch, num: int, seeds: torch.Tensor) -> Batch:
    """Unit noise for every level of every path, (num, B, *sample_shape), unlike its start noise."""
    noise = clean.new_empty(num, *clean.shape)
    for row, seed in enumerate(seeds.tolist()):
        generator = torch.Generator().manual_seed(zlib.crc32(f"path noise {seed}".encode()))
        noise[:, row] = torch.randn(num, *clean.shape[1:], generator=generator).to(noise)
    return noise


def _products(answers: Batch, clean: Batch) -> np.ndarray:
    """Sums over samples and elements of <D_j - x0, D_k - x0>, in float64: (G, G)."""
    flat, target = answers.flatten(1), clean.flatten()
    total = flat.new_zeros(len(flat), len(flat), dtype=torch.float64)
    width = max(1, PART // len(flat))
    for part, x0 in zip(flat.split(width, 1), target.split(width), strict=True):
        errors = part.double() - x0.double()
        total += errors @ errors.mT
    return total.cpu().numpy()


def _nothing(key: str, levels: np.ndarray) -> Statistics:
    gram = np.zeros((GROUPS, len(levels), len(levels)))
    return Statistics(key, levels, gram, np.zeros(GROUPS, dtype=np.int64), ())


def _with(found: Statistics, products: np.ndarray, num: int, seed: int) -> Statistics:
    """`found` and `num` paths more, in the group that has fewest."""
    gram, paths = found.gram.copy(), found.paths.copy()
    group = int(paths.argmin())
    gram[group] += products
    paths[group] += num
    return Statistics(found.key, found.levels, gram, paths, ((seed, seed + int(paths.sum())),))


def merged(parts: Sequence[Statistics]) -> Statistics:
    """Measurements of the same thing from different seeds, as one. Else a `ValueError`."""
    seeds = sorted(span for part in parts for span in part.seeds)
    for (_, end), (first, _) in pairwise(seeds):
        if first < end:
            raise ValueError(f"two parts have used seed {first}: their paths are the same")
    for part in parts:
        _check_same(part, parts[0])
    gram = np.sum([part.gram for part in parts], axis=0)
    paths = np.sum([part.paths for part in parts], axis=0)
    return Statistics(parts[0].key, parts[0].levels, gram, paths, tuple(seeds))


def _check_same(one: Statistics, other: Statistics) -> None:
    if one.key != other.key:
        names = (part.key or "an unnamed denoiser" for part in (one, other))
        raise ValueError("a measurement of {}, and one of {}".format(*names))
    if not np.array_equal(one.levels, other.levels):
        raise ValueError("the two measurements have different levels")

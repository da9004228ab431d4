"""Draws the little scenes, fits the embedded picture model to them and writes it: `make scenes`.

Each of 10 classes has 40 scenes; each is drawn 128 times in varied colours and fitted by one
Gaussian: its mean, and the covariance of the 24 amounts in which 8 pixel maps are added to the 3
channels. The maps are the leading principal components of the three channels together: a scene has
few colours that vary, so few maps hold what they do.

    x = mean + sum_j map_j * colour_j + psi n,   colour (24 numbers) ~ N(0, root root^T)

Maps are int8, the rest float16; everything is fitted to the maps as rounded, and psi, which is
printed, is what that leaves. A basis common to all scenes, with 24 directions in it for each, was
tried first: with 512 shared dimensions the file is larger and leaves several times as much, which
shows as grain.
"""

from __future__ import annotations

import json
from concurrent.futures import ProcessPoolExecutor
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np
from draw_scenes import CLASSES, archetype
from safetensors.numpy import save_file
from scipy.sparse.linalg import svds

RECIPE = 1  # raise it with every change that makes another world
POSES, PICTURES, MAPS, FEATURES = 40, 128, 8, 40
FILE = Path(__file__).with_name("scenes.safetensors")


class Scene(NamedTuple):
    mean: np.ndarray  # (3, P) float16
    maps: np.ndarray  # (MAPS, P) int8
    root: np.ndarray  # (3 MAPS, 3 MAPS) float16; rows are ordered by channel, then by map
    left: float  # variance outside the maps, per number


def fit(pictures: np.ndarray) -> Scene:
    """The Gaussian of one scene's pictures: uint8 (num, height, width, 3)."""
    num = len(pictures)
    x = pictures.reshape(num, -1, 3).transpose(0, 2, 1) / 127.5 - 1  # (num, 3, P)
    mean = x.mean(axis=0).astype(np.float16)
    y = x - mean
    rows = y.reshape(3 * num, -1)
    _, vectors = np.linalg.eigh(rows @ rows.T)
    leading = vectors[:, : -MAPS - 1 : -1].T @ rows  # (MAPS, P)
    maps = np.rint(127 * leading / np.abs(leading).max(axis=1, keepdims=True)).astype(np.int8)
    amounts = np.linalg.lstsq(maps.T.astype(float), rows.T, rcond=None)[0].T  # (3 num, MAPS)
    left = np.square(rows - amounts @ maps).sum() / (num - 1) / (y[0].size - 3 * MAPS)
    amounts = amounts.reshape(num, 3 * MAPS)
    variances, axes = np.linalg.eigh(amounts.T @ amounts / (num - 1))
    root = (axes * np.sqrt(variances.clip(0))).astype(np.float16)
    return Scene(mean, maps, root, float(left))


def drawn_and_fitted(scene: tuple[int, int]) -> Scene:
    return fit(archetype(*scene, PICTURES))


def write(scenes: list[Scene], classes: tuple[str, ...], path: Path) -> None:
    """The file `ays_core.models.scenes` reads: the scenes class by class, as many in each."""
    psi2, spread = float(np.mean([scene.left for scene in scenes])), spread_of(scenes)
    num, dim = len(scenes), spread.shape[1]
    variance = float(np.square(spread).sum()) / num / dim + psi2 * (1 - 3 * MAPS / dim)
    tensors = {
        "means": np.stack([scene.mean for scene in scenes]),
        "maps": np.stack([scene.maps for scene in scenes]),
        "roots": np.stack([scene.root for scene in scenes]),
        "features": principal_components(spread).astype(np.float16),
    }
    about = {
        "recipe": RECIPE,
        "poses": num // len(classes),
        "pictures": PICTURES,
        "classes": classes,
        "psi": round(psi2**0.5, 6),
        "sigma_data": round(variance**0.5, 6),
    }
    # One entry: safetensors writes several in any order, and the file should come out the same.
    arrays = {name: np.ascontiguousarray(array) for name, array in tensors.items()}
    save_file(arrays, path, {"about": json.dumps(about)})
    print(f"{path.name}: {path.stat().st_size / 1e6:.1f} MB, {about}")


def spread_of(scenes: list[Scene]) -> np.ndarray:
    """Rows (.., 3 P) whose squares add up to num times the variance of all scenes together."""
    means = np.stack([scene.mean.ravel() for scene in scenes]).astype(np.float64)
    rows = [means - means.mean(axis=0)]
    for scene in scenes:
        root = scene.root.astype(np.float64).reshape(3, MAPS, -1)
        rows.append(np.einsum("jp,cjr->rcp", scene.maps, root).reshape(-1, means.shape[1]))
    return np.concatenate(rows)


def principal_components(spread: np.ndarray) -> np.ndarray:
    """The directions in which all pictures vary most: (FEATURES, 3 P), signs by convention."""
    directions = svds(spread, k=FEATURES, v0=np.ones(min(spread.shape)))[2][::-1]
    largest = np.abs(directions).argmax(axis=1)
    return directions * np.sign(directions[np.arange(FEATURES), largest])[:, None]


def main() -> None:
    with ProcessPoolExecutor() as pool:
        scenes = product(range(len(CLASSES)), range(POSES))
        write(list(pool.map(drawn_and_fitted, scenes, chunksize=4)), CLASSES, FILE)


if __name__ == "__main__":
    main()

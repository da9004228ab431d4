"""What a model says along the noise axis, measured once; after that, arithmetic.

Every path carries one clean sample up the levels, x_b = x_s + sqrt(b^2 - s^2) n: it is the joint
law of the levels that matters. With D_k the denoiser's answer at level k, the mean products of the
errors, <D_j - x0, D_k - x0>, hold all that is needed:

    M_k  = E|x0 - D_k|^2                         the denoising error: their diagonal
    E_jk = E|D_j - D_k|^2 = M_j + M_k - 2 <.,.>  how far the estimate moves between two levels

An interval from level b down to a, crossed with D held at b, costs integral_a^b s^-p E(s, b) ds.
For p = 3 that is KLUB, the bound of Align Your Steps (Sabour et al. 2024, arXiv:2404.14507). For
an exact, unguided denoiser D_k is a martingale and E_jk = |M_j - M_k|; nothing here assumes it.
"""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ays_core.paths import RANGE_SLACK
from ays_core.schedule import Schedule

GROUPS = 8  # sums are kept for so many groups of paths: their spread gives standard errors
SIGNIFICANT = 3.0  # standard errors from which on the network's own noise counts as such
QUADRATURE = np.polynomial.legendre.leggauss(4)  # points and weights on [-1, 1]


@dataclass(frozen=True, eq=False)
class Statistics:
    """A measurement, finished or so far. All squares are sums over the elements of a sample.

    `key`: what was measured (`measured_key`). `levels`: (G,) float64, ascending. `gram`: (GROUPS,
    G, G) float64, sums over a group's paths of <D_j - x0, D_k - x0>. `paths`: (GROUPS,) how many.
    `seeds`: first and one past the last seed of the paths, for every part that was merged.
    """

    key: str
    levels: np.ndarray
    gram: np.ndarray
    paths: np.ndarray
    seeds: tuple[tuple[int, int], ...]

    @property
    def num_paths(self) -> int:
        return int(self.paths.sum())

    @property
    def evaluations(self) -> int:
        """Denoiser evaluations spent, of one sample each."""
        return self.num_paths * len(self.levels)

    @cached_property
    def raw_distances(self) -> np.ndarray:
        """E|D_j - D_k|^2 as measured: (G, G)."""
        mean = self.gram.sum(axis=0) / max(self.num_paths, 1)
        errors = mean.diagonal()
        found = np.maximum(errors[:, None] + errors - 2 * mean, 0.0)
        np.fill_diagonal(found, 0.0)
        return found

    @cached_property
    def distances(self) -> np.ndarray:
        """E|D_j - D_k|^2 without what the network's own arithmetic adds: (G, G)."""
        noise = self.noise[:, None] + self.noise
        np.fill_diagonal(noise, 0.0)
        return np.maximum(self.raw_distances - noise, 0.0)

    @cached_property
    def error_curve(self) -> np.ndarray:
        """M = E|x0 - D|^2 at every level, for an exact denoiser: (G,).

        Its steps are E_k,k+1, so it rises by construction and varies less than the errors do.
        """
        first = self.gram[:, 0, 0].sum() / max(self.num_paths, 1) - self.noise[0]
        return np.cumsum([max(first, 0.0), *self.distances.diagonal(1)])

    @cached_property
    def noise(self) -> np.ndarray:
        """Mean square of the network's own noise at every level, 0 where none shows: (G,).

        Rounding of v, fresh at every level, makes neighbouring steps undo each other:
        -<D_k - D_k-1, D_k+1 - D_k> = v. Of exact arithmetic it is 0, of a steady drift negative.
        """
        from scipy.ndimage import median_filter

        groups = [_undone(part.raw_distances) for part in self.groups()]
        if len(groups) < 3 or len(self.levels) < 5:
            return np.zeros(len(self.levels))
        undone = _undone(self.raw_distances)
        spread = np.std(groups, axis=0, ddof=1) / math.sqrt(len(groups))
        real = median_filter(undone - SIGNIFICANT * spread, size=5, mode="nearest") > 0
        return np.pad(np.where(real, np.maximum(undone, 0.0), 0.0), 1, mode="edge")

    def smooth(self, width: float) -> Statistics:
        """With every distance averaged along the axis, over `width` in ln s, in the logarithm.

        Averages are over pairs of levels equally far apart, so power laws stay as they are; what
        is sharper than `width`, and the ripples of few paths, are evened out.
        """
        cells = width / float(np.mean(np.diff(np.log(self.levels))))
        num, found = len(self.levels), np.zeros_like(self.distances)
        for apart in range(1, num):
            pairs = self.distances.diagonal(apart)
            even = _averaged(np.log(np.maximum(pairs, np.finfo(float).tiny)), cells)
            rows = np.arange(num - apart)
            found[rows, rows + apart] = found[rows + apart, rows] = np.exp(even)
        errors = np.cumsum([self.error_curve[0], *found.diagonal(1)])
        gram = (errors[:, None] + errors - found) / 2  # any M will do for these E
        return Statistics(
            self.key,
            self.levels,
            gram[None] * self.num_paths,
            np.array([self.num_paths]),
            self.seeds,
        )

    def groups(self) -> Iterator[Statistics]:
        """The measurement in independent parts."""
        for gram, paths in zip(self.gram, self.paths, strict=True):
            if paths:
                yield Statistics(self.key, self.levels, gram[None], paths[None], self.seeds)

    def klub(self, schedule: Schedule, power: float = 3.0, order: int = 1) -> np.ndarray:
        """The cost of every interval of `schedule`, from the noisy end: (num_steps,).

        `power`: p of the weight s^-p; 3 is KLUB. `order` 2: for a multistep solver, which holds
        D_b + w (D_b - D_prev), w = ln(b/a) / (2 ln(prev/b)), in every step but the first and one
        into 0. Exact on the measured levels, else from D taken as linear in ln s between two of
        them. A step into 0, or below the lowest level measured, is counted down to that level.
        Raises `ValueError` for levels above those measured.
        """
        if order not in (1, 2):
            raise ValueError(f"order is {order}; the cost is known for solvers of order 1 and 2")
        low, high = self.levels[[0, -1]]
        if schedule.sigmas[0] > high * (1 + RANGE_SLACK):
            raise ValueError(f"level 0 is {schedule.sigmas[0]:g}, above the measured {high:g}")
        sigmas = np.clip(schedule.sigmas, low, high)[::-1]
        nodes, at = self._nodes(sigmas)
        held = self.between(nodes, sigmas)
        if order == 2:
            first = 2 if schedule.final_zero else 1
            for b in range(first, len(sigmas) - 1):  # intervals from sigmas[b] to sigmas[b - 1]
                step, step_before = np.diff(np.log(sigmas[b - 1 : b + 2]))
                w = step / (2 * step_before)
                before = held[:, b + 1]
                held[:, b] = (1 + w) * held[:, b] - w * before + w * (1 + w) * before[at[b]]
        total = _cumulated(nodes, held, power)[at]
        return np.diagonal(total)[:0:-1] - np.diagonal(total, 1)[::-1]

    def costs(self, sigmas: np.ndarray, power: float = 3.0) -> np.ndarray:
        """The cost of every interval between two of the ascending levels `sigmas`, (L,), all within
        the measured range: (L, L), from column's level down to row's."""
        nodes, at = self._nodes(sigmas)
        total = _cumulated(nodes, self.between(nodes, sigmas), power)[at]
        return np.triu(np.diagonal(total) - total)

    def _nodes(self, sigmas: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The measured levels and `sigmas` together, and where `sigmas` are among them."""
        nodes = np.union1d(self.levels, sigmas)
        return nodes, np.searchsorted(nodes, sigmas)

    def between(self, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """E|D - D|^2 between any levels, linear in ln s between measured ones: (rows, columns)."""
        i, u = self._cells(rows)
        j, v = self._cells(columns)
        found = (1 - v) * self.distances[:, j] + v * self.distances[:, j + 1]
        found = (1 - u)[:, None] * found[i] + u[:, None] * found[i + 1]
        same_cell = np.abs(u[:, None] - v) * self.distances[j, j + 1]
        return np.where(i[:, None] == j, same_cell, found)

    def _cells(self, sigmas: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Between which two measured levels a level lies, and how far from the lower, in ln s."""
        at = np.interp(np.log(sigmas), np.log(self.levels), np.arange(len(self.levels)))
        cell = np.minimum(at.astype(int), len(self.levels) - 2)
        return cell, at - cell

    def to_bytes(self) -> bytes:
        """As a compressed .npz file."""
        seeds = np.array(self.seeds, dtype=np.int64).reshape(-1, 2)
        arrays = {"levels": self.levels, "gram": self.gram, "paths": self.paths, "seeds": seeds}
        file = io.BytesIO()
        np.savez_compressed(file, key=np.array(self.key), **arrays)
        return file.getvalue()

    @staticmethod
    def from_bytes(content: bytes) -> Statistics:
        """What `to_bytes` wrote. Raises `ValueError` for anything else."""
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as file:
                seeds = tuple((int(first), int(end)) for first, end in file["seeds"])
                arrays = {name: file[name] for name in ("levels", "gram", "paths")}
                return Statistics(str(file["key"]), **arrays, seeds=seeds)
        except (KeyError, ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
            raise ValueError(f"not a saved measurement: {error}") from None


def _undone(distances: np.ndarray) -> np.ndarray:
    """-<D_k - D_k-1, D_k+1 - D_k> of every inner level: (G - 2,)."""
    beside = distances.diagonal(1)
    return (beside[:-1] + beside[1:] - distances.diagonal(2)) / 2


def _averaged(values: np.ndarray, cells: float) -> np.ndarray:
    """Gaussian average, standard deviation `cells`; beyond its ends a trend goes straight on."""
    from scipy.ndimage import gaussian_filter1d

    if len(values) < 2:
        return values
    beyond = math.ceil(4 * cells)
    padded = np.pad(values, beyond, mode="reflect", reflect_type="odd")
    return gaussian_filter1d(padded, cells)[beyond:-beyond]


def _cumulated(nodes: np.ndarray, values: np.ndarray, power: float) -> np.ndarray:
    """integral s^-power f ds from the first node to each, f linear in ln s between nodes.

    `nodes` (U,), `values` (U, L): result (U, L).
    """
    width = np.diff(np.log(nodes))
    upper, lower = np.zeros_like(width), np.zeros_like(width)
    for x, weight in zip(*QUADRATURE, strict=True):
        share = (1 + x) / 2
        density = weight / 2 * width * (nodes[:-1] * np.exp(share * width)) ** (1 - power)
        upper, lower = upper + share * density, lower + (1 - share) * density
    cells = lower[:, None] * values[:-1] + upper[:, None] * values[1:]
    return np.concatenate([np.zeros_like(values[:1]), np.cumsum(cells, axis=0)])

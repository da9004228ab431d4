"""The cheapest schedules when every interval has a price: all of them, or step by step.

Prices are a matrix over ascending levels (`Statistics.costs`): costs[i, j] is that of the step
from level j down to level i. A schedule is a list of positions, descending.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

FINE = 4  # levels tried for every level measured
SHARES = (0.5, 0.4, 0.3, 0.2, 0.1)  # of the way, in ln sigma, to either neighbour


def fine_levels(measured: np.ndarray, low: float, high: float, *also: float) -> np.ndarray:
    """Ascending levels to choose from in [low, high]: between two measured ones `FINE`, even in
    ln sigma, and those of `also`."""
    at = np.linspace(0, len(measured) - 1, FINE * (len(measured) - 1) + 1)
    fine = np.exp(np.interp(at, np.arange(len(measured)), np.log(measured)))
    kept = np.sort([low, high, *(sigma for sigma in also if low < sigma < high)])
    gap = np.log(fine[1] / fine[0]) / 8  # closer to a level wanted, there is no need for one more
    free = np.abs(np.log(fine[:, None] / kept)).min(axis=1) > gap
    return np.union1d(fine[free & (fine > low) & (fine < high)], kept)


def cheapest(costs: np.ndarray, num_steps: int) -> list[tuple[float, list[int]]]:
    """The global minimum for 1 ... `num_steps` steps from the last level to the first, by dynamic
    programming: (cost, positions), for k steps in place k - 1."""
    if not 1 <= num_steps < len(costs):
        raise ValueError(f"{num_steps} steps between {len(costs)} levels: there are not enough")
    prices = np.where(np.tri(len(costs), dtype=bool), np.inf, costs)
    below = prices[:, -1]  # cheapest way from the top to each level, in k steps
    steps, found = [], []
    for k in range(1, num_steps + 1):
        if k > 1:
            through = prices + below
            steps.append(through.argmin(axis=1))
            below = through.min(axis=1)
        path = [0]
        for came_from in reversed(steps):
            path.append(int(came_from[path[-1]]))
        found.append((float(below[0]), [len(costs) - 1, *path[::-1]]))
    return found


def cost_of(costs: np.ndarray, path: Sequence[int]) -> float:
    return float(sum(costs[i, j] for j, i in pairwise(path)))


def descend(costs: np.ndarray, levels: np.ndarray, path: Sequence[int]) -> Iterator[list[int]]:
    """Align Your Steps' coordinate search: after every sweep the positions, until nothing moves.

    Odd inner levels first, then even ones: each goes to the cheapest of 11 places, its own and
    `SHARES` of the way to its neighbours.
    """
    lam, path = np.log(levels), list(path)
    while True:
        before = list(path)
        for k in (*range(1, len(path) - 1, 2), *range(2, len(path) - 1, 2)):
            above, here, below = path[k - 1], path[k], path[k + 1]
            wanted = [
                lam[here] + f * (lam[end] - lam[here]) for end in (below, above) for f in SHARES
            ]
            near = np.clip(_nearest(lam, wanted), min(below + 1, here), max(above - 1, here))
            tried = np.array([here, *near])
            path[k] = int(tried[(costs[tried, above] + costs[below, tried]).argmin()])
        if path == before:
            return
        yield list(path)


def _nearest(values: np.ndarray, wanted: Sequence[float]) -> np.ndarray:
    """Positions in the ascending `values` closest to those wanted."""
    return np.searchsorted((values[1:] + values[:-1]) / 2, wanted)

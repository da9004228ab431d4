"""What every interval costs, by a measurement, and the schedules that cost least.

A final 0 takes the place of the lowest level measured: the step into 0 holds D from the last
positive level on, and is priced down to that level, as nothing is known below it. So the last
positive level is as free as the others.

Multistep solvers extrapolate from one step to the next and do better when steps change slowly.
`even` smooths what was measured along the axis first, and adds to the step from b into 0 what it
leaves and no later step corrects, b^(1-p) E(sigma_min, b). First-order solvers prefer the prices as
measured.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ays_core.optimizers.align_your_steps.programme import cheapest, cost_of, descend, fine_levels
from ays_core.schedule import Schedule
from ays_core.statistics import Statistics

EVEN = 0.5  # in ln sigma, over which `even` smooths


@dataclass(frozen=True, eq=False)
class Priced:
    """Every interval between the ends of `start`, priced with weight sigma^-power.

    `levels`: (L,), ascending, the start's own among them. `costs`: (L, L), from column to row.
    """

    start: Schedule
    power: float
    levels: np.ndarray
    costs: np.ndarray

    @staticmethod
    def by(statistics: Statistics, start: Schedule, power: float, even: bool = False) -> Priced:
        """Prices by a measurement. With a final 0 the lowest level is the lowest measured."""
        if even:
            statistics = statistics.smooth(EVEN)
        lowest, highest = statistics.levels[[0, -1]]
        low = lowest if start.final_zero else max(start.sigmas[-1], lowest)
        levels = fine_levels(
            statistics.levels, low, min(start.sigmas[0], highest), *start.positive[1:]
        )
        costs = statistics.costs(levels, power)
        if even and start.final_zero:
            left = statistics.between(levels[:1], levels)[0]
            costs[0] += levels ** (1 - power) * left
        return Priced(start, power, levels, costs)

    def best(self, num_steps: int) -> list[tuple[float, tuple[float, ...]]]:
        """The global minimum, cost and levels, for 1 ... `num_steps` steps."""
        return [(cost, self._sigmas(path)) for cost, path in cheapest(self.costs, num_steps)]

    def sweeps(self) -> Iterator[tuple[float, tuple[float, ...]]]:
        """Cost and levels of `start`, then of every sweep of the coordinate search from it."""
        path = np.searchsorted(self.levels, self.start.sigmas[1:-1]).tolist()
        path = [len(self.levels) - 1, *path, 0]
        yield cost_of(self.costs, path), self.start.sigmas
        for swept in descend(self.costs, self.levels, path):
            yield cost_of(self.costs, swept), self._sigmas(swept)

    def _sigmas(self, path: list[int]) -> tuple[float, ...]:
        inner = self.levels[path[1:-1]].tolist()
        return (self.start.sigmas[0], *inner, self.start.sigmas[-1])

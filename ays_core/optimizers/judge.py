"""Who wins, said plainly: a result beside the honest baselines, on noises never optimised on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ays_core.compare import compare, reference_run
from ays_core.comparison import Cell, Comparison, name_of
from ays_core.denoiser import Bound
from ays_core.job import Job, Progress, relay
from ays_core.optimizers.entry import OPTIMIZERS
from ays_core.optimizers.tuned_range import tuned
from ays_core.sampling import start_noise
from ays_core.schedule import Schedule
from ays_core.schedules import SCHEDULES
from ays_core.solvers import SOLVERS

JUDGING_SEED = 20_000
BASELINES = ("karras", "log_snr")  # each with its own range, and again with its range tuned


@dataclass(frozen=True, eq=False)
class Verdict:
    """`comparison`: result, start and baselines, without trajectories. `best`: the one closest;
    `won`: whether that is the result. `sentence`: the same in words, chance included."""

    comparison: Comparison
    best: Schedule
    won: bool
    sentence: str


def judge(
    denoise: Bound,
    result: Schedule,
    start: Schedule,
    solver: str,
    *,
    num: int = 320,
    seed: int = JUDGING_SEED,
    twins: Sequence[Schedule] | None = None,
) -> Job[Verdict]:
    """`result` against `start`, `karras`, `log_snr` and both with their range tuned, each run by
    `solver` on the `num` held-out noises from `seed` on.

    `twins`: the range-tuned ones, where the caller has them; else they are tuned here, on training
    noises. The snapshot is the verdict so far, None before there are two runs to compare.
    """
    n, zero, spec = result.num_steps, result.final_zero, denoise.spec
    if twins is None:
        twins = []
        for key in BASELINES:
            job = tuned(denoise, key, n, solver, final_zero=zero)
            twins.append((yield from relay(job, lambda p: replace(p, snapshot=None))))
    plain = [SCHEDULES[key].make(n, spec, final_zero=zero) for key in BASELINES]
    rivals = dict.fromkeys([result, start, *plain, *twins])  # the same levels once
    names = {schedule: _name(schedule) for schedule in rivals}

    noise = start_noise(spec, num, seed)
    reference, verdict = None, None
    cells: list[Cell] = []
    if not SOLVERS[solver].stochastic:
        job = reference_run(denoise, noise)
        reference = yield from relay(job, lambda p: replace(p, stage="reference", snapshot=None))
    for schedule in rivals:
        # one at a time: a trajectory of hundreds of samples need not outlive its run
        job = compare(denoise, [schedule], solver, noise, seed=seed, reference=reference)
        one = yield from relay(job, lambda p, so_far=verdict: replace(p, snapshot=so_far))
        cells += _without_trajectory(one.cells)
        verdict = _verdict(replace(one, cells=tuple(cells)), result, names)
    if verdict is None:
        raise ValueError(f"{SOLVERS[solver].label} cannot run these schedules: {cells[0].error}")
    yield Progress("judged", 1, 1, snapshot=verdict)
    return verdict


def _without_trajectory(cells: Sequence[Cell]) -> Iterator[Cell]:
    for cell in cells:
        yield replace(cell, run=cell.run and replace(cell.run, trajectory=()))


def _verdict(
    comparison: Comparison, result: Schedule, names: dict[Schedule, str]
) -> Verdict | None:
    if len(comparison.ranked) < 2:
        return None
    best = comparison.ranked[0].schedule
    return Verdict(comparison, best, best == result, comparison.finding_with(names))


def _name(schedule: Schedule) -> str:
    method = schedule.origin.method
    return OPTIMIZERS[method].label if method in OPTIMIZERS else name_of(schedule)

"""Who wins, said plainly: a result beside the honest baselines, on noises never optimised on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ays_core.compare import compare, reference_run
from ays_core.comparison import Cell, Comparison, listed, name_of
from ays_core.denoiser import Bound
from ays_core.job import Job, Progress, relay
from ays_core.optimizers.entry import OPTIMIZERS
from ays_core.optimizers.tuned_range import tuned
from ays_core.sampling import start_noise
from ays_core.schedule import Origin, Schedule
from ays_core.schedules import SCHEDULES
from ays_core.solvers import SOLVERS

JUDGING_SEED = 20_000
BASELINES = ("karras", "log_snr")  # each with its own range, and again with its range tuned


@dataclass(frozen=True, eq=False)
class Verdict:
    """`comparison`: result, start and baselines, without trajectories. `names`: what each is
    called. `best`: the one closest. `sentence`: the numbers in words, chance included. `found`:
    the start or the baseline that the result is, level by level; "" for levels of its own."""

    comparison: Comparison
    names: Mapping[Schedule, str]
    result: Schedule
    best: Schedule
    sentence: str
    found: str = ""

    @property
    def won(self) -> bool:
        return self.best == self.result and not self.found

    @property
    def chance(self) -> tuple[str, ...]:
        """Those whose distance from the best may be chance."""
        best, *others = self.comparison.ranked
        unclear = (cell.schedule for cell in others if not self.comparison.clear(best, cell))
        return tuple(self.names[schedule] for schedule in unclear)

    @property
    def headline(self) -> str:
        """Plainly: whether the result is the best, and whether that may be chance."""
        best, own = self.names[self.best], self.names[self.result]
        nothing = f"The search found nothing better than {self.found}." if self.found else ""
        if self.best != self.result:
            sure = "though that may be chance" if own in self.chance else "by more than chance"
            return f"{nothing} {best} is better than {own}, {sure}.".lstrip()
        if nothing:
            return nothing
        if self.chance:
            return f"{best} is closest, but its lead over {listed(self.chance)} may be chance."
        return f"{best} is closest, by more than chance."

    def to_json(self) -> dict[str, Any]:
        """The verdict as a record keeps it: plain JSON."""
        ranked, key = self.comparison.ranked, self.comparison.main_metric
        return {
            "won": self.won,
            "headline": self.headline,
            "sentence": self.sentence,
            "metric": key,
            "scores": {self.names[cell.schedule]: cell.metrics[key] for cell in ranked},
            "first_seed": self.comparison.seed,
        }


def judge(
    denoise: Bound,
    result: Schedule,
    start: Schedule,
    solver: str,
    *,
    num: int = 320,
    seed: int = JUDGING_SEED,
    twins: Sequence[Schedule] | None = None,
    tune: Callable[..., Job[Schedule]] = tuned,
) -> Job[Verdict]:
    """`result` against `start`, `karras`, `log_snr` and both with their range tuned, each run by
    `solver` on the `num` held-out noises from `seed` on.

    `twins`: the range-tuned ones, where the caller has them; else they come of `tune`, on training
    noises, after all the others have run. The snapshot is the verdict so far, None before there are
    two runs to compare.
    """
    n, zero, spec = result.num_steps, result.final_zero, denoise.spec
    plain = [SCHEDULES[key].make(n, spec, final_zero=zero) for key in BASELINES]
    rivals = [start, *plain, *(twins or ())]
    noise = start_noise(spec, num, seed)
    reference, verdict = None, None
    cells, floors = list[Cell](), dict[str, float]()
    if not SOLVERS[solver].stochastic:
        job = reference_run(denoise, noise)
        reference = yield from relay(job, lambda p: replace(p, stage="reference", snapshot=None))

    def so_far(p: Progress) -> Progress:
        return replace(p, snapshot=verdict)

    def run_too(schedule: Schedule) -> Job[Verdict | None]:
        # one at a time: a trajectory of hundreds of samples need not outlive its run
        known = {"reference": reference, "floors": floors}
        job = compare(denoise, [schedule], solver, noise, seed=seed, **known)
        one = yield from relay(job, so_far)
        floors.update(one.floors)
        cells.extend(_without_trajectory(one.cells))
        return _verdict(replace(one, cells=tuple(cells)), result, rivals)

    for schedule in dict.fromkeys([result, *rivals]):  # the same levels once
        verdict = yield from run_too(schedule)
    for key in BASELINES if twins is None else ():
        job = tune(denoise, key, n, solver, final_zero=zero)
        twin = yield from relay(job, so_far)
        rivals.append(twin)
        if any(cell.schedule == twin for cell in cells):
            verdict = verdict and _verdict(verdict.comparison, result, rivals)
        else:
            verdict = yield from run_too(twin)
    if verdict is None:
        raise ValueError(f"{SOLVERS[solver].label} cannot run these schedules: {cells[0].error}")
    yield Progress("judged", 1, 1, snapshot=verdict)
    return verdict


def _without_trajectory(cells: Sequence[Cell]) -> Iterator[Cell]:
    for cell in cells:
        yield replace(cell, run=cell.run and replace(cell.run, trajectory=()))


def _verdict(
    comparison: Comparison, result: Schedule, rivals: Sequence[Schedule]
) -> Verdict | None:
    """`rivals`: the start, then the baselines. What a search found that one of them is already is
    that one, and no find."""
    if len(comparison.ranked) < 2:
        return None
    start, *baselines = rivals
    names = {schedule: _name(schedule) for schedule in reversed(baselines)}
    names |= {start: f"the start ({_name(start)})"}
    found = ""
    if result == start:
        found, names[start] = "its start", f"{_name(start)} (the start, which the search kept)"
    elif result in names:
        found = names[result]
        names[result] = f"{found} (which the search came to as well)"
    else:
        names[result] = _name(result)
    known = {schedule: schedule for schedule in reversed(rivals)}
    cells = (replace(c, schedule=known.get(c.schedule, c.schedule)) for c in comparison.cells)
    comparison = replace(comparison, cells=tuple(cells))
    best, sentence = comparison.ranked[0].schedule, comparison.finding_with(names)
    return Verdict(comparison, names, result, best, sentence, found)


def _name(schedule: Schedule) -> str:
    """By its maker; what was edited or resampled also by what it was before."""
    method, parent = schedule.origin.method, schedule.origin.parent
    if method in OPTIMIZERS:
        return OPTIMIZERS[method].label
    name = name_of(schedule)
    if not parent or name != method or "evaluations" in schedule.origin.params:
        return name
    return f"{name_of(Schedule(schedule.sigmas, Origin(parent)))}, {method}"

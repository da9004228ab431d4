"""The one loop: what it yields, returns, refuses and leaves behind."""

from __future__ import annotations

import math

import pytest
import torch

from ays_core.job import run
from ays_core.paths import VE, ModelSpec
from ays_core.sampling import SampleRun, sample, start_noise
from ays_core.schedule import Schedule

SPEC = ModelSpec("toy", "Toy", (3, 4, 4), 0.01, 80, 1.0, VE())
SCHEDULE = Schedule((10.0, 3.0, 1.0, 0.2, 0.0))


def denoise(x: torch.Tensor, sigma: float) -> torch.Tensor:
    return x / (1 + sigma**2)


def test_start_noise_of_a_row_depends_on_its_seed_alone():
    noise = start_noise(SPEC, 5, seed=7)
    assert noise.shape == (5, 3, 4, 4) and noise.dtype == torch.float32
    assert torch.equal(start_noise(SPEC, 2, seed=9), noise[2:4])


def test_sample_yields_every_call_and_returns_the_run():
    noise = start_noise(SPEC, 2, seed=0)
    seen = []
    done = run(sample(denoise, SCHEDULE, "heun", noise), seen.append)
    assert isinstance(done, SampleRun)
    assert [(p.stage, p.done, p.total) for p in seen] == [("sampling", i, 7) for i in range(1, 8)]
    assert done.calls == (10, 3, 3, 1, 1, 0.2, 0.2)
    assert done.nfe == 7 and done.ran == SCHEDULE.sigmas
    assert tuple(sigma for sigma, _ in done.trajectory) == done.calls
    assert all(
        torch.equal(p.snapshot, x0) for p, (_, x0) in zip(seen, done.trajectory, strict=True)
    )
    assert torch.equal(done.samples, done.trajectory[-1][1]), "the step into 0 is the last x0"
    assert done.seconds > 0


def test_sample_is_exact_where_the_answer_is_known():
    """D = c has straight trajectories: any first-order solver ends at c + sigma_n * noise."""
    noise = start_noise(SPEC, 3, seed=1)
    schedule = Schedule((10.0, 3.0, 1.0, 0.25))
    done = run(sample(lambda x, s: torch.full_like(x, 0.5), schedule, "euler", noise))
    start_offset = 0.5 * 0.25 / 10  # the start is sigma_0 * noise, around 0
    assert torch.allclose(done.samples, 0.5 - start_offset + 0.25 * noise, atol=1e-5)


def test_closing_midway_leaves_a_snapshot_and_no_open_context():
    job = sample(denoise, SCHEDULE, "euler", start_noise(SPEC, 2, seed=0))
    first = next(job)
    assert torch.is_grad_enabled(), "no_grad is never held across a yield"
    job.close()
    assert torch.isfinite(first.snapshot).all()
    assert next(job, None) is None
    assert torch.is_grad_enabled()


def test_no_graph_is_kept():
    weight = torch.ones(1, requires_grad=True)
    done = run(sample(lambda x, s: weight * x, SCHEDULE, "euler", start_noise(SPEC, 1, 0)))
    assert not done.samples.requires_grad


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_values_that_are_not_finite_are_refused(bad: float):
    with pytest.raises(ValueError, match="euler gave values that are not finite on these levels"):
        run(sample(lambda x, s: x * bad, SCHEDULE, "euler", start_noise(SPEC, 1, 0)))


def test_a_refused_solver_never_calls_the_model():
    def never(x: torch.Tensor, sigma: float) -> torch.Tensor:
        raise AssertionError("called")

    with pytest.raises(ValueError, match="unknown solver"):
        run(sample(never, SCHEDULE, "none", start_noise(SPEC, 1, 0)))


def test_samples_do_not_depend_on_batch_size():
    noise = start_noise(SPEC, 4, seed=50)
    whole = run(sample(denoise, SCHEDULE, "euler_a", noise, seed=50)).samples
    half = run(sample(denoise, SCHEDULE, "euler_a", noise[2:], seed=52)).samples
    assert torch.allclose(whole[2:], half, atol=1e-6)

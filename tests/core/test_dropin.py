"""What diffusers does in silence to a list of levels, and that the pinned scheduler does not.

Each test shows the trap in the installed diffusers first, so that an upgrade that changes it is
noticed, and then the pinned scheduler in the same place.
"""

from __future__ import annotations

import copy
import inspect
import math

import numpy as np
import pytest
import torch

from ays_core.denoiser import bind
from ays_core.job import run
from ays_core.models.pipelines import adapt
from ays_core.paths import VE, Flow, ModelSpec, scaled_linear_vp
from ays_core.sampling import sample, start_noise
from ays_core.schedule import Schedule
from ays_core.solvers.dropin import can_drop_in, pinned_scheduler
from tests.core import tiny_pipelines as tiny

SD = ModelSpec("sd", "SD", (4, 8, 8), 0.0292, 14.6146, 1.0, scaled_linear_vp(), "eps")
FLOW = ModelSpec("flow", "Flow", (4, 8, 8), 0.003, 1e4, 1.0, Flow(), "flow")
EDM = ModelSpec("edm", "EDM", (3, 8, 8), 0.002, 80.0, 0.5, VE(), "edm")
AYS = Schedule((14.6146, 6.4746, 3.8637, 2.6946, 1.8842, 1.3944, 0.9643, 0.6524, 0.3977, 0.1515, 0))
TIMES = (0.98, 0.9, 0.7, 0.4, 0.1)
FLOW_AYS = Schedule((*(t / (1 - t) for t in TIMES), 0.0))


def made(name: str, **config):
    import diffusers

    return getattr(diffusers, name)(**config)


def pinned(solver: str = "dpmpp_2m", spec: ModelSpec = SD, schedule: Schedule = AYS, **asked):
    scheduler = pinned_scheduler(solver, schedule, spec)
    scheduler.set_timesteps(**({"num_inference_steps": 3} | asked))
    return scheduler


def levels(scheduler) -> list[float]:
    return scheduler.sigmas.tolist()


# The traps


def test_euler_without_a_trailing_zero_silently_loses_a_step():
    scheduler = made("EulerDiscreteScheduler")
    scheduler.set_timesteps(sigmas=list(AYS.positive))
    assert len(scheduler.timesteps) == AYS.num_steps - 1
    assert levels(scheduler)[-1] == pytest.approx(0.1515)
    assert levels(pinned("euler")) == list(AYS.sigmas)


def test_dpmpp_truncates_timesteps_and_a_zero_among_them_is_one_more_step():
    scheduler = made("DPMSolverMultistepScheduler", beta_schedule="scaled_linear")
    scheduler.set_timesteps(timesteps=[999.0, 844.9, 736.2, 0.0])
    assert scheduler.timesteps.tolist() == [999, 844, 736, 0]
    assert len(scheduler.sigmas) == 5
    ours = pinned("dpmpp_2m")
    assert len(ours.timesteps) == AYS.num_steps and levels(ours) == list(AYS.sigmas)
    expected = SD.path.time(np.array(AYS.positive))
    assert ours.timesteps.tolist() == pytest.approx(expected, rel=1e-6)


def test_rounded_timesteps_move_low_levels():
    """Why levels are assigned instead of being passed as integers."""
    low = 0.0345
    rounded = SD.path.sigma(np.round(SD.path.time(np.array([low]))))
    assert abs(rounded[0] / low - 1) > 0.05


def test_flow_euler_shifts_given_sigmas_again():
    scheduler = made("FlowMatchEulerDiscreteScheduler", shift=3.0)
    scheduler.set_timesteps(sigmas=[1.0, 0.75, 0.5, 0.25])
    assert levels(scheduler) == pytest.approx([1, 0.9, 0.75, 0.5, 0])
    assert levels(pinned("euler", FLOW, FLOW_AYS)) == pytest.approx([*TIMES, 0])


def test_flow_euler_takes_a_given_zero_for_a_call():
    scheduler = made("FlowMatchEulerDiscreteScheduler")
    scheduler.set_timesteps(sigmas=[1.0, 0.5, 0.0])
    assert len(scheduler.timesteps) == 3 and levels(scheduler) == [1, 0.5, 0, 0]
    ours = pinned("euler", FLOW, FLOW_AYS)
    assert len(ours.timesteps) == FLOW_AYS.num_steps and float(ours.timesteps.min()) > 0


def test_flow_euler_s_timesteps_disagree_with_its_shifted_sigmas():
    scheduler = made("FlowMatchEulerDiscreteScheduler", shift=3.0)
    scheduler.set_timesteps(timesteps=[1000.0, 500.0])
    assert scheduler.timesteps.tolist() == [1000, 500]
    assert levels(scheduler)[1] == pytest.approx(0.75)
    ours = pinned("euler", FLOW, FLOW_AYS)
    assert (ours.timesteps / 1000).tolist() == pytest.approx(levels(ours)[:-1], rel=1e-6)


def test_a_dynamic_shift_is_not_applied_to_pinned_levels():
    config = {"use_dynamic_shifting": True, "shift": 3.0}
    scheduler = made("FlowMatchEulerDiscreteScheduler", **config)
    scheduler.set_timesteps(sigmas=[1.0, 0.75, 0.5, 0.25], mu=1.15)
    assert levels(scheduler)[1] == pytest.approx(0.9045, abs=1e-4)
    assert levels(pinned("euler", FLOW, FLOW_AYS, mu=1.15)) == pytest.approx([*TIMES, 0])


def test_unipc_wants_an_array_and_moves_the_first_level():
    scheduler = made("UniPCMultistepScheduler", use_flow_sigmas=True)
    with pytest.raises(TypeError):
        scheduler.set_timesteps(sigmas=[1.0, 0.5])
    scheduler.set_timesteps(sigmas=np.array([1.0, 0.5]))
    assert 0 < 1 - levels(scheduler)[0] < 1e-5
    with pytest.raises(ValueError, match="use_flow_sigmas"):
        made("UniPCMultistepScheduler").set_timesteps(sigmas=np.array([14.6, 0.5]))
    assert levels(pinned("unipc", FLOW, FLOW_AYS, sigmas=[1.0])) == pytest.approx([*TIMES, 0])
    assert levels(pinned("unipc", SD, AYS, sigmas=[1.0])) == list(AYS.sigmas)


def test_edm_euler_takes_given_sigmas_for_a_ramp():
    scheduler = made("EDMEulerScheduler")
    scheduler.set_timesteps(sigmas=torch.tensor([80.0, 10.0, 1.0]))
    assert not np.allclose(levels(scheduler)[:3], [80, 10, 1], rtol=0.1)
    with pytest.raises(ValueError, match=r"no scheduler of diffusers runs Euler .* these do: none"):
        pinned_scheduler("euler", Schedule((80.0, 1.0)), EDM)


def test_equal_timesteps_begin_at_the_second_one():
    """Two levels above the table's end have one timestep: a look-up would skip the first."""
    scheduler = made("DPMSolverMultistepScheduler")
    scheduler.set_timesteps(timesteps=[999, 999, 500])
    scheduler._init_step_index(scheduler.timesteps[0])
    assert scheduler.step_index == 1
    ours = pinned("dpmpp_2m", SD, Schedule((14.62, 14.615, 1.0, 0.0)))
    assert ours.timesteps[0] == ours.timesteps[1]
    ours._init_step_index(ours.timesteps[0])
    assert ours.step_index == 0


def test_last_step_keeps_its_order_down_to_a_positive_level():
    """As shipped, the last step down to sigma_min is first order below 15 steps."""
    assert made("DPMSolverMultistepScheduler").config.lower_order_final
    assert not pinned("dpmpp_2m", SD, Schedule(AYS.positive)).config.lower_order_final


def test_flux_drops_given_sigmas_for_a_flow_solver():
    pipe = tiny.make("flux_schnell")
    config = {"use_flow_sigmas": True, "prediction_type": "flow_prediction"}
    pipe.scheduler = made("UniPCMultistepScheduler", **config)
    pipe.set_progress_bar_config(disable=True)
    asked = {"prompt": "a cat", "height": 16, "width": 16, "output_type": "latent"}
    pipe(**asked, sigmas=list(TIMES), num_inference_steps=3)
    assert len(pipe.scheduler.timesteps) == 3
    pipe.scheduler = pinned_scheduler("unipc", FLOW_AYS, FLOW)
    pipe(**asked, sigmas=[1.0, 0.5], num_inference_steps=3)
    assert levels(pipe.scheduler) == pytest.approx([*TIMES, 0])


# The shift is applied exactly once


def test_a_stock_pipeline_given_unshifted_levels_agrees_with_ours():
    """The levels before the shift go into SD3's own scheduler, which shifts them, once."""
    shift = 3.0
    pipe = tiny.make("stable_diffusion_3")
    model = adapt(pipe)
    assert pipe.scheduler.config.shift == shift and model.facts["shift"] == "3"
    start = start_noise(model.spec, 1, seed=3)
    unshifted = [t / (shift - (shift - 1) * t) for t in TIMES]
    x = pipe(
        "a cat",
        sigmas=unshifted,
        guidance_scale=4.0,
        latents=start * TIMES[0],
        height=16,
        width=16,
        output_type="latent",
    )[0]
    done = run(sample(bind(model, "a cat", 4.0), FLOW_AYS, "euler", start))
    assert float((done.samples - x).norm() / x.norm()) <= 1e-4


# The scheduler as a pipeline meets it


@pytest.mark.parametrize("spec", [SD, FLOW], ids=["vp", "flow"])
def test_pipelines_find_the_names_they_look_for(spec: ModelSpec):
    schedule = AYS if spec is SD else FLOW_AYS
    for key in can_drop_in(spec):
        scheduler = pinned_scheduler(key, schedule, spec)
        known = set(inspect.signature(scheduler.set_timesteps).parameters)
        assert {"num_inference_steps", "device", "timesteps", "sigmas", "mu"} <= known
        own = inspect.signature(type(scheduler).__mro__[1].step).parameters
        assert list(inspect.signature(scheduler.step).parameters) == list(own)[1:]


@pytest.mark.parametrize("key", can_drop_in(SD))
def test_a_pinned_scheduler_runs_again_from_the_beginning(key: str):
    scheduler, x = pinned_scheduler(key, AYS, SD), torch.randn(2, 4, 8, 8)

    def once() -> torch.Tensor:
        scheduler.set_timesteps(7)
        state, draws = x.clone(), torch.Generator().manual_seed(0)
        takes_draws = "generator" in inspect.signature(scheduler.step).parameters
        for timestep in scheduler.timesteps:
            kwargs = {"generator": draws} if takes_draws else {}
            state = scheduler.step(torch.tanh(state), timestep, state, **kwargs).prev_sample
        return state

    first = once()
    assert torch.equal(once(), first) and torch.isfinite(first).all()
    assert math.isclose(float(copy.deepcopy(scheduler).sigmas[0]), AYS.sigmas[0])


def test_levels_above_the_model_s_are_refused():
    with pytest.raises(ValueError, match="level 0 is 80, above SD's sigma_max"):
        pinned_scheduler("euler", Schedule((80.0, 1.0)), SD)

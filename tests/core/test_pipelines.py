"""Real models through their own pipelines: what the adapters read, and that they are exact."""

from __future__ import annotations

import json
import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from ays_core.compare import reference_levels
from ays_core.denoiser import bind
from ays_core.interop import write
from ays_core.job import run
from ays_core.models import load_model
from ays_core.models.pipelines import FAMILIES, PipelineModel, adapt, load_pipeline
from ays_core.models.pipelines.noise import read_noise
from ays_core.paths import ModelSpec
from ays_core.sampling import sample, start_noise
from ays_core.schedule import Schedule
from ays_core.schedules import SCHEDULES
from ays_core.solvers import row_generator
from ays_core.solvers.dropin import can_drop_in, pinned_scheduler
from tests.core import tiny_pipelines as tiny

GUIDANCE = 4.0
TABLES_IN_PRINT = ("ays_sd15", "ays_sdxl", "ays_svd", "ays_if", "oss_flux", "oss_wan")
VP_LEVELS = Schedule((*np.geomspace(14, 0.05, 6), 0.0))
FLOW_LEVELS = Schedule((*np.geomspace(49, 0.05, 6), 0.0))
EDM_LEVELS = Schedule((*np.geomspace(80, 0.05, 6), 0.0))


@pytest.fixture(scope="module")
def models() -> Any:
    made: dict[str, PipelineModel] = {}

    def get(name: str) -> PipelineModel:
        if name not in made:
            made[name] = adapt(tiny.make(name), size=tiny.SIZES.get(name))
        return made[name]

    return get


def levels_for(model: PipelineModel) -> Schedule:
    return FLOW_LEVELS if model.spec.path.name == "flow" else VP_LEVELS


def conditions(model: PipelineModel) -> list[str]:
    return ["a cat", "red dog"] if model.spec.takes_prompt else ["1", "tench"]


SCALES_NOISE = {"StableDiffusionPipeline", "StableDiffusionXLPipeline", "PixArtSigmaPipeline"}


def called(
    model: PipelineModel,
    schedule: Schedule,
    solver: str,
    start,
    monkeypatch,
    pin=pinned_scheduler,
    **kwargs,
):
    """The unmodified pipeline with the pinned scheduler: its last x, in VE coordinates.

    It is asked for 3 steps, which is not what is pinned: the scheduler knows better.
    """
    pipe, spec, name = model.pipe, model.spec, type(model.pipe).__name__
    pipe.scheduler = pin(solver, schedule, spec)
    sigma, last = schedule.sigmas[0], schedule.sigmas[-1]
    # A pipeline that scales its noise does it by the scheduler's init_noise_sigma.
    latents = start if name in SCALES_NOISE else start * (sigma * spec.path.scale(sigma))
    kwargs |= {"num_inference_steps": 3, "guidance_scale": GUIDANCE}
    if name == "DiTPipeline":
        return called_dit(model, latents, monkeypatch, kwargs) / spec.path.scale(last)
    if name == "FluxPipeline":
        latents = pipe._pack_latents(latents, *latents.shape)
        if not pipe.transformer.config.guidance_embeds:
            kwargs |= {"negative_prompt": [""] * 2, "true_cfg_scale": GUIDANCE}
    if name == "PixArtSigmaPipeline":
        kwargs |= {"use_resolution_binning": False}
    kwargs |= {"height": 16, "width": 16, "latents": latents, "output_type": "latent"}
    x = pipe(conditions(model), **kwargs)[0]
    if name == "FluxPipeline":
        x = pipe._unpack_latents(x, 16, 16, pipe.vae_scale_factor)
    in_ve = type(pipe.scheduler).__name__ == "PinnedHeunDiscreteScheduler"
    return x if in_ve else x / spec.path.scale(last)


def called_dit(model: PipelineModel, latents, monkeypatch, kwargs) -> torch.Tensor:
    """DiT takes no start noise and returns pictures only: caught on its way in and out."""
    pipe, seen = model.pipe, []
    draw = "diffusers.pipelines.dit.pipeline_dit.randn_tensor"
    monkeypatch.setattr(draw, lambda *args, **kwargs: latents)
    picture = SimpleNamespace(sample=torch.zeros(len(latents), 3, 1, 1))
    monkeypatch.setattr(pipe.vae, "decode", lambda z: seen.append(z) or picture)
    pipe(model.encode(conditions(model))["class_labels"].tolist(), output_type="np", **kwargs)
    monkeypatch.undo()
    return seen[0] * pipe.vae.config.scaling_factor


def ours(model: PipelineModel, schedule: Schedule, solver: str, start: torch.Tensor, seed: int = 0):
    return run(sample(bind(model, conditions(model), GUIDANCE), schedule, solver, start, seed=seed))


def relative(x: torch.Tensor, expected: torch.Tensor) -> float:
    return float((x - expected).norm() / expected.norm())


# Our sampling is the pipeline's own


@pytest.mark.parametrize("solver", ["euler", "dpmpp_2m", "unipc"])
@pytest.mark.parametrize("name", tiny.TEXT_AND_CLASS)
def test_equals_the_pipeline_s_own_call(name: str, solver: str, models, monkeypatch):
    model = models(name)
    schedule, start = levels_for(model), start_noise(model.spec, 2, seed=7)
    expected = called(model, schedule, solver, start, monkeypatch)
    assert relative(ours(model, schedule, solver, start).samples, expected) <= 1e-4


@pytest.mark.parametrize(
    ("name", "solver"),
    [("stable_diffusion", "heun"), ("stable_diffusion_3", "heun_flow"), ("flux", "dpmpp_2s")],
)
@pytest.mark.parametrize("final_zero", [True, False])
def test_equals_the_pipeline_s_own_call_with_two_calls_a_step(
    name, solver, final_zero, models, monkeypatch
):
    model = models(name)
    schedule = levels_for(model)
    schedule = schedule if final_zero else Schedule(schedule.positive)
    start = start_noise(model.spec, 2, seed=7)
    expected = called(model, schedule, solver, start, monkeypatch)
    assert relative(ours(model, schedule, solver, start).samples, expected) <= 1e-4


@pytest.mark.parametrize(
    "name",
    ["stable_diffusion", "stable_diffusion_xl", "stable_diffusion_3", "pixart_sigma", "wan"],
)
def test_a_negative_prompt_is_the_pipeline_s_own(name: str, models, monkeypatch):
    model = models(name)
    schedule, start = levels_for(model), start_noise(model.spec, 2, seed=7)
    kwargs = {"negative_prompt": ["green", "green"]}
    expected = called(model, schedule, "euler", start, monkeypatch, **kwargs)
    bound = bind(model, conditions(model), GUIDANCE, "green")
    assert relative(run(sample(bound, schedule, "euler", start)).samples, expected) <= 1e-4
    assert relative(ours(model, schedule, "euler", start).samples, expected) > 1e-4


def test_a_negative_prompt_that_changes_nothing_is_refused(models):
    with pytest.raises(ValueError, match="changes nothing without guidance: leave out 'green'"):
        bind(models("stable_diffusion"), "a cat", 1.0, "green")
    for name in ("flux", "dit"):
        model = models(name)
        with pytest.raises(ValueError, match="changes nothing with "):
            bind(model, conditions(model)[:1], 3.0, "green")


@pytest.mark.parametrize("solver", ["euler_a", "dpmpp_2m_sde"])
def test_equals_the_pipeline_s_own_call_with_the_same_step_noise(solver, models, monkeypatch):
    model = models("stable_diffusion_xl")
    schedule, start = levels_for(model), start_noise(model.spec, 2, seed=7)
    rows = [row_generator(7), row_generator(8)]
    expected = called(model, schedule, solver, start, monkeypatch, generator=rows)
    assert relative(ours(model, schedule, solver, start, seed=7).samples, expected) <= 1e-4


@pytest.mark.parametrize("name", ["stable_diffusion_3", "flux"])
def test_a_flow_model_starts_from_unit_noise(name: str, models, monkeypatch):
    """A level of 1e4 or more is t = 1, where sigma is infinite."""
    model = models(name)
    schedule = Schedule((model.spec.sigma_max, *FLOW_LEVELS.sigmas))
    start = start_noise(model.spec, 2, seed=7)
    for solver in ("euler", "dpmpp_2m", "unipc", "dpmpp_2s", "heun_flow"):
        expected = called(model, schedule, solver, start, monkeypatch)
        assert relative(ours(model, schedule, solver, start).samples, expected) <= 1e-4, solver


def executed(solver: str, schedule: Schedule, spec: ModelSpec) -> Any:
    """The scheduler that the exported text makes, from nothing but itself."""
    text, names = write("diffusers", schedule, spec, solver), {}
    assert "ays_core" not in text
    exec(text, names)
    return names["scheduler"]


@pytest.mark.parametrize("name", tiny.TEXT_AND_CLASS)
def test_the_export_runs_our_levels_in_the_unmodified_pipeline(name: str, models, monkeypatch):
    model = models(name)
    start = start_noise(model.spec, 2, seed=7)
    flow = model.spec.path.name == "flow"
    top = [model.spec.sigma_max] if flow else []
    schedule = Schedule((*top, *levels_for(model).sigmas))
    for solver in ("euler", "dpmpp_2m", "unipc", "dpmpp_2s", *["heun_flow"] * flow):
        expected = called(model, schedule, solver, start, monkeypatch, pin=executed)
        assert type(model.pipe.scheduler).__module__ != "ays_core.solvers.dropin"
        assert relative(ours(model, schedule, solver, start).samples, expected) <= 1e-4, solver


def test_the_export_starts_where_the_levels_do_whatever_the_checkpoint_s_scheduler_did(models):
    """That of SDXL is "leading", which scales its noise by sqrt(sigma^2 + 1)."""
    model = models("stable_diffusion_xl")
    scheduler = executed("euler", VP_LEVELS, model.spec)
    sigma = VP_LEVELS.sigmas[0]
    assert scheduler.init_noise_sigma == pytest.approx(sigma / (1 + sigma**2) ** 0.5, rel=1e-9)


# Stock schedulers, which know nothing of ours


@pytest.mark.parametrize(
    ("name", "scheduler", "config"),
    [
        ("flux", "FlowMatchEulerDiscreteScheduler", {"use_dynamic_shifting": True, "shift": 3.0}),
        ("flux_schnell", "FlowMatchEulerDiscreteScheduler", {"shift": 1.0}),
        ("stable_diffusion_3", "FlowMatchEulerDiscreteScheduler", {"shift": 3.0}),
        ("wan", "FlowMatchEulerDiscreteScheduler", {"shift": 3.0}),
    ],
)
def test_a_stock_pipeline_from_t_1_is_our_sampling_on_its_levels(name, scheduler, config):
    import diffusers

    pipe = tiny.make(name)
    pipe.scheduler = getattr(diffusers, scheduler)(**config)
    model = adapt(pipe, size=16)
    start = start_noise(model.spec, 2, seed=7)
    latents = pipe._pack_latents(start, *start.shape) if name.startswith("flux") else start
    guidance = 1.0 if name == "flux_schnell" else GUIDANCE
    x = pipe(
        conditions(model),
        latents=latents.clone(),
        num_inference_steps=6,
        guidance_scale=guidance,
        output_type="latent",
        height=16,
        width=16,
    )[0]
    x = pipe._unpack_latents(x, 16, 16, pipe.vae_scale_factor) if name.startswith("flux") else x
    times = [float(t) for t in pipe.scheduler.sigmas]
    assert times[0] == pytest.approx(1, abs=1e-5) and times[-1] == 0
    levels = model.spec.path.sigma(np.array(times)).tolist()
    bound = bind(model, conditions(model), guidance)
    done = run(sample(bound, Schedule((model.spec.sigma_max, *levels[1:])), "euler", start))
    assert relative(done.samples, x) <= 1e-4


@pytest.mark.parametrize("solver", ["euler", "dpmpp_2m", "unipc"])
@pytest.mark.parametrize("name", ["ddpm", "ddpm_v", "ddpm_sample"])
def test_unconditional_pixels_equal_a_plain_loop(name: str, solver: str, models):
    """DDPMPipeline takes no levels, so the loop is here: network, scheduler step, in VP."""
    model = models(name)
    start = start_noise(model.spec, 2, seed=7)
    scheduler = pinned_scheduler(solver, VP_LEVELS, model.spec)
    scheduler.set_timesteps(1)
    x = start * scheduler.init_noise_sigma
    with torch.no_grad():
        for timestep in scheduler.timesteps:
            x = scheduler.step(model.pipe.unet(x, timestep).sample, timestep, x).prev_sample
    done = run(sample(bind(model), VP_LEVELS, solver, start))
    assert relative(done.samples, x) <= 1e-4


@pytest.mark.parametrize("name", ["edm", "edm_v"])
def test_edm_equals_diffusers_own_preconditioning(name: str, models):
    model = models(name)
    scheduler, start = tiny.make(name).scheduler, start_noise(model.spec, 2, seed=7)
    sigmas = torch.tensor(EDM_LEVELS.sigmas, dtype=torch.float64)
    scheduler.sigmas, scheduler.timesteps = (
        sigmas,
        scheduler.precondition_noise(sigmas[:-1]).float(),
    )
    scheduler.num_inference_steps, scheduler._begin_index = EDM_LEVELS.num_steps, 0
    x = start * sigmas[0].float()
    with torch.no_grad():
        for timestep in scheduler.timesteps:
            fed = scheduler.scale_model_input(x, timestep).float()
            x = scheduler.step(model.pipe.unet(fed, timestep).sample, timestep, x).prev_sample
    done = run(sample(bind(model), EDM_LEVELS, "euler", start))
    assert relative(done.samples, x) <= 1e-4


@pytest.mark.parametrize("name", ["edm", "edm_v"])
@pytest.mark.parametrize(("solver", "order"), [("euler", 1), ("dpmpp_2m", 2), ("dpmpp_3m", 3)])
def test_edm_equals_diffusers_own_solver(name: str, solver: str, order: int, models):
    """Its EDM class of DPM++ has its own preconditioning and its own multistep formula."""
    from diffusers import EDMDPMSolverMultistepScheduler

    model, prediction = models(name), tiny.make(name).scheduler.config.prediction_type
    scheduler = EDMDPMSolverMultistepScheduler(
        prediction_type=prediction,
        solver_order=order,
        lower_order_final=False,
        euler_at_final=False,
        final_sigmas_type="sigma_min",
    )
    levels, start = Schedule(EDM_LEVELS.positive), start_noise(model.spec, 2, seed=7)
    sigmas = torch.tensor(levels.sigmas, dtype=torch.float64)
    scheduler.sigmas = sigmas
    scheduler.timesteps = scheduler.precondition_noise(sigmas[:-1]).float()
    scheduler.num_inference_steps, scheduler._begin_index = levels.num_steps, 0
    x = start * sigmas[0].float()
    with torch.no_grad():
        for timestep in scheduler.timesteps:
            fed = scheduler.scale_model_input(x, timestep).float()
            x = scheduler.step(model.pipe.unet(fed, timestep).sample, timestep, x).prev_sample
    assert relative(run(sample(bind(model), levels, solver, start)).samples, x) <= 1e-4


@pytest.mark.parametrize("name", tiny.TEXT_AND_CLASS)
def test_the_network_of_an_unmodified_pipeline_sees_exactly_our_levels(name, models, monkeypatch):
    model = models(name)
    schedule, seen = levels_for(model), []

    def record(module: Any, args: tuple, kwargs: dict) -> None:
        time = kwargs.get("timestep", args[1] if len(args) > 1 else None)
        seen.append(float(time.flatten()[0]))

    hook = model.module.register_forward_pre_hook(record, with_kwargs=True)
    called(model, schedule, "dpmpp_2m", start_noise(model.spec, 2, 7), monkeypatch)
    hook.remove()
    times = model.spec.path.time(np.array(schedule.positive))
    scale = 1000 if name in ("stable_diffusion_3", "wan") else 1
    assert sorted(set(seen), reverse=True) == pytest.approx(list(times * scale), rel=1e-6)


# The denoiser


@pytest.mark.parametrize("name", tiny.TEXT_AND_CLASS)
def test_conditions_reach_their_rows_and_guidance_is_linear(name: str, models):
    model = models(name)
    cond = model.encode(conditions(model))
    x = start_noise(model.spec, 4, seed=1) * 5
    with torch.no_grad():
        rows = model.denoise(x, 5.0, cond)
        first = model.denoise(x[:1], 5.0, model.encode(conditions(model)[:1]))
        second = model.denoise(x[3:], 5.0, model.encode(conditions(model)[1:]))
        plain, guided = model.denoise(x, 5.0, None), model.guided(x, 5.0, cond, 3.0)
    assert rows.dtype == torch.float32 and rows.shape == x.shape
    assert torch.allclose(rows[:1], first, atol=1e-4) and torch.allclose(
        rows[3:], second, atol=1e-4
    )
    assert not torch.allclose(rows, plain, atol=1e-4), "a condition changes something"
    if name != "flux":  # guidance is an input of the distilled network
        assert torch.allclose(guided, plain + 3 * (rows - plain), atol=1e-4)
    else:
        assert not torch.allclose(guided, rows, atol=1e-4)


@pytest.mark.parametrize("name", [*tiny.TEXT_AND_CLASS, *tiny.PIXELS])
def test_several_levels_in_one_batch_are_what_each_is_alone(name: str, models):
    """Three rows with two conditions: each keeps its own at every level."""
    model, negative = models(name), ""
    bound = bind(model)
    if model.takes_prompt or model.spec.classes:
        negative = "green" if model.takes_negative else ""
        bound = bind(model, conditions(model), GUIDANCE, negative)
    sigmas = (EDM_LEVELS if name in ("edm", "edm_v") else levels_for(model)).positive[:5:2]
    x = torch.stack([start_noise(model.spec, 3, seed=k) * s for k, s in enumerate(sigmas)])
    with torch.no_grad():
        alone = torch.stack([bound(*each) for each in zip(x, sigmas, strict=True)])
        together = bound.at_levels(x, sigmas)
    for one, other in zip(together, alone, strict=True):
        assert relative(one, other) <= 1e-4


@pytest.mark.parametrize("name", [*tiny.TEXT_AND_CLASS, *tiny.PIXELS])
def test_decode_and_data(name: str, models):
    model = models(name)
    pictures = model.decode(start_noise(model.spec, 2, seed=1))
    assert pictures.dtype == np.uint8 and pictures.shape[0] == 2 and pictures.shape[3] == 3
    if name in ("stable_diffusion", "ddpm"):
        samples = model.data(2, seed=3)
        assert torch.isfinite(samples).all() and samples.shape == (2, *model.spec.sample_shape)
        assert torch.allclose(model.data(1, seed=4), samples[1:], atol=1e-3)


def test_classes_and_refusals(models):
    dit = models("dit")
    assert (
        dit.spec.classes[:3] == ("tench", "Carassius auratus", "2")
        and len(dit.spec.classes) == 1000
    )
    same = dit.encode(["goldfish", "Carassius auratus", "1"])["class_labels"].tolist()
    assert same == [1, 1, 1]
    with pytest.raises(ValueError, match=r"has no class 'zebra'; give one of its 1000 classes"):
        dit.encode(["zebra"])
    with pytest.raises(ValueError, match="takes neither prompts nor classes, got 'a cat'"):
        bind(models("ddpm"), "a cat")


def test_published_tables_belong_where_they_were_made(models):
    """The rest is warned about: another model, another noise path."""
    own = {"stable_diffusion_xl": ["ays_sdxl"], "flux": ["oss_flux"], "wan": ["oss_wan"]}
    tables = {key: entry for key, entry in SCHEDULES.items() if key in TABLES_IN_PRINT}
    for name in (*own, "flux_schnell", "dit"):
        spec = models(name).spec
        warned = {key: e.made_for.warnings(spec, "", e.made_for.steps) for key, e in tables.items()}
        assert [key for key in warned if not warned[key]] == own.get(name, [])
    assert any("noise path" in said for said in warned["oss_flux"])


def test_a_published_table_is_not_for_another_range():
    """SDXL trained to a zero terminal signal-to-noise ratio begins at 4096, the table at 14.6."""
    from diffusers import EulerDiscreteScheduler

    pipe = tiny.make("stable_diffusion_xl")
    pipe.scheduler = EulerDiscreteScheduler(**SD, **ZERO_SNR)
    spec, made_for = adapt(pipe).spec, SCHEDULES["ays_sdxl"].made_for
    [said] = made_for.warnings(spec, "", made_for.steps)
    assert said == "made for levels from 14.62, StableDiffusionXLPipeline's begin at 4096"


def test_on_a_range_up_to_pure_noise_few_levels_are_spent_there():
    from diffusers import EulerDiscreteScheduler

    pipe = tiny.make("stable_diffusion_xl")
    pipe.scheduler = EulerDiscreteScheduler(**SD, **ZERO_SNR)
    fine = reference_levels(adapt(pipe).spec)
    above = sum(sigma > 15 for sigma in fine.sigmas)
    assert fine.sigmas[0] == pytest.approx(4096, rel=1e-3) and above < 0.2 * len(fine.sigmas)
    assert reference_levels(adapt(tiny.make("stable_diffusion_xl")).spec).origin.method == "karras"


def test_another_size_of_picture_is_asked_for_in_pixels():
    for name in ("stable_diffusion", "dit", "flux", "ddpm"):
        model = adapt(tiny.make(name), size=32)
        pixels = model.decode(start_noise(model.spec, 1, seed=1)).shape[1:3]
        assert pixels == model.side == (32, 32)


def test_a_network_distilled_to_few_steps_is_refused(models):
    pipe = tiny.make("stable_diffusion")
    pipe.unet.register_to_config(time_cond_proj_dim=8)
    with pytest.raises(ValueError, match=r"distilled to few steps of its own \(LCM\)"):
        adapt(pipe)


# What is read from configs: those of one real checkpoint of each family

SD = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}
LINEAR = {"beta_start": 0.0001, "beta_end": 0.02, "beta_schedule": "linear"}
DYNAMIC = {"base_shift": 0.5, "max_shift": 1.15, "use_dynamic_shifting": True, "shift": 3.0}
SCHNELL = {"base_shift": 0.5, "max_shift": 1.15, "use_dynamic_shifting": False, "shift": 1.0}
ZERO_SNR = {"prediction_type": "v_prediction", "rescale_betas_zero_snr": True}
CONTINUOUS = {
    "prediction_type": "v_prediction",
    "timestep_type": "continuous",
    "sigma_min": 0.002,
    "sigma_max": 700.0,
}
WAN = {"prediction_type": "flow_prediction", "use_flow_sigmas": True, "flow_shift": 3.0}
SD_ENDS, DDPM_ENDS = (0.0291672, 14.614641), (0.0100013, 157.4073)
FLOW_EULER = "FlowMatchEulerDiscreteScheduler"
REAL = {  # scheduler, its config, path, prediction, sigma_min and sigma_max
    "SD 1.5": ("PNDMScheduler", SD, "vp", "eps", SD_ENDS),
    "SD 2.1": ("DDIMScheduler", SD | {"prediction_type": "v_prediction"}, "vp", "v", SD_ENDS),
    "SDXL": ("EulerDiscreteScheduler", SD, "vp", "eps", SD_ENDS),
    "DiT-XL-2": ("DDIMScheduler", LINEAR, "vp", "eps", DDPM_ENDS),
    "PixArt-Sigma": ("DPMSolverMultistepScheduler", LINEAR, "vp", "eps", DDPM_ENDS),
    "SD 3": (FLOW_EULER, {"shift": 3.0}, "flow", "flow", (3 / 999, 1e4)),
    "SD 3.5": (
        FLOW_EULER,
        {"shift": 3.0, "num_train_timesteps": 1000},
        "flow",
        "flow",
        (3 / 999, 1e4),
    ),
    "Flux schnell": (FLOW_EULER, SCHNELL, "flow", "flow", (1 / 999, 1e4)),
    "NoobAI v": ("EulerDiscreteScheduler", SD | ZERO_SNR, "vp", "v", (0.0291672, 4096)),
    "SVD": ("EulerDiscreteScheduler", SD | CONTINUOUS, "ve", "edm", (0.002, 700.0)),
    "Flux dev": (FLOW_EULER, DYNAMIC, "flow", "flow", (math.exp(1.15) / 999, 1e4)),
    "Wan 2.1": ("UniPCMultistepScheduler", WAN, "flow", "flow", (3 / 999, 1e4)),
    "Playground 2.5": ("EDMEulerScheduler", {"sigma_data": 0.5}, "ve", "edm", (0.002, 80.0)),
}
TOKENS = 4096  # of a picture of 1024 pixels, for a shift that depends on it


@pytest.mark.parametrize("checkpoint", REAL)
def test_noise_axis_of_real_checkpoints(checkpoint: str):
    import diffusers

    kind, config, path, prediction, ends = REAL[checkpoint]
    noise = read_noise(getattr(diffusers, kind)(**config), TOKENS)
    assert (noise.path.name, noise.prediction) == (path, prediction)
    assert (noise.sigma_min, noise.sigma_max) == pytest.approx(ends, rel=1e-4)
    assert noise.facts["scheduler"] == kind


@pytest.mark.parametrize(
    ("name", "guidance"),
    {
        "stable_diffusion": 7.5,
        "stable_diffusion_v": 7.5,
        "stable_diffusion_xl": 5.0,
        "stable_diffusion_3": 7.0,
        "flux": 3.5,
        "flux_schnell": 1.0,  # its pipeline's 3.5 is an input that the network does not have
        "dit": 4.0,
        "pixart_sigma": 4.5,
        "wan": 5.0,
        "ddpm": 1.0,
        "edm": 1.0,
    }.items(),
)
def test_guidance_is_at_first_the_pipeline_s_own(name, guidance, models):
    assert models(name).usual_guidance == guidance


@pytest.mark.parametrize("kind", ["exponential", "linear"])
def test_a_dynamic_shift_is_the_scheduler_s_own(kind: str):
    """Levels of the pipeline's own call, with a length between those that its config names."""
    from diffusers import FlowMatchEulerDiscreteScheduler
    from diffusers.pipelines.flux.pipeline_flux import calculate_shift

    scheduler = FlowMatchEulerDiscreteScheduler(**DYNAMIC, time_shift_type=kind)
    noise = read_noise(scheduler, 1500)
    scheduler.set_timesteps(sigmas=[1 / 1000], mu=calculate_shift(1500))
    t = float(scheduler.sigmas[0])
    assert t / (1 - t) == pytest.approx(noise.sigma_min, rel=1e-5)


def test_what_a_config_leaves_out_is_what_the_pipeline_takes():
    from diffusers import UniPCMultistepScheduler

    scheduler = UniPCMultistepScheduler(**WAN, use_dynamic_shifting=True)
    assert "max_shift" not in scheduler.config
    assert read_noise(scheduler, TOKENS).sigma_min == pytest.approx(math.exp(1.15) / 999)
    scheduler.register_to_config(max_shift="large")
    with pytest.raises(ValueError, match="has max_shift = 'large'; it must be a number"):
        read_noise(scheduler, TOKENS)


def test_a_table_that_ends_in_pure_noise_has_a_last_level():
    from diffusers import DDIMScheduler

    config = SD | {"rescale_betas_zero_snr": True, "prediction_type": "v_prediction"}
    noise = read_noise(DDIMScheduler(**config))
    assert noise.sigma_max == pytest.approx(4096, rel=1e-3)


def test_a_shift_multiplies_sigma():
    """Why `sigma_min` of a shifted flow model is the shift times that of an unshifted one."""
    from diffusers import FlowMatchEulerDiscreteScheduler

    plain, shifted = (FlowMatchEulerDiscreteScheduler(shift=shift).sigmas for shift in (1, 3))
    assert torch.allclose(shifted / (1 - shifted), 3 * plain / (1 - plain), rtol=1e-3)
    assert float(shifted[-1] / (1 - shifted[-1])) == pytest.approx(3 / 999, rel=1e-4)


def test_an_unknown_convention_is_refused():
    from diffusers import CMStochasticIterativeScheduler

    with pytest.raises(ValueError, match="CMStochasticIterativeScheduler with prediction type"):
        read_noise(CMStochasticIterativeScheduler())


# Loading


@pytest.mark.parametrize("name", [*tiny.TEXT_AND_CLASS, "ddpm", "edm"])
def test_a_saved_pipeline_is_loaded_as_it_was(name: str, models, tmp_path):
    model = models(name)
    tiny.make(name).save_pretrained(tmp_path / "checkpoint")
    loaded = load_pipeline(str(tmp_path / "checkpoint"), size=tiny.SIZES.get(name), device="cpu")
    assert loaded.facts == model.facts and loaded.spec.label == "checkpoint"
    assert loaded.spec.sample_shape == model.spec.sample_shape
    x = start_noise(model.spec, 1, seed=2) * 3
    with torch.no_grad():
        assert torch.allclose(loaded.denoise(x, 3.0, None), model.denoise(x, 3.0, None), atol=1e-5)


def test_a_model_is_also_named_by_its_folder(tmp_path):
    tiny.make("ddpm").save_pretrained(tmp_path / "pixels")
    assert load_model(str(tmp_path / "pixels")).spec.label == "pixels"


def test_an_unsupported_pipeline_is_told_what_is_supported(tmp_path):
    index = {"_class_name": "StableCascadeDecoderPipeline", "_diffusers_version": "0.42.1"}
    (tmp_path / "model_index.json").write_text(json.dumps(index))
    with pytest.raises(
        ValueError, match="StableCascadeDecoderPipeline is not supported"
    ) as refusal:
        load_pipeline(str(tmp_path))
    assert all(name in str(refusal.value) for name in FAMILIES)


def test_a_folder_without_a_pipeline_is_refused(tmp_path):
    with pytest.raises(ValueError, match="no diffusers pipeline in"):
        load_pipeline(str(tmp_path))


def test_pickled_weights_are_not_read(tmp_path):
    tiny.make("ddpm").save_pretrained(tmp_path, safe_serialization=False)
    assert list(tmp_path.glob("unet/*.bin"))
    with pytest.raises(ValueError, match="cannot be loaded from safetensors"):
        load_pipeline(str(tmp_path), device="cpu")


def test_code_of_a_checkpoint_is_not_run(tmp_path):
    tiny.make("ddpm").save_pretrained(tmp_path)
    index = json.loads((tmp_path / "model_index.json").read_text())
    index["unet"] = ["my_network", "MyNetwork"]
    (tmp_path / "model_index.json").write_text(json.dumps(index))
    code = f"open({str(tmp_path / 'ran')!r}, 'w').close()\nclass MyNetwork: pass\n"
    (tmp_path / "unet" / "my_network.py").write_text(code)
    with pytest.raises(ValueError, match="without code of its own"):
        load_pipeline(str(tmp_path), device="cpu")
    assert not (tmp_path / "ran").exists()


def test_every_drop_in_solver_is_offered_where_it_runs(models):
    for name in ("stable_diffusion", "stable_diffusion_3"):
        spec = models(name).spec
        offered = can_drop_in(spec)
        assert {"euler", "dpmpp_2m", "unipc"} <= set(offered)
        for key in offered:
            pinned_scheduler(key, levels_for(models(name)), spec)
        with pytest.raises(ValueError, match=r"no scheduler of diffusers runs DEIS .*euler"):
            pinned_scheduler("deis", levels_for(models(name)), spec)

"""Noise paths against diffusers' tables and closed forms."""

import numpy as np
import pytest

from ays_core.paths import FLOW_SIGMA_MAX, VE, Flow, linear_vp, scaled_linear_vp
from ays_core.schedule import Schedule
from tests.core.specs import FLOW, SD, SPECS


def test_stable_diffusion_s_table():
    sigmas = scaled_linear_vp().table
    assert sigmas[0] == pytest.approx(0.0291671582, abs=1e-9)
    assert sigmas[999] == pytest.approx(14.6146412293, abs=1e-9)
    times = np.array([850.0, 845.0])
    assert np.allclose(scaled_linear_vp().sigma(times), [6.4746, 6.3184], atol=1e-4)
    inverse = scaled_linear_vp().time(np.array([6.475, 0.152]))
    assert np.allclose(inverse, [850.01, 24.15], atol=0.02)


@pytest.mark.parametrize(
    ("path", "betas"),
    [
        (scaled_linear_vp(), {"beta_start": 0.00085, "beta_end": 0.012, "kind": "scaled_linear"}),
        (linear_vp(), {"beta_start": 1e-4, "beta_end": 0.02, "kind": "linear"}),
    ],
)
def test_tables_are_those_of_diffusers(path, betas):
    from diffusers.schedulers.scheduling_ddpm import DDPMScheduler

    kind = betas.pop("kind")
    abar = DDPMScheduler(beta_schedule=kind, **betas).alphas_cumprod.double().numpy()
    ours = 1 / (1 + path.table**2)
    assert np.allclose(ours, abar, rtol=0, atol=1e-6)  # theirs is a product in float32
    assert np.all(np.diff(path.table) > 0)


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_time_and_sigma_are_inverse(spec):
    sigmas = np.geomspace(spec.sigma_max, spec.sigma_min, 101)
    times = spec.path.time(sigmas)
    assert np.all(np.diff(times) < 0)
    assert np.allclose(spec.path.sigma(times), sigmas, rtol=1e-9)


@pytest.mark.parametrize("path", [scaled_linear_vp(), linear_vp()])
def test_the_time_of_a_table_s_level_is_its_place(path):
    assert np.allclose(path.time(path.table), np.arange(1000), atol=1e-9)


def test_flow_at_pure_noise():
    path = Flow()
    assert path.sigma(np.array(1.0)) == FLOW_SIGMA_MAX
    assert path.time(np.array([FLOW_SIGMA_MAX, 1e9])).tolist() == [1, 1]
    assert path.time(np.array(0.0)) == 0 and path.sigma(np.array(0.0)) == 0
    noise = 0.7  # a start x = sigma * noise is the noise itself, at any level that means t = 1
    for sigma in (FLOW_SIGMA_MAX, 3 * FLOW_SIGMA_MAX):
        assert path.scale(sigma) * sigma * noise == pytest.approx(noise, rel=1e-15)


@pytest.mark.parametrize("sigma", [0.01, 1.0, 14.6, 999.0])
def test_native_x(sigma):
    x0, noise = 0.3, -1.2
    x = x0 + sigma * noise
    t = sigma / (1 + sigma)
    assert Flow().scale(sigma) * x == pytest.approx((1 - t) * x0 + t * noise, rel=1e-12)
    abar = 1 / (1 + sigma**2)
    vp = abar**0.5 * x0 + (1 - abar) ** 0.5 * noise
    assert SD.path.scale(sigma) * x == pytest.approx(vp, rel=1e-12)
    assert VE().scale(sigma) * x == x


def test_a_level_above_the_model_s_is_refused():
    assert SD.check(Schedule((14.615, 1))).sigmas[0] == 14.615  # printed to four digits
    with pytest.raises(ValueError, match=r"level 0 is 80, above Stable Diffusion 1.5's sigma_max"):
        SD.check(Schedule((80, 1)))
    assert FLOW.check(Schedule((1e4, 1)))

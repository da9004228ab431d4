"""Every solver is what its entry says: order, calls, levels, and the published formula."""

from __future__ import annotations

import math
import re
from itertools import pairwise

import numpy as np
import pytest
import torch

from ays_core.schedule import Schedule
from ays_core.solvers import SOLVERS, first_order_step, pin

DETERMINISTIC = [key for key, entry in SOLVERS.items() if not entry.stochastic]
STOCHASTIC = [key for key, entry in SOLVERS.items() if entry.stochastic]
STD = torch.logspace(math.log10(0.05), math.log10(2), 48, dtype=torch.float64)
FROM, TO = 10.0, 0.05


def karras(num_steps: int, final_zero: bool = False, rho: float = 7) -> Schedule:
    """`num_steps` intervals from FROM to TO, or as many with the last one into 0."""
    num = num_steps + (not final_zero)
    ramp = np.linspace(FROM ** (1 / rho), TO ** (1 / rho), num) if num > 1 else [FROM ** (1 / rho)]
    return Schedule((*(float(u**rho) for u in ramp), *[0.0] * final_zero))


def gaussian(x: torch.Tensor, sigma: float, std: torch.Tensor | float = STD) -> torch.Tensor:
    """The exact denoiser of N(0, std^2)."""
    std2 = torch.as_tensor(std, dtype=x.dtype) ** 2
    return x * (std2 / (std2 + sigma**2))


def solve(key: str, schedule: Schedule, noise: torch.Tensor, denoise=gaussian, seed: int = 0):
    stepper = pin(key, schedule, seed=seed)
    x = stepper.start(noise)
    for sigma in stepper.calls:
        x = stepper.step(x, denoise(x, sigma))
    return x, stepper


def unit_noise(*shape: int, seed: int = 0, dtype=torch.float64) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def fitted_order(steps: list[int], errors: list[float]) -> float:
    return -float(np.polyfit(np.log(steps), np.log(errors), 1)[0])


# Order


@pytest.mark.parametrize("key", DETERMINISTIC)
def test_order(key: str):
    """Against the exact map of the ODE for an anisotropic Gaussian, down to a positive level."""
    entry = SOLVERS[key]
    steps = [32, 48, 64, 96, 128]
    noise = unit_noise(8, 48)
    exact = FROM * noise * ((STD**2 + TO**2) / (STD**2 + FROM**2)).sqrt()
    ends = [solve(key, karras(n), noise)[0] for n in steps]
    errors = [float((x - exact).square().mean().sqrt()) for x in ends]
    assert fitted_order(steps, errors) == pytest.approx(entry.order, abs=entry.tolerance)


@pytest.mark.parametrize("key", STOCHASTIC)
def test_weak_order(key: str, monkeypatch: pytest.MonkeyPatch):
    """Of the variance, without sampling: on a Gaussian a step is linear in x and its noise, so x
    is followed as its coefficients of the start noise (row 0) and of every draw (a row each)."""
    entry, steps, std = SOLVERS[key], [32, 48, 64, 96, 128], 0.5
    errors = []
    for n in steps:
        draws = iter(range(1, n + 1))

        def one_hot(shape, *args, n=n, draws=draws, **kwargs):
            return torch.eye(n + 1)[:, next(draws), None]

        module = type(entry.make(karras(n).sigmas)).__module__
        monkeypatch.setattr(f"{module}.randn_tensor", one_hot)
        start = torch.eye(n + 1)[:, :1] * math.hypot(std, FROM) / FROM
        x, _ = solve(key, karras(n), start, lambda x, sigma: gaussian(x, sigma, std))
        assert next(draws, None) is None, "one draw a step"
        errors.append(abs(float(x.double().square().sum()) - (std**2 + TO**2)))
    assert fitted_order(steps, errors) == pytest.approx(entry.order, abs=entry.tolerance)


# Levels and calls


@pytest.mark.parametrize("final_zero", [False, True])
@pytest.mark.parametrize("key", SOLVERS)
def test_runs_exactly_the_levels_it_was_given(key: str, final_zero: bool):
    noise = unit_noise(2, 48)
    for n in (1, 2, 3, 4, 5, 7, 10, 15, 16, 25, 50):
        schedule = karras(n, final_zero)
        x, stepper = solve(key, schedule, noise)
        assert stepper.ran == pytest.approx(schedule.sigmas, rel=1e-12, abs=0)
        assert len(stepper.calls) == SOLVERS[key].nfe(n, final_zero)
        assert min(stepper.calls) > 0, "the denoiser is never asked at 0"
        assert torch.isfinite(x).all()


def test_stated_calls():
    for n in range(1, 51):
        for final_zero in (False, True):
            assert SOLVERS["euler"].nfe(n, final_zero) == n
            assert SOLVERS["dpmpp_2m_sde"].nfe(n, final_zero) == n
            assert SOLVERS["unipc"].nfe(n, final_zero) == n
            assert SOLVERS["pndm"].nfe(n, final_zero) == (1 if final_zero and n == 1 else n + 1)
        for key in ("heun", "dpmpp_2s", "kdpm2", "kdpm2_a"):
            assert SOLVERS[key].nfe(n, False) == 2 * n
            assert SOLVERS[key].nfe(n, True) == 2 * n - 1
        assert SOLVERS["dpmpp_3s"].nfe(n, False) == 3 * n
        assert SOLVERS["dpmpp_3s"].nfe(n, True) == 3 * n - 2


@pytest.mark.parametrize("key", SOLVERS)
def test_the_step_into_zero_is_the_last_estimate(key: str):
    noise = unit_noise(2, 48, dtype=torch.float32)
    for n in range(1, 51):
        schedule = karras(n, final_zero=True)
        stepper = pin(key, schedule)
        x = stepper.start(noise)
        for sigma in stepper.calls:
            x0 = gaussian(x, sigma)
            x = stepper.step(x, x0)
        assert stepper.calls[-1] == schedule.sigmas[-2]
        assert torch.equal(x, x0) and torch.isfinite(x).all()


# The published formulas, written independently


def lam(sigma: float) -> float:
    return -math.log(sigma)


def euler(x, schedule, denoise, _noises):
    """Karras et al., eq. 3 with sigma(t) = t: dx/dsigma = (x - D) / sigma."""
    for sigma, sigma_next in pairwise(schedule.sigmas):
        x = x + (sigma_next - sigma) * (x - denoise(x, sigma)) / sigma
    return x


def heun(x, schedule, denoise, _noises):
    """Karras et al., algorithm 1."""
    for sigma, sigma_next in pairwise(schedule.sigmas):
        d = (x - denoise(x, sigma)) / sigma
        x_next = x + (sigma_next - sigma) * d
        if sigma_next > 0:
            d_next = (x_next - denoise(x_next, sigma_next)) / sigma_next
            x_next = x + (sigma_next - sigma) * (d + d_next) / 2
        x = x_next
    return x


def dpmpp_2m(x, schedule, denoise, _noises):
    """Lu et al., algorithm 2 with alpha = 1; first order into 0."""
    old, h_last = None, 0.0
    for sigma, sigma_next in pairwise(schedule.sigmas):
        x0 = denoise(x, sigma)
        if sigma_next == 0:
            return x0
        h = lam(sigma_next) - lam(sigma)
        r = h_last / h
        d = x0 if old is None else (1 + 1 / (2 * r)) * x0 - 1 / (2 * r) * old
        x = sigma_next / sigma * x - math.expm1(-h) * d
        old, h_last = x0, h
    return x


def dpmpp_2m_sde(x, schedule, denoise, noises):
    """Lu et al., SDE-DPM-Solver++(2M), alpha = 1."""
    old, h_last = None, 0.0
    for (sigma, sigma_next), z in zip(pairwise(schedule.sigmas), noises, strict=True):
        x0 = denoise(x, sigma)
        if sigma_next == 0:
            return x0
        h = lam(sigma_next) - lam(sigma)
        r = h_last / h
        d = x0 if old is None else x0 + (x0 - old) / (2 * r)
        x = sigma_next / sigma * math.exp(-h) * x - math.expm1(-2 * h) * d
        x = x + sigma_next * math.sqrt(-math.expm1(-2 * h)) * z
        old, h_last = x0, h
    return x


def euler_a(x, schedule, denoise, noises):
    """Song et al., eq. 12 and 16 with eta = 1, in VE coordinates."""
    for (sigma, sigma_next), z in zip(pairwise(schedule.sigmas), noises, strict=True):
        x0 = denoise(x, sigma)
        up2 = sigma_next**2 * (sigma**2 - sigma_next**2) / sigma**2
        eps = (x - x0) / sigma
        x = x0 + math.sqrt(sigma_next**2 - up2) * eps + math.sqrt(up2) * z
    return x


FORMULAS = {f.__name__: f for f in (euler, heun, dpmpp_2m, dpmpp_2m_sde, euler_a)}


def curved(x: torch.Tensor, sigma: float) -> torch.Tensor:
    """An exact denoiser that is not linear: two points, at -1 and 1, in every dimension."""
    return torch.tanh(x / sigma**2)


@pytest.mark.parametrize("denoise", [gaussian, curved])
@pytest.mark.parametrize("final_zero", [False, True])
@pytest.mark.parametrize("num_steps", [5, 10, 20])
@pytest.mark.parametrize("key", FORMULAS)
def test_published_formula(key, num_steps, final_zero, denoise, monkeypatch):
    schedule, noise = karras(num_steps, final_zero), unit_noise(4, 48, dtype=torch.float32)
    noises = list(unit_noise(num_steps, 4, 48, seed=1, dtype=torch.float32))
    if SOLVERS[key].stochastic:
        draws = iter(noises)
        module = type(SOLVERS[key].make(schedule.positive)).__module__
        monkeypatch.setattr(f"{module}.randn_tensor", lambda *args, **kwargs: next(draws))
    x, _ = solve(key, schedule, noise, denoise)
    in_double = [z.double() for z in noises]
    expected = FORMULAS[key](noise.double() * FROM, schedule, denoise, in_double)
    assert float((x - expected).norm() / expected.norm()) <= 1e-4


def test_first_order_step_is_the_same_map_on_every_path():
    """One step from sigma 2 to 0.7, in VE, flow (Euler in t) and VP (DDIM) coordinates."""
    x, x0, sigma, sigma_next = 1.234, 0.3, 2.0, 0.7
    ve = first_order_step(torch.tensor([x], dtype=torch.float64), torch.tensor([x0]), sigma, 0.7)
    t, t_next = sigma / (1 + sigma), sigma_next / (1 + sigma_next)
    flow = (1 - t) * x
    flow = (flow + (t_next - t) * (flow - x0) / t) / (1 - t_next)
    abar, abar_next = 1 / (1 + sigma**2), 1 / (1 + sigma_next**2)
    eps = (x * math.sqrt(abar) - math.sqrt(abar) * x0) / math.sqrt(1 - abar)
    vp = (math.sqrt(abar_next) * x0 + math.sqrt(1 - abar_next) * eps) / math.sqrt(abar_next)
    assert float(ve) == pytest.approx(0.6269, rel=1e-7)
    assert (flow, vp) == pytest.approx((0.6269, 0.6269), rel=1e-12)


def test_euler_is_the_first_order_step():
    schedule, noise = karras(6, final_zero=True), unit_noise(4, 48, dtype=torch.float32)
    x = noise * FROM
    for sigma, sigma_next in pairwise(schedule.sigmas):
        x = first_order_step(x, curved(x, sigma), sigma, sigma_next)
    assert torch.allclose(x, solve("euler", schedule, noise, curved)[0], rtol=1e-5, atol=1e-6)


# Randomness


@pytest.mark.parametrize("key", SOLVERS)
def test_a_row_does_not_depend_on_its_batch(key: str):
    noise = unit_noise(5, 48, dtype=torch.float32)
    whole, _ = solve(key, karras(6), noise, curved, seed=100)
    for k in range(5):
        row, _ = solve(key, karras(6), noise[k : k + 1], curved, seed=100 + k)
        assert torch.allclose(row[0], whole[k], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("key", STOCHASTIC)
def test_noise_of_a_step_is_not_the_start_noise(key: str):
    """Seeds beyond 32 bits and seeds side by side give streams of their own."""
    zero = torch.zeros(1, 4096)
    ends = [
        solve(key, karras(1), zero, lambda x, s: torch.zeros_like(x), seed=seed)[0][0]
        for seed in (0, 1, 2**32)
    ]
    starts = [torch.randn(4096, generator=torch.Generator().manual_seed(seed)) for seed in (0, 1)]
    correlations = torch.corrcoef(torch.stack([*ends, *starts])) - torch.eye(5)
    assert float(correlations.abs().max()) < 0.1
    again, _ = solve(key, karras(1), zero, lambda x, s: torch.zeros_like(x), seed=2**32)
    assert torch.equal(again[0], ends[2])


# Refusals


REFUSING = [key for key, entry in SOLVERS.items() if entry.min_step_ratio]


@pytest.mark.parametrize("key", REFUSING)
@pytest.mark.parametrize("short_after_long", [True, False])
def test_a_step_too_short_for_its_memory_is_refused_with_a_way_out(key, short_after_long):
    entry, gap = SOLVERS[key], 0.9 * SOLVERS[key].min_step_ratio
    levels = (10.0, 10 / math.e, 10 / math.e ** (1 + gap), 2.0, 0.3)
    levels = levels if short_after_long else (*levels[1:3], 10 / math.e ** (2 + gap), 0.3)
    i = 1 if short_after_long else 0
    with pytest.raises(ValueError, match=rf"levels {i} and {i + 1} \(3\.678.*or use euler or heun"):
        pin(key, Schedule(levels))
    with pytest.raises(ValueError, match=re.escape(entry.label)):
        pin(key, Schedule(levels))
    pin(key, Schedule((3.0, 1.0, 1 / math.e ** (1.1 * entry.min_step_ratio), 0.4)))
    pin(key, Schedule((3.0, 1.0, 1 / math.e**gap, 0.0)))  # nothing divides by a last step


@pytest.mark.parametrize("key", SOLVERS)
def test_the_closest_levels_a_solver_accepts_do_no_harm(key: str):
    """One more level, close beside another, leaves the result about where it was."""
    gap = max(1.1 * SOLVERS[key].min_step_ratio, 1e-8)
    around, noise = karras(12).sigmas, unit_noise(4, 48, dtype=torch.float32)
    step = math.log(around[4] / around[5])
    beside = around[4] * math.exp(-gap * step)
    plain, _ = solve(key, karras(12), noise, seed=3)
    denser, _ = solve(key, Schedule((*around[:5], beside, *around[5:])), noise, seed=3)
    if not SOLVERS[key].stochastic:
        assert float((denser - plain).norm() / plain.norm()) < 0.1
    assert torch.isfinite(denser).all()


@pytest.mark.parametrize("key", SOLVERS)
def test_levels_equal_to_nine_digits_are_refused(key: str):
    with pytest.raises(ValueError, match=r"levels 1 and 2 \(3, 3\) are equal to nine digits"):
        pin(key, Schedule((10.0, 3.0, math.nextafter(3, 0), 1.0)))


def test_unknown_solver_is_refused_by_name():
    with pytest.raises(ValueError, match="unknown solver 'rk45'; known: euler, heun"):
        pin("rk45", karras(3))

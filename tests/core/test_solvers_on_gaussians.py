"""Solvers on Gaussian data, exactly: what comes out is Gaussian again, and its variance is known.

Every solver is linear in x and in its fresh noise there, so its output variance follows from runs
on unit vectors. KL(true || solver) = (f - 1 - ln f) / 2 per dimension, f = true / output variance.
"""

import math

import numpy as np
import pytest
import torch

from ays_core.job import run
from ays_core.sampling import sample
from ays_core.schedule import Schedule

LOW, HIGH = 0.002, 80.0


def edm(num_steps):
    r = np.arange(num_steps + 1) / num_steps
    return Schedule(tuple((HIGH ** (1 / 7) + r * (LOW ** (1 / 7) - HIGH ** (1 / 7))) ** 7))


def log_uniform(num_steps):
    return Schedule(tuple(np.geomspace(HIGH, LOW, num_steps + 1)))


def arctan(num_steps, c=0.5):
    return Schedule(tuple(c * np.tan(np.linspace(*np.arctan([HIGH / c, LOW / c]), num_steps + 1))))


def klub(num_steps, c=0.5):
    ends = np.log1p(c**2 / np.array([HIGH, LOW]) ** 2)
    return Schedule(tuple(c / np.sqrt(np.expm1(np.linspace(*ends, num_steps + 1)))))


def output_variance(solver, schedule, variances, monkeypatch):
    """Of data N(0, diag variances), started from the true distribution at the first level: (d,)."""
    variances = torch.as_tensor(variances, dtype=torch.float64)
    drawn = []

    def unit_vector(shape, **_):
        """Row k of the batch gets all of its noise in the solver's k-th draw; row 0 gets none."""
        drawn.append(None)
        z = torch.zeros(shape, dtype=torch.float64)
        z[len(drawn)] = 1
        return z

    for module in ("dpmsolver_multistep", "euler_ancestral_discrete"):
        where = f"diffusers.schedulers.scheduling_{module}.randn_tensor"
        monkeypatch.setattr(where, unit_vector)
    noise = torch.zeros(schedule.num_steps + 1, len(variances), dtype=torch.float64)
    noise[0] = 1
    shrink = lambda x, sigma: x * (variances / (variances + sigma**2))  # noqa: E731
    gains = run(sample(shrink, schedule, solver, noise)).samples.square()
    first = 1 + variances / schedule.sigmas[0] ** 2  # in units of the start noise
    return (gains[0] * first + gains[1:].sum(dim=0)).numpy()


def divergence(output, variances):
    ratio = (np.asarray(variances) + LOW**2) / output
    return (ratio - 1 - np.log(ratio)) / 2


SOLVERS = ("euler", "euler_a", "dpmpp_2m", "dpmpp_2m_sde")
KL = {
    edm: (0.098356888, 0.31401243, 0.017004915, 0.021828634),
    log_uniform: (0.084336276, 0.26420007, 0.0014795622, 0.0020179568),
    arctan: (0.016244854, 0.04228674, 0.0097726445, 0.077942284),
    klub: (0.55425089, 0.45631621, 0.42270376, 0.17762164),
}


@pytest.mark.parametrize("make", KL, ids=lambda make: make.__name__)
@pytest.mark.parametrize("index, solver", list(enumerate(SOLVERS)))
def test_divergence_of_ten_steps(make, index, solver, monkeypatch):
    output = output_variance(solver, make(10), [0.25], monkeypatch)
    # DPM++ steps in float32, which moves the variance by a few 1e-7
    assert divergence(output, [0.25])[0] == pytest.approx(KL[make][index], rel=1e-5, abs=2e-8)


def test_arctan_is_best_for_ddim(monkeypatch):
    """Align Your Steps, theorem 3.1: variance cos(theta / n)^(2n) of the true one, and no other
    levels do better."""
    best = arctan(5)
    wanted = [80, 1.5171311078, 0.68508868469, 0.36319489144, 0.16353846594, 0.002]
    assert best.sigmas == pytest.approx(wanted, rel=1e-7)
    output = output_variance("euler", best, [0.25], monkeypatch)
    theta = math.atan(HIGH / 0.5) - math.atan(LOW / 0.5)
    assert output[0] / (0.25 + LOW**2) == pytest.approx(math.cos(theta / 5) ** 10, rel=1e-9)
    assert math.cos(theta / 5) ** 10 == pytest.approx(0.60946099190, rel=1e-9)
    value = divergence(output, [0.25])[0]
    assert value == pytest.approx(0.0728068841, rel=1e-7)
    for k in range(1, 5):
        for factor in (0.97, 1.03):
            moved = list(best.sigmas)
            moved[k] *= factor
            other = output_variance("euler", Schedule(tuple(moved)), [0.25], monkeypatch)
            assert divergence(other, [0.25])[0] > value


SPECTRUM = np.arange(1, 3073) ** -1.8
SPECTRUM *= 0.25 / SPECTRUM.mean()
ON_SPECTRUM = {  # summed KL, Wasserstein-2
    (edm, "euler_a"): (1761.98, 7.9392),
    (edm, "dpmpp_2m_sde"): (51.34, 4.4942),
    (edm, "euler"): (691.78, 4.6912),
    (edm, "dpmpp_2m"): (12.72, 2.2564),
    (edm, "heun"): (309.76, 2.2230),
    (log_uniform, "euler_a"): (802.34, 9.8253),
    (log_uniform, "dpmpp_2m_sde"): (3.75, 1.2978),
    (log_uniform, "euler"): (255.77, 6.2637),
    (log_uniform, "dpmpp_2m"): (1.12, 0.7610),
    (log_uniform, "heun"): (81.60, 4.7102),
}


@pytest.mark.parametrize("make, solver", ON_SPECTRUM, ids=lambda v: getattr(v, "__name__", v))
def test_distances_on_the_spectrum_of_pictures(make, solver, monkeypatch):
    """3,072 dimensions, variance falling as k^-1.8 with mean .25."""
    output = output_variance(solver, make(10), SPECTRUM, monkeypatch)
    true = SPECTRUM + LOW**2
    distance = math.sqrt(np.square(np.sqrt(output) - np.sqrt(true)).sum())
    kl, w2 = ON_SPECTRUM[make, solver]
    assert divergence(output, SPECTRUM).sum() == pytest.approx(kl, rel=1e-3, abs=0.005)
    assert distance == pytest.approx(w2, rel=1e-3)

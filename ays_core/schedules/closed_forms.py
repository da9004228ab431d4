"""Closed forms: each is one function from a `Span` (how many levels, between which, on which noise
path) to descending levels. `@formula` puts it into `SCHEDULES`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Annotated, Any, get_type_hints

import numpy as np

from ays_core.params import Range, parse_params
from ays_core.paths import RANGE_SLACK, ModelSpec, Path
from ays_core.schedule import MAX_LEVELS, Origin, Schedule
from ays_core.schedules.entry import SCHEDULES, ScheduleEntry, checked_range, checked_steps

Levels = np.ndarray  # (num,), float64, descending
Formula = Callable[..., Levels]


@dataclass(frozen=True)
class Span:
    """Where a closed form puts its levels: `num` of them, from `high` down to `low`."""

    num: int
    high: float
    low: float
    path: Path

    @property
    def r(self) -> np.ndarray:
        """Fraction of the way, 0 ... 1: i / (num - 1)."""
        return np.linspace(0, 1, self.num)

    @property
    def times(self) -> tuple[float, float]:
        """Model times of both ends, T(high) and T(low)."""
        return self._time(self.high), self._time(self.low)

    @property
    def table(self) -> np.ndarray:
        """The levels a discrete model was trained on, ascending, within the span."""
        if self.path.table is None:
            raise ValueError("needs a model with a table of levels, this one is continuous")
        inside = (self.path.table <= self.high * (1 + RANGE_SLACK)) & (
            self.path.table >= self.low * (1 - RANGE_SLACK)
        )
        if not inside.any():
            raise ValueError(
                f"no level of the model's table lies in {self.low:g} ... {self.high:g}"
            )
        return self.path.table[inside]

    def _time(self, sigma: float) -> float:
        time = self.path.time(np.array(sigma))
        if abs(float(self.path.sigma(time)) / sigma - 1) > RANGE_SLACK:
            raise ValueError(f"level {sigma:g} lies outside the model's own noise table")
        return float(time)


def formula(key: str, label: str, reference: str, aliases: tuple[str, ...] = ()):
    """Add the decorated closed form, `(span, **own) -> levels`, to the catalogue."""

    def add(function: Formula) -> Formula:
        SCHEDULES.add(
            ScheduleEntry(key, label, _maker(key, reference, function), reference, aliases)
        )
        return function

    return add


def _maker(key: str, reference: str, function: Formula) -> Callable[..., Schedule]:
    """The closed form as a schedule: span, final 0 and origin added; its own parameters kept."""

    def make(
        num_steps: int,
        spec: ModelSpec,
        *,
        final_zero: bool | None = None,
        sigma_min: float | None = None,
        sigma_max: float | None = None,
        **own: object,
    ) -> Schedule:
        num_steps = checked_steps(num_steps)
        low, high = checked_range(spec, sigma_min, sigma_max)
        values = parse_params(function, own)
        zero = final_zero is not False

        def levels(steps: int) -> Levels:
            span = Span(steps if zero else steps + 1, high, low, spec.path)
            try:
                found = function(span, **values)
            except ValueError as error:
                raise ValueError(f"{key}: {error}") from None
            for end in (high, low):  # exact, not within rounding
                found = np.where(np.isclose(found, end, rtol=1e-9, atol=0), end, found)
            return found

        def works(steps: int) -> bool:
            found = levels(steps)
            return bool(np.all(np.diff(found) < 0) and found[-1] > 0)

        if not works(num_steps):
            raise ValueError(f"{key} cannot make {num_steps} steps{_nearest(num_steps, works)}")
        sigmas = (*levels(num_steps).tolist(), *([0.0] if zero else []))
        params = {"steps": num_steps, "sigma_min": low, "sigma_max": high, "final_zero": zero}
        return Schedule(sigmas, Origin(key, params | _defaults(function) | values, reference))

    own = list(inspect.signature(function).parameters.values())[1:]
    shared = inspect.signature(make)
    fixed = [p for p in shared.parameters.values() if p.kind is not p.VAR_KEYWORD]
    hints = get_type_hints(function, include_extras=True)
    vars(make)["__signature__"] = shared.replace(parameters=[*fixed, *own])
    make.__annotations__ |= {parameter.name: hints[parameter.name] for parameter in own}
    del make.__annotations__["own"]
    make.__name__, make.__doc__ = key, function.__doc__
    return make


def _defaults(function: Formula) -> dict[str, Any]:
    parameters = inspect.signature(function).parameters.values()
    return {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}


def _nearest(num_steps: int, works: Callable[[int], bool]) -> str:
    """The number of steps nearest to `num_steps` that works (the lower of two), as a clause."""
    for distance in count(1):
        tried = [n for n in (num_steps - distance, num_steps + distance) if 1 <= n < MAX_LEVELS]
        if not tried:
            return " here, nor any other number"
        for n in tried:
            if works(n):
                return f" without repeating a level; the nearest number that works is {n}"
    raise AssertionError  # unreachable: `tried` runs out


@formula(
    "karras",
    "Karras",
    "Karras et al. 2022, Elucidating the Design Space of Diffusion-Based Generative Models, eq. 5",
    aliases=("edm",),
)
def karras(
    span: Span,
    *,
    rho: Annotated[float, Range(1, 15, "higher puts more levels near sigma_min")] = 7.0,
) -> Levels:
    """(smax^(1/rho) + r (smin^(1/rho) - smax^(1/rho)))^rho."""
    high, low = span.high ** (1 / rho), span.low ** (1 / rho)
    return (high + span.r * (low - high)) ** rho


@formula(
    "log_snr",
    "Uniform in log-SNR",
    "Lu et al. 2022, DPM-Solver, uniform logSNR steps; k-diffusion get_sigmas_exponential",
    aliases=("exponential",),
)
def log_snr(span: Span) -> Levels:
    """exp(ln smax + r (ln smin - ln smax))."""
    high, low = np.log(span.high), np.log(span.low)
    return np.exp(high + span.r * (low - high))


@formula("polyexponential", "Polyexponential", "k-diffusion get_sigmas_polyexponential")
def polyexponential(
    span: Span,
    *,
    rho: Annotated[
        float, Range(0.2, 5, "1 is uniform in log-SNR; higher leaves the top faster")
    ] = 1.0,
) -> Levels:
    """exp((1 - r)^rho (ln smax - ln smin) + ln smin)."""
    high, low = np.log(span.high), np.log(span.low)
    return np.exp((1 - span.r) ** rho * (high - low) + low)


@formula(
    "linear_t",
    "Uniform in time",
    "Ho et al. 2020, DDPM; ComfyUI's normal, diffusers' linspace",
    aliases=("normal",),
)
def linear_t(span: Span) -> Levels:
    """S(linspace(T(smax), T(smin), n))."""
    return span.path.sigma(np.linspace(*span.times, span.num))


@formula(
    "sgm_uniform",
    "Uniform in time, trailing",
    "Stability-AI generative-models; Lin et al. 2023, Common Diffusion Noise Schedules Are Flawed",
    aliases=("trailing",),
)
def sgm_uniform(span: Span) -> Levels:
    """S(linspace(T(smax), T(smin), n + 1)) without the last: ends above smin."""
    return span.path.sigma(np.linspace(*span.times, span.num + 1)[:-1])


@formula("simple", "Simple", "ComfyUI simple_scheduler: every k-th level of the training table")
def simple(span: Span) -> Levels:
    """table[-(1 + floor(M i / n))] of the M levels the model was trained on: ends above smin."""
    table = span.table
    return table[-(1 + len(table) * np.arange(span.num) // span.num)]


@formula("quadratic_t", "Quadratic in time", "Song et al. 2020, DDIM, appendix D.2 (quadratic)")
def quadratic_t(span: Span) -> Levels:
    """S(linspace(sqrt T(smax), sqrt T(smin), n)^2)."""
    first, last = np.sqrt(span.times)
    return span.path.sigma(np.linspace(first, last, span.num) ** 2)


@formula(
    "kl_optimal",
    "Cosine (arctan)",
    "Sabour et al. 2024, Align Your Steps, Theorem 3.1",
    aliases=("arctan", "cosine"),
)
def kl_optimal(
    span: Span,
    *,
    c: Annotated[
        float,
        Range(0.01, 10, "standard deviation of the data; 1 is the cosine schedule", log=True),
    ] = 1.0,
) -> Levels:
    """c tan(atan(smax / c) + r (atan(smin / c) - atan(smax / c)))."""
    high, low = np.arctan(span.high / c), np.arctan(span.low / c)
    return c * np.tan(high + span.r * (low - high))


@formula(
    "beta", "Beta in time (ComfyUI)", "Lee et al. 2024, Beta Sampling is All You Need; ComfyUI"
)
def beta_in_time(
    span: Span,
    *,
    alpha: Annotated[float, Range(0.1, 5, "lower puts more levels near sigma_min")] = 0.6,
    beta: Annotated[float, Range(0.1, 5, "lower puts more levels near sigma_max")] = 0.6,
) -> Levels:
    """table[rint((M - 1) BetaQuantile(1 - i / n; alpha, beta))]: ends above smin."""
    quantile = _beta_quantile(1 - np.arange(span.num) / span.num, alpha, beta)
    table = span.table
    return table[np.rint((len(table) - 1) * quantile).astype(int)]


@formula(
    "beta_a1111",
    "Beta in sigma (A1111, diffusers)",
    "Lee et al. 2024, Beta Sampling is All You Need; A1111, Forge, diffusers use_beta_sigmas",
)
def beta_in_sigma(
    span: Span,
    *,
    alpha: Annotated[float, Range(0.1, 5, "lower puts more levels near sigma_min")] = 0.6,
    beta: Annotated[float, Range(0.1, 5, "lower puts more levels near sigma_max")] = 0.6,
) -> Levels:
    """smin + BetaQuantile(1 - r; alpha, beta) (smax - smin)."""
    return span.low + _beta_quantile(1 - span.r, alpha, beta) * (span.high - span.low)


def _beta_quantile(fraction: np.ndarray, alpha: float, beta: float) -> np.ndarray:
    from scipy.special import betaincinv

    return betaincinv(alpha, beta, fraction)


@formula("laplace", "Laplace", "Hang et al. 2024, Improved Noise Schedule for Diffusion Training")
def laplace(
    span: Span,
    *,
    mu: Annotated[float, Range(-4, 4, "ln sigma around which the levels gather")] = 0.0,
    beta: Annotated[float, Range(0.05, 3, "how widely the levels spread around it")] = 0.5,
) -> Levels:
    """exp(mu - beta sign(1/2 - r) ln(1 - 2 |1/2 - r| + 1e-5)), clipped to the range.
    Both ends are its own where the range is wider than they are."""
    offset = 0.5 - span.r
    lam = mu - beta * np.sign(offset) * np.log(1 - 2 * np.abs(offset) + 1e-5)
    return np.clip(np.exp(lam), span.low, span.high)


@formula(
    "linear_quadratic",
    "Linear, then quadratic",
    "Polyak et al. 2024, Movie Gen; Genmo Mochi's threshold_noise",
)
def linear_quadratic(
    span: Span,
    *,
    threshold: Annotated[
        float, Range(0.001, 0.5, "share of sigma_max spent on the first half of the steps")
    ] = 0.025,
) -> Levels:
    """smax (1 - y): y linear to the threshold over floor(n/2) steps, then quadratic with matching
    slope to 1 at step n. Ends above 0 by itself; smin plays no part."""
    half = span.num // 2
    slope = threshold / half if half else 0.0
    rest = span.num - half
    bend = (1 - slope * span.num) / rest**2
    i = np.arange(span.num)
    return span.high * (1 - slope * i - bend * np.maximum(i - half, 0) ** 2)


@formula(
    "sigma_linear", "Uniform in sigma", "A deliberately bad control: ignores small noise levels"
)
def sigma_linear(span: Span) -> Levels:
    """linspace(smax, smin, n)."""
    return np.linspace(span.high, span.low, span.num)

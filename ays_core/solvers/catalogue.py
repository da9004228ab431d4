"""SOLVERS: what a user can choose, and what each one states about itself for the tests to check."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Literal

from ays_core.catalogue import Catalogue, Entry
from ays_core.solvers.pinned import (
    Calls,
    Levels,
    ends,
    first_twice,
    flow_heun,
    ipndm,
    kdpm2,
    kdpm2_ancestral,
    middle,
    one_call,
    pndm,
    single_step,
    thirds,
    two_calls,
)


@dataclass(frozen=True)
class SolverEntry(Entry):
    """A solver: `make(levels)` gives its scheduler, pinned to these positive levels.

    `order`: of convergence (weak, of the distribution, for a stochastic solver), which the tests
    fit to within `tolerance`. `step(i, sigma, sigma_next)`: where step i calls the denoiser.
    `takes`: what the scheduler is fed, computed from x0 and x. `min_step_ratio`: a solver that
    divides by a past step needs it to be at least this part of its neighbours, in ln sigma.
    """

    about: str = ""
    order: int = 1
    tolerance: float = 0.1
    step: Callable[[int, float, float], Calls] = lambda _i, sigma, _next: (sigma,)
    takes: Literal["x0", "eps", "flow"] = "x0"
    stochastic: bool = False
    min_step_ratio: float = 0.0

    def calls(self, levels: Levels) -> tuple[Calls, ...]:
        """Denoiser calls of every step along `levels`; one call for a step into 0."""
        return tuple(
            self.step(i, sigma, sigma_next) if sigma_next > 0 else (sigma,)
            for i, (sigma, sigma_next) in enumerate(pairwise(levels))
        )

    def nfe(self, num_steps: int, final_zero: bool) -> int:
        """Denoiser calls of a schedule with `num_steps` steps, whatever its levels."""
        last = 0 if final_zero else 1
        return sum(map(len, self.calls(range(num_steps + last, last - 1, -1))))

    def steps_within(self, nfe: int, final_zero: bool) -> int:
        """The most steps that cost at most `nfe` calls; one, where even one costs more."""
        return max((n for n in range(1, nfe + 1) if self.nfe(n, final_zero) <= nfe), default=1)


# UniPC compares x0 before and after a correction: the difference does not shrink with the step.
UNCORRECTED = 1 / 40
# The difference of two x0 in float32, divided by the step between them: its rounding grows.
ROUNDED = 1e-4

SOLVERS: Catalogue[SolverEntry] = Catalogue("solver")

multistep = partial(
    one_call,
    cls="DPMSolverMultistepScheduler",
    prediction_type="sample",
    lower_order_final=False,
    final_sigmas_type="sigma_min",
)
DPMPP = "Lu et al., DPM-Solver++, arXiv:2211.01095"
UNIPC = "Zhao et al., UniPC, NeurIPS 2023, arXiv:2302.04867"
KARRAS = "Karras et al., Elucidating the Design Space, NeurIPS 2022, arXiv:2206.00364"

for entry in (
    SolverEntry(
        "euler",
        "Euler (DDIM)",
        partial(one_call, cls="EulerDiscreteScheduler", prediction_type="sample"),
        "Song et al., DDIM, ICLR 2021, arXiv:2010.02502",
        aliases=("ddim", "flow_euler", "k_euler"),
        about="One straight step per call; DDIM and flow matching's Euler are the same map.",
    ),
    SolverEntry(
        "heun",
        "Heun",
        partial(two_calls, cls="HeunDiscreteScheduler", prediction_type="sample"),
        f"{KARRAS}, algorithm 1",
        about="An Euler step, then the mean slope of both ends.",
        order=2,
        step=ends,
    ),
    SolverEntry(
        "dpmpp_2m",
        "DPM++ 2M",
        multistep,
        f"{DPMPP}, algorithm 2",
        aliases=("unip_2",),
        about="Extrapolates x0 from the last two calls.",
        order=2,
        tolerance=0.15,
        min_step_ratio=ROUNDED,
    ),
    SolverEntry(
        "dpmpp_2m_sde",
        "SDE-DPM++ 2M",
        partial(multistep, algorithm_type="sde-dpmsolver++"),
        f"{DPMPP}, appendix",
        aliases=("sde_2m",),
        about="DPM++ 2M of the reverse SDE: fresh noise in every step.",
        order=2,
        tolerance=0.15,
        stochastic=True,
        min_step_ratio=ROUNDED,
    ),
    SolverEntry(
        "euler_a",
        "Euler ancestral (stochastic DDIM)",
        partial(one_call, cls="EulerAncestralDiscreteScheduler"),
        "Song et al., DDIM with eta = 1, ICLR 2021, arXiv:2010.02502",
        aliases=("sddim", "euler_ancestral", "ddim_eta1", "sde_1"),
        about="A step below the next level and noise back up to it.",
        tolerance=0.15,
        takes="eps",
        stochastic=True,
    ),
    SolverEntry(
        "unipc",
        "UniPC",
        partial(
            one_call,
            cls="UniPCMultistepScheduler",
            prediction_type="sample",
            lower_order_final=False,
        ),
        UNIPC,
        aliases=("unipc_2",),
        about="DPM++ 2M as a predictor, corrected by the next call at no extra cost.",
        order=3,
        tolerance=0.15,
        min_step_ratio=UNCORRECTED,
    ),
    SolverEntry(
        "dpmpp_2s",
        "DPM++ 2S",
        partial(single_step, order=2),
        f"{DPMPP}, algorithm 1",
        about="A second call in the middle of every step, in ln sigma.",
        order=2,
        step=middle,
    ),
    SolverEntry(
        "dpmpp_2m_heun",
        "DPM++ 2M (Heun)",
        partial(multistep, solver_type="heun"),
        f"{DPMPP}, algorithm 2 with exact integrals",
        about="DPM++ 2M whose linear term is integrated exactly.",
        order=2,
        tolerance=0.15,
        min_step_ratio=ROUNDED,
    ),
    SolverEntry(
        "dpmpp_2m_sde_heun",
        "SDE-DPM++ 2M (Heun)",
        partial(multistep, algorithm_type="sde-dpmsolver++", solver_type="heun"),
        f"{DPMPP}, appendix, with exact integrals",
        aliases=("sde_2m_heun",),
        about="SDE-DPM++ 2M whose linear term is integrated exactly.",
        order=2,
        tolerance=0.15,
        stochastic=True,
        min_step_ratio=ROUNDED,
    ),
    SolverEntry(
        "dpmpp_3m",
        "DPM++ 3M",
        partial(multistep, solver_order=3),
        f"{DPMPP}; as diffusers has it, with half the quadratic term",
        about="Extrapolates x0 from three calls; second order, because a factor 2 is missing.",
        order=2,
        tolerance=0.3,
        min_step_ratio=ROUNDED,
    ),
    SolverEntry(
        "dpmpp_3s",
        "DPM++ 3S",
        partial(single_step, order=3, solver_type="heun"),
        "Lu et al., DPM-Solver, NeurIPS 2022, arXiv:2206.00927, algorithm 2, on x0",
        about="Two more calls inside every step, at thirds in ln sigma.",
        order=3,
        tolerance=0.15,
        step=thirds,
    ),
    SolverEntry(
        "unipc_3",
        "UniPC 3",
        partial(
            one_call,
            cls="UniPCMultistepScheduler",
            solver_order=3,
            prediction_type="sample",
            lower_order_final=False,
        ),
        UNIPC,
        about="UniPC from three calls; its own start-up steps bound its order to 3 in the limit.",
        order=4,
        tolerance=0.4,
        min_step_ratio=UNCORRECTED,
    ),
    SolverEntry(
        "deis",
        "DEIS",
        partial(
            one_call,
            cls="DEISMultistepScheduler",
            prediction_type="sample",
            lower_order_final=False,
        ),
        "Zhang and Chen, DEIS, ICLR 2023, arXiv:2204.13902",
        aliases=("deis_2",),
        about="Extrapolates eps from the last two calls, linear in ln sigma.",
        order=2,
        tolerance=0.15,
        min_step_ratio=ROUNDED,
    ),
    SolverEntry(
        "ipndm",
        "iPNDM",
        ipndm,
        "Zhang and Chen, DEIS, ICLR 2023, arXiv:2204.13902, section 3.4",
        about="Extrapolates eps from four calls as if steps were equal: second order elsewhere.",
        order=2,
        tolerance=0.15,
        takes="eps",
    ),
    SolverEntry(
        "pndm",
        "PNDM (PLMS)",
        pndm,
        "Liu et al., PNDM, ICLR 2022, arXiv:2202.09778",
        aliases=("plms",),
        about="iPNDM whose first step is done twice: one call more.",
        order=2,
        tolerance=0.15,
        step=first_twice,
        takes="eps",
    ),
    SolverEntry(
        "heun_flow",
        "Heun in flow time",
        flow_heun,
        f"{KARRAS}, algorithm 1, in t = sigma / (1 + sigma)",
        about="What FlowMatchHeun does: not the same map as Heun in sigma.",
        order=2,
        step=ends,
        takes="flow",
    ),
    SolverEntry(
        "kdpm2",
        "DPM2 (k-diffusion)",
        kdpm2,
        f"{KARRAS}, algorithm 2 without churn; k-diffusion's sample_dpm_2",
        aliases=("dpm_2",),
        about="The slope at the middle of the step, in ln sigma.",
        order=2,
        step=middle,
        takes="eps",
    ),
    SolverEntry(
        "kdpm2_a",
        "DPM2 ancestral (k-diffusion)",
        kdpm2_ancestral,
        "k-diffusion's sample_dpm_2_ancestral",
        aliases=("dpm_2_ancestral",),
        about="DPM2 to below the next level and noise back up to it.",
        order=2,
        step=ends,
        takes="eps",
        stochastic=True,
    ),
):
    SOLVERS.add(entry)

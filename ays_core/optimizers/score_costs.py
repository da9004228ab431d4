"""What a step leaves to do for a Langevin corrector: the costs of Score-Optimal schedules.

Williams et al. 2024, arXiv:2412.07877. A step from `high` to `low` moves x with a map F; what is
left to a corrector at the lower level, with velocity v = low, costs

    L = low^2 E| score(F(x), low) - score of F's output |^2,  x at the noisy level

With F the identity that is the corrector-optimised cost, from two scores at the same x. With F the
first-order step, J its Jacobian, the score of the output is J^-T (score(x, high) - grad ln|det J|):
the predictor-optimised cost.
"""

from __future__ import annotations

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

from ays_core.denoiser import Batch, Denoiser
from ays_core.solvers import first_order_step

WHOLE = 8  # dimensions up to which Jacobians are whole
DERIVATIVE = 4  # evaluations that take about as long as a pass backwards through D


def score(denoise: Denoiser, x: Batch, sigma: float) -> torch.Tensor:
    """(D(x, sigma) - x) / sigma^2 in float64: D and x are nearly equal at low noise."""
    return (denoise(x, sigma).double() - x.double()) / sigma**2


def corrector_cost(denoise: Denoiser, x: Batch, high: float, low: float) -> float:
    """low^2 E|score(x, low) - score(x, high)|^2, summed over elements, for x (B, ...) at `high`."""
    with torch.no_grad():
        moved = score(denoise, x, low) - score(denoise, x, high)
    return low**2 * float(moved.square().flatten(1).sum(dim=1).mean())


def predictor_cost(
    denoise: Denoiser, x: Batch, high: float, low: float, generator: torch.Generator
) -> float:
    """low^2 E|score(F(x), low) - J^-T (score(x, high) - grad ln|det J|)|^2 for x at `high`, with
    F(x) = k x + (1 - k) D(x, high), k = low / high, and J its Jacobian.

    As it stands up to `WHOLE` dimensions. Above, where determinants are out of reach, its limit for
    a short step: F misses the exact path by (low - high)^2 a / 2, a the acceleration along it, and
    so the score of its output by that much of grad (div a + a . score). The divergence is probed;
    two independent probes are multiplied, so that their variance does not add to the cost.
    """
    with torch.enable_grad(), sdpa_kernel(SDPBackend.MATH):  # others lack second derivatives
        x = x.detach().requires_grad_()
        answer = denoise(x, high)
        if not answer.requires_grad:
            raise ValueError("the predictor's cost needs derivatives of D, and this model has none")
        if x[0].numel() <= WHOLE:
            left = [_left_exactly(denoise, x, answer, high, low)] * 2
        else:
            left = _left_by_a_short_step(denoise, x, answer, high, low, generator)
    products = left[0].detach().double() * left[1].detach().double()
    return low**2 * float(products.flatten(1).sum(dim=1).mean())


def _left_exactly(
    denoise: Denoiser, x: Batch, answer: Batch, high: float, low: float
) -> torch.Tensor:
    """What the predictor leaves at every sample, in the score, with the whole Jacobian."""
    k = low / high
    rows = [_gradient(part.sum(), x) for part in answer.flatten(1).unbind(dim=1)]
    jacobian = (1 - k) * torch.stack(rows, dim=1).flatten(2).double()
    jacobian = jacobian + k * torch.eye(jacobian.shape[1], dtype=jacobian.dtype, device=x.device)
    volume = torch.linalg.slogdet(jacobian).logabsdet.sum()
    own = (answer.double() - x.double()) / high**2
    wanted = (own - _gradient(volume, x)).flatten(1)
    of_output = torch.linalg.solve(jacobian.mT, wanted).view_as(own)
    return score(denoise, first_order_step(x, answer, high, low), low) - of_output


def _left_by_a_short_step(
    denoise: Denoiser,
    x: Batch,
    answer: Batch,
    high: float,
    low: float,
    generator: torch.Generator,
) -> list[torch.Tensor]:
    """The same to leading order, twice, by one random probe each."""
    velocity = (x - answer) / high  # dx / dsigma along the exact path
    stepped = first_order_step(x, answer, high, low)
    acceleration = ((stepped - denoise(stepped, low)) / low - velocity) / (low - high)
    along = (acceleration * -velocity / high).sum()  # a . score
    found = []
    for _ in range(2):
        probe = 2 * torch.randint(0, 2, x.shape, generator=generator).to(x) - 1
        divergence = (probe * _gradient((acceleration * probe).sum(), x)).sum()
        found.append((low - high) ** 2 / 2 * _gradient(divergence + along, x))
    return found


def derivatives(kind: str, dim: int) -> int:
    """Passes backwards through D that a cost takes, for samples of `dim` elements: the rows of the
    Jacobian and the gradient of its volume, or two for either probe."""
    if kind == "corrector":
        return 0
    return dim + 1 if dim <= WHOLE else 4


def _gradient(value: torch.Tensor, x: Batch) -> torch.Tensor:
    return torch.autograd.grad(value, x, create_graph=True)[0]


def cost_of(kind: str, dim: int) -> int:
    """Evaluations that a cost takes for every sample, at both levels; a derivative counts as
    `DERIVATIVE` of them."""
    return 2 + DERIVATIVE * derivatives(kind, dim)

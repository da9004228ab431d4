"""The About tab: what is exact, what is shown, and where it comes from."""

from __future__ import annotations

import importlib.metadata

import gradio as gr

from ays_core.models import MODELS
from ays_core.optimizers import OPTIMIZERS
from components import leaderboard_tables

TEXT = """
## What one looks at

Sampling a diffusion model is solving a differential equation on a list of noise levels: the
*schedule*. Here everything else is held fixed (same model, same start noise, same solver, same
number of steps), so that whatever differs between two rows comes from the levels alone.

* **Reference.** The top row is a run of many steps from the same noise: Heun on Karras' levels,
  79 calls for pictures and 399 for points. *Error* is the root mean square distance of a row to it;
  *same* is the share of samples that end in the same component of the model's exact mixture.
* **Calls.** Rows show how often the denoiser was really called. Heun calls it twice a step.
* **Range tuned.** A star marks a closed form whose largest and smallest level were searched on
  training noises with the chosen solver. Much of what looks like a better shape is only a better
  range, so the twin is there for comparison.
* **Which noises.** Seeds below 10,000 are used to optimise, seeds from 10,000 are shown, seeds from
  20,000 judge. A schedule is never shown on the noises it was found on.
* **Stochastic solvers** add fresh noise, so they have no single right picture: they are compared by
  distances between distributions, each beside its floor (as many exact samples, drawn at random).

## Models

The models of the menu come with the app. All but one have an exact closed-form denoiser: what you
see is the error of the schedule and the solver, and of nothing else. *Network* is a small U-Net
that was trained on the same pictures, with the errors that training leaves. Diffusers pipelines are
loaded from the Hub or a folder, above the curve.
"""


def build(tab: gr.Tab) -> None:
    gr.Markdown(TEXT)
    gr.Markdown("\n".join(f"* **{e.label}**: {e.reference}" for e in MODELS.values()))
    gr.Markdown("## Optimizers")
    gr.Markdown(
        "\n".join(f"* **{e.label}** (`{e.key}`): {e.reference}" for e in OPTIMIZERS.values())
    )
    leaderboard_tables.build(tab)
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in SHOWN_VERSIONS)
    gr.Markdown(f"Versions: {versions}. Licence: Apache-2.0.")


SHOWN_VERSIONS = ("gradio", "torch", "diffusers", "plotly", "numpy")

"""Models as the tests know them: nothing but their noise axes."""

from ays_core.models import MODELS
from ays_core.paths import VE, Flow, ModelSpec, linear_vp, scaled_linear_vp

SD = ModelSpec(
    key="sd15",
    label="Stable Diffusion 1.5",
    sample_shape=(4, 64, 64),
    sigma_min=float(scaled_linear_vp().table[0]),
    sigma_max=float(scaled_linear_vp().table[-1]),
    sigma_data=1.0,
    path=scaled_linear_vp(),
)
EMBEDDED = ModelSpec("toy", "Toy", (2,), 0.02, 80.0, 0.5, linear_vp(), kind="points")
EDM = ModelSpec("edm", "EDM", (3, 32, 32), 0.002, 80.0, 0.5, VE())
SVD = ModelSpec("svd", "Stable Video Diffusion", (4, 8, 8), 0.002, 700.0, 1.0, VE())
FLOW = ModelSpec("flow", "Flow", (16, 64, 64), 1e-3, 1e4, 1.0, Flow())
SPECS = {spec.key: spec for spec in (SD, EMBEDDED, EDM, SVD, FLOW)}
# Of the embedded models, one for each noise axis.
AXES = {(s.sigma_min, s.sigma_max, s.path): s for s in (entry.spec for entry in MODELS.values())}
SPECS |= {spec.key: spec for spec in AXES.values()}

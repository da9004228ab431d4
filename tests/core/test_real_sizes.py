"""What the adapters read from the configs of one published checkpoint of each family."""

from __future__ import annotations

import pytest
import torch

from ays_core.models.pipelines import adapt
from tests.benchmarks import families
from tests.core import real_sizes as real
from tests.core import tiny_pipelines as tiny

EXPECTED = {  # shape of x, family whose tables belong, pixels of a side, sigma_max, millions
    "stable_diffusion": ((4, 64, 64), "Stable Diffusion 1.5", 512, 14.6146, 860),
    "stable_diffusion_xl": ((4, 128, 128), "Stable Diffusion XL", 1024, 14.6146, 2567),
    "stable_diffusion_3": ((16, 128, 128), "Stable Diffusion 3", 1024, 1e4, 2028),
    "flux": ((16, 128, 128), None, 1024, 1e4, 11901),
    "dit": ((4, 32, 32), "", 256, 157.407, 750),  # 675, but in diffusers every block embeds
    "pixart_sigma": ((4, 128, 128), "", 1024, 157.407, 611),
    "wan": ((16, 21, 60, 60), "Wan 2.1", None, 1e4, 1419),
    "ddpm": ((3, 32, 32), "", 32, 157.407, 36),
}


@pytest.mark.parametrize("name", real.FAMILIES)
def test_every_field_is_read_from_real_configs(name: str):
    shape, family, side, sigma_max, millions = EXPECTED[name]
    with torch.device("meta"):
        pipe = real.FAMILIES[name][1]()
    model = adapt(pipe, name, size=real.PIXELS.get(name))
    weights = sum(p.numel() for p in model.module.parameters()) / 1e6
    assert weights == pytest.approx(millions, rel=0.01), "the published size"
    assert model.spec.sample_shape == shape
    assert family is None or model.spec.family == family
    assert side is None or model.side == (side, side)
    assert model.spec.sigma_max == pytest.approx(sigma_max, rel=1e-4)
    x = torch.empty(1, *shape, device="meta")
    with torch.no_grad():
        cond = real.condition(name, model)
        assert model.denoise(x, 2.0, cond or {}).shape == x.shape
    if name == "flux":  # 4096 tokens: the end of the line along which its shift rises
        assert "3.158 at this size" in model.facts["shift"]


def test_the_benchmark_of_all_families_says_when_there_is_no_card(monkeypatch, capsys):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    families.main([])
    assert "no card here: the families at real size were not run" in capsys.readouterr().out


def test_a_row_of_that_benchmark_is_made_on_any_device(monkeypatch):
    monkeypatch.setattr(families, "REPEATS", 1)
    model = adapt(tiny.make("dit"))
    row = families.line("tiny", model, real.condition("dit", model), "cpu")
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[:3] == ["tiny", "0", "float32"] and cells[4] == "nan", "no card, no figure"
    assert len(cells) == families.HEAD.count(" |") and float(cells[3]) > 0

"""Distributions drawn by hand: exact, made again from their name alone, bounded."""

from __future__ import annotations

import pytest
import torch

from ays_core.denoiser import bind
from ays_core.job import run
from ays_core.models import drawn_name, embedded, in_memory, load_model, read_points, spec_of
from ays_core.models.drawn import EXTENT, MAX_POINTS, read_name
from ays_core.optimizers import OPTIMIZERS
from ays_core.schedules import SCHEDULES

NAME = "drawn:0.1,0.2;-0.5,0.3@0.05"


def test_the_name_is_the_model():
    model = load_model(NAME)
    assert model.spec.key == NAME == drawn_name([(0.1, 0.2), (-0.5, 0.3)], 0.05)
    assert model is in_memory(NAME) and spec_of(NAME) == model.spec and embedded(NAME)
    assert (
        model.spec.exact and model.spec.kind == "points" and model.spec.label == "Drawn: 2 points"
    )
    assert model.means.tolist() == [[0.1, 0.2], [-0.5, 0.3]]
    assert torch.allclose(model.variances, torch.tensor(0.05**2, dtype=torch.float64))
    # at low noise D(x) draws x to the nearest point, by sigma^2 against the spread's square
    x = torch.tensor([[0.2, 0.2]], dtype=torch.float64)
    assert torch.allclose(model.denoise(x, 0.05), torch.tensor([[0.15, 0.2]]).double())


def test_a_written_name_is_read_back_and_numbers_are_rounded_once():
    name = drawn_name([(1 / 3, -2 / 3), (2, -2), (-0.0004, 0)], 0.125)
    assert name == "drawn:0.333,-0.667;2,-2;-0,0@0.125"
    points, std = read_name(name)
    assert drawn_name(points, std) == name and std == 0.125


def test_optimizers_run_on_it_and_its_record_names_it():
    denoise = bind(load_model(NAME))
    start = SCHEDULES["karras"].make(5, denoise.spec)
    found = run(OPTIMIZERS["oss"].make(denoise, start, "euler", num=16, teacher_steps=40))
    assert found.origin.params["model"] == NAME and found.num_steps == 5


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("drawn:", "are written"),
        ("drawn:0,0", "are written"),
        ("drawn:@0.05", "0 points"),
        ("drawn:0,0;@0.05", "two numbers"),
        ("drawn:0@0.05", "two numbers"),
        ("drawn:a,b@0.05", "'a' is no number"),
        ("drawn:0,nan@0.05", "point 1: "),
        ("drawn:0,0;inf,0@0.05", "point 2: "),
        (f"drawn:{EXTENT + 0.01},0@0.05", "point 1: "),
        ("drawn:0,0@0", "the spread is 0"),
        ("drawn:0,0@-1", "the spread is -1"),
        ("drawn:0,0@nan", "the spread is nan"),
        ("drawn:0,0@x", "'x' is no number"),
        ("drawn:" + ";".join(["0,0"] * (MAX_POINTS + 1)) + "@0.05", "257 points"),
        ("drawn:" + "0" * 10_000, "characters"),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_a_sentence(name, said):
    for read in (load_model, in_memory, spec_of):
        with pytest.raises(ValueError, match=said) as refused:
            read(name)
        assert len(str(refused.value)) < 250


def test_points_are_read_from_lines_of_any_kind():
    assert read_points("0.5, 1\n\n -1\t2 \n0;0\n1e-1,.5") == [(0.5, 1), (-1, 2), (0, 0), (0.1, 0.5)]
    for text, said in (("", "0 points"), ("1", "two numbers"), ("1,2,3", "two"), ("a b", "no num")):
        with pytest.raises(ValueError, match=said):
            read_points(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("0, 0\n\n1", "line 3: a point is two numbers, x and y; got '1'"),
        ("0, 0\n0, 1\na, 1", "line 3: 'a' is no number"),
        ("\n0, 9", "line 2: (0, 9) is outside; both must lie within ±2"),
        ("0 0\nnan 0", "line 2: (nan, 0) is outside"),
        ("1 2 3", "line 1: a point is two numbers"),
    ],
)
def test_a_line_that_is_no_point_is_named(text, said):
    with pytest.raises(ValueError) as refused:
        read_points(text)
    assert str(refused.value).startswith(said)

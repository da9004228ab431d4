"""Operations against closed forms: on a geometric list most of them are exact."""

from dataclasses import replace

import numpy as np
import pytest

from ays_core.editing import (
    blend,
    concatenate,
    smooth,
    snap,
    split,
    subdivide,
    with_final_zero,
    without_final_zero,
)
from ays_core.params import adjustable
from ays_core.schedule import Origin, Schedule
from ays_core.schedules import SCHEDULES
from tests.core.specs import EDM, FLOW, SD

KARRAS = SCHEDULES["karras"].make(8, SD)
GEOMETRIC = Schedule((16.0, 8.0, 4.0, 2.0, 1.0, 0.0), Origin("by hand", reference="this test"))
UNEVEN = Schedule((16.0, 15.0, 2.0, 1.0))


@pytest.mark.parametrize(
    "schedule", [KARRAS, GEOMETRIC, UNEVEN, Schedule((4, 0)), Schedule((4, 2))]
)
@pytest.mark.parametrize("amount", [0, 0.3, 1])
def test_smoothing_keeps_ends_steps_and_order(schedule, amount):
    made = smooth(schedule, amount=amount, rounds=20)
    assert made.num_steps == schedule.num_steps
    assert made.final_zero is schedule.final_zero
    assert (made.sigmas[0], made.positive[-1]) == (schedule.sigmas[0], schedule.positive[-1])


def test_smoothing_moves_towards_the_neighbours_mean():
    assert smooth(UNEVEN, amount=1).sigmas == pytest.approx((16, 32**0.5, 15**0.5, 1))
    assert smooth(GEOMETRIC, amount=0.7).sigmas == pytest.approx(GEOMETRIC.sigmas)
    settled = smooth(UNEVEN, amount=0.9, rounds=100).sigmas
    assert settled == pytest.approx(np.geomspace(16, 1, 4), rel=1e-9)


def test_blending():
    other = Schedule((4.0, 2.0, 1.0, 0.5, 0.25, 0.0))
    assert blend(GEOMETRIC, other, weight=0).sigmas == GEOMETRIC.sigmas
    assert blend(GEOMETRIC, other, weight=1).sigmas == pytest.approx(other.sigmas)
    assert blend(GEOMETRIC, other).sigmas == pytest.approx((8, 4, 2, 1, 0.5, 0))


def test_blending_with_another_number_of_steps_and_end():
    coarse = Schedule((16.0, 4.0, 1.0))
    assert blend(GEOMETRIC, coarse).sigmas == pytest.approx(GEOMETRIC.sigmas)
    assert blend(coarse, GEOMETRIC).sigmas == pytest.approx(coarse.sigmas)


def test_subdividing():
    made = subdivide(Schedule((16.0, 4.0, 1.0, 0.0)))
    assert made.sigmas == pytest.approx((16, 8, 4, 2, 1, 0))
    assert subdivide(KARRAS, parts=3).positive[::3] == KARRAS.positive
    assert subdivide(UNEVEN, parts=5).sigmas == pytest.approx(UNEVEN.with_steps(15).sigmas)


@pytest.mark.parametrize("schedule", [KARRAS, GEOMETRIC, UNEVEN])
def test_what_is_split_can_be_put_together(schedule):
    for at in range(1, schedule.num_steps):
        noisy, clean = split(schedule, at)
        assert noisy.num_steps == at
        assert noisy.sigmas[-1] == clean.sigmas[0] == schedule.sigmas[at]
        assert concatenate(noisy, clean) == schedule


def test_concatenating_across_a_gap():
    made = concatenate(Schedule((16, 8)), Schedule((4, 2, 0)))
    assert made.sigmas == (16, 8, 4, 2, 0)


def test_snapping_to_timesteps():
    made = snap(SCHEDULES["ays_sd15_zero"].make(10, SD), SD)
    times = SD.path.time(np.array(made.positive))
    assert np.allclose(times, [999, 850, 736, 645, 545, 455, 343, 233, 125, 24], atol=1e-9)
    assert made.final_zero
    assert snap(made, SD).sigmas == pytest.approx(made.sigmas, rel=1e-12)
    flow = snap(SCHEDULES["oss_flux"].make(10, FLOW), FLOW)
    times = 1000 * FLOW.path.time(np.array(flow.positive))
    assert np.allclose(times, np.rint(times), atol=1e-9)


@pytest.mark.parametrize("spec", [SD, FLOW])
def test_snapping_stays_within_what_the_model_knows(spec):
    """A largest level between two timesteps goes to the lower one."""
    small = replace(spec, sigma_max=3.21)
    made = snap(Schedule((3.21, 1.0, 0.1)), small)
    assert small.check(made).sigmas[0] <= 3.21
    assert made.sigmas[0] == pytest.approx(3.21, rel=0.01)


def test_final_zero():
    assert with_final_zero(UNEVEN, "append").sigmas == (16, 15, 2, 1, 0)
    assert with_final_zero(UNEVEN, "replace").sigmas == (16, 15, 2, 0)
    assert without_final_zero(GEOMETRIC).sigmas == GEOMETRIC.positive


REFUSED = [
    (lambda: smooth(KARRAS, amount=2), "amount is 2; it must lie between 0 and 1"),
    (lambda: smooth(KARRAS, rounds=10**9), "rounds is 1e+09; it must lie between 1 and 100"),
    (lambda: blend(KARRAS, KARRAS, weight=-1), "weight is -1; it must lie between 0 and 1"),
    (lambda: subdivide(KARRAS, parts=1), "parts is 1; it must lie between 2 and 10"),
    (lambda: subdivide(KARRAS.with_steps(500), parts=10), "at most 1001 levels, got 4992"),
    (lambda: split(KARRAS, 0), "split at level 0: give one from 1 to 7"),
    (lambda: split(KARRAS, 8), "split at level 8: give one from 1 to 7"),
    (lambda: concatenate(KARRAS, UNEVEN), "the first schedule ends in 0: no level can follow"),
    (
        lambda: concatenate(UNEVEN, UNEVEN),
        "the second schedule starts at 16, above 1 where the first ends",
    ),
    (lambda: snap(KARRAS, EDM), "EDM has no timesteps to snap to"),
    (
        lambda: snap(Schedule((2.0001, 2.0, 1.0)), SD),
        "levels 0 and 1 both fall on timestep 562",
    ),
    (lambda: with_final_zero(GEOMETRIC, "append"), "the schedule ends in 0 already"),
    (lambda: with_final_zero(GEOMETRIC, "replace"), "the schedule ends in 0 already"),
    (lambda: without_final_zero(UNEVEN), "the schedule has no final 0: it ends at 1"),
    (lambda: without_final_zero(Schedule((4, 0))), "a schedule needs at least 2 levels, got 1"),
]


@pytest.mark.parametrize(("edit", "sentence"), REFUSED)
def test_refusals(edit, sentence):
    with pytest.raises(ValueError) as caught:
        edit()
    assert str(caught.value) == sentence


def test_an_edit_says_what_it_did_to_what():
    made = smooth(GEOMETRIC, amount=0.25)
    params = {"operation": "smooth", "amount": 0.25, "rounds": 1}
    assert made.origin == Origin("edited", params, "this test", "by hand")
    assert blend(KARRAS, GEOMETRIC).origin.params["other"] == "by hand"


def test_parameters_can_be_made_into_controls():
    for operation, names in (
        (smooth, ["amount", "rounds"]),
        (blend, ["weight"]),
        (subdivide, ["parts"]),
    ):
        found = adjustable(operation)
        assert [parameter.name for parameter in found] == names
        assert all(parameter.values.note for parameter in found)

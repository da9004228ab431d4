"""A schedule is a value: valid by construction, equal by its levels, never changed."""

import pickle
from dataclasses import FrozenInstanceError
from itertools import pairwise

import numpy as np
import pytest

from ays_core.schedule import MAX_LEVELS, Origin, Schedule, checked_levels

INVALID = [
    ([3, 2, 2, 0], r"levels 1 and 2 are equal \(2\): levels must decrease"),
    ([3, 2, 2.5], r"level 2 \(2.5\) is above level 1 \(2\): levels must decrease"),
    ([3, 0, 0], r"level 1 is 0: only the last level may be 0"),
    ([0, 0], r"level 0 is 0: only the last level may be 0"),
    ([3, -1], r"level 1 is -1: levels cannot be negative"),
    ([3, float("nan")], r"level 1 is nan: levels must be finite"),
    ([float("inf"), 3], r"level 0 is inf: levels must be finite"),
    ([10**400, 3], r"level 0 is inf: levels must be finite"),
    ([3, "x", 1], r"level 1 is not a number: 'x'"),
    ([3, "2", 1], r"level 1 is not a number: '2'"),
    ([3, None, 1], r"level 1 is not a number: 'None'"),
    ([3, True], r"level 1 is not a number: 'True'"),
    ([3, [1]], r"level 1 is not a number"),
    ([3], r"a schedule needs at least 2 levels, got 1"),
    ([], r"a schedule needs at least 2 levels, got 0"),
    (range(10_000, 0, -1), r"at most 1001 levels, got 10000"),
    ("3 2 1", r"a schedule is a list of numbers, got str"),
    (3.0, r"a schedule is a list of numbers, got float"),
    (None, r"a schedule is a list of numbers, got NoneType"),
]


@pytest.mark.parametrize(("levels", "sentence"), INVALID)
def test_invalid_levels_are_named(levels, sentence):
    with pytest.raises(ValueError, match=sentence):
        Schedule(levels)


def test_what_is_kept():
    schedule = Schedule([np.float32(3), 2, -0.0])
    assert schedule.sigmas == (3.0, 2.0, 0.0)
    assert all(type(sigma) is float for sigma in schedule.sigmas)
    assert str(schedule.sigmas[-1]) == "0.0"
    assert (schedule.num_steps, schedule.final_zero, schedule.positive) == (2, True, (3, 2))
    assert Schedule((3, 2)).positive == (3, 2)
    assert not Schedule((3, 2)).final_zero
    assert len(checked_levels(range(MAX_LEVELS, 0, -1))) == MAX_LEVELS


def test_equality_is_of_levels_not_of_makers():
    one, two = Schedule((3, 2, 0), Origin("karras", {"rho": 7})), Schedule((3, 2, 0))
    assert one == two and hash(one) == hash(two) and len({one, two}) == 1
    assert one != Schedule((3, 1, 0))
    with pytest.raises(FrozenInstanceError):
        one.sigmas = (1, 0)


def test_an_origin_does_not_change_with_the_mapping_it_was_made_from():
    params = {"rho": 7}
    origin = Origin("karras", params)
    params["rho"] = 3
    assert origin.params["rho"] == 7


def test_pickles():
    schedule = Schedule((3, 2, 0), Origin("karras", {"rho": 7}, "paper", "parent"))
    again = pickle.loads(pickle.dumps(schedule))
    assert again == schedule and again.origin == schedule.origin


def test_tensor_is_float64():
    import torch

    tensor = Schedule((3, 2, 0)).tensor()
    assert tensor.dtype == torch.float64
    assert tensor.tolist() == [3, 2, 0]
    assert Schedule((3, 2)).tensor(torch.zeros(1)).device == torch.zeros(1).device


@pytest.mark.parametrize("resampling", ["log-linear", "monotone"])
@pytest.mark.parametrize("zero", [True, False])
def test_resampling_keeps_both_ends_and_decreases(resampling, zero):
    levels = (14.6, 6.0, 5.9, 0.3, 0.029)
    schedule = Schedule((*levels, 0.0) if zero else levels, Origin("by hand"))
    for num_steps in (1, 2, 3, 7, 50, 1000):
        made = schedule.with_steps(num_steps, resampling)
        assert made.num_steps == num_steps
        assert made.sigmas[0] == 14.6
        assert made.final_zero is zero
        if len(made.positive) > 1:
            assert made.positive[-1] == 0.029
        assert all(a > b for a, b in pairwise(made.sigmas))
    assert schedule.with_steps(schedule.num_steps) is schedule


@pytest.mark.parametrize("resampling", ["log-linear", "monotone"])
def test_resampling_a_geometric_list_is_exact(resampling):
    made = Schedule(tuple(np.geomspace(10, 0.1, 5))).with_steps(10, resampling)
    assert np.allclose(made.sigmas, np.geomspace(10, 0.1, 11), rtol=1e-12)


def test_subdividing_keeps_the_old_levels():
    schedule = Schedule((14.6, 6.0, 5.9, 0.3, 0.029))
    for resampling in ("log-linear", "monotone"):
        assert np.allclose(schedule.with_steps(8, resampling).sigmas[::2], schedule.sigmas)


def test_log_linear_means_geometric_means():
    assert Schedule((16.0, 4.0, 0.0)).with_steps(3).sigmas == pytest.approx((16, 8, 4, 0))


def test_resampling_says_where_it_comes_from():
    made = Schedule((4, 2, 1), Origin("karras", reference="paper")).with_steps(4)
    assert made.origin == Origin(
        "resampled", {"steps": 4, "resampling": "log-linear"}, "paper", "karras"
    )


def test_resampling_refuses():
    for num_steps in (0, -3, 1001, 10**9):
        with pytest.raises(ValueError, match=f"1 to 1000 steps, got {num_steps}"):
            Schedule((4, 2, 1)).with_steps(num_steps)
    with pytest.raises(ValueError, match=r"one positive level \(4\) has no curve"):
        Schedule((4, 0)).with_steps(3)

import pytest

from components.limits import Limits, from_environment


@pytest.mark.parametrize(
    ("environment", "public", "seconds"),
    [
        ({}, False, 600),
        ({"AYS_PUBLIC": "1"}, True, 60),
        ({"SPACE_ID": "someone/space"}, True, 60),
        ({"SPACE_ID": "someone/space", "AYS_PUBLIC": "0"}, False, 600),
        ({"AYS_JOB_SECONDS": "5"}, False, 5),
    ],
)
def test_the_environment_chooses_the_limits(environment, public, seconds):
    limits = from_environment(environment)
    assert (limits.public, limits.seconds) == (public, seconds)


@pytest.mark.parametrize("bad", [0, -3, 200, 10_000, 2.5, float("inf"), float("nan"), None])
def test_a_refused_step_count_is_named(bad):
    with pytest.raises(
        ValueError, match=f"steps is {'empty' if bad is None else f'{bad:g}'}: .* 1 to 199"
    ):
        Limits().checked_steps(bad)


def test_too_many_levels_or_too_much_text_are_refused_with_both_numbers():
    with pytest.raises(ValueError, match="201 levels; here at most 200"):
        Limits().checked_levels(range(201))
    with pytest.raises(ValueError, match="20,001 characters"):
        Limits().checked_text("x" * 20_001)
    Limits().checked_levels(range(200))


@pytest.mark.parametrize(("public", "most"), [("0", 4096), ("1", 1024)])
def test_the_side_of_a_picture_is_bounded(public, most):
    limits = from_environment({"AYS_PUBLIC": public})
    assert limits.checked_side(0) is None and limits.checked_side(None) is None
    assert limits.checked_side(most) == most
    for side in (most + 8, -8):
        with pytest.raises(ValueError, match=f"at most {most}"):
            limits.checked_side(side)

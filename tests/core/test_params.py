from typing import Annotated

import pytest

from ays_core.params import YES_NO, Choice, Parameter, Range, adjustable, parse_params


def example(
    x,
    *,
    rho: Annotated[float, Range(1, 15, "shape")] = 7.0,
    steps: Annotated[int, Range(1, 100)] = 10,
    kind: Annotated[str, Choice(("corrector", "predictor"))] = "corrector",
    order: Annotated[int, Choice(("1", "2"))] = 1,
    shared: Annotated[bool, YES_NO] = True,
    seed: int = 0,
    power: Annotated[str, Choice(("auto", "3"), numbers=(-1, 4))] = "auto",
    note: Annotated[str, "not a control"] = "",
):
    return x, rho, steps, kind, order, shared, seed, power, note


def test_only_annotated_keywords_are_adjustable():
    found = adjustable(example)
    names = ["rho", "steps", "kind", "order", "shared", "power"]
    assert [parameter.name for parameter in found] == names
    assert found[0] == Parameter("rho", float, 7.0, Range(1, 15, "shape"))
    assert adjustable(lambda rho: rho) == ()


def test_text_becomes_the_parameter_s_type():
    given = {"rho": "3", "steps": "20", "kind": "predictor", "order": "2", "shared": "false"}
    values = parse_params(example, given)
    assert values == {"rho": 3.0, "steps": 20, "kind": "predictor", "order": 2, "shared": False}
    assert [type(value) for value in values.values()] == [float, int, str, int, bool]
    assert example(0, **values)[1] == 3.0


def test_values_that_have_their_type_already():
    values = parse_params(example, {"rho": 3, "steps": 20.0, "shared": True})
    assert values == {"rho": 3.0, "steps": 20, "shared": True}
    assert type(values["steps"]) is int


@pytest.mark.parametrize("value", ["0.5", ".50", 0.5])
def test_a_choice_may_take_numbers_too(value):
    assert parse_params(example, {"power": value}) == {"power": "0.5"}
    assert parse_params(example, {"power": "auto"}) == {"power": "auto"}


REFUSED = [
    ({"rho": "0.5"}, "rho is 0.5; it must lie between 1 and 15"),
    ({"rho": "nan"}, "rho is nan; it must lie between 1 and 15"),
    ({"rho": "inf"}, "rho is inf; it must lie between 1 and 15"),
    ({"rho": 10**400}, "rho is inf; it must lie between 1 and 15"),
    ({"rho": "seven"}, "rho is not a number: 'seven'"),
    ({"rho": None}, "rho is not a number: 'None'"),
    ({"rho": True}, "rho is not a number: 'true'"),
    ({"steps": "2.5"}, "steps is 2.5; it must be a whole number"),
    ({"kind": "best"}, "kind is 'best'; choose one of: corrector, predictor"),
    ({"shared": "yes"}, "shared is 'yes'; choose one of: true, false"),
    ({"power": "5"}, "power is 5; it must lie between -1 and 4"),
    ({"power": "all"}, "power is 'all'; choose one of: auto, 3"),
    (
        {"seed": 1},
        "unknown parameter 'seed'; adjustable here: rho, steps, kind, order, shared, power",
    ),
]


@pytest.mark.parametrize(("given", "sentence"), REFUSED)
def test_refusals_name_the_value_and_the_choices(given, sentence):
    with pytest.raises(ValueError) as caught:
        parse_params(example, given)
    assert str(caught.value) == sentence


def test_nothing_adjustable():
    with pytest.raises(ValueError, match="unknown parameter 'rho'; adjustable here: none"):
        parse_params(lambda: None, {"rho": 1})

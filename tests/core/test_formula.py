"""The formula box: closed forms come out right, everything else gets a sentence and a place."""

import math

import numpy as np
import pytest

from ays_core.formula import FUNCTIONS, FormulaError, evaluate, schedule_from_formula
from ays_core.schedules import SCHEDULES
from tests.core.specs import EMBEDDED, SD

CLOSED_FORMS = {
    "karras": "(sigma_max^(1/7) + u*(sigma_min^(1/7) - sigma_max^(1/7)))^7",
    "log_snr": "exp(ln(sigma_max) + u * ln(sigma_min / sigma_max))",
    "kl_optimal": "tan(atan(sigma_max) + u*(atan(sigma_min) - atan(sigma_max)))",
    "sigma_linear": "sigma_max - i/(n-1) * (sigma_max - sigma_min)",
    "polyexponential": "sigma_min * (sigma_max/sigma_min) ** (1-u)",
}


@pytest.mark.parametrize("zero", [True, False])
@pytest.mark.parametrize("spec", [SD, EMBEDDED], ids=lambda spec: spec.key)
@pytest.mark.parametrize("key", CLOSED_FORMS)
def test_closed_forms(key, spec, zero):
    for num_steps in (2, 10):
        typed = schedule_from_formula(CLOSED_FORMS[key], num_steps, spec, final_zero=zero)
        made = SCHEDULES[key].make(num_steps, spec, final_zero=zero)
        assert typed.sigmas == pytest.approx(made.sigmas, rel=1e-9)
    assert typed.origin.method == "formula"
    assert typed.origin.params["formula"] == CLOSED_FORMS[key]


def test_a_range_of_one_s_own():
    made = schedule_from_formula("sigma_max * 0.5^i", 3, SD, sigma_max=8, sigma_min=1)
    assert made.sigmas == (8, 4, 2, 0)
    assert schedule_from_formula("sigma_max", 1, SD).sigmas == (SD.sigma_max, 0)


VALUES = {
    "1 + 2 * 3": 7,
    "(1 + 2) * 3": 9,
    "8 / 4 / 2": 1,
    "8 - 4 - 2": 2,
    "2 ^ 3 ^ 2": 512,
    "2 ** 3": 8,
    "-2 ^ 2": -4,
    "(-2) ^ 2": 4,
    "2 ^ -1": 0.5,
    "2 * -3": -6,
    "--2": 2,
    "+2": 2,
    "1.5e1": 15,
    ".5 + 1.": 1.5,
    "1E-2": 0.01,
    " 1\t+\n1 ": 2,
    "x * x": 9,
    "x_2": 5,
    "exp(1)": math.e,
    "ln(e)": 1,
    "log(e^2)": 2,
    "sqrt(9)": 3,
    "abs(-3)": 3,
    "sin(pi/2) + cos(0)": 2,
    "tan(atan(0.3))": 0.3,
    "asin(1) + acos(1)": math.pi / 2,
    "sinh(0) + cosh(0) + tanh(0)": 1,
    "min(2, x)": 2,
    "max(min(1, 2), x)": 3,
}
NAMES = {"x": np.float64(3), "x_2": np.float64(5), "pi": np.float64(np.pi), "e": np.float64(np.e)}


@pytest.mark.parametrize("text", VALUES)
def test_values(text):
    assert float(evaluate(text, NAMES)) == pytest.approx(VALUES[text], rel=1e-15)


def test_every_function_is_tried():
    assert all(any(f"{name}(" in text for text in VALUES) for name in FUNCTIONS)


WRONG = {
    "": ("a number or a name is missing", 0),
    "   ": ("a number or a name is missing", 3),
    "1 +": ("a number or a name is missing", 3),
    "1 + * 2": ("a number or a name is missing before '*'", 4),
    "1 2": ("'2' is too much", 2),
    "2u": ("'u' is too much", 1),
    "(1 + 2": ("')' is missing", 6),
    "1 + 2)": ("')' is too much", 5),
    "exp": ("'(' is missing", 3),
    "exp 1": ("'(' is missing, not '1'", 4),
    "exp()": ("a number or a name is missing before ')'", 4),
    "exp(1, 2)": ("exp takes 1 argument, got 2", 0),
    "max(1)": ("max takes 2 arguments, got 1", 0),
    "y": ("unknown name 'y'; known: x, x_2, pi, e, exp", 0),
    "1 + sigma": ("unknown name 'sigma'", 4),
    "1 ; 2": ("';' has no meaning here", 2),
    "x.real": ("'.' has no meaning here", 1),
    "x[0]": ("'[' has no meaning here", 1),
    "'x'": ('"\'" has no meaning here', 0),
    "x = 2": ("'=' has no meaning here", 2),
    "x // 2": ("a number or a name is missing before '/'", 3),
    "1 < 2": ("'<' has no meaning here", 2),
    "lambda": ("unknown name 'lambda'", 0),
    "lambda: 1": ("':' has no meaning here", 6),
    "__import__(x)": ("unknown name '__import__'", 0),
    "().__class__": ("'.' has no meaning here", 2),
    "２ + 1": ("'２' has no meaning here", 0),
    "e^(σ)": ("'σ' has no meaning here", 3),
}


@pytest.mark.parametrize("text", WRONG)
def test_what_is_wrong_is_named_with_its_place(text):
    sentence, position = WRONG[text]
    with pytest.raises(FormulaError) as caught:
        evaluate(text, NAMES)
    assert str(caught.value).startswith(sentence)
    assert str(caught.value).endswith(f"(at character {position + 1})")
    assert caught.value.position == position


HOSTILE = {
    "nested brackets": ("(" * 60 + "1" + ")" * 60, "nested more than 50 deep"),
    "signs": ("-" * 60 + "1", "nested more than 50 deep"),
    "powers": ("^".join(["9"] * 60), "nested more than 50 deep"),
    "nested calls": ("exp(" * 60 + "1" + ")" * 60, "nested more than 50 deep"),
    "length": ("1+" * 250 + "1", "at most 500 characters, got 501"),
    "spaces": (" " * 10**6, "at most 500 characters"),
    "a tower": ("9^9^9^9^9^9", "level 0 is inf: the formula has no finite value there"),
    "a huge number": ("1e999", "level 0 is inf"),
    "many digits": ("9" * 499, "level 0 is inf"),
    "0 / 0": ("u / u", "level 0 is nan"),
    "a root of a negative": ("sqrt(-1 - u)", "level 0 is nan"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_formulas(name):
    text, sentence = HOSTILE[name]
    with pytest.raises(ValueError, match=sentence):
        schedule_from_formula(text, 1000, SD)


NO_SCHEDULE = {
    "sigma_min + u * sigma_max": r"level 1 \(\S+\) is above level 0",
    "1": r"levels 0 and 1 are equal \(1\): levels must decrease",
    "1 - 2 * u": r"level \d is -\S+: levels cannot be negative",
    "1 - u": "level 4 is 0 already: leave the final 0 out",
    "2 * sigma_max - i": "level 0 is 29.2293, above Stable Diffusion 1.5's sigma_max",
}


@pytest.mark.parametrize("text", NO_SCHEDULE)
def test_values_that_are_no_schedule(text):
    with pytest.raises(ValueError, match=NO_SCHEDULE[text]):
        schedule_from_formula(text, 5, SD)


def test_its_own_final_zero():
    assert schedule_from_formula("1 - u", 4, SD, final_zero=False).sigmas[-1] == 0

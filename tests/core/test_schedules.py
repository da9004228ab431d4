"""Closed forms against printed lists, diffusers and other tools; invariants over every entry."""

import inspect
import json
import warnings
from dataclasses import replace

import numpy as np
import pytest

from ays_core.models import MODELS
from ays_core.params import adjustable
from ays_core.schedule import Origin
from ays_core.schedules import SCHEDULES, TABLES, add_tables, read_table, scaled
from tests.core.specs import EMBEDDED, FLOW, SD, SPECS, SVD

FORMULAS = [key for key, entry in SCHEDULES.items() if entry.kind == "formula"]
ENDS_ABOVE_SIGMA_MIN = {"sgm_uniform", "simple", "beta", "linear_quadratic"}


def numbers(text):
    return [float(word) for word in text.split()]


# Six levels between SD 1.5's own ends, then 0.
PRINTED = {
    "karras": ({}, "14.6146 6.0821 2.2322 .6926 .1698 .0292"),
    "log_snr": ({}, "14.6146 4.2151 1.2157 .3506 .1011 .0292"),
    "polyexponential": ({"rho": 2}, "14.6146 1.5589 .2734 .0789 .0374 .0292"),
    "linear_t": ({}, "14.6146 5.0924 2.2797 1.1629 .5712 .0292"),
    "sgm_uniform": ({}, "14.6146 5.9489 2.9183 1.6156 .9324 .4936"),
    "simple": ({}, "14.6146 5.9631 2.9183 1.6129 .9324 .4924"),
    "quadratic_t": ({}, "14.6146 2.6383 1.0193 .4784 .1989 .0292"),
    "kl_optimal": ({}, "14.6146 2.6329 1.2948 .7116 .3356 .0292"),
    "beta": ({}, "14.6146 8.7078 3.6758 1.6183 .7624 .3235"),
    "beta_a1111": ({}, "14.6146 12.8218 9.3245 5.3193 1.8220 .0292"),
    "laplace": ({}, "14.6146 1.5811 1.1180 .8944 .6325 .0292"),
    "linear_quadratic": ({}, "14.6146 14.4929 14.3711 14.2493 12.5848 7.8351"),
    "sigma_linear": ({}, "14.6146 11.6975 8.7805 5.8634 2.9463 .0292"),
}


def test_every_closed_form_has_a_printed_list():
    assert set(PRINTED) == set(FORMULAS)


@pytest.mark.parametrize("key", PRINTED)
def test_printed_lists(key):
    params, text = PRINTED[key]
    made = SCHEDULES[key].make(6, SD, **params)
    assert made.sigmas[-1] == 0
    assert np.allclose(made.positive, numbers(text), rtol=0, atol=5.1e-5)


# The same name in two tools, SD 1.5, ten steps.
TOOLS = {
    "ays_sd15_zero": "14.615 6.475 3.861 2.697 1.886 1.396 .963 .652 .399 .152 0",
    "ays_sd15_a1111": "14.615 6.114 3.565 2.394 1.650 1.136 .743 .445 .169 .029 0",
    "beta": "14.615 11.543 7.372 4.373 2.615 1.618 1.027 .655 .396 .199 0",
    "beta_a1111": "14.615 13.928 12.491 10.598 8.442 6.201 4.046 2.153 .716 .029 0",
    "kl_optimal": "14.615 4.232 2.394 1.597 1.133 .815 .573 .372 .195 .029 0",
    "linear_t": "14.615 7.840 4.609 2.918 1.950 1.345 .932 .625 .369 .029 0",
}


@pytest.mark.parametrize("key", TOOLS)
def test_lists_of_other_tools(key):
    assert np.allclose(SCHEDULES[key].make(10, SD).sigmas, numbers(TOOLS[key]), atol=6e-4)


def test_kl_optimal_of_a1111_is_one_level_more_without_the_zero():
    made = SCHEDULES["kl_optimal"].make(10, SD, final_zero=False)
    text = "14.615 4.565 2.633 1.786 1.295 .962 .712 .509 .336 .178 .029"
    assert np.allclose(made.sigmas, numbers(text), atol=6e-4)


# What diffusers computes with the same ends: option of its Euler scheduler, tolerance.
DIFFUSERS = {
    "karras": ({"use_karras_sigmas": True}, 1e-5),
    "log_snr": ({"use_exponential_sigmas": True}, 1e-5),
    "beta_a1111": ({"use_beta_sigmas": True}, 1e-5),
    "linear_t": ({"timestep_spacing": "linspace"}, 1e-4),  # it interpolates in sigma, not ln sigma
}


def euler_of_diffusers(num_steps, **options):
    from diffusers.schedulers.scheduling_euler_discrete import EulerDiscreteScheduler

    scheduler = EulerDiscreteScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", **options
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # theirs, about numpy 2
        scheduler.set_timesteps(num_steps)
    return scheduler


@pytest.mark.parametrize("num_steps", [5, 10, 25])
def test_trailing_is_that_of_diffusers_within_its_rounding_to_whole_timesteps(num_steps):
    theirs = euler_of_diffusers(num_steps, timestep_spacing="trailing").timesteps.numpy()
    ours = SD.path.time(np.array(SCHEDULES["trailing"].make(num_steps, SD).positive))
    assert np.all(np.abs(ours - theirs) <= 1)


@pytest.mark.parametrize("num_steps", [5, 10, 25])
@pytest.mark.parametrize("key", DIFFUSERS)
def test_equal_to_diffusers(key, num_steps):
    options, tolerance = DIFFUSERS[key]
    theirs = euler_of_diffusers(num_steps, **options)
    ours = SCHEDULES[key].make(num_steps, SD)
    assert np.allclose(ours.sigmas, theirs.sigmas.numpy(), rtol=tolerance, atol=1e-7)


@pytest.mark.parametrize("zero", [True, False, None])
@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
@pytest.mark.parametrize("key", SCHEDULES)
def test_exactly_the_steps_asked_or_a_refusal(key, spec, zero):
    entry = SCHEDULES[key]
    for num_steps in (1, 2, 5, 6, 10, 20, 50):
        try:
            made = entry.make(num_steps, spec, final_zero=zero)
        except ValueError as refusal:
            assert refused_rightly(str(refusal), entry, spec, zero)
        else:
            check_made(made, entry, spec, num_steps, zero)


def check_made(made, entry, spec, num_steps, zero):
    key = entry.key
    assert made.num_steps == num_steps
    assert all(a > b for a, b in zip(made.sigmas, made.sigmas[1:], strict=False))
    if zero is not None:
        assert made.final_zero is zero
    if entry.kind == "formula":
        assert made.final_zero is (zero is not False)
        table = spec.path.table
        discrete = key in ("simple", "beta")
        top = table[table <= spec.sigma_max][-1] if discrete else spec.sigma_max
        if key == "laplace":  # both ends are its own
            assert made.sigmas[0] <= spec.sigma_max and made.positive[-1] >= spec.sigma_min
            return
        assert made.sigmas[0] == top
        if len(made.positive) > 1:
            if key in ENDS_ABOVE_SIGMA_MIN:
                assert spec.sigma_min < made.positive[-1]
            else:
                assert made.positive[-1] == spec.sigma_min


def refused_rightly(sentence, entry, spec, zero):
    if "above" in sentence:  # a table made for a wider range
        return entry.kind == "table"
    if "it ends in 0" in sentence:
        return entry.kind == "table" and zero is False
    if "table of levels" in sentence:
        return entry.key in ("simple", "beta") and spec.path.table is None
    if "nearest" in sentence:
        return entry.make(int(sentence.rsplit(" ", 1)[1]), spec, final_zero=zero)
    return False


def test_no_closed_form_refuses_an_embedded_model_at_usual_step_counts():
    for key in FORMULAS:
        for num_steps in (1, 2, 4, 6, 10, 20, 50):
            SCHEDULES[key].make(num_steps, EMBEDDED)


def test_a_discrete_table_names_the_nearest_number_of_steps():
    with pytest.raises(ValueError, match=r"beta cannot make 300 steps .* works is (\d+)") as caught:
        SCHEDULES["beta"].make(300, SD)
    nearest = int(str(caught.value).split()[-1])
    assert SCHEDULES["beta"].make(nearest, SD).num_steps == nearest
    with pytest.raises(ValueError, match=f"the nearest number that works is {nearest}$"):
        SCHEDULES["beta"].make(nearest + 1, SD)


def test_aliases_are_not_entries():
    for alias, key in [
        ("edm", "karras"),
        ("exponential", "log_snr"),
        ("normal", "linear_t"),
        ("trailing", "sgm_uniform"),
        ("arctan", "kl_optimal"),
        ("cosine", "kl_optimal"),
    ]:
        assert SCHEDULES[alias] is SCHEDULES[key]
        assert alias not in list(SCHEDULES)


ADJUSTABLE = {
    "karras": {"rho"},
    "polyexponential": {"rho"},
    "kl_optimal": {"c"},
    "beta": {"alpha", "beta"},
    "beta_a1111": {"alpha", "beta"},
    "laplace": {"mu", "beta"},
    "linear_quadratic": {"threshold"},
}


@pytest.mark.parametrize("key", SCHEDULES)
def test_adjustable_parameters_are_the_formula_s_own(key):
    make = SCHEDULES[key].make
    found = {parameter.name: parameter for parameter in adjustable(make)}
    assert set(found) == ADJUSTABLE.get(key, set())
    shared = ["num_steps", "spec", "final_zero", "sigma_min", "sigma_max"]
    assert list(inspect.signature(make).parameters) == [*shared, *found]
    for name, parameter in found.items():
        assert parameter.values.note
        low, high = parameter.values.low, parameter.values.high
        assert low <= parameter.default <= high
        for value in (low, high):
            try:
                made = make(6, SD, **{name: value})
            except ValueError as refusal:
                assert "nearest number that works" in str(refusal)
                continue
            assert made.num_steps == 6
            assert made.origin.params[name] == value


@pytest.mark.parametrize("key", SCHEDULES)
def test_every_entry_says_where_it_comes_from(key):
    entry = SCHEDULES[key]
    assert entry.label and entry.reference
    assert (entry.made_for is not None) == (entry.kind == "table")
    spec = FLOW if entry.made_for and entry.made_for.space == "flow" else SD
    if "svd" in key or "if" in key:
        spec = SVD
    if entry.made_for and entry.made_for.model in MODELS:  # searched for an embedded model
        spec = MODELS[entry.made_for.model].spec
    origin = entry.make(entry.made_for.steps if entry.made_for else 10, spec).origin
    if "evaluations" not in origin.params:  # a learned table is called what its optimizer says
        assert origin.method == key
    assert origin.reference == entry.reference
    json.dumps(dict(origin.params))


BAD_RANGES = [
    ({"sigma_max": 20}, r"sigma_max is 20, above Stable Diffusion 1.5's 14.6146"),
    ({"sigma_min": 5, "sigma_max": 5}, r"sigma_min \(5\) must be below sigma_max \(5\)"),
    ({"sigma_min": 6, "sigma_max": 5}, r"sigma_min \(6\) must be below sigma_max \(5\)"),
    ({"sigma_min": 0}, r"sigma_min is 0; it must be a positive number"),
    ({"sigma_max": -1}, r"sigma_max is -1; it must be a positive number"),
    ({"sigma_max": float("nan")}, r"sigma_max is nan; it must be a positive number"),
    ({"sigma_min": float("inf")}, r"sigma_min is inf; it must be a positive number"),
]


@pytest.mark.parametrize(("given", "sentence"), BAD_RANGES)
@pytest.mark.parametrize("key", ["karras", "simple", "ays_sd15", "ays_sd15_a1111"])
def test_bad_ranges_get_one_sentence(key, given, sentence):
    with pytest.raises(ValueError, match=sentence):
        SCHEDULES[key].make(10, SD, **given)


@pytest.mark.parametrize("num_steps", [0, -1, 1001, 10**9, 2.5, True])
@pytest.mark.parametrize("key", ["karras", "ays_sd15"])
def test_bad_step_counts(key, num_steps):
    with pytest.raises(ValueError, match="step"):
        SCHEDULES[key].make(num_steps, SD)


def test_parameters_are_checked():
    with pytest.raises(ValueError, match="rho is 99; it must lie between 1 and 15"):
        SCHEDULES["karras"].make(10, SD, rho=99)
    with pytest.raises(ValueError, match="unknown parameter 'roh'; adjustable here: rho"):
        SCHEDULES["karras"].make(10, SD, roh=7)


def test_a_level_outside_the_model_s_table_is_refused_where_time_is_needed():
    assert SCHEDULES["karras"].make(5, SD, sigma_min=0.001).positive[-1] == 0.001
    with pytest.raises(ValueError, match=r"linear_t: level 0\.001 lies outside"):
        SCHEDULES["linear_t"].make(5, SD, sigma_min=0.001)


def test_a_range_of_one_s_own():
    made = SCHEDULES["karras"].make(6, EMBEDDED, sigma_min=1, sigma_max=25)
    assert (made.sigmas[0], made.positive[-1]) == (25, 1)
    table = SCHEDULES["ays_sd15"].make(10, SD, sigma_min=0.1, sigma_max=10)
    assert (table.sigmas[0], table.sigmas[-1]) == (10, 0.1)
    printed = np.log(SCHEDULES["ays_sd15"].make(10, SD).sigmas)
    fraction = (np.log(table.sigmas) - np.log(0.1)) / np.log(100)
    assert np.allclose(fraction, (printed - printed[-1]) / (printed[0] - printed[-1]))


def test_scaling_keeps_a_final_zero():
    made = scaled(SCHEDULES["karras"].make(6, SD), 0.5, 5)
    assert (made.sigmas[0], made.positive[-1], made.sigmas[-1]) == (5, 0.5, 0)
    assert scaled(SCHEDULES["karras"].make(1, SD), 0.5, 5).sigmas == (5, 0)


# The authors' rule for other step counts.
RESAMPLED = [
    ("ays_sd15", SD, 7, "14.615 5.1881 2.838839 1.730658 1.07078 .607827 .229864 .029"),
    ("ays_sdxl", SD, 5, "14.615 3.771 1.342 .555 .234 .029"),
    ("ays_svd", SVD, 6, "700 23.95936 6.465785 1.789 .542117 .100583 .002"),
]


@pytest.mark.parametrize(("key", "spec", "num_steps", "text"), RESAMPLED)
def test_log_linear_resampling(key, spec, num_steps, text):
    made = SCHEDULES[key].make(num_steps, spec)
    assert np.allclose(made.sigmas, numbers(text), rtol=1e-5)
    assert made.origin.params["resampled_from"] == 10


def test_log_linear_resampling_to_twenty_steps():
    made = SCHEDULES["ays_sd15"].make(20, SD).sigmas
    assert np.allclose(
        made[:6], numbers("14.615 9.727904 6.475 4.999997 3.861 3.226936"), rtol=1e-5
    )
    assert np.allclose(made[-3:], numbers(".152 .066393 .029"), rtol=1e-5)


def test_published_tables_are_the_levels_of_their_integer_timesteps():
    for key, times in {
        "ays_sd15": [999, 850, 736, 645, 545, 455, 343, 233, 124, 24, 0],
        "ays_sdxl": [999, 845, 730, 587, 443, 310, 193, 116, 53, 13, 0],
    }.items():
        printed = SCHEDULES[key].make(10, SD).sigmas
        assert np.allclose(SD.path.time(np.array(printed)), times, rtol=0, atol=0.6)


def test_diffusers_has_the_same_published_tables():
    from diffusers.schedulers import AysSchedules

    for key, name in [
        ("ays_sd15_zero", "StableDiffusionSigmas"),
        ("ays_sdxl_zero", "StableDiffusionXLSigmas"),
        ("ays_svd_zero", "StableDiffusionVideoSigmas"),
    ]:
        assert list(SCHEDULES[key].make(10, SVD).sigmas) == AysSchedules[name]


def test_flow_tables_are_times_after_the_shift():
    for key, steps, first, last in [("oss_flux", 10, 0.9968, 0.2808), ("oss_wan", 20, 1.0, 0.208)]:
        made = SCHEDULES[key].make(steps, FLOW)
        times = FLOW.path.time(np.array(made.sigmas))
        assert times[0] == pytest.approx(first, abs=1e-12)
        assert times[-2] == pytest.approx(last, abs=1e-12)
        assert made.sigmas[-1] == 0


def test_what_a_table_was_made_for():
    made_for = SCHEDULES["ays_sd15"].made_for
    assert made_for.warnings(SD, "dpmpp_2m", 10) == ()
    from_hub = replace(SD, key="stable-diffusion-v1-5/stable-diffusion-v1-5", label="v1-5")
    assert made_for.warnings(from_hub, "dpmpp_2m", 10) == ()
    assert made_for.warnings(replace(SD, key="a/b", label="b"), "dpmpp_2m", 10) == (
        "made for Stable Diffusion 1.5, not for b",
    )
    assert len(made_for.warnings(FLOW, "dpmpp_2m", 20)) == 4  # path, model, range, steps
    learned = SCHEDULES["ays_sd15"].made_for.__class__("toy", 6, "vp", "euler", 1.0)
    assert learned.warnings(EMBEDDED, "heun", 6) == ("made for euler, not for heun",)


@pytest.mark.parametrize("file", sorted(TABLES.glob("*.json")), ids=lambda file: file.stem)
def test_table_files(file):
    table = json.loads(file.read_text())
    assert table["key"] == file.stem
    assert ("sigmas" in table) != ("flow_times" in table)
    first = read_table(table)[0]
    assert first.made_for.steps == len(table.get("sigmas", table.get("flow_times"))) - 1


LEARNED = {
    "key": "learned",
    "label": "Learned",
    "reference": "this test",
    "sigmas": [40, 10, 2, 0.5, 0],
    "made_for": {"model": "toy", "solver": "euler", "steps": 4, "guidance": 1.0, "space": "vp"},
    "origin": {"method": "oss", "params": {"evaluations": 12}, "parent": "karras"},
    "record": {"seconds": 3},
}


def test_a_learned_table_keeps_its_origin_until_it_is_changed():
    (entry,) = read_table(LEARNED)
    made = entry.make(4, EMBEDDED)
    assert made.sigmas == (40, 10, 2, 0.5, 0)
    assert made.origin == Origin("oss", {"evaluations": 12}, "this test", "karras")
    assert entry.record == {"seconds": 3}
    changed = entry.make(8, EMBEDDED, sigma_max=20).origin
    assert (changed.method, changed.parent) == ("oss", "oss")
    assert changed.params["resampled_from"] == 4 and "evaluations" not in changed.params


@pytest.mark.parametrize(
    ("field", "value"),
    [("sigmas", [1, 2]), ("made_for", {}), ("origin", {}), ("twins", ["other"]), ("key", None)],
)
def test_a_broken_table_file_is_named(tmp_path, field, value):
    broken = {**LEARNED, field: value}
    if value is None:
        del broken[field]
    (tmp_path / "learned.json").write_text(json.dumps(broken))
    with pytest.raises(ValueError, match=r"^learned\.json: "):
        add_tables(tmp_path)


def test_printed_numbers_come_through_untouched():
    table = json.loads((TABLES / "ays_sd15.json").read_text())
    assert list(SCHEDULES["ays_sd15"].make(10, SD).sigmas) == table["sigmas"]

"""What we write is what the target runs; what we read gets a diagnosis, not a guess."""

import json
import warnings

import numpy as np
import pytest

from ays_core.interop import DIALECTS, parse, write
from ays_core.models import MODELS
from ays_core.paths import Flow
from ays_core.schedule import Origin, Schedule
from ays_core.schedules import SCHEDULES
from tests.core.specs import EDM, EMBEDDED, FLOW, SD, SPECS

LIST = "14.615, 6.475, 3.861, 2.697, 1.886, 1.396, 0.963, 0.652, 0.399, 0.152, 0"
LEVELS = tuple(float(word) for word in LIST.split(","))


# --- writing -------------------------------------------------------------------------------------


@pytest.mark.parametrize("num_steps", [1, 6, 50])
@pytest.mark.parametrize("spec", [None, *SPECS.values()], ids=["no model", *SPECS])
@pytest.mark.parametrize("key", DIALECTS)
def test_what_is_written_is_read_back_by_the_target_and_by_us(key, spec, num_steps):
    for zero in (True, False):
        schedule = SCHEDULES["karras"].make(num_steps, spec or SD, final_zero=zero)
        if key == "diffusers" and (spec or SD).path.name == "ve":
            with pytest.raises(ValueError, match=r"in a ve pipeline on given levels; .* none"):
                write(key, schedule, spec)
            continue
        text = write(key, schedule, spec)
        if not (key == "comfyui" and spec is FLOW):  # bare times: only the reader knows
            read = parse(text, spec).schedule
            assert np.allclose(read.sigmas, schedule.sigmas, rtol=1e-7, atol=0)


@pytest.mark.parametrize("key", ["plain", "json", "csv", "kdiffusion"])
def test_full_precision(key):
    schedule = SCHEDULES["karras"].make(20, SD)
    assert parse(write(key, schedule, SD)).schedule == schedule


def test_comfyui_text_has_no_exponents_and_nothing_else_with_digits():
    text = write("comfyui", Schedule((14.615, 0.5, 1.25e-5, 0.0)))
    assert text == "14.615, 0.5, 0.0000125, 0.0\n"


def test_a_target_that_would_run_other_numbers_is_not_offered(monkeypatch):
    assert DIALECTS["comfyui"].read("14.6, 5e-4, 0") == [14.6, 5, -4, 0]  # it knows no exponents
    monkeypatch.setattr("ays_core.interop.dialects.fixed_point", repr)
    with pytest.raises(ValueError, match="ComfyUI ManualSigmas would not run these levels"):
        write("comfyui", Schedule((14.6, 1e-5, 0.0)))


def test_comfyui_takes_times_of_flow_models():
    schedule = SCHEDULES["oss_flux"].make(10, FLOW)
    numbers = DIALECTS["comfyui"].read(write("comfyui", schedule, FLOW))
    assert numbers[:2] == pytest.approx([0.9968, 0.9886])
    assert numbers[-1] == 0


def test_csv_columns():
    rows = write("csv", Schedule(LEVELS), SD).splitlines()
    assert rows[0] == "step,sigma,timestep,log_snr"
    step, sigma, timestep, log_snr = rows[2].split(",")
    assert (step, sigma) == ("1", "6.475")
    assert float(timestep) == pytest.approx(850.01, abs=0.02)
    assert float(log_snr) == pytest.approx(-2 * np.log(6.475), abs=1e-6)
    assert rows[-1] == "10,0.0,,"


def test_json_carries_origin_model_and_whether_the_shift_is_applied():
    schedule = SCHEDULES["karras"].make(6, SD, rho=5)
    content = json.loads(write("json", schedule, SD))
    assert content["sigmas"] == list(schedule.sigmas)
    assert content["steps"] == 6
    assert content["origin"]["params"]["rho"] == 5
    assert content["model"]["path"] == "vp"
    assert parse(json.dumps(content)).schedule.origin == schedule.origin
    flow = json.loads(write("json", SCHEDULES["oss_wan"].make(20, FLOW), FLOW))
    assert flow["shift"] == "already applied"
    assert flow["flow_times"][0] == 1


@pytest.mark.parametrize("zero", [True, False])
@pytest.mark.parametrize("num_steps", [1, 5, 10])
def test_the_diffusers_snippet_runs_and_does_what_it_says(num_steps, zero):
    schedule = SCHEDULES["karras"].make(num_steps, SD, final_zero=zero)
    scheduler = execute(write("diffusers", schedule, SD))
    assert np.allclose(scheduler.sigmas.numpy(), schedule.sigmas, rtol=1e-6)
    assert len(scheduler.timesteps) == num_steps


def test_a_solver_that_diffusers_cannot_run_on_given_levels_is_refused_in_words():
    schedule = SCHEDULES["karras"].make(6, SD)
    with pytest.raises(ValueError, match=r"no scheduler of diffusers runs DEIS .* these do: euler"):
        write("diffusers", schedule, SD, "deis")
    assert write("plain", schedule, SD, "deis") == write("plain", schedule, SD)


@pytest.mark.parametrize("key", ["oss_flux", "karras"])
def test_the_flow_snippet_does_not_shift_again(key):
    schedule = SCHEDULES[key].make(10, FLOW)
    scheduler = execute(write("diffusers", schedule, FLOW))
    times = Flow().time(np.array(schedule.sigmas))
    assert np.allclose(scheduler.timesteps.numpy() / 1000, times[:-1], rtol=1e-6)
    held = scheduler.sigmas.numpy()
    held[0] += scheduler.beyond  # the part of the way from t = 1 that is gone before the first step
    assert np.allclose(held, times, rtol=1e-6) and 0 <= scheduler.beyond < 1.1e-4
    assert len(scheduler.timesteps) == 10


def execute(snippet):
    names = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # diffusers' own, about numpy 2
        exec(snippet, names)
    return names["scheduler"]


def test_a_title_cannot_become_code():
    origin = Origin("edited\nraise SystemExit")
    for key in ("diffusers", "kdiffusion"):
        text = write(key, Schedule((2.0, 1.0), origin))
        assert "# edited raise SystemExit" in text.splitlines()[0]


# --- reading -------------------------------------------------------------------------------------

FORMS = {
    "one a line": LIST.replace(", ", "\n"),
    "commas": LIST,
    "tight commas": LIST.replace(" ", ""),
    "spaces": LIST.replace(",", ""),
    "tabs": LIST.replace(", ", "\t"),
    "semicolons": LIST.replace(", ", ";"),
    "semicolons and spaces": LIST.replace(", ", " ; "),
    "Windows line ends": LIST.replace(", ", "\r\n") + "\r\n",
    "brackets": f"[{LIST}]",
    "brackets and a last comma": f"[{LIST},\n]",
    "numpy": "[" + LIST.replace(",", "") + "]",
    "exponents": LIST.replace("0.152", "1.52E-1").replace("14.615", "1.4615e+1"),
    "bare dots": LIST.replace("0.", ".").replace(" 0", " 0."),
    "tensor": f"tensor([{LIST}], dtype=torch.float64)",
    "torch": f"sigmas = torch.tensor([{LIST}]).cuda()",
    "python": f"from x import y\nsteps = [1, 2]\nsigmas = [{LIST}]\n",
    "object": json.dumps({"sigmas": LEVELS, "steps": 10}),
    "array": json.dumps(LEVELS),
    "csv": "step,sigma\n" + "\n".join(f"{i},{s}" for i, s in enumerate(LEVELS)),
    "csv with quotes": '"sigma","x"\r\n' + "\r\n".join(f'"{s}","a"' for s in LEVELS),
    "csv with semicolons": "step;sigma\n" + "\n".join(f"{i};{s}" for i, s in enumerate(LEVELS)),
    "csv with tabs": "Sigmas\tstep\n" + "\n".join(f"{s}\t{i}" for i, s in enumerate(LEVELS)),
    "one column with a name": "sigmas\n" + "\n".join(map(str, LEVELS)),
    "tuple": f"({LIST})",
    "tuple with a name": f"tuple({LIST})",
    "numpy's numbers": "[" + ", ".join(f"np.float64({s})" for s in LEVELS) + "]",
    "nested": json.dumps([LEVELS]),
    "nested tensor": f"tensor([[{LIST}]])",
    "strings": json.dumps([str(s) for s in LEVELS]),
    "in quotes": json.dumps(LIST),
    "ComfyUI node": json.dumps({"class_type": "ManualSigmas", "inputs": {"sigmas": LIST}}),
    "ComfyUI graph": json.dumps(
        {
            "3": {"class_type": "KSamplerSelect", "inputs": {"sampler_name": "euler"}},
            "7": {"class_type": "ManualSigmas", "inputs": {"sigmas": LIST}},
        }
    ),
    "ComfyUI workflow": json.dumps(
        {"nodes": [{"type": "Note"}, {"type": "ManualSigmas", "widgets_values": [LIST]}]}
    ),
    "byte order mark": "\ufeff" + LIST,
}


@pytest.mark.parametrize("form", FORMS)
def test_forms(form):
    parsed = parse(FORMS[form], SD)
    assert parsed.schedule.sigmas == LEVELS
    assert parsed.notes == () and parsed.offers == ()


def offers(text, spec=None):
    parsed = parse(text, spec)
    return parsed, {offer.key: offer.schedule.sigmas for offer in parsed.offers}


def test_ascending():
    parsed, offered = offers("0, 0.152, 6.475, 14.615", SD)
    assert parsed.schedule is None
    assert "levels increase: flip them?" in parsed.notes
    assert offered == {"flip": (14.615, 6.475, 0.152, 0)}
    with pytest.raises(ValueError, match="levels increase"):
        parsed.require()


def test_repeats():
    parsed, offered = offers("14.615, 6.475, 6.475, 1, 0, 0", SD)
    assert parsed.schedule is None
    assert offered["drop_repeats"] == (14.615, 6.475, 1, 0)


@pytest.mark.parametrize("text", ["999, 850, 124, 24, 0", "0 24 124 850 999"])
def test_timesteps(text):
    parsed, offered = offers(text, SD)
    assert parsed.schedule is None
    assert any("look like timesteps" in note for note in parsed.notes)
    assert np.allclose(offered["from_timesteps"][:2], [14.6146, 6.4746], atol=1e-4)
    assert np.allclose(offered["from_timesteps"][-1], SD.sigma_min)
    flow = offers(text, FLOW)[1]["from_timesteps"]
    assert Flow().time(np.array(flow))[:2] == pytest.approx([0.999, 0.85])
    unknown, offered = offers(text)
    assert "from_timesteps" not in offered
    assert any("choose a model" in note for note in unknown.notes)


def test_flow_times():
    """Nobody knows which of the two they are, so both are offered and neither is taken."""
    times, as_sigmas = (1, 0.9, 0.5, 0.1, 0), pytest.approx((1e4, 9, 1, 1 / 9, 0))
    for text in ("1, 0.9, 0.5, 0.1, 0", "[1, 0.9, 0.5, 0.1, 0]"):
        parsed, offered = offers(text, FLOW)
        assert parsed.schedule is None
        assert any("may be flow times" in note for note in parsed.notes)
        assert offered == {"as_levels": times, "from_flow_times": as_sigmas}
    at_most = offers("1, 0.9, 0.5, 0.1, 0", SD)[1]["from_flow_times"]
    assert at_most == pytest.approx((SD.sigma_max, 9, 1, 1 / 9, 0))
    for named in ('{"sigmas": [1, 0.9, 0.5, 0.1, 0]}', "sigma\n1\n0.9\n0.5\n0.1\n0"):
        assert parse(named, SD).schedule.sigmas == times  # whoever wrote it said what they are
    assert parse("1, 0.9, 0.5, 0.1, 0").schedule.sigmas == times


def test_timesteps_beyond_the_model_are_read_as_its_end_and_that_is_said():
    spec = MODELS["scenes"].spec
    parsed, offered = offers("999, 850, 736, 645, 0", spec)
    assert parsed.schedule is None
    levels = offered["from_timesteps"]
    assert levels[0] == spec.sigma_max and len(levels) == 5
    assert levels[1:] == pytest.approx(spec.path.sigma(np.array([850, 736, 645, 0])))
    assert any("999 is beyond this model, whose sigma_max is 80" in note for note in parsed.notes)


def test_no_final_zero():
    parsed, offered = offers("14.615, 6.475, 0.152", SD)
    assert parsed.schedule.sigmas == (14.615, 6.475, 0.152)
    assert parsed.notes == ("no final 0: the result keeps noise of standard deviation 0.152",)
    assert offered == {"append_zero": (14.615, 6.475, 0.152, 0)}


def test_another_model_s_range():
    parsed, offered = offers("80, 10, 1, 0", SD)
    assert parsed.schedule is None
    assert "level 0 is 80, above Stable Diffusion 1.5's sigma_max" in parsed.notes[0]
    assert offered["scale_to_model"][0] == SD.sigma_max
    assert offered["scale_to_model"][-1] == 0
    parsed, offered = offers("14.6, 5, 1, 0", EMBEDDED)
    assert parsed.schedule.sigmas == (14.6, 5, 1, 0)
    assert parsed.notes == ("starts at 14.6, below Toy's sigma_max 80",)
    assert set(offered) == {"scale_to_model"}
    assert parse("700, 54.5, 1, 0").notes == ("starts at 700, where SVD does",)


def test_whole_numbers_are_levels_of_a_continuous_model():
    assert parse("80, 40, 20, 0", EDM).notes == ()


@pytest.mark.parametrize("text", ["14,615; 6,475; 0,152; 0", "14,615 6,475 0,152 0"])
def test_decimal_commas(text):
    parsed, offered = offers(text)
    assert parsed.schedule is None
    assert "decimal commas" in parsed.notes[0]
    assert offered == {"decimal_commas": (14.615, 6.475, 0.152, 0)}
    spaced = offers("14,615, 6,475, 0,152, 0")[1]
    assert spaced == offered


def test_a_table_with_decimal_commas():
    parsed, offered = offers("step;sigma\n0;14,615\n1;6,475\n2;0", SD)
    assert parsed.schedule is None
    assert offered == {"decimal_commas": (14.615, 6.475, 0)}


def test_a_comfyui_graph_for_a_flow_model_holds_times():
    text = json.dumps({"class_type": "ManualSigmas", "inputs": {"sigmas": "1, 0.5, 0"}})
    assert parse(text, FLOW).schedule.sigmas == pytest.approx((1e4, 1, 0))
    assert parse(text, SD).schedule.sigmas == (1, 0.5, 0)


def test_commas_that_may_be_either_are_asked_about():
    offered = offers("20,10\n5,2\n1,0")[1]
    assert offered == {
        "decimal_commas": (20.1, 5.2, 1.0),
        "separating_commas": (20, 10, 5, 2, 1, 0),
    }


def test_flow_times_that_say_so_need_no_question():
    parsed = parse('{"flow_times": [1, 0.5, 0]}', FLOW)
    assert parsed.schedule.sigmas == pytest.approx((1e4, 1, 0))


def test_every_offer_is_a_schedule_for_the_model_and_says_how_it_was_read():
    for text in ("0 1 2 3", "999 500 0", "80 3 1", "1 .5 .2", "5 5 1", "3,5 1,5"):
        for spec in (None, *SPECS.values()):
            try:
                parsed = parse(text, spec)
            except ValueError:
                continue
            for offer in parsed.offers:
                assert offer.label
                assert offer.schedule.origin.params["read"] == offer.key
                if spec:
                    spec.check(offer.schedule)


REFUSED = {
    "": "nothing to read",
    " \n ": "nothing to read",
    "14.6, six, 0": "value 2 is not a number: 'six'",
    "step1: 14.6": "value 1 is not a number: 'step1:'",
    "14.6, nan, 0": "value 2 is nan: levels must be finite",
    "14.6, -inf": "value 2 is -inf: levels must be finite",
    "1e999, 1": "value 1 is too large",
    "14.6,, 3": "value 2 is empty",
    "14.6, -3, 0": "level 1 is -3: levels cannot be negative",
    "14.6": "at least 2 levels, got 1",
    "5, 3, 4, 0": r"level 2 \(4\) is above level 1 \(3\)",
    "5, 0, 4, 0": "level 1 is 0: only the last level may be 0",
    "[1, 2] [3, 4]": "2 lists in brackets: give one",
    "[[2, 1], [3]]": "value 1 is not a number",
    "[[[2, 1]]]": "value 1 is not a number",
    '{"1": {"class_type": "ManualSigmas", "inputs": {"sigmas": ["2", 0]}}}': "node has no text",
    '{"nodes": [{"type": "ManualSigmas"}]}': "node has no text",
    json.dumps(
        {i: {"class_type": "ManualSigmas", "inputs": {"sigmas": "2, 1"}} for i in "12"}
    ): "2 ManualSigmas nodes: give one",
    "step;sigma\n0;much": "value 1 is not a number: 'much'",
    "(2, (1, 0))": "value 1 is not a number",
    "{": "not valid JSON",
    "{}": "no list named sigmas",
    '{"sigmas": 3}': "sigmas is not a list of numbers",
    '{"sigmas": [2, "one"]}': "value 2 is not a number: 'one'",
    '{"sigmas": [2, null]}': "value 2 is not a number: null",
    '{"sigmas": [2, true]}': "value 2 is not a number: true",
    "[2, NaN]": "value 2 is nan",
    "step,sigma\n0,3\n1": "value 2 is empty",
    "١٢, ٣": "value 1 is not a number",
    "0x10, 1": "value 1 is not a number: '0x10'",
    "1_000, 1": "value 1 is not a number: '1_000'",
    "__import__('os').system('true')": "value 1 is not a number",
    " ".join(map(str, range(10_000, 0, -1))): "at most 1001 levels, got 10000",
    json.dumps(list(range(10_000, 0, -1))): "at most 1001 levels, got 10000",
}


@pytest.mark.parametrize("text", REFUSED, ids=lambda text: text[:20])
def test_refusals_name_what_is_wrong(text):
    with pytest.raises(ValueError, match=REFUSED[text]) as caught:
        parse(text, SD)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 200


@pytest.mark.timeout(10)
@pytest.mark.parametrize(
    "unit", ["[", "(", "{", "1", ".", ",", " ", "1e", "sigmas=", "sigmas=a[", "\n", '"', "9,9 "]
)
def test_hostile_text_is_refused_in_time(unit):
    many = unit * (199_000 // len(unit))
    for text in (many, f"1, {many}x", f"[1, {many}"):
        with pytest.raises(ValueError):
            parse(text, SD)
    with pytest.raises(ValueError, match="at most 200,000 characters"):
        parse(unit * 200_001)


def test_an_origin_from_outside_is_cut_to_size():
    given = {
        "method": "m" * 999,
        "params": {"a": [[1]], "b": "c", "curve": [1, 2.5], "scores": {"1": 0.5}},
        "reference": "r" * 999,
        "parent": 3,
    }
    origin = parse(json.dumps({"sigmas": [2, 1, 0], "origin": given})).schedule.origin
    assert (len(origin.method), len(origin.reference), origin.parent) == (80, 400, "3")
    assert origin.params == {"b": "c", "curve": [1, 2.5], "scores": {"1": 0.5}}
    assert parse('{"sigmas": [2, 1, 0], "origin": 7}').schedule.origin.method == "pasted"

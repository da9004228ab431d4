"""The command line is a contract: keys, exit codes, what goes to which stream."""

import csv
import io
import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import numpy as np
import pytest
from PIL import Image

from ays_core.__main__ import main
from ays_core.catalogue import Catalogue
from ays_core.interop import DIALECTS
from ays_core.job import Progress
from ays_core.models import MODELS
from ays_core.optimizers import OptimizerEntry
from ays_core.params import Range
from ays_core.paths import VE, ModelSpec
from ays_core.schedule import Origin, Schedule
from ays_core.schedules import SCHEDULES
from tests.core import tiny_pipelines as tiny

ROOT = Path(__file__).parents[2]
MODEL = "spiral"
LEVELS = [40.0, 10.0, 2.0, 0.5, 0.0]


def answered(capsys, *argv):
    """stdout of a command that must succeed."""
    assert main([*map(str, argv)]) == 0, capsys.readouterr().err
    return capsys.readouterr().out


def answered_json(capsys, *argv):
    return json.loads(answered(capsys, *argv, "--json").splitlines()[-1])


def refused(capsys, *argv):
    """The one line on stderr of a command that must be refused."""
    assert main([*map(str, argv)]) == 2
    streams = capsys.readouterr()
    assert streams.out == ""
    assert streams.err.startswith("error: ") and streams.err.count("\n") == 1
    assert "Traceback" not in streams.err
    return streams.err


@pytest.fixture
def listed(tmp_path):
    file = tmp_path / "levels.json"
    file.write_text(json.dumps({"sigmas": LEVELS}))
    return file


# --- list ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["models", "solvers", "schedules", "dialects"])
def test_list(capsys, kind):
    entries = answered_json(capsys, "list", kind)[kind]
    text = answered(capsys, "list", kind)
    assert len(entries) == len(text.splitlines())
    for entry, line in zip(entries, text.splitlines(), strict=True):
        assert line.startswith(entry["key"]) and entry["label"] in line
        assert entry["reference"]


def test_list_schedules_carries_parameters_and_purpose(capsys):
    entries = {e["key"]: e for e in answered_json(capsys, "list", "schedules")["schedules"]}
    assert list(entries) == list(SCHEDULES)
    rho = entries["karras"]["params"][0]
    assert (rho["name"], rho["type"], rho["default"], rho["low"]) == ("rho", "float", 7.0, 1)
    assert entries["karras"]["aliases"] == ["edm"]
    assert entries["ays_sd15"]["made_for"]["steps"] == 10


def test_listing_schedules_needs_neither_torch_nor_scipy():
    script = (
        "import sys; from ays_core.__main__ import main; main(['list', 'schedules']);"
        "sys.exit(', '.join({'torch', 'scipy', 'gradio'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


# --- schedule ------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["karras", "edm", "ays_sd15_a1111", "simple"])
def test_schedule_by_key(capsys, key):
    found = answered_json(capsys, "schedule", key, "--model", MODEL, "--steps", 7)
    made = SCHEDULES[key].make(7, MODELS[MODEL].spec)
    assert tuple(found["sigmas"]) == made.sigmas
    assert found["origin"]["method"] == SCHEDULES[key].key
    assert found["nfe"] == 0
    assert set(found) == {"sigmas", "origin", "nfe", "seconds", "objective", "curve"}


def test_schedule_as_text_is_a_list_that_reads_back(capsys, tmp_path):
    text = answered(capsys, "schedule", "karras", "--model", MODEL, "--steps", 5)
    (tmp_path / "a.txt").write_text(text)
    again = answered(capsys, "schedule", tmp_path / "a.txt", "--model", MODEL)
    assert again == text


def test_schedule_options(capsys):
    found = answered_json(
        capsys,
        *("schedule", "karras", "--model", MODEL, "--steps", 5, "--param", "rho=3"),
        *("--sigma-min", 0.1, "--sigma-max", 20, "--no-final-zero"),
    )
    spec = MODELS[MODEL].spec
    made = SCHEDULES["karras"].make(5, spec, rho=3, sigma_min=0.1, sigma_max=20, final_zero=False)
    assert tuple(found["sigmas"]) == made.sigmas
    assert found["origin"]["params"]["rho"] == 3


def test_final_zero_has_three_settings(capsys):
    for flags, last in (((), 0.029), (("--no-final-zero",), 0.029), (("--final-zero",), 0)):
        argv = ("schedule", "ays_sd15", "--model", MODEL, "--steps", 10, *flags)
        assert answered_json(capsys, *argv)["sigmas"][-1] == last


def test_schedule_from_a_file(capsys, listed):
    found = answered_json(capsys, "schedule", listed, "--model", MODEL)
    assert found["sigmas"] == LEVELS
    found = answered_json(capsys, "schedule", listed, "--model", MODEL, "--steps", 8, "--resample")
    assert len(found["sigmas"]) == 9
    assert found["sigmas"][0] == 40 and found["sigmas"][-2:] == [0.5, 0]
    found = answered_json(
        capsys, "schedule", listed, "--model", MODEL, "--sigma-max", 20, "--sigma-min", 1
    )
    assert (found["sigmas"][0], found["sigmas"][-2]) == (20, 1)


def test_what_json_says_can_be_read_again(capsys, tmp_path):
    argv = ("schedule", "karras", "--model", MODEL, "--steps", 6)
    text = answered(capsys, *argv, "--json")
    (tmp_path / "k.json").write_text(text)
    found = answered_json(capsys, "schedule", tmp_path / "k.json", "--model", MODEL)
    first = json.loads(text)
    assert (found["sigmas"], found["origin"]) == (first["sigmas"], first["origin"])


def test_notes_go_to_stderr(capsys, tmp_path):
    (tmp_path / "a.txt").write_text("80 3 1")
    assert main(["schedule", str(tmp_path / "a.txt"), "--model", MODEL]) == 0
    assert "note: no final 0" in capsys.readouterr().err
    assert main(["schedule", "ays_sd15", "--model", MODEL, "--steps", "5"]) == 0
    err = capsys.readouterr().err
    assert "note: made for Stable Diffusion 1.5" in err
    assert "note: made for 10 steps, resampled to 5" in err


# --- bad input -----------------------------------------------------------------------------------

BAD_LISTS = {
    "not numeric": ("3 two 1", "value 2 is not a number: 'two'"),
    "NaN": ("3 nan 1", "value 2 is nan: levels must be finite"),
    "infinite": ("inf 3 1", "value 1 is inf: levels must be finite"),
    "increasing": ("1 2 3", "levels increase: flip them?"),
    "duplicate": ("3 2 2 1", "levels 1 and 2 are equal (2): levels must decrease"),
    "negative": ("3 2 -1", "level 2 is -1: levels cannot be negative"),
    "0 inside": ("3 0 2 1", "level 1 is 0: only the last level may be 0"),
    "one level": ("3", "a schedule needs at least 2 levels, got 1"),
    "10,000 levels": (
        " ".join(str(i) for i in range(10_000, 0, -1)),
        "at most 1001 levels, got 10000",
    ),
    "above the model": ("90 3 1", "level 0 is 90, above Spiral's sigma_max 80"),
    "timesteps": ("999 500 10", "these look like timesteps"),
    "empty": ("", "nothing to read"),
    "broken JSON": ('{"sigmas": [1,', "not valid JSON"),
    "no list": ("{}", "no list named sigmas"),
}


@pytest.mark.parametrize("name", BAD_LISTS)
@pytest.mark.parametrize("command", ["schedule", "sample", "convert"])
def test_bad_lists(capsys, tmp_path, command, name):
    text, sentence = BAD_LISTS[name]
    file = tmp_path / "bad.txt"
    file.write_text(text)
    argv = {
        "schedule": ("schedule", file, "--model", MODEL),
        "sample": (
            *("sample", "--model", MODEL, "--solver", "euler"),
            *("--schedule", file, "--out", tmp_path / "out"),
        ),
        "convert": ("convert", file, "--to", "csv", "--model", MODEL),
    }[command]
    assert sentence in refused(capsys, *argv)
    assert not (tmp_path / "out").exists()


KARRAS = ("schedule", "karras", "--model", MODEL, "--steps", 5)
SAMPLE = ("sample", "--model", MODEL, "--schedule", "karras", "--steps", 5, "--out", "/nowhere")
BAD_ARGUMENTS = [
    ((), "required: COMMAND"),
    (("fly",), "invalid choice: 'fly'"),
    (("list", "cats"), "invalid choice: 'cats'"),
    (("schedule", "karras", "--steps", 5), "required: --model"),
    (("schedule", "karras", "--model", MODEL), "--steps is needed for karras"),
    (("schedule", "karas", "--model", MODEL, "--steps", 5), "no schedule and no file 'karas'"),
    (("schedule", "karras", "--model", "cat", "--steps", 5), "unknown model 'cat'"),
    (("schedule", "karras", "--model", "cat.json", "--steps", 5), "cat.json"),
    (("schedule", "karras", "--model", MODEL, "--steps", 0), "'0' is not a whole number"),
    (("schedule", "karras", "--model", MODEL, "--steps", "six"), "'six' is not a whole number"),
    (("schedule", "karras", "--model", MODEL, "--steps", 2000), "2000 steps; give 1 to 1000"),
    (("schedule", "beta", "--model", MODEL, "--steps", 900), "the nearest number that works is"),
    ((*KARRAS, "--param", "rho=99"), "rho is 99; it must lie between 1 and 15"),
    ((*KARRAS, "--param", "roh=7"), "unknown parameter 'roh'; adjustable here: rho"),
    ((*KARRAS, "--param", "rho"), "--param is 'rho'; write it as name=value"),
    ((*KARRAS, "--sigma-max", 100), "sigma_max is 100, above Spiral's 80"),
    ((*KARRAS, "--sigma-max", "nan"), "'nan' is not a number"),
    ((*KARRAS, "--sigma-min", -1), "sigma_min is -1; it must be a positive number"),
    ((*KARRAS, "--sigma-min", 9, "--sigma-max", 3), "sigma_min (9) must be below sigma_max (3)"),
    ((*KARRAS, "--what"), "unrecognized arguments: --what"),
    ((*SAMPLE,), "required: --solver"),
    ((*SAMPLE, "--solver", "fast"), "unknown solver 'fast'"),
    ((*SAMPLE, "--solver", "euler", "--class", "dog"), "has no classes"),
    ((*SAMPLE, "--solver", "euler", "--guidance", 3), "guidance 3 needs a class or a prompt"),
    ((*SAMPLE, "--solver", "euler", "--seed", -1), "'-1' is not a whole number"),
    ((*SAMPLE, "--solver", "euler", "--num", 0), "'0' is not a whole number"),
    (("convert", "/nowhere/at/all", "--to", "csv"), "No such file"),
    (("convert", __file__, "--to", "word"), "unknown dialect 'word'; known: plain"),
]


@pytest.mark.parametrize(("argv", "sentence"), BAD_ARGUMENTS, ids=lambda value: str(value)[:60])
def test_bad_arguments(capsys, argv, sentence):
    assert sentence in refused(capsys, *argv)


def test_a_file_of_another_length_needs_resample(capsys, listed):
    said = refused(capsys, "schedule", listed, "--model", MODEL, "--steps", 8)
    assert "has 4 steps, --steps asks for 8: add --resample" in said
    said = refused(capsys, "schedule", listed, "--model", MODEL, "--no-final-zero")
    assert "ends in 0" in said
    said = refused(capsys, "schedule", listed, "--model", MODEL, "--param", "rho=3")
    assert "--param does not go with a list of levels" in said


def test_a_file_that_is_not_text(capsys, tmp_path):
    (tmp_path / "a.bin").write_bytes(bytes(range(256)))
    assert "not a text file" in refused(capsys, "convert", tmp_path / "a.bin", "--to", "csv")
    assert "error: " in refused(capsys, "convert", tmp_path, "--to", "csv")


def test_a_process_ends_with_one_line_and_2():
    argv = [
        sys.executable,
        "-m",
        "ays_core",
        "schedule",
        "karras",
        "--model",
        MODEL,
        "--steps",
        "x",
    ]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stdout == "" and done.stderr.count("\n") == 1


# --- sample --------------------------------------------------------------------------------------


def test_sample_points(capsys, tmp_path, listed):
    argv = ("sample", "--model", MODEL, "--solver", "heun", "--schedule", listed, "--num", 3)
    found = answered_json(capsys, *argv, "--seed", 5, "--out", tmp_path / "a")
    assert found["schedule"]["sigmas"] == found["ran"] == LEVELS
    assert found["nfe"] == len(found["calls"]) == 7
    assert found["files"] == ["points.csv"]
    rows = points(tmp_path / "a")
    assert len(rows) == 3 and set(rows[0]) == {"x", "y"}
    saved = json.loads((tmp_path / "a" / "run.json").read_text())
    assert {**saved, "seconds": found["seconds"], "files": found["files"]} == found
    answered(capsys, *argv, "--seed", 5, "--out", tmp_path / "b")
    for name in ("points.csv", "run.json"):  # the same bytes: no time stamps
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    answered(capsys, *argv, "--seed", 6, "--out", tmp_path / "c")
    first, second = ([float(row["x"]) for row in found] for found in (rows, points(tmp_path / "c")))
    assert np.allclose(first[1:], second[:2], atol=1e-5)  # sample k depends on its seed alone


def points(folder):
    return list(csv.DictReader((folder / "points.csv").read_text().splitlines()))


def test_progress_goes_to_stderr(capsys, tmp_path):
    argv = ["sample", "--model", MODEL, "--solver", "euler", "--schedule", "karras", "--steps", "4"]
    assert main([*argv, "--num", "2", "--out", str(tmp_path), "--json"]) == 0
    streams = capsys.readouterr()
    assert "sampling 4/4" in streams.err
    assert len(streams.out.splitlines()) == 1


class Grey:
    """A model of grey pictures: the denoiser says 0."""

    spec = ModelSpec("grey", "Grey", (3, 8, 8), 0.01, 10.0, 0.5, VE())

    def denoise(self, x, sigma, cond):
        return 0 * x

    def decode(self, x):
        return np.full((len(x), 8, 8, 3), 128, dtype=np.uint8)


def test_sample_pictures(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr("ays_core.commands.load", lambda name: Grey())
    argv = ("sample", "--model", "grey", "--solver", "euler", "--schedule", "karras", "--steps", 3)
    for name in ("a", "b"):
        found = answered_json(capsys, *argv, "--num", 2, "--seed", 9, "--out", tmp_path / name)
    assert found["files"] == ["00009.png", "00010.png"]
    for name in (*found["files"], "run.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    with Image.open(tmp_path / "a" / "00010.png") as picture:
        assert picture.size == (8, 8) and picture.getpixel((0, 0)) == (128, 128, 128)
        inside = json.loads(picture.text["ays_studio"])
    assert (inside["seed"], inside["num"], inside["solver"]) == (10, 1, "euler")
    assert inside["schedule"] == found["schedule"]


def test_a_mixture_file_is_a_model(capsys, tmp_path):
    mixture = {"weights": [0.5, 0.5], "means": [[-1, 0, 0], [1, 0, 0]], "stds": [0.1, 0.1]}
    (tmp_path / "two.json").write_text(json.dumps(mixture))
    found = answered_json(
        capsys,
        *("sample", "--model", tmp_path / "two.json", "--solver", "euler", "--steps", 4),
        *("--schedule", "karras", "--num", 2, "--out", tmp_path / "out"),
    )
    assert found["nfe"] == 4


# --- convert -------------------------------------------------------------------------------------


@pytest.mark.parametrize("dialect", DIALECTS)
def test_convert(capsys, listed, dialect):
    text = answered(capsys, "convert", listed, "--to", dialect, "--model", MODEL)
    assert np.allclose(DIALECTS[dialect].read(text), LEVELS, rtol=1e-7)


def test_convert_from_stdin(capsys, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("14.615\n0.5\n0"))
    assert answered(capsys, "convert", "-", "--to", "comfyui") == "14.615, 0.5, 0.0\n"


# --- compare -------------------------------------------------------------------------------------

COMPARE = ("compare", "--model", MODEL, "--solver", "euler", "--steps", 4, "--num", 16)


def test_compare(capsys, listed):
    found = answered_json(capsys, *COMPARE, "--schedules", f"karras,ays_sd15_zero,{listed}")
    assert [row["schedule"] for row in found["rows"]] == ["karras", "ays_sd15_zero", str(listed)]
    for row in found["rows"]:
        assert row["ran"] == pytest.approx(row["sigmas"], rel=1e-12)
        assert row["nfe"] == 4
        assert row["metrics"]["rmse"] > 0
        assert row["metrics"]["energy_floor"] > 0
    assert found["rows"][2]["sigmas"] == LEVELS
    assert found["reference"] == {"solver": "heun", "nfe": 399}
    text = answered(capsys, *COMPARE, "--schedules", "karras,log_snr")
    assert [line.split()[0] for line in text.splitlines()[:3]] == ["schedule", "karras", "log_snr"]
    assert "comes closest" in text.splitlines()[-1]


def test_a_saved_comparison_can_be_repeated(capsys, tmp_path, listed):
    argv = (*COMPARE, "--schedules", f"karras,{listed}", "--seed", 20_000)
    first = answered_json(capsys, *argv)
    (tmp_path / "saved.json").write_text(json.dumps(first))
    again = answered_json(capsys, "compare", tmp_path / "saved.json")
    for found in (first, again):
        for row in found["rows"]:
            del row["seconds"]
    assert again == first


def test_a_schedule_that_the_solver_cannot_run_leaves_the_others(capsys, tmp_path):
    (tmp_path / "steep.txt").write_text("80 79.99999 1 0")
    argv = ("compare", "--model", MODEL, "--solver", "unipc", "--num", 4)
    both = ("--schedules", f"karras,{tmp_path / 'steep.txt'}", "--steps", 3)
    rows = answered_json(capsys, *argv, *both)["rows"]
    assert rows[0]["metrics"] and "error" not in rows[0]
    assert "times shorter" in rows[1]["error"] and not rows[1]["metrics"]
    assert "times shorter" in answered(capsys, *argv, *both)
    assert main([*map(str, argv), "--schedules", str(tmp_path / "steep.txt")]) == 2  # none ran
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("error: ") and "times shorter" in last


@pytest.mark.parametrize(
    ("argv", "sentence"),
    [
        (("compare",), "--model is needed, or the file of a saved comparison"),
        (("compare", "--model", MODEL, "--solver", "euler"), "--schedules is needed"),
        ((*COMPARE, "--schedules", "karras,karas"), "no schedule and no file 'karas'"),
        ((*COMPARE, "--schedules", "karras,"), "no schedule and no file ''"),
        (("compare", "/nowhere.json"), "No such file"),
        (("compare", __file__), "is not a saved comparison"),
    ],
)
def test_bad_comparisons(capsys, argv, sentence):
    assert sentence in refused(capsys, *argv)


@pytest.mark.parametrize(
    ("field", "value"),
    [("model", 3), ("num", "many"), ("num", -1), ("seed", True), ("guidance", None), ("rows", {})],
)
def test_saved_comparisons_that_were_meddled_with(capsys, tmp_path, field, value):
    saved = {"model": MODEL, "solver": "euler", "conditions": [], "guidance": 1.0, "num": 4}
    saved |= {"seed": 0, "rows": [{"schedule": "a", "sigmas": LEVELS}]}
    (tmp_path / "saved.json").write_text(json.dumps(saved | {field: value}))
    said = refused(capsys, "compare", tmp_path / "saved.json")
    assert f"is not a saved comparison: {field} is" in said
    del saved[field]
    (tmp_path / "saved.json").write_text(json.dumps(saved))
    assert f"no {field}" in refused(capsys, "compare", tmp_path / "saved.json")


# --- optimize ------------------------------------------------------------------------------------


def halving(denoise, start, solver, *, seed=0, rounds: Annotated[int, Range(1, 9)] = 3):
    """An optimizer for tests: scales the schedule down, round by round."""
    schedule = start
    for i in range(rounds):
        record = {"evaluations": i + 1, "objective": "a number", "curve": [3.0, 2.0, 1.0][: i + 1]}
        levels = tuple(sigma / 2 for sigma in schedule.sigmas)
        schedule = Schedule(levels, Origin("halving", {**record, "seed": seed}))
        yield Progress("halving", i + 1, rounds, schedule)
        if rounds == 9:
            raise KeyboardInterrupt
    return schedule


@pytest.fixture
def halving_listed(monkeypatch):
    listed = Catalogue[OptimizerEntry]("optimizer")
    listed.add(OptimizerEntry("halving", "Halving", halving, "this test"))
    monkeypatch.setattr("ays_core.commands.catalogue", lambda kind: listed)


OPTIMIZE = ("optimize", "halving", "--model", MODEL, "--solver", "euler", "--steps", 4)


def test_optimize_learns_from_pictures(capsys, tmp_path):
    tiny.make("ddpm").save_pretrained(tmp_path / "tiny")
    Image.fromarray(np.zeros((24, 24, 3), dtype=np.uint8)).save(tmp_path / "black.png")
    own = ("--param", "levels=24", "--param", "paths=16")
    where = ("--model", tmp_path / "tiny", "--solver", "euler", "--steps", 4)
    said = answered_json(capsys, "optimize", "ays_density", *where, *own, "--pictures", tmp_path)
    assert said["origin"]["params"]["data"] == f"1 pictures of {tmp_path.name}"
    assert said["pictures"] == str(tmp_path)
    plain = ("optimize", "oss", "--model", "scenes", "--solver", "euler", "--steps", 4)
    assert "exact data of its own" in refused(capsys, *plain, "--pictures", tmp_path)
    assert "captions of their own" in refused(
        capsys, *plain, "--pictures", tmp_path, "--class", "cat"
    )


def test_optimize(capsys, tmp_path, halving_listed):
    out = tmp_path / "best.json"
    argv = (*OPTIMIZE, "--param", "rounds=2", "--seed", 3, "--out", out)
    found = answered_json(capsys, *argv)
    start = SCHEDULES["karras"].make(4, MODELS[MODEL].spec)
    assert found["sigmas"] == [sigma / 4 for sigma in start.sigmas]
    assert found["nfe"] == 2
    assert found["objective"] == {"name": "a number", "value": 2.0}
    assert found["curve"] == [3.0, 2.0]
    assert found["origin"]["params"]["seed"] == 3
    assert json.loads(out.read_text()) == found
    again = answered_json(capsys, "schedule", out, "--model", MODEL)
    assert (again["sigmas"], again["origin"]) == (found["sigmas"], found["origin"])


def test_an_interrupted_search_writes_the_best_so_far(capsys, tmp_path, halving_listed):
    out = tmp_path / "best.json"
    argv = [*map(str, OPTIMIZE), "--param", "rounds=9", "--out", str(out), "--json"]
    assert main(argv) == 130
    streams = capsys.readouterr()
    found = json.loads(streams.out.splitlines()[-1])
    assert json.loads(out.read_text()) == found
    assert found["curve"] == [3.0]
    assert "interrupted: this is the best so far" in streams.err
    assert "Traceback" not in streams.err


def test_an_interruption_before_there_is_a_result(capsys, monkeypatch):
    def interrupted(name):
        raise KeyboardInterrupt

    monkeypatch.setattr("ays_core.commands.load", interrupted)
    assert main([*map(str, KARRAS)]) == 130
    streams = capsys.readouterr()
    assert streams.out == "" and streams.err == "interrupted before there was a result\n"


def test_bad_searches(capsys, halving_listed):
    assert "unknown optimizer 'doubling'; known: halving" in refused(
        capsys, "optimize", "doubling", *OPTIMIZE[2:]
    )
    assert "rounds is 99; it must lie between 1 and 9" in refused(
        capsys, *OPTIMIZE, "--param", "rounds=99"
    )
    assert "--steps is needed" in refused(capsys, *OPTIMIZE[:-2])


def test_a_search_can_be_judged(capsys):
    argv = ("optimize", "oss", "--model", MODEL, "--solver", "euler", "--steps", 2)
    few = ("--param", "num=16", "--param", "teacher_steps=20")
    found = answered_json(capsys, *argv, *few, "--judge")
    assert found["won"] in (True, False)
    assert "comes closest to the reference run" in found["verdict"]["sentence"]
    assert len(found["verdict"]["scores"]) == 3  # of two steps Karras and log-SNR are the same


def test_a_search_that_keeps_its_start_says_so(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("AYS_HOME", str(tmp_path / "home"))
    out = tmp_path / "best.json"
    argv = ("optimize", "ays", "--model", MODEL, "--solver", "euler", "--steps", 4, "--out", out)
    answered(capsys, *argv, "--param", "levels=24", "--param", "paths=16", "--param", "power=1")
    assert main(["optimize", str(out), "--judge", "--json"]) == 0  # the minimum is its own start
    streams = capsys.readouterr()
    found = json.loads(streams.out.splitlines()[-1])
    assert found["won"] is found["verdict"]["won"] is False
    assert "note: The search found nothing better than its start." in streams.err
    name = "AYS family, weight sigma^-1 (KLUB is 3) (the start, which the search kept)"
    assert name in found["verdict"]["scores"]


def test_a_search_goes_on_from_its_file(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("AYS_HOME", str(tmp_path / "home"))
    out = tmp_path / "best.json"
    argv = ("optimize", "ays", "--model", MODEL, "--solver", "euler", "--steps", 4, "--seed", 7)
    few = ("--param", "levels=24", "--param", "paths=16", "--param", "power=1")
    first = answered_json(capsys, *argv, *few, "--out", out)
    assert (
        first["nfe"] == 24 * 16
        and first["complete"]
        and first["versions"].keys() == {*("torch", "diffusers")}
    )
    again = answered_json(capsys, "optimize", out)
    assert again["nfe"] == 0, "what was measured before is not measured again"
    same = ("method", "model", "solver", "seed", "params", "sigmas")
    assert {name: again[name] for name in same} == {name: first[name] for name in same}
    other = answered_json(capsys, "optimize", out, "--param", "power=3")
    assert other["nfe"] == 0 and other["params"] == {**first["params"], "power": "3"}
    assert other["sigmas"] != first["sigmas"] and other["origin"]["parent"].startswith("AYS family")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"solver": 3}, "solver is '3'"),
        ({"params": []}, "params is '[]'"),
        ({"method": None}, "method is 'None'"),
        ({"sigmas": [1.0, 2.0]}, "decreas"),
    ],
)
def test_a_file_that_is_no_search_is_refused(capsys, tmp_path, change, says):
    found = {"method": "ays", "model": MODEL, "solver": "euler", "conditions": [], "guidance": 1.0}
    found |= {"seed": 0, "params": {}, "sigmas": [10.0, 1.0, 0.0]} | change
    (tmp_path / "saved.json").write_text(json.dumps(found))
    message = refused(capsys, "optimize", tmp_path / "saved.json")
    assert "is not a saved search" in message and says in message


def test_a_search_needs_a_model_and_a_solver(capsys):
    assert "--solver is needed" in refused(capsys, "optimize", "oss", "--model", MODEL)


@pytest.mark.slow
def test_ctrl_c_in_a_real_process_keeps_the_best_so_far(tmp_path):
    out = tmp_path / "best.json"
    argv = ["-m", "ays_core", "optimize", "oss", "--model", "grid", "--solver", "euler"]
    argv += ["--steps", "8", "--param", "teacher_steps=400", "--param", "num=1024"]
    argv += ["--out", str(out)]
    with subprocess.Popen(
        [sys.executable, *argv],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # a shell's background job ignores Ctrl-C, and what it starts inherits that
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    ) as process:
        for line in process.stderr:
            if line.startswith("step "):
                process.send_signal(signal.SIGINT)
                break
        rest = process.stderr.read()
        assert process.wait(timeout=60) == 130
    assert "Traceback" not in rest
    assert rest.splitlines()[-1] == "interrupted: this is the best so far"
    assert len(json.loads(out.read_text())["sigmas"]) == 9


def test_oss_from_the_command_line(capsys, tmp_path):
    argv = ("optimize", "oss", "--model", MODEL, "--solver", "euler", "--steps", 4)
    few = ("--param", "num=16", "--param", "teacher_steps=20", "--start", "log_snr")
    found = answered_json(capsys, *argv, *few, "--out", tmp_path / "best.json")
    assert found["origin"]["method"] == "oss" and found["origin"]["parent"] == "log_snr"
    assert found["nfe"] == found["origin"]["params"]["evaluations"] > 0
    assert found["curve"][-1] == found["objective"]["value"]
    compared = ("compare", "--model", MODEL, "--solver", "euler", "--steps", 4, "--num", 8)
    rows = answered_json(capsys, *compared, "--schedules", tmp_path / "best.json")["rows"]
    assert rows[0]["sigmas"] == found["sigmas"]

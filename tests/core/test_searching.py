"""What was measured once is not measured again, whoever asks."""

import inspect
from itertools import islice

import numpy as np
import pytest

from ays_core.denoiser import Bound, bind
from ays_core.job import run
from ays_core.library import Library
from ays_core.models import load_model
from ays_core.optimizers import OPTIMIZERS
from ays_core.schedules import SCHEDULES
from ays_core.searching import (
    LEVELS,
    PATHS,
    cost,
    kept,
    measure_once,
    measurement_key,
    search,
    takes_measurement,
)
from ays_core.statistics import measure_model

SMALL = {"levels": 24, "paths": 16}


class Counting(Bound):
    """A bound model that counts its evaluations, of one sample each."""

    spent = 0

    def __call__(self, x, sigma):
        type(self).spent += len(x)
        return super().__call__(x, sigma)


@pytest.fixture
def counting():
    Counting.spent = 0
    bound = bind(load_model("spiral"))
    return Counting(bound.model, bound.cond, bound.guidance, bound.conditions)


@pytest.fixture
def library(tmp_path):
    return Library(tmp_path)


def karras(denoise, num_steps=6):
    return SCHEDULES["karras"].make(num_steps, denoise.spec)


def test_another_step_count_or_power_costs_nothing(counting, library):
    own = {"power": "3", **SMALL}
    first = run(search(library, OPTIMIZERS["ays"], counting, karras(counting), "euler", **own))
    assert Counting.spent == first.origin.params["evaluations"] == 24 * 16
    for steps, power in ((6, "1"), (10, "3"), (20, "0.5")):
        own["power"] = power
        again = run(
            search(library, OPTIMIZERS["ays"], counting, karras(counting, steps), "euler", **own)
        )
        assert again.num_steps == steps and again.origin.params["evaluations"] == 0
    density = run(
        search(library, OPTIMIZERS["ays_density"], counting, karras(counting), "euler", **SMALL)
    )
    assert density.num_steps == 6 and Counting.spent == 24 * 16


def test_it_is_what_the_optimizer_finds_by_itself(counting, library):
    own = {"power": "1", **SMALL}
    alone = run(OPTIMIZERS["ays"].make(counting, karras(counting), "euler", seed=0, **own))
    assert (
        run(search(library, OPTIMIZERS["ays"], counting, karras(counting), "euler", **own)) == alone
    )
    assert (
        run(search(library, OPTIMIZERS["ays"], counting, karras(counting), "euler", **own)) == alone
    )


def test_a_stopped_measurement_is_gone_on_with(counting, library):
    job = measure_once(library, counting, 24, 64)
    for progress in job:
        if progress.snapshot is not None and progress.snapshot.num_paths >= 16:
            break
    job.close()
    spent, so_far = Counting.spent, kept(library, counting, 24, 64)
    assert 16 <= so_far.num_paths < 64 and spent == so_far.evaluations
    whole = run(measure_once(library, counting, 24, 64))
    assert Counting.spent == 24 * 64 and whole.num_paths == 64
    alone = run(measure_model(counting, levels=24, paths=64))
    np.testing.assert_allclose(whole.distances, alone.distances, rtol=1e-6, atol=1e-12)


def test_different_things_have_different_keys(counting, tmp_path):
    scenes = load_model("scenes")
    bounds = [bind(scenes), bind(scenes, "cat"), bind(scenes, "cat", 2.0), counting]
    keys = {measurement_key(bound) for bound in bounds}
    keys |= {measurement_key(counting, paths=8), measurement_key(counting, seed=1)}
    assert len(keys) == 6
    file = tmp_path / "own.json"
    for std in ("0.1", "0.2"):  # the same name, another model
        file.write_text(f'{{"weights": [1, 1], "means": [[0, 0], [1, 1]], "stds": [0.1, {std}]}}')
        keys.add(measurement_key(bind(load_model(str(file)))))
    assert len(keys) == 8


def test_what_it_will_cost_is_known_before(counting, library):
    where = (OPTIMIZERS["ays"], counting, karras(counting), "euler")
    own = {"power": "3", **SMALL}
    assert cost(library, *where, **own) == (24 * 16, 0)
    run(search(library, *where, **own))
    assert cost(library, *where, **own) == (0, 24 * 16)
    assert cost(library, OPTIMIZERS["oss"], *where[1:])[1] == 0


def test_defaults_are_those_of_the_optimizers():
    for entry in filter(takes_measurement, OPTIMIZERS.values()):
        parameters = inspect.signature(entry.make).parameters
        assert (parameters["levels"].default, parameters["paths"].default) == (LEVELS, PATHS)


def test_a_library_that_cannot_be_written_only_saves_no_time(counting, tmp_path):
    (tmp_path / "file").write_text("no folder")
    library = Library(tmp_path / "file")
    own = {"power": "1", **SMALL}
    found = run(search(library, OPTIMIZERS["ays"], counting, karras(counting), "euler", **own))
    assert found.origin.params["evaluations"] == 24 * 16
    assert kept(library, counting) is None


@pytest.mark.parametrize("method", OPTIMIZERS)
def test_every_optimizer_can_be_searched_with(method, library):
    denoise = bind(load_model("spiral"))
    job = search(library, OPTIMIZERS[method], denoise, karras(denoise), "euler")
    seen = [p.snapshot for p in islice(job, 40) if p.snapshot is not None]
    job.close()
    assert all(schedule.num_steps == 6 for schedule in seen)

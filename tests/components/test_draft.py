"""Drafts come back from the browser: read like any other input."""

from dataclasses import replace

import pytest

from components.draft import draft_of, restored
from components.state import (
    first_studio,
    start_of,
    with_choices,
    with_model,
    with_steps,
    with_yours,
)


def test_a_draft_brings_back_the_studio():
    studio = with_steps(with_model(first_studio(), "spiral"), 9)
    studio = with_choices(
        replace(studio, solver="heun", seed=12_345, optimizer="oss"), ["log_snr", "karras*"]
    )
    back = restored(draft_of(studio))
    assert (back.model, back.solver, back.seed) == ("spiral", "heun", 12_345)
    assert back.optimizer == "oss"
    assert back.yours == studio.yours
    assert [choice.key for choice in back.choices] == ["log_snr", "karras*"]


def test_a_draft_remembers_what_the_curve_was_before_it_was_changed():
    first = first_studio()
    studio = with_yours(first, (70.0, *first.yours.sigmas[1:]))
    back = restored(draft_of(studio))
    assert back.yours == studio.yours and start_of(back) == first.yours
    assert start_of(back).origin.method == first.yours.origin.method


@pytest.mark.parametrize(
    "change",
    [
        {"version": 99},
        {"model": "/etc/passwd.json"},
        {"model": None},
        {"sigmas": [1, 2, 3]},
        {"sigmas": [1e9, 1]},
        {"sigmas": "80, 1"},
        {"sigmas": list(range(1000, 0, -1))},
        {"start": {"sigmas": [1, 2], "method": "karras"}},
        {"start": 7},
        {"seed": -1},
        {"seed": "many"},
        {"seed": float("inf")},
        {"seed": 1e300},
        {"guidance": float("nan")},
        {"sigmas": [float("inf"), 1]},
        {"guidance": 1e9},
        {"solver": "no such"},
        {"optimizer": "no such"},
        {"choices": 7},
    ],
)
def test_a_draft_that_makes_no_sense_is_dropped(change):
    assert restored(draft_of(first_studio()) | change) == first_studio()


@pytest.mark.parametrize("draft", [None, [], "text", 5, {}])
def test_no_draft_is_the_first_studio(draft):
    assert restored(draft) == first_studio()

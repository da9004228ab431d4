"""What is chosen for a search: a method and its own parameters."""

from dataclasses import replace
from types import SimpleNamespace

from components import optimize_panel
from components.optimize_panel import with_method, with_param
from components.state import first_studio, with_model

SOMEONE = SimpleNamespace(session_hash="searching")


def test_a_parameter_of_the_method_before_is_left_out():
    studio = with_method(first_studio(), "ays")
    assert dict(with_param("paths", studio, 16).params) == {"paths": 16}
    later = with_method(studio, "ays_mc")
    assert with_param("paths", later, 16) == later


def test_a_search_that_is_stopped_where_it_begins_has_found_nothing():
    """It shows its start until then, whose record is that of another search."""
    studio = replace(first_studio(), optimizer="direct")
    assert studio.yours.origin.params["curve"]
    answers = optimize_panel.optimise(studio, SOMEONE)
    assert next(answers)[0] is None
    _, shown, figure = next(answers)
    assert shown.props["trial"]["sigmas"] == list(studio.yours.sigmas)
    assert figure["data"][0]["y"] == [] and "reference" in figure["layout"]["title"]["text"]
    optimize_panel.halt(SOMEONE)
    *_, (found, _, figure) = answers
    assert found.schedule is None and not found.complete and figure is None


def test_one_that_is_stopped_later_has_its_best_and_its_record():
    studio = replace(with_model(first_studio(), "gaussians"), optimizer="direct")
    answers = optimize_panel.optimise(studio, SOMEONE)
    for _, _, figure in answers:
        if "trying" in str(figure) and figure["data"][0]["y"]:  # a generation has been tried
            optimize_panel.halt(SOMEONE)
            break
    *_, (found, _, figure) = answers
    assert found.schedule.origin.method.startswith("direct") and not found.complete
    assert found.schedule.origin.params["seconds"] > 0 and figure["data"][0]["y"]

"""What is chosen for a search: a method and its own parameters."""

from components.optimize_panel import with_method, with_param
from components.state import first_studio


def test_a_parameter_of_the_method_before_is_left_out():
    studio = with_method(first_studio(), "ays")
    assert dict(with_param("paths", studio, 16).params) == {"paths": 16}
    later = with_method(studio, "ays_mc")
    assert with_param("paths", later, 16) == later

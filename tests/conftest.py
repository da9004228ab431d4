"""For every test: nothing is written into the library of whoever runs them."""

import pytest


@pytest.fixture(scope="session", autouse=True)
def own_library(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AYS_HOME", str(tmp_path_factory.mktemp("home")))
        yield

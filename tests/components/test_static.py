"""Own files served by this process: kept for ever by browsers, compressed once, nothing else."""

from __future__ import annotations

import gzip
import re

import brotli
import plotly.offline
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from components import schedule_editor, static
from components.plotly_view import PlotlyView

PLAIN = {"accept-encoding": "identity"}
FILES = sorted({*schedule_editor.FILES, *PlotlyView.FILES})


@pytest.fixture(scope="module")
def client() -> TestClient:
    return TestClient(Starlette(routes=static.routes()), base_url="http://127.0.0.1")


def address_of(name: str) -> str:
    match = re.search(r'(?:src|href)="([^"]*)"', static.head(name))
    assert match
    return match[1]


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_kept_for_ever_under_an_address_of_its_content(client, name):
    address = address_of(name)
    assert re.fullmatch(rf"studio-static/{re.escape(name)}\?v=[0-9a-f]{{12}}", address)  # relative
    answer = client.get(address, headers=PLAIN)
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-type"].startswith(("text/javascript", "text/css"))
    assert "content-encoding" not in answer.headers
    squeezed = client.get(address, headers={"accept-encoding": "gzip, br"})
    assert squeezed.headers["content-encoding"] == "br"
    assert squeezed.headers["vary"] == "Accept-Encoding"
    assert squeezed.content == answer.content  # the client has unpacked it
    assert int(squeezed.headers["content-length"]) < len(answer.content)


def test_plotly_is_the_one_of_the_package_and_compressed_once(client):
    address = address_of(static.PLOTLY)
    assert client.get(address).text == plotly.offline.get_plotlyjs()
    unpacked = {"br": brotli.decompress, "gzip": gzip.decompress}
    for encoding in static.ENCODINGS:
        packed = static._compressed(static.PLOTLY, encoding)
        assert packed is static._compressed(static.PLOTLY, encoding)
        assert unpacked[encoding](packed).decode() == plotly.offline.get_plotlyjs()


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("gzip, deflate, br, zstd", "br"),
        ("gzip, deflate", "gzip"),
        ("br;q=0, gzip;q=0.5", "gzip"),
        ("br; q=0", None),
        ("GZIP", "gzip"),
        ("*", "br"),
        ("*, br;q=0", "gzip"),
        ("identity", None),
        ("", None),
        ("gzip;q=much", None),
        ("brotli", None),
    ],
)
def test_a_client_gets_an_encoding_that_it_takes(client, accepted, encoding):
    answer = client.get(address_of("editor/levels.js"), headers={"accept-encoding": accepted})
    assert answer.headers.get("content-encoding") == encoding
    assert "class Levels" in answer.text


def test_head_keeps_the_order_of_scripts():
    tags = static.head("editor/editor.css", static.PLOTLY, "editor/levels.js")
    assert re.findall(r"<(link|script)[^>]*/([\w.]+)\?", tags) == [
        ("link", "editor.css"),
        ("script", "plotly.min.js"),
        ("script", "levels.js"),
    ]


@pytest.mark.parametrize(
    "name",
    [
        "nothing.js",
        "editor/nothing.js",
        "editor",
        "",
        "../app.py",
        "..%2fapp.py",
        "editor/%2e%2e/%2e%2e/pyproject.toml",
        "schedules/ays_sd15.json",
        "%2fetc%2fpasswd",
    ],
)
def test_anything_else_is_not_found(client, name):
    assert client.get(f"studio-static/{name}").status_code == 404


def test_head_of_a_file_that_is_not_there_says_its_name():
    with pytest.raises(FileNotFoundError, match=re.escape("editor/nothing.js")):
        static.head("editor/nothing.js")

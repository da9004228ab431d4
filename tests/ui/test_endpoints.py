"""The app's answers to clients other than its page."""

from __future__ import annotations

import json
import re
import urllib.request

import pytest

from components import static

HOSTILE = {
    '{"sigmas": [10, NaN, 0.1]}': "level 1 is nan",
    '{"sigmas": [1e400, 1]}': "level 0 is inf",
    '{"sigmas": "10, 1"}': "levels must be a list",
    '{"sigmas": ["10", 1]}': "level 0 is not a number",
    '{"sigmas": [10, 10, 1]}': "levels 0 and 1 are equal",
    '{"sigmas": [1, 2]}': "levels must decrease",
    '{"sigmas": [500, 1]}': "above",
    '{"sigmas": [2, -1]}': "negative",
    '{"sigmas": []}': "at least 2 levels",
    json.dumps({"sigmas": list(range(10_000, 0, -1))}): "at most 1001 levels",
    json.dumps({"sigmas": [60 - i / 10 for i in range(300)]}): "300 levels; here at most 200",
    "null": "levels must be a list",
    '"${alert(1)}"': "levels must be a list",
}


@pytest.mark.parametrize("sent", HOSTILE, ids=lambda sent: sent[:30])
def test_a_client_that_sends_anything_is_answered_in_the_same_words(studio_url, sent):
    address = f"{studio_url}gradio_api/call/edit"
    body, kind = f'{{"data": [{sent}]}}'.encode(), {"content-type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(address, body, kind)) as asked:
        number = json.load(asked)["event_id"]
    with urllib.request.urlopen(f"{address}/{number}") as answer:
        event, data = answer.read().decode().split("\ndata: ", 1)
    assert event == "event: error" and HOSTILE[sent] in json.loads(data)["error"]


def test_the_page_itself_is_sent_compressed(studio_url):
    squeezed = urllib.request.Request(studio_url, headers={"accept-encoding": "gzip"})
    with urllib.request.urlopen(squeezed) as answer:
        assert answer.headers["content-encoding"] == "gzip" and len(answer.read()) < 60_000


def test_plotly_is_sent_as_it_was_compressed_once_to_clients_without_brotli(studio_url):
    address = re.search(r'src="([^"]*)"', static.head(static.PLOTLY))
    assert address
    squeezed = urllib.request.Request(studio_url + address[1], headers={"accept-encoding": "gzip"})
    with urllib.request.urlopen(squeezed) as answer:
        assert answer.headers["content-encoding"] == "gzip"
        assert answer.read() == static._compressed(static.PLOTLY, "gzip")

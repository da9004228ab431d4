"""What components/pictures.py sends to the page."""

import base64
import io

import gradio as gr
import numpy as np
import pytest
from PIL import Image

from components import pictures
from components.pictures import Doing, Pictures, Row, View, cloud, density, stale, strip


def image_of(url: str) -> np.ndarray:
    kind, _, data = url.partition(",")
    assert kind == "data:image/png;base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))


def floats_of(text: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), "<f4")


def some_pictures(count: int, height: int, width: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (count, height, width, 3), dtype=np.uint8)


def test_a_strip_holds_every_pixel_side_by_side():
    given = some_pictures(5, 32, 24)
    packed = strip(given)
    image = image_of(packed.url)
    assert (packed.count, packed.width, packed.height) == (5, 24, 32)
    for k, picture in enumerate(given):
        assert np.array_equal(image[:, 24 * k : 24 * (k + 1)], picture)


def test_large_pictures_travel_smaller_in_their_proportions():
    packed = strip(some_pictures(3, 512, 1024), largest=256)
    assert (packed.width, packed.height) == (256, 128)
    assert image_of(packed.url).shape == (128, 3 * 256, 3)


def test_a_cloud_travels_as_float32():
    points = np.random.default_rng(0).normal(size=(100, 2))
    paths = np.random.default_rng(1).normal(size=(4, 7, 2))
    packed = cloud(points, paths)
    assert np.array_equal(floats_of(packed.points), points.astype("f4").ravel())
    assert np.array_equal(floats_of(packed.paths), paths.astype("f4").ravel())
    assert packed.length == 7
    assert cloud(points).length == 0 and cloud(points, []).paths == ""


def test_density_is_more_opaque_where_it_is_higher_and_the_same_in_any_unit():
    values = np.array([[0.0, 0.25], [1.0, 4.0]])
    image = image_of(density(values))
    assert image.shape == (2, 2, 2)
    opacity = image[..., 1]
    assert opacity[0, 0] == 0
    assert opacity[0, 0] < opacity[0, 1] < opacity[1, 0] < opacity[1, 1]
    assert density(values) == density(1000 * values)
    assert image_of(density(np.zeros((2, 2))))[..., 1].max() == 0


def test_stale_keeps_what_is_shown_and_the_sentence_of_a_failure():
    view = View("pictures", (Row("a", "A", "done"), Row("b", "B", "failed", message="no")))
    assert [row.state for row in stale(view).rows] == ["stale", "failed"]
    assert stale(view).rows[1].message == "no"


def test_value_is_plain_data():
    row = Row("a", "A", strip=strip(some_pictures(2, 4, 4)), cloud=cloud(np.zeros((1, 2))))
    with gr.Blocks():
        view = Pictures()
    sent = view.postprocess(View("pictures", (row,), progress=Doing("A", 1, 2)))
    assert sent["rows"][0]["strip"]["count"] == 2
    assert sent["rows"][0]["actions"] == pictures.ACTIONS
    assert sent["progress"] == {"text": "A", "done": 1, "total": 2}
    assert view.postprocess(None) is None


@pytest.mark.parametrize("payload", [None, {}, "x", {"rows": [{"id": 1}]}])
def test_nothing_the_page_sends_reaches_python(payload):
    with gr.Blocks():
        assert Pictures().preprocess(payload) is None

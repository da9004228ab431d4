"""Loading a real model through the page: generate, edit, optimise, compare."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.core import tiny_pipelines as tiny
from tests.ui.test_studio import SIGMAS, drag, error_of, row, set_number, settled

pytestmark = pytest.mark.slow
STILL = """() => {
  const now = JSON.stringify(localStorage), was = window.draftSeen;
  if (!was || was.text !== now) window.draftSeen = { text: now, at: Date.now() };
  return was && was.text === now && Date.now() - was.at > 2500;
}"""


@pytest.fixture(scope="module")
def folders(tmp_path_factory) -> dict[str, str]:
    """Two checkpoints on disk."""
    home = tmp_path_factory.mktemp("checkpoints")
    for name in ("stable_diffusion", "ddpm"):
        tiny.make(name).save_pretrained(home / name)
    return {name: str(home / name) for name in ("stable_diffusion", "ddpm")}


def load(page: Page, folder: str) -> None:
    source = page.locator("#source").locator("input, textarea").first
    if not source.is_visible():
        page.get_by_text("Load a model", exact=True).click()
    source.fill(folder)
    page.locator("#look").click()
    expect(page.locator("#facts dl")).to_contain_text(folder)
    page.locator("#load").click()
    name = folder.rpartition("/")[2]
    expect(page.locator("#capability")).to_contain_text(f"{name} on ")
    expect(page.locator("#generate")).to_contain_text("79 + ")


def generate(page: Page) -> None:
    page.locator("#generate").click()
    expect(page.locator("#generate")).to_contain_text("Nothing has changed", timeout=60_000)
    settled(page)


@pytest.mark.parametrize("name", ["stable_diffusion", "ddpm"])
def test_load_generate_edit_optimise_compare(name, folders, visit, studio_url):
    page = visit(studio_url)
    page.wait_for_selector("#editor .se-root[data-ready]", timeout=30_000)
    settled(page)
    load(page, folders[name])
    assert page.locator("#facts dl").count() == 1
    expect(page.locator("#prompt")).to_be_visible(visible=name == "stable_diffusion")
    expect(page.locator("#rows .pic-row.pic-dim")).to_have_count(
        page.locator("#rows .pic-row").count()
    )

    generate(page)
    assert page.locator("#rows .pic-row.pic-dim").count() == 0
    assert (
        error_of(page, "Yours") > 0
        and "closest to the reference" in page.locator("#rows .pic-finding").inner_text()
    )

    drag(page, 2, -20)
    expect(page.locator("#generate")).to_contain_text("Generate: 6 calls")
    assert row(page, "Yours").get_attribute("class").count("pic-dim") == 1
    generate(page)
    before, levels = error_of(page, "Yours"), page.evaluate(SIGMAS)

    page.locator("#method input").click()
    page.get_by_role("option", name="Align Your Steps, measured once", exact=True).click()
    page.get_by_text("Parameters", exact=True).click()
    for parameter, value in (("levels", 24), ("paths", 16), ("num", 8)):
        set_number(page, f"param-{parameter}", value)
    page.locator("#optimize").click()
    expect(page.locator("#generate")).to_contain_text("Generate: 6 calls", timeout=90_000)
    generate(page)
    assert page.evaluate(SIGMAS) != levels
    assert error_of(page, "Yours") != before
    expect(row(page, "Yours")).to_contain_text("AYS family")


def test_a_reload_finds_the_loaded_model_again(folders, visit, studio_url):
    page = visit(studio_url)
    page.wait_for_selector("#editor .se-root[data-ready]", timeout=30_000)
    settled(page)
    load(page, folders["stable_diffusion"])
    generate(page)
    page.locator("#prompt textarea").press("End")
    page.locator("#prompt textarea").press_sequentially(", blue", delay=50)
    expect(page.locator("#generate")).to_contain_text("79 + ")
    expect(page.locator("#rows .pic-row:not(.pic-dim)")).to_have_count(0)
    page.wait_for_function(STILL, timeout=60_000)  # the draft is written, and nothing under way
    page.reload()
    page.wait_for_selector("#editor .se-root[data-ready]", timeout=30_000)
    expect(page.locator("#prompt textarea")).to_have_value(re.compile("apple.*, blue$"))
    expect(page.locator("#generate")).to_be_visible()

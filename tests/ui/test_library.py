"""The Library tab in a browser: save, choose, use, rename, delete, undo, export and import."""

from __future__ import annotations

import json

from playwright.sync_api import expect

from tests.ui.test_studio import SIGMAS, choose, settled

CHECKED = "#library-table input:checked"


def test_a_schedule_is_saved_used_deleted_and_brought_back(visit, studio_url, tmp_path):
    page = visit(studio_url)
    page.wait_for_selector("#editor .se-root[data-ready]", timeout=30_000)
    choose(page, "model", "Ring of 8 Gaussians")  # whose rows take no time
    expect(page.locator("#rows .pic-root[data-kind=points]")).to_be_visible()
    settled(page)
    before = page.evaluate(SIGMAS)

    page.get_by_role("tab", name="Library").click()
    expect(page.locator("#library-table")).to_contain_text("Nothing saved yet")
    page.locator("#library-name textarea, #library-name input").fill("My first")
    page.locator("#library-save").click()
    row = page.locator("#library-table tbody tr")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("My first")
    expect(row.locator("svg")).to_be_visible()
    expect(page.locator(CHECKED)).to_have_count(1)

    file = tmp_path / "mine.json"
    file.write_text(json.dumps({"sigmas": [9, 3, 1, 0], "name": "Imported"}))
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Import JSON").click()
    chooser.value.set_files(file)
    expect(row).to_have_count(2)
    page.locator("#library-use").click()
    expect(page.locator("#editor .se-root")).to_be_visible()
    page.wait_for_function(f"() => ({SIGMAS})().length === 4")
    assert page.evaluate(SIGMAS) == [9, 3, 1, 0]
    settled(page)

    page.get_by_role("tab", name="Library").click()
    page.get_by_role("radio", name="My first").check()
    page.locator("#library-name textarea, #library-name input").fill("Renamed")
    page.locator("#library-rename").click()
    expect(page.locator("#library-table")).to_contain_text("Renamed")
    page.locator("#library-delete").click()
    expect(row).to_have_count(1)
    page.locator("#library-undo").click()
    expect(row).to_have_count(2)
    page.locator("#library-export button").first.click()
    expect(page.locator("#library-export")).to_contain_text('"name": "Renamed"')
    page.locator("#library-compare").click()
    expect(page.locator("#rows .pic-name", has_text="Renamed")).to_be_visible()
    settled(page)
    page.reload()
    page.get_by_role("tab", name="Library").click()
    expect(row).to_have_count(2)
    assert before != [9, 3, 1, 0]

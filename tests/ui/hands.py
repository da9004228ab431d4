"""What several tests do with the curve on the Studio's desk."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, TimeoutError

from tests.ui.test_studio import SIGMAS

STATE = """() => { const [{ sigmas, levels, stats, rev, edited, said }] = ScheduleEditor.instances;
  const { past, future } = levels;
  return { sigmas, past, future, stats, rev, edited, said: said.textContent }; }"""


def became(page: Page, levels: list[float]) -> None:
    """The curve is at these levels; if it never is, where it is and how it came there."""
    try:
        page.wait_for_function(
            f"want => {{ const now = ({SIGMAS})(); return now.length === want.length"
            " && now.every((v, i) => Math.abs(v - want[i]) <= 1e-9 * (1 + want[i])); }",
            arg=levels,
        )
    except TimeoutError:
        pytest.fail(f"the curve did not become {levels}: {page.evaluate(STATE)}")


def copied(page: Page) -> list[float]:
    """The levels that Python has, as the box to copy from shows them."""
    return [float(v) for v in page.locator("#copied .cm-content").inner_text().split()]


def undo(page: Page) -> None:
    page.locator("#editor .se-handle[tabindex='0']").focus()
    page.keyboard.press("Control+z")

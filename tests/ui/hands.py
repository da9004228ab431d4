"""What several tests do with the curve on the Studio's desk."""

from __future__ import annotations

from playwright.sync_api import Page

from tests.ui.test_studio import SIGMAS


def became(page: Page, levels: list[float]) -> None:
    """The curve is at these levels."""
    page.wait_for_function(
        f"want => {{ const now = ({SIGMAS})(); return now.length === want.length"
        " && now.every((v, i) => Math.abs(v - want[i]) <= 1e-9 * (1 + want[i])); }",
        arg=levels,
    )


def copied(page: Page) -> list[float]:
    """The levels that Python has, as the box to copy from shows them."""
    return [float(v) for v in page.locator("#copied .cm-content").inner_text().split()]


def undo(page: Page) -> None:
    page.locator("#editor .se-handle[tabindex='0']").focus()
    page.keyboard.press("Control+z")

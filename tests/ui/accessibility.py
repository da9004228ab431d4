"""axe-core on a page as it stands, in both themes."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

SERIOUS = ("serious", "critical")
ALL = ("minor", "moderate", *SERIOUS)
COLOURS = ["color-contrast", "link-in-text-block"]  # the rules that a theme can break


def violations(
    page: Page, where: str | None = None, impacts: tuple[str, ...] = SERIOUS
) -> list[str]:
    """What axe finds in the dark theme, by the rules that look at colours, and in the light one, by
    all; a line each."""
    found = []
    quick = {"resultTypes": ["violations"]}  # of what passes it then names one node, not all
    for theme, options in (("dark", {"runOnly": COLOURS, **quick}), ("light", quick)):
        page.evaluate("dark => document.body.classList.toggle('dark', dark)", theme == "dark")
        page.wait_for_timeout(300)  # colours that change in a while
        answer = Axe().run(page, context=where, options=options).response
        assert tuple(map(int, answer["testEngine"]["version"].split("."))) >= (4, 12)
        assert answer["passes"], "axe looked at nothing"
        for each in answer["violations"]:
            if each["impact"] in impacts:
                found.append(f"{theme}: {each['id']}: {each['nodes'][0]['html']}")
    return found

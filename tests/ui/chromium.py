"""The Chromium that browser tests drive, and how `make test` gets one where there is none.

The one that CHROMIUM names comes first, then the system's own, then Debian's package where we are
root (never sudo), then Playwright's download. The headless shell comes before the whole browser,
which draws a window of its own around every page: a fifth of a test's processor time.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

from playwright.sync_api import Browser, Error, Playwright, sync_playwright

SHELL = "chromium-headless-shell"
NAMES = (SHELL, "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PACKAGES = (SHELL, "chromium")  # the first that there is
FONTS = "fonts-dejavu-core"  # a slim system has none at all
ARGS = (
    "--no-sandbox",  # containers rarely allow Chromium's own
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
)
# An init script: `plots` is how often an editor's figure was made anew, by whoever did it. Plotly
# begins a new figure with a drawing of its own, before all others in its container.
COUNT_PLOTS = """
window.plots = 0;
new MutationObserver((records) => {
  for (const { target, addedNodes } of records)
    for (const node of addedNodes)
      if (target.closest && target.closest(".se-plot") && node.matches && node.matches(".main-svg"))
        plots += node === target.querySelector(".main-svg");
}).observe(document, { childList: true, subtree: true });
"""
MISSING = (
    "The browser tests need Chromium and none could be installed here: install the package "
    "chromium (Debian, Ubuntu) or Google Chrome, then run `make test` again."
)


def launch(playwright: Playwright) -> Browser:
    """CHROMIUM, else the system's Chromium or Chrome, else the one Playwright downloaded."""
    named = [path for path in (os.environ.get("CHROMIUM"),) if path]
    for path in (*named, *filter(None, map(shutil.which, NAMES)), None):
        try:
            return playwright.chromium.launch(executable_path=path, args=ARGS)
        except Error:  # a stub that only says "install the snap", or nothing downloaded
            continue
    raise RuntimeError(MISSING)


def works() -> bool:
    with sync_playwright() as playwright:
        try:
            launch(playwright).close()
        except RuntimeError:
            return False
        return True


def install() -> None:
    if os.geteuid() == 0 and shutil.which("apt-get"):
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "update", "--quiet"], env=quiet)
        command = ["apt-get", "install", "--yes", "--no-install-recommends", FONTS]
        for package in PACKAGES:
            if subprocess.run([*command, package], env=quiet).returncode == 0 and works():
                return
    subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"])


if __name__ == "__main__":
    if not works():
        install()
        if not works():
            sys.exit(MISSING)

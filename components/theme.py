"""Colours, type and spacing of the page, light and dark; page-level rules stand in the style sheet.

Neutral surfaces, one accent, the system's own font: nothing is fetched from another host.
"""

from __future__ import annotations

from gradio.themes.base import Base
from gradio.themes.utils import colors, sizes

from components.static import ASSETS

CSS = ASSETS / "theme/studio.css"

ACCENT = colors.Color(
    name="accent",
    c50="#fff5ef",
    c100="#ffe6d8",
    c200="#ffcbb0",
    c300="#ffa97f",
    c400="#f98a50",
    c500="#e8590c",
    c600="#c2470a",
    c700="#a53c05",
    c800="#7f2e06",
    c900="#5c2308",
    c950="#3a1605",
)
SANS = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Helvetica Neue", "Arial", "sans-serif")
MONO = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace")

THEME = Base(
    primary_hue=ACCENT,
    secondary_hue=colors.neutral,
    neutral_hue=colors.neutral,
    spacing_size=sizes.spacing_sm,
    radius_size=sizes.radius_md,
    text_size=sizes.text_sm,
    font=SANS,
    font_mono=MONO,
).set(
    body_background_fill="#ffffff",
    body_background_fill_dark="#141414",
    background_fill_primary="#ffffff",
    background_fill_primary_dark="#1b1b1b",
    background_fill_secondary="#f5f5f5",
    background_fill_secondary_dark="#262626",
    body_text_color="#1c1c1c",
    body_text_color_dark="#ececec",
    body_text_color_subdued="#666666",
    body_text_color_subdued_dark="#a3a3a3",
    border_color_primary="#dedede",
    border_color_primary_dark="#383838",
    # White text on the accent needs its darker shade (contrast 4.9).
    button_primary_background_fill="*primary_600",
    button_primary_background_fill_dark="*primary_600",
    button_primary_background_fill_hover="*primary_700",
    button_primary_background_fill_hover_dark="*primary_700",
)

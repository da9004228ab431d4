"""Colours, type and spacing of the page, light and dark; page-level rules stand in the style sheet.

Neutral surfaces, one accent, the system's own font: nothing is fetched from another host. Text has
a contrast of at least 4.5 on what it stands on, in both; tests/ui/test_theme.py measures it.
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
    background_fill_secondary="#f4f4f4",
    background_fill_secondary_dark="#252525",
    body_text_color="#1c1c1c",
    body_text_color_dark="#ececec",
    body_text_color_subdued="#636363",
    body_text_color_subdued_dark="#a6a6a6",
    border_color_primary="#dedede",
    border_color_primary_dark="#393939",
    link_text_color="*primary_600",
    link_text_color_dark="*primary_400",
    # Blocks have no boxes: what belongs together stands together.
    block_background_fill="transparent",
    block_background_fill_dark="transparent",
    block_border_width="0px",
    block_border_width_dark="0px",
    block_shadow="none",
    block_padding="0px",
    block_title_text_color="*body_text_color_subdued",
    block_title_text_color_dark="*body_text_color_subdued",
    block_title_text_size="*text_sm",
    block_info_text_color="*body_text_color_subdued",
    block_info_text_color_dark="*body_text_color_subdued",
    block_label_text_color="*body_text_color_subdued",
    block_label_text_color_dark="*body_text_color_subdued",
    # Inputs are where one can write: a border, on the page's own surface.
    input_background_fill="*background_fill_primary",
    input_background_fill_dark="*background_fill_primary",
    input_border_width="1px",
    input_border_color="*border_color_primary",
    input_border_color_dark="*border_color_primary",
    input_border_color_focus="*primary_500",
    input_border_color_focus_dark="*primary_500",
    input_padding="6px 10px",
    input_placeholder_color="*body_text_color_subdued",
    input_placeholder_color_dark="*body_text_color_subdued",
    checkbox_label_background_fill="transparent",
    checkbox_label_background_fill_dark="transparent",
    checkbox_label_background_fill_hover="*background_fill_secondary",
    checkbox_label_background_fill_hover_dark="*background_fill_secondary",
    checkbox_label_background_fill_selected="transparent",
    checkbox_label_background_fill_selected_dark="transparent",
    checkbox_label_border_width="0px",
    checkbox_label_border_width_dark="0px",
    checkbox_label_padding="3px 8px 3px 2px",
    checkbox_background_color_dark="*background_fill_secondary",
    checkbox_border_color="#8a8a8a",
    checkbox_border_color_dark="#7a7a7a",
    slider_color="*primary_500",
    slider_color_dark="*primary_500",
    table_even_background_fill="transparent",
    table_even_background_fill_dark="transparent",
    table_odd_background_fill="transparent",
    table_odd_background_fill_dark="transparent",
    button_large_padding="7px 14px",
    button_large_text_size="*text_md",
    button_large_text_weight="500",
    button_medium_text_weight="500",
    button_small_padding="5px 10px",
    button_small_text_size="*text_sm",
    button_secondary_background_fill="*background_fill_secondary",
    button_secondary_background_fill_dark="#303030",
    button_secondary_background_fill_hover="#e9e9e9",
    button_secondary_background_fill_hover_dark="#3c3c3c",
    button_secondary_text_color="*body_text_color",
    button_secondary_text_color_dark="*body_text_color",
    # White text on the accent needs its darker shade.
    button_primary_background_fill="*primary_600",
    button_primary_background_fill_dark="*primary_600",
    button_primary_background_fill_hover="*primary_700",
    button_primary_background_fill_hover_dark="*primary_700",
    button_primary_text_color="#ffffff",
    button_primary_text_color_dark="#ffffff",
)

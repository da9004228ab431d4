"""How the events of the page run: in silence, in order, beside each other."""

from __future__ import annotations

from typing import Any

# What goes on is said by our own components. Gradio would tell every output of every event, at each
# step of any event, and copy all that the output shows each time: so it is told of none.
SILENT: dict[str, Any] = {"show_progress": "hidden", "show_progress_on": []}
PRIVATE: dict[str, Any] = {**SILENT, "api_visibility": "private"}
LAST: dict[str, Any] = {**PRIVATE, "trigger_mode": "always_last"}
COMPUTE: dict[str, Any] = {**PRIVATE, "concurrency_limit": 8, "concurrency_id": "compute"}
# One after the other: what reads and writes the Studio must not overtake.
ORDERED: dict[str, Any] = {"concurrency_limit": 1, "concurrency_id": "studio"}

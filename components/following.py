"""What follows each change of a value, several parts of a page in one event.

What a change costs a page is events: a message to the server, two back, and everything between.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import gradio as gr

from components.events import LAST


@dataclass(frozen=True)
class Part:
    """`act(value, *values of inputs)` gives the values of `outputs`: one, or a tuple. `at_first`:
    it is not in the page when that opens."""

    act: Callable
    outputs: list[Any]
    inputs: list[Any]
    at_first: bool = False

    def __call__(self, value: Any, *values: Any) -> tuple[Any, ...]:
        shown = self.act(value, *values)
        return shown if len(self.outputs) > 1 else (shown,)


@dataclass(frozen=True)
class Following:
    """Collected while the page is built. A part is quick and refuses nothing: all wait for it."""

    of: gr.State | gr.BrowserState
    parts: list[Part] = field(default_factory=list)

    def add(self, act: Callable, outputs: Any, *inputs: Any, at_first: bool = False) -> None:
        outputs = outputs if isinstance(outputs, list) else [outputs]
        self.parts.append(Part(act, outputs, [*inputs], at_first))

    @property
    def first(self) -> Following:
        """What has to be shown when the page opens. All else would be sent to parts that are
        folded, and set back there what is typed as soon as one unfolds them."""
        return replace(self, parts=[part for part in self.parts if part.at_first])

    def after(self, event: Callable) -> Any:
        """`event`: a value's own `change`, the `success` of another event, or anything that takes
        a function, its inputs and its outputs."""
        inputs = [component for part in self.parts for component in part.inputs]
        outputs = [component for part in self.parts for component in part.outputs]
        return event(self.shown, [self.of, *inputs], outputs, **LAST)

    def shown(self, value: Any, *values: Any) -> list[Any]:
        """The values of all outputs, part after part."""
        left, shown = list(values), []
        for part in self.parts:
            own, left = left[: len(part.inputs)], left[len(part.inputs) :]
            shown += part(value, *own)
        return shown

"""The signature is the interface.

A keyword-only parameter `rho: Annotated[float, Range(1, 15, "how strongly ...")] = 7.0` *is* the
slider, the command-line flag and the documentation. This module reads it and checks values.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, get_args, get_type_hints


@dataclass(frozen=True)
class Range:
    """A number between `low` and `high`, both included."""

    low: float
    high: float
    note: str = ""
    step: float | None = None
    log: bool = False


@dataclass(frozen=True)
class Choice:
    """One of `options`, or any number between `numbers`, both included."""

    options: tuple[str, ...]
    note: str = ""
    numbers: tuple[float, float] | None = None


@dataclass(frozen=True)
class Parameter:
    """An adjustable parameter: its name, type, default, and the values it may take."""

    name: str
    kind: type  # float, int, bool or str
    default: Any
    values: Range | Choice

    def parse(self, value: object) -> Any:
        """`value` (possibly text) as this parameter's type, or a `ValueError` with the choices."""
        if isinstance(self.values, Choice):
            if self.values.numbers and _is_number(value):
                low, high = self.values.numbers
                number = Parameter(self.name, float, self.default, Range(low, high)).parse(value)
                return self.kind(f"{number:g}")
            if str(value) not in self.values.options:
                options = ", ".join(self.values.options)
                raise ValueError(f"{self.name} is {value!r}; choose one of: {options}")
            return str(value) == "true" if self.kind is bool else self.kind(str(value))
        low, high = self.values.low, self.values.high
        try:
            number = float(value)  # pyright: ignore[reportArgumentType] - refused just below
        except (TypeError, ValueError):
            raise ValueError(f"{self.name} is not a number: {str(value)[:30]!r}") from None
        except OverflowError:
            number = math.inf
        if not math.isfinite(number) or not low <= number <= high:
            raise ValueError(f"{self.name} is {number:g}; it must lie between {low:g} and {high:g}")
        if self.kind is int and not number.is_integer():
            raise ValueError(f"{self.name} is {number:g}; it must be a whole number")
        return self.kind(number)


YES_NO = Choice(("true", "false"))


def adjustable(function: Callable[..., Any]) -> tuple[Parameter, ...]:
    """The keyword-only parameters of `function` annotated with a `Range` or a `Choice`."""
    hints = get_type_hints(function, include_extras=True)
    found = []
    for name, parameter in inspect.signature(function).parameters.items():
        annotation = get_args(hints.get(name))
        if parameter.kind is not parameter.KEYWORD_ONLY or len(annotation) < 2:
            continue
        kind, values = annotation[0], annotation[1]
        if isinstance(values, Range | Choice):
            found.append(Parameter(name, kind, parameter.default, values))
    return tuple(found)


def parse_params(function: Callable[..., Any], given: Mapping[str, object]) -> dict[str, Any]:
    """`given` checked against what `function` lets one adjust; unknown names raise `ValueError`."""
    known = {parameter.name: parameter for parameter in adjustable(function)}
    for name in given:
        if name not in known:
            choices = ", ".join(known) or "none"
            raise ValueError(f"unknown parameter {name!r}; adjustable here: {choices}")
    return {name: known[name].parse(_text_of(value)) for name, value in given.items()}


def _is_number(value: object) -> bool:
    try:
        return math.isfinite(float(value))  # pyright: ignore[reportArgumentType] - refused here
    except (TypeError, ValueError, OverflowError):
        return False


def _text_of(value: object) -> object:
    return str(value).lower() if isinstance(value, bool) else value

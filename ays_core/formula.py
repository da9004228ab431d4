"""A formula typed by hand becomes noise levels: a small grammar, parsed here, never `eval`.

    sum     = product { ("+" | "-") product }
    product = sign { ("*" | "/") sign }
    sign    = ("+" | "-") sign | power
    power   = atom [ ("^" | "**") sign ]                     right to left; -2^2 is -4
    atom    = number | name | name "(" sum { "," sum } ")" | "(" sum ")"

Names: `i` the number of the level, 0 ... n - 1; `n` how many positive levels; `u` = i / (n - 1);
`sigma_min`, `sigma_max`; `pi`, `e`; and the functions below. Everything is float64, all levels at
once. Length and nesting are bounded, and there are no loops, so time is too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from ays_core.paths import ModelSpec
from ays_core.schedule import Origin, Schedule
from ays_core.schedules.entry import checked_range, checked_steps

MAX_CHARACTERS = 500
MAX_DEPTH = 50  # of brackets, signs and powers within each other

Value = np.ndarray  # float64, (n,) or ()
FUNCTIONS: dict[str, tuple[Callable[..., Value], int]] = {  # with the number of arguments
    "exp": (np.exp, 1),
    "ln": (np.log, 1),
    "log": (np.log, 1),
    "sqrt": (np.sqrt, 1),
    "abs": (np.abs, 1),
    "sin": (np.sin, 1),
    "cos": (np.cos, 1),
    "tan": (np.tan, 1),
    "asin": (np.arcsin, 1),
    "acos": (np.arccos, 1),
    "atan": (np.arctan, 1),
    "sinh": (np.sinh, 1),
    "cosh": (np.cosh, 1),
    "tanh": (np.tanh, 1),
    "min": (np.minimum, 2),
    "max": (np.maximum, 2),
}
TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)|(?P<name>[A-Za-z_]\w*)"
    r"|(?P<sign>\*\*|[-+*/^(),]))",
    re.ASCII,
)


class FormulaError(ValueError):
    """What is wrong with a formula, and where: `position` is an index into its text."""

    def __init__(self, message: str, position: int) -> None:
        super().__init__(f"{message} (at character {position + 1})")
        self.position = position


def schedule_from_formula(
    text: str,
    num_steps: int,
    spec: ModelSpec,
    *,
    final_zero: bool = True,
    sigma_min: float | None = None,
    sigma_max: float | None = None,
) -> Schedule:
    """The levels that `text` gives, with a final 0 after them where asked for.

    Raises `FormulaError` for what cannot be read, `ValueError` for levels that are no schedule.
    """
    num_steps = checked_steps(num_steps)
    low, high = checked_range(spec, sigma_min, sigma_max)
    num = num_steps if final_zero else num_steps + 1
    i = np.arange(num, dtype=np.float64)
    names = {
        "i": i,
        "n": np.float64(num),
        "u": i / max(num - 1, 1),
        "sigma_min": np.float64(low),
        "sigma_max": np.float64(high),
        "pi": np.float64(np.pi),
        "e": np.float64(np.e),
    }
    levels = np.broadcast_to(evaluate(text, names), num)
    for i in np.flatnonzero(~np.isfinite(levels)):
        raise ValueError(f"level {i} is {levels[i]}: the formula has no finite value there")
    if final_zero and levels[-1] == 0:
        raise ValueError(f"level {num - 1} is 0 already: leave the final 0 out")
    params = {"formula": text, "sigma_min": low, "sigma_max": high, "final_zero": final_zero}
    sigmas = (*levels.tolist(), 0.0) if final_zero else tuple(levels.tolist())
    return spec.check(Schedule(sigmas, Origin("formula", params)))


def evaluate(text: str, names: Mapping[str, Value]) -> Value:
    """The value of `text` where names have these values. Raises `FormulaError`.

    Values may be infinite or not a number: the caller decides what that means.
    """
    if len(text) > MAX_CHARACTERS:
        raise FormulaError(f"at most {MAX_CHARACTERS} characters, got {len(text)}", MAX_CHARACTERS)
    with np.errstate(all="ignore"):
        return _Reader(text, names).whole()


class Token(NamedTuple):
    kind: str  # "number", "name", "sign" or "end"
    text: str
    position: int


def _tokens(text: str) -> list[Token]:
    found, position = [], 0
    while position < len(text.rstrip()):
        match = TOKEN.match(text, position)
        if match is None:
            position += len(text[position:]) - len(text[position:].lstrip())
            raise FormulaError(f"{text[position]!r} has no meaning here", position)
        kind = match.lastgroup or ""
        found.append(Token(kind, match[kind], match.start(kind)))
        position = match.end()
    return [*found, Token("end", "", len(text))]


class _Reader:
    """Reads tokens from left to right, one method per rule of the grammar, and computes as it
    goes."""

    def __init__(self, text: str, names: Mapping[str, Value]) -> None:
        self.tokens = _tokens(text)
        self.names = names
        self.place = 0
        self.depth = 0

    def whole(self) -> Value:
        value = self.sum()
        if self.next.kind != "end":
            raise FormulaError(f"{self.next.text!r} is too much", self.next.position)
        return value

    @property
    def next(self) -> Token:
        return self.tokens[self.place]

    def take(self, *signs: str) -> str:
        """The next sign if it is one of `signs`, else nothing."""
        if self.next.kind == "sign" and self.next.text in signs:
            self.place += 1
            return self.tokens[self.place - 1].text
        return ""

    def expect(self, sign: str) -> None:
        if not self.take(sign):
            found = f", not {self.next.text!r}" if self.next.text else ""
            raise FormulaError(f"{sign!r} is missing{found}", self.next.position)

    def sum(self) -> Value:
        value = self.product()
        while sign := self.take("+", "-"):
            other = self.product()
            value = value + other if sign == "+" else value - other
        return value

    def product(self) -> Value:
        value = self.sign()
        while sign := self.take("*", "/"):
            other = self.sign()
            value = value * other if sign == "*" else value / other
        return value

    def sign(self) -> Value:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise FormulaError(f"nested more than {MAX_DEPTH} deep", self.next.position)
        sign = self.take("+", "-")
        value = self.sign() if sign else self.power()
        self.depth -= 1
        return -value if sign == "-" else value

    def power(self) -> Value:
        base = self.atom()
        return np.power(base, self.sign()) if self.take("^", "**") else base

    def atom(self) -> Value:
        if self.take("("):
            value = self.sum()
            self.expect(")")
            return value
        token = self.next
        self.place += token.kind in ("number", "name")
        if token.kind == "number":
            return np.asarray(float(token.text))
        if token.kind == "name" and token.text in FUNCTIONS:
            return self.call(token)
        if token.kind == "name" and token.text in self.names:
            return self.names[token.text]
        if token.kind == "name":
            known = ", ".join((*self.names, *FUNCTIONS))
            raise FormulaError(f"unknown name {token.text[:30]!r}; known: {known}", token.position)
        missing = f"a number or a name is missing{f' before {token.text!r}' * bool(token.text)}"
        raise FormulaError(missing, token.position)

    def call(self, token: Token) -> Value:
        function, wanted = FUNCTIONS[token.text]
        self.expect("(")
        arguments = [self.sum()]
        while self.take(","):
            arguments.append(self.sum())
        if len(arguments) != wanted:
            count = f"{wanted} argument{'s' * (wanted > 1)}"
            raise FormulaError(f"{token.text} takes {count}, got {len(arguments)}", token.position)
        self.expect(")")
        return function(*arguments)

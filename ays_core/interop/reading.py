"""Text from anywhere to numbers: plain lists, CSV, JSON, tensors, snippets."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ays_core.interop.diagnosis import Offer, Parsed, diagnose, repaired
from ays_core.interop.dialects import read_comfyui
from ays_core.paths import Flow, ModelSpec
from ays_core.schedule import MAX_LEVELS, Origin

MAX_TEXT = 200_000  # characters; a thousand levels in full precision with their record are 50,000
MAX_WORD = 60  # characters of one number
NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?", re.ASCII)
READS_TIMES = re.compile("FlowMatch|use_flow_sigmas=True")
DECIMAL_COMMA = re.compile(r"[-+]?\d+,\d+", re.ASCII)
WRAPPED = re.compile(r"\bnp\.float\d+\(([^()\s]*)\)")  # how numpy prints a number in a list
LEVEL_COLUMNS = ("sigma", "sigmas", "σ")
MANUAL_SIGMAS = "ManualSigmas"  # ComfyUI's node for a list
NOT_FINITE = {"nan", "inf", "infinity"}
PASTED = Origin("pasted")


def parse(text: str, spec: ModelSpec | None = None) -> Parsed:
    """Read a list with brackets, `;`, tabs or exponents, a table with a `sigma` column, JSON, a
    ComfyUI node or graph with ManualSigmas, a tensor, a snippet with `sigmas = [...]`.

    Given `spec`, the levels must suit that model. Raises `ValueError`, naming the offending word,
    where no reading makes sense.
    """
    if len(text) > MAX_TEXT:
        raise ValueError(f"at most {MAX_TEXT:,} characters, got {len(text):,}")
    text = text.strip().removeprefix("\ufeff")
    if not text:
        raise ValueError("nothing to read: give a list of noise levels")
    if text.startswith(("{", "[", '"')):
        try:
            content = json.loads(text)
        except (ValueError, RecursionError):
            if text.startswith("{"):
                raise ValueError("this is not valid JSON") from None
        else:
            return _read_json(content, spec)
    cells = _column_of_levels(text)
    if any(map(DECIMAL_COMMA.fullmatch, cells)):
        return _ask_about_commas("; ".join(cells), spec)
    if cells:
        return _diagnosed(cells, "csv", spec)
    return _read_list(text, spec)


def _read_list(text: str, spec: ModelSpec | None) -> Parsed:
    """Numbers with anything between them, in brackets or not."""
    text = WRAPPED.sub(r"\1", text)
    numbers = _list_in(text).strip(" \t\r\n,;")
    words = [word.strip(",") for word in re.split(r"[\s;]+", numbers)]
    if "." not in numbers and len(words) > 1 and any(map(DECIMAL_COMMA.fullmatch, words)):
        return _ask_about_commas(numbers, spec)
    if READS_TIMES.search(text):
        appended = [0.0] * ("FlowMatchEuler" in text)
        times = [*_numbers(_separated(numbers)), *appended]
        return diagnose(_from_times(times), "diffusers", PASTED, spec)
    return _diagnosed(_separated(numbers), _dialect_of(text), spec)


def _diagnosed(words: Sequence[str], dialect: str, spec: ModelSpec | None) -> Parsed:
    return diagnose(_numbers(words), dialect, PASTED, spec)


def _dialect_of(text: str) -> str:
    for mark, dialect in (("diffusers", "diffusers"), ("tensor(", "kdiffusion")):
        if mark in text:
            return dialect
    return "plain"


def _column_of_levels(text: str) -> list[str]:
    """The column of a table that its first line calls sigma, if it names one."""
    header, *rows = [line for line in text.splitlines() if line.strip()]
    for mark in (",", ";", "\t"):
        names = [cell.strip(' "').lower() for cell in header.split(mark)]
        for column in (names.index(name) for name in LEVEL_COLUMNS if name in names):
            cells = (row.split(mark) for row in rows)
            return [cell[column].strip(' "') if column < len(cell) else "" for cell in cells]
    return []


def _list_in(text: str) -> str:
    """What stands in the brackets of `[...]`, `tensor([...], ...)`, `sigmas = [...]`, if any do."""
    named = re.search(r"\bsigmas\s?=[^\[\n]{0,40}\[([^\[\]]*)\]", text)
    if named:
        return named[1]
    lists = re.findall(r"\[([^\[\]]*)\]", text)
    if len(lists) > 1:
        raise ValueError(f"{len(lists)} lists in brackets: give one")
    tuple_ = re.fullmatch(r"\w*\(([^()]*)\)", text)
    return lists[0] if lists else tuple_[1] if tuple_ else text


def _separated(numbers: str) -> list[str]:
    return re.split(r"\s*[,;]\s*|\s+", numbers)


def _from_times(times: Sequence[float]) -> list[float]:
    return Flow().sigma(np.array(times)).tolist()


def _numbers(words: Sequence[str]) -> list[float]:
    """Words as finite numbers, or a `ValueError` naming the first that is none."""
    if len(words) > MAX_LEVELS:
        raise ValueError(f"at most {MAX_LEVELS} levels, got {len(words)}")
    return [_number(i, word) for i, word in enumerate(words, start=1)]


def _number(i: int, word: str) -> float:
    shown = word if len(word) <= 30 else word[:30] + "…"
    if word.lower().lstrip("+-") in NOT_FINITE:
        raise ValueError(f"value {i} is {shown}: levels must be finite")
    if not word:
        raise ValueError(f"value {i} is empty")
    if len(word) > MAX_WORD or not NUMBER.fullmatch(word):
        raise ValueError(f"value {i} is not a number: {shown!r}")
    if not math.isfinite(number := float(word)):
        raise ValueError(f"value {i} is too large: {shown}")
    return number


def _ask_about_commas(numbers: str, spec: ModelSpec | None) -> Parsed:
    """'14,615 6,475 0' may be three numbers with decimal commas, or five without."""
    offers = []
    with_points = re.sub(r"(?<=\d),(?=\d)", ".", numbers)
    for key, label, read in (
        ("decimal_commas", "Read commas as decimal points", with_points),
        ("separating_commas", "Read commas as separators", numbers),
    ):
        try:
            found = diagnose(_numbers(_separated(read)), "plain", PASTED, spec).require()
        except ValueError:
            continue
        offers.append(Offer(key, label, repaired(found.sigmas, key, PASTED)))
    if not offers:
        raise ValueError("commas in a list that is separated otherwise: write 14.615, not 14,615")
    note = "these look like decimal commas: write 14.615 for 14,615, or say how to read them"
    return Parsed(None, "plain", (note,), tuple(offers))


def _read_json(content: Any, spec: ModelSpec | None) -> Parsed:
    """A bare array, text in quotes, a ComfyUI node or graph, or an object with `sigmas` (VE) or
    `flow_times`, and perhaps its origin."""
    if isinstance(content, str):
        return parse(content, spec)
    if isinstance(content, list):
        inner = content[0] if len(content) == 1 and isinstance(content[0], list) else content
        return diagnose(_json_numbers(inner), "plain", PASTED, spec)
    if lists := _manual_sigmas(content):
        if len(lists) > 1:
            raise ValueError(f"{len(lists)} {MANUAL_SIGMAS} nodes: give one")
        numbers = read_comfyui(lists[0])
        times = spec is not None and spec.path.name == "flow"
        return diagnose(_from_times(numbers) if times else numbers, "comfyui", PASTED, spec)
    if "sigmas" in content:
        levels = _json_numbers(content["sigmas"])
    elif "flow_times" in content:
        levels = _from_times(_json_numbers(content["flow_times"]))
    else:
        raise ValueError("this JSON has no list named sigmas")
    return diagnose(levels, "json", _json_origin(content.get("origin")), spec)


def _manual_sigmas(content: Mapping[str, Any]) -> list[str]:
    """The texts of ComfyUI's ManualSigmas nodes: one node, a graph to queue, a saved workflow."""
    nodes = content.get("nodes", [content, *content.values()])
    nodes = [node for node in nodes if isinstance(node, dict)] if isinstance(nodes, list) else []
    lists = []
    for node in nodes:
        if MANUAL_SIGMAS in (node.get("class_type"), node.get("type")):
            inputs, widgets = node.get("inputs"), node.get("widgets_values")
            text = inputs.get("sigmas") if isinstance(inputs, dict) else None
            lists.append(widgets[0] if isinstance(widgets, list) and widgets else text)
    if not all(isinstance(text, str) for text in lists):
        raise ValueError(f"this {MANUAL_SIGMAS} node has no text: its list is made elsewhere")
    return lists


def _json_origin(given: Any) -> Origin:
    if not isinstance(given, dict):
        return PASTED
    params, parent = given.get("params"), given.get("parent")
    params = params.items() if isinstance(params, dict) else ()
    return Origin(
        str(given.get("method", "pasted"))[:80],
        {key: value for key, value in params if _is_plain(value)},
        str(given.get("reference", ""))[:400],
        None if parent is None else str(parent)[:80],
    )


def _is_plain(value: Any) -> bool:
    """A scalar, or a list or object of them such as an objective's curve: what records hold."""
    values = value.values() if isinstance(value, dict) else value
    values = values if isinstance(value, list | dict) else [value]
    return all(isinstance(each, str | int | float | None) for each in values)


def _json_numbers(values: Any) -> list[float]:
    if not isinstance(values, list):
        raise ValueError("sigmas is not a list of numbers")
    for i, value in enumerate(values[:MAX_LEVELS], start=1):
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise ValueError(f"value {i} is not a number: {json.dumps(value)[:30]}")
    return _numbers([value.strip() if isinstance(value, str) else repr(value) for value in values])

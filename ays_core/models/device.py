"""Where a network runs: which device, in which precision, and how many rows at a time."""

from __future__ import annotations

import gc
import math
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ays_core.denoiser import Batch

SHARE = 0.5  # of the free memory, for what a call of the network makes on its way
WEIGHTS_SHARE = 0.8  # of the free memory, for weights
HALF = (torch.bfloat16, torch.float16)
GIB = 1 << 30


def best_device() -> str:
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def best_dtype(device: str) -> torch.dtype:
    """float32 on a CPU; on a card bfloat16, or float16 where it has no bfloat16 of its own."""
    if device == "cpu":
        return torch.float32
    bf16 = device == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.bfloat16 if bf16 else torch.float16


def free_memory(device: str) -> int:
    """Bytes that are free on `device` now."""
    if device.startswith("cuda"):
        return torch.cuda.mem_get_info(device)[0]
    if device == "mps":
        return torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory()
    import psutil

    return int(min(psutil.virtual_memory().available, container_room()))


CGROUP = Path("/sys/fs/cgroup")
CGROUP_FILES = (  # limit, use, and how much of that is files that can be dropped; of either version
    ("memory.max", "memory.current", "memory.stat", "inactive_file"),
    (
        "memory/memory.limit_in_bytes",
        "memory/memory.usage_in_bytes",
        "memory/memory.stat",
        "total_inactive_file",
    ),
)


def container_room() -> float:
    """Bytes that the container around this process has left; infinite without a limit."""
    for limit, used, stat, dropped in CGROUP_FILES:
        try:
            room = int((CGROUP / limit).read_text()) - int((CGROUP / used).read_text())
            held = dict(line.split() for line in (CGROUP / stat).read_text().splitlines())
        except (OSError, ValueError):  # no such file, or the word "max"
            continue
        return room + int(held.get(dropped, 0))
    return math.inf


def device_words(device: str | None = None) -> str:
    """The device and its free memory, to be shown."""
    device = device or best_device()
    name = torch.cuda.get_device_name() if device == "cuda" else device.upper()
    return f"{name} · {free_memory(device) / GIB:.1f} GiB free"


def free_caches() -> None:
    """Give back what nothing refers to any more."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    elif torch.backends.mps.is_available():
        torch.mps.empty_cache()


def ran_out(error: Exception) -> bool:
    """Whether `error` says that there was not enough memory. Only CUDA's has a class of its own."""
    words = str(error).lower()
    return (
        isinstance(error, torch.OutOfMemoryError | MemoryError)
        or "out of memory" in words
        or "can't allocate memory" in words
    )


@contextmanager
def memory_for(what: str, device: str) -> Iterator[None]:
    """Out of memory within becomes a `ValueError` that says during `what`."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not ran_out(error):
            raise
        traceback.clear_frames(error.__traceback__)  # they hold on to tensors
        free_caches()
        raise ValueError(
            f"out of memory on {device} while {what}, {free_memory(device) / GIB:.1f} GiB are "
            "free: free some, or choose a smaller size or a smaller model"
        ) from None


@dataclass
class Batches:
    """Calls of one network with as many rows as its memory holds.

    The first call has one row, whose layers tell what a row needs at most; later ones have as many
    as fit. Where memory runs out nonetheless, half as many. `rows`: what fits, None before it is
    known. `seconds_a_row`: of the latest call. `what`: the network, in words.
    """

    module: torch.nn.Module
    what: str
    rows: int | None = None
    seconds_a_row: float | None = None

    def run(self, num: int, device: str, call: Callable[[slice], Batch]) -> Batch:
        """`call` of all of `num` rows, in order, together. Raises `ValueError` where the memory
        holds not even one."""
        parts: list[Batch] = []
        first = 0
        while first < num:
            rows = slice(first, min(num, first + (self.rows or 1)))
            began = time.perf_counter()
            part = (
                self._learned(device, call, rows) if self.rows is None else call_or_none(call, rows)
            )
            if part is None:
                self._halve(rows.stop - rows.start, device)
                continue
            self.seconds_a_row = (time.perf_counter() - began) / (rows.stop - rows.start)
            parts.append(part)
            first = rows.stop
        return parts[0] if len(parts) == 1 else torch.cat(parts)

    def _learned(self, device: str, call: Callable[[slice], Batch], row: slice) -> Batch | None:
        """The call of the first row, and from it how many rows fit."""
        with outputs_of(self.module) as made:
            part = call_or_none(call, row)
        if part is not None:
            self.rows = max(1, int(SHARE * free_memory(device) / max(1, made[0])))
        return part

    def _halve(self, failed: int, device: str) -> None:
        free_caches()
        if failed == 1:
            raise ValueError(
                f"out of memory on {device}: not even one sample of {self.what} fits into what is "
                f"free, {free_memory(device) / GIB:.1f} GiB; free some, or choose a smaller size"
            )
        self.rows = failed // 2


def call_or_none(call: Callable[[slice], Batch], rows: slice) -> Batch | None:
    """None where memory ran out: the error, which holds on to tensors, is gone by then."""
    try:
        return call(rows)
    except RuntimeError as error:
        if not ran_out(error):
            raise
    return None


@contextmanager
def outputs_of(module: torch.nn.Module) -> Iterator[list[int]]:
    """Counts the bytes of all that the layers of `module` give: more than a call needs at once."""
    made = [0]

    def count(_module: Any, _args: Any, output: Any) -> None:
        if isinstance(output, torch.Tensor):
            made[0] += output.numel() * output.element_size()

    hooks = [m.register_forward_hook(count) for m in module.modules() if not any(m.children())]
    try:
        yield made
    finally:
        for hook in hooks:
            hook.remove()

"""The latest results of whatever takes long, by everything they depend on."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Mapping
from dataclasses import fields, is_dataclass
from threading import Lock
from typing import Any, Generic, TypeVar

T = TypeVar("T")

MOST_BYTES = 256 * 2**20  # of arrays, in one of these


class Recent(Generic[T]):
    """The last `size` results by everything they depend on, shared by all visitors. Fewer, where
    their arrays would hold more than `most_bytes`; the newest always stays."""

    def __init__(self, size: int, most_bytes: int = MOST_BYTES) -> None:
        self._size, self._most = size, most_bytes
        self._values: OrderedDict[Hashable, tuple[T, int]] = OrderedDict()
        self._bytes = 0
        self._lock = Lock()  # visitors are threads

    def get(self, key: Hashable) -> T | None:
        with self._lock:
            if key not in self._values:
                return None
            self._values.move_to_end(key)
            return self._values[key][0]

    def put(self, key: Hashable, value: T) -> T:
        added = bytes_of(value)
        with self._lock:
            self._bytes += added - self._values.pop(key, (None, 0))[1]
            self._values[key] = value, added
            while len(self._values) > max(1, self._size) or (
                self._bytes > self._most and len(self._values) > 1
            ):
                _, (_, freed) = self._values.popitem(last=False)
                self._bytes -= freed
        return value


def bytes_of(value: Any) -> int:
    """What the arrays in a result hold, whatever it is made of."""
    if hasattr(value, "nbytes"):
        return int(value.nbytes)
    if is_dataclass(value):
        return sum(bytes_of(getattr(value, each.name)) for each in fields(value))
    if isinstance(value, Mapping):
        return sum(map(bytes_of, value.values()))
    if isinstance(value, tuple | list):
        return sum(map(bytes_of, value))
    return 0

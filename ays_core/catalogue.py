"""Named implementations: what a user can choose by name, with what is known about it.

Menus, the command line and parametrised tests iterate catalogues, so adding an entry is all it
takes to add a feature.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar


@dataclass(frozen=True)
class Entry:
    """One named implementation.

    `make` does the work; its adjustable parameters are read from its signature (`params.py`).
    `reference` is where it comes from: a paper with its equation, or a project.
    """

    key: str
    label: str
    make: Callable[..., Any]
    reference: str
    aliases: tuple[str, ...] = ()


E = TypeVar("E", bound=Entry)


class Catalogue(Mapping[str, E], Generic[E]):
    """Entries by key, in the order they were added. Aliases find entries but are not listed."""

    def __init__(self, kind: str) -> None:
        self.kind = kind  # the word used in error messages: "schedule", "solver", ...
        self._entries: dict[str, E] = {}
        self._aliases: dict[str, str] = {}

    def add(self, entry: E) -> E:
        """Add an entry. A key or alias that is already taken raises `ValueError`."""
        for name in (entry.key, *entry.aliases):
            if name in self._entries or name in self._aliases:
                raise ValueError(f"{self.kind} {name!r} is already in the catalogue")
        self._entries[entry.key] = entry
        self._aliases.update(dict.fromkeys(entry.aliases, entry.key))
        return entry

    def __getitem__(self, key: str) -> E:
        try:
            return self._entries[self._aliases.get(key, key)]
        except KeyError:
            raise UnknownKey(
                f"unknown {self.kind} {key!r}; known: {', '.join(self._entries)}"
            ) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, key: object) -> bool:
        return key in self._entries or key in self._aliases


class UnknownKey(KeyError, ValueError):
    """A name that is not in a catalogue: a `KeyError` for mappings, a `ValueError` for users."""

    def __str__(self) -> str:
        return str(self.args[0])

"""What every named model is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from ays_core.catalogue import Catalogue, Entry
from ays_core.denoiser import Model
from ays_core.paths import ModelSpec


@dataclass(frozen=True)
class ModelEntry(Entry):
    """A model by name. `describe` gives its spec without the cost of making the model."""

    describe: Callable[[], ModelSpec] | None = None

    def load(self) -> Model:
        """The model itself: one object per entry, made when first asked for."""
        return _made(self)

    @property
    def spec(self) -> ModelSpec:
        return self.describe() if self.describe else self.load().spec


@cache
def _made(entry: ModelEntry) -> Model:
    return entry.make()


MODELS: Catalogue[ModelEntry] = Catalogue("model")

"""Several networks heard at once, each asked for its own layers."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from .base import Extractor, Sound


class Combined:
    """One extractor out of several whose layers have different names."""

    def __init__(self, extractors: Sequence[Extractor]) -> None:
        self._extractors = tuple(extractors)
        self.layers = tuple(layer for extractor in extractors for layer in extractor.layers)

    def features(self, planes: Tensor, layers: Sequence[str], sound: Sound) -> dict[str, Tensor]:
        """See `Extractor.features`."""
        found: dict[str, Tensor] = {}
        for extractor in self._extractors:
            own = [layer for layer in layers if layer in extractor.layers]
            if own:
                found.update(extractor.features(planes, own, sound))
        return found

"""What the optimisation loop asks of a network, whichever it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from torch import Tensor


class Extractor(Protocol):
    """A frozen network with its own differentiable front end.

    Attributes:
        layers: names of what it can hear, shallow to deep.
    """

    layers: tuple[str, ...]

    def features(self, levels: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
        """Run the network as deep as the deepest layer asked for.

        Args:
            levels: `(B, M, T)`, band levels in dB relative to the programme's level, as `transfer` optimises them.
            layers: names out of `self.layers`.

        Returns:
            For each name the rectified feature map, `(B, C, *)`.
        """
        ...

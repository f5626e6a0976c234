"""Asking a network for the features of levels that belong to no recording."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from daw_bridge.extractors.base import Extractor, Sound
from daw_bridge.sounding import unheard


def only_levels(levels: Tensor) -> Sound:
    """Levels `(M, T)` as a sound that cannot be listened to."""
    return Sound(levels, lambda first, last: unheard(torch.arange(first, last)))


def features(network: Extractor, levels: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
    """Features of grey levels `(B, M, T)`."""
    return network.features(levels[:, None], layers, only_levels(levels[0]))

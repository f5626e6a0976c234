"""A wide random layer over time with the bands as channels: hears which bands sound together, and in what rhythm."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from ..networks import WYSE
from ..planes import grey
from .base import Sound

N_FILTERS = 256
N_TAPS = 11  # frames under a filter: 0.13 s, times the pooling
LEVEL_UNIT_DB = 15.0  # a band this far from the style's mean counts as one unit
BIAS_DEVIATION = 0.5


class Wyse:
    """Random one-dimensional convolutions at several time scales; needs no file at all.

    `wyse_1` looks at single frames, `wyse_4` at means of four, so its eleven taps span half a second.

    Args:
        band_means: `(M, 1)`, the style's mean level in dB by band; what a filter sees is the distance from it, so that
            loud bands do not drown the others.
        seed: of the filters.
        dtype: of the convolutions.

    Source:
        Wyse 2017 (bands as channels); Ulyanov and Lebedev 2016 (random filters, 11 frames). Differs: several time scales
        of 256 filters each instead of one of 4096, and levels in dB instead of log(1 + x).
    """

    layers = WYSE.layers

    def __init__(self, band_means: Tensor, seed: int, dtype: torch.dtype) -> None:
        self._band_means, self._dtype = band_means, dtype
        n_bands = band_means.shape[0]
        generator = torch.Generator().manual_seed(seed)
        self._kernels: dict[str, tuple[Tensor, Tensor]] = {}
        for layer in self.layers:
            kernel = torch.randn(N_FILTERS, n_bands, N_TAPS, generator=generator) * (2.0 / (n_bands * N_TAPS)) ** 0.5
            bias = torch.randn(N_FILTERS, generator=generator) * BIAS_DEVIATION
            self._kernels[layer] = kernel.to(band_means.device, dtype), bias.to(band_means.device, dtype)

    def features(self, planes: Tensor, layers: Sequence[str], sound: Sound) -> dict[str, Tensor]:
        """See `Extractor.features`; feature maps are `(B, 256, T / pooling)`."""
        units = ((grey(planes) - self._band_means) / LEVEL_UNIT_DB).to(self._dtype)
        found: dict[str, Tensor] = {}
        for layer in layers:
            pooling = int(layer.partition("_")[2])
            pooled = units if pooling == 1 else functional.avg_pool1d(units, pooling, ceil_mode=True)
            kernel, bias = self._kernels[layer]
            edges = functional.pad(pooled, (N_TAPS // 2, N_TAPS // 2), mode="replicate")
            found[layer] = functional.relu(functional.conv1d(edges, kernel, bias))
        return found

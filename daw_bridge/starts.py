"""Where the optimisation starts: noise, the content, or the content with each band's levels spread as the style's are."""

from __future__ import annotations

import torch
from torch import Tensor

from .band_statistics import N_QUANTILES, BandStatistics, quantiles

SMALLEST_DEVIATION_DB = 1.0
SMALLEST_SPREAD = 0.01  # of the target's unit: a band that stands still is not blown up


def noise_start(like: Tensor, mean_db: float, deviation_db: float, generator: torch.Generator) -> Tensor:
    """Noise about a mean level, the same on any device.

    Args:
        like: `(M, T)`, gives shape and device.
        mean_db, deviation_db: of the noise.
        generator: goes on from one part of the bands to the next.

    Returns:
        `(M, T)` in dB.
    """
    return mean_db + deviation_db * torch.randn(like.shape, generator=generator).to(like)


def band_stats_start(content: Tensor, style: BandStatistics) -> Tensor:
    """The content with each band's mean and deviation set to the style's.

    Args:
        content: `(M, T)` levels in dB of sounding frames.
        style: of the same M bands.

    Returns:
        `(M, T)`.
    """
    own_deviation = content.std(1, keepdim=True, correction=0) + SMALLEST_DEVIATION_DB
    deviation = style.deviation + SMALLEST_DEVIATION_DB
    return (content - content.mean(1, keepdim=True)) / own_deviation * deviation + style.mean


def band_histogram_start(content: Tensor, style: BandStatistics) -> Tensor:
    """The content with each band's levels moved, in their order, to where the style's lie.

    What is the band's median becomes the style's median, and so on for 64 quantiles: one-dimensional optimal transport,
    band by band. Mean, deviation and skewness become the style's; what is louder than what stays the content's.

    Args:
        content: `(M, T)` levels in dB of sounding frames.
        style: of the same M bands.

    Returns:
        `(M, T)`.
    """
    own, wanted = quantiles(content), style.quantiles
    own = own + torch.arange(N_QUANTILES).to(own) * 1e-4  # strictly rising, also where a band is constant
    above = torch.searchsorted(own, content.contiguous()).clamp(1, N_QUANTILES - 1)
    low, high = own.gather(1, above - 1), own.gather(1, above)
    share = ((content - low) / (high - low)).clamp(0.0, 1.0)
    return torch.lerp(wanted.gather(1, above - 1), wanted.gather(1, above), share)


def with_spread_of(target: Tensor, start: Tensor) -> Tensor:
    """The target with each band's mean and deviation over time set to the start's.

    A start from the style's statistics has every band where it belongs; what a network moves then is when and what
    together, not how much.

    Args:
        target, start: `(…, M, T)`, in the same unit.

    Returns:
        As `target`.
    """
    away = target - target.mean(-1, keepdim=True)
    spread = start.std(-1, keepdim=True, correction=0) + SMALLEST_SPREAD
    own = away.std(-1, keepdim=True, correction=0) + SMALLEST_SPREAD
    return start.mean(-1, keepdim=True) + away * (spread / own)

"""Where the optimisation starts: noise, the content, or the content with each band's levels spread as the style's are."""

from __future__ import annotations

import torch
from torch import Tensor

N_QUANTILES = 64
SMALLEST_DEVIATION_DB = 1.0


def noise_start(content: Tensor, seed: int) -> Tensor:
    """Noise about the content's mean level, `(M, T)` in dB, the same for the same seed on any device."""
    noise = torch.randn(content.shape, generator=torch.Generator().manual_seed(seed)).to(content)
    return content.mean() + content.std() * noise


def band_stats_start(content: Tensor, style: Tensor) -> Tensor:
    """The content with each band's mean and deviation set to the style's.

    Args:
        content: `(M, T)` levels in dB of sounding frames.
        style: `(M, S)`, the same of the style.

    Returns:
        `(M, T)`.
    """
    own_deviation = content.std(1, keepdim=True, correction=0) + SMALLEST_DEVIATION_DB
    deviation = style.std(1, keepdim=True, correction=0) + SMALLEST_DEVIATION_DB
    return (content - content.mean(1, keepdim=True)) / own_deviation * deviation + style.mean(1, keepdim=True)


def band_histogram_start(content: Tensor, style: Tensor) -> Tensor:
    """The content with each band's levels moved, in their order, to where the style's lie.

    What is the band's median becomes the style's median, and so on for 64 quantiles: one-dimensional optimal transport,
    band by band. Mean, deviation and skewness become the style's; what is louder than what stays the content's.

    Args:
        content: `(M, T)` levels in dB of sounding frames.
        style: `(M, S)`, the same of the style.

    Returns:
        `(M, T)`.
    """
    own, wanted = quantiles(content), quantiles(style)
    own = own + torch.arange(N_QUANTILES).to(own) * 1e-4  # strictly rising, also where a band is constant
    above = torch.searchsorted(own, content.contiguous()).clamp(1, N_QUANTILES - 1)
    low, high = own.gather(1, above - 1), own.gather(1, above)
    share = ((content - low) / (high - low)).clamp(0.0, 1.0)
    return torch.lerp(wanted.gather(1, above - 1), wanted.gather(1, above), share)


def quantiles(levels: Tensor) -> Tensor:
    """64 evenly spaced quantiles of each band, `(M, 64)`, from the quietest to the loudest of `(M, T)`."""
    ordered = levels.sort(dim=1).values
    place = torch.linspace(0, levels.shape[1] - 1, N_QUANTILES, device=levels.device)
    low = place.floor().long()
    high = place.ceil().long()
    return torch.lerp(ordered[:, low], ordered[:, high], (place - low).to(ordered))

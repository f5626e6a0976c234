"""A network's view of a target at several time-frequency resolutions at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from .extractors.base import Extractor, Sound

POOLED = 4
AT = "@"


def smeared(planes: Tensor, n_bands: int, n_frames: int) -> Tensor:
    """Levels as a coarser resolution has them: the mean power of so many bands and frames, in each of their cells.

    Args:
        planes: `(B, P, M, T)` in dB.
        n_bands, n_frames: cells that become one.

    Returns:
        `(B, P, M, T)` in dB.
    """
    power = torch.pow(10.0, planes / 10.0)
    pooled = functional.avg_pool2d(power, (n_bands, n_frames), ceil_mode=True)
    cells = pooled.repeat_interleave(n_bands, dim=2).repeat_interleave(n_frames, dim=3)
    return 10.0 * torch.log10(cells[:, :, : planes.shape[2], : planes.shape[3]])


# A window four times as long hears the mean of four frames; one a fourth as long cannot tell four bands apart.
VIEWS: Mapping[str, Callable[[Tensor], Tensor]] = {
    "long": lambda planes: smeared(planes, 1, POOLED),
    "short": lambda planes: smeared(planes, POOLED, 1),
}


def features_at(
    extractor: Extractor, planes: Tensor, layers: Sequence[str], sound: Sound, *, is_multiresolution: bool
) -> dict[str, Tensor]:
    """Features of the target, and of what longer and shorter windows would make of it.

    A window trades time for frequency; texture lives in both, so losses at several windows at once hold what one misses.
    Other windows' levels follow closely enough from those at hand, and the gradient with them, so that one target serves
    all.

    Args:
        extractor, planes, layers, sound: as in `Extractor.features`.
        is_multiresolution: whether other resolutions are looked at, for three times the work.

    Returns:
        `{layer: features}`, further ones as `layer@long` and `layer@short`.

    Source:
        Barry and Kim 2018: an ensemble of STFT, mel and constant-Q spectrograms. Differs: one spectrogram, smeared.
    """
    found = extractor.features(planes, layers, sound)
    if is_multiresolution:
        for view, seen in VIEWS.items():
            heard = extractor.features(seen(planes), layers, sound)
            found |= {f"{layer}{AT}{view}": features for layer, features in heard.items()}
    return found


def weight_of(name: str, weights: Mapping[str, float]) -> float:
    """The weight of a layer at any resolution."""
    return weights[name.partition(AT)[0]]

"""What a target's levels themselves should be like, without a network: smooth, as loud, as bright, in the same rhythm."""

from __future__ import annotations

import torch
from torch import Tensor

from .band_statistics import autocorrelation, power_db

UNIT_DB = 20.0  # a difference that counts as one


def frame_levels_db(levels: Tensor) -> Tensor:
    """Level of each frame of `(M, T)` levels, all bands together, `(T,)` in dB."""
    return 10.0 * torch.log10(torch.pow(10.0, levels / 10.0).sum(0))


def total_variation(levels: Tensor) -> Tensor:
    """How much neighbouring cells differ, in time and between bands.

    Args:
        levels: `(M, T)` in dB.

    Returns:
        A scalar, the mean difference in units of 20 dB; 0 where all is even.

    Source:
        Rudin, Osher and Fatemi 1992; for pictures made by networks, Mahendran and Vedaldi 2015, with exponent 1.
    """
    steps = (levels.diff(dim=0).abs().sum() + levels.diff(dim=1).abs().sum()) / UNIT_DB
    return steps / levels.numel()


def envelope_loss(levels: Tensor, wanted: Tensor) -> Tensor:
    """How far each frame's level is from the content's: what keeps the song's dynamics.

    Args:
        levels: `(M, T)` in dB.
        wanted: `(T,)` of `frame_levels_db`.

    Returns:
        A scalar, mean square in units of 20 dB.

    Source:
        Verma and Smith 2018, section 2: energy envelope over time. Differs: in dB, so that soft passages count, too.
    """
    return ((frame_levels_db(levels) - wanted) / UNIT_DB).square().mean()


def spectrum_loss(levels: Tensor, wanted: Tensor) -> Tensor:
    """How far each band's mean power is from the style's: what takes on its tone.

    Args:
        levels: `(M, T)` in dB.
        wanted: `(M, 1)` in dB, the style's mean power.

    Returns:
        A scalar, mean square in units of 20 dB.

    Source:
        Verma and Smith 2018, section 2: energy envelope over frequency. Differs: in dB.
    """
    return ((power_db(levels) - wanted) / UNIT_DB).square().mean()


def rhythm_loss(levels: Tensor, wanted: Tensor) -> Tensor:
    """How far the target's rhythm is from the style's: after how long each band comes back to itself.

    Args:
        levels: `(M, T)` in dB.
        wanted: `(M, L)`, the style's `autocorrelation`; of a short target only the lags that half of it holds count.

    Returns:
        A scalar, mean square difference of correlations.

    Source:
        Antognini, Hoffman and Weiss 2018, autocorrelation loss. Differs: of band levels instead of feature maps, and of
        correlations instead of powers, so that it says how regular and not how loud; lags up to two seconds as there.
    """
    n_lags = min(wanted.shape[1], levels.shape[1] // 2)
    if n_lags == 0:
        return levels.sum() * 0.0
    return (autocorrelation(levels, n_lags) - wanted[:, :n_lags]).square().mean()

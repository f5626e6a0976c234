"""Fills bands that the content leaves empty and the style needs with the content's own harmonics, as a studio's exciter does."""

from __future__ import annotations

import torch
from torch import Tensor

from .reconstruct import gain_mask
from .spectrogram import Analysis

DRIVE = 2.0  # how far the programme's RMS level drives the saturation
NOTHING_DB = -150.0
MOST_NEED_DB = 60.0


def band_need_db(content_levels: Tensor, style_levels: Tensor, beyond_db: float) -> Tensor:
    """By how much each band of the content is too weak for a gain of `beyond_db` to bring it to the style's power.

    Args:
        content_levels: `(M, T)`, sounding frames in dB relative to the programme.
        style_levels: `(M, S)`, the same of the style.
        beyond_db: gain that is left to the mask.

    Returns:
        `(M, 1)` in dB, from 0 to 60.
    """
    return (_power_db(style_levels) - _power_db(content_levels) - beyond_db).clamp(0.0, MOST_NEED_DB)


def harmonics(samples: Tensor, sounding: Tensor, need_db: Tensor, analysis: Analysis) -> Tensor:
    """Harmonics of the content for the bands in need, as loud as they are needed there.

    A gain can only turn up what is there; in an empty band that is hiss. Saturated, the content makes overtones that
    start and stop with its notes, on its side of the image, and are silent where it is.

    Args:
        samples: `(C, N)`, the content without offset.
        sounding: `(T,)` of bool.
        need_db: `(M, 1)` of `band_need_db`.
        analysis: of the content.

    Returns:
        `(C, N)`, to be added to the content; zeros a window away from any sound, and everywhere if no band is in need.
    """
    if not bool((need_db > 0).any()) or not bool(sounding.any()):
        return torch.zeros_like(samples)
    rms = (samples.square().mean() / sounding.float().mean()).sqrt().clamp_min(1e-9)
    saturated = torch.tanh(samples * (DRIVE / rms))
    own = _power_db(analysis.levels(samples)[:, sounding])
    made = _power_db(analysis.levels(saturated)[:, sounding])
    gain_db = torch.where(need_db > 0, own + need_db - made, torch.full_like(made, NOTHING_DB))
    everywhere = analysis.spread.clone()
    everywhere[analysis.spread.sum(1) == 0, 0] = 1.0  # below the bands, too, saturation adds nothing
    return gain_mask(saturated, gain_db.expand(-1, sounding.shape[0]), everywhere, analysis.resolution)


def _power_db(levels: Tensor) -> Tensor:
    return 10.0 * torch.log10(torch.pow(10.0, levels / 10.0).mean(1, keepdim=True))

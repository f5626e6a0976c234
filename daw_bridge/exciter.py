"""Fills bands that the content leaves empty and the style needs with the content's own harmonics, as a studio's exciter does."""

from __future__ import annotations

import torch
from torch import Tensor

from .analysis import SAMPLES_AT_ONCE, Analysis
from .reconstruct import gain_mask
from .scratch import Scratch

DRIVE = 2.0  # how far the programme's RMS level drives the saturation
NOTHING_DB = -150.0
MOST_NEED_DB = 60.0


def band_need_db(content_power_db: Tensor, style_power_db: Tensor, beyond_db: float) -> Tensor:
    """By how much each band of the content is too weak for a gain of `beyond_db` to bring it to the style's power.

    Args:
        content_power_db: `(M, 1)`, mean power of the content's sounding frames relative to the programme.
        style_power_db: the same of the style.
        beyond_db: gain that is left to the mask.

    Returns:
        `(M, 1)` in dB, from 0 to 60.
    """
    return (style_power_db - content_power_db - beyond_db).clamp(0.0, MOST_NEED_DB)


def harmonics(
    samples: Tensor,
    frames: Tensor,
    power_db: Tensor,
    need_db: Tensor,
    analysis: Analysis,
    scratch: Scratch = Scratch(),
) -> Tensor | None:
    """Harmonics of the content for the bands in need, as loud as they are needed there.

    A gain can only turn up what is there; in an empty band that is hiss. Saturated, the content makes overtones that
    start and stop with its notes, on its side of the image, and are silent where it is.

    Args:
        samples: `(C, N)`, the content.
        frames: `(S,)`, numbers of those in which it sounds.
        power_db: `(M, 1)`, mean power of these in dB.
        need_db: `(M, 1)` of `band_need_db`.
        analysis: of the content.
        scratch: makes room for two recordings as long.

    Returns:
        `(C, N)`, to be added to the content; zeros a window away from any sound. None if no band is in need.
    """
    if not bool((need_db > 0).any()) or not len(frames):
        return None
    sounding = torch.zeros(analysis.n_frames(samples), dtype=torch.bool)
    sounding[frames] = True
    saturated = _saturated(samples, float(sounding.float().mean()), scratch)
    made = 10.0 * torch.log10(_mean_power(saturated, sounding, analysis))
    gain_db = torch.where(need_db > 0, power_db + need_db - made, torch.full_like(made, NOTHING_DB)).to(analysis.device)
    everywhere = analysis.spread.clone()
    everywhere[analysis.spread.sum(1) == 0, 0] = 1.0  # below the bands, too, saturation adds nothing
    out, is_on = torch.from_numpy(scratch.empty(tuple(samples.shape))), sounding.to(analysis.device)
    nothing = torch.full_like(gain_db, NOTHING_DB)

    def gains(first: int, last: int) -> Tensor:
        return torch.where(is_on[first:last], gain_db, nothing)  # saturation turns the noise of rests up, music down

    return gain_mask(saturated, gains, everywhere, analysis.resolution, out)


def _saturated(samples: Tensor, sounding_share: float, scratch: Scratch) -> Tensor:
    parts = list(torch.split(samples, SAMPLES_AT_ONCE, dim=1))
    mean_square = sum(float(torch.linalg.vector_norm(part, dtype=torch.float64)) ** 2 for part in parts) / samples.numel()
    drive = DRIVE / max((mean_square / sounding_share) ** 0.5, 1e-9)
    saturated = torch.from_numpy(scratch.empty(tuple(samples.shape)))
    for part, room in zip(parts, torch.split(saturated, SAMPLES_AT_ONCE, dim=1), strict=True):
        torch.tanh(part * drive, out=room)
    return saturated


def _mean_power(samples: Tensor, sounding: Tensor, analysis: Analysis) -> Tensor:
    """Mean power by band, `(M, 1)`, over the sounding frames."""
    total = torch.zeros(analysis.bands.shape[0], 1, dtype=torch.float64)
    for part, levels in analysis.level_blocks(samples):
        total += torch.pow(10.0, levels.cpu()[:, sounding[part]] / 10.0).sum(1, keepdim=True, dtype=torch.float64)
    return (total / sounding.sum()).float()

"""Keeps a transfer from turning the content's own background noise up: how loud each cell may become at most."""

from __future__ import annotations

import dataclasses

import torch
from torch import Tensor

from .band_statistics import BandStatistics, band_parts, low_end, power_db, smoothed

LOW_SHARE = 0.1  # the quiet end of a stretch: its 10th percentile
MARGIN_DB, FREE_SLOPE = 4.0, 3.0  # a cell this far over the floor is music, and may rise by 3 dB for each dB further
ANYTHING_DB, UNGUARDED_DB = 300.0, 60.0


def noise_ceiling(content: Tensor, style: BandStatistics, frames_per_second: float, lift_db: float) -> Tensor:
    """Highest level that each cell of the target may have.

    What lies at the quiet floor of its band rises with the band's music, by `lift_db` at most, or to where the style's own
    quiet moments lie; what stands out from the floor is free.

    Args:
        content: `(M, T)` levels in dB under the programme, all frames, silence too.
        style: of the same M bands.
        frames_per_second: of the levels.
        lift_db: most that noise is raised; 60 and more leaves it unguarded.

    Returns:
        `(M, T)` in dB; far above anything where there is no floor to be known.
    """
    if lift_db >= UNGUARDED_DB:
        return torch.full_like(content, ANYTHING_DB)
    floor = noise_floor(content, frames_per_second)
    lift = (style.power_db - power_db(content)).clamp(0.0, lift_db)
    allowed = torch.maximum(floor + lift, style.quiet_db)
    ceiling = allowed + FREE_SLOPE * (smoothed(content) - floor - MARGIN_DB).clamp_min(0.0)
    return torch.where(floor.isfinite(), ceiling, torch.full_like(content, ANYTHING_DB))


def floors(levels: Tensor, programme_db: float, frames_per_second: float) -> Tensor:
    """`noise_floor` of a recording of any length, `(M, 1)` in dB relative to its programme's level.

    Args:
        levels: `(M, T)` in dB, all frames, silence too; may be a memory map.
        programme_db: the programme's level.
        frames_per_second: of `levels`.
    """
    return torch.cat([noise_floor(levels[part] - programme_db, frames_per_second) for part in band_parts(*levels.shape)])


def with_silence(style: BandStatistics, floor: Tensor) -> BandStatistics:
    """A style whose quiet end is as low as the floor of all its frames, so that one with rests gives no leave to hiss.

    Args:
        style: statistics of its sounding frames.
        floor: `(M, 1)` in dB, of all of them.
    """
    quiet_db = torch.where(floor.isfinite(), style.quiet_db.minimum(floor.to(style.quiet_db)), style.quiet_db)
    return dataclasses.replace(style, quiet_db=quiet_db)


def noise_floor(levels: Tensor, frames_per_second: float) -> Tensor:
    """The quiet end of each band, `(M, 1)` in dB: the 10th percentile of what each second's 10th percentile is.

    Args:
        levels: `(M, T)` in dB under the programme.
        frames_per_second: of `levels`.

    Returns:
        -inf where `levels` lasts less than three seconds, too short to know.

    Source:
        Martin 2001, minimum statistics; here percentiles of one-second stretches instead of a running minimum.
    """
    length = max(1, round(frames_per_second))
    n_stretches = levels.shape[1] // length
    if n_stretches < 3:
        return torch.full_like(levels[:, :1], -torch.inf)
    stretches = smoothed(levels)[:, : n_stretches * length].reshape(levels.shape[0], n_stretches, length)
    return low_end(low_end(stretches, LOW_SHARE)[..., 0], LOW_SHARE)

"""Keeps a transfer from turning the content's own background noise up: how loud each cell may become at most."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

SMOOTHING_FRAMES = 5
LOW_SHARE = 0.1  # the quiet end of a stretch: its 10th percentile
STEADY_SHARE, STEADY_DB = 0.25, 2.0  # noise stays within 2 dB of its floor in at least a quarter of all seconds
LOUDEST_NOISE_DB = -40.0  # a steady level above this, under the programme, is music
STYLE_SHARE = 0.03
EXTRA=2.0
MARGIN_DB, FREE_SLOPE = 4.0, 3.0  # a cell this far over the floor is music, and may rise by 3 dB for each dB further


def noise_ceiling(content: Tensor, style: Tensor, frames_per_second: float, lift_db: float) -> Tensor:
    """Highest level that each cell of the target may have.

    A band whose quiet moments return to the same level again and again has a noise floor (minimum statistics). What lies
    at that floor may rise by `lift_db`, or to where the style's own quiet moments lie, and what stands out from it is
    free.

    Args:
        content: `(M, T)` levels in dB under the programme, all frames, silence too.
        style: `(M, S)`, sounding frames of the style.
        frames_per_second: of both.
        lift_db: most that noise is raised.

    Returns:
        `(M, T)` in dB; far above anything where a band has no steady floor.

    Source:
        Martin 2001, minimum statistics; here percentiles of one-second stretches instead of a running minimum.
    """
    floor = noise_floor(content, frames_per_second)
    lift = (_mean_db(style) - _mean_db(content)).clamp(0.0, lift_db) + EXTRA
    allowed = torch.maximum(floor + lift, _low_end(_smooth(style), STYLE_SHARE))
    ceiling = allowed + FREE_SLOPE * (_smooth(content) - floor - MARGIN_DB).clamp_min(0.0)
    return torch.where(floor.isfinite(), ceiling, torch.full_like(content, 300.0))


def noise_floor(levels: Tensor, frames_per_second: float) -> Tensor:
    """The steady background of each band, `(M, 1)` in dB; -inf where there is none to be told from music.

    Args:
        levels: `(M, T)` in dB under the programme.
        frames_per_second: of `levels`.
    """
    length = max(1, round(frames_per_second))
    n_stretches = levels.shape[1] // length
    if n_stretches < 3:
        return torch.full_like(levels[:, :1], -torch.inf)
    stretches = _smooth(levels)[:, : n_stretches * length].reshape(levels.shape[0], n_stretches, length)
    quiet = _low_end(stretches, LOW_SHARE)[..., 0]
    floor = _low_end(quiet, LOW_SHARE)
    steady = ((quiet - floor).abs() < STEADY_DB).float().mean(1, keepdim=True)
    return floor


def _smooth(levels: Tensor) -> Tensor:
    power = torch.pow(10.0, levels / 10.0)[None]
    half = SMOOTHING_FRAMES // 2
    smoothed = functional.avg_pool1d(functional.pad(power, (half, half), mode="replicate"), SMOOTHING_FRAMES, 1)
    return 10.0 * torch.log10(smoothed[0])


def _mean_db(levels: Tensor) -> Tensor:
    return 10.0 * torch.log10(torch.pow(10.0, levels / 10.0).mean(1, keepdim=True))


def _low_end(values: Tensor, share: float) -> Tensor:
    """The quantile `share` of the last axis, which is kept with length 1."""
    rank = 1 + round(share * (values.shape[-1] - 1))
    return values.kthvalue(rank, dim=-1, keepdim=True).values

"""From a target spectrogram back to samples."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional

from .analysis import Analysis, OnShare, frame_spans, programme_level_db
from .noise_guard import floors
from .scratch import Scratch
from .spectrogram import FRAMES_AT_ONCE, Resolution, frames_of, write_frames

NEPERS_PER_DB = math.log(10.0) / 20.0
SHARED_POWER = (0.05, 0.4, 1.0, 0.4, 0.05)  # of a sound under a window, in the windows round it
CEILING_TRIALS, SMALLEST_MISS_DB = 2, 0.5


Gains = Callable[[int, int], Tensor]  # of frames `first <= t < last`, `(M, last - first)` in dB


def gain_mask(
    samples: Tensor,
    gains: Gains,
    spread: Tensor,
    resolution: Resolution,
    out: Tensor | None = None,
    on_share: OnShare | None = None,
) -> Tensor:
    """Turn each band of each frame up or down: the target's level over the content's, on the content's own sound.

    Phase, stereo image and attacks stay the content's; where the gain is 0 dB the samples come back as they were, and
    silence stays silent.

    Args:
        samples: `(C, N)`, the content; may be a memory map.
        gains: by band and frame.
        spread: `(F, M)` of `spread_weights`, on the device to compute on.
        resolution: of the frames.
        out: `(C, N)` to write to; None makes it.
        on_share: told of the share that is done after each block.

    Returns:
        `(C, N)`, `out`.
    """
    n_frames = resolution.n_frames(samples.shape[1])

    def masked() -> Iterator[Tensor]:
        for first, last in frame_spans(n_frames, FRAMES_AT_ONCE):
            mask = torch.exp((gains(first, last).to(spread).T @ spread.T) * NEPERS_PER_DB)
            yield frames_of(samples, resolution, first, last, device=spread.device) * mask
            if on_share:
                on_share(last / n_frames)

    wet = torch.zeros_like(samples) if out is None else out
    write_frames(masked(), resolution, wet)
    return wet


def shared_gain(gain_db: Tensor, levels: Tensor) -> Tensor:
    """Gains of neighbouring frames, drawn to that of the frame whose sound they share.

    Windows overlap: a frame just before an attack holds a little of it at its edge. Turned up as the quiet frame that it
    seems to be, that edge would burst out; weighted by power, its gain becomes the attack's.

    Args:
        gain_db: `(M, T)`; where it is 0 in a whole frame, nothing was asked for and nothing is changed.
        levels: `(M, T)` of the content, in dB.

    Returns:
        `(M, T)` in dB.
    """
    reach, n_frames = len(SHARED_POWER) // 2, levels.shape[1]

    def around(values: Tensor) -> Tensor:
        padded = functional.pad(values[None], (reach, reach), mode="replicate")[0]
        return torch.stack([padded[:, n : n + n_frames] * share for n, share in enumerate(SHARED_POWER)]).sum(0)

    power = torch.pow(10.0, levels / 10.0)
    smooth = around(power * gain_db) / around(power)
    return torch.where((gain_db != 0).any(0), smooth, torch.zeros_like(smooth))


def gains_between(
    levels: Tensor, target: Tensor, ceiling: Tensor, raised_db: Tensor, max_gain_db: float, strength: float = 1.0
) -> Gains:
    """Gains that bring levels to a target, shared between the frames, and no cell over a ceiling.

    Args:
        levels, target, ceiling: `(M, T)` in dB; may be memory maps.
        raised_db: `(M, 1)`, by which the ceiling is raised.
        max_gain_db: most that a cell is raised or lowered.
        strength: how far to go, from 0 to 1; noise, too, is lifted or lowered by so much of what it is in the end.
    """
    reach, n_frames = len(SHARED_POWER) // 2, levels.shape[1]

    def gains(first: int, last: int) -> Tensor:
        part = slice(max(first - reach, 0), min(last + reach, n_frames))
        own = levels[:, part]
        allowed = target[:, part].minimum(ceiling[:, part] + raised_db)
        gain_db = (allowed - own).clamp(-max_gain_db, max_gain_db) * strength
        return shared_gain(gain_db, own)[:, first - part.start : last - part.start]

    return gains


def mask_under_ceiling(
    samples: Tensor,
    levels: Tensor,
    target: Tensor,
    ceiling: Tensor,
    quiet_db: Tensor,
    max_gain_db: float,
    analysis: Analysis,
    strength: float = 1.0,
    scratch: Scratch = Scratch(),
    on_share: OnShare | None = None,
) -> tuple[Gains, Tensor]:
    """Bring the content to the target without turning its noise up against the remix's own level.

    What the ceiling means depends on how loud the whole becomes, and that only the sound itself tells: a hum that is
    turned down leaves everything else louder beside it, and windows smear what is turned up into the rests next to it. So
    the mask is tried, and the ceiling moved by what was missed, band by band.

    Args:
        samples: `(C, N)`, the content.
        levels, target: `(M, T)` in dB: the content's levels and the wanted ones.
        ceiling: `(M, T)` in dB relative to the programme, the highest levels allowed.
        quiet_db: `(M, 1)`, the same of each band's quiet end.
        max_gain_db: most that a cell is raised or lowered.
        analysis: of the content.
        strength: how far to go to the target, from 0 to 1.
        scratch: makes room for the samples.
        on_share: told of the share that is done after each block.

    Returns:
        The gains, and the samples `(C, N)` under them.
    """
    wet = torch.from_numpy(scratch.empty(tuple(samples.shape)))
    wet_levels = torch.from_numpy(scratch.empty(tuple(levels.shape)))
    programme_db, missed_db = programme_level_db(levels), torch.zeros_like(quiet_db)
    share = strength or 1.0  # a dB that a part of the way missed is more of the whole
    if strength < 1.0:
        own_db = floors(levels, programme_db, analysis.frames_per_second)
        is_known = own_db.isfinite() & quiet_db.isfinite()
        quiet_db = torch.where(is_known, torch.lerp(own_db, quiet_db, strength), quiet_db)
    for trial in range(CEILING_TRIALS + 1):
        told = None if on_share is None else partial(_within, on_share, trial, CEILING_TRIALS + 1)
        gains = gains_between(levels, target, ceiling, programme_db - missed_db, max_gain_db, strength)
        gain_mask(samples, gains, analysis.spread, analysis.resolution, wet, told)
        if trial == CEILING_TRIALS:
            break
        for part, block in analysis.level_blocks(wet):
            wet_levels[:, part] = block
        found_db = programme_level_db(wet_levels)
        over_db = (floors(wet_levels, found_db, analysis.frames_per_second) - quiet_db).clamp_min(0.0)
        if max(programme_db - found_db, float(over_db.max())) < SMALLEST_MISS_DB:
            break
        missed_db = missed_db.clamp_min(max(programme_db - found_db, 0.0) / share) + over_db / share
    return gains, wet


def _within(on_share: OnShare, part: int, n_parts: int, share: float) -> None:
    """Tell of a share of one part in several."""
    on_share((part + share) / n_parts)


Magnitudes = Callable[[int, int], Tensor]  # of frames `first <= t < last`, `(C, last - first, F)`, at least 0

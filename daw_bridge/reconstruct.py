"""From a target spectrogram back to samples."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from .spectrogram import OVERLAP, Analysis, Resolution, frames_of, istft, overlap_add, programme_level_db, stft

BLOCK_FRAMES = 1024
SHARED_POWER = (0.05, 0.4, 1.0, 0.4, 0.05)  # of a sound under a window, in the windows round it
CEILING_TRIALS, SMALLEST_MISS_DB = 2, 0.5


def gain_mask(samples: Tensor, gain_db: Tensor, spread: Tensor, resolution: Resolution) -> Tensor:
    """Turn each band of each frame up or down: the target's level over the content's, on the content's own sound.

    Phase, stereo image and attacks stay the content's; where the gain is 0 dB the samples come back as they were, and
    silence stays silent.

    Args:
        samples: `(C, N)`, the content.
        gain_db: `(M, T)`, by band and frame.
        spread: `(F, M)` of `spread_weights`.
        resolution: of the frames.

    Returns:
        `(C, N)`.
    """
    hop = resolution.hop_length
    n_channels, n_samples = samples.shape
    n_frames = resolution.n_frames(n_samples)
    added = samples.new_zeros(n_channels, (n_frames + OVERLAP - 1) * hop)
    for first in range(0, n_frames, BLOCK_FRAMES):
        last = min(first + BLOCK_FRAMES, n_frames)
        mask = torch.pow(10.0, (spread @ gain_db[:, first:last]) / 20.0)
        block = overlap_add(frames_of(samples, resolution, first, last) * mask.T, resolution)
        added[:, first * hop : first * hop + block.shape[1]] += block
    lead = resolution.n_fft - hop
    return added[:, lead : lead + n_samples]


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
    n_bands = levels.shape[0]
    kernel = torch.tensor(SHARED_POWER, dtype=levels.dtype, device=levels.device).expand(n_bands, 1, -1)

    def around(values: Tensor) -> Tensor:
        padded = functional.pad(values[None], (len(SHARED_POWER) // 2,) * 2, mode="replicate")
        return functional.conv1d(padded, kernel, groups=n_bands)[0]

    power = torch.pow(10.0, levels / 10.0)
    smooth = around(power * gain_db) / around(power)
    return torch.where((gain_db != 0).any(0), smooth, torch.zeros_like(smooth))


def gain_under_ceiling(
    samples: Tensor, levels: Tensor, target: Tensor, ceiling: Tensor, max_gain_db: float, analysis: Analysis
) -> Tensor:
    """Gains that bring the content to the target without turning its noise up against the remix's own level.

    What the ceiling means depends on how loud the whole becomes, and that only the sound itself tells: a hum that is
    turned down leaves everything else louder beside it. So the mask is tried, and the ceiling moved by what was missed.

    Args:
        samples: `(C, N)`, the content.
        levels, target, ceiling: `(M, T)` in dB: the content's levels, the wanted ones, and the highest allowed.
        max_gain_db: most that a cell is raised or lowered.
        analysis: of the content.

    Returns:
        `(M, T)` in dB.
    """
    programme_db = programme_level_db(levels)
    gain_db = (target - levels).clamp(-max_gain_db, max_gain_db)
    for _ in range(CEILING_TRIALS):
        found = gain_mask(samples, shared_gain(gain_db, levels), analysis.spread, analysis.resolution)
        missed_db = programme_db - programme_level_db(analysis.levels(found))
        if missed_db < SMALLEST_MISS_DB:
            break
        lowered = (ceiling - missed_db - levels).clamp(-max_gain_db, max_gain_db)
        gain_db = torch.where((gain_db != 0).any(0), gain_db.minimum(lowered), gain_db)
    return shared_gain(gain_db, levels)


def griffin_lim(
    magnitude: Tensor,
    resolution: Resolution,
    n_samples: int,
    *,
    n_iterations: int,
    momentum: float,
    seed: int,
    on_iteration: Callable[[int], None] | None = None,
) -> Tensor:
    """Find samples whose STFT has the wanted magnitude, starting from random phase.

    Args:
        magnitude: `(C, F, T)`, at least 0.
        resolution: of the frames.
        n_samples: N.
        n_iterations: how often phase is made consistent.
        momentum: 0 is the method of 1984; 0.99 converges faster.
        seed: of the first phase, the same for all channels so that the image stays together.
        on_iteration: told of each iteration; whatever it raises ends the work.

    Returns:
        `(C, N)`.

    Source:
        Griffin and Lim 1984; momentum as in Perraudin, Balazs and Søndergaard 2013, eq. 8.
    """
    generator = torch.Generator().manual_seed(seed)
    phase = torch.rand(magnitude.shape[1:], generator=generator).to(magnitude) * (2 * torch.pi)
    angles = torch.polar(torch.ones_like(phase), phase).expand(magnitude.shape)
    previous = torch.zeros_like(angles)
    for iteration in range(n_iterations):
        consistent = stft(istft(magnitude * angles, resolution, n_samples), resolution)
        ahead = consistent + momentum * (consistent - previous)
        angles = ahead / ahead.abs().clamp_min(1e-12)
        previous = consistent
        if on_iteration:
            on_iteration(iteration + 1)
    return istft(magnitude * angles, resolution, n_samples)

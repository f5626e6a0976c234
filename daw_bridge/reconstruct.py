"""From a target spectrogram back to samples."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from .spectrogram import OVERLAP, Resolution, frames_of, istft, overlap_add, stft

BLOCK_FRAMES = 1024


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

"""Another sample rate for a recording of any length, some seconds at a time."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from .audio import Audio
from .scratch import Scratch

BLOCK_SAMPLES = 1 << 20
REACH_SAMPLES = 1 << 13  # on either side of a block: far beyond the filter's ends, so that no seam can be measured


def at_rate(audio: Audio, sample_rate: int, scratch: Scratch = Scratch()) -> Tensor:
    """The samples in single precision at another rate.

    Args:
        audio: any.
        sample_rate: Hz.
        scratch: makes room for the result.

    Returns:
        `(C, N)`, the audio's own memory where nothing is to be changed.
    """
    if audio.sample_rate == sample_rate and audio.samples.dtype == "float32" and audio.samples.flags.writeable:
        return torch.from_numpy(audio.samples)
    common = math.gcd(audio.sample_rate, sample_rate)
    grid, wanted_grid = audio.sample_rate // common, sample_rate // common  # samples of both that last equally long
    n_wanted = math.ceil(audio.n_samples * sample_rate / audio.sample_rate)
    resampled = scratch.empty((audio.n_channels, n_wanted))
    size, reach = (max(1, length // grid) for length in (BLOCK_SAMPLES, REACH_SAMPLES))
    for first in range(0, math.ceil(audio.n_samples / grid), size):
        start = max(first - reach, 0)
        part = audio.samples[:, start * grid : (first + size + reach) * grid].astype("float32")
        if sample_rate != audio.sample_rate:
            import soxr  # itself: librosa, around it, takes seconds to import

            part = soxr.resample(part.T, audio.sample_rate, sample_rate, quality="HQ").T
        room = resampled[:, first * wanted_grid : (first + size) * wanted_grid]
        before = (first - start) * wanted_grid
        found = part[:, before : before + room.shape[1]]
        room[:, : found.shape[1]] = found  # the last sample may be missing, and is 0 then
    return torch.from_numpy(resampled)

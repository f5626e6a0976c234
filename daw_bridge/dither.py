"""Noise of the right shape before rounding, so that what lies under the last bit fades into hiss and not into distortion."""

from __future__ import annotations

import numpy as np

from .audio import Audio
from .scratch import Scratch

DITHERED = {"PCM_U8": 8, "PCM_S8": 8, "PCM_16": 16}  # with 24 bits the converter's own noise does it
BLOCK_SAMPLES = 1024  # 23 ms at 44.1 kHz
GRID_TOLERANCE = 1e-3  # of a step: float32 does not hold every sum exactly


def dither(audio: Audio, seed: int = 0, scratch: Scratch = Scratch()) -> Audio:
    """Round to the audio's own sample format with triangular dither of ±1 step, where it has 16 bits or fewer.

    A block of 1024 samples that needs no rounding gets no noise: digital silence stays digital silence, and what the
    transfer left alone stays bit for bit what it was.

    Args:
        audio: about to be written.
        seed: of the noise; the same seed gives the same samples. Channels get noise of their own.
        scratch: makes room for the result, and hears of each block.

    Returns:
        Samples on the format's grid, not yet held to full scale; `audio` itself where the format has more bits.

    Source:
        Lipshitz, Wannamaker and Vanderkooy 1992: triangular noise two steps wide frees mean and power of the error from
        the signal.
    """
    if audio.subtype not in DITHERED:
        return audio
    scale = 2.0 ** (DITHERED[audio.subtype] - 1)
    noise = np.random.default_rng(seed)
    rounded = scratch.empty(audio.samples.shape, audio.samples.dtype)
    for start in range(0, audio.n_samples, BLOCK_SAMPLES):
        scratch.on_block()
        steps = audio.samples[:, start : start + BLOCK_SAMPLES].astype(np.float64) * scale
        triangle = noise.random((2, *steps.shape))  # drawn for every block, so that silence moves no other block's noise
        nearest = np.rint(steps)
        is_rounded = np.abs(steps - nearest).max(axis=1, keepdims=True, initial=0.0) > GRID_TOLERANCE
        dithered = np.rint(steps + triangle[0] - triangle[1])
        rounded[:, start : start + BLOCK_SAMPLES] = np.where(is_rounded, dithered, nearest) / scale
    return audio.with_samples(rounded)

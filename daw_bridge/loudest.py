"""Where a recording is loudest: the part that says most about it when only a few seconds can be heard."""

from __future__ import annotations

import numpy as np

from .audio import Audio

HOP_SECONDS = 0.25
BLOCK_HOPS = 64


def loudest_start(audio: Audio, seconds: float) -> int:
    """The first sample of the loudest stretch, by its mean square over all channels; the first of several that are equal.

    Args:
        audio: any length; it is read in blocks of 16 s, so that a memory map stays one.
        seconds: length of the stretch, in steps of a quarter of a second.

    Returns:
        A sample from which `seconds` of sound follow; 0 where the recording is no longer than that.
    """
    hop = max(1, round(HOP_SECONDS * audio.sample_rate))
    n_hops, n_wanted = audio.n_samples // hop, max(1, round(seconds / HOP_SECONDS))
    if n_hops <= n_wanted:
        return 0
    energies = np.empty(n_hops)
    for first in range(0, n_hops, BLOCK_HOPS):
        last = min(first + BLOCK_HOPS, n_hops)
        block = np.asarray(audio.samples[:, first * hop : last * hop], np.float64).reshape(audio.n_channels, last - first, hop)
        energies[first:last] = np.einsum("cht,cht->h", block, block)
    sums = np.concatenate([[0.0], np.cumsum(energies)])
    return int(np.argmax(np.round(sums[n_wanted:] - sums[:-n_wanted], 9))) * hop

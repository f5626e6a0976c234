"""Long audio a block at a time, so that memory stays flat however long it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from .audio import Audio, Samples
from .scratch import Scratch

BLOCK_SAMPLES = 1 << 17  # 3 s at 44.1 kHz: a megabyte a channel in float64


def blocks(n_samples: int) -> Iterator[slice]:
    """The samples from 0 on in blocks, in order and without a gap."""
    for start in range(0, n_samples, BLOCK_SAMPLES):
        yield slice(start, min(start + BLOCK_SAMPLES, n_samples))


def rewritten(audio: Audio, scratch: Scratch, change: Callable[[slice], Samples]) -> Audio:
    """The audio with other samples of the same number.

    Args:
        audio: gives shape, type and format.
        scratch: makes room for the new samples, and hears of each block.
        change: the new samples `(C, n)` of a block.
    """
    samples = scratch.empty(audio.samples.shape, audio.samples.dtype)
    for part in blocks(audio.n_samples):
        samples[:, part] = change(part)
        scratch.on_block()
    return audio.with_samples(samples)

"""Keeps a recording's constant offset from growing with the remix's loudness."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .audio import Audio, Samples
from .blocks import blocks, rewritten
from .scratch import Scratch
from .silence_gate import opening, opening_at

SMALLEST_OFFSET = 2e-4  # of full scale: under it, nothing is done


def hold_offset(remix: Audio, content: Audio, gate_db: float, scratch: Scratch = Scratch()) -> Audio:
    """Take off what the remix has more of than the content: a mean that is not zero, which nobody hears and which eats headroom.

    A transfer leaves what lies below hearing as it is, but a gain for loudness lifts it with the rest. It is taken off where
    the content sounds, so that digital silence stays digital silence.

    Args:
        remix: of the content's rate and channels.
        content: the song as it was read.
        gate_db: below this level under the content's programme, it is silent.
        scratch: makes room for the result.

    Returns:
        The remix with means no larger than the content's; `remix` itself where they are larger by under 0.0002.
    """
    own, wanted = _means(remix, content.n_samples), _means(content, content.n_samples)
    excess = np.sign(own) * np.maximum(np.abs(own) - np.abs(wanted), 0.0)
    if remix.n_samples == 0 or float(np.abs(excess).max()) < SMALLEST_OFFSET:
        return remix
    gain = opening(content, gate_db)
    share = float(gain.mean())
    if share == 0.0:
        return remix

    def held(part: slice) -> Samples:
        taken = (excess / share)[:, None] * opening_at(gain, part, content.sample_rate)
        return np.asarray(remix.samples[:, part] - taken, remix.samples.dtype)

    return rewritten(remix, scratch, held)


def _means(audio: Audio, n_samples: int) -> NDArray[np.float64]:
    total = sum((audio.samples[:, part].sum(axis=1, dtype=np.float64) for part in blocks(n_samples)), np.zeros(1))
    return np.asarray(total / max(n_samples, 1))

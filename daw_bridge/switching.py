"""Two recordings for the ear: equally loud, in step to the sample, and one after the other every few seconds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .audio import Audio
from .blocks import blocks, rewritten
from .ceiling import true_peak_dbtp
from .loudness import gain_to_match_db, level, turned
from .resampling import at_rate
from .scratch import Scratch

SWITCH_SECONDS = 4.0
FADE_SECONDS = 0.02  # from one to the other: too long for a click, too short for a pause
HIGHEST_PEAK_DBTP = -1.1  # of both; where they cross, their mix is rounded to 24 bits


@dataclass(frozen=True)
class Pair:
    """A content and its remix as one hears them beside each other.

    Attributes:
        content, remix: of one rate, one number of channels and one length, equally loud, no peak over -1 dBTP.
        content_gain_db, remix_gain_db: by which each was turned.
    """

    content: Audio
    remix: Audio
    content_gain_db: float
    remix_gain_db: float


def matched(content: Audio, remix: Audio, scratch: Scratch = Scratch()) -> Pair:
    """Bring two recordings to the higher rate, the larger number of channels, the remix's length and one loudness.

    A mono recording is heard on every channel; what is shorter is followed by silence. The remix is matched to the content by
    gain alone, so that neither sounds other than it does, and both are turned down together where a peak would be too high.

    Args:
        content: from the sample on that the remix begins with.
        remix: as published.
        scratch: makes room for the results.
    """
    rate = max(content.sample_rate, remix.sample_rate)
    n_channels = max(content.n_channels, remix.n_channels)
    n_samples = max(1, round(remix.n_samples * rate / remix.sample_rate))
    laid = [_laid_out(audio, rate, n_channels, n_samples, scratch) for audio in (content, remix)]
    gain_db = gain_to_match_db(level(laid[1]), level(laid[0]))
    peaks = [true_peak_dbtp(laid[0].samples), true_peak_dbtp(laid[1].samples) + gain_db]
    down_db = max(0.0, max(peaks) - HIGHEST_PEAK_DBTP)
    gains = (-down_db, gain_db - down_db)
    return Pair(turned(laid[0], gains[0], scratch), turned(laid[1], gains[1], scratch), *gains)


def _laid_out(audio: Audio, rate: int, n_channels: int, n_samples: int, scratch: Scratch) -> Audio:
    source = at_rate(audio, rate, scratch).numpy()
    laid = scratch.empty((n_channels, n_samples))
    n_kept = min(n_samples, source.shape[1])
    for part in blocks(n_kept):
        laid[: source.shape[0], part] = source[:, part]
        if source.shape[0] == 1:
            laid[1:, part] = source[:, part]
    return Audio(laid, rate, "WAV", "PCM_24")


def switched(pair: Pair, scratch: Scratch = Scratch()) -> Audio:
    """The content for four seconds, the remix for the next four, and so on, each where it is in time.

    What is shorter than eight seconds is half content, half remix.
    """
    turn_seconds = min(SWITCH_SECONDS, pair.remix.length_seconds / 2)

    def change(part: slice) -> NDArray[np.floating]:
        share = remix_share(np.arange(part.start, part.stop) / pair.remix.sample_rate, turn_seconds)
        mixed = pair.content.samples[:, part] * (1.0 - share) + pair.remix.samples[:, part] * share
        return mixed.astype(pair.remix.samples.dtype)

    return rewritten(pair.remix, scratch, change)


def remix_share(seconds: NDArray[np.float64], turn_seconds: float = SWITCH_SECONDS) -> NDArray[np.float64]:
    """How much of the remix is heard at a time, 0 or 1, with a smooth way from one to the other round each switch."""
    phase = np.mod(seconds - turn_seconds / 2, 2 * turn_seconds) - turn_seconds  # 0 in the middle of the remix's turn
    way = np.clip((turn_seconds / 2 - np.abs(phase)) / FADE_SECONDS + 0.5, 0.0, 1.0)
    return np.where(seconds < turn_seconds / 2, 0.0, 0.5 - 0.5 * np.cos(np.pi * way))

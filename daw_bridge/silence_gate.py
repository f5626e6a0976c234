"""A noise gate on the remix that the content opens: where the content is silent, so is the remix."""

from __future__ import annotations

import math

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from .audio import Audio, Samples
from .blocks import rewritten
from .scratch import Scratch

STEP_SECONDS, WINDOW_SECONDS = 0.005, 0.02
AHEAD_STEPS, HOLD_STEPS = 4, 16  # opens 20 ms before the content sounds, closes 80 ms after it
SMOOTHING_STEPS = 4  # to either side: no click, all within the time that it is open ahead
FADE_DB = 6.0  # from closed to open, above the gate's level
SILENCE_DBFS = -95.0
STEPS_AT_ONCE = 1024
SOUNDING_POWER = 1e-6  # of the loudest moment: what counts for the programme's level


def gate_by(remix: Audio, content: Audio, gate_db: float, scratch: Scratch = Scratch()) -> Audio:
    """Fade the remix out where the content is silent, all channels alike.

    It is keyed by the content, so that reverb, noise or a phase reconstruction that fill a rest cannot hold it open.

    Args:
        remix: of the content's rate; what rings on after the content's end keeps the gain of the end.
        content: the song as it was read.
        gate_db: below this level under the content's programme, it is silent; -95 dBFS is silence in any case.
        scratch: makes room for the result.

    Returns:
        Exactly zero where it is closed, bit for bit the remix where it is open.
    """
    if remix.n_samples == 0 or content.n_samples == 0:
        return remix
    gain = opening(content, gate_db)

    def gated(part: slice) -> Samples:
        return remix.samples[:, part] * opening_at(gain, part, content.sample_rate).astype(remix.samples.dtype)

    return rewritten(remix, scratch, gated)


def opening(content: Audio, gate_db: float) -> NDArray[np.float64]:
    """How far the gate is open every 5 ms, 0 to 1.

    Args:
        content: what opens it.
        gate_db: as in `gate_by`.
    """
    step = max(1, round(STEP_SECONDS * content.sample_rate))
    half = max(1, round(WINDOW_SECONDS * content.sample_rate / 2))
    middles = np.arange(0, content.n_samples + step, step)
    powers = [_powers(content, middles[first : first + STEPS_AT_ONCE], half) for first in range(0, len(middles), STEPS_AT_ONCE)]
    power = np.concatenate(powers)
    sounding = power[power > power.max() * SOUNDING_POWER]
    if not len(sounding):
        return np.zeros(len(middles))
    level_db = 10 * np.log10(np.maximum(power, 1e-30))
    gate = max(10 * math.log10(sounding.mean()) + gate_db, SILENCE_DBFS)
    is_open = np.clip((level_db - gate) / FADE_DB, 0.0, 1.0)
    held = sliding_window_view(np.pad(is_open, (HOLD_STEPS, AHEAD_STEPS)), HOLD_STEPS + AHEAD_STEPS + 1).max(axis=1)
    window = np.hanning(2 * SMOOTHING_STEPS + 3)[1:-1]
    smooth: NDArray[np.float64] = np.convolve(np.pad(held, SMOOTHING_STEPS, mode="edge"), window / window.sum(), mode="valid")
    smooth[smooth < 1e-9] = 0.0
    smooth[smooth > 1 - 1e-9] = 1.0
    return smooth


def opening_at(gain: NDArray[np.float64], part: slice, sample_rate: int) -> NDArray[np.float64]:
    """The curve of `opening` at each sample of a part, `(n,)`; after the content's end, as at its end."""
    step = max(1, round(STEP_SECONDS * sample_rate))
    return np.asarray(np.interp(np.arange(part.start, part.stop) / step, np.arange(len(gain)), gain))


def _powers(content: Audio, middles: NDArray[np.int64], half: int) -> NDArray[np.float64]:
    """Power, summed over the channels, of the window round each middle."""
    starts, ends = (np.clip(middles + side, 0, content.n_samples) for side in (-half, half))
    squares = np.square(content.samples[:, starts[0] : ends[-1]], dtype=np.float64).sum(axis=0)
    added = np.concatenate([[0.0], np.cumsum(squares)])
    return np.asarray(np.maximum(added[ends - starts[0]] - added[starts - starts[0]], 0.0) / (2 * half))

"""The last stage: a look-ahead ceiling that no true peak passes, and that leaves everything below it bit for bit alone."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from .audio import Audio, Samples
from .blocks import blocks
from .loudness import turned
from .scratch import Scratch

OVERSAMPLING = 4
REACH = 10  # samples to either side that a point between samples is made of
STEPS_PER_SECOND = 2000  # nodes of the gain curve
SMOOTHING_STEPS = 5  # to either side of a node: the curve moves over 5 ms, all of it ahead of the peak
HOLD_STEPS = 24  # 12 ms, so that a bass note of 40 Hz and more is not reshaped wave by wave
RELEASE_DB_PER_SECOND = 30.0
RELEASE_SECONDS = 0.1  # time constant; the faster of the two releases counts
MARGIN_DB = 0.02  # kept under the ceiling, for other meters' filters
MAX_PASSES = 10
FLOOR_DBTP = -120.0
BLOCK_ROWS = 1024
SAMPLE_SHARE = 0.98  # of the highest sample, which the highest point is not under
NODES_AT_ONCE = 4096
Curve = NDArray[np.float64]


def true_peak_dbtp(samples: Samples, scratch: Scratch = Scratch()) -> float:
    """Highest point of the waveform between and on the samples, at four times the rate.

    Args:
        samples: `(C, N)`.
        scratch: hears of each block.

    Returns:
        dB over full scale; -120 for silence.

    Source:
        ITU-R BS.1770-5 annex 2, with the 81-point Kaiser filter of `scipy.signal.resample_poly` in place of its table.
    """
    on_samples = max((float(np.abs(samples[:, part]).max()) for part in blocks(samples.shape[1])), default=0.0)
    peak = max((float(peaks.max()) for peaks in _block_peaks(samples, 64, on_samples * SAMPLE_SHARE, scratch)), default=0.0)
    return max(20 * math.log10(peak), FLOOR_DBTP) if peak > 0 else FLOOR_DBTP


def limit_true_peak(audio: Audio, ceiling_dbtp: float, scratch: Scratch = Scratch()) -> Audio:
    """Turn down what would pass the ceiling, all channels alike, beginning 5 ms ahead of it.

    The gain falls and rises smoothly. Where no peak passes within 6 ms ahead and the release behind (at most 30 dB a
    second), it is exactly one and the samples come back bit for bit. The result holds after rounding to `audio.subtype`,
    too.

    Args:
        audio: of any level.
        ceiling_dbtp: highest true peak of the result, dB over full scale.
        scratch: makes room for the gain curve and the result, and hears of each block.

    Returns:
        Audio of the same shape, or `audio` itself where nothing passes.
    """
    kernel = _interpolator()
    rounding = _half_step(audio.subtype) * float(np.abs(kernel).sum(axis=1).max())
    highest = 10 ** ((ceiling_dbtp - MARGIN_DB) / 20) - rounding
    aim = highest * 10 ** (-MARGIN_DB / 20)
    step = max(1, round(audio.sample_rate / STEPS_PER_SECOND))
    peaks: Curve = scratch.empty((math.ceil(audio.n_samples / step),), np.float64)
    if _measured(audio.samples, step, aim, peaks, scratch) <= highest:
        return audio
    attenuation_db, released_db = (scratch.empty((len(peaks) + 1,), np.float64) for _ in range(2))
    limited = scratch.empty(audio.samples.shape, audio.samples.dtype)
    for _ in range(MAX_PASSES):
        # a gain that moves lets a little through between its nodes: each pass takes what the last one left
        _release(peaks, aim, step / audio.sample_rate, released_db)
        _add_smoothed(released_db, attenuation_db)
        _turn_down(audio.samples, attenuation_db, step, limited)
        if _measured(limited, step, aim, peaks, scratch) <= highest:
            return audio.with_samples(limited)
    return turned(audio.with_samples(limited), 20 * math.log10(aim) - true_peak_dbtp(limited, scratch), scratch)


def _half_step(subtype: str) -> float:
    bits = {"PCM_U8": 8, "PCM_S8": 8, "PCM_16": 16, "PCM_24": 24, "PCM_32": 32}.get(subtype)
    return 0.0 if bits is None else 2.0**-bits


@lru_cache(maxsize=1)
def _interpolator() -> NDArray[np.float64]:
    """`(4, 21)`: the weights of samples n-10 … n+10 in the points n, n + 1/4, n + 2/4 and n + 3/4."""
    half = REACH * OVERSAMPLING
    taps = np.sinc(np.arange(-half, half + 1) / OVERSAMPLING) * np.kaiser(2 * half + 1, 5.0)
    taps *= OVERSAMPLING / taps.sum()
    index = np.arange(OVERSAMPLING)[:, None] - OVERSAMPLING * np.arange(-REACH, REACH + 1)[None, :]
    return np.where(np.abs(index) <= half, taps[np.clip(index + half, 0, 2 * half)], 0.0)


def _block_peaks(samples: Samples, step: int, least: float, scratch: Scratch) -> Iterator[NDArray[np.float64]]:
    """Highest |point| of all channels in each `step` samples, some thousand samples at a time.

    The filter runs as a matrix product over rows of samples: four times the arithmetic, a tenth of the time. Most rows of
    music are too quiet to reach `least`, whatever lies between their samples: of these the bound that says so is given.
    """
    n_samples = samples.shape[1]
    row = step * max(1, math.ceil(64 / step))
    matrix = np.zeros((row + 2 * REACH, row * OVERSAMPLING), np.float32)
    for n in range(row):
        matrix[n : n + 2 * REACH + 1, n * OVERSAMPLING : (n + 1) * OVERSAMPLING] = _interpolator().T
    most = float(np.abs(_interpolator()).sum(axis=1).max())
    for start in range(0, n_samples, row * BLOCK_ROWS):
        n_here = min(row * BLOCK_ROWS, n_samples - start)
        n_rows = math.ceil(n_here / row)
        peaks = np.zeros((n_rows, row // step))
        first, last = max(0, start - REACH), min(n_samples, start + n_here + REACH)
        for channel in samples[:, first:last]:
            scale = max(1.0, float(np.abs(channel).max()))
            padded = np.zeros(n_rows * row + 2 * REACH, np.float32)
            padded[first - start + REACH :][: last - first] = channel / scale
            rows = sliding_window_view(padded, row + 2 * REACH)[::row]
            bounds = most * np.maximum(rows.max(axis=1), -rows.min(axis=1)).astype(np.float64)
            loud = np.flatnonzero(bounds * scale >= least)
            points = rows[loud] @ matrix
            if len(loud) and loud[-1] == n_rows - 1:
                points[-1, (n_here - loud[-1] * row) * OVERSAMPLING :] = 0
            highest = np.repeat(bounds[:, None], row // step, axis=1)
            highest[loud] = np.abs(points, out=points).reshape(len(loud), row // step, step * OVERSAMPLING).max(axis=2)
            np.maximum(peaks, highest * scale, out=peaks)
        scratch.on_block()
        yield peaks.reshape(-1)[: math.ceil(n_here / step)]


def _measured(samples: Samples, step: int, least: float, peaks: Curve, scratch: Scratch) -> float:
    """Fill `peaks` with the highest |point| of each step, as far as it may reach `least`, and give the highest of all."""
    done = 0
    for some in _block_peaks(samples, step, least, scratch):
        peaks[done : done + len(some)] = some
        done += len(some)
    return float(peaks.max(initial=0.0))


def _release(peaks: Curve, aim: float, step_seconds: float, released_db: Curve) -> None:
    """The attenuation at the borders of the steps, `(n_steps + 1,)`, that brings every peak to the aim and then lets go."""
    straight = bent = -math.inf
    for first in range(0, len(released_db), NODES_AT_ONCE):
        held = _held_db(peaks, first, min(first + NODES_AT_ONCE, len(released_db)), aim)
        seconds = np.arange(first, first + len(held)) * step_seconds
        line, fall = RELEASE_DB_PER_SECOND * seconds, seconds / RELEASE_SECONDS
        with np.errstate(divide="ignore"):
            lines = np.maximum.accumulate(np.append(straight, held + line))
            falls = np.maximum.accumulate(np.append(bent, np.log(held) + fall))
        straight, bent = lines[-1], falls[-1]
        released_db[first : first + len(held)] = np.maximum(held, np.minimum(lines[1:] - line, np.exp(falls[1:] - fall)))


def _held_db(peaks: Curve, first: int, stop: int, aim: float) -> Curve:
    """The most that is needed from a little behind to a little ahead of each border from `first` to `stop`."""
    n_ahead, n_behind = SMOOTHING_STEPS, SMOOTHING_STEPS + HOLD_STEPS
    wanted = np.arange(first - n_behind - 1, stop + n_ahead)  # steps: a border lies between the one of its number and the last
    inside = (wanted >= 0) & (wanted < len(peaks))
    over_db = np.zeros(len(wanted))
    over_db[inside] = 20 * np.log10(np.maximum(peaks[wanted[inside]] / aim, 1.0))
    needed = np.maximum(over_db[1:], over_db[:-1])
    return np.asarray(sliding_window_view(needed, n_ahead + n_behind + 1).max(axis=1))


def _add_smoothed(released_db: Curve, attenuation_db: Curve) -> None:
    window = np.hanning(2 * SMOOTHING_STEPS + 3)[1:-1]
    last = len(released_db) - 1
    for first in range(0, last + 1, NODES_AT_ONCE):
        stop = min(first + NODES_AT_ONCE, last + 1)
        around = np.clip(np.arange(first - SMOOTHING_STEPS, stop + SMOOTHING_STEPS), 0, last)
        attenuation_db[first:stop] += np.convolve(released_db[around], window / window.sum(), mode="valid")


def _turn_down(samples: Samples, attenuation_db: Curve, step: int, limited: Samples) -> None:
    for first in range(0, len(attenuation_db) - 1, NODES_AT_ONCE):
        nodes = attenuation_db[first : first + NODES_AT_ONCE + 1]
        part = slice(first * step, (first + NODES_AT_ONCE) * step)
        here = samples[:, part]
        curve_db = np.interp(np.arange(here.shape[1]) / step, np.arange(len(nodes)), nodes)
        limited[:, part] = here * 10 ** (-curve_db / 20) if nodes.any() else here

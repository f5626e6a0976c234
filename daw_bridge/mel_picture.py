"""A recording as a picture: levels of mel bands over time, small enough to draw however long it is."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from .audio import Audio

LOWEST_HZ, HIGHEST_HZ = 40.0, 20_000.0
N_MELS = 160
MAX_FRAMES = 900
WINDOW_SECONDS = 0.06
FRAMES_AT_ONCE = 512
Picture = NDArray[np.float64]


def mel_picture(audio: Audio, highest_hz: float) -> Picture:
    """Levels of mel bands over time.

    Args:
        audio: the channels' powers are averaged, so that nothing cancels.
        highest_hz: upper end of the bands; above the recording's own range lies silence.

    Returns:
        `(M, T)` in dB, 0 = a sine at full scale; T at most 900, each column the strongest of the frames that it covers.
    """
    n_frames = 1 + audio.n_samples // (_window_length(audio.sample_rate) // 4)
    pool = max(1, math.ceil(n_frames / MAX_FRAMES))
    columns = np.zeros((math.ceil(n_frames / pool), N_MELS))
    first = 0
    for power in _band_powers(audio, n_frames, highest_hz):
        frames = np.arange(first, first + len(power)) // pool
        starts = np.flatnonzero(np.diff(frames, prepend=-1))
        here = slice(frames[0], frames[-1] + 1)
        columns[here] = np.maximum(columns[here], np.maximum.reduceat(power, starts, axis=0))
        first += len(power)
    return _decibels(columns.T)


def mean_levels(audio: Audio, highest_hz: float) -> NDArray[np.float64]:
    """Level of each of the picture's bands over the whole recording, `(M,)` in dB: its long-term spectrum."""
    n_frames = 1 + audio.n_samples // (_window_length(audio.sample_rate) // 4)
    total = sum(power.sum(axis=0, dtype=np.float64) for power in _band_powers(audio, n_frames, highest_hz))
    return _decibels(np.asarray(total) / n_frames)


def centres_hz(highest_hz: float) -> NDArray[np.float64]:
    """Where the bands lie, `(M,)` in Hz."""
    return _edges_hz(highest_hz)[1:-1]


def _window_length(rate: int) -> int:
    return int(2 ** round(math.log2(WINDOW_SECONDS * rate)))


def _decibels(power: NDArray[np.floating]) -> NDArray[np.float64]:
    return np.asarray(10 * np.log10(np.maximum(power, 1e-14)), dtype=np.float64)


def _band_powers(audio: Audio, n_frames: int, highest_hz: float) -> Iterator[NDArray[np.floating]]:
    """`(n, M)` of some frames after the others, the channels averaged; 1 = a sine at full scale."""
    n_fft = _window_length(audio.sample_rate)
    window = np.hanning(n_fft + 1)[:-1].astype(np.float32)
    bands = _bands(audio.sample_rate, n_fft, highest_hz)
    scale = (2 / window.sum()) ** 2 / audio.n_channels
    for first in range(0, n_frames, FRAMES_AT_ONCE):
        n_here = min(FRAMES_AT_ONCE, n_frames - first)
        yield sum(_power(channel, first, n_here, window) for channel in audio.samples) @ bands.T * scale


def _power(channel: NDArray[np.floating], first: int, n_frames: int, window: NDArray[np.float32]) -> NDArray[np.float32]:
    """(frames, bins); frame t is centred on sample t·hop."""
    n_fft, hop = len(window), len(window) // 4
    start = first * hop - n_fft // 2
    stop = start + (n_frames - 1) * hop + n_fft
    part = channel[max(start, 0) : max(min(stop, len(channel)), 0)].astype(np.float32)
    padded = np.pad(part, (max(-start, 0), stop - max(start, 0) - len(part)))
    spectrum = np.fft.rfft(sliding_window_view(padded, n_fft)[::hop] * window, axis=1)
    return np.asarray(spectrum.real**2 + spectrum.imag**2, dtype=np.float32)


def height(frequency_hz: float, highest_hz: float) -> float:
    """Where a frequency lies between the lowest band and the highest on O'Shaughnessy's mel scale, 0 to 1."""
    from librosa.core.convert import hz_to_mel  # not the whole of librosa, which takes seconds to import

    low, here, high = (float(hz_to_mel(hz, htk=True)) for hz in (LOWEST_HZ, frequency_hz, highest_hz))
    return (here - low) / (high - low)


def _edges_hz(highest_hz: float) -> NDArray[np.float64]:
    """`(M + 2,)`: lower edge, centres and upper edge of the bands."""
    from librosa.core.convert import mel_frequencies

    return np.asarray(mel_frequencies(N_MELS + 2, fmin=LOWEST_HZ, fmax=highest_hz, htk=True), dtype=np.float64)


def _bands(rate: int, n_fft: int, highest_hz: float) -> NDArray[np.float32]:
    """`(M, bins)`: triangles of height one; one narrower than a bin reads between the two nearest."""
    edges = _edges_hz(highest_hz)
    bins_hz = np.arange(n_fft // 2 + 1) * rate / n_fft
    half_width = np.maximum(np.stack([edges[1:-1] - edges[:-2], edges[2:] - edges[1:-1]]), rate / n_fft)
    offset = bins_hz[None, :] - edges[1:-1, None]
    triangles = np.maximum(1 - np.where(offset < 0, -offset / half_width[0][:, None], offset / half_width[1][:, None]), 0)
    return np.asarray(triangles * (edges[1:-1, None] < rate / 2), dtype=np.float32)

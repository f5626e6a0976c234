"""Takes off what a transfer makes above anything that the recordings held: the paper's low-pass, with an argument."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from .audio import Audio, Samples
from .blocks import rewritten
from .scratch import Scratch

WINDOW = 4096
MAX_WINDOWS = 2000
RANGE_DB = 90.0  # under the strongest bin: what is weaker, nobody hears beside it
ROUNDING_DB = 10.0  # over the noise of 16-bit rounding, which reaches up to the Nyquist frequency
STOP_DB = 90.0
TRANSITION = 0.1  # of the cutoff
FULL_BAND = 0.93  # of the Nyquist frequency: from here on, there is no hash above to take off
LOWEST_HZ = 1000.0
INAUDIBLE = 1e-9


def bandwidth_hz(audio: Audio) -> float:
    """Up to where a recording holds anything.

    "Highs that should not appear in a song" (Wang and Chu, III.E) are those above it: a codec, an old record or a
    telephone took them off, or the instruments never made them, and only a transfer's artefacts lie there.

    Args:
        audio: any length.

    Returns:
        Hz, from 1000 to half the sample rate: the highest place where the long-term spectrum lies less than 90 dB under
        its highest and 10 dB over the noise of 16-bit rounding.
    """
    nyquist = audio.sample_rate / 2
    if audio.n_samples < WINDOW:
        return nyquist
    power = _long_term_power(audio.samples)
    if power.max() <= 0:
        return nyquist
    smooth = np.convolve(power, np.full(9, 1 / 9), mode="same")
    rounding_db = 10 * math.log10(2.0**-30 / 4 / (WINDOW / 2))  # triangular dither and rounding: a quarter of a step squared
    floor = max(smooth.max() * 10 ** (-RANGE_DB / 10), 10 ** ((rounding_db + ROUNDING_DB) / 10))
    held = np.flatnonzero(smooth > floor)
    highest = held[-1] / (WINDOW // 2) * nyquist if len(held) else nyquist
    return min(max(highest, LOWEST_HZ), nyquist)


def _long_term_power(samples: Samples) -> NDArray[np.float64]:
    """Mean square by bin, the louder channel's: the sum over bins is the signal's mean square."""
    n_windows = min(MAX_WINDOWS, 1 + 2 * (samples.shape[1] - WINDOW) // WINDOW)
    starts = np.linspace(0, samples.shape[1] - WINDOW, n_windows).astype(int)
    window = np.hanning(WINDOW + 1)[:-1]
    scale = 2.0 / (WINDOW * float((window**2).sum()))
    total = np.zeros((samples.shape[0], WINDOW // 2 + 1))
    for start in starts:
        spectrum = np.fft.rfft(samples[:, start : start + WINDOW] * window)
        total += spectrum.real**2 + spectrum.imag**2
    power: NDArray[np.float64] = total.max(axis=0) * scale / len(starts)
    return power


def low_pass(audio: Audio, edge_hz: float, scratch: Scratch = Scratch()) -> Audio:
    """Keep everything up to a frequency, and nothing from a tenth above it on; no delay, no phase shift.

    Args:
        audio: any.
        edge_hz: flat up to here (within 0.01 dB), 90 dB down at 1.1 times it.
        scratch: makes room for the result.
    """
    from scipy.signal import firwin, kaiserord, oaconvolve

    n_taps, beta = kaiserord(STOP_DB, TRANSITION * edge_hz / (audio.sample_rate / 2))
    cutoff_hz = edge_hz * (1 + TRANSITION / 2)
    taps = firwin(n_taps | 1, cutoff_hz, window=("kaiser", beta), fs=audio.sample_rate)
    half = len(taps) // 2

    def filtered(part: slice) -> Samples:
        first, last = max(0, part.start - half), min(audio.n_samples, part.stop + half)
        around = ((0, 0), (first - part.start + half, part.stop + half - last))
        samples = np.pad(audio.samples[:, first:last].astype(np.float64), around)
        kept = oaconvolve(samples, taps[None], mode="valid", axes=1)
        kept[np.abs(kept) < INAUDIBLE] = 0.0  # the transform's own rounding, in digital silence
        return np.asarray(kept)

    return rewritten(audio, scratch, filtered)


def dehash(remix: Audio, *recordings: Audio, scratch: Scratch = Scratch()) -> Audio:
    """Take off the remix what lies above the bandwidth of all of the recordings that it was made of.

    Returns:
        The remix; itself where one of them reaches near to its Nyquist frequency.
    """
    edge_hz = max(bandwidth_hz(recording) for recording in recordings)
    if edge_hz >= FULL_BAND * remix.sample_rate / 2:
        return remix
    return low_pass(remix, edge_hz, scratch)

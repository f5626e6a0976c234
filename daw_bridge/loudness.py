"""How loud a recording is, and the gain from one loudness to another; measured a block at a time."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from .audio import Audio
from .blocks import rewritten
from .errors import ShapeError
from .scratch import Scratch

CHANNEL_WEIGHTS = (1.0, 1.0, 1.0, 1.41, 1.41)  # left, right, centre, left and right surround
HOPS_PER_SECOND, HOPS_PER_BLOCK = 10, 4  # a gating block of 0.4 s begins every 0.1 s
ABSOLUTE_GATE_LUFS, RELATIVE_GATE_LU = -70.0, -10.0
SHORT_TERM_HOPS = 30
HOPS_AT_ONCE = 32
SILENCE_DBFS = -90.0
MOST_GAIN_DB = 40.0


@dataclass(frozen=True)
class Level:
    """What was measured of a recording.

    Attributes:
        lufs: integrated loudness, -inf where no block passes the gate; None where BS.1770 has no say: shorter than 0.4 s, or
            more than five channels.
        rms_db: dB over full scale, unweighted, of all channels; -inf for digital silence.
        n_channels: channels.
    """

    lufs: float | None
    rms_db: float
    n_channels: int

    @property
    def is_sounding(self) -> bool:
        return self.rms_db > SILENCE_DBFS

    @property
    def loudness_lufs(self) -> float:
        """Integrated loudness; the unweighted power where it cannot be metered, and -inf for silence."""
        if not self.is_sounding:
            return -math.inf
        return self.rms_db + 10 * math.log10(self.n_channels) - 0.691 if self.lufs is None else self.lufs


def level(audio: Audio, scratch: Scratch = Scratch()) -> Level:
    """Measure loudness and power in one pass.

    Args:
        audio: any.
        scratch: hears of each block.

    Source:
        ITU-R BS.1770-4, K-weighting by pyloudnorm's filters; within 0.01 LU of pyloudnorm's meter, which wants all samples at
        once.
    """
    is_metered = audio.n_samples * HOPS_PER_SECOND >= HOPS_PER_BLOCK * audio.sample_rate
    is_metered &= audio.n_channels <= len(CHANNEL_WEIGHTS)
    plain, weighted = _energies(audio, is_metered, scratch)
    mean_square = float(plain.sum()) / max(audio.n_samples * audio.n_channels, 1)
    lufs = _gated(weighted, audio) if is_metered else None
    return Level(lufs, _decibels(mean_square), audio.n_channels)


def loudness_lufs(audio: Audio) -> float:
    """Integrated loudness, LUFS; -inf for silence, and the unweighted power where it cannot be metered."""
    return level(audio).loudness_lufs


def short_term_lufs(audio: Audio) -> NDArray[np.float64]:
    """Loudness of the last three seconds, every 0.1 s from 3 s on, `(n,)` LUFS; of the whole where it is shorter.

    Raises:
        ShapeError: more than five channels, which the standard does not weigh.

    Source:
        EBU Tech 3341: as integrated loudness, over 3 s and without a gate.
    """
    if audio.n_channels > len(CHANNEL_WEIGHTS):
        raise ShapeError(f"n_channels={audio.n_channels} must be at most {len(CHANNEL_WEIGHTS)}", "Measure fewer channels.")
    _, weighted = _energies(audio, True, Scratch())
    n_hops = max(1, min(SHORT_TERM_HOPS, audio.n_samples * HOPS_PER_SECOND // audio.sample_rate))
    if weighted.shape[1] > n_hops:
        weighted = weighted[:, : audio.n_samples * HOPS_PER_SECOND // audio.sample_rate]
    power = np.array(CHANNEL_WEIGHTS[: audio.n_channels]) @ sliding_window_view(weighted, n_hops, axis=1).sum(axis=2)
    seconds = min(n_hops / HOPS_PER_SECOND, audio.length_seconds)
    return np.asarray(-0.691 + 10 * np.log10(np.maximum(power / (seconds * audio.sample_rate), 1e-30)))


def gain_to_match_db(of: Level, reference: Level) -> float:
    """The gain, within ±40 dB, that gives one recording the loudness of another.

    Where one of them cannot be metered, their RMS is matched; where one is silent, the gain is 0 dB.
    """
    if not (of.is_sounding and reference.is_sounding):
        return 0.0
    both = (of.lufs, reference.lufs)
    return _held(reference.rms_db - of.rms_db if both[0] is None or both[1] is None else both[1] - both[0])


def gain_to_reach_db(of: Level, lufs: float) -> float:
    """The gain, within ±40 dB, to a loudness; 0 dB for silence."""
    return _held(lufs - of.loudness_lufs)


def turned(audio: Audio, gain_db: float, scratch: Scratch = Scratch()) -> Audio:
    """The audio by so many dB louder; itself where that is 0."""
    if gain_db == 0.0:
        return audio
    gain = audio.samples.dtype.type(10 ** (gain_db / 20))
    return rewritten(audio, scratch, lambda part: audio.samples[:, part] * gain)


def _held(gain_db: float) -> float:
    return min(max(gain_db, -MOST_GAIN_DB), MOST_GAIN_DB) if math.isfinite(gain_db) else 0.0


def _decibels(power: float) -> float:
    return 10 * math.log10(power) if power > 0 else -math.inf


def _energies(audio: Audio, is_metered: bool, scratch: Scratch) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    plain, weighted = zip(*_some_energies(audio, is_metered, scratch), strict=True)
    return np.concatenate(plain, axis=1), np.concatenate(weighted, axis=1)


def _some_energies(audio: Audio, is_metered: bool, scratch: Scratch) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Sums of squares `(C, hops)` of the samples and of the K-weighted samples, some seconds at a time."""
    from pyloudnorm.iirfilter import IIRfilter
    from scipy.signal import lfilter

    shelf = IIRfilter(4.0, 1 / math.sqrt(2), 1500.0, audio.sample_rate, "high_shelf")
    high_pass = IIRfilter(0.0, 0.5, 38.0, audio.sample_rate, "high_pass")
    states = [np.zeros((audio.n_channels, 2)) for _ in range(2)]
    n_hops = math.ceil(audio.n_samples * HOPS_PER_SECOND / audio.sample_rate)
    edges = np.minimum(np.arange(n_hops + 1) * audio.sample_rate // HOPS_PER_SECOND, audio.n_samples)
    yield np.zeros((audio.n_channels, 0)), np.zeros((audio.n_channels, 0))
    for first in range(0, n_hops, HOPS_AT_ONCE):
        here = edges[first : first + HOPS_AT_ONCE + 1]
        samples = audio.samples[:, here[0] : here[-1]].astype(np.float64)
        plain = np.add.reduceat(samples**2, here[:-1] - here[0], axis=1)
        if is_metered:
            samples, states[0] = lfilter(shelf.b, shelf.a, samples, zi=states[0])
            samples, states[1] = lfilter(high_pass.b, high_pass.a, samples, zi=states[1])
        scratch.on_block()
        yield plain, np.add.reduceat(np.square(samples), here[:-1] - here[0], axis=1)


def _gated(hops: NDArray[np.float64], audio: Audio) -> float:
    """Integrated loudness of the K-weighted energies by hop; the last block may reach beyond the end, as the standard rounds."""
    n_blocks = round(audio.n_samples * HOPS_PER_SECOND / audio.sample_rate - HOPS_PER_BLOCK) + 1
    n_wanted = n_blocks + HOPS_PER_BLOCK - 1
    hops = np.pad(hops[:, :n_wanted], ((0, 0), (0, max(0, n_wanted - hops.shape[1]))))
    block_seconds = HOPS_PER_BLOCK / HOPS_PER_SECOND
    powers = sliding_window_view(hops, HOPS_PER_BLOCK, axis=1).sum(axis=2) / (block_seconds * audio.sample_rate)
    power = np.array(CHANNEL_WEIGHTS[: audio.n_channels]) @ powers
    lufs = -0.691 + 10 * np.log10(np.maximum(power, 1e-30))
    heard = lufs >= ABSOLUTE_GATE_LUFS
    if heard.any():
        heard &= lufs > -0.691 + _decibels(float(power[heard].mean())) + RELATIVE_GATE_LU
    return -0.691 + _decibels(float(power[heard].mean())) if heard.any() else -math.inf

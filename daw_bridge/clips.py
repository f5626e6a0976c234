"""Two short recordings made from formulas, for the demo: a gentle song with a rest, and a rough groove."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .audio import Audio

Mono = NDArray[np.float64]

SAMPLE_RATE = 44_100  # Hz
SONG_BEAT_SECONDS = 0.6
# (beat, length in beats, MIDI note); nothing sounds from beat 7 to beat 8
MELODY: tuple[tuple[float, float, int], ...] = (
    *((0, 1, 69), (1, 1, 72), (2, 1, 76), (3, 1, 74), (4, 1.5, 72), (5.5, 0.5, 71), (6, 1, 69)),
    *((8, 1, 76), (9, 1, 77), (10, 0.5, 76), (10.5, 0.5, 74), (11, 1, 72)),
)
BASS = ((0, 2, 45), (2, 2, 41), (4, 2, 48), (6, 1, 43), (8, 2, 45), (10, 2, 41))
SONG_BEATS = 12
GROOVE_BEAT_SECONDS = 60 / 136
GROOVE_BEATS = 16
RIFF = (40, 40, 43, 40, 45, 43, 40, 38)  # MIDI roots, two beats each


def song() -> Audio:
    """Plucked melody over a bass, 7.2 s; from 4.2 s to 4.8 s every sample is zero."""
    mix = np.zeros((2, round(SONG_BEATS * SONG_BEAT_SECONDS * SAMPLE_RATE)))
    rng = np.random.default_rng(1)
    for index, (beat, n_beats, note) in enumerate(MELODY):
        place = 0.35 if index % 2 else 0.65
        _add(mix, beat * SONG_BEAT_SECONDS, 0.5 * _pluck(note, n_beats * SONG_BEAT_SECONDS, 12, rng), place)
    for beat, n_beats, note in BASS:
        _add(mix, beat * SONG_BEAT_SECONDS, 0.6 * _pluck(note, n_beats * SONG_BEAT_SECONDS, 6, rng), 0.5)
    return _recording(mix, 0.5)


def groove() -> Audio:
    """Drums and distorted chords, about 7 s, loud from the first sample to the last."""
    mix = np.zeros((2, round(GROOVE_BEATS * GROOVE_BEAT_SECONDS * SAMPLE_RATE)))
    rng = np.random.default_rng(2)
    beat_seconds = GROOVE_BEAT_SECONDS
    for index, root in enumerate(RIFF):
        for side in (0.1, 0.9):  # played twice, slightly apart in pitch, hard left and right
            _add(mix, index * 2 * beat_seconds, 0.5 * _distorted(root, 2 * beat_seconds, 1.0 + 0.004 * (side - 0.5)), side)
    for beat in range(GROOVE_BEATS):
        _add(mix, beat * beat_seconds, 0.9 * _kick(), 0.5)
        if beat % 2:
            _add(mix, beat * beat_seconds, 0.8 * _burst(rng, 0.16, 0.0), 0.5)
        for quarter in range(4):
            _add(mix, (beat + quarter / 4) * beat_seconds, 0.35 * _burst(rng, 0.05, 0.95), 0.25 + 0.5 * (quarter % 2))
    return _recording(np.tanh(1.5 * mix), 0.8)


def _recording(mix: NDArray[np.float64], peak: float) -> Audio:
    return Audio((mix * (peak / np.abs(mix).max())).astype(np.float32), SAMPLE_RATE, "WAV", "PCM_16")


def _add(mix: NDArray[np.float64], at_seconds: float, sound: Mono, place: float) -> None:
    """Add a sound `(N,)` at a place from 0, left, to 1, right, with equal power."""
    first = round(at_seconds * SAMPLE_RATE)
    heard = sound[: mix.shape[1] - first]
    mix[:, first : first + heard.size] += np.outer([np.cos(place * np.pi / 2), np.sin(place * np.pi / 2)], heard)


def _times(length_seconds: float) -> Mono:
    return np.arange(round(length_seconds * SAMPLE_RATE)) / SAMPLE_RATE


def _hz(note: float) -> float:
    return float(440.0 * 2.0 ** ((note - 69) / 12))


def _pluck(note: float, length_seconds: float, n_partials: int, rng: np.random.Generator) -> Mono:
    """A string: partials that fade the faster the higher they are, a breath of noise, and an end at zero."""
    t = _times(length_seconds)
    sound = 0.004 * rng.standard_normal(t.size) * np.exp(-6.0 * t)
    for partial in range(1, n_partials + 1):
        sound += np.sin(2 * np.pi * partial * _hz(note) * t) * np.exp(-(1.5 + 0.7 * partial) * t) / partial**1.3
    return sound * np.minimum(1.0, t / 0.004) * np.minimum(1.0, t[::-1] / 0.03)


def _distorted(root: float, length_seconds: float, detune: float) -> Mono:
    """A power chord of sawtooth waves driven hard, in eighth notes."""
    t = _times(length_seconds)
    chord = sum(2.0 * ((_hz(root + interval) * detune * t) % 1.0) - 1.0 for interval in (0, 7, 12))
    pulse = np.exp(-1.5 * ((t / (GROOVE_BEAT_SECONDS / 2)) % 1.0))
    return np.asarray(np.tanh(2.5 * chord * pulse))


def _kick() -> Mono:
    t = _times(0.25)
    return np.asarray(np.sin(2 * np.pi * (45.0 * t + 3.0 * (1.0 - np.exp(-30.0 * t)))) * np.exp(-12.0 * t))


def _burst(rng: np.random.Generator, length_seconds: float, brightness: float) -> Mono:
    """Noise that fades; a brightness of 1 takes its lows away."""
    t = _times(length_seconds)
    noise = rng.standard_normal(t.size)
    noise[1:] -= brightness * noise[:-1]
    return np.asarray(0.5 * noise * np.exp(-5.0 * t / length_seconds))

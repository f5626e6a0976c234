"""Loudness against pyloudnorm, which hears all samples at once, and against closed forms."""

from __future__ import annotations

import math

import numpy as np
import pyloudnorm
import pytest
from numpy.typing import NDArray

from daw_bridge import loudness
from daw_bridge.audio import Audio
from daw_bridge.errors import ShapeError
from daw_bridge.loudness import gain_to_match_db, gain_to_reach_db, level, loudness_lufs, short_term_lufs, turned

RATE = 44_100


def noise(n_channels: int = 2, n_samples: int = RATE, peak: float = 0.3, seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).uniform(-peak, peak, (n_channels, n_samples)).astype(np.float32)


def music(n_channels: int, seconds: float, sample_rate: int) -> Audio:
    """Noise with a loud part, a soft part that the relative gate leaves out, and a rest."""
    samples = noise(n_channels, round(seconds * sample_rate)).astype(np.float64)
    at = np.arange(samples.shape[1]) / max(samples.shape[1], 1)
    samples *= np.where(at < 0.4, 1.0, np.where(at < 0.7, 0.02, 0.0)) * (0.6 + 0.4 * np.sin(40 * at))
    return Audio(samples, sample_rate)


@pytest.mark.parametrize("sample_rate", [8_000, 11_025, 44_100, 48_000, 96_000])
@pytest.mark.parametrize(("n_channels", "seconds"), [(1, 0.4), (2, 0.46), (2, 1.03), (2, 7.77), (5, 3.2)])
def test_loudness_is_that_of_pyloudnorm(sample_rate: int, n_channels: int, seconds: float) -> None:
    audio = music(n_channels, seconds, sample_rate)
    expected = pyloudnorm.Meter(sample_rate).integrated_loudness(audio.samples.T)
    assert level(audio).lufs == pytest.approx(expected, abs=0.01)


def test_a_full_scale_sine_has_the_loudness_that_the_standard_says() -> None:
    sine = Audio(np.sin(2 * np.pi * 997 * np.arange(4 * 48_000) / 48_000)[None], 48_000)
    assert loudness_lufs(sine) == pytest.approx(-3.01, abs=0.05)


@pytest.mark.parametrize("n_hops", [1, 3, 1000])
def test_how_much_is_heard_at_once_does_not_matter(monkeypatch: pytest.MonkeyPatch, n_hops: int) -> None:
    audio = music(2, 7.77, RATE)
    expected, short = level(audio), short_term_lufs(audio)
    monkeypatch.setattr(loudness, "HOPS_AT_ONCE", n_hops)
    assert level(audio) == expected
    np.testing.assert_array_equal(short_term_lufs(audio), short)


def test_short_term_loudness_follows_a_step() -> None:
    samples = np.repeat(noise(1, 10 * RATE), 2, axis=0).astype(np.float64)
    samples[:, : 5 * RATE] *= 0.1
    found = short_term_lufs(Audio(samples, RATE))
    assert len(found) == 71, "the windows that end at 3.0, 3.1, … 10.0 s"
    assert found[0] == pytest.approx(found[-1] - 20, abs=0.2)
    assert found[-1] == pytest.approx(loudness_lufs(Audio(samples[:, 7 * RATE :], RATE)), abs=0.1)


def test_short_term_loudness_of_less_than_a_window_is_that_of_the_whole() -> None:
    audio = Audio(noise(2, RATE + 1234), RATE)
    assert short_term_lufs(audio)[-1] == pytest.approx(loudness_lufs(audio), abs=0.5)
    assert len(short_term_lufs(Audio(noise(2, 100), RATE))) == 1
    with pytest.raises(ShapeError, match="n_channels=6"):
        short_term_lufs(Audio(noise(6), RATE))


def test_the_remix_becomes_as_loud_as_the_content() -> None:
    content, remix = Audio(noise(n_samples=3 * RATE), RATE), Audio(noise(n_samples=2 * RATE, peak=0.02, seed=1), RATE)
    gain_db = gain_to_match_db(level(remix), level(content))
    matched = turned(remix, gain_db)
    meter = pyloudnorm.Meter(RATE)
    assert meter.integrated_loudness(matched.samples.T) == pytest.approx(meter.integrated_loudness(content.samples.T), abs=0.01)
    assert gain_db == pytest.approx(20 * math.log10(15), abs=0.2)
    assert matched.samples.dtype == np.float32


@pytest.mark.parametrize(("n_channels", "n_samples"), [(2, 1000), (6, RATE), (2, 1)])
def test_what_cannot_be_metered_is_matched_by_power(n_channels: int, n_samples: int) -> None:
    content, remix = Audio(noise(n_channels, n_samples), RATE), Audio(noise(n_channels, n_samples, 0.1, seed=1), RATE)
    assert level(content).lufs is None
    matched = turned(remix, gain_to_match_db(level(remix), level(content)))
    assert np.sqrt(np.mean(matched.samples**2)) == pytest.approx(np.sqrt(np.mean(content.samples**2)), rel=1e-4)


@pytest.mark.parametrize("n_samples", [0, 1000, RATE])
def test_silence_moves_no_fader(n_samples: int) -> None:
    silent, loud = level(Audio(np.zeros((2, n_samples), np.float32), RATE)), level(Audio(noise(), RATE))
    assert silent.loudness_lufs == -math.inf
    assert gain_to_match_db(silent, loud) == gain_to_match_db(loud, silent) == gain_to_reach_db(silent, -14.0) == 0.0


def test_the_gain_has_a_limit() -> None:
    hiss, loud = level(Audio(noise(peak=1e-3), RATE)), level(Audio(noise(peak=1.0), RATE))
    assert gain_to_match_db(hiss, loud) == gain_to_reach_db(hiss, -5.0) == 40.0


def test_no_gain_leaves_the_same_object() -> None:
    audio = Audio(noise(), RATE)
    assert turned(audio, 0.0) is audio

"""The bandwidth of recordings, and the low-pass that follows from it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import butter, firwin, oaconvolve, sosfilt

from daw_bridge.audio import Audio
from daw_bridge.dehash import bandwidth_hz, dehash, low_pass

RATE = 44_100


def noise(seconds: float = 3.0, seed: int = 0, rate: int = RATE) -> Audio:
    samples = 0.1 * np.random.default_rng(seed).standard_normal((2, int(seconds * rate)))
    return Audio(samples.astype(np.float32), rate, "WAV", "PCM_24")


def cut(audio: Audio, edge_hz: float) -> Audio:
    """As a codec cuts: steeply."""
    taps = firwin(1001, edge_hz, window=("kaiser", 12.0), fs=audio.sample_rate)
    return audio.with_samples(np.stack([oaconvolve(c, taps, mode="same") for c in audio.samples]).astype(np.float32))


def power_db(audio: Audio, low_hz: float, high_hz: float) -> float:
    window = np.hanning(audio.n_samples)
    spectrum = np.abs(np.fft.rfft(audio.samples * window)) ** 2
    frequency = np.fft.rfftfreq(audio.n_samples, 1 / audio.sample_rate)
    return float(10 * np.log10(spectrum[:, (frequency >= low_hz) & (frequency < high_hz)].mean() + 1e-30))


@pytest.mark.parametrize("edge_hz", [3_400, 8_000, 11_025, 16_000])
def test_a_steep_cut_is_found(edge_hz: float) -> None:
    assert bandwidth_hz(cut(noise(), edge_hz)) == pytest.approx(edge_hz, abs=300)


@pytest.mark.parametrize("rate", [22_050, 44_100, 96_000])
def test_white_noise_reaches_to_the_nyquist_frequency(rate: int) -> None:
    assert bandwidth_hz(noise(rate=rate)) > 0.97 * rate / 2


def test_the_noise_of_sixteen_bits_is_no_bandwidth() -> None:
    quiet = cut(noise(), 8_000)
    rough = np.random.default_rng(1)
    steps = quiet.samples * 0.1 * 2**15 + rough.random(quiet.samples.shape) - rough.random(quiet.samples.shape)
    rounded = quiet.with_samples((np.rint(steps) / 2**15).astype(np.float32))
    assert bandwidth_hz(rounded) == pytest.approx(8_000, rel=0.04)


def test_a_natural_roll_off_keeps_its_top() -> None:
    dark = noise()
    filtered = sosfilt(butter(1, 500, fs=RATE, output="sos"), dark.samples)
    assert bandwidth_hz(dark.with_samples(filtered.astype(np.float32))) > 20_000


@pytest.mark.parametrize("samples", [np.zeros((1, 50_000)), np.zeros((1, 0)), np.full((1, 100), 0.1)])
def test_what_cannot_be_measured_is_cut_nowhere(samples: np.ndarray) -> None:
    assert bandwidth_hz(Audio(samples, RATE)) == RATE / 2


def test_hash_above_both_recordings_goes_and_all_below_stays() -> None:
    content, style = cut(noise(), 6_000), cut(noise(seed=1), 10_000)
    remix = noise(seed=2)
    cleaned = dehash(remix, content, style)
    assert power_db(cleaned, 11_500, 22_000) < power_db(remix, 11_500, 22_000) - 80
    assert power_db(cleaned, 20, 9_900) == pytest.approx(power_db(remix, 20, 9_900), abs=0.01)
    assert power_db(dehash(remix, content), 7_000, 22_000) < power_db(remix, 7_000, 22_000) - 80


def test_nothing_is_done_where_one_of_them_has_the_full_band() -> None:
    remix = noise(seed=2)
    assert dehash(remix, cut(noise(), 6_000), noise(seed=1)) is remix


@pytest.mark.parametrize("edge_hz", [1_000.0, 5_000.0, 16_000.0])
def test_the_low_pass_is_flat_to_its_edge_and_ninety_decibels_down_a_tenth_above(edge_hz: float) -> None:
    impulse = np.zeros((1, 1 << 15))
    impulse[0, 1 << 14] = 1.0
    filtered = low_pass(Audio(impulse, RATE), edge_hz).samples[0]
    response_db = 20 * np.log10(np.abs(np.fft.rfft(filtered)) + 1e-12)
    frequency = np.fft.rfftfreq(1 << 15, 1 / RATE)
    assert np.abs(response_db[frequency <= edge_hz]).max() < 0.01
    assert response_db[frequency >= 1.1 * edge_hz].max() < -88
    middle = np.argmin(np.abs(frequency - 1.05 * edge_hz))
    assert response_db[middle] == pytest.approx(-6.02, abs=0.2)
    assert np.argmax(np.abs(filtered)) == 1 << 14, "no delay"


def test_digital_silence_stays_digital() -> None:
    samples = np.zeros((2, 3 * RATE), np.float32)
    samples[:, :RATE] = noise(1.0).samples
    filtered = low_pass(Audio(samples, RATE), 3_000.0).samples
    assert not filtered[:, RATE + 2000 :].any()

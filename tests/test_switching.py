"""Two recordings in turn: equally loud, in step to the sample, without a click, and in bounded memory."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from pyloudnorm import Meter
from scipy.signal import butter, resample_poly, sosfiltfilt

from daw_bridge.audio import Audio
from daw_bridge.ceiling import true_peak_dbtp
from daw_bridge.scratch import Scratch
from daw_bridge.switching import Pair, matched, remix_share, switched

RATE = 44_100


def noise(seed: int, seconds: float = 9.0, rate: int = RATE, n_channels: int = 2, level: float = 0.1) -> Audio:
    samples = level * np.random.default_rng(seed).standard_normal((n_channels, round(seconds * rate)))
    return Audio(samples.astype(np.float32), rate)


def lufs(audio: Audio) -> float:
    return float(Meter(audio.sample_rate).integrated_loudness(audio.samples.T.astype(np.float64)))


@pytest.mark.parametrize(
    ("content", "remix"),
    [
        (noise(1), noise(2, level=0.01)),
        (noise(1, rate=48_000, n_channels=1), noise(2, level=0.3)),
        (noise(1, n_channels=2, level=0.3), noise(2, rate=22_050, n_channels=1)),
        (noise(1, seconds=6.0), noise(2, seconds=8.0, level=0.02)),
    ],
)
def test_both_are_equally_loud_under_the_ceiling_and_of_one_form(content: Audio, remix: Audio) -> None:
    pair = matched(content, remix)
    assert pair.content.samples.shape == pair.remix.samples.shape
    assert pair.content.sample_rate == pair.remix.sample_rate == max(content.sample_rate, remix.sample_rate)
    assert pair.remix.length_seconds == pytest.approx(remix.length_seconds, abs=1e-3)
    assert lufs(pair.content) == pytest.approx(lufs(pair.remix), abs=0.1)
    assert true_peak_dbtp(switched(pair).samples) <= -1.0


def test_each_is_heard_in_its_turn_sample_for_sample_where_it_is_in_time() -> None:
    pair = matched(noise(1, seconds=14.0), noise(2, seconds=14.0))
    heard = switched(pair)
    margin = 0.02
    for number, source in enumerate((pair.content, pair.remix, pair.content, pair.remix)):
        first, last = (round(seconds * RATE) for seconds in (4 * number + margin, min(4 * number + 4, 14) - margin))
        np.testing.assert_array_equal(heard.samples[:, first:last], source.samples[:, first:last])
    assert remix_share(np.array([0.0, 2.0, 3.98, 4.0, 4.02, 7.0, 8.0, 9.0])) == pytest.approx([0, 0, 0, 0.5, 1, 1, 0.5, 0])


def test_of_a_short_recording_both_halves_are_heard() -> None:
    pair = matched(noise(1, seconds=3.0), noise(2, seconds=3.0))
    heard, margin = switched(pair).samples, round(0.02 * RATE)
    middle = round(1.5 * RATE)
    np.testing.assert_array_equal(heard[:, : middle - margin], pair.content.samples[:, : middle - margin])
    np.testing.assert_array_equal(heard[:, middle + margin : -margin], pair.remix.samples[:, middle + margin : -margin])


def test_another_rate_moves_nothing_in_time() -> None:
    sos = butter(8, 8000, fs=48_000, output="sos")
    sound = sosfiltfilt(sos, noise(1, seconds=3.0, rate=48_000).samples.astype(np.float64))
    slower = resample_poly(sound, 147, 160, axis=1)
    pair = matched(Audio(slower.astype(np.float32), RATE), Audio(sound.astype(np.float32), 48_000))
    middle = slice(4800, -4800)
    difference = pair.content.samples[:, middle] - pair.remix.samples[:, middle]
    assert np.abs(difference).max() < 0.01 * np.abs(pair.remix.samples).max()  # one sample late would be 1.0


def test_switching_between_two_phases_of_a_tone_makes_no_click() -> None:
    seconds = np.arange(9 * RATE) / RATE
    tones = [0.2 * np.sin(2 * np.pi * 220 * seconds + phase).astype(np.float32)[None] for phase in (0.0, 2.0)]
    heard = switched(Pair(Audio(tones[0], RATE), Audio(tones[1], RATE), 0.0, 0.0)).samples[0].astype(np.float64)
    jerk = np.abs(np.diff(heard, n=3))
    steady = jerk[RATE : 2 * RATE].max()
    assert jerk.max() < 3 * steady  # a hard switch makes some thousand times as much


def test_silence_and_many_channels_and_a_single_sample_are_taken_as_they_come() -> None:
    silent = Audio(np.zeros((2, RATE), np.float32), RATE)
    assert matched(silent, noise(1, seconds=1.0)).remix_gain_db <= 0.0
    assert not matched(silent, silent).remix.samples.any()
    wide = matched(noise(1, seconds=1.0, n_channels=8), noise(2, seconds=1.0, n_channels=2))
    assert wide.remix.samples.shape == (8, RATE) and not wide.remix.samples[2:].any()
    one = Audio(np.ones((1, 1), np.float32), RATE)
    assert switched(matched(one, one)).n_samples == 1


def test_long_recordings_do_not_lie_in_memory(tmp_path: Path) -> None:
    scratch = Scratch(tmp_path)
    long = []
    for seed in (1, 2):
        samples = scratch.empty((2, 10_000_000))
        for first in range(0, samples.shape[1], 1_000_000):
            samples[:, first : first + 1_000_000] = 0.1 * np.random.default_rng(seed).standard_normal((2, 1_000_000))
        long.append(Audio(samples, RATE))
    tracemalloc.start()
    try:
        switched(matched(long[0], long[1], scratch), scratch)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 40e6  # each of them has 80 MB

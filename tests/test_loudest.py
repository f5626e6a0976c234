"""The loudest stretch of a recording, found block by block."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from daw_bridge.audio import Audio
from daw_bridge.loudest import loudest_start
from daw_bridge.scratch import Scratch

RATE = 8000


def song(n_seconds: int, loud_from: float, loud_for: float) -> Audio:
    samples = np.random.default_rng(0).normal(0.0, 0.01, (2, n_seconds * RATE)).astype(np.float32)
    samples[1, round(loud_from * RATE) : round((loud_from + loud_for) * RATE)] *= 20.0
    return Audio(samples, RATE)


@pytest.mark.parametrize("loud_from", [0.0, 3.25, 15.0, 31.5, 52.0])
def test_it_is_found_wherever_it_is(loud_from: float) -> None:
    assert loudest_start(song(60, loud_from, 8.0), 8.0) == pytest.approx(loud_from * RATE, abs=RATE / 4)


def test_it_is_what_a_search_of_every_place_finds() -> None:
    audio = song(40, 17.0, 3.0)
    power = np.square(audio.samples.astype(np.float64)).sum(0).reshape(-1, RATE // 4).sum(1)
    sums = [power[first : first + 16].sum() for first in range(len(power) - 15)]
    assert loudest_start(audio, 4.0) == int(np.argmax(sums)) * (RATE // 4)


def test_of_equal_places_the_first_counts_and_silence_is_no_fault() -> None:
    assert loudest_start(Audio(np.zeros((1, 30 * RATE), np.float32), RATE), 8.0) == 0
    assert loudest_start(Audio(np.ones((1, 30 * RATE), np.float32), RATE), 8.0) == 0


def test_a_short_recording_is_taken_from_its_start() -> None:
    assert loudest_start(song(5, 2.0, 1.0), 8.0) == 0


def test_a_memory_map_stays_one(tmp_path: Path) -> None:
    samples = Scratch(tmp_path).empty((1, 100 * RATE))
    samples[0, 60 * RATE : 68 * RATE] = 0.5
    assert loudest_start(Audio(samples, RATE), 8.0) == 60 * RATE

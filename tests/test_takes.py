"""Several takes: equally loud, whatever the ceiling did to each."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pyloudnorm import Meter

from daw_bridge.audio import Audio
from daw_bridge.making import Made
from daw_bridge.takes import levelled, take_path, turned

RATE = 44_100


def take(seed: int, gain_db: float, subtype: str = "PCM_24") -> Made:
    samples = 0.1 * np.random.default_rng(seed).standard_normal((2, RATE)).astype(np.float32)
    audio = Audio(samples * np.float32(10 ** (gain_db / 20)), RATE, "WAV", subtype)
    recipe = {"seed": seed, "preset": {"output": {"is_dithered": True}}, "loudness_lufs": lufs(audio), "true_peak_dbtp": -1.0}
    return Made(audio, recipe)


def lufs(audio: Audio) -> float:
    return float(Meter(audio.sample_rate).integrated_loudness(audio.samples.T.astype(np.float64)))


@pytest.mark.parametrize("subtype", ["PCM_24", "PCM_16", "FLOAT"])
def test_takes_come_out_within_a_tenth_of_a_loudness_unit(subtype: str) -> None:
    takes = levelled([take(1, 0.0, subtype), take(2, -3.0, subtype), take(3, -1.2, subtype)])
    levels = [lufs(one.audio) for one in takes]
    assert max(levels) - min(levels) <= 0.1
    assert [one.recipe["loudness_lufs"] for one in takes] == pytest.approx(levels, abs=0.02)


def test_the_quietest_take_stays_bit_for_bit_and_none_is_turned_up() -> None:
    before = [take(1, 0.0), take(2, -3.0)]
    after = levelled(before)
    assert after[1] is before[1]
    assert after[0].recipe["take_gain_db"] == pytest.approx(lufs(before[1].audio) - lufs(before[0].audio))
    assert turned(before[0], 2.0) is before[0]


def test_the_gain_that_a_recipe_tells_makes_the_same_samples_again() -> None:
    louder = take(1, 0.0, "PCM_16")
    (first, _) = levelled([louder, take(2, -3.0, "PCM_16")])
    again = turned(louder, first.recipe["take_gain_db"])
    np.testing.assert_array_equal(first.audio.samples, again.audio.samples)
    steps = first.audio.samples.astype(np.float64) * 2**15
    np.testing.assert_array_equal(steps, np.rint(steps))


def test_silent_takes_and_untouched_contents_are_left_alone() -> None:
    silent = replace(take(1, 0.0), recipe={"seed": 1, "loudness_lufs": None})
    untouched = replace(take(2, 0.0), recipe={"seed": 2})
    assert levelled([silent, untouched]) == [silent, untouched]


def test_takes_under_a_name_of_ones_own_are_numbered() -> None:
    assert take_path(Path("a/mine.wav"), 1, 1) == Path("a/mine.wav")
    assert take_path(Path("a/mine.wav"), 2, 4) == Path("a/mine-2.wav")

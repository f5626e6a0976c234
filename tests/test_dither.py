"""Triangular dither: its statistics, and the silence that it keeps."""

from __future__ import annotations

import numpy as np
import pytest

from daw_bridge.audio import Audio
from daw_bridge.dither import BLOCK_SAMPLES, dither

STEP = 2.0**-15


def audio(samples: object, subtype: str = "PCM_16") -> Audio:
    return Audio(np.asarray(samples, np.float64), 44_100, "WAV", subtype)


def test_the_error_has_the_mean_and_the_power_of_triangular_dither_at_every_level() -> None:
    for level in (0.1, 0.25, 0.5, 0.77):
        constant = np.full((1, 200_000), (100 + level) * STEP)
        error = (dither(audio(constant)).samples - constant) / STEP
        assert abs(error.mean()) < 0.01
        assert np.mean(error**2) == pytest.approx(0.25, rel=0.02)  # 1/12 of rounding and 1/6 of the noise


def test_a_tone_under_the_last_bit_survives_as_a_tone() -> None:
    time = np.arange(441_000) / 44_100
    tone = 0.4 * STEP * np.sin(2 * np.pi * 1000 * time)[None]
    assert not np.rint(tone / STEP).any(), "rounding alone would lose it"
    found = 2 * np.mean(dither(audio(tone)).samples * np.sin(2 * np.pi * 1000 * time)) / STEP
    assert found == pytest.approx(0.4, abs=0.02)


def test_blocks_that_need_no_rounding_stay_bit_for_bit() -> None:
    samples = np.zeros((2, 6 * BLOCK_SAMPLES))
    samples[:, BLOCK_SAMPLES : 2 * BLOCK_SAMPLES] = 0.1234
    samples[:, 4 * BLOCK_SAMPLES :] = 1000 * STEP
    noisy = dither(audio(samples)).samples
    assert not noisy[:, :BLOCK_SAMPLES].any() and not noisy[:, 2 * BLOCK_SAMPLES : 4 * BLOCK_SAMPLES].any()
    np.testing.assert_array_equal(noisy[:, 4 * BLOCK_SAMPLES :], samples[:, 4 * BLOCK_SAMPLES :])
    assert len(np.unique(noisy[:, BLOCK_SAMPLES : 2 * BLOCK_SAMPLES])) > 1


def test_the_seed_is_all_the_chance_there_is() -> None:
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, (2, 5000))
    np.testing.assert_array_equal(dither(audio(samples), 3).samples, dither(audio(samples), 3).samples)
    assert (dither(audio(samples), 3).samples != dither(audio(samples), 4).samples).any()
    both = dither(audio(np.full((2, 5000), 0.1234)), 3).samples
    assert (both[0] != both[1]).any(), "the channels have noise of their own"


@pytest.mark.parametrize(("subtype", "is_dithered"), [("PCM_U8", True), ("PCM_16", True), ("PCM_24", False), ("FLOAT", False)])
def test_only_sixteen_bits_and_fewer_are_dithered(subtype: str, is_dithered: bool) -> None:
    given = audio(np.full((1, 100), 0.12345), subtype)
    assert (dither(given) is not given) == is_dithered


def test_the_type_of_the_samples_is_kept_and_an_empty_file_is_none() -> None:
    given = Audio(np.full((1, 3000), 0.12345, np.float32), 44_100, "WAV", "PCM_16")
    found = dither(given).samples
    assert found.dtype == np.float32
    np.testing.assert_array_equal(np.rint(found.astype(np.float64) / STEP), found.astype(np.float64) / STEP)
    assert dither(audio(np.zeros((2, 0)))).n_samples == 0

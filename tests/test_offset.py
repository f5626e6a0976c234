"""The constant offset of a remix is the content's, and silence is left alone."""

from __future__ import annotations

import numpy as np
import pytest

from daw_bridge.audio import Audio
from daw_bridge.offset import hold_offset

RATE = 44_100


def tone(offset: float, *, has_rest: bool = False) -> Audio:
    """Three seconds of a tone on an offset; with a rest, the middle one is digital silence."""
    samples = 0.3 * np.sin(2 * np.pi * 220 * np.arange(3 * RATE) / RATE) + offset
    if has_rest:
        samples[RATE : 2 * RATE] = 0.0
    return Audio(np.stack([samples, -samples]).astype(np.float32), RATE)


def test_a_smaller_offset_is_not_made_up_for() -> None:
    content = tone(0.003)
    quieter = content.with_samples(content.samples * np.float32(0.2))
    assert hold_offset(quieter, content, -45.0) is quieter


@pytest.mark.parametrize("gain", [2.0, 4.0])
def test_a_gain_does_not_move_the_mean(gain: float) -> None:
    content = tone(0.003)
    held = hold_offset(content.with_samples(content.samples * np.float32(gain)), content, -45.0)
    assert held.samples.mean(axis=1) == pytest.approx(content.samples.mean(axis=1), abs=2e-6)


def test_what_sounds_is_not_changed_but_for_its_mean() -> None:
    content = tone(0.003)
    louder = content.with_samples(content.samples * np.float32(2.0))
    moved = hold_offset(louder, content, -45.0).samples - louder.samples
    middle = moved[:, RATE : 2 * RATE]
    assert np.ptp(middle, axis=1) == pytest.approx([0.0, 0.0], abs=1e-6)
    assert middle[0, 0] == pytest.approx(-0.003, rel=0.05)


def test_digital_silence_stays() -> None:
    content = tone(0.003, has_rest=True)
    held = hold_offset(content.with_samples(content.samples * np.float32(3.0)), content, -45.0)
    rest = held.samples[:, RATE + RATE // 5 : 2 * RATE - RATE // 5]
    assert np.count_nonzero(rest) == 0


@pytest.mark.parametrize("offset", [0.0, 0.0001])
def test_next_to_no_offset_is_left_alone(offset: float) -> None:
    content = tone(offset)
    louder = content.with_samples(content.samples * np.float32(2.0))
    assert hold_offset(louder, content, -45.0) is louder


def test_silence_has_nothing_to_hold() -> None:
    content = Audio(np.zeros((1, RATE), np.float32), RATE)
    remix = content.with_samples(content.samples + np.float32(0.01))
    assert hold_offset(remix, content, -45.0) is remix

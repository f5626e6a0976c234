"""The gate that the content opens."""

from __future__ import annotations

import numpy as np
import pytest

from daw_bridge.audio import Audio
from daw_bridge.silence_gate import gate_by, opening

RATE = 44_100


def tone(*spans: tuple[float, float], seconds: float = 4.0, level: float = 0.3, n_channels: int = 2) -> Audio:
    time = np.arange(int(seconds * RATE)) / RATE
    sounds = sum(((time >= a) & (time < b)).astype(float) for a, b in spans)
    return Audio((level * np.sin(2 * np.pi * 440 * time) * sounds)[None].repeat(n_channels, 0).astype(np.float32), RATE)


def hiss(seconds: float = 4.0) -> Audio:
    samples = 0.1 * np.random.default_rng(0).standard_normal((2, int(seconds * RATE)))
    return Audio(samples.astype(np.float32), RATE)


def part(audio: Audio, start: float, end: float) -> np.ndarray:
    return audio.samples[:, int(start * RATE) : int(end * RATE)]


def test_rests_of_the_content_are_silent_and_the_rest_is_bit_for_bit() -> None:
    content = tone((1.0, 2.0), (3.0, 4.0))
    gated = gate_by(hiss(), content, -60.0)
    for start, end in ((0.0, 0.9), (2.2, 2.9)):
        assert not part(gated, start, end).any()
    for start, end in ((1.0, 2.0), (3.0, 4.0)):
        np.testing.assert_array_equal(part(gated, start, end), part(hiss(), start, end))


def test_the_gate_opens_before_the_first_attack_and_without_a_click() -> None:
    steady = Audio(np.ones((1, 4 * RATE)), RATE)
    gain = gate_by(steady, tone((1.0, 2.0)), -60.0).samples[0]
    assert gain[int(0.999 * RATE)] == 1.0 and gain[int(2.05 * RATE)] == 1.0
    assert np.abs(np.diff(gain)).max() < 0.005
    assert gain.min() == 0.0 and gain.max() == 1.0


@pytest.mark.parametrize(("spill_db", "is_open"), [(-70.0, False), (-40.0, True)])
def test_what_lies_under_the_gates_level_counts_as_silent(spill_db: float, is_open: bool) -> None:
    loud, spill = tone((0.0, 2.0)), tone((2.0, 4.0), level=0.3 * 10 ** (spill_db / 20))
    gated = gate_by(hiss(), loud.with_samples(loud.samples + spill.samples), -60.0)
    assert bool(part(gated, 2.5, 4.0).all()) == is_open


def test_a_content_that_never_sounds_keeps_it_shut() -> None:
    assert not gate_by(hiss(), tone(), -60.0).samples.any()


def test_a_gain_opens_no_gate() -> None:
    quiet, loud = tone((1.0, 2.0), level=0.01), tone((1.0, 2.0), level=0.9)
    np.testing.assert_allclose(opening(quiet, -50.0), opening(loud, -50.0), atol=0.01)


def test_a_tail_after_the_end_keeps_the_last_gain() -> None:
    assert part(gate_by(hiss(6.0), tone((1.0, 4.0)), -60.0), 4.0, 6.0).all()
    assert not part(gate_by(hiss(6.0), tone((1.0, 2.0)), -60.0), 4.0, 6.0).any()


@pytest.mark.parametrize("n_samples", [0, 1, 100])
def test_any_length_comes_back(n_samples: int) -> None:
    given = Audio(np.full((3, n_samples), 0.1, np.float32), RATE)
    assert gate_by(given, given, -60.0).samples.shape == (3, n_samples)

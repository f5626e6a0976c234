"""Samples from a target spectrogram: gains on the content's own sound, and phase found by Griffin and Lim."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from daw_bridge import reconstruct
from daw_bridge.errors import Cancelled
from daw_bridge.griffin_lim import griffin_lim
from daw_bridge.reconstruct import Gains, gain_mask
from daw_bridge.spectrogram import Resolution, resolution_for, spread_weights, stft

pytestmark = pytest.mark.usefixtures("one_thread")
RATE, N_BANDS = 8_000, 32
RESOLUTION = resolution_for(RATE)
SPREAD = torch.from_numpy(spread_weights(N_BANDS, RATE, RESOLUTION.n_fft))


def noise(n_channels: int, n_samples: int, seed: int = 0) -> Tensor:
    return torch.rand(n_channels, n_samples, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def gains(n_samples: int, db: float | None = None) -> Gains:
    shape = (N_BANDS, RESOLUTION.n_frames(n_samples))
    chance = torch.rand(shape, generator=torch.Generator().manual_seed(7)) * 60 - 30
    wanted = chance if db is None else torch.full(shape, db)
    return lambda first, last: wanted[:, first:last]


def phase_found(
    magnitude: Tensor,
    n_samples: int,
    resolution: Resolution = RESOLUTION,
    *,
    n_iterations: int,
    momentum: float = 0.99,
    seed: int = 0,
    on_share: Callable[[float], None] | None = None,
) -> Tensor:
    """`griffin_lim` of a magnitude `(C, F, T)`."""
    return griffin_lim(
        lambda first, last: magnitude[..., first:last].transpose(1, 2),
        resolution,
        torch.empty(magnitude.shape[0], n_samples),
        n_iterations=n_iterations,
        momentum=momentum,
        seed=seed,
        on_share=on_share,
    )


@given(n_samples=st.integers(1, 4000), n_channels=st.integers(1, 4))
@settings(max_examples=30, deadline=None)
def test_a_gain_of_nothing_gives_the_content_back(n_samples: int, n_channels: int) -> None:
    samples = noise(n_channels, n_samples)
    wet = gain_mask(samples, gains(n_samples, 0.0), SPREAD, RESOLUTION)
    torch.testing.assert_close(wet, samples, atol=1e-6, rtol=0)


def test_a_gain_of_six_decibels_doubles_what_is_heard() -> None:
    time = torch.arange(8000) / RATE
    tone = torch.sin(2 * torch.pi * 1000 * time)[None] * 0.25
    wet = gain_mask(tone, gains(8000, 6.0206), SPREAD, RESOLUTION)
    inner = slice(RESOLUTION.n_fft, -RESOLUTION.n_fft)  # an edge is a click, and a click reaches below hearing
    torch.testing.assert_close(wet[:, inner], 2 * tone[:, inner], atol=1e-4, rtol=0)


def test_an_offset_below_hearing_stays_as_it_is() -> None:
    offset = torch.full((1, 8000), 0.5)
    wet = gain_mask(offset, gains(8000, -40.0), SPREAD, RESOLUTION)[:, 1000:-1000].mean()
    assert wet.item() > 0.2, "the bin of 0 Hz keeps its gain; its window's skirt does not"


def test_silence_stays_silent_to_the_bit() -> None:
    wet = gain_mask(torch.zeros(2, 5000), gains(5000, 40.0), SPREAD, RESOLUTION)
    assert torch.equal(wet, torch.zeros(2, 5000))


def test_silence_between_sounds_stays_silent_a_window_away() -> None:
    samples = noise(2, 8000)
    samples[:, 3000:6000] = 0.0
    wet = gain_mask(samples, gains(8000), SPREAD, RESOLUTION)
    n_fft = RESOLUTION.n_fft
    assert torch.count_nonzero(wet[:, 3000 + n_fft : 6000 - n_fft]) == 0
    assert (wet[:, :3000] != samples[:, :3000]).any()


def test_a_silent_channel_stays_silent_beside_a_loud_one() -> None:
    samples = noise(2, 4000)
    samples[1] = 0.0
    assert torch.count_nonzero(gain_mask(samples, gains(4000), SPREAD, RESOLUTION)[1]) == 0


def test_the_stereo_image_is_kept() -> None:
    left = noise(1, 4000)
    wet = gain_mask(torch.cat([left, -left, 0.5 * left]), gains(4000), SPREAD, RESOLUTION)
    torch.testing.assert_close(wet[1], -wet[0])
    torch.testing.assert_close(wet[2], 0.5 * wet[0])


@pytest.mark.parametrize("block_frames", [1, 4, 13])
def test_the_result_does_not_depend_on_the_block_length(monkeypatch: pytest.MonkeyPatch, block_frames: int) -> None:
    samples = noise(2, 3000)
    whole = gain_mask(samples, gains(3000), SPREAD, RESOLUTION)
    monkeypatch.setattr(reconstruct, "FRAMES_AT_ONCE", block_frames)
    torch.testing.assert_close(gain_mask(samples, gains(3000), SPREAD, RESOLUTION), whole, atol=1e-5, rtol=1e-5)


def inconsistency(samples: Tensor, magnitude: Tensor) -> float:
    return float((stft(samples, RESOLUTION).abs() - magnitude).norm() / magnitude.norm())


def melody(n_samples: int = 4000) -> Tensor:
    time = torch.arange(n_samples) / RATE
    sweep = torch.sin(2 * torch.pi * (300 * time + 400 * time**2))
    pulses = (torch.arange(n_samples) % 1000 < 300).float()
    return torch.stack([sweep * pulses, 0.5 * sweep])


@pytest.mark.parametrize("momentum", [0.0, 0.99])
def test_each_ten_iterations_bring_the_magnitude_nearer(momentum: float) -> None:
    magnitude = stft(melody(), RESOLUTION).abs()
    errors = [
        inconsistency(phase_found(magnitude, 4000, n_iterations=n, momentum=momentum, seed=0), magnitude) for n in (1, 11, 31)
    ]
    assert errors[0] > errors[1] > errors[2] and errors[2] < 0.3


def test_without_momentum_it_never_gets_worse() -> None:
    """Griffin and Lim's theorem; ours counts the two outermost bins twice, which leaves a hair's breadth."""
    magnitude = stft(melody(2000), RESOLUTION).abs()
    errors = [inconsistency(phase_found(magnitude, 2000, n_iterations=n, momentum=0.0, seed=1), magnitude) for n in range(1, 10)]
    assert all(after <= before + 1e-4 for before, after in itertools.pairwise(errors))


def test_momentum_arrives_sooner() -> None:
    magnitude = stft(melody(), RESOLUTION).abs()
    slow, fast = (
        inconsistency(phase_found(magnitude, 4000, n_iterations=24, momentum=momentum, seed=0), magnitude)
        for momentum in (0.0, 0.99)
    )
    assert fast < slow


def test_the_seed_decides_the_phase() -> None:
    magnitude = stft(melody(2000), RESOLUTION).abs()
    first, again, other = (phase_found(magnitude, 2000, n_iterations=3, momentum=0.99, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(first, again) and not torch.equal(first, other)


def test_equal_channels_stay_equal() -> None:
    magnitude = stft(melody(2000)[:1], RESOLUTION).abs().repeat(3, 1, 1)
    wet = phase_found(magnitude, 2000, n_iterations=5, momentum=0.99, seed=0)
    assert torch.equal(wet[0], wet[1]) and torch.equal(wet[0], wet[2])


def test_a_magnitude_of_nothing_is_silence_and_no_nan() -> None:
    magnitude = torch.zeros(2, RESOLUTION.n_fft // 2 + 1, RESOLUTION.n_frames(3000))
    wet = phase_found(magnitude, 3000, n_iterations=4, momentum=0.99, seed=0)
    assert torch.equal(wet, torch.zeros(2, 3000))


@pytest.mark.parametrize("n_samples", [1, 2, 127, 128, 129, 1000])
def test_any_length_comes_back(n_samples: int) -> None:
    magnitude = stft(noise(1, n_samples), Resolution(512, 128)).abs()
    wet = phase_found(magnitude, n_samples, Resolution(512, 128), n_iterations=2, momentum=0.5, seed=0)
    assert wet.shape == (1, n_samples) and wet.isfinite().all()


def test_each_iteration_is_told_and_can_end_the_work() -> None:
    told: list[float] = []

    def stop(share: float) -> None:
        told.append(share)
        if len(told) == 3:
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        phase_found(stft(noise(1, 1000), RESOLUTION).abs(), 1000, n_iterations=9, on_share=stop)
    assert told == pytest.approx([1 / 9, 2 / 9, 3 / 9])

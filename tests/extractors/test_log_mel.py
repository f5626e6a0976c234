"""VGGish's front end against the published constants and a NumPy version that shares nothing with it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from daw_bridge.extractors import log_mel as front
from daw_bridge.extractors.log_mel import examples, log_mel, mel_weights

pytestmark = pytest.mark.usefixtures("one_thread")
Doubles = NDArray[np.float64]


def noise(n_samples: int, seed: int = 0) -> Doubles:
    return np.random.default_rng(seed).normal(0.0, 0.1, n_samples)


def slow_log_mel(samples: Doubles) -> Doubles:
    """Band by band and frame by frame, from the figures of Hershey et al. alone: 16 kHz, 25 ms, 10 ms, 64 bands."""
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / 400)
    sines = np.exp(-2j * np.pi * np.outer(np.arange(257), np.arange(512)) / 512)
    edges = np.linspace(1127 * np.log1p(125 / 700), 1127 * np.log1p(7500 / 700), 66)
    n_frames = 1 + (len(samples) - 400) // 160
    found = np.zeros((n_frames, 64))
    for frame in range(n_frames):
        padded = np.zeros(512)
        padded[:400] = samples[160 * frame : 160 * frame + 400] * window
        magnitude = np.abs(sines @ padded)
        for band in range(64):
            low, centre, high = edges[band : band + 3]
            total = 0.0
            for number in range(1, 257):
                mel = 1127 * np.log1p(number * 16_000 / 512 / 700)
                if low < mel < high:
                    total += magnitude[number] * (
                        (mel - low) / (centre - low) if mel <= centre else (high - mel) / (high - centre)
                    )
            found[frame, band] = np.log(total + 0.01)
    return found


def heard(samples: Doubles) -> Tensor:
    return log_mel(torch.from_numpy(samples)[None], torch.from_numpy(mel_weights()))


def test_the_constants_are_those_of_the_release() -> None:
    assert (front.SAMPLE_RATE, front.WINDOW_LENGTH, front.HOP_LENGTH, front.N_FFT) == (16_000, 400, 160, 512)
    assert (front.N_MELS, front.LOWEST_HZ, front.HIGHEST_HZ, front.LOG_OFFSET) == (64, 125.0, 7500.0, 0.01)
    assert front.EXAMPLE_FRAMES == 96


@pytest.mark.parametrize("scale", [1.0, 1e-3, 0.0])
def test_every_number_is_that_of_the_slow_version(scale: float) -> None:
    samples = noise(4_000) * scale
    expected = slow_log_mel(samples)
    found = heard(samples)[0].numpy()
    assert found.shape == expected.shape == (23, 64)
    assert np.abs(found - expected).max() < 1e-9
    single = log_mel(torch.from_numpy(samples).float()[None], torch.from_numpy(mel_weights()).float())[0].numpy()
    assert np.abs(single - expected).max() < 1e-5


def test_a_triangle_peaks_at_one_and_the_offset_counts_nowhere() -> None:
    weights = mel_weights()
    assert weights.shape == (257, 64) and weights.max() <= 1.0 and (weights >= 0).all()
    assert (weights[0] == 0).all() and (weights.sum(0) > 0).all()
    heard_hz = np.flatnonzero(weights.sum(1)) * 16_000 / 512
    assert heard_hz.min() > 125 and heard_hz.max() < 7_500


@pytest.mark.parametrize(("frequency_hz", "band"), [(200.0, 1), (1000.0, 20), (4000.0, 48)])
def test_a_sine_is_loudest_in_its_band(frequency_hz: float, band: int) -> None:
    sine = 0.3 * np.sin(2 * np.pi * frequency_hz * np.arange(8_000) / 16_000)
    assert abs(int(heard(sine)[0].mean(0).argmax()) - band) <= 1


def test_digital_silence_is_the_logarithm_of_the_offset_with_finite_gradients() -> None:
    silence = torch.zeros(1, 4_000, dtype=torch.float64, requires_grad=True)
    found = log_mel(silence, torch.from_numpy(mel_weights()))
    torch.testing.assert_close(found, torch.full_like(found, float(np.log(0.01))))
    found.sum().backward()  # type: ignore[no-untyped-call]
    assert silence.grad is not None and silence.grad.isfinite().all()


def test_gradients_are_those_of_finite_differences() -> None:
    weights = torch.from_numpy(mel_weights())
    samples = torch.from_numpy(noise(700))[None].requires_grad_()
    assert torch.autograd.gradcheck(lambda x: log_mel(x, weights), (samples,), fast_mode=True)


@pytest.mark.parametrize(("n_frames", "n_examples"), [(96, 1), (192, 2), (193, 3), (287, 3), (10, 1), (1, 1)])
def test_examples_follow_each_other_and_leave_nothing_out(n_frames: int, n_examples: int) -> None:
    frames = torch.arange(float(n_frames))[None, :, None].expand(1, n_frames, 64)
    found = examples(frames)
    assert found.shape == (1, n_examples, 96, 64)
    for number in range(n_frames // 96):
        assert torch.equal(found[0, number, :, 0], torch.arange(96.0) + 96 * number)
    assert found.max() == n_frames - 1
    if n_frames < 96:
        torch.testing.assert_close(found[0, 0, n_frames:, 5], torch.full((96 - n_frames,), float(np.log(0.01))))


def test_a_sound_shorter_than_a_window_is_one_frame() -> None:
    assert heard(noise(7)).shape == (1, 1, 64)

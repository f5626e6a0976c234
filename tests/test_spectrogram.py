"""The transform and the mel bands against slow re-implementations in NumPy, and their gradients."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor

from daw_bridge import analysis, spectrogram
from daw_bridge.errors import BadParameter, ShapeError
from daw_bridge.spectrogram import Resolution, istft, resolution_for, stft

pytestmark = pytest.mark.usefixtures("one_thread")
RATES = (8_000, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000, 88_200, 96_000, 176_400, 192_000, 384_000)
SMALL = Resolution(64, 16)


def noise(n_channels: int, n_samples: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(n_channels, n_samples, generator=generator, dtype=torch.float64).mul(2).sub(1).to(dtype)


def slow_stft(samples: NDArray[np.float64], resolution: Resolution) -> NDArray[np.complex128]:
    """Frame by frame and bin by bin, by the definition: a sum of products with a complex sine."""
    n_fft, hop = resolution.n_fft, resolution.hop_length
    n_samples = samples.shape[-1]
    n_frames = -(-n_samples // hop) + 3
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n_fft) / n_fft)
    sines = np.exp(-2j * np.pi * np.outer(np.arange(n_fft // 2 + 1), np.arange(n_fft)) / n_fft)
    spectrum = np.zeros((samples.shape[0], n_fft // 2 + 1, n_frames), dtype=np.complex128)
    for channel, signal in enumerate(samples):
        for frame in range(n_frames):
            places = (frame - 3) * hop + np.arange(n_fft)
            inside = (places >= 0) & (places < n_samples)
            heard = np.where(inside, signal[np.clip(places, 0, n_samples - 1)], 0.0)
            spectrum[channel, :, frame] = sines @ (heard * window) * 2.0 / window.sum()
    return spectrum


def slow_band_weights(n_bands: int, sample_rate: int, n_fft: int) -> NDArray[np.float64]:
    """Slaney's triangles, band by band and bin by bin, at least two bins wide, each summing to 1."""

    def to_mel(hz: float) -> float:
        return hz / (200.0 / 3.0) if hz < 1000.0 else 15.0 + 27.0 * float(np.log(hz / 1000.0) / np.log(6.4))

    def to_hz(mel: float) -> float:
        return mel * 200.0 / 3.0 if mel < 15.0 else 1000.0 * 6.4 ** ((mel - 15.0) / 27.0)

    lowest, highest = to_mel(20.0), to_mel(min(20_000.0, sample_rate / 2))
    places = [to_hz(lowest + (highest - lowest) * i / (n_bands + 1)) * n_fft / sample_rate for i in range(n_bands + 2)]
    weights = np.zeros((n_bands, n_fft // 2 + 1))
    for band in range(n_bands):
        low, centre, high = places[band : band + 3]
        low, high = min(low, centre - 1.0), max(high, centre + 1.0)
        for k in range(n_fft // 2 + 1):
            if low < k <= centre:
                weights[band, k] = (k - low) / (centre - low)
            elif centre < k < high:
                weights[band, k] = (high - k) / (high - centre)
        weights[band] /= weights[band].sum()
    return weights


@pytest.mark.parametrize("n_samples", [1, 15, 16, 17, 63, 64, 65, 200])
@pytest.mark.parametrize("resolution", [SMALL, Resolution(128, 32)])
def test_the_transform_equals_its_definition_frame_by_frame(n_samples: int, resolution: Resolution) -> None:
    samples = noise(2, n_samples, dtype=torch.float64)
    np.testing.assert_allclose(stft(samples, resolution).numpy(), slow_stft(samples.numpy(), resolution), atol=1e-12)


@pytest.mark.parametrize("rate", RATES)
def test_a_window_lasts_about_46_ms_at_any_rate(rate: int) -> None:
    resolution = resolution_for(rate)
    assert resolution.n_fft & (resolution.n_fft - 1) == 0, "a power of two"
    assert resolution.hop_length * 4 == resolution.n_fft
    assert 0.046 / 2**0.5 <= resolution.n_fft / rate <= 0.046 * 2**0.5


@pytest.mark.parametrize(("rate", "n_fft"), [(44_100, 2048), (48_000, 2048), (96_000, 4096), (192_000, 8192)])
def test_studio_rates_have_their_customary_windows(rate: int, n_fft: int) -> None:
    assert resolution_for(rate) == Resolution(n_fft, n_fft // 4)


@pytest.mark.parametrize("rate", [8_000, 44_100, 48_000, 96_000, 192_000])
def test_a_full_scale_sine_lands_in_its_bin_with_magnitude_one(rate: int) -> None:
    resolution = resolution_for(rate)
    k = resolution.n_fft // 8
    time = torch.arange(8 * resolution.n_fft, dtype=torch.float64)
    magnitude = stft(torch.sin(2 * torch.pi * k * time / resolution.n_fft)[None], resolution).abs()[0, :, 10]
    assert int(magnitude.argmax()) == k
    assert magnitude[k].item() == pytest.approx(1.0, abs=1e-9)
    assert magnitude[: k - 1].max() < 1e-9 and magnitude[k + 2 :].max() < 1e-9, "a Hann window leaks into two bins alone"


@given(
    n_samples=st.one_of(st.integers(1, 40), st.integers(41, 5000)),
    n_channels=st.integers(1, 4),
    rate=st.sampled_from(RATES),
    seed=st.integers(0, 99),
)
@settings(max_examples=60, deadline=None)
def test_the_inverse_gives_the_samples_back(n_samples: int, n_channels: int, rate: int, seed: int) -> None:
    samples, resolution = noise(n_channels, n_samples, seed, torch.float64), resolution_for(rate)
    spectrum = stft(samples, resolution)
    assert spectrum.shape == (n_channels, resolution.n_fft // 2 + 1, resolution.n_frames(n_samples))
    torch.testing.assert_close(istft(spectrum, resolution, n_samples), samples, atol=1e-12, rtol=0)


def test_the_inverse_is_good_to_24_bits_in_single_precision() -> None:
    samples, resolution = noise(2, 44_100), resolution_for(44_100)
    assert (istft(stft(samples, resolution), resolution, 44_100) - samples).abs().max() < 2**-21


def test_the_inverse_is_the_least_squares_answer_to_an_impossible_spectrum() -> None:
    n_samples = 100
    shape = (1, 33, SMALL.n_frames(n_samples))
    generator = torch.Generator().manual_seed(1)
    wanted = torch.complex(*(torch.randn(shape, generator=generator, dtype=torch.float64) for _ in range(2)))
    wanted[:, 0].imag.zero_()
    wanted[:, -1].imag.zero_()
    best = istft(wanted, SMALL, n_samples)
    bins = torch.full((33, 1), 2.0, dtype=torch.float64)
    bins[0] = bins[-1] = 1.0  # what lies between stands for its mirror image too

    def distance(samples: Tensor) -> float:
        difference = stft(samples, SMALL) - wanted
        return float(((difference.real.square() + difference.imag.square()) * bins).sum())

    nearby = [distance(best + 0.01 * noise(1, n_samples, seed, torch.float64)) for seed in range(20)]
    assert distance(best) < min(nearby)


@pytest.mark.parametrize("shape", [(0,), (10,), (1, 2, 10), (2, 0)])
def test_samples_of_a_wrong_shape_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match="must be"):
        stft(torch.zeros(shape), SMALL)


def test_a_spectrum_of_another_length_is_refused() -> None:
    with pytest.raises(ShapeError, match="n_frames=9 must be 10"):
        istft(torch.zeros(1, 33, 9, dtype=torch.complex64), SMALL, 100)


def test_frames_asked_for_alone_equal_those_of_the_whole() -> None:
    samples = noise(2, 333, dtype=torch.float64)
    whole = stft(samples, SMALL).transpose(1, 2)
    n_frames = SMALL.n_frames(333)
    for first in range(n_frames):
        for last in range(first + 1, n_frames + 1):
            torch.testing.assert_close(spectrogram.frames_of(samples, SMALL, first, last), whole[:, first:last])


@pytest.mark.parametrize("block_frames", [1, 3, 7, 1000])
def test_levels_do_not_depend_on_the_block_length(block_frames: int, monkeypatch: pytest.MonkeyPatch) -> None:
    samples = noise(2, 500, dtype=torch.float64)
    weights = torch.from_numpy(spectrogram.band_weights(8, 8000, 64)).double()
    whole = spectrogram.band_levels_db(stft(samples - samples.mean(1, keepdim=True), SMALL), weights)
    monkeypatch.setattr(analysis, "FRAMES_AT_ONCE", block_frames)
    found = analysis.Analysis(SMALL, weights, weights.T, 8000).levels(samples)
    torch.testing.assert_close(found.double(), whole, atol=1e-4, rtol=1e-5)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("n_bands", [32, 64, 256])
def test_band_weights_equal_their_definition(rate: int, n_bands: int) -> None:
    n_fft = resolution_for(rate).n_fft
    if n_bands > n_fft // 2 + 1:
        pytest.skip("more bands than bins")
    weights = spectrogram.band_weights(n_bands, rate, n_fft)
    np.testing.assert_allclose(weights, slow_band_weights(n_bands, rate, n_fft), atol=1e-5)
    np.testing.assert_allclose(weights.sum(1), 1.0, atol=1e-5)
    assert weights.dtype == np.float32 and (weights >= 0).all()


def test_wide_bands_are_librosas_triangles() -> None:
    import librosa

    ours = spectrogram.band_weights(20, 44_100, 2048)
    theirs = librosa.filters.mel(sr=44_100, n_fft=2048, n_mels=20, fmin=20.0, fmax=20_000.0, htk=False, norm=None)
    np.testing.assert_allclose(ours, theirs / theirs.sum(1, keepdims=True), atol=1e-5)


@given(hz=st.floats(0.0, 200_000.0))
def test_mel_and_hz_are_each_others_inverse(hz: float) -> None:
    assert float(spectrogram.hz_from_mel(spectrogram.mel_from_hz(hz))) == pytest.approx(hz, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("n_bands", [0, -1, 34])
def test_more_bands_than_bins_or_none_are_refused(n_bands: int) -> None:
    with pytest.raises(BadParameter, match=f"n_bands={n_bands} must lie from 1 to 33"):
        spectrogram.band_weights(n_bands, 8000, 64)


@pytest.mark.parametrize("rate", [8_000, 44_100, 48_000, 96_000, 192_000])
@pytest.mark.parametrize("n_bands", [32, 64, 256])
def test_spreading_equal_bands_gives_equal_bins_down_to_hearing(rate: int, n_bands: int) -> None:
    n_fft = resolution_for(rate).n_fft
    spread = spectrogram.spread_weights(n_bands, rate, n_fft)
    audible = np.arange(n_fft // 2 + 1) * rate / n_fft >= 20.0
    np.testing.assert_allclose(spread.sum(1), audible, atol=1e-6)
    assert (spread >= 0).all() and spread.shape == (n_fft // 2 + 1, n_bands)


def test_spreading_interpolates_linearly_on_the_mel_scale() -> None:
    spread = spectrogram.spread_weights(64, 44_100, 2048)
    centres = spectrogram.mel_from_hz(spectrogram.band_edges_hz(64, 44_100)[1:-1])
    bins = spectrogram.mel_from_hz(np.arange(1025) * 44_100 / 2048)
    values = np.random.default_rng(0).normal(size=64)
    np.testing.assert_allclose((spread @ values)[1:], np.interp(bins, centres, values)[1:], atol=1e-5)


def test_a_sound_in_opposite_phase_counts_as_much_as_in_phase() -> None:
    left = noise(1, 4000)
    weights = torch.from_numpy(spectrogram.band_weights(16, 8000, 256))
    in_phase, opposite = (stft(torch.cat([left, sign * left]), Resolution(256, 64)) for sign in (1.0, -1.0))
    levels = spectrogram.band_levels_db(in_phase, weights)
    torch.testing.assert_close(spectrogram.band_levels_db(opposite, weights), levels)
    torch.testing.assert_close(spectrogram.band_levels_db(stft(left, Resolution(256, 64)), weights), levels, msg="mono, too")


def test_ten_times_the_amplitude_is_20_db_more() -> None:
    weights = torch.from_numpy(spectrogram.band_weights(16, 8000, 256)).double()
    levels = [
        spectrogram.band_levels_db(stft(noise(1, 4000, dtype=torch.float64) * gain, Resolution(256, 64)), weights)
        for gain in (1, 0.1)
    ]
    middle = slice(3, -3)
    torch.testing.assert_close((levels[0] - levels[1])[:, middle], torch.full_like(levels[0][:, middle], 20.0), atol=1e-4, rtol=0)


def test_levels_of_silence_are_finite_and_so_are_their_gradients() -> None:
    samples = torch.zeros(2, 1000, requires_grad=True)
    weights = torch.from_numpy(spectrogram.band_weights(16, 8000, 64))
    levels = spectrogram.band_levels_db(stft(samples, SMALL), weights)
    levels.sum().backward()  # type: ignore[no-untyped-call]
    assert levels.isfinite().all() and levels.max() <= -100
    assert samples.grad is not None and samples.grad.isfinite().all()


def test_the_transforms_gradients_are_right() -> None:
    samples = noise(2, 37, dtype=torch.float64).requires_grad_()
    tiny = Resolution(16, 4)
    assert torch.autograd.gradcheck(lambda x: torch.view_as_real(stft(x, tiny)), samples)
    spectrum = torch.view_as_real(stft(samples.detach(), tiny)).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: istft(torch.view_as_complex(x), tiny, 37), spectrum)


def test_the_gradients_of_band_levels_are_right() -> None:
    weights = torch.from_numpy(spectrogram.band_weights(4, 8000, 16)).double()
    spectrum = torch.view_as_real(stft(noise(2, 20, dtype=torch.float64), Resolution(16, 4))).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: spectrogram.band_levels_db(torch.view_as_complex(x), weights), spectrum)


def test_spectra_of_some_frames_are_those_of_the_whole_transform() -> None:
    samples, frames = noise(2, 1000), torch.tensor([3, 4, 9, 20, 63])
    whole = stft(samples, SMALL)
    torch.testing.assert_close(spectrogram.spectra_at(samples, SMALL, frames), whole.transpose(1, 2)[:, frames])


# Bands by octaves, and the way back from bands to bins


def test_log_bands_lie_in_equal_parts_of_an_octave() -> None:
    edges = spectrogram.band_edges_hz(40, 44_100, "log")
    ratios = edges[1:] / edges[:-1]
    np.testing.assert_allclose(ratios, ratios[0], rtol=1e-9)
    assert edges[0] == pytest.approx(20.0) and edges[-1] == pytest.approx(20_000.0)


@pytest.mark.parametrize("scale", ["mel", "log"])
@pytest.mark.parametrize("n_bands", [32, 64, 256])
def test_bins_found_from_bands_have_these_bands_again(n_bands: int, scale: str) -> None:
    weights = torch.from_numpy(spectrogram.band_weights(n_bands, 44_100, 2048, scale))
    power = torch.rand(1025, 7, generator=torch.Generator().manual_seed(0)).pow(4) * 10
    wanted = weights @ power
    bins = spectrogram.bins_from_bands(wanted, weights)
    assert (bins >= 0).all() and bins.isfinite().all()
    assert (weights @ bins - wanted).norm() < 0.02 * wanted.norm()


def test_bins_of_no_band_and_of_silence_are_nothing() -> None:
    weights = torch.from_numpy(spectrogram.band_weights(64, 44_100, 2048))
    bins = spectrogram.bins_from_bands(torch.ones(64, 3), weights)
    assert (bins[weights.sum(0) == 0] == 0).all()
    assert torch.count_nonzero(spectrogram.bins_from_bands(torch.zeros(64, 3), weights)) == 0


def test_bins_from_bands_come_near_to_the_least_squares_of_an_independent_solver() -> None:
    from scipy.optimize import nnls

    weights = torch.from_numpy(spectrogram.band_weights(12, 8_000, 128)).double()
    wanted = torch.rand(12, 5, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    bins = spectrogram.bins_from_bands(wanted, weights)
    for frame in range(5):
        _, least = nnls(weights.numpy(), wanted[:, frame].numpy())
        ours = float((weights @ bins[:, frame] - wanted[:, frame]).norm())
        assert ours <= least + 0.1 * float(wanted[:, frame].norm())

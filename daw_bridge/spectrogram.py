"""STFT, mel bands and their inverses in torch, differentiable."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from .errors import BadParameter, ShapeError

WINDOW_SECONDS = 0.046  # 2048 samples at 44.1 kHz: long enough for a bass note, short enough for an attack
OVERLAP = 4  # windows over each sample; Hann windows, used twice, then add up to a constant
LOWEST_BAND_HZ, HIGHEST_BAND_HZ = 20.0, 20_000.0
QUIETEST = 1e-13  # added to power before a logarithm: -130 dB re full scale


@dataclass(frozen=True)
class Resolution:
    """How finely time and frequency are told apart.

    Attributes:
        n_fft: window length in samples, a power of two.
        hop_length: samples from one frame to the next, `n_fft / 4`.
    """

    n_fft: int
    hop_length: int

    def n_frames(self, n_samples: int) -> int:
        """Frames that cover `n_samples`, so that each sample lies under four windows."""
        return -(-n_samples // self.hop_length) + OVERLAP - 1


def resolution_for(sample_rate: int) -> Resolution:
    """The resolution that lasts about 46 ms at any sample rate: 2048/512 at 44.1 and 48 kHz, 4096/1024 at 96 kHz."""
    n_fft = 2 ** round(math.log2(WINDOW_SECONDS * sample_rate))
    return Resolution(max(n_fft, 64), max(n_fft, 64) // OVERLAP)


def hann(n_fft: int, like: Tensor) -> Tensor:
    """Periodic Hann window `(n_fft,)` of the type and device of `like`."""
    return torch.hann_window(n_fft, periodic=True, dtype=like.dtype, device=like.device)


def frames_of(samples: Tensor, resolution: Resolution, first: int, last: int) -> Tensor:
    """Spectra of frames `first` to `last` alone, so that a long recording never lies in memory as a whole spectrogram.

    Args:
        samples: `(C, N)`, real, full scale = ±1.
        resolution: window and hop.
        first, last: frames `first <= t < last <= resolution.n_frames(N)`.

    Returns:
        `(C, last - first, F)`, complex, scaled so that a full-scale sine has magnitude 1 in its bin.
    """
    n_fft, hop = resolution.n_fft, resolution.hop_length
    start = first * hop - (n_fft - hop)
    stop = (last - 1) * hop + hop
    inside = samples[:, max(start, 0) : max(min(stop, samples.shape[1]), 0)]
    padded = torch.nn.functional.pad(inside, (max(-start, 0), stop - start - inside.shape[1] - max(-start, 0)))
    window = hann(n_fft, samples)
    spectra: Tensor = torch.fft.rfft(padded.unfold(-1, n_fft, hop) * window, dim=-1)
    return spectra * (2.0 / window.sum())


def spectra_at(samples: Tensor, resolution: Resolution, frames: Tensor) -> Tensor:
    """Spectra of some frames, whichever.

    Args:
        samples: `(C, N)`, real.
        resolution: window and hop.
        frames: `(T,)`, numbers of frames, rising.

    Returns:
        `(C, T, F)`, complex, as `frames_of` scales them.
    """
    first, last = int(frames[0]), int(frames[-1]) + 1
    return frames_of(samples, resolution, first, last)[:, frames - first]


def overlap_add(spectra: Tensor, resolution: Resolution) -> Tensor:
    """Samples of some frames' spectra, windowed and added up; exact where four windows meet.

    Args:
        spectra: `(C, T, F)`, complex, as `frames_of` scales them.
        resolution: window and hop.

    Returns:
        `(C, (T + 3) * hop_length)`, real; its first sample is the first frame's first.

    Source:
        Griffin and Lim 1984, eq. 6; periodic Hann windows at a quarter's hop make its denominator the constant 3/2.
    """
    n_fft, hop = resolution.n_fft, resolution.hop_length
    frames = torch.fft.irfft(spectra, n=n_fft, dim=-1)
    window = hann(n_fft, frames)
    parts = (frames * (window * (window.sum() / 2.0 / 1.5))).reshape(*frames.shape[:2], OVERLAP, hop)
    n_channels, n_frames = frames.shape[:2]
    added = frames.new_zeros(n_channels, n_frames + OVERLAP - 1, hop)
    for part in range(OVERLAP):
        added[:, part : part + n_frames] += parts[:, :, part]
    samples: Tensor = added.reshape(n_channels, -1)
    return samples


def stft(samples: Tensor, resolution: Resolution) -> Tensor:
    """Short-time Fourier transform, scaled so that a full-scale sine has magnitude 1 in its bin.

    Args:
        samples: `(C, N)`, real, full scale = ±1.
        resolution: window and hop.

    Returns:
        `(C, F, T)`, complex, `F = n_fft / 2 + 1`, `T = resolution.n_frames(N)`. Frame t is centred on sample
        `(t - 1) * hop_length`, and every sample lies under four windows.

    Raises:
        ShapeError: `samples` is not `(C, N)` with N of at least 1.
    """
    if samples.ndim != 2 or samples.shape[1] < 1:
        raise ShapeError(f"samples.shape={tuple(samples.shape)} must be (C, N) with N >= 1", "Use samples[None] for mono.")
    return frames_of(samples, resolution, 0, resolution.n_frames(samples.shape[1])).transpose(1, 2)


def istft(spectrum: Tensor, resolution: Resolution, n_samples: int) -> Tensor:
    """Inverse of `stft`: least squares where the spectrum is no transform of any sound.

    Args:
        spectrum: `(C, F, T)`, complex.
        resolution: as in `stft`.
        n_samples: N of the result; `T` must be `resolution.n_frames(n_samples)`.

    Returns:
        `(C, N)`, real.

    Raises:
        ShapeError: T does not fit N.
    """
    if spectrum.shape[-1] != resolution.n_frames(n_samples):
        wanted = resolution.n_frames(n_samples)
        raise ShapeError(f"n_frames={spectrum.shape[-1]} must be {wanted} for {n_samples} samples", "Use stft's T.")
    lead = resolution.n_fft - resolution.hop_length
    return overlap_add(spectrum.transpose(1, 2), resolution)[:, lead : lead + n_samples]


def mel_from_hz(frequency_hz: np.ndarray | float) -> np.ndarray:
    """Slaney's mel scale: linear below 1 kHz (66.7 Hz a mel), logarithmic above."""
    f = np.asarray(frequency_hz, dtype=np.float64)
    return np.where(f < 1000.0, f * 3.0 / 200.0, 15.0 + np.log(np.maximum(f, 1.0) / 1000.0) * 27.0 / np.log(6.4))


def hz_from_mel(mel: np.ndarray | float) -> np.ndarray:
    """Inverse of `mel_from_hz`."""
    m = np.asarray(mel, dtype=np.float64)
    return np.where(m < 15.0, m * 200.0 / 3.0, 1000.0 * np.exp((np.maximum(m, 15.0) - 15.0) * np.log(6.4) / 27.0))


def band_edges_hz(n_bands: int, sample_rate: int) -> np.ndarray:
    """Lower edge, centres and upper edge of the mel bands, `(n_bands + 2,)` in Hz, up to 20 kHz or the Nyquist frequency."""
    top = min(HIGHEST_BAND_HZ, sample_rate / 2.0)
    return hz_from_mel(np.linspace(mel_from_hz(LOWEST_BAND_HZ), mel_from_hz(top), n_bands + 2))


def band_weights(n_bands: int, sample_rate: int, n_fft: int) -> np.ndarray:
    """Triangles that gather bins into mel bands, each summing to 1.

    Args:
        n_bands: M.
        sample_rate: Hz.
        n_fft: window length in samples.

    Returns:
        `(M, F)`, float32; a triangle narrower than a bin is read between the bins round its centre.

    Raises:
        BadParameter: more bands than bins.
    """
    n_bins = n_fft // 2 + 1
    if not 1 <= n_bands <= n_bins:
        raise BadParameter(f"n_bands={n_bands} must lie from 1 to {n_bins}, the bins of n_fft={n_fft}", "Use fewer bands.")
    edges = band_edges_hz(n_bands, sample_rate) * n_fft / sample_rate
    bins = np.arange(n_bins)
    low, centre, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    low, high = np.minimum(low, centre - 1.0), np.maximum(high, centre + 1.0)
    weights = np.clip(np.minimum((bins - low) / (centre - low), (high - bins) / (high - centre)), 0.0, None)
    normalised: np.ndarray = (weights / weights.sum(1, keepdims=True)).astype(np.float32)
    return normalised


def spread_weights(n_bands: int, sample_rate: int, n_fft: int) -> np.ndarray:
    """Interpolation of band values to bins on the mel scale, `(F, M)`, rows summing to 1; constant above the bands.

    Rows below 20 Hz are 0: what lies below hearing, an offset above all, is nobody's style and stays as it is.
    """
    centres = mel_from_hz(band_edges_hz(n_bands, sample_rate)[1:-1])
    bins = mel_from_hz(np.arange(n_fft // 2 + 1) * sample_rate / n_fft)
    place = np.clip((bins - centres[0]) / (centres[1] - centres[0]), 0.0, n_bands - 1.0)
    weights: np.ndarray = np.clip(1.0 - np.abs(place[:, None] - np.arange(n_bands)[None, :]), 0.0, None)
    weights[bins < mel_from_hz(LOWEST_BAND_HZ)] = 0.0
    return weights.astype(np.float32)


def band_levels_db(spectrum: Tensor, weights: Tensor) -> Tensor:
    """Level of each mel band, over all channels, so that a sound in opposite phase left and right counts in full.

    Args:
        spectrum: `(C, F, T)`, complex, as `stft` scales it.
        weights: `(M, F)` of `band_weights`.

    Returns:
        `(M, T)` in dB: the weighted mean power of the band's bins, a full-scale sine = 0 dB before the mean.
        Finite, with finite gradients, on digital silence.
    """
    power = (spectrum.real.square() + spectrum.imag.square()).mean(0)
    return 10.0 * torch.log10(weights @ power + QUIETEST)


def levels_of(samples: Tensor, resolution: Resolution, weights: Tensor, block_frames: int = 2048) -> Tensor:
    """`band_levels_db` of a whole recording, some frames at a time.

    Args:
        samples: `(C, N)`, real.
        resolution: window and hop.
        weights: `(M, F)`.
        block_frames: frames held as spectra at once.

    Returns:
        `(M, T)` in dB.
    """
    n_frames = resolution.n_frames(samples.shape[1])
    starts = range(0, n_frames, block_frames)
    spectra = (frames_of(samples, resolution, first, min(first + block_frames, n_frames)) for first in starts)
    return torch.cat([band_levels_db(spectrum.transpose(1, 2), weights) for spectrum in spectra], dim=1)


def programme_level_db(levels: Tensor) -> float:
    """Level of all bands together, averaged as power over the frames within 60 dB of the loudest. `levels` is `(M, T)`."""
    power = torch.pow(10.0, levels / 10.0).sum(0)
    return float(10.0 * torch.log10(power[power >= power.max() * 1e-6].mean()))


@dataclass(frozen=True)
class Analysis:
    """How a recording is seen: frames, bands, and the way back from bands to bins.

    Attributes:
        resolution: window and hop.
        bands: `(M, F)` of `band_weights`.
        spread: `(F, M)` of `spread_weights`.
        frames_per_second: of the levels.
    """

    resolution: Resolution
    bands: Tensor
    spread: Tensor
    frames_per_second: float

    def levels(self, samples: Tensor) -> Tensor:
        """Band levels `(M, T)` in dB of `(C, N)` samples, their constant offset left out."""
        return levels_of(samples - samples.mean(1, keepdim=True), self.resolution, self.bands)


def analysis_for(sample_rate: int, n_bands: int, device: torch.device) -> Analysis:
    """The analysis of that many bands at a sample rate in Hz, its matrices on `device`."""
    resolution = resolution_for(sample_rate)
    bands = torch.from_numpy(band_weights(n_bands, sample_rate, resolution.n_fft)).to(device)
    spread = torch.from_numpy(spread_weights(n_bands, sample_rate, resolution.n_fft)).to(device)
    return Analysis(resolution, bands, spread, sample_rate / resolution.hop_length)

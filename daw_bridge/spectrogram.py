"""STFT, mel bands and their inverses in torch, differentiable."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from .errors import BadParameter, ShapeError

WINDOW_SECONDS = 0.046  # 2048 samples at 44.1 kHz: long enough for a bass note, short enough for an attack
OVERLAP = 4  # windows over each sample; Hann windows, used twice, then add up to a constant
LOWEST_BAND_HZ, HIGHEST_BAND_HZ = 20.0, 20_000.0
FRAMES_AT_ONCE = 256  # spectra in memory at once: what is worked on stays in the processor's cache
INVERSE_ITERATIONS = 30
SMALLEST_WEIGHT = 1e-9
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


def frames_of(
    samples: Tensor,
    resolution: Resolution,
    first: int,
    last: int,
    *,
    offset: Tensor | None = None,
    device: torch.device | None = None,
) -> Tensor:
    """Spectra of frames `first` to `last` alone, so that a long recording never lies in memory as a whole spectrogram.

    Args:
        samples: `(C, N)`, real, full scale = ±1; may be a memory map.
        resolution: window and hop.
        first, last: frames `first <= t < last <= resolution.n_frames(N)`.
        offset: `(C, 1)`, taken off the samples; None is 0.
        device: where to compute; None is where the samples are.

    Returns:
        `(C, last - first, F)`, complex, scaled so that a full-scale sine has magnitude 1 in its bin.
    """
    n_fft, hop = resolution.n_fft, resolution.hop_length
    start = first * hop - (n_fft - hop)
    stop = (last - 1) * hop + hop
    inside = samples[:, max(start, 0) : max(min(stop, samples.shape[1]), 0)].to(device or samples.device)
    if offset is not None:
        inside = inside - offset.to(inside)
    padded = functional.pad(inside, (max(-start, 0), stop - start - inside.shape[1] - max(-start, 0)))
    return frames_within(padded, resolution)


def frames_within(samples: Tensor, resolution: Resolution) -> Tensor:
    """Spectra of the frames that lie wholly within `(C, n)` samples, the first at their start; as `frames_of`."""
    window = hann(resolution.n_fft, samples)
    frames = samples.unfold(-1, resolution.n_fft, resolution.hop_length)
    spectra: Tensor = torch.fft.rfft(frames * (window * (2.0 / window.sum())), dim=-1)
    return spectra


def spectra_at(samples: Tensor, resolution: Resolution, frames: Tensor, device: torch.device | None = None) -> Tensor:
    """Spectra of some frames, whichever.

    Args:
        samples: `(C, N)`, real.
        resolution: window and hop.
        frames: `(T,)`, numbers of frames, rising.
        device: as in `frames_of`.

    Returns:
        `(C, T, F)`, complex, as `frames_of` scales them.
    """
    runs = torch.tensor_split(frames, (frames.diff() > FRAMES_AT_ONCE).nonzero()[:, 0].cpu() + 1)  # a long rest is not read
    spans = [(run, int(run[0]), int(run[-1]) + 1) for run in runs]
    parts = [frames_of(samples, resolution, first, last, device=device)[:, run - first] for run, first, last in spans]
    return torch.cat(parts, dim=1)


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


def write_frames(spectra: Iterable[Tensor], resolution: Resolution, out: Tensor) -> None:
    """Turn a recording's spectra back into samples, block after block.

    Args:
        spectra: `(C, t, F)`, complex, of all frames in order.
        resolution: window and hop.
        out: `(C, N)`, may be a memory map; every sample of it is written.
    """
    at, rest = resolution.hop_length - resolution.n_fft, out.new_zeros(out.shape[0], 0)
    for block in spectra:
        added = overlap_add(block, resolution).to(out.device)
        added[:, : rest.shape[1]] += rest
        n_done = block.shape[1] * resolution.hop_length
        _put(added[:, :n_done], out, at)
        at, rest = at + n_done, added[:, n_done:].clone()
    _put(rest, out, at)


def _put(samples: Tensor, out: Tensor, at: int) -> None:
    """Write `(C, n)` samples from `at` on, as far as they lie inside of `out`."""
    first, last = max(at, 0), min(at + samples.shape[1], out.shape[1])
    if first < last:
        out[:, first:last] = samples[:, first - at : last - at]


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


def octaves_from_hz(frequency_hz: np.ndarray | float) -> np.ndarray:
    """Octaves over 1 Hz; below it, 0."""
    return np.log2(np.maximum(np.asarray(frequency_hz, dtype=np.float64), 1.0))


def hz_from_octaves(octaves: np.ndarray | float) -> np.ndarray:
    """Inverse of `octaves_from_hz`."""
    return np.exp2(np.asarray(octaves, dtype=np.float64))


Scale = tuple[Callable[[np.ndarray | float], np.ndarray], Callable[[np.ndarray | float], np.ndarray]]
SCALES: dict[str, Scale] = {"mel": (mel_from_hz, hz_from_mel), "log": (octaves_from_hz, hz_from_octaves)}


def band_edges_hz(n_bands: int, sample_rate: int, scale: str = "mel") -> np.ndarray:
    """Lower edge, centres and upper edge of the bands, `(n_bands + 2,)` in Hz, up to 20 kHz or the Nyquist frequency.

    Args:
        n_bands: M.
        sample_rate: Hz.
        scale: on which they lie evenly: "mel", or "log" for equal parts of an octave.
    """
    from_hz, to_hz = SCALES[scale]
    top = min(HIGHEST_BAND_HZ, sample_rate / 2.0)
    return to_hz(np.linspace(from_hz(LOWEST_BAND_HZ), from_hz(top), n_bands + 2))


def band_weights(n_bands: int, sample_rate: int, n_fft: int, scale: str = "mel") -> np.ndarray:
    """Triangles that gather bins into bands, each summing to 1.

    Args:
        n_bands: M.
        sample_rate: Hz.
        n_fft: window length in samples.
        scale: as in `band_edges_hz`.

    Returns:
        `(M, F)`, float32; a triangle narrower than a bin is read between the bins round its centre.

    Raises:
        BadParameter: more bands than bins.
    """
    n_bins = n_fft // 2 + 1
    if not 1 <= n_bands <= n_bins:
        raise BadParameter(f"n_bands={n_bands} must lie from 1 to {n_bins}, the bins of n_fft={n_fft}", "Use fewer bands.")
    edges = band_edges_hz(n_bands, sample_rate, scale) * n_fft / sample_rate
    bins = np.arange(n_bins)
    low, centre, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    low, high = np.minimum(low, centre - 1.0), np.maximum(high, centre + 1.0)
    weights = np.clip(np.minimum((bins - low) / (centre - low), (high - bins) / (high - centre)), 0.0, None)
    normalised: np.ndarray = (weights / weights.sum(1, keepdims=True)).astype(np.float32)
    return normalised


def spread_weights(n_bands: int, sample_rate: int, n_fft: int, scale: str = "mel") -> np.ndarray:
    """Interpolation of band values to bins on the bands' scale, `(F, M)`, rows summing to 1; constant above the bands.

    Rows below 20 Hz are 0: what lies below hearing, an offset above all, is nobody's style and stays as it is.
    """
    from_hz, _ = SCALES[scale]
    centres = from_hz(band_edges_hz(n_bands, sample_rate, scale)[1:-1])
    bins = from_hz(np.arange(n_fft // 2 + 1) * sample_rate / n_fft)
    place = np.clip((bins - centres[0]) / (centres[1] - centres[0]), 0.0, n_bands - 1.0)
    weights: np.ndarray = np.clip(1.0 - np.abs(place[:, None] - np.arange(n_bands)[None, :]), 0.0, None)
    weights[bins < from_hz(LOWEST_BAND_HZ)] = 0.0
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


def bins_from_bands(power: Tensor, weights: Tensor) -> Tensor:
    """Power of bins whose bands have the wanted power: the inverse of gathering bins into bands.

    Bands are fewer than bins, so there are many; this finds one that is nowhere negative and even within a band, exact
    where one exists, and near to the least squares where none does.

    Args:
        power: `(M, T)`, of the bands, at least 0.
        weights: `(M, F)` of `band_weights`.

    Returns:
        `(F, T)`; 0 in bins that no band reaches.

    Source:
        Lee and Seung 2001, multiplicative updates for non-negative least squares with the factors swapped.
    """
    reached = weights.sum(0)
    bins = torch.where(reached > 0, 1.0 / reached.clamp_min(SMALLEST_WEIGHT), 0.0)[:, None] * (weights.T @ power)
    for _ in range(INVERSE_ITERATIONS):
        bins = bins * (weights.T @ power) / (weights.T @ (weights @ bins)).clamp_min(SMALLEST_WEIGHT**3)
    return bins

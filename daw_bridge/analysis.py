"""How a recording is seen: its frames, its band levels, and the level of the whole; some frames at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from .scratch import Scratch
from .spectrogram import FRAMES_AT_ONCE, Resolution, band_levels_db, band_weights, frames_of, resolution_for, spread_weights

LEVELS_AT_ONCE = 4096  # frames of levels
SAMPLES_AT_ONCE = 1 << 18

OnShare = Callable[[float], None]  # told of the share that is done, from 0 to 1


def frame_spans(n_frames: int, size: int) -> Iterator[tuple[int, int]]:
    """First frame and end of each part, in order."""
    for first in range(0, n_frames, size):
        yield first, min(first + size, n_frames)


def channel_means(samples: Tensor) -> Tensor:
    """The constant offset of each channel of `(C, N)`, `(C, 1)`, added up in double precision."""
    total = torch.zeros(samples.shape[0], 1, dtype=torch.float64)
    for part in torch.split(samples, SAMPLES_AT_ONCE, dim=1):
        total += part.sum(1, keepdim=True, dtype=torch.float64)
    return (total / samples.shape[1]).to(samples.dtype)


def frame_power(levels: Tensor) -> Tensor:
    """Power of each frame of `(M, T)` levels in dB, all bands together, `(T,)`; 1 is full scale."""
    power = levels.new_empty(levels.shape[1])  # written to part by part: small results kept between large ones split memory up
    for first, last in frame_spans(levels.shape[1], LEVELS_AT_ONCE):
        power[first:last] = torch.pow(10.0, levels[:, first:last] / 10.0).sum(0)
    return power


def programme_of(power: Tensor) -> float:
    """Level in dB of frames' power `(T,)`, averaged over those within 60 dB of the loudest."""
    return float(10.0 * torch.log10(power[power >= power.max() * 1e-6].mean()))


def programme_level_db(levels: Tensor) -> float:
    """Level of all bands of `(M, T)` levels together, averaged as power over the frames within 60 dB of the loudest."""
    return programme_of(frame_power(levels))


@dataclass(frozen=True)
class Analysis:
    """How a recording is seen: frames, bands, and the way back from bands to bins.

    Attributes:
        resolution: window and hop.
        bands: `(M, F)` of `band_weights`.
        spread: `(F, M)` of `spread_weights`.
        sample_rate: Hz.
        scale: of the bands, as in `band_edges_hz`.
    """

    resolution: Resolution
    bands: Tensor
    spread: Tensor
    sample_rate: int
    scale: str = "mel"

    @property
    def frames_per_second(self) -> float:
        """Of the levels."""
        return self.sample_rate / self.resolution.hop_length

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return self.bands.device

    def n_frames(self, samples: Tensor) -> int:
        """T of `(C, N)` samples."""
        return self.resolution.n_frames(samples.shape[1])

    def level_blocks(self, samples: Tensor) -> Iterator[tuple[slice, Tensor]]:
        """Band levels of `(C, N)` samples as `levels` gives them, some frames at a time: which frames, `(M, t)`."""
        offset = channel_means(samples)
        for first, last in frame_spans(self.n_frames(samples), FRAMES_AT_ONCE):
            spectra = frames_of(samples, self.resolution, first, last, offset=offset, device=self.device)
            yield slice(first, last), band_levels_db(spectra.transpose(1, 2), self.bands)

    def levels(self, samples: Tensor, scratch: Scratch = Scratch(), on_share: OnShare | None = None) -> Tensor:
        """Band levels of a recording.

        Args:
            samples: `(C, N)`, real; their constant offset is left out.
            scratch: makes room for the result.
            on_share: told of the share that is done after each block.

        Returns:
            `(M, T)` in dB, on the CPU.
        """
        levels = torch.from_numpy(scratch.empty((self.bands.shape[0], self.n_frames(samples))))
        for part, block in self.level_blocks(samples):
            levels[:, part] = block
            if on_share:
                on_share(part.stop / levels.shape[1])
        return levels


def analysis_for(sample_rate: int, n_bands: int, device: torch.device, scale: str = "mel") -> Analysis:
    """The analysis of that many bands on a scale of `band_edges_hz`, at a sample rate in Hz, its matrices on `device`."""
    resolution = resolution_for(sample_rate)
    bands = torch.from_numpy(band_weights(n_bands, sample_rate, resolution.n_fft, scale)).to(device)
    spread = torch.from_numpy(spread_weights(n_bands, sample_rate, resolution.n_fft, scale)).to(device)
    return Analysis(resolution, bands, spread, sample_rate, scale)

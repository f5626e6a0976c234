"""What is known of a recording's bands over time: all that the starts, the guard and the exciter want of a style."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields

import torch
from torch import Tensor
from torch.nn import functional

N_QUANTILES = 64
QUIET_SHARE = 0.03
SMOOTHING_FRAMES = 5
STEADY_DB = 1.0
VALUES_AT_ONCE = 1 << 18


@dataclass(frozen=True)
class BandStatistics:
    """Statistics of each band of a recording over the frames in which it sounds, in dB relative to the programme.

    Attributes:
        mean, deviation: `(M, 1)`.
        power_db: `(M, 1)`, the level of the mean power.
        quiet_db: `(M, 1)`, the 3rd percentile of smoothed levels.
        quantiles: `(M, 64)`, rising.
        rhythm: `(M, L)` of `autocorrelation`; L is 0 where nobody asks for it.
    """

    mean: Tensor
    deviation: Tensor
    power_db: Tensor
    quiet_db: Tensor
    quantiles: Tensor
    rhythm: Tensor

    def rows(self, part: slice) -> BandStatistics:
        """Those of some bands."""
        return BandStatistics(**{field.name: getattr(self, field.name)[part] for field in fields(self)})

    def on(self, device: torch.device) -> BandStatistics:
        """These on a device."""
        return BandStatistics(**{field.name: getattr(self, field.name).to(device) for field in fields(self)})

    def overall(self) -> tuple[float, float]:
        """Mean and deviation over all bands and frames together."""
        mean = float(self.mean.mean())
        return mean, float(((self.mean - mean).square() + self.deviation.square()).mean().sqrt())


def statistics_of(levels: Tensor, n_lags: int = 0) -> BandStatistics:
    """Statistics of `(M, S)` levels, their rhythm up to so many frames."""
    return BandStatistics(
        mean=levels.mean(1, keepdim=True),
        deviation=levels.std(1, keepdim=True, correction=0),
        power_db=power_db(levels),
        quiet_db=low_end(smoothed(levels), QUIET_SHARE),
        quantiles=quantiles(levels),
        rhythm=autocorrelation(levels, min(n_lags, levels.shape[1] // 2)),
    )


def band_statistics(n_bands: int, n_frames: int, bands: Callable[[slice], Tensor], n_lags: int = 0) -> BandStatistics:
    """Statistics of a recording of any length, some bands at a time.

    Args:
        n_bands, n_frames: M and S.
        bands: gives the `(m, S)` levels of some bands.
        n_lags: up to how many frames their rhythm is wanted.
    """
    parts = [statistics_of(bands(part), n_lags) for part in band_parts(n_bands, n_frames)]
    names = [field.name for field in fields(BandStatistics)]
    return BandStatistics(**{name: torch.cat([getattr(part, name) for part in parts]) for name in names})


def band_parts(n_bands: int, n_frames: int) -> Iterator[slice]:
    """Cut bands into parts that lie in memory with all of their frames; what is taken band by band loses nothing by it."""
    size = max(1, VALUES_AT_ONCE // max(n_frames, 1))
    for first in range(0, n_bands, size):
        yield slice(first, min(first + size, n_bands))


def power_db(levels: Tensor) -> Tensor:
    """Level of the mean power of `(M, T)` levels in dB, `(M, 1)`."""
    return 10.0 * torch.log10(torch.pow(10.0, levels / 10.0).mean(1, keepdim=True))


def quantiles(levels: Tensor) -> Tensor:
    """64 evenly spaced quantiles of each band, `(M, 64)`, from the quietest to the loudest of `(M, T)`."""
    ordered = levels.sort(dim=1).values
    place = torch.linspace(0, levels.shape[1] - 1, N_QUANTILES, device=levels.device)
    low = place.floor().long()
    high = place.ceil().long()
    return torch.lerp(ordered[:, low], ordered[:, high], (place - low).to(ordered))


def smoothed(levels: Tensor) -> Tensor:
    """Levels `(M, T)` in dB of the mean power of five frames round each."""
    power = torch.pow(10.0, levels / 10.0)[None]
    half = SMOOTHING_FRAMES // 2
    mean = functional.avg_pool1d(functional.pad(power, (half, half), mode="replicate"), SMOOTHING_FRAMES, 1)
    return 10.0 * torch.log10(mean[0])


def low_end(values: Tensor, share: float) -> Tensor:
    """The quantile `share` of the last axis, which is kept with length 1."""
    rank = 1 + round(share * (values.shape[-1] - 1))
    return values.kthvalue(rank, dim=-1, keepdim=True).values


def autocorrelation(levels: Tensor, n_lags: int) -> Tensor:
    """How like itself each band is some frames later.

    Args:
        levels: `(M, T)` in dB.
        n_lags: L, less than T.

    Returns:
        `(M, L)` for lags of 1 to L frames, about -1 to 1; near 0 for a band that hardly moves, whose 1 dB of noise has no
        rhythm.
    """
    n_frames = levels.shape[1]
    around = levels - levels.mean(1, keepdim=True)
    spectrum = torch.fft.rfft(around, n=2 * n_frames, dim=1)
    products = torch.fft.irfft(spectrum.real.square() + spectrum.imag.square(), n=2 * n_frames, dim=1)
    per_frame = products[:, : n_lags + 1] / (n_frames - torch.arange(n_lags + 1).to(levels))
    correlation: Tensor = per_frame[:, 1:] / (per_frame[:, :1] + STEADY_DB**2)
    return correlation

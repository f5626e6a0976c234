"""Sound in memory, and the format it came in."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .errors import NotFinite, ShapeError

Samples = NDArray[np.floating]
CHECKED_AT_ONCE = 1 << 20  # samples: long audio lies in memory maps, and a check is not to fill memory


@dataclass(frozen=True)
class Audio:
    """Samples with their rate and the file format to write them back in.

    Attributes:
        samples: `(C, N)`, float32 (float64 where the file holds more than 24 bits), full scale = ±1.
        sample_rate: Hz.
        container: libsndfile's name of the file format, "WAV" or "FLAC".
        subtype: libsndfile's name of the sample format, "PCM_16", "PCM_24", "FLOAT", ….

    Raises:
        ShapeError: `samples` is not two-dimensional or has no channel.
        NotFinite: a sample is NaN or infinite.
    """

    samples: Samples
    sample_rate: int
    container: str = "WAV"
    subtype: str = "FLOAT"

    def __post_init__(self) -> None:
        if self.samples.ndim != 2 or self.samples.shape[0] < 1:
            raise ShapeError(f"samples.shape={self.samples.shape} must be (C, N), C >= 1", "Use samples[None] for mono.")
        bad = sum(_n_bad(self.samples[:, n : n + CHECKED_AT_ONCE]) for n in range(0, self.n_samples, CHECKED_AT_ONCE))
        if bad:
            raise NotFinite(f"{bad} samples are NaN or infinite", "Export the recording again.")

    @property
    def n_channels(self) -> int:
        return int(self.samples.shape[0])

    @property
    def n_samples(self) -> int:
        return int(self.samples.shape[1])

    @property
    def length_seconds(self) -> float:
        return self.n_samples / self.sample_rate

    def with_samples(self, samples: Samples) -> Audio:
        """The same format around other samples `(C, N)`."""
        return replace(self, samples=samples)


def _n_bad(samples: Samples) -> int:
    return int(samples.size - np.count_nonzero(np.isfinite(samples)))

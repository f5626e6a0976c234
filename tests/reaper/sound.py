"""How simulated items sound, in numbers simple enough to check."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

Array = np.ndarray[Any, np.dtype[np.float64]]


@functools.lru_cache(maxsize=4)
def _read(path: str, _: int) -> tuple[Array, int]:
    samples, rate = soundfile.read(path, always_2d=True)
    return samples, int(rate)


def played(spec: Any, rate: int, n_channels: int, start_seconds: float, n_samples: int) -> Array:
    """What an item plays from a time after its start; samples (N, C), the nearest one of the file each."""
    samples, file_rate = _read(spec.path, Path(spec.path).stat().st_mtime_ns)
    samples = samples[::-1] if spec.is_reversed else samples
    seconds = start_seconds + np.arange(n_samples) / rate
    index = np.rint((spec.offset + seconds * spec.play_rate) * file_rate).astype(int)
    is_heard = (seconds >= 0) & (seconds < spec.length - 1e-9) & (index >= 0)
    index = index % len(samples) if spec.is_looped else index
    is_heard &= index < len(samples)
    out = samples[np.clip(index, 0, len(samples) - 1)] * is_heard[:, None]
    return np.asarray(np.pad(out, ((0, 0), (0, max(0, n_channels - out.shape[1]))), mode="edge")[:, :n_channels])


def render(path: str, rate: float, n_channels: float, start: float, stop: float, parts: Any) -> None:
    """REAPER's render of some items over a part of the project, as 32-bit floats; rate 0 means 48 kHz here."""
    rate = int(rate) or 48_000
    n_samples = round((stop - start) * rate)
    mix = np.zeros((n_samples, int(n_channels)))
    for spec in parts.values():
        mix += spec.gain * played(spec, rate, int(n_channels), start - spec.position, n_samples)
    soundfile.write(Path(path), mix, rate, subtype="FLOAT")

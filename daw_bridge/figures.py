"""A picture of what was done: content, remix and style side by side on one scale."""

from __future__ import annotations

import math
import os
import uuid
import warnings
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from . import disk
from .audio import Audio
from .errors import BadArguments

LOWEST_HZ, HIGHEST_HZ = 40.0, 20_000.0
N_MELS = 160
MAX_FRAMES = 900
WINDOW_SECONDS = 0.06
RANGE_DB = 80.0
TICKS_HZ = (100, 300, 600, 1000, 2000, 4000, 8000, 16_000)
SIZE_INCHES, DOTS_PER_INCH = (16.0, 5.4), 100
MAX_TITLE = 42
Picture = NDArray[np.float64]


def triptych(
    content: Audio, remix: Audio, style: Audio, path: Path, titles: Sequence[str] = ("Content", "Remix", "Style")
) -> None:
    """Draw three mel spectrograms side by side: one Hz axis, one dB scale, each with its own time.

    Args:
        content, remix, style: recordings of any rate and length.
        path: the PNG file, replaced where it exists.
        titles: one for each.

    Raises:
        BadArguments: not three titles.
        DiskFull, ForbiddenPath: the file cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    if len(titles) != 3:
        raise BadArguments(f"titles={list(titles)!r} must be three", "Name content, remix and style.")
    highest_hz = min(HIGHEST_HZ, max(audio.sample_rate / 2 for audio in (content, remix, style)))
    pictures = [mel_picture(audio, highest_hz) for audio in (content, remix, style)]
    top_db = 5 * math.ceil(max(float(picture.max()) for picture in pictures) / 5)
    figure = Figure(figsize=SIZE_INCHES, dpi=DOTS_PER_INCH, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(1, 3, sharey=True)
    for axis, audio, picture, title in zip(axes, (content, remix, style), pictures, titles, strict=True):
        extent = (0.0, max(audio.length_seconds, 1e-3), 0.0, 1.0)
        scale = {"vmin": top_db - RANGE_DB, "vmax": top_db, "cmap": "viridis"}
        image = axis.imshow(picture, origin="lower", aspect="auto", extent=extent, interpolation="nearest", **scale)
        axis.set_title(title if len(title) <= MAX_TITLE else title[: MAX_TITLE - 1] + "…", parse_math=False, fontsize=13)
        axis.set_xlabel("Time (s)", fontsize=12)
        axis.xaxis.set_major_locator(MaxNLocator(6))
        axis.xaxis.set_major_formatter("{x:g}")
        axis.tick_params(labelsize=11)
    ticks = [hz for hz in TICKS_HZ if LOWEST_HZ <= hz <= highest_hz]
    low, high = _mel(LOWEST_HZ), _mel(highest_hz)
    axes[0].set_yticks([(_mel(hz) - low) / (high - low) for hz in ticks], [f"{hz:,}".replace(",", " ") for hz in ticks])
    axes[0].set_ylabel("Frequency (Hz, mel scale)", fontsize=12)
    bar = figure.colorbar(image, ax=list(axes), pad=0.01, aspect=30)
    bar.set_label("Level (dB, 0 = full-scale sine)", fontsize=12)
    bar.ax.tick_params(labelsize=11)
    buffer = BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")  # a box in a title is no reason to stop
        figure.savefig(buffer, format="png", metadata={"Software": None})
    _write(path, buffer.getvalue())


def mel_picture(audio: Audio, highest_hz: float) -> Picture:
    """Levels of mel bands over time.

    Args:
        audio: the channels' powers are averaged, so that nothing cancels.
        highest_hz: upper end of the bands; above the recording's own range lies silence.

    Returns:
        `(M, T)` in dB, 0 = a sine at full scale; T at most 900, each column the strongest of the frames that it covers.
    """
    rate = audio.sample_rate
    n_fft = 2 ** round(math.log2(WINDOW_SECONDS * rate))
    n_frames = 1 + audio.n_samples // (n_fft // 4)
    pool = max(1, math.ceil(n_frames / MAX_FRAMES))
    window = np.hanning(n_fft + 1)[:-1].astype(np.float32)
    bands = _bands(rate, n_fft, highest_hz)
    columns = []
    for first in range(0, n_frames, 512 * pool):
        n_here = min(512 * pool, n_frames - first)
        power = sum(_power(channel, first, n_here, window) for channel in audio.samples) @ bands.T / audio.n_channels
        columns.append(np.maximum.reduceat(power, np.arange(0, n_here, pool), axis=0))
    power = np.concatenate(columns).T * (2 / window.sum()) ** 2
    return np.asarray(10 * np.log10(np.maximum(power, 1e-14)), dtype=np.float64)


def _power(channel: NDArray[np.floating], first: int, n_frames: int, window: NDArray[np.float32]) -> NDArray[np.float32]:
    """(frames, bins); frame t is centred on sample t·hop."""
    n_fft, hop = len(window), len(window) // 4
    start = first * hop - n_fft // 2
    stop = start + (n_frames - 1) * hop + n_fft
    part = channel[max(start, 0) : max(min(stop, len(channel)), 0)].astype(np.float32)
    padded = np.pad(part, (max(-start, 0), stop - max(start, 0) - len(part)))
    spectrum = np.fft.rfft(sliding_window_view(padded, n_fft)[::hop] * window, axis=1)
    return np.asarray(spectrum.real**2 + spectrum.imag**2, dtype=np.float32)


def _mel(frequency_hz: float) -> float:
    """O'Shaughnessy's formula."""
    return 2595 * math.log10(1 + frequency_hz / 700)


def _bands(rate: int, n_fft: int, highest_hz: float) -> NDArray[np.float32]:
    """`(M, bins)`: triangles of height one; one narrower than a bin reads between the two nearest."""
    edges = 700 * (10 ** (np.linspace(_mel(LOWEST_HZ), _mel(highest_hz), N_MELS + 2) / 2595) - 1)
    bins_hz = np.arange(n_fft // 2 + 1) * rate / n_fft
    half_width = np.maximum(np.stack([edges[1:-1] - edges[:-2], edges[2:] - edges[1:-1]]), rate / n_fft)
    offset = bins_hz[None, :] - edges[1:-1, None]
    triangles = np.maximum(1 - np.where(offset < 0, -offset / half_width[0][:, None], offset / half_width[1][:, None]), 0)
    return np.asarray(triangles * (edges[1:-1, None] < rate / 2), dtype=np.float32)


def _write(path: Path, data: bytes) -> None:
    staged = path.with_name(f".daw-bridge-{uuid.uuid4().hex[:8]}.png")
    with disk.writing(staged) as file:
        file.write(data)
    try:
        with disk.reported(path):
            os.replace(staged, path)
    finally:
        disk.remove(staged)

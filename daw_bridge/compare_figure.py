"""The picture that `compare` leaves: both recordings, what changed, how loud, and how the render's losses fell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from . import figures
from .audio import Audio
from .mel_picture import height, mel_picture
from .switching import Pair

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SIZE_INCHES = (16.0, 12.0)
DIFFERENCE_RANGE_DB = 24.0
QUIETEST_LUFS = -60.0  # of the loudness curves; what is quieter is silence to the ear
SHORT_TERM_SECONDS, CURVE_STEP_SECONDS = 3.0, 0.1


@dataclass(frozen=True)
class Shown:
    """What there is to see.

    Attributes:
        pair: content and remix, in step and equally loud.
        others: the style, or nothing.
        names: of the files, in that order.
        loudness: short-term loudness of content and remix as they are, every 0.1 s; empty where it cannot be measured.
        losses: by name, each by step; empty without a recipe.
    """

    pair: Pair
    others: Sequence[Audio]
    names: Sequence[str]
    loudness: Sequence[NDArray[np.float64]]
    losses: Mapping[str, Sequence[float]]


def draw(shown: Shown, path: Path) -> None:
    """Draw it as PNG.

    Raises:
        DiskFull, ForbiddenPath: the file cannot be written.
    """
    recordings = [shown.pair.content, shown.pair.remix, *shown.others]
    highest_hz = figures.highest_of(recordings)
    pictures = [mel_picture(audio, highest_hz) for audio in recordings]
    scale = figures.level_scale(pictures)
    figure = figures.new_figure(SIZE_INCHES)
    top, middle, bottom = figures.rows_of(figure, (1.15, 1.0, 0.85))
    axes = list(top.subplots(1, len(recordings), sharey=True, squeeze=False)[0])
    titles = [f"{role}: {name}" for role, name in zip(("Content", "Remix", "Style"), shown.names, strict=False)]
    for axis, audio, picture, title in zip(axes, recordings, pictures, titles, strict=True):
        image = figures.draw(axis, picture, audio.length_seconds, title, scale)
    figures.label_frequency(axes[0], lambda hz: height(hz, highest_hz), highest_hz)
    figures.label_colours(top, image, axes, "Level (dBFS)")

    axis = middle.subplots()
    content, remix = (np.maximum(picture, scale["vmin"]) for picture in pictures[:2])  # under it there is nothing to hear
    colours: dict[str, Any] = {"vmin": -DIFFERENCE_RANGE_DB, "vmax": DIFFERENCE_RANGE_DB, "cmap": figures.DIFFERENCE_COLOURS}
    seconds = shown.pair.remix.length_seconds
    image = figures.draw(axis, remix - content, seconds, "Remix less content, equally loud", colours)
    figures.label_frequency(axis, lambda hz: height(hz, highest_hz), highest_hz)
    figures.label_colours(middle, image, [axis], "Difference (dB)", extend="both")

    axes = list(bottom.subplots(1, 2 if shown.losses else 1, squeeze=False)[0])
    _draw_loudness(axes[0], shown.loudness, seconds)
    if shown.losses:
        figures.draw_losses(axes[1], shown.losses, "Losses of the render")
    figures.save(figure, path)


def _draw_loudness(axis: Axes, curves: Sequence[NDArray[np.float64]], length_seconds: float) -> None:
    looks = (("content", figures.CONTENT_INK, "-"), ("remix", figures.REMIX_INK, "--"))
    for curve, (name, ink, dash) in zip(curves, looks, strict=False):
        seconds = min(SHORT_TERM_SECONDS, length_seconds) + CURVE_STEP_SECONDS * np.arange(len(curve))
        axis.plot(seconds, np.maximum(curve, QUIETEST_LUFS), dash, color=ink, label=name, linewidth=2)
    figures.label(axis, "Loudness as published, last 3 s", "Time (s)", "Loudness (LUFS)")
    axis.set_xlim(0, max(length_seconds, 1e-3))
    axis.grid(alpha=0.3)
    if curves:
        axis.legend(fontsize=figures.TICK_POINTS)

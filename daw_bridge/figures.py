"""Pictures of sound as PNG: how they look, and the three side by side that show what a remix did."""

from __future__ import annotations

import math
import os
import uuid
import warnings
from collections.abc import Callable, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import disk
from .audio import Audio
from .errors import BadArguments
from .mel_picture import HIGHEST_HZ, LOWEST_HZ, Picture, height, mel_picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, FigureBase, SubFigure
    from matplotlib.image import AxesImage

RANGE_DB = 80.0
TICKS_HZ = (100, 300, 600, 1000, 2000, 4000, 8000, 16_000)
SIZE_INCHES, DOTS_PER_INCH = (16.0, 5.4), 100
MAX_TITLE = 42
FAR_APART = 10.0  # the largest loss over the smallest, from where on a straight scale shows one of them only
TITLE_POINTS, LABEL_POINTS, TICK_POINTS = 13, 12, 11
LEVEL_COLOURS = "viridis"  # evenly lighter with level: reads in grey print and by the colour-blind
DIFFERENCE_COLOURS = "PuOr_r"  # purple lower, orange higher, pale where equal: told apart by the colour-blind
CONTENT_INK, REMIX_INK, STYLE_INK = "#0072b2", "#d55e00", "#009e73"  # of Okabe and Ito, told apart by the colour-blind


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
    if len(titles) != 3:
        raise BadArguments(f"titles={list(titles)!r} must be three", "Name content, remix and style.")
    recordings = (content, remix, style)
    highest_hz = highest_of(recordings)
    pictures = [mel_picture(audio, highest_hz) for audio in recordings]
    figure = new_figure(SIZE_INCHES)
    axes = figure.subplots(1, 3, sharey=True)
    scale = level_scale(pictures)
    for axis, audio, picture, title in zip(axes, recordings, pictures, titles, strict=True):
        image = draw(axis, picture, audio.length_seconds, title, scale)
    label_frequency(axes[0], lambda hz: height(hz, highest_hz), highest_hz)
    label_colours(figure, image, list(axes), "Level (dB, 0 = full-scale sine)")
    save(figure, path)


def highest_of(recordings: Sequence[Audio]) -> float:
    """The upper end in Hz of a picture that shows several recordings on one scale."""
    return min(HIGHEST_HZ, max(audio.sample_rate / 2 for audio in recordings))


def new_figure(size_inches: tuple[float, float]) -> Figure:
    """An empty figure that belongs to no window."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=size_inches, dpi=DOTS_PER_INCH, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def rows_of(figure: Figure, heights: Sequence[float]) -> list[SubFigure]:
    """Rows one below the other, each with axes of its own."""
    rows: Any = figure.subfigures(len(heights), 1, height_ratios=heights, squeeze=False)
    return list(rows[:, 0])


def level_scale(pictures: Sequence[Picture], range_db: float = RANGE_DB) -> dict[str, Any]:
    """One colour scale for several pictures of levels in dB: as far down from the loudest as `range_db`."""
    top_db = 5 * math.ceil(max(float(picture.max()) for picture in pictures) / 5)
    return {"vmin": top_db - range_db, "vmax": top_db, "cmap": LEVEL_COLOURS}


def draw(axis: Axes, picture: Picture, length_seconds: float, title: str, scale: dict[str, Any]) -> AxesImage:
    """Draw a picture `(M, T)` over its seconds, low bands at the bottom; the axis goes from 0 to 1."""
    extent = (0.0, max(length_seconds, 1e-3), 0.0, 1.0)
    image = axis.imshow(picture, origin="lower", aspect="auto", extent=extent, interpolation="nearest", **scale)
    label(axis, title, "Time (s)")
    return image


def label(axis: Axes, title: str, along: str, up: str = "") -> None:
    """Title and axis labels as all our pictures have them."""
    from matplotlib.ticker import MaxNLocator

    axis.set_title(title if len(title) <= MAX_TITLE else title[: MAX_TITLE - 1] + "…", parse_math=False, fontsize=TITLE_POINTS)
    axis.set_xlabel(along, fontsize=LABEL_POINTS)
    if up:
        axis.set_ylabel(up, fontsize=LABEL_POINTS)
    axis.xaxis.set_major_locator(MaxNLocator(6))
    axis.xaxis.set_major_formatter("{x:g}")
    axis.tick_params(labelsize=TICK_POINTS)


def label_frequency(axis: Axes, height_of: Callable[[float], float], highest_hz: float, scale: str = "mel") -> None:
    """Frequencies beside a picture whose axis goes from 0 to 1, where `height_of` says."""
    ticks = [hz for hz in TICKS_HZ if LOWEST_HZ <= hz <= highest_hz]
    axis.set_yticks([height_of(hz) for hz in ticks], [f"{hz:,}".replace(",", " ") for hz in ticks])
    axis.set_ylabel(f"Frequency (Hz, {scale} scale)", fontsize=LABEL_POINTS)


def label_colours(figure: FigureBase, image: AxesImage, axes: list[Axes], text: str, *, extend: str = "neither") -> None:
    """A bar that says what the colours of some pictures mean; `extend="both"` shows that values go on beyond it."""
    bar = figure.colorbar(image, ax=axes, pad=0.01, aspect=30, extend=extend)
    bar.set_label(text, fontsize=LABEL_POINTS)
    bar.ax.tick_params(labelsize=TICK_POINTS)


def draw_losses(axis: Axes, losses: Mapping[str, Sequence[float]], title: str) -> None:
    """Draw curves of losses by step, on a scale of powers of ten where they span more than one.

    Args:
        axis: to draw on.
        losses: by name, "content" and "style" in their own inks.
        title: of the whole.
    """
    inks = {"content": (CONTENT_INK, "-"), "style": (STYLE_INK, "--")}
    for name, curve in losses.items():
        ink, dash = inks.get(name, (None, "-"))
        axis.plot(range(1, len(curve) + 1), curve, dash, color=ink, label=name, linewidth=2)
    scale_losses(axis, [value for curve in losses.values() for value in curve])
    label(axis, title, "Step", "Loss (1 = as far as silence)")
    axis.grid(alpha=0.3)
    axis.legend(fontsize=TICK_POINTS)


def scale_losses(axis: Axes, values: Sequence[float]) -> None:
    """Let an axis go by powers of ten where losses span more than one."""
    from matplotlib.ticker import LogLocator

    positive = [value for value in values if value > 0]
    span = max(positive, default=1.0) / min(positive, default=1.0)
    if span < FAR_APART:
        return
    axis.set_yscale("log")
    axis.yaxis.set_minor_locator(LogLocator(subs=(2, 5) if span < FAR_APART**3 else (1,)))
    axis.yaxis.set_major_formatter("{x:g}")
    axis.yaxis.set_minor_formatter("{x:g}")


def save(figure: Figure, path: Path) -> None:
    """Write a figure as PNG, whole or not at all; the same figure gives the same bytes.

    Raises:
        DiskFull, ForbiddenPath: the file cannot be written.
    """
    buffer = BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")  # a box in a title is no reason to stop
        figure.savefig(buffer, format="png", metadata={"Software": None})
    staged = path.with_name(f".daw-bridge-{uuid.uuid4().hex[:8]}.png")
    with disk.writing(staged) as file:
        file.write(buffer.getvalue())
    try:
        with disk.reported(path):
            os.replace(staged, path)
    finally:
        disk.remove(staged)

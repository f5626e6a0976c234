"""The pictures that the `study` commands leave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from . import figures
from .audio import Audio
from .experiment import Heard
from .mel_picture import centres_hz, height, mel_picture
from .spectrogram import band_edges_hz

RANGE_DB = 70.0
SPECTRUM_RANGE_DB = 90.0
NOTE_POINTS = 10


def layers(rows: Sequence[Mapping[str, Any]], steps: int, notes: Sequence[str], path: Path) -> None:
    """Loss by candidate: content layers on the left, style layers and runs of them on the right."""
    figure = figures.new_figure((16.0, 6.6))
    left, right = figure.subplots(1, 2)
    content = [row for row in rows if row["role"] == "content"]
    names = [row["layers"] for row in content]
    values = [row["content_loss"] for row in content]
    left.plot(names, values, "o-", color=figures.CONTENT_INK, linewidth=2, markersize=8, label="that layer's content loss")
    least = values.index(min(values))
    where: Any = {"xytext": (0, -18), "textcoords": "offset points", "ha": "center"}
    left.annotate("least", (least, values[least]), **where, fontsize=figures.TICK_POINTS)
    figures.label(left, f"Content layer: loss after {steps} iterations", "Layer", "Loss (1 = as far as silence)")
    style = [row for row in rows if row["role"] == "style"]
    single = [row for row in style if row["n_layers"] == 1]
    runs = [single[0], *(row for row in style if row["n_layers"] > 1)]
    looks: list[tuple[Sequence[Mapping[str, Any]], str, str, str, str]] = [
        (single, "style_loss", "o:", figures.STYLE_INK, "that layer alone, as it hears itself"),
        (runs, "style_loss", "s-", figures.REMIX_INK, "all layers up to it, as they hear themselves"),
        (runs, "style_loss_in_all_layers", "^--", figures.CONTENT_INK, f"all layers up to it, as all {len(single)} hear them"),
    ]
    for chosen, key, mark, ink, name in looks:
        ends = [row["layers"].split()[-1] for row in chosen]
        right.plot(ends, [row[key] for row in chosen], mark, color=ink, linewidth=2, markersize=7, label=name)
    figures.label(right, f"Style layers: loss after {steps} iterations", "Layer", "Loss (1 = as far as silence)")
    for axis in (left, right):
        axis.set_xticks(range(len(names)), names)
        axis.tick_params(axis="x", rotation=45 if len(names) > 6 else 0)
        axis.set_ylim(bottom=0)
        axis.grid(alpha=0.3)
        axis.legend(fontsize=figures.TICK_POINTS)
    if notes:
        figure.supxlabel("Left out: " + " ".join(notes), fontsize=NOTE_POINTS, parse_math=False)
    figures.save(figure, path)


def losses(rows: Sequence[Mapping[str, Any]], optimizer: str, flat_after: int, path: Path) -> None:
    """Content, style and total loss by iteration, by the loop's optimiser and by the published fixed step."""
    figure = figures.new_figure((16.0, 5.6))
    own = [row for row in rows if row["optimizer"] == optimizer]
    published = [row for row in rows if row["optimizer"] == "fixed_step"]
    last = own[-1]["iteration"]
    panels = (("content_loss", "Content loss"), ("style_loss", "Style loss"), ("total_loss", "Weighted sum"))
    for axis, (key, title) in zip(figure.subplots(1, 3), panels, strict=True):
        for curve, ink, dash, name in (
            (published, figures.REMIX_INK, "--", "the published fixed step"),
            (own, figures.CONTENT_INK, "-", optimizer),
        ):
            axis.plot([row["iteration"] for row in curve], [row[key] for row in curve], dash, color=ink, label=name, linewidth=2)
        figures.scale_losses(axis, [row[key] for row in rows])
        unit = "" if key == "total_loss" else "Loss (1 = as far as silence)"
        figures.label(axis, f"{title} in {last} iterations", "Iteration", unit)
        if last > flat_after and own[0][key] > own[-1][key]:
            fallen = (own[0][key] - own[flat_after][key]) / (own[0][key] - own[-1][key])
            axis.axvline(flat_after, color="0.4", linestyle=":", linewidth=1.5)
            said = f" {flat_after}: {100 * fallen:.1f} % of the fall"
            axis.text(flat_after, 0.97, said, transform=axis.get_xaxis_transform(), va="top", fontsize=figures.TICK_POINTS)
        axis.grid(alpha=0.3)
        axis.legend(fontsize=figures.TICK_POINTS, loc="center right")
    figures.save(figure, path)


def frames(heard: Heard, targets: Mapping[int, Tensor], path: Path) -> None:
    """Content, the target by iteration, and style, in a row on one scale; silence is left out, as the loop leaves it out."""
    n_shown = heard.content.n_frames
    style = heard.style.bands(slice(None))[:, : 2 * n_shown]
    pictures = [heard.content.bands(slice(None)), *targets.values(), style]
    titles = ["Content", *(f"Target, iteration {moment}" for moment in targets), "Style"]
    levels = [np.asarray(picture.cpu().numpy(), dtype=np.float64) for picture in pictures]
    figure = figures.new_figure((3.2 * len(levels), 5.4))
    axes = figure.subplots(1, len(levels), sharey=True)
    scale = figures.level_scale([levels[0], levels[-1]], RANGE_DB)
    how, n_bands = heard.analysis, levels[0].shape[0]
    edges_hz = band_edges_hz(n_bands, how.sample_rate, how.scale)
    heights = np.linspace(0.0, 1.0, n_bands + 2)
    highest_hz = min(20_000.0, how.sample_rate / 2)
    for axis, picture, title in zip(axes, levels, titles, strict=True):
        image = figures.draw(axis, picture, picture.shape[1] / how.frames_per_second, title, scale)
    figures.label_frequency(axes[0], lambda hz: float(np.interp(hz, edges_hz, heights)), highest_hz, how.scale)
    figures.label_colours(figure, image, list(axes), "Level (dB, 0 = the whole recording's)")
    figures.save(figure, path)


def compare(sounds: Sequence[Audio], levels: Sequence[NDArray[np.float64]], titles: Sequence[str], path: Path) -> None:
    """Two spectrograms on one scale, and their long-term spectra below."""
    highest_hz = figures.highest_of(sounds)
    pictures = [mel_picture(audio, highest_hz) for audio in sounds]
    figure = figures.new_figure((16.0, 9.6))
    top, bottom = figures.rows_of(figure, (1.5, 1.0))
    axes = list(top.subplots(1, 2, sharey=True))
    scale = figures.level_scale(pictures)
    for axis, audio, picture, title in zip(axes, sounds, pictures, titles, strict=True):
        image = figures.draw(axis, picture, audio.length_seconds, title, scale)
    figures.label_frequency(axes[0], lambda hz: height(hz, highest_hz), highest_hz)
    figures.label_colours(top, image, axes, "Level (dBFS)")
    axis = bottom.subplots()
    for curve, title, ink, dash in zip(levels, titles, (figures.CONTENT_INK, figures.REMIX_INK), ("-", "--"), strict=True):
        axis.plot(centres_hz(highest_hz), curve, dash, color=ink, label=title, linewidth=2)
    figures.label(axis, "Long-term spectra", "Frequency (Hz)", "Level by band (dBFS)")
    axis.set_xscale("log")
    ticks = [hz for hz in (50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000) if hz <= highest_hz]
    axis.set_xticks(ticks, [f"{hz:,}".replace(",", " ") for hz in ticks])
    axis.set_xlim(ticks[0], highest_hz)
    top_db = max(float(curve.max()) for curve in levels) + 5
    axis.set_ylim(top_db - SPECTRUM_RANGE_DB, top_db)
    axis.grid(alpha=0.3)
    axis.legend(fontsize=figures.TICK_POINTS)
    figures.save(figure, path)

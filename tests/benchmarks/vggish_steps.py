"""The paper's failure with VGGish and its cure side by side: a PNG and a CSV of the loss by step.

    python -m tests.benchmarks.vggish_steps [CONTENT STYLE] [--start S] [--length S] [--steps N] [--out NAME]

Left, the published step of one size, from noise, on one example of log-mel values; right, the same layers and weights by the
preset's own transfer. Without recordings it takes the demo's clips; without fetched weights, weights of chance, and says so in
the picture.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
from pathlib import Path

import torch

from daw_bridge import clips, weights, weights_here
from daw_bridge.analysis import analysis_for
from daw_bridge.audio import Audio
from daw_bridge.audio_files import read_audio
from daw_bridge.band_statistics import band_statistics
from daw_bridge.devices import pick_dtype
from daw_bridge.extractors.stack import Stack
from daw_bridge.extractors.vggish import Vggish, vggish_stack
from daw_bridge.presets import load_preset
from daw_bridge.resampling import at_rate
from daw_bridge.scratch import Scratch
from daw_bridge.settings import TransferSettings
from daw_bridge.sounding import Sounding, sounding
from daw_bridge.spectrogram import spectra_at
from daw_bridge.style_target import style_target
from daw_bridge.transfer import transfer
from tests.generated_weights import vggish_convolutions
from tests.published_step import published_losses

CPU = torch.device("cpu")
PAIRS = ((5, 1), (6, 2), (6, 1))
WEIGHTS = ((10.0, 1.5), (1.5, 10.0))
ANALYSIS = analysis_for(44_100, load_preset("paper-vggish-style-heavy").transfer.n_bands, CPU)
Curves = dict[str, tuple[list[float], list[float]]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recordings", type=Path, nargs="*")
    parser.add_argument("--start", type=float, default=0.0)
    parser.add_argument("--length", type=float, default=2.0)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--out", type=Path, default=Path("vggish-steps"))
    given = parser.parse_args()
    audios = [read_audio(path) for path in given.recordings] or [clips.song(), clips.groove()]
    content, style = (_sounding(audio, given.start, given.length) for audio in audios)
    path = weights_here.fetched("vggish")
    stack = vggish_stack(vggish_convolutions() if path is None else weights.load(path), CPU, pick_dtype(CPU))
    curves: Curves = {}
    for layers in PAIRS:
        for shares in WEIGHTS:
            name = f"content {layers[0]} × {shares[0]:g}, style {layers[1]} × {shares[1]:g}"
            curves[name] = _both(content, style, stack, layers, shares, given.steps)
            print(name, *(f"{curve[0]:.4g} → {min(curve[1:4]):.4g} → {curve[-1]:.4g}" for curve in curves[name]), flush=True)
    with given.out.with_suffix(".csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["step", *(f"{name}; {kind}" for name in curves for kind in ("published", "ours"))])
        rows.writerows([step + 1, *(curve[step] for both in curves.values() for curve in both)] for step in range(given.steps))
    _draw(curves, "weights of chance" if path is None else "published weights", given.out.with_suffix(".png"))


def _sounding(audio: Audio, start_seconds: float, length_seconds: float) -> Sounding:
    part = slice(round(start_seconds * audio.sample_rate), round((start_seconds + length_seconds) * audio.sample_rate))
    samples = at_rate(audio.with_samples(audio.samples[:, part]), ANALYSIS.sample_rate, Scratch())
    levels = ANALYSIS.levels(samples, Scratch())
    return sounding(levels, -60.0, lambda frames: spectra_at(samples, ANALYSIS.resolution, frames, CPU).mean(0))


def _both(
    content: Sounding, style: Sounding, stack: Stack, layers: tuple[int, int], shares: tuple[float, float], num_steps: int
) -> tuple[list[float], list[float]]:
    names = (f"vggish_{layers[0]}", f"vggish_{layers[1]}")
    listener = Vggish(stack, ANALYSIS)
    blocks = [sound.block(0, min(sound.n_frames, 200), CPU) for sound in (content, style)]
    first, other = (listener.heard(block.levels[None], block)[0, 0] for block in blocks)
    published = published_losses(stack, first, other, names, shares, num_steps)
    settings: TransferSettings = dataclasses.replace(
        load_preset("paper-vggish-style-heavy").transfer,
        content_layers=((names[0], 1.0),),
        style_layers=((names[1], 1.0),),
        content_weight=shares[0],
        style_weight=shares[1],
        num_steps=num_steps,
    )
    bands = band_statistics(style.levels.shape[0], style.n_frames, style.bands)
    target = style_target(style, bands, listener, settings)
    done = transfer(content, target, listener, settings, frames_per_second=ANALYSIS.frames_per_second)
    losses = zip(done.content_losses, done.style_losses, strict=True)
    return published, [shares[0] * kept + shares[1] * taken for kept, taken in losses]


def _draw(curves: Curves, which: str, path: Path) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13.0, 5.0), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(1, 2, sharey=True)
    styles = [(colour, line) for colour in ("#0072B2", "#D55E00", "#009E73") for line in ("-", "--")]  # apart for every eye
    titles = ("The published step: 10 · gradient / deviation, from noise", "Ours: Adam on full-band levels, from the song")
    for number, (axis, title) in enumerate(zip(axes, titles, strict=True)):
        for (name, both), (colour, line) in zip(curves.items(), styles, strict=True):
            steps = range(1, len(both[number]) + 1)
            axis.plot(steps, [v / both[number][0] for v in both[number]], line, color=colour, label=name, linewidth=1.8)
        axis.set_yscale("log")
        axis.set_title(title, fontsize=12)
        axis.set_xlabel("Step", fontsize=12)
        axis.grid(alpha=0.3)
    axes[0].set_ylabel(f"Total loss over the first step's ({which})", fontsize=11)
    axes[1].legend(fontsize=9, title="VGGish layer × weight")
    figure.savefig(path, metadata={"Software": None})


if __name__ == "__main__":
    main()

"""Seconds of work and peak memory by length and channels, beside the floating-point rate of this machine: JSON and a plot.

    python -m tests.benchmarks.speed [--preset default] [--lengths 5,10,30,60] [--channels 1,2,4] [--clip FILE] [--out speed]

Each render runs in a process of its own after a short one that warms it; work counts from reading the samples in memory to
the finished samples. Without `--clip` the song of the demo is repeated to the length.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np


def repeated(samples: np.ndarray, n_samples: int, n_channels: int) -> np.ndarray:
    """The recording from its start again and again, `(C, N)`; further channels are the first ones, delayed."""
    long = np.tile(samples, (1, -(-n_samples // samples.shape[1])))[:, :n_samples]
    return np.stack([np.roll(long[channel % len(long)], 997 * (channel // len(long))) for channel in range(n_channels)])


def one(preset_id: str, length_seconds: float, n_channels: int, clip: Path | None) -> dict[str, Any]:
    """Render once in this process, warm, and say what it took."""
    from daw_bridge import clips
    from daw_bridge.audio import Audio
    from daw_bridge.audio_files import read_audio
    from daw_bridge.pipeline import render
    from daw_bridge.presets import load_preset

    song = read_audio(clip) if clip else clips.song()
    groove = clips.groove()
    preset = load_preset(preset_id)
    warm = Audio(song.samples[:, : 2 * song.sample_rate].copy(), song.sample_rate)
    render(warm, groove, preset.with_parameters({"num_steps": min(1, preset.transfer.num_steps)}))
    content = Audio(repeated(song.samples, round(length_seconds * song.sample_rate), n_channels), song.sample_rate)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.perf_counter()
    remix = render(content, groove, preset)
    seconds = time.perf_counter() - started
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "preset": preset_id,
        "length_seconds": length_seconds,
        "channels": n_channels,
        "work_seconds": round(seconds, 3),
        "work_per_second": round(seconds / length_seconds, 4),
        "phases": remix.report["seconds"],
        "peak_mib": round(used.ru_maxrss / 1024),
        "peak_before_mib": round(before / 1024),
    }


def arithmetic() -> dict[str, float]:
    """GFLOP/s of a large matrix product and of VGG16's second convolution, forward and back, in the render's own type."""
    import torch
    from torch.nn import functional

    from daw_bridge.devices import pick_dtype

    dtype = pick_dtype(torch.device("cpu"))

    def rate(n_operations: float, work: Any) -> float:
        work()
        started, n_runs = time.perf_counter(), 0
        while time.perf_counter() - started < 2.0:
            work()
            n_runs += 1
        return round(n_operations * n_runs / (time.perf_counter() - started) / 1e9, 1)

    matrix = torch.randn(2048, 2048).to(dtype)
    picture = torch.randn(1, 64, 64, 1024).to(dtype).contiguous(memory_format=torch.channels_last).requires_grad_()
    kernel = torch.randn(64, 64, 3, 3).to(dtype).contiguous(memory_format=torch.channels_last)

    def convolve() -> None:
        functional.conv2d(picture, kernel, padding=1).backward(torch.ones_like(picture))  # type: ignore[no-untyped-call]

    return {
        "matrix_product_gflops": rate(2 * 2048**3, lambda: matrix @ matrix),
        "convolution_gflops": rate(2 * 2 * 64 * 64 * 9 * 64 * 1024, convolve),
    }


def plot(rows: list[dict[str, Any]], path: Path) -> None:
    """Work and memory over length, for the rows with two channels."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
    for preset in dict.fromkeys(row["preset"] for row in rows):
        own = [row for row in rows if row["preset"] == preset and row["channels"] == 2]
        lengths = [row["length_seconds"] for row in own]
        left.plot(lengths, [row["work_seconds"] for row in own], "o-", label=preset)
        right.plot(lengths, [row["peak_mib"] for row in own], "o-", label=preset)
    left.set(xlabel="length of the recording (s)", ylabel="work (s)", title="Work on this machine", xscale="log", yscale="log")
    right.set(xlabel="length of the recording (s)", ylabel="peak resident memory (MiB)", title="Memory", xscale="log")
    right.set_ylim(bottom=0)
    left.legend()
    figure.savefig(path, dpi=120)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", default="default")
    parser.add_argument("--lengths", default="5,10,30,60")
    parser.add_argument("--channels", default="1,2,4")
    parser.add_argument("--clip", type=Path)
    parser.add_argument("--out", type=Path, default=Path("speed"))
    parser.add_argument("--one", nargs=3, metavar=("PRESET", "SECONDS", "CHANNELS"), help="one render, as the runs call it")
    given = parser.parse_args()
    if given.one:
        preset, length, channels = given.one
        print(json.dumps(one(preset, float(length), int(channels), given.clip)))
        return
    runs = [(float(length), 2) for length in given.lengths.split(",")]
    runs += [(10.0, int(n)) for n in given.channels.split(",") if int(n) != 2]
    rows = []
    for preset in given.preset.split(","):
        for length, channels in runs:
            words = [sys.executable, "-m", "tests.benchmarks.speed", "--one", preset, str(length), str(channels)]
            words += ["--clip", str(given.clip)] if given.clip else []
            rows.append(json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout))
            print(json.dumps(rows[-1]), flush=True)
    given.out.mkdir(parents=True, exist_ok=True)
    report = {"arithmetic": arithmetic(), "renders": rows}
    (given.out / "speed.json").write_text(json.dumps(report, indent=1))
    plot(rows, given.out / "speed.png")
    print(json.dumps(report["arithmetic"]))


if __name__ == "__main__":
    main()

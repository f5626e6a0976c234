"""Seconds of work and peak memory by length and channels, beside the arithmetic of this machine: the README's figures, a plot.

    python -m tests.benchmarks.speed [--preset default,fast,fine] [--song FILE --style FILE] [--lengths 5,10,30,60,198,1200]

Work is load to samples in a warm process: reading both files, then all phases of the render. Each render has a process of its
own, which renders two seconds first. Recordings of every length are made of `--song`, from its start again and again; without
it, of the demo's. The song itself is rendered whole as well. Memory is sampled every 20 ms: anonymous memory is the process's
own; resident memory also counts pages of mapped files, which the system takes back when it needs them.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

LENGTHS, CHANNELS = "5,10,30,60,198,1200", "1,2,4"
FINE_LENGTHS = (10.0,)  # a preset that may take its time
SAMPLING_SECONDS = 0.02
MIB = 1024
Row = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", default="default,fast,fine")
    parser.add_argument("--lengths", default=LENGTHS)
    parser.add_argument("--channels", default=CHANNELS)
    parser.add_argument("--song", type=Path)
    parser.add_argument("--style", type=Path)
    parser.add_argument("--out", type=Path, default=Path("speed"))
    parser.add_argument("--one", nargs=3, metavar=("PRESET", "CONTENT", "STYLE"), help="one render, as the runs call it")
    given = parser.parse_args()
    if given.one:
        print(json.dumps(one(given.one[0], Path(given.one[1]), Path(given.one[2]))))
        return
    given.out.mkdir(parents=True, exist_ok=True)
    before = arithmetic()
    with tempfile.TemporaryDirectory(dir=given.out) as folder:
        rows = [_run(preset, n, c, given, Path(folder)) for preset in given.preset.split(",") for n, c in runs(preset, given)]
    after = arithmetic()
    rates = {name: round((rate + after[name]) / 2, 1) for name, rate in before.items()}
    for row in rows:
        row["convolution_gflop_per_second"] = round(row["work_per_second"] * rates["convolution_gflops"])
    report = {"arithmetic": rates, "exponents": exponents(rows), "renders": rows}
    (given.out / "speed.json").write_text(json.dumps(report, indent=1) + "\n")
    plot(rows, given.out / "speed.png")
    print("\n".join(table(report)))


def runs(preset: str, given: argparse.Namespace) -> list[tuple[float | None, int]]:
    """Lengths in seconds and channels to render; None is the song as it is."""
    lengths = FINE_LENGTHS if preset == "fine" else [float(length) for length in given.lengths.split(",")]
    song: list[tuple[float | None, int]] = [(None, 2)] if given.song else []
    channels = [] if preset == "fine" else [int(n) for n in given.channels.split(",") if int(n) != 2]
    return [*((length, 2) for length in lengths), *song, *((10.0, n) for n in channels)]


def _run(preset: str, length_seconds: float | None, n_channels: int, given: argparse.Namespace, folder: Path) -> Row:
    content, style = given.song, given.style or folder / "groove.wav"
    if length_seconds is not None:
        content = _made(given.song, length_seconds, n_channels, folder)
    if not style.exists():
        from daw_bridge import clips

        soundfile.write(style, clips.groove().samples.T, clips.SAMPLE_RATE)
    words = [sys.executable, "-m", "tests.benchmarks.speed", "--one", preset, str(content), str(style)]
    environment = {**os.environ, "OMP_WAIT_POLICY": "passive"}
    found = subprocess.run(words, check=True, capture_output=True, text=True, env=environment).stdout
    row: Row = {"preset": preset, "channels": n_channels, "is_song": length_seconds is None, **json.loads(found.splitlines()[-1])}
    print(json.dumps(row), flush=True)
    return row


def _made(song: Path | None, length_seconds: float, n_channels: int, folder: Path) -> Path:
    """A recording of that length, written song by song; channels beyond the song's are its own, a little later."""
    path = folder / f"{length_seconds:g}_{n_channels}.wav"
    if path.exists():
        return path
    if song:
        samples, sample_rate = soundfile.read(song, dtype="float32", always_2d=True)
    else:
        from daw_bridge import clips

        samples, sample_rate = clips.song().samples.T, clips.SAMPLE_RATE
    own = samples.shape[1]
    wide = np.stack([np.roll(samples[:, n % own], 997 * (n // own)) for n in range(n_channels)], axis=1)
    left = round(length_seconds * sample_rate)
    with soundfile.SoundFile(path, "w", sample_rate, n_channels, "PCM_16") as file:
        while left > 0:
            file.write(wide[:left])
            left -= len(wide)
    return path


def one(preset_id: str, content: Path, style: Path) -> Row:
    """Render once in this process, warm, and say what it took."""
    from daw_bridge.audio_files import read_audio
    from daw_bridge.pipeline import render
    from daw_bridge.presets import load_preset
    from daw_bridge.scratch import Scratch

    preset = load_preset(preset_id)
    warm = read_audio(content, length_seconds=2.0)
    render(warm, read_audio(style, length_seconds=2.0), preset.with_parameters({"num_steps": min(1, preset.transfer.num_steps)}))
    before = memory_kib()
    room = content.parent if os.access(content.parent, os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=room) as folder, Memory() as peak:
        scratch = Scratch(Path(folder))
        started = time.perf_counter()
        song = read_audio(content, scratch=scratch)
        record = read_audio(style, role="style", scratch=scratch)
        read_seconds = time.perf_counter() - started
        remix = render(song, record, preset, scratch=scratch)
        seconds = time.perf_counter() - started
    length = song.length_seconds
    parts = {"read": read_seconds, **remix.report["seconds"]}
    return {
        "length_seconds": round(length, 2),
        "work_seconds": round(seconds, 3),
        "work_per_second": round(seconds / length, 4),
        "parts_per_second": {name: round(part / length, 4) for name, part in parts.items()},
        "peak_anonymous_mib": round(peak.anonymous_kib / MIB),
        "anonymous_before_mib": round(before["RssAnon"] / MIB),
        "peak_resident_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MIB),
    }


def memory_kib() -> dict[str, int]:
    """This process's resident memory by kind, from Linux; zeros elsewhere."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    kinds = {line.partition(":")[0]: line.split()[1] for line in lines if line.startswith("Rss")}
    return {kind: int(kinds.get(kind, 0)) for kind in ("RssAnon", "RssFile", "RssShmem")}


class Memory:
    """Samples this process's anonymous memory while the block runs; `anonymous_kib` is the peak."""

    def __init__(self) -> None:
        self.anonymous_kib = 0
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._sample)

    def __enter__(self) -> Memory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._is_over.wait(SAMPLING_SECONDS):
            self.anonymous_kib = max(self.anonymous_kib, memory_kib()["RssAnon"])


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


def exponents(rows: list[Row]) -> dict[str, float]:
    """By preset, the power of length that the work grows with: the slope of a line through both logarithms. 1 is linear."""
    found = {}
    for preset in dict.fromkeys(row["preset"] for row in rows):
        own = _by_length(rows, preset)
        if len(own) > 2:
            logs = np.log([[row["length_seconds"], row["work_seconds"]] for row in own])
            found[preset] = round(float(np.polyfit(logs[:, 0], logs[:, 1], 1)[0]), 3)
    return found


def _by_length(rows: list[Row], preset: str) -> list[Row]:
    own = [row for row in rows if row["preset"] == preset and row["channels"] == 2 and not row["is_song"]]
    return sorted(own, key=lambda row: float(row["length_seconds"]))


def table(report: dict[str, Any]) -> list[str]:
    """The README's figures, as Markdown."""
    rows: list[Row] = report["renders"]
    phases = "read, listen, transfer, reconstruct, post"
    lines = [f"| preset | recording | work per second of audio | {phases} | memory: anonymous, resident |", "|---" * 5 + "|"]
    for row in rows:
        what = "the song, " if row["is_song"] else ""
        what += f"{row['length_seconds']:g} s, {row['channels']} channels"
        parts = ", ".join(f"{part:.3f}" for part in row["parts_per_second"].values())
        memory = f"{row['peak_anonymous_mib']}, {row['peak_resident_mib']} MiB"
        lines.append(f"| `{row['preset']}` | {what} | {row['work_per_second']:.3f} s | {parts} | {memory} |")
    rates = report["arithmetic"]
    convolution, product = rates["convolution_gflops"], rates["matrix_product_gflops"]
    lines += ["", f"{convolution:g} GFLOP/s in a convolution, {product:g} in a matrix product."]
    for preset, exponent in report["exponents"].items():
        ten = [row for row in rows if row["preset"] == preset and math.isclose(row["length_seconds"], 10.0)]
        mono = next((row["work_seconds"] for row in ten if row["channels"] == 1), math.nan)
        ratios = ", ".join(f"{row['channels']} channels {row['work_seconds'] / mono:.2f}" for row in ten if row["channels"] > 1)
        at = next((row["convolution_gflop_per_second"] for row in ten if row["channels"] == 2), 0)
        lines.append(f"`{preset}`: work grows as length to the power of {exponent}; against mono: {ratios};")
        lines.append(f"a second of audio costs as much as {at} GFLOP of convolution.")
    return lines


def plot(rows: list[Row], path: Path) -> None:
    """Work and memory over length, for the rows with two channels."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
    for preset in dict.fromkeys(row["preset"] for row in rows):
        own = _by_length(rows, preset)
        lengths = [row["length_seconds"] for row in own]
        left.plot(lengths, [row["work_seconds"] for row in own], "o-", label=preset)
        right.plot(lengths, [row["peak_anonymous_mib"] for row in own], "o-", label=preset)
    ends = [min(row["length_seconds"] for row in rows), max(row["length_seconds"] for row in rows)]
    left.plot(ends, ends, ":", color="grey", label="as long as it lasts")
    left.set(xlabel="length of the recording (s)", ylabel="work (s)", title="Work on this machine", xscale="log", yscale="log")
    right.set(xlabel="length of the recording (s)", ylabel="peak anonymous memory (MiB)", title="Memory", xscale="log")
    right.set_ylim(bottom=0)
    left.legend()
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    main()

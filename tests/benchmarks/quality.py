"""Quality of presets over pairs of real recordings, the baselines in the same run: the README's table, JSON and pictures.

    python -m tests.benchmarks.quality --tools TOOLS --clips CLIPS [--sound default,strength=0.7] [--out DIR]
    python -m tests.benchmarks.quality … --pairs tests/benchmarks/heldout_pairs.tsv --seconds 12

`--tools` holds `score_pairs.py`, its metrics and `pairs.tsv`; `--clips` the recordings that `build_corpus.py` there cuts
from Debian packages, and for the held-out pairs those of `tests.data_makers.cut_heldout_clips`. A sound is a preset with
parameters; without any, the three of the README. Every remix is made by the command line, as a user makes it.
"""

from __future__ import annotations

import argparse
import csv
import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

from daw_bridge.audio_files import read_audio
from daw_bridge.figures import triptych

SOUNDS = ("default", "fast", "default,num_steps=0")
BASELINES = ("band-stats", "eq-match")
LEAST, MOST_UNDER, MOST_NOISE, MOST_LEAK, HIGHEST_DBTP = 0.48, 0.03, 0.10, 0.10, -1.0
Row = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tools", type=Path, required=True)
    parser.add_argument("--clips", type=Path, required=True)
    parser.add_argument("--pairs", type=Path, help="columns pair, content, style, why (default: pairs.tsv of the tools)")
    parser.add_argument("--seconds", type=float, default=0.0, help="score excerpts of this length (default: whole clips)")
    parser.add_argument("--sound", action="append", help=f"PRESET[,K=V]… (default: {'; '.join(SOUNDS)})")
    parser.add_argument("--only", help="pairs, comma between")
    parser.add_argument("--out", type=Path, default=Path("quality"))
    given = parser.parse_args()
    pairs = given.pairs or given.tools / "pairs.tsv"
    rows: list[Row] = []
    for sound in given.sound or SOUNDS:
        rows += _scored(sound, pairs, given, with_baselines=not rows)
    given.out.mkdir(parents=True, exist_ok=True)
    (given.out / "scores.json").write_text(json.dumps(rows, indent=1))
    print("\n".join(table(rows)), "\n")
    print("\n".join(misses(rows)) or "Every pair of the first sound keeps every promise.")
    _draw(rows, pairs, given.out)


def _scored(sound: str, pairs: Path, given: argparse.Namespace, *, with_baselines: bool) -> list[Row]:
    preset, *parameters = sound.split(",")
    folder = given.out / sound.replace(",", "_")
    said = " ".join(f"--param {shlex.quote(one)}" for one in parameters)
    command = f"{shlex.quote(sys.executable)} -m daw_bridge remix {{content}} --style {{style}} --out {{out}} --force"
    words = [
        *(sys.executable, str(given.tools / "score_pairs.py"), "--clips", str(given.clips), "--out", str(folder)),
        *("--pairs", str(pairs), "--seconds", str(given.seconds), "--json", str(folder / "scores.json")),
        *("--command", f"{command} --preset {preset} {said}"),
        *(["--baseline"] if with_baselines else []),
        *(["--only", given.only] if given.only else []),
    ]
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(words, check=True)
    found: list[Row] = json.loads((folder / "scores.json").read_text())
    return [{**row, "what": sound if row["what"] == "remix" else row["what"]} for row in found]


def table(rows: list[Row]) -> list[str]:
    """Remix scores as Markdown, a line for each sound and baseline."""
    pairs = list(dict.fromkeys(row["pair"] for row in rows))
    lines = [f"| | {' | '.join(pairs)} | mean |", "|---" * (len(pairs) + 2) + "|"]
    for what in dict.fromkeys(row["what"] for row in rows):
        scores = {row["pair"]: row["remix"] for row in rows if row["what"] == what}
        cells = [f"{scores[pair]:.2f}" for pair in pairs]
        lines.append(f"| `{what}` | {' | '.join(cells)} | {sum(scores.values()) / len(scores):.3f} |")
    return lines


def misses(rows: list[Row]) -> list[str]:
    """What the first sound promises and does not keep, a line for each."""
    first = rows[0]["what"]
    found = []
    for row in (row for row in rows if row["what"] == first):
        bars = [other["remix"] for other in rows if other["pair"] == row["pair"] and other["what"] in BASELINES]
        least = max(LEAST, max(bars, default=0.0) - MOST_UNDER)
        checks = {
            f"remix={row['remix']:.3f} is under {least:.3f}": row["remix"] < least,
            f"noise={row['noise']:.2f} is over {MOST_NOISE}": row["noise"] > MOST_NOISE,
            f"leak={row['leak'] or 0:.2f} is over {MOST_LEAK}": (row["leak"] or 0.0) > MOST_LEAK,
            f"true peak={row['true_peak_dbtp']:.2f} dBTP is over {HIGHEST_DBTP}": row["true_peak_dbtp"] > HIGHEST_DBTP,
            f"integrity: {'; '.join(row['failures'])}": not row["integrity_ok"],
        }
        found += [f"{row['pair']}: {what}" for what, is_missed in checks.items() if is_missed]
    return found


def _draw(rows: list[Row], pairs: Path, out: Path) -> None:
    reasons = {row["pair"]: row["why"] for row in csv.DictReader(pairs.open(), delimiter="\t")}
    first = rows[0]["what"]
    folder = out / first.replace(",", "_")
    for pair in dict.fromkeys(row["pair"] for row in rows):
        content, remix, style = (read_audio(folder / f"{pair}_{role}.wav") for role in ("content", "remix", "style"))
        picture = out / f"{pair}.png"
        triptych(content, remix, style, picture, titles=(f"{pair} content", f"remix, {first}", "style"))
        print(f"{picture}: {reasons.get(pair, '')}")


if __name__ == "__main__":
    main()

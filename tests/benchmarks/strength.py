"""What each tenth of `strength` does to the song and to the style, pair by pair: a table, JSON and a picture.

    python -m tests.benchmarks.strength --tools TOOLS --clips CLIPS [--pairs FILE] [--seconds 12] [--out DIR]

Content must fall and style rise from each tenth to the next; a step counts where it does both, or moves neither by more than
`SAME`, which is what the figures themselves waver by. `--tools` and `--clips` as in `tests.benchmarks.quality`; the scores are
those of `score_pairs.py` there, taken in this process so that a recording is analysed once.
"""

from __future__ import annotations

import argparse
import csv
import importlib
import itertools
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from daw_bridge.audio_files import read_audio, write_audio
from daw_bridge.pipeline import render
from daw_bridge.presets import load_preset

STRENGTHS = tuple(round(tenth / 10, 1) for tenth in range(11))
STYLE_PARTS = ("style_shift_rel", "style_shift_dynamic", "timbre_lda")
SAME = 0.005
Row = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tools", type=Path, required=True)
    parser.add_argument("--clips", type=Path, required=True)
    parser.add_argument("--pairs", type=Path)
    parser.add_argument("--only", help="pairs, comma between")
    parser.add_argument("--preset", default="default")
    parser.add_argument("--param", action="append", default=[], help="K=V, may be repeated")
    parser.add_argument("--seconds", type=float, default=12.0)
    parser.add_argument("--out", type=Path, default=Path("strength"))
    given = parser.parse_args()
    sys.path.insert(0, str(given.tools))
    given.out.mkdir(parents=True, exist_ok=True)
    only = set(given.only.split(",")) if given.only else None
    rows: list[Row] = []
    for pair in csv.DictReader((given.pairs or given.tools / "pairs.tsv").open(), delimiter="\t"):
        if pair["pair"] in only if only else not pair["pair"].startswith("F"):
            rows += _steps(pair, given)
            print("\n".join(_lines(rows[-len(STRENGTHS) :])), flush=True)
            (given.out / "strength.json").write_text(json.dumps(rows, indent=1))
    _plot(rows, given.out / "strength.png")


def _steps(pair: dict[str, str], given: argparse.Namespace) -> list[Row]:
    metrics = importlib.import_module("remix_metrics")
    clips = [given.clips / f"{pair[role]}.wav" for role in ("content", "style")]
    content, style = (read_audio(clip, length_seconds=given.seconds) for clip in clips)
    paths = {role: given.out / f"{pair['pair']}_{role}.wav" for role in ("content", "style", "remix")}
    write_audio(paths["content"], content)
    write_audio(paths["style"], style)
    heard = {role: metrics.load(str(paths[role])) for role in ("content", "style")}
    preset = load_preset(given.preset).with_parameters(dict(one.split("=", 1) for one in given.param))
    rows = []
    for strength in STRENGTHS:
        remix = render(content, style, preset.with_parameters({"strength": strength})).audio
        paths["remix"].unlink(missing_ok=True)
        write_audio(paths["remix"], remix)
        said = metrics.evaluate(heard["content"], heard["style"], metrics.load(str(paths["remix"])))
        found = said["summary"]
        rows.append(
            {
                "pair": pair["pair"],
                "strength": strength,
                "is_content": bool(np.array_equal(remix.samples, content.samples)),
                "content": max(0.0, found["content"] or 0.0),
                "style": float(np.mean([np.clip(found[part] or 0.0, 0.0, 1.0) for part in STYLE_PARTS])),
                "noise": found["noise"],
                "lufs_miss": (said["integrity"]["lufs"] or 0.0) - (said["integrity"]["lufs_content"] or 0.0),
            }
        )
    return rows


def good_steps(rows: list[Row]) -> int:
    """How many of the ten steps take nothing from the style and give nothing back to the content."""
    return sum(
        after["style"] >= before["style"] - SAME and after["content"] <= before["content"] + SAME
        for before, after in itertools.pairwise(rows)
    )


def _lines(rows: list[Row]) -> list[str]:
    kept = "bit for bit" if rows[0]["is_content"] else "NOT the content"
    lines = [f"{rows[0]['pair']}: {good_steps(rows)} of {len(rows) - 1} steps; strength 0 is {kept}"]
    for key in ("content", "style", "noise", "lufs_miss"):
        lines.append(f"  {key:10}" + " ".join(f"{row[key]:6.3f}" for row in rows))
    return lines


def _plot(rows: list[Row], path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(10, 4), layout="constrained", sharey=True)
    for pair in dict.fromkeys(row["pair"] for row in rows):
        own = [row for row in rows if row["pair"] == pair]
        left.plot([row["strength"] for row in own], [row["content"] for row in own], "o-", label=pair)
        right.plot([row["strength"] for row in own], [row["style"] for row in own], "o-", label=pair)
    left.set(xlabel="strength", ylabel="score", title="The song is still there", ylim=(0, 1))
    right.set(xlabel="strength", title="It sounds like the style")
    left.legend()
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    main()

"""Quality of a preset over pairs of real recordings, with the baselines in the same run: a table, a JSON file and pictures.

    python -m tests.benchmarks.quality --tools ../shared/quality --clips CLIPS [--preset P] [--param K=V] [--out DIR]

`--tools` holds `score_pairs.py`, its metrics and `pairs.tsv`; `--clips` the recordings that `build_corpus.py` there cuts
from Debian packages. Every remix is made by the command line, as a user makes it.
"""

from __future__ import annotations

import argparse
import csv
import json
import shlex
import subprocess
import sys
from pathlib import Path

from daw_bridge.audio_files import read_audio
from daw_bridge.figures import triptych


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tools", type=Path, required=True)
    parser.add_argument("--clips", type=Path, required=True)
    parser.add_argument("--preset", default="default")
    parser.add_argument("--param", action="append", default=[])
    parser.add_argument("--only")
    parser.add_argument("--no-baseline", action="store_true")
    parser.add_argument("--out", type=Path, default=Path("quality"))
    given = parser.parse_args()
    parameters = " ".join(f"--param {shlex.quote(one)}" for one in given.param)
    command = f"{shlex.quote(sys.executable)} -m daw_bridge remix {{content}} --style {{style}} --out {{out}} --force"
    words = [
        *(sys.executable, str(given.tools / "score_pairs.py"), "--clips", str(given.clips), "--out", str(given.out)),
        *("--json", str(given.out / "scores.json"), "--command", f"{command} --preset {given.preset} {parameters}"),
        *([] if given.no_baseline else ["--baseline"]),
        *(["--only", given.only] if given.only else []),
    ]
    given.out.mkdir(parents=True, exist_ok=True)
    subprocess.run(words, check=True)
    scores = json.loads((given.out / "scores.json").read_text())
    reasons = {row["pair"]: row["why"] for row in csv.DictReader((given.tools / "pairs.tsv").open(), delimiter="\t")}
    for pair in dict.fromkeys(row["pair"] for row in scores):
        content, remix, style = (read_audio(given.out / f"{pair}_{role}.wav") for role in ("content", "remix", "style"))
        picture = given.out / f"{pair}.png"
        triptych(content, remix, style, picture, titles=(f"{pair} content", f"remix, {given.preset}", "style"))
        print(f"{picture}: {reasons.get(pair, '')}")


if __name__ == "__main__":
    main()

"""Whether `time_budget_seconds` keeps its promise: work over budget, for several budgets and lengths; a table and JSON.

    python -m tests.benchmarks.budget [--preset default] [--budgets 4,8,16,32] [--lengths 10,60,198] [--song FILE] [--out DIR]

A budget that is longer than the whole render takes is not used up, and one that is shorter than the render without any step
cannot be kept: both are marked, by a render without a budget and one without steps.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from daw_bridge import clips
from daw_bridge.audio import Audio
from daw_bridge.audio_files import read_audio
from daw_bridge.pipeline import render
from daw_bridge.presets import load_preset
from daw_bridge.scratch import Scratch

Row = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", default="default")
    parser.add_argument("--budgets", default="4,8,16,32")
    parser.add_argument("--lengths", default="10,60,198")
    parser.add_argument("--song", type=Path)
    parser.add_argument("--out", type=Path, default=Path("budget"))
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    song = read_audio(given.song) if given.song else clips.song()
    _seconds(given.preset, _long(song, 2.0), {"num_steps": 1})  # warm
    rows: list[Row] = []
    print("| recording | budget | work | work / budget | |\n|---|---|---|---|---|")
    for length in (float(length) for length in given.lengths.split(",")):
        content = _long(song, length)
        least, most = _seconds(given.preset, content, {"num_steps": 0}), _seconds(given.preset, content, {})
        for budget in (float(budget) for budget in given.budgets.split(",")):
            seconds = _seconds(given.preset, content, {"time_budget_seconds": budget})
            note = "longer than the render" if budget > most else "shorter than without a step" if budget < least else ""
            row = {"length_seconds": length, "budget_seconds": budget, "work_seconds": round(seconds, 2), "note": note}
            rows.append({**row, "without_steps_seconds": round(least, 2), "without_budget_seconds": round(most, 2)})
            print(f"| {length:g} s | {budget:g} s | {seconds:.2f} s | {seconds / budget:.2f} | {note} |", flush=True)
            (given.out / "budget.json").write_text(json.dumps(rows, indent=1) + "\n")
    bound = [row["work_seconds"] / row["budget_seconds"] for row in rows if not row["note"]]
    print(f"{sum(0.8 <= ratio <= 1.2 for ratio in bound)} of {len(bound)} budgets that bind were kept within 20 %.")


def _long(song: Audio, length_seconds: float) -> Audio:
    n_samples = round(length_seconds * song.sample_rate)
    return song.with_samples(np.tile(song.samples, (1, -(-n_samples // song.n_samples)))[:, :n_samples])


def _seconds(preset_id: str, content: Audio, parameters: dict[str, Any]) -> float:
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        render(content, clips.groove(), load_preset(preset_id).with_parameters(parameters), scratch=Scratch(Path(folder)))
        return time.perf_counter() - started


if __name__ == "__main__":
    main()

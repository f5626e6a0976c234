"""How long each tick of the REAPER scripts takes, measured here and counted as on a slow computer: prints JSON.

    python -m tests.benchmarks.ticks [--lua lua54] [--runs 3]

The scenes are those of tests/reaper/test_ticks.py. Measured is, in the best of some runs, the scripts' own work on this machine
and how long the files that they ask for keep them waiting. Left out is what is not theirs: REAPER's functions, which are
simulated here; the disk's work on the files that a scene has laid out; and, on Linux, the time that other programs had the
processor. What is counted holds REAPER's functions, too.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tests.reaper.desk import Desk
from tests.reaper.simulator import LUA_VERSIONS, Reaper, Stopwatch
from tests.reaper.test_ticks import SCENES


def ticks_of(version: str, scene: Callable[[Reaper, Desk], None], stopwatch: Stopwatch | None) -> dict[str, float]:
    """Play one scene, and say how long its ticks took in milliseconds."""
    with tempfile.TemporaryDirectory() as folder:
        desk = Desk(Path(folder))
        reaper = Reaper(version, desk.env)
        watch_costs = functools.partial(reaper.watch_costs, stopwatch)

        def begin() -> None:
            os.sync()
            watch_costs()

        reaper.watch_costs = begin  # type: ignore[assignment, method-assign]
        scene(reaper, desk)
        milliseconds = 1000 * np.array(reaper.tick_seconds)
    found = {"median_ms": np.median(milliseconds), "p99_ms": np.percentile(milliseconds, 99), "max_ms": milliseconds.max()}
    return {"n_ticks": len(milliseconds), **{name: round(float(value), 2) for name, value in found.items()}}


def best_of(n_runs: int, version: str, scene: Callable[[Reaper, Desk], None]) -> dict[str, float]:
    """Measure some runs of a scene, and say how long the ticks took in that with the shortest longest one."""
    runs = [ticks_of(version, scene, Stopwatch()) for _ in range(n_runs)]
    return min(runs, key=lambda run: run["max_ms"])


def main() -> None:
    """Play every scene, both ways."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--lua", choices=LUA_VERSIONS, default="lua54")
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    version, n_runs = arguments.lua, arguments.runs
    table = {
        scene.__name__: {"measured": best_of(n_runs, version, scene), "counted": ticks_of(version, scene, None)}
        for scene in SCENES
    }
    print(json.dumps({"lua": version, "runs": n_runs, "scenes": table}, indent=1))


if __name__ == "__main__":
    main()

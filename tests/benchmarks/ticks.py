"""How long each tick of the REAPER scripts takes, measured here and counted as on a slow computer: prints JSON.

    python -m tests.benchmarks.ticks [--lua lua54]

The scenes are those of tests/reaper/test_ticks.py. What is measured is the scripts' own work on this machine, files included, and
not what REAPER's functions take; what is counted holds these, too.
"""

from __future__ import annotations

import argparse
import functools
import json
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
        reaper.watch_costs = functools.partial(reaper.watch_costs, stopwatch)  # type: ignore[method-assign]
        scene(reaper, desk)
        milliseconds = 1000 * np.array(reaper.tick_seconds)
    found = {"median_ms": np.median(milliseconds), "p99_ms": np.percentile(milliseconds, 99), "max_ms": milliseconds.max()}
    return {"n_ticks": len(milliseconds), **{name: round(float(value), 2) for name, value in found.items()}}


def main() -> None:
    """Play every scene, both ways."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--lua", choices=LUA_VERSIONS, default="lua54")
    version = parser.parse_args().lua
    table = {
        scene.__name__: {"measured": ticks_of(version, scene, Stopwatch()), "counted": ticks_of(version, scene, None)}
        for scene in SCENES
    }
    print(json.dumps({"lua": version, "scenes": table}, indent=1))


if __name__ == "__main__":
    main()

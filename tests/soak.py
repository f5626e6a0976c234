"""`python -m tests.soak --seconds 100`: kill the service and its renderer at random; every job must come out exactly once."""

from __future__ import annotations

import argparse
import json
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from daw_bridge.folders import StateFolders
from daw_bridge.jobs import Job, JobStore
from daw_bridge.request import RenderRequest, source_file

SERVICE = (sys.executable, "-m", "tests.renderer.small_service")
PATIENCE_SECONDS = 60.0
STANDARD_PAUSE_SECONDS = (0.8, 3.0)


@dataclass
class Outcome:
    """What was seen.

    Attributes:
        kills: how often each process was killed.
        jobs: all jobs at the end.
        publishes: how often each job's file was really renamed into place.
        integrity: SQLite's own verdict on the database.
    """

    kills: Counter[str] = field(default_factory=Counter)
    jobs: list[Job] = field(default_factory=list)
    publishes: Counter[str] = field(default_factory=Counter)
    integrity: str = ""


def soak(
    root: Path,
    kill_seconds: float,
    seed: int,
    n_jobs: int,
    pause_seconds: tuple[float, float] = STANDARD_PAUSE_SECONDS,
    on_line: Callable[[str], None] = print,
) -> Outcome:
    """Accept jobs and kill processes for a while, then let the rest be finished.

    Args:
        root: an empty folder.
        kill_seconds: how long processes are killed.
        seed: of jobs, victims and pauses.
        n_jobs: spread over that time.
        pause_seconds: least and most between two kills.
        on_line: told of each kill.
    """
    chance, outcome = random.Random(seed), Outcome()
    state, project = StateFolders(root / "state"), root / "project"
    project.mkdir(parents=True)
    store = JobStore(state.job_database)
    service = _start(state)
    began, next_kill, accepted = time.monotonic(), time.monotonic() + 1.5, 0
    try:
        while (passed := time.monotonic() - began) < kill_seconds + PATIENCE_SECONDS:
            while accepted < n_jobs and passed > accepted * kill_seconds * 0.8 / n_jobs:
                _ask(store, project, accepted, chance)
                accepted += 1
            if passed < kill_seconds and time.monotonic() > next_kill:
                next_kill = time.monotonic() + chance.uniform(*pause_seconds)
                service, victim = _kill(service, state, chance)
                outcome.kills[victim] += 1
                on_line(f"{passed:5.1f} s: killed the {victim}")
            outcome.jobs = store.jobs(limit=10_000)
            if passed >= kill_seconds and accepted == n_jobs and all(job.is_final for job in outcome.jobs):
                break
            time.sleep(0.05)
    finally:
        _end(service)
        store.close()
    lines = (project / "publishes.log").read_text().split()
    outcome.publishes = Counter(lines)
    with closing(sqlite3.connect(state.job_database)) as connection:
        outcome.integrity = connection.execute("PRAGMA integrity_check").fetchone()[0]
    return outcome


def _ask(store: JobStore, project: Path, number: int, chance: random.Random) -> None:
    content = project / f"{number}.json"
    content.write_text(json.dumps({"seconds": round(chance.uniform(0.1, 0.8), 2)}))
    source = source_file(content, "content")
    priority = chance.choice(("interactive", "preview", "batch"))
    store.submit(RenderRequest(str(project), source, source, {"id": "default"}, reqid=f"r{number}", priority=priority))


def _start(state: StateFolders) -> subprocess.Popen[bytes]:
    state.root.mkdir(parents=True, exist_ok=True)
    with (state.root / "service.log").open("ab") as output:
        return subprocess.Popen([*SERVICE, str(state.root)], stdout=output, stderr=output)


def _kill(service: subprocess.Popen[bytes], state: StateFolders, chance: random.Random) -> tuple[subprocess.Popen[bytes], str]:
    """SIGKILL, nothing softer; the service is started again at once, the renderer is the service's to start again."""
    children = psutil.Process(service.pid).children(recursive=True)
    if children and chance.random() < 0.6:
        chance.choice(children).kill()
        return service, "renderer"
    service.kill()
    service.wait()
    return _start(state), "service"


def _end(service: subprocess.Popen[bytes]) -> None:
    children = psutil.Process(service.pid).children(recursive=True)
    service.kill()
    service.wait()
    psutil.wait_procs(children, timeout=10)  # they leave by themselves


def main() -> int:
    """Soak for as long as asked and say what was seen; 0 when every job is done or fell to its own four crashes."""
    parser = argparse.ArgumentParser(prog="tests.soak")
    parser.add_argument("--seconds", type=float, default=100.0)
    parser.add_argument("--jobs", type=int, default=0, help="0 means one for every two seconds")
    parser.add_argument("--seed", type=int, default=7)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="daw-bridge-soak-", ignore_cleanup_errors=True) as folder:
        outcome = soak(Path(folder), asked.seconds, asked.seed, asked.jobs or round(asked.seconds / 2))
    states = Counter(job.state for job in outcome.jobs)
    done = {job.id for job in outcome.jobs if job.state == "done"}
    crashes = Counter(job.crashes for job in outcome.jobs)
    print(f"kills {dict(outcome.kills)}, jobs {dict(states)}, by crashes {dict(crashes)}")
    print(f"publishes a job {dict(Counter(outcome.publishes.values()))}, database {outcome.integrity}")
    is_sound = done == set(outcome.publishes) and set(outcome.publishes.values()) == {1} and outcome.integrity == "ok"
    return 0 if is_sound and len(done) == len(outcome.jobs) else 1


if __name__ == "__main__":
    sys.exit(main())

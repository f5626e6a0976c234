"""`python -m tests.soak --seconds 100`: kill service and renderer at random; every job must come out exactly once. Kin below."""

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
from tests.soaks.crowd import burst, drop, quick_jobs
from tests.soaks.datagrams import storm
from tests.soaks.paths import REFUSALS, SECRET_HASH, ask_for_paths

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
    parser.add_argument("--datagrams", type=int, metavar="N", help="send so many hostile ones instead, unlimited and limited")
    parser.add_argument("--paths", type=int, metavar="N", help="ask for so many hostile paths instead")
    parser.add_argument("--crowd", action="store_true", help="1000 requests, 500 files and 1000 quick jobs instead")
    asked = parser.parse_args()
    if asked.datagrams:
        return _datagrams(asked.datagrams, asked.seed)
    if asked.paths:
        return _paths(asked.paths, asked.seed)
    if asked.crowd:
        return _crowd()
    with tempfile.TemporaryDirectory(prefix="daw-bridge-soak-", ignore_cleanup_errors=True) as folder:
        outcome = soak(Path(folder), asked.seconds, asked.seed, asked.jobs or round(asked.seconds / 2))
    states = Counter(job.state for job in outcome.jobs)
    done = {job.id for job in outcome.jobs if job.state == "done"}
    crashes = Counter(job.crashes for job in outcome.jobs)
    print(f"kills {dict(outcome.kills)}, jobs {dict(states)}, by crashes {dict(crashes)}")
    print(f"publishes a job {dict(Counter(outcome.publishes.values()))}, database {outcome.integrity}")
    is_sound = done == set(outcome.publishes) and set(outcome.publishes.values()) == {1} and outcome.integrity == "ok"
    return 0 if is_sound and len(done) == len(outcome.jobs) else 1


def _datagrams(n_datagrams: int, seed: int) -> int:
    is_sound = True
    for is_unlimited, n_sent in ((True, n_datagrams), (False, n_datagrams)):
        with tempfile.TemporaryDirectory(prefix="daw-bridge-soak-") as folder:
            seen = storm(Path(folder), n_sent, seed, is_unlimited)
        pings = sorted(seen.ping_seconds)
        slow = 1000 * pings[len(pings) * 99 // 100]
        taken = (
            f"{seen.n_sent} datagrams in {seen.seconds:.0f} s, {seen.n_counted} counted, memory {seen.growth_bytes / 1e6:+.1f} MB"
        )
        answered = f"{len(pings)} pings, 99th percentile {slow:.1f} ms, slowest {1000 * pings[-1]:.1f} ms, exit code {seen.code}"
        print(f"limiter {'off' if is_unlimited else 'on'}: {taken}, {answered}")
        is_sound &= seen.code == 0 and seen.n_counted >= 0.9 * n_sent and seen.growth_bytes < 20e6
    return 0 if is_sound else 1


def _paths(n_paths: int, seed: int) -> int:
    with tempfile.TemporaryDirectory(prefix="daw-bridge-soak-") as folder:
        root = Path(folder).resolve()
        seen = ask_for_paths(root, n_paths, seed)
        project = root / "world" / "project"
        n_outside = sum(not Path(path).is_relative_to(project) for pair in seen.jobs for path in pair)
    print(f"paths: {dict(seen.answers)}, {n_outside} jobs outside, secret copied: {SECRET_HASH in seen.copies}")
    is_sound = sum(seen.answers.values()) == n_paths and n_outside == 0 and SECRET_HASH not in seen.copies
    return 0 if is_sound and seen.is_untouched and set(seen.answers) <= {"accepted", *REFUSALS} else 1


def _crowd() -> int:
    with tempfile.TemporaryDirectory(prefix="daw-bridge-soak-") as folder:
        asked = burst(Path(folder) / "burst", 1000, 20)
        print(f"burst: {len(asked.jobs)} of 1000 accepted in {asked.seconds:.1f} s, {asked.n_sent} sent, {asked.n_stored} stored")
        published, seconds = drop(Path(folder) / "drop", 500)
        print(f"drop: {len(published)} of 500 published in {seconds:.1f} s, at most {max(published.values())} times")
        before, after = quick_jobs(Path(folder) / "jobs", 1000)
        print(f"quick jobs: before {before}\n             after {after}")
    # A pool of database connections may grow by a few; a leak would be hundreds.
    is_answered = (
        len(asked.jobs) == asked.n_stored == 1000
        and asked.seconds < 30.0
        and len(published) == 500
        and set(published.values()) == {1}
    )
    is_tidy = after.n_fds <= before.n_fds + 8 and after.n_threads <= before.n_threads + 1 and after.n_files == before.n_files
    return 0 if is_answered and is_tidy else 1


if __name__ == "__main__":
    sys.exit(main())

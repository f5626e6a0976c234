"""Service and renderers killed at random while jobs come in: every accepted job must be published exactly once."""

from __future__ import annotations

import json
import random
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from daw_bridge.folders import StateFolders
from daw_bridge.jobs import MAX_ATTEMPTS, Job, JobStore
from daw_bridge.request import RenderRequest, source_file
from tests.waiting import wait_for

VICTIMS = ("renderer", "porter", "service")
SERVICE = (sys.executable, "-m", "tests.renderer.small_service")
PATIENCE_SECONDS = 150.0
STANDARD_PAUSE_SECONDS = (0.8, 3.0)
LONGEST_JOB_SECONDS = {"interactive": 0.8, "preview": 1.2, "batch": 4.0}  # long enough to stand aside for others


@dataclass
class Outcome:
    """What was seen.

    Attributes:
        kills: how often each process was killed.
        jobs: all jobs at the end.
        publishes: how often each job's file was really renamed into place.
        integrity: SQLite's own verdict on the database.
        n_aside: how often a render stood aside for a more urgent one.
        seconds: in all.
    """

    kills: Counter[str] = field(default_factory=Counter)
    jobs: list[Job] = field(default_factory=list)
    publishes: Counter[str] = field(default_factory=Counter)
    integrity: str = ""
    n_aside: int = 0
    seconds: float = 0.0

    @property
    def is_sound(self) -> bool:
        """Whether all jobs are done and published exactly once, in a database that is whole."""
        done = {job.id for job in self.jobs if job.state == "done"}
        is_once = done == set(self.publishes) and set(self.publishes.values()) == {1}
        return is_once and len(done) == len(self.jobs) and self.integrity == "ok"


def soak(
    root: Path,
    kill_seconds: float,
    seed: int,
    n_jobs: int,
    pause_seconds: tuple[float, float] = STANDARD_PAUSE_SECONDS,
    n_renderers: int = 1,
    on_line: Callable[[str], None] = print,
) -> Outcome:
    """Accept jobs and kill processes for a while, then let the rest be finished.

    Args:
        root: an empty folder.
        kill_seconds: how long processes are killed.
        seed: of jobs, victims and pauses.
        n_jobs: spread over that time.
        pause_seconds: least and most between two kills.
        n_renderers: each with a device of its own.
        on_line: told of each kill.
    """
    chance, outcome = random.Random(seed), Outcome()
    state, project = StateFolders(root / "state"), root / "project"
    project.mkdir(parents=True)
    store = JobStore(state.job_database)
    service = _start(state, n_renderers)
    began, next_kill, accepted = time.monotonic(), time.monotonic() + 1.5, 0
    try:
        while (passed := time.monotonic() - began) < kill_seconds + PATIENCE_SECONDS:
            while accepted < n_jobs and passed > accepted * kill_seconds * 0.8 / n_jobs:
                _ask(store, project, accepted, chance)
                accepted += 1
            is_missed = not all(outcome.kills[kind] for kind in VICTIMS)  # a busy machine starts them slowly
            is_killing = passed < kill_seconds or is_missed
            if is_killing and time.monotonic() > next_kill:
                next_kill = time.monotonic() + chance.uniform(*pause_seconds)
                spared = {job.run for job in outcome.jobs if job.crashes >= MAX_ATTEMPTS - 1}
                kind = next((kind for kind in VICTIMS if not outcome.kills[kind]), "") if passed > kill_seconds else ""
                service, victim = _kill(service, state, chance, n_renderers, spared, kind)
                outcome.kills[victim] += 1
                on_line(f"{passed:5.1f} s: killed the {victim}")
            outcome.jobs = store.jobs(limit=10_000)
            if not is_killing and accepted == n_jobs and all(job.is_final for job in outcome.jobs):
                break
            time.sleep(0.05)
    finally:
        _end(service)
        store.close()
    outcome.seconds = time.monotonic() - began
    outcome.publishes = Counter((project / "publishes.log").read_text().split())
    outcome.n_aside = sum(path.read_text().count("stands aside") for path in state.root.glob("renderer-*.log*"))
    with closing(sqlite3.connect(state.job_database)) as connection:
        outcome.integrity = connection.execute("PRAGMA integrity_check").fetchone()[0]
    return outcome


def _ask(store: JobStore, project: Path, number: int, chance: random.Random) -> None:
    content = project / f"{number}.json"
    priority = chance.choice(sorted(LONGEST_JOB_SECONDS))
    content.write_text(json.dumps({"seconds": round(chance.uniform(0.1, LONGEST_JOB_SECONDS[priority]), 2)}))
    source = source_file(content, "content")
    store.submit(RenderRequest(str(project), source, source, {"id": "default"}, reqid=f"r{number}", priority=priority))


def _start(state: StateFolders, n_renderers: int) -> subprocess.Popen[bytes]:
    state.root.mkdir(parents=True, exist_ok=True)
    with (state.root / "service.log").open("ab") as output:
        return subprocess.Popen([*SERVICE, str(state.root), str(n_renderers)], stdout=output, stderr=output)


def _kill(
    service: subprocess.Popen[bytes], state: StateFolders, chance: random.Random, n_renderers: int, spared: set[str], kind: str
) -> tuple[subprocess.Popen[bytes], str]:
    """SIGKILL, nothing softer; the service is started again at once, the renderer is the service's to start again, and the
    porter the renderer's.

    A renderer whose name is in `spared` lives on: its job has worn out all renderers but one, and would rightly fail.
    An empty `kind` leaves the victim to chance.
    """
    if chance.random() < 0.6 if not kind else kind != "service":
        parent = psutil.Process(service.pid)
        children = wait_for(lambda: parent.children(recursive=True), what="a renderer to kill")
        words = {child: _words(child) for child in children}
        victims = [child for child in children if words[child] and spared.isdisjoint(words[child])]
        victims = [child for child in victims if kind in ("", _role(words[child]))]
        if victims:
            victim = chance.choice(victims)
            victim.kill()
            return service, _role(words[victim])
        if kind:
            return service, "nobody"
    service.kill()
    service.wait()
    return _start(state, n_renderers), "service"


def _words(process: psutil.Process) -> list[str]:
    try:
        return list(process.cmdline())
    except psutil.Error:  # dead, and not yet buried
        return []


def _role(words: list[str]) -> str:
    return "renderer" if "--run" in words else "porter"


def _end(service: subprocess.Popen[bytes]) -> None:
    children = psutil.Process(service.pid).children(recursive=True)
    service.kill()
    service.wait()
    psutil.wait_procs(children, timeout=60)  # they leave by themselves

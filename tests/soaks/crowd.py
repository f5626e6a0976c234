"""Many at once against a real service: requests of many clients, files in a hot folder, quick jobs one after the other."""

from __future__ import annotations

import json
import selectors
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from daw_bridge.folders import ProjectFolders, StateFolders
from daw_bridge.jobs import JobStore
from tests.service.conftest import write_clip
from tests.service.wire import Osc, ServiceProcess
from tests.waiting import wait_for

RESEND_SECONDS = 1.0
REST_SECONDS = 20.0
SETTLE_SECONDS = 120.0


@contextmanager
def quick_service(root: Path) -> Iterator[tuple[ServiceProcess, Path, Osc]]:
    """A service with the quick renderer, ready, with its project and a client."""
    project = root / "project"
    project.mkdir(parents=True)
    service = ServiceProcess([project], root / "state", is_quick=True)
    osc = Osc(service.port)
    try:
        wait_for(lambda: osc.ask("/status", answer="/status/info")[0] == "idle", what="an idle service")
        yield service, project, osc
    finally:
        osc.close()
        assert service.stop()[0] == 0


@dataclass
class Burst:
    """What came of a burst: jobs accepted by reqid, messages sent for them, seconds until the last answer, jobs on disk."""

    jobs: dict[str, str] = field(default_factory=dict)
    n_sent: int = 0
    seconds: float = 0.0
    n_stored: int = 0


def burst(root: Path, n_requests: int, n_clients: int) -> Burst:
    """Ask for so many jobs at once, each again and again until it is answered."""
    seen = Burst()
    with quick_service(root) as (service, project, _):
        (project / "a.json").write_text('{"seconds": 0.02}')
        clients = [Osc(service.port) for _ in range(n_clients)]
        waiting = {client: {f"r{n}" for n in range(n_requests) if n % n_clients == k} for k, client in enumerate(clients)}
        began, sent = time.monotonic(), dict.fromkeys(clients, 0.0)
        with selectors.DefaultSelector() as selector:
            for client in clients:
                selector.register(client.sock, selectors.EVENT_READ, client)
            while any(waiting.values()) and time.monotonic() - began < 120:
                for client in clients:
                    if waiting[client] and time.monotonic() - sent[client] > RESEND_SECONDS:
                        sent[client] = time.monotonic()
                        for reqid in sorted(waiting[client]):
                            client.send("/remix", "a.json", "a.json", "default", reqid)
                            seen.n_sent += 1
                for key, _ in selector.select(0.05):
                    client = key.data
                    heard = client.receive(0.001)
                    if heard and heard[0] == "/accepted":
                        job, reqid, _ = heard[1]
                        assert seen.jobs.setdefault(reqid, job) == job, "one request became two jobs"
                        waiting[client].discard(reqid)
        seen.seconds = time.monotonic() - began
        for client in clients:
            client.close()
    store = JobStore(root / "state" / "jobs.sqlite")
    seen.n_stored = len(store.jobs(limit=100_000))
    store.close()
    return seen


def drop(root: Path, n_files: int) -> tuple[Counter[str], float]:
    """Drop so many files at once; how often each job was published, and the seconds until the last was."""
    with quick_service(root) as (_, project, _):
        made = root / "made"
        for number in range(n_files):
            write_clip(made / f"stem {number}.wav", seconds=0.05, seed=number)
        write_clip(made / "style.wav", seconds=0.1, seed=n_files)
        began = time.monotonic()
        made.rename(ProjectFolders(project).drop / "hot")
        log = project / "publishes.log"

        def published() -> list[str]:
            lines = log.read_text().split() if log.exists() else []
            return lines if len(lines) >= n_files else []

        lines = wait_for(published, SETTLE_SECONDS + 0.3 * n_files, f"{n_files} remixes")
        return Counter(lines), time.monotonic() - began


@dataclass(frozen=True)
class Holdings:
    """What the service and its renderer hold: file descriptors, threads, processes, files in the state folder, bytes."""

    n_fds: int
    n_threads: int
    n_processes: int
    n_files: int
    n_bytes: int

    def is_within(self, before: Holdings) -> bool:
        """Whether nothing has leaked since: a pool of database connections may grow by a few, a leak grows with each job."""
        is_small = self.n_fds <= before.n_fds + 8 and self.n_threads <= before.n_threads + 1
        return is_small and self.n_processes <= before.n_processes and self.n_files <= before.n_files


def hold(service: ServiceProcess) -> Holdings:
    """Count."""
    own = psutil.Process(service.process.pid)
    family = [own, *own.children(recursive=True)]
    files = [path for path in service.state.rglob("*") if path.is_file() and "jobs.sqlite" not in path.name]
    numbers = (sum(p.num_fds() for p in family), sum(p.num_threads() for p in family), len(family), len(files))
    return Holdings(*numbers, sum(p.memory_info().rss for p in family))


def quick_jobs(root: Path, n_jobs: int, n_before: int = 10) -> tuple[Holdings, Holdings]:
    """Have so many quick jobs made one after the other; what was held after the first ones, and after all."""
    with quick_service(root) as (service, project, osc):

        def make(number: int) -> None:
            name = f"{number}.json"
            (project / name).write_text(json.dumps({"seconds": 0.0}))
            osc.send("/remix", name, name, "default")
            osc.expect("/done", osc.expect("/accepted")[0])
            (project / name).unlink()
            wait_for(lambda: not any(StateFolders(service.state).work.iterdir()), what="the job's work folder to be gone")

        for number in range(n_before):
            make(number)
        before = hold(service)
        for number in range(n_before, n_before + n_jobs):
            make(number)
        after = [hold(service)]

        def is_at_rest() -> bool:  # threads and files come and go; what leaks stays
            after[0] = hold(service)
            return after[0].is_within(before)

        with suppress(AssertionError):
            wait_for(is_at_rest, REST_SECONDS)
        return before, after[0]

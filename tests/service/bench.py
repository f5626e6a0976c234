"""A supervisor over real renderer processes, whose stages are quick: see tests/renderer/quick.py."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from daw_bridge.folders import ProjectFolders, StateFolders
from daw_bridge.jobs import Job, JobStore
from daw_bridge.request import RenderRequest, source_file
from daw_bridge.service.supervisor import Supervisor
from tests.renderer.small_service import QUICK
from tests.waiting import PATIENCE_SECONDS, wait_for


@dataclass
class Bench:
    """A project, a store and a supervisor."""

    root: Path
    store: JobStore
    supervisor: Supervisor

    def ask(self, reqid: str, priority: str = "interactive", **content: Any) -> Job:
        """Accept a job whose content says what the renderer is to do."""
        self.root.mkdir(exist_ok=True)
        named = self.root / f"{reqid}.json"
        named.write_text(json.dumps(content))
        source = source_file(named, "content")
        job, _ = self.store.submit(
            RenderRequest(str(self.root), source, source, {"id": "default"}, reqid=reqid, priority=priority)
        )
        self.supervisor.nudge()
        return job

    def held(self, reqid: str, priority: str = "interactive", seconds: float = 0.4, **content: Any) -> Job:
        """Accept a job that stays half way until `let_go`."""
        self.root.mkdir(exist_ok=True)
        (self.root / f"hold {reqid}").touch()
        return self.ask(reqid, priority, seconds=seconds, hold=f"hold {reqid}", **content)

    def let_go(self, job: Job) -> None:
        """Let a job that was held go on."""
        (self.root / f"hold {job.request.reqid}").unlink()

    def until(self, job: Job, *states: str, seconds: float = PATIENCE_SECONDS) -> Job:
        """Tick until a job is in one of these states."""

        def look() -> Job | None:
            self.supervisor.tick(time.monotonic())
            now = self.store.get(job.id)
            return now if now.state in states else None

        return wait_for(look, seconds, f"{states} of {job.id}")

    def ticket(self, reqid: str) -> dict[str, Any]:
        path = ProjectFolders(self.root).results / f"{reqid}.json"
        wait_for(path.exists, what=f"the result ticket {path.name}")
        table: dict[str, Any] = json.loads(path.read_text())
        return table

    def lines(self, name: str) -> list[str]:
        path = self.root / name
        return path.read_text().split("\n")[:-1] if path.exists() else []

    @property
    def pid(self) -> int:
        process = self.supervisor._renderers[0].process
        assert process is not None
        return process.pid


@contextmanager
def supervised(root: Path, devices: Sequence[str] = ("cpu",), command: Sequence[str] = QUICK) -> Iterator[Bench]:
    """Renderers that work until the block ends."""
    state = StateFolders(root / "state")
    store = JobStore(state.job_database)
    supervisor = Supervisor(state, store, devices, command=command)
    supervisor.start()
    try:
        yield Bench(root / "project", store, supervisor)
    finally:
        supervisor.stop(5.0)
        store.close()

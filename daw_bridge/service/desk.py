"""Everything about jobs that blocks: the store and the supervisor, used from one thread of their own."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import DawBridgeError, UnknownJob
from ..folders import StateFolders
from ..job import ACTIVE, Job
from .intake import Ask, request_of
from .purge import purge_tickets
from .tickets import REFUSED

if TYPE_CHECKING:
    from ..jobs import JobStore
    from .supervisor import Supervisor

MAX_ACTIVE = 5000
STOP_SECONDS = 5.0

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class News:
    """What a look at the store showed.

    Attributes:
        active: jobs that are not over.
        ended: jobs that were active at the look before, and are over now.
        seconds: what the look cost.
    """

    active: tuple[Job, ...]
    ended: tuple[Job, ...]
    seconds: float = 0.0


class Desk:
    """The jobs as the service works with them. `open` comes first; every method blocks.

    Args:
        state: the service's state folder.
        roots: named roots for OSC paths.
    """

    def __init__(self, state: StateFolders, roots: Mapping[str, Path]) -> None:
        self._state = state
        self._roots = roots
        self._active: dict[str, Job] = {}
        self._opened: tuple[JobStore, Supervisor] | None = None
        self._is_paused = False

    def open(self) -> None:
        """Open the store and start the renderers; takes about a second, most of it importing."""
        from ..jobs import JobStore
        from .supervisor import Supervisor

        store = JobStore(self._state.job_database)
        supervisor = Supervisor(self._state, store)
        self._opened = store, supervisor
        supervisor.set_paused(self._is_paused)
        supervisor.start()

    @property
    def _store(self) -> JobStore:
        assert self._opened is not None, "open() comes first"
        return self._opened[0]

    @property
    def _supervisor(self) -> Supervisor:
        assert self._opened is not None, "open() comes first"
        return self._opened[1]

    def close(self) -> None:
        """Send the renderers away and let go of the store."""
        if self._opened is not None:
            self._supervisor.stop(STOP_SECONDS)
            self._store.close()
            self._opened = None

    def submit(self, ask: Ask, projects: Sequence[Path]) -> tuple[Job, bool]:
        """Check an ask and put it on disk; the job, and whether it is new.

        Raises:
            DawBridgeError: what is wrong with it.
        """
        job, is_new = self._store.submit(request_of(ask, projects, self._roots))
        if is_new:
            self._active[job.id] = job
            self._supervisor.nudge()
        elif job.is_final:
            self._write_result(job)
        return job, is_new

    def _write_result(self, job: Job) -> None:
        """Whoever asks again may have removed the first answer."""
        from ..results import write_result

        try:
            write_result(job)
        except (OSError, DawBridgeError) as error:
            log.warning("job %s: no result ticket: %s", job.id, error)

    def job(self, job_id: str) -> Job:
        """One job.

        Raises:
            UnknownJob: there is none of that id.
        """
        return self._store.get(job_id)

    def jobs(self, limit: int) -> list[Job]:
        """The newest jobs."""
        return self._store.jobs(limit=limit)

    def cancel(self, job_id: str) -> Job:
        """Cancel a job; the newest active one where the id is empty.

        Raises:
            UnknownJob: no such job, or none is active.
            NotCancellable: it is over.
        """
        if not job_id:
            active = self._store.jobs(ACTIVE, limit=MAX_ACTIVE)
            if not active:
                raise UnknownJob("no job is active", "There is nothing to cancel.")
            job_id = active[0].id
        return self._supervisor.cancel(job_id)

    def cancel_all(self) -> list[Job]:
        """Cancel every active job; those that end by themselves meanwhile are left out."""
        cancelled = []
        for job in self._store.jobs(ACTIVE, limit=MAX_ACTIVE):
            try:
                cancelled.append(self._supervisor.cancel(job.id))
            except DawBridgeError as error:
                log.info("job %s was not cancelled: %s", job.id, error)
        return cancelled

    def retry(self, job_id: str) -> Job:
        """Render a failed or cancelled job again, under the next number.

        Raises:
            UnknownJob: there is none of that id.
            BadArguments: it neither failed nor was cancelled.
        """
        job = self._store.retry(job_id)
        self._active[job.id] = job
        self._supervisor.nudge()
        return job

    def set_paused(self, is_paused: bool) -> None:
        """Let the renderers rest or go on."""
        self._is_paused = is_paused
        if self._opened is not None:
            self._supervisor.set_paused(is_paused)

    def purge(self, keep_days: int, projects: Sequence[Path]) -> None:
        """Forget jobs that ended so many days ago, and remove old tickets."""
        n_jobs = self._store.purge(datetime.now(UTC) - timedelta(days=keep_days))
        n_tickets = purge_tickets(projects, self._state.tickets / REFUSED, time.time())
        if n_jobs or n_tickets:
            log.info("purged %d jobs and %d old tickets", n_jobs, n_tickets)

    def tick(self, now: float) -> News:
        """Look after the renderers and see what became of the jobs.

        Args:
            now: monotonic seconds.
        """
        began = time.perf_counter()
        self._supervisor.tick(now)
        if not self._store.has_changed():
            return News(tuple(self._active.values()), ())
        active = {job.id: job for job in self._store.jobs(ACTIVE, limit=MAX_ACTIVE)}
        ended = []
        for job_id in self._active.keys() - active.keys():
            try:
                job = self._store.get(job_id)
            except UnknownJob:
                continue  # purged
            if job.is_final:
                ended.append(job)
            else:  # queued again between the two queries
                active[job_id] = job
        self._active = active
        return News(tuple(active.values()), tuple(ended), time.perf_counter() - began)

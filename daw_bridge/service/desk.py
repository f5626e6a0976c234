"""Everything about jobs that blocks: the store and the supervisor, used from a thread that accepts and one for all else."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import DawBridgeError, Internal, UnknownJob
from ..folders import StateFolders
from ..job import ACTIVE, FINAL, Job
from .intake import Ask, request_of

if TYPE_CHECKING:
    from ..jobs import JobStore
    from ..request import RenderRequest
    from .supervisor import Supervisor

MAX_ACTIVE = 5000
STOP_SECONDS = 5.0
TIDY_SECONDS, LATEST_TIDY_SECONDS = 5.0, 60.0
CALM_SECONDS = 1.0  # since somebody asked: tidying keeps the disk busy, and whoever asks waits for the disk
MAX_ENDED_KEPT = 1000

Accepted = tuple[Job, bool]  # the job, and whether it is new

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class News:
    """What a look at the store showed.

    Attributes:
        active: jobs that are not over.
        ended: jobs that were active at the look before, and are over now.
        seconds: what the look cost.
        trouble: why nothing is rendered, in a sentence; empty where all is well.
    """

    active: tuple[Job, ...]
    ended: tuple[Job, ...]
    seconds: float = 0.0
    trouble: str = ""


class Desk:
    """The jobs as the service works with them. `open` comes first; every method blocks.

    `submit_all` has a thread of its own, everything else another: whoever asks waits for no look at a long queue.

    Args:
        state: the service's state folder.
        roots: named roots for OSC paths.
        has_previews: whether long renders offer a first sound, where the request does not say no.
    """

    def __init__(self, state: StateFolders, roots: Mapping[str, Path], has_previews: bool = True) -> None:
        self._state = state
        self._roots = roots
        self._has_previews = has_previews
        self._active: dict[str, Job] = {}
        self._new: deque[Job] = deque()
        self._ended: deque[str] = deque(maxlen=MAX_ENDED_KEPT)
        self._opened: tuple[JobStore, Supervisor] | None = None
        self._is_paused = False
        self._next_tidy, self._calm_from = 0.0, 0.0
        self._is_asked = False

    def open(self, on_open: Callable[[], object]) -> None:
        """Open the store and start the renderers; takes about a second, most of it importing.

        Args:
            on_open: called when nobody needs to wait for the store any more, for it could not be opened or is open.
        """
        try:
            from ..jobs import JobStore
            from .supervisor import Supervisor

            store = JobStore(self._state.job_database)
            supervisor = Supervisor(self._state, store)
            self._active = {job.id: job for job in store.jobs(ACTIVE, limit=MAX_ACTIVE)}  # however soon they are over
            self._opened = store, supervisor
        finally:
            on_open()  # a renderer takes its time to start, and who asks need not wait for it
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

    def submit_all(self, requests: Sequence[RenderRequest]) -> list[Accepted]:
        """Put requests on disk, all at once; for each of them the job, and whether it is new.

        Raises:
            DiskFull: no room to write them down; none of them is.
        """
        self._is_asked = True
        answers = self._store.submit_all(requests)
        self._new.extend(job for job, is_new in answers if is_new)
        if any(is_new for _, is_new in answers):
            self._supervisor.nudge()
        for job, is_new in answers:
            if job.is_final and not is_new:
                self._supervisor.tell(job)  # whoever asks again may have removed the first answer
        return answers

    def looked_at(self, ask: Ask, projects: Sequence[Path]) -> RenderRequest:
        """Look at what is asked. Any thread may.

        Raises:
            DawBridgeError: what is wrong with it.
        """
        try:
            return request_of(self._allowed(ask), projects, self._roots)
        except DawBridgeError:
            raise
        except Exception:
            log.exception("%r cannot be looked at", ask)
            raise Internal("this request met a defect", "The log says more.") from None

    def _allowed(self, ask: Ask) -> Ask:
        return ask if self._has_previews else replace(ask, has_preview=False)

    def job(self, job_id: str) -> Job:
        """One job.

        Raises:
            UnknownJob: there is none of that id.
        """
        return self._store.get(job_id)

    def jobs(self, limit: int) -> list[Job]:
        """Those that render, those that wait in the order of the queue, then those that are over, the newest first."""
        active = self._store.next_up(limit)
        ended = self._store.jobs(FINAL, limit=limit - len(active))
        known = {job.id for job in active}  # one may have ended between the two looks
        return active + [job for job in ended if job.id not in known]

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
        self._new.append(job)
        self._supervisor.nudge()
        return job

    def set_paused(self, is_paused: bool) -> None:
        """Let the renderers rest or go on."""
        self._is_paused = is_paused
        if self._opened is not None:
            self._supervisor.set_paused(is_paused)

    def purge(self, keep_days: int, now: float) -> None:
        """Forget jobs that ended so many days before now (seconds since the epoch)."""
        n_jobs = self._store.purge(datetime.fromtimestamp(now, UTC) - timedelta(days=keep_days))
        if n_jobs:
            log.info("purged %d jobs", n_jobs)

    def tick(self, now: float) -> News:
        """Look after the renderers and see what became of the jobs.

        Args:
            now: monotonic seconds.
        """
        began = time.perf_counter()
        self._supervisor.tick(now)
        if self._is_asked:
            self._is_asked, self._calm_from = False, now + CALM_SECONDS
        while self._new:  # written down before this look, so that it sees them, however soon they are over
            job = self._new.popleft()
            if job.id not in self._ended:
                self._active.setdefault(job.id, job)
        if not self._store.has_changed():
            return News(tuple(self._active.values()), (), trouble=self._supervisor.trouble)
        if now >= self._next_tidy and (now >= self._calm_from or now >= self._next_tidy + LATEST_TIDY_SECONDS):
            self._store.tidy()
            self._next_tidy = now + TIDY_SECONDS
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
        ended.sort(key=lambda job: job.created)  # those that ended within one look are told in the order they were asked for
        self._active = active
        self._ended.extend(job.id for job in ended)
        return News(tuple(active.values()), tuple(ended), time.perf_counter() - began, self._supervisor.trouble)

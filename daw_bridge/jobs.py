"""The job store: what was accepted, kept on disk by DBOS on SQLite, and what became of it."""

from __future__ import annotations

import os
import sqlite3
import sys
import threading
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from .errors import BadArguments, DiskFull, NotCancellable, ResourceError, UnknownJob
from .job import ACTIVE, FINAL, MAX_ATTEMPTS, STATES, Job, Published
from .request import PRIORITIES, RenderRequest, request_from

if TYPE_CHECKING:
    from dbos import WorkflowStatus

__all__ = ["ACTIVE", "FINAL", "MAX_ATTEMPTS", "STATES", "Job", "JobStore", "Published", "prepare"]

APPLICATION = "daw-bridge"
QUEUE = "render"
WORKFLOW = "render"
PUBLISH_PHASE = "publish"
POLLING_SECONDS = 0.1

_STATE_OF = {
    "DELAYED": "queued",
    "ENQUEUED": "queued",
    "PENDING": "rendering",  # or publishing: the engine has no such state, the phase tells
    "SUCCESS": "done",
    "ERROR": "failed",
    "MAX_RECOVERY_ATTEMPTS_EXCEEDED": "failed",
    "CANCELLED": "cancelled",  # or done, where the file was published in the moment of the cancel
}
_MAX_REQUESTS_KEPT = 2000


def database_url(database: Path) -> str:
    """The engine's name for a database file; for this module and the renderer's entry alone."""
    return f"sqlite:///{quote(str(database))}"  # unquoted where it is read, so a "%" or "?" must be hidden


def prepare(database: Path) -> None:
    """Make the database or bring it up to date; costs a millisecond where it is ready.

    Raises:
        ResourceError: this Python's SQLite is too old.
    """
    if sys.version_info >= (3, 12) and sqlite3.sqlite_version_info < (3, 42):
        needed = f"Python {sys.version_info[0]}.{sys.version_info[1]} needs 3.42"
        raise ResourceError(
            f"SQLite {sqlite3.sqlite_version} is too old: {needed}",
            "Use another build of Python, for example the one from python.org.",
        )
    database.parent.mkdir(parents=True, exist_ok=True)
    stamp = _schema_stamp()
    with closing(sqlite3.connect(database, timeout=30)) as connection:
        if connection.execute("PRAGMA user_version").fetchone()[0] == stamp:
            return
        connection.execute("PRAGMA journal_mode=WAL")
    from dbos import DBOSClient, run_dbos_database_migrations

    run_dbos_database_migrations(database_url(database))
    client = DBOSClient(system_database_url=database_url(database), application_name=APPLICATION)
    client.register_queue(QUEUE, worker_concurrency=1, polling_interval_sec=POLLING_SECONDS)
    client.destroy()
    with closing(sqlite3.connect(database, timeout=30)) as connection:
        connection.execute(f"PRAGMA user_version={stamp}")  # last, so that a half-made database is made again


def _schema_stamp() -> int:
    major, minor, patch = (int(part) for part in version("dbos").split(".")[:3])
    return (major * 1000 + minor) * 1000 + patch


class JobStore:
    """The accepted jobs. What `submit` returned survives kill -9; any number of processes may open the same file.

    Its methods take about a millisecond and block; from an asyncio loop call them through `asyncio.to_thread`.

    Args:
        database: the file, on a local disk; made where it is missing.
    """

    def __init__(self, database: Path) -> None:
        prepare(database)
        from dbos import DBOSClient

        url = database_url(database)
        self._client = DBOSClient(system_database_url=url, application_name=APPLICATION, retry_connection_errors=False)
        self._watch = sqlite3.connect(database, check_same_thread=False)
        self._watch_lock = threading.Lock()
        self._seen_version = -1
        self._requests: dict[str, RenderRequest] = {}

    def close(self) -> None:
        """Let go of the file."""
        self._client.destroy()
        self._watch.close()

    def submit(self, request: RenderRequest) -> tuple[Job, bool]:
        """Accept a request; it is on disk when this returns.

        Returns:
            The job, and whether it is new. The same request again gives the job that exists, unless it is forced, that
            job failed or was cancelled, or its file is gone or altered.

        Raises:
            DiskFull: no room to write it down.
        """
        from dbos import error as dbos_error
        from sqlalchemy.exc import OperationalError

        key = request.key[:24]
        while True:
            jobs = {int(job.id.rpartition(".")[2]): job for job in self._read(workflow_id_prefix=f"{key}.")}
            number = max(jobs, default=0)
            if jobs and not request.is_forced and _answers_a_repeat(jobs[number]):
                return jobs[number], False
            try:
                return self._enqueue(f"{key}.{number + 1}", request), True
            except dbos_error.DBOSWorkflowIDInUseError:
                continue  # somebody else took that number a moment ago: look again
            except OperationalError as error:
                if "full" not in str(error.orig):
                    raise
                raise DiskFull("the disk has no room to write the job down", "Free some space and ask again.") from None

    def _enqueue(self, job_id: str, request: RenderRequest) -> Job:
        from dbos import EnqueueOptions, WorkflowSerializationFormat

        options = EnqueueOptions(
            workflow_name=WORKFLOW,
            queue_name=QUEUE,
            workflow_id=job_id,
            workflow_id_reuse_policy="reject",
            priority=PRIORITIES[request.priority],
            attributes={"fraction": 0.0, "phase": "", "crashes": 0},
            serialization_type=WorkflowSerializationFormat.PORTABLE,
        )
        self._client.enqueue(options, request.to_table())
        return self.get(job_id)

    def get(self, job_id: str) -> Job:
        """One job.

        Raises:
            UnknownJob: there is none of that id.
        """
        jobs = self._read(workflow_ids=[job_id])
        if not jobs:
            raise UnknownJob(f"job {job_id[:80]!r} is not known", "Ask for the list of jobs.")
        return jobs[0]

    def jobs(self, states: Sequence[str] | None = None, limit: int = 200) -> list[Job]:
        """Jobs in some states or in all, the newest first; at most `limit` are looked at."""
        wanted = set(STATES if states is None else states)
        statuses = [status for status, state in _STATE_OF.items() if state in wanted]
        if "publishing" in wanted and "PENDING" not in statuses:
            statuses.append("PENDING")
        found = self._read(status=statuses, limit=limit, sort_desc=True)
        return [job for job in found if job.state in wanted]

    def has_changed(self) -> bool:
        """Whether anybody wrote since this was last asked; takes microseconds, so that nothing need be listed to know."""
        with self._watch_lock:
            current = self._watch.execute("PRAGMA data_version").fetchone()[0]
            has_changed, self._seen_version = current != self._seen_version, current
        return bool(has_changed)

    def cancel(self, job_id: str) -> Job:
        """Give a job up: a queued one never starts, a running one hears of it within a quarter of a second.

        Raises:
            UnknownJob: there is none of that id.
            NotCancellable: it has ended, or its file is being published.
        """
        job = self.get(job_id)
        was_active = job.state in ("queued", "rendering")
        if was_active:
            self._client.cancel_workflow(job_id)
            job = self.get(job_id)
        if not was_active or job.state != "cancelled":
            raise NotCancellable(f"job {job_id} is {job.state}, so it cannot be cancelled", "Only queued and rendering jobs can.")
        return job

    def retry(self, job_id: str) -> Job:
        """Render a failed or cancelled job again, under the next number.

        Raises:
            UnknownJob: there is none of that id.
            BadArguments: it neither failed nor was cancelled.
        """
        job = self.get(job_id)
        if job.state not in ("failed", "cancelled"):
            raise BadArguments(f"job {job_id} is {job.state}, neither failed nor cancelled", "Ask for the remix with force=1.")
        return self.submit(job.request)[0]

    def note(self, job_id: str, **attributes: Any) -> None:
        """Keep plain values beside a job, each in place of its earlier one: progress, a crash, the outcome."""
        self._client.update_workflow_attributes(job_id, attributes, merge=True)

    def purge(self, older_than: datetime) -> int:
        """Forget the jobs that ended before `older_than` (with its time zone); files stay. Returns how many."""
        before = older_than.isoformat()
        rows = self._client.list_workflows(completed_before=before, name=WORKFLOW, load_input=False, load_output=False)
        ids = [row.workflow_id for row in rows]
        if ids:
            self._client.delete_workflows(ids)
        return len(ids)

    def _read(self, **query: Any) -> list[Job]:
        rows = self._client.list_workflows(name=WORKFLOW, load_input=False, **query)
        requests = self._requests_of([row.workflow_id for row in rows])
        places = self._places() if any(_STATE_OF[row.status] == "queued" for row in rows) else {}
        # A job purged between the two queries is gone.
        return [_job(row, requests[row.workflow_id], places.get(row.workflow_id)) for row in rows if row.workflow_id in requests]

    def _requests_of(self, job_ids: Iterable[str]) -> dict[str, RenderRequest]:
        """A request never changes, so each is read and parsed once."""
        known = {job_id: self._requests.get(job_id) for job_id in job_ids}
        missing = [job_id for job_id, request in known.items() if request is None]
        if missing:
            rows = self._client.list_workflows(workflow_ids=missing, load_output=False)
            read = {row.workflow_id: request_from(row.input["args"][0]) for row in rows if row.input is not None}
            if len(self._requests) > _MAX_REQUESTS_KEPT:
                self._requests = {}
            self._requests.update(read)
            known.update(read)
        return {job_id: request for job_id, request in known.items() if request is not None}

    def _places(self) -> dict[str, int]:
        """Asked of SQLite itself: the engine's own listing takes a hundred times as long when a thousand jobs wait."""
        query = "SELECT workflow_uuid FROM workflow_status WHERE status = 'ENQUEUED' AND name = ? ORDER BY priority, created_at"
        with self._watch_lock:
            rows = self._watch.execute(query, (WORKFLOW,)).fetchall()
        return {job_id: place for place, (job_id,) in enumerate(rows, 1)}


def _answers_a_repeat(job: Job) -> bool:
    if job.state == "done" and job.published:
        try:
            status = os.stat(job.published.file)
        except OSError:
            return False
        return (status.st_size, status.st_mtime_ns) == (job.published.size_bytes, job.published.mtime_ns)
    return job.state in ACTIVE


def _job(row: WorkflowStatus, request: RenderRequest, position: int | None) -> Job:
    noted: Mapping[str, Any] = row.attributes or {}
    state = _STATE_OF[row.status]
    if state == "rendering" and noted.get("phase") == PUBLISH_PHASE:
        state = "publishing"
    published = Published(**noted["published"]) if noted.get("published") else None
    if state == "cancelled" and published:
        state = "done"
    return Job(
        id=row.workflow_id,
        state=state,
        request=request,
        fraction=1.0 if state == "done" else float(noted.get("fraction", 0.0)),
        phase=str(noted.get("phase", "")),
        position=position if state == "queued" else None,
        published=published if state == "done" else None,
        error=_error_table(row.error) if state == "failed" else None,
        created=(row.created_at or 0) / 1000,
        crashes=int(noted.get("crashes", 0)),
        run=str(noted.get("run", "")),
        is_told=bool(noted.get("is_told", False)),
        waits=str(noted.get("waits", "")) if state in ACTIVE else "",
    )


def _error_table(error: Exception | None) -> dict[str, str]:
    """What the renderer raised, as it crossed over: a code and a hint travel with the sentence."""
    data = getattr(error, "data", None)
    hint = data.get("hint", "") if isinstance(data, dict) else ""
    code = getattr(error, "code", None)
    return {"code": str(code or "internal"), "message": str(error or "the job ended without a word"), "hint": str(hint)}

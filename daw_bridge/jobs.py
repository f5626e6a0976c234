"""The job store: what was accepted, kept on disk by DBOS on SQLite, and what became of it."""

from __future__ import annotations

import json
import os
import sqlite3
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from .errors import BadArguments, DiskFull, NotCancellable, ResourceError, UnknownJob
from .job import ACTIVE, FINAL, MAX_ATTEMPTS, STATES, Job, Published
from .job_rows import PUBLISH_PHASE, STATE_OF, WORKFLOW, Row, Rows, job_of
from .request import PRIORITIES, RenderRequest, request_from

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

__all__ = ["ACTIVE", "FINAL", "MAX_ATTEMPTS", "PUBLISH_PHASE", "STATES", "WORKFLOW", "Job", "JobStore", "Published", "prepare"]

APPLICATION = "daw-bridge"
QUEUE = "render"
POLLING_SECONDS = 0.1

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


def leave_the_disk_to_others() -> None:
    """From now on no commit of this process waits for the disk, nor tidies the log; for renderers.

    A renderer's turn at the disk comes last, and while a commit waits for it nobody else can write: no request would be
    accepted. What it writes down survives its own death at once, and a power cut as soon as the service commits or tidies;
    whatever is lost by one is done again, and published no second time.
    """
    from sqlalchemy import Engine, event

    @event.listens_for(Engine, "connect")
    def prepare_connection(connection: sqlite3.Connection, _: object) -> None:
        for pragma in ("synchronous=NORMAL", "wal_autocheckpoint=0"):
            connection.execute(f"PRAGMA {pragma}")


def _schema_stamp() -> int:
    major, minor, patch = (int(part) for part in version("dbos").split(".")[:3])
    return (major * 1000 + minor) * 1000 + patch


class JobStore:
    """The accepted jobs. What `submit` returned survives kill -9; any number of processes may open the same file.

    Its methods take about a millisecond and block; from an asyncio loop call them through `asyncio.to_thread`. Any thread
    may call any of them.

    Args:
        database: the file, on a local disk; made where it is missing.
    """

    def __init__(self, database: Path) -> None:
        prepare(database)
        from dbos import DBOSClient

        url = database_url(database)
        self._client = DBOSClient(system_database_url=url, application_name=APPLICATION, retry_connection_errors=False)
        self._accepting = _engine(url)
        self._rows = Rows(database)
        self._requests: dict[str, RenderRequest] = {}
        self._presets: dict[str, Mapping[str, Any]] = {}  # of the requests, by their own JSON

    def close(self) -> None:
        """Let go of the file."""
        self._client.destroy()
        self._accepting.dispose()
        self._rows.close()

    def submit(self, request: RenderRequest) -> tuple[Job, bool]:
        """Accept a request; it is on disk when this returns.

        Returns:
            The job, and whether it is new. The same request again gives the job that exists, unless it is forced, that
            job failed or was cancelled, or its file is gone or altered.

        Raises:
            DiskFull: no room to write it down.
        """
        return self.submit_all([request])[0]

    def submit_all(self, requests: Sequence[RenderRequest]) -> list[tuple[Job, bool]]:
        """Accept requests in their order, all in one transaction: the disk is waited for once.

        Returns:
            for each of them, as `submit` says.

        Raises:
            DiskFull: no room to write them down; none of them is.
        """
        from dbos import error as dbos_error
        from sqlalchemy.exc import OperationalError

        while True:
            ids, new = self._numbered(requests)
            try:
                if new:
                    with self._accepting.begin() as connection:
                        for job_id, request in new.items():
                            self._enqueue(connection, job_id, request)
                        _keep_order(connection, list(new))
                break
            except dbos_error.DBOSWorkflowIDInUseError:
                continue  # somebody else took a number a moment ago: look again
            except OperationalError as error:
                if "full" not in str(error.orig):
                    raise
                raise DiskFull("the disk has no room to write the job down", "Free some space and ask again.") from None
        self._remember(new)
        jobs = {job.id: job for job in self._jobs(self._rows.of_ids(list(dict.fromkeys(ids))))}
        first = {job_id: ids.index(job_id) for job_id in new}
        return [(jobs[job_id], first.get(job_id) == index) for index, job_id in enumerate(ids)]

    def _numbered(self, requests: Sequence[RenderRequest]) -> tuple[list[str], dict[str, RenderRequest]]:
        """The id of the job that answers each request, and those jobs that are not there yet."""
        ids: list[str] = []
        new: dict[str, RenderRequest] = {}
        latest: dict[str, int] = {}
        for request in requests:
            key = request.key[:24]
            is_fresh = key not in latest
            number = latest[key] if not is_fresh else self._rows.latest_number(key)
            is_answered = (
                number > 0 and not _is_asked_anew(request) and (not is_fresh or _answers_a_repeat(self.get(f"{key}.{number}")))
            )
            if not is_answered:
                number += 1
                new[f"{key}.{number}"] = request
            latest[key] = number
            ids.append(f"{key}.{number}")
        return ids, new

    def _enqueue(self, connection: Connection, job_id: str, request: RenderRequest) -> None:
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
        self._client.enqueue_in_transaction(connection, options, request.to_table())

    def get(self, job_id: str) -> Job:
        """One job.

        Raises:
            UnknownJob: there is none of that id.
        """
        jobs = self._jobs(self._rows.of_ids([job_id]))
        if not jobs:
            raise UnknownJob(f"job {job_id[:80]!r} is not known", "Ask for the list of jobs.")
        return jobs[0]

    def jobs(self, states: Sequence[str] | None = None, limit: int = 200) -> list[Job]:
        """Jobs in some states or in all, the newest first; at most `limit` are looked at."""
        wanted = set(STATES if states is None else states)
        statuses = [status for status, state in STATE_OF.items() if state in wanted]
        if "publishing" in wanted and "PENDING" not in statuses:
            statuses.append("PENDING")
        return [job for job in self._jobs(self._rows.of_statuses(statuses, limit)) if job.state in wanted]

    def next_up(self, limit: int) -> list[Job]:
        """Jobs that are not over: those that render, then those that wait, in the order of the queue."""
        return self._jobs(self._rows.next_up(limit))

    def has_changed(self) -> bool:
        """Whether anybody wrote since this was last asked; takes microseconds, so that nothing need be listed to know."""
        return self._rows.has_changed()

    def tidy(self) -> None:
        """Now and then: keep the database's log short, so that no `submit` has to."""
        self._rows.tidy()

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

    def put_back(self, job_id: str, executor: str) -> bool:
        """Put a job that a renderer has in hand back where it stood in the queue.

        Args:
            job_id: the job.
            executor: the engine's name of the renderer that has it.

        Returns:
            Whether it was; not where the job was cancelled meanwhile.
        """
        return self._client._sys_db.reenqueue_for_recovery(job_id, [executor], QUEUE)

    def taken_by(self, executor: str) -> set[str]:
        """The ids of the jobs that a renderer has in hand by the engine's books; takes microseconds."""
        return self._rows.taken_by(executor)

    def has_more_urgent(self, priority: str) -> bool:
        """Whether a job of a more urgent class waits in the queue; takes microseconds."""
        return self._rows.has_more_urgent(PRIORITIES[priority])

    def purge(self, older_than: datetime) -> int:
        """Forget the jobs that ended before `older_than` (with its time zone); files stay. Returns how many."""
        before = older_than.isoformat()
        rows = self._client.list_workflows(completed_before=before, name=WORKFLOW, load_input=False, load_output=False)
        ids = [row.workflow_id for row in rows]
        if ids:
            self._client.delete_workflows(ids)
        return len(ids)

    def _jobs(self, rows: Sequence[Row]) -> list[Job]:
        requests = self._requests_of([row.id for row in rows])
        places = self._rows.places() if any(STATE_OF[row.status] == "queued" for row in rows) else {}
        errors = self._errors_of([row.id for row in rows if STATE_OF[row.status] == "failed"])
        # A job purged between the queries is gone.
        return [job_of(row, requests[row.id], places.get(row.id), errors.get(row.id)) for row in rows if row.id in requests]

    def _errors_of(self, job_ids: list[str]) -> dict[str, Exception | None]:
        """In the engine's own reading: how it writes errors is its business."""
        rows = self._client.list_workflows(workflow_ids=job_ids, load_input=False) if job_ids else []
        return {row.workflow_id: row.error for row in rows}

    def _requests_of(self, job_ids: Iterable[str]) -> dict[str, RenderRequest]:
        """A request never changes, so each is read and parsed once."""
        known = {job_id: self._requests.get(job_id) for job_id in job_ids}
        missing = [job_id for job_id, request in known.items() if request is None]
        if missing:
            rows = self._client.list_workflows(workflow_ids=missing, load_output=False)
            read = {row.workflow_id: request_from(row.input["args"][0]) for row in rows if row.input is not None}
            self._remember(read)
            known.update({job_id: self._requests[job_id] for job_id in read})
        return {job_id: request for job_id, request in known.items() if request is not None}

    def _remember(self, requests: dict[str, RenderRequest]) -> None:
        """Keep requests, equal presets once: parsed, each takes 5 kB, five times as much as all the rest of a request."""
        if len(self._requests) > _MAX_REQUESTS_KEPT:
            self._requests, self._presets = {}, {}
        for job_id, request in requests.items():
            preset = self._presets.setdefault(json.dumps(request.preset, sort_keys=True), request.preset)
            self._requests[job_id] = replace(request, preset=preset)


def _engine(url: str) -> Engine:
    """Connections that a commit leaves on the disk, and that leave the tidying of the log to others."""
    from sqlalchemy import create_engine, event

    engine = create_engine(url, pool_size=1, max_overflow=4)

    @event.listens_for(engine, "connect")
    def prepare_connection(connection: sqlite3.Connection, _: object) -> None:
        connection.isolation_level = "IMMEDIATE"
        for pragma in ("busy_timeout=30000", "foreign_keys=ON", "synchronous=FULL", "wal_autocheckpoint=0"):
            connection.execute(f"PRAGMA {pragma}")

    return engine


def _keep_order(connection: Connection, job_ids: list[str]) -> None:
    """Date each job after all that wait, so that nobody overtakes: the engine counts whole seconds, and clocks are set back."""
    query = "SELECT MAX(created_at) FROM workflow_status WHERE queue_name = ? AND status IN ('ENQUEUED', 'PENDING')"
    marks = ", ".join("?" for _ in job_ids)
    newest = connection.exec_driver_sql(f"{query} AND workflow_uuid NOT IN ({marks})", (QUEUE, *job_ids)).scalar() or 0
    first = max(int(time.time() * 1000), newest + 1)
    dated = [(first + number, job_id) for number, job_id in enumerate(job_ids)]
    connection.exec_driver_sql("UPDATE workflow_status SET created_at = ? WHERE workflow_uuid = ?", dated)


def _is_asked_anew(request: RenderRequest) -> bool:
    """Whether a forced request is one more wish; a ticket of the same name is the same one, read again after a kill."""
    return request.is_forced and not (request.origin == "ticket" and request.reqid)


def _answers_a_repeat(job: Job) -> bool:
    if job.state == "done" and job.published:
        try:
            status = os.stat(job.published.file)
        except OSError:
            return False
        return (status.st_size, status.st_mtime_ns) == (job.published.size_bytes, job.published.mtime_ns)
    return job.state in ACTIVE

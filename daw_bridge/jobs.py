"""The job store: what was accepted, kept on disk by DBOS on SQLite, and what became of it."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from .errors import BadArguments, DiskFull, NotCancellable, UnknownJob
from .job import ACTIVE, FINAL, MAX_ATTEMPTS, STATES, Job, Published
from .job_database import APPLICATION, QUEUE, database_url, durable_engine, prepare
from .job_queue import enqueue, put_off, take_up
from .job_rows import PUBLISH_PHASE, STATE_OF, WORKFLOW, Row, Rows, job_of
from .request import PRIORITIES, RenderRequest, request_from

__all__ = ["ACTIVE", "FINAL", "MAX_ATTEMPTS", "PUBLISH_PHASE", "STATES", "WORKFLOW", "Job", "JobStore", "Published"]

_MAX_REQUESTS_KEPT = 2000


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

        self._client = DBOSClient(
            system_database_url=database_url(database), application_name=APPLICATION, retry_connection_errors=False
        )
        self._accepting = durable_engine(database)
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
                        enqueue(self._client, connection, new)
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

    def put_off(self, job_id: str, executor: str, seconds: float) -> bool:
        """Put a job that a renderer has in hand back, to be given out again after a pause.

        Returns:
            Whether it was; not where the job was cancelled meanwhile.
        """
        with self._client._sys_db.engine.begin() as connection:
            return put_off(connection, job_id, executor, seconds)

    def take_up(self, job_id: str) -> None:
        """End the pause of a job that was put off."""
        with self._client._sys_db.engine.begin() as connection:
            take_up(connection, job_id)

    def has_work(self) -> bool:
        """Whether there is anything for a renderer to do now; takes microseconds."""
        return self._rows.has_work(int(time.time() * 1000))

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

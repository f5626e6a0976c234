"""Rows of the job store as `Job`s: read by plain SQL, because the engine's own listing costs twenty times as much."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .job import ACTIVE, Job, Published
from .request import RenderRequest

WORKFLOW = "render"
PUBLISH_PHASE = "publish"
STATE_OF = {
    "DELAYED": "queued",
    "ENQUEUED": "queued",
    "PENDING": "rendering",  # or publishing: the engine has no such state, the phase tells
    "SUCCESS": "done",
    "ERROR": "failed",
    "MAX_RECOVERY_ATTEMPTS_EXCEEDED": "failed",
    "CANCELLED": "cancelled",  # or done, where the file was published in the moment of the cancel
}
_SELECT = "SELECT workflow_uuid, status, attributes, created_at FROM workflow_status WHERE name = ?"


@dataclass(frozen=True)
class Row:
    """One job as the database has it, without its request and its error.

    Attributes:
        id: of the job.
        status: in the engine's words.
        noted: what was kept beside it.
        created_ms: milliseconds since the epoch.
    """

    id: str
    status: str
    noted: Mapping[str, Any]
    created_ms: int


class Rows:
    """A connection that reads, for any thread.

    Args:
        database: the file, prepared.
    """

    def __init__(self, database: Path) -> None:
        self._connection = sqlite3.connect(database, check_same_thread=False, timeout=30)
        self._tidying = sqlite3.connect(database, check_same_thread=False)  # its own: the disk may take its time
        self._lock = threading.Lock()
        self._seen_version = -1

    def close(self) -> None:
        with self._lock:
            self._connection.close()
            self._tidying.close()

    def has_changed(self) -> bool:
        """Whether anybody wrote since this was last asked; takes microseconds."""
        current = self._ask("PRAGMA data_version")[0][0]
        has_changed, self._seen_version = current != self._seen_version, current
        return bool(has_changed)

    def of_ids(self, job_ids: Sequence[str]) -> list[Row]:
        """Those of some jobs, in no order."""
        return self._rows(f"{_SELECT} AND workflow_uuid IN ({_marks(job_ids)})", WORKFLOW, *job_ids)

    def of_statuses(self, statuses: Sequence[str], limit: int) -> list[Row]:
        """Those of some statuses, the newest first."""
        order = "ORDER BY created_at DESC, rowid DESC LIMIT ?"
        return self._rows(f"{_SELECT} AND status IN ({_marks(statuses)}) {order}", WORKFLOW, *statuses, limit)

    def next_up(self, limit: int) -> list[Row]:
        """Those that are not over: the ones that a renderer has in hand, then those that wait, in the order of the queue."""
        statuses = [status for status, state in STATE_OF.items() if state in ACTIVE]
        order = "ORDER BY status = 'PENDING' DESC, priority, created_at, rowid LIMIT ?"
        return self._rows(f"{_SELECT} AND status IN ({_marks(statuses)}) {order}", WORKFLOW, *statuses, limit)

    def latest_number(self, key: str) -> int:
        """The highest n of the jobs `<key>.<n>`; 0 where there is none."""
        query = "SELECT workflow_uuid FROM workflow_status WHERE workflow_uuid > ? AND workflow_uuid < ?"
        found = self._ask(query, f"{key}.", f"{key}/")  # "/" comes after "." in ASCII
        return max((int(job_id.rpartition(".")[2]) for (job_id,) in found), default=0)

    def places(self) -> dict[str, int]:
        """Each waiting job's place from 1."""
        query = "SELECT workflow_uuid FROM workflow_status WHERE status = 'ENQUEUED' AND name = ?"
        rows = self._ask(f"{query} ORDER BY priority, created_at, rowid", WORKFLOW)
        return {job_id: place for place, (job_id,) in enumerate(rows, 1)}

    def taken_by(self, executor: str) -> set[str]:
        """The jobs that an executor has in hand."""
        query = "SELECT workflow_uuid FROM workflow_status WHERE status = 'PENDING' AND name = ? AND executor_id = ?"
        return {job_id for (job_id,) in self._ask(query, WORKFLOW, executor)}

    def has_more_urgent(self, priority: int) -> bool:
        """Whether a job of a more urgent class waits; takes microseconds."""
        query = "SELECT 1 FROM workflow_status WHERE status = 'ENQUEUED' AND name = ? AND priority < ? LIMIT 1"
        return bool(self._ask(query, WORKFLOW, priority))

    def has_work(self, now_ms: int) -> bool:
        """Whether a job is in hand, waits, or was put off until now; takes microseconds."""
        due = "status IN ('ENQUEUED', 'PENDING') OR status = 'DELAYED' AND delay_until_epoch_ms <= ?"
        return bool(self._ask(f"SELECT 1 FROM workflow_status WHERE name = ? AND ({due}) LIMIT 1", WORKFLOW, now_ms))

    def tidy(self) -> None:
        """Carry the write-ahead log over into the database, as far as nobody is in the way; waits for nobody."""
        self._tidying.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    def _rows(self, query: str, *values: object) -> list[Row]:
        return [
            Row(i, status, json.loads(noted or "{}") or {}, created) for i, status, noted, created in self._ask(query, *values)
        ]

    def _ask(self, query: str, *values: object) -> list[Any]:
        with self._lock:
            return self._connection.execute(query, values).fetchall()


def _marks(values: Iterable[object]) -> str:
    return ", ".join("?" for _ in values)


def job_of(row: Row, request: RenderRequest, place: int | None, error: Exception | None) -> Job:
    """The job that a row and what belongs to it say.

    Args:
        row: of the database.
        request: what was asked.
        place: in the queue, from 1.
        error: of a job that failed.
    """
    noted = row.noted
    state = STATE_OF[row.status]
    if state == "rendering" and noted.get("phase") == PUBLISH_PHASE:
        state = "publishing"
    published = Published(**noted["published"]) if noted.get("published") else None
    if state == "cancelled" and published:
        state = "done"
    return Job(
        id=row.id,
        state=state,
        request=request,
        fraction=1.0 if state == "done" else float(noted.get("fraction", 0.0)),
        phase=str(noted.get("phase", "")),
        position=place if state == "queued" else None,
        published=published if state == "done" else None,
        error=_error_table(error) if state == "failed" else None,
        created=row.created_ms / 1000,
        crashes=int(noted.get("crashes", 0)),
        run=str(noted.get("run", "")),
        is_told=bool(noted.get("is_told", False)),
        preview=str(noted.get("preview", "")),
        waits=str(noted.get("waits", "")) if state in ACTIVE else "",
        away=str(noted.get("away", "")) if state in ACTIVE else "",
        n_away=int(noted.get("n_away", 0)),
    )


def _error_table(error: Exception | None) -> dict[str, str]:
    """What the renderer raised, as it crossed over: a code and a hint travel with the sentence."""
    data = getattr(error, "data", None)
    hint = data.get("hint", "") if isinstance(data, dict) else ""
    code = getattr(error, "code", None)
    return {"code": str(code or "internal"), "message": str(error or "the job ended without a word"), "hint": str(hint)}

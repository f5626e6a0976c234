"""What was seen in hot folders, on disk, so that a restart or a purge of old jobs asks for nothing twice."""

from __future__ import annotations

import sqlite3
import threading
from dataclasses import dataclass
from pathlib import Path

SCHEMA = """
CREATE TABLE IF NOT EXISTS seen (
    drop_key TEXT PRIMARY KEY, path TEXT NOT NULL, job TEXT NOT NULL, outcome TEXT NOT NULL, message TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS seen_job ON seen (job);
"""


@dataclass(frozen=True)
class Drop:
    """One dropped file and what became of it.

    Attributes:
        key: of the file, its style and the folder's settings as they were.
        path: the file.
        job: the job's id; empty where there is none.
        outcome: "accepted", "done", "failed", "cancelled", "refused" or "moved".
        message: why, in words.
    """

    key: str
    path: str
    job: str
    outcome: str
    message: str


class Seen:
    """The table of drops, for any thread.

    Args:
        database: its file, made where it is missing.
    """

    def __init__(self, database: Path) -> None:
        database.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(database, check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.executescript(SCHEMA)

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def put(self, drop: Drop) -> None:
        """Write a drop down, in place of what was known of it; its turn among the drops of its path stays."""
        with self._lock, self._connection:
            self._connection.execute(
                "INSERT INTO seen VALUES (?, ?, ?, ?, ?) ON CONFLICT (drop_key) DO UPDATE SET path = excluded.path, "
                "job = excluded.job, outcome = excluded.outcome, message = excluded.message",
                (drop.key, drop.path, drop.job, drop.outcome, drop.message),
            )

    def find(self, key: str) -> Drop | None:
        return self._one("drop_key = ?", key)

    def of_job(self, job: str) -> Drop | None:
        """The drop of a job, or of another try of it: the same id with another number."""
        return self._one("job GLOB ?", job.rpartition(".")[0] + ".*")

    def latest_of(self, path: str) -> Drop | None:
        return self._one("path = ?", path)

    def open_jobs(self) -> list[Drop]:
        """Drops whose job had not ended when the service last heard of it."""
        return self._all("outcome = 'accepted'")

    def open_of(self, job: str) -> list[Drop]:
        """Those of them that wait for one job; a drop is answered by whatever job there is for its request."""
        return self._all("outcome = 'accepted' AND job = ?", job)

    def _one(self, where: str, value: str) -> Drop | None:
        return next(iter(self._all(f"{where} ORDER BY rowid DESC LIMIT 1", value)), None)

    def _all(self, where: str, *values: str) -> list[Drop]:
        with self._lock:
            rows = self._connection.execute(f"SELECT * FROM seen WHERE {where}", values).fetchall()
        return [Drop(*row) for row in rows]

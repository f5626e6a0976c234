"""How the jobs stand, as a small file in the state folder: for scripts that have no socket."""

from __future__ import annotations

import json
import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ..job import Job
from .config import write_whole

SCHEMA = 1
MIN_SECONDS, MAX_SECONDS = 0.25, 4.0  # readers take a file of more than 10 s ago for that of a dead service
MAX_ACTIVE, MAX_ENDED = 200, 50

log = logging.getLogger(__name__)


class ProgressFile:
    """Written whole when something has changed, and now and then as a sign of life. Its methods block for a millisecond.

    Args:
        path: of the file.
        clock: monotonic seconds.
        wall_clock: seconds since the epoch, for the readers.
    """

    def __init__(self, path: Path, clock: Callable[[], float], wall_clock: Callable[[], float] = time.time) -> None:
        self._path, self._clock, self._wall_clock = path, clock, wall_clock
        self._ended: deque[dict[str, Any]] = deque(maxlen=MAX_ENDED)
        self._told: tuple[str, list[dict[str, Any]]] | None = None
        self._written = -MAX_SECONDS

    def show(self, state: str, active: Sequence[Job], ended: Sequence[Job]) -> None:
        """Note how things stand.

        Args:
            state: of the service, as in /status/info.
            active: jobs that are not over.
            ended: jobs that are over since the last call.
        """
        now = self._clock()
        self._ended.extend({**entry(job), "ended": self._wall_clock()} for job in ended)
        first = sorted(active, key=lambda job: (job.state == "queued", job.position or 0))
        told = state, [entry(job) for job in first[:MAX_ACTIVE]] + list(self._ended)
        waited = now - self._written
        if waited < MIN_SECONDS or (told == self._told and waited < MAX_SECONDS):
            return
        try:
            write_whole(self._path, text(state, told[1], self._wall_clock()))
        except OSError as error:
            if self._told is None or waited >= MAX_SECONDS:
                log.warning("%s cannot be written: %s", self._path, error)
        self._told, self._written = told, now


def text(state: str, entries: Sequence[dict[str, Any]], now: float) -> str:
    """The file's JSON: one line of what the service does, then one for each job, so that a script need not read them all.

    Args:
        state: of the service.
        entries: the jobs, those that are not over first.
        now: seconds since the epoch.
    """
    head = json.dumps({"schema": SCHEMA, "written": now, "state": state, "jobs": []}, ensure_ascii=False)
    lines = ",\n".join(json.dumps(entry, ensure_ascii=False) for entry in entries)
    return f"{head.removesuffix(']}')}\n{lines}\n]}}\n"


def entry(job: Job) -> dict[str, Any]:
    """What a script has to know of a job."""
    request, published = job.request, job.published
    return {
        "job": job.id,
        "reqid": request.reqid,
        "project": request.project,
        "content": request.content.path,
        "preset": str(request.preset.get("id", "")),
        "start_seconds": request.start_seconds,
        "state": job.state,
        "fraction": round(job.fraction, 3),
        "phase": job.phase,
        "position": job.position,
        "preview": job.preview or None,
        "file": published.file if published else None,
        "length_seconds": published.seconds if published else None,
    }

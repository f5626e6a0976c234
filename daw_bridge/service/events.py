"""What to tell about jobs: the store's rows compared with what was told before."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from ..job import Job
from .packets import Argument, can_be_said

HEARTBEAT_SECONDS = 1.5  # promised: every 2 s
PROGRESS_SECONDS = 0.1
MAX_PATH_BYTES = 700
PLACES_TOLD = 5  # who moves up further back in a long queue is not told of each place; /job tells it


@dataclass(frozen=True)
class Event:
    """One message about a job: an address of the table and its arguments."""

    address: str
    arguments: tuple[Argument, ...]


@dataclass
class Told:
    """What was last told of one job, and when (monotonic seconds)."""

    job: Job | None = None
    told: float = 0.0


def latest(job: Job) -> Event:
    """The event that says how a job stands now; asked for again, it makes good for a lost packet."""
    if job.state == "queued":
        return Event("/queued", (job.id, job.position or 1))
    if job.state == "done":
        return Event("/done", (job.id, _sayable(job.result_path or job.id, job), job.seconds))
    if job.state == "failed":
        error = job.error or {}
        return Event("/failed", (job.id, error.get("code", "internal"), error.get("message", ""), error.get("hint", "")))
    if job.state == "cancelled":
        return Event("/cancelled", (job.id,))
    return Event("/progress", (job.fraction, job.id, job.phase or "load"))


def preview(job: Job) -> Event:
    """The event that says that the first sound of a job can be heard."""
    return Event("/preview", (job.id, _sayable(job.preview, job)))


def _sayable(path: str, job: Job) -> str:
    """A path, or the job's id where it is too long to send or holds what OSC cannot say."""
    return path if can_be_said(path) and len(path.encode()) <= MAX_PATH_BYTES else job.id


def started(job: Job) -> Event:
    """The event that says that a renderer has taken the job."""
    return Event("/started", (job.id, str(job.request.preset.get("id", ""))))


def accepted(job: Job) -> Event:
    """The event that says that the job is on disk."""
    return Event("/accepted", (job.id, job.request.reqid, str(job.request.preset.get("id", ""))))


def changes(told: Told, job: Job, now: float) -> list[Event]:
    """The events between what was told of a job and how it stands now; notes them as told.

    Args:
        told: changed in place where something is to be told.
        job: as the store has it.
        now: monotonic seconds.
    """
    before = told.job
    events = []
    if job.state != "queued" and (before is None or before.state == "queued") and job.state != "cancelled":
        events.append(started(job))
    if job.preview and not job.is_final and (before is None or job.preview != before.preview):
        events.append(preview(job))
    if before is None or job.is_final or job.state == "queued":
        has_moved = job.position != (before.position if before else None) and (job.position or 0) <= PLACES_TOLD
        if before is None or job.state != before.state or has_moved:
            events += [Event("/progress", (1.0, job.id, "publish"))] if job.state == "done" else []  # however quick it was
            events.append(latest(job))
    elif events or _is_due(before, job, now - told.told):
        events.append(latest(job))
    if events:
        told.job, told.told = job, now
    return events


def _is_due(before: Job, job: Job, waited: float) -> bool:
    if (job.fraction, job.phase, job.state) != (before.fraction, before.phase, before.state):
        return waited >= PROGRESS_SECONDS or job.phase != before.phase
    return waited >= HEARTBEAT_SECONDS


def summary(jobs: Iterable[Job]) -> tuple[int, int, str]:
    """Number of queued and of running jobs among the active ones, and the running one's id."""
    active = list(jobs)
    running = [job for job in active if job.state in ("rendering", "publishing")]
    return len(active) - len(running), len(running), running[0].id if running else ""


def in_words(event: Event) -> str:
    """An event as a line for a label."""
    values = event.arguments
    if event.address == "/queued":
        return f"queued, place {values[1]}"
    if event.address == "/started":
        return f"started: {values[1]}"
    if event.address == "/progress":
        return f"{values[2]} {float(values[0]):.0%}"
    if event.address == "/preview":
        return "first sound: " + re.split(r"[/\\]", str(values[1]))[-1]
    if event.address == "/done":
        return "done: " + re.split(r"[/\\]", str(values[1]))[-1]
    return f"failed: {values[2]}" if event.address == "/failed" else "cancelled"

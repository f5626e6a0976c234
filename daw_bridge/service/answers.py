"""What the command line hears of the service, as values."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Event:
    """Something that the service said about a job.

    Attributes:
        kind: "accepted", "queued", "started", "preview", "progress", "done", "failed" or "cancelled".
        job: the job's id.
        fraction: 0 to 1, of a progress event.
        phase: "load", "memory", "preview", "listen", "transfer", "reconstruct", "post", "publish"; of a progress event.
        detail: the preset (accepted, started), the position (queued), the file (preview, done) or the message (failed).
    """

    kind: str
    job: str
    fraction: float = 0.0
    phase: str = ""
    detail: str = ""


@dataclass(frozen=True)
class Sent:
    """How a request stands when `send` returns.

    Attributes:
        job: the job's id.
        path: the remix; None when it was not waited for.
        seconds: its length; 0 when it was not waited for.
    """

    job: str
    path: Path | None
    seconds: float


@dataclass(frozen=True)
class JobLine:
    """A job in a list: id, state, fraction 0 to 1, the content's name; its first sound and what holds it up, until it is over."""

    job: str
    state: str
    fraction: float
    content: str
    preview: str = ""
    waits: str = ""


@dataclass(frozen=True)
class ServiceStatus:
    """What the service is doing: address, version, state ("starting", "idle", "rendering", …), its jobs, what holds them up."""

    host: str
    port: int
    pid: int
    version: str
    state: str
    n_queued: int
    n_running: int
    job: str
    why: str = ""

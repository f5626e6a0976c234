"""What the command line asks of the running service: send, status, jobs, cancel. Standard library and python-osc only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Event:
    """Something that the service said about a job.

    Attributes:
        kind: "accepted", "queued", "started", "progress", "done", "failed" or "cancelled".
        job: the job's id.
        fraction: 0 to 1, of a progress event.
        phase: "load", "transfer", "reconstruct", "post", "publish"; of a progress event.
        detail: the preset (accepted, started), the position (queued), the file (done) or the message (failed).
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
    """One job in a list: its id, state, fraction 0 to 1 and the content's name."""

    job: str
    state: str
    fraction: float
    content: str


@dataclass(frozen=True)
class ServiceStatus:
    """What the service is doing: address, version, state ("starting", "idle", "rendering", …) and number of queued jobs."""

    host: str
    port: int
    pid: int
    version: str
    state: str
    n_queued: int
    n_running: int
    job: str


def send(
    content: Path,
    *,
    style: Path,
    preset: str = "default",
    project: Path | None = None,
    state: Path | None = None,
    start_seconds: float = 0.0,
    length_seconds: float = 0.0,
    parameters: Mapping[str, str | float | int] | None = None,
    seed: int = 0,
    is_forced: bool = False,
    is_waiting: bool = True,
    accept_timeout_seconds: float = 15.0,
    on_event: Callable[[Event], None] | None = None,
) -> Sent:
    """Ask the running service for a remix by a ticket, and wait for it if asked to.

    Args:
        content, style: audio files of the user; relative ones count from the current folder.
        preset: id of a preset.
        project: whose remixes/ receives the result; None means the service's project that holds the content,
            else its only project.
        state: the service's state folder; None means the user's own.
        start_seconds, length_seconds: the part of the content wanted; a length of 0 means up to its end.
        parameters: settings of the preset by name, as numbers or text.
        seed: of everything random.
        is_forced: render although the same was rendered before.
        is_waiting: return when the remix is there; else when the job is accepted.
        accept_timeout_seconds: how long the service may take to accept.
        on_event: called in this thread with each event of the job, in order.

    Raises:
        DawBridgeError: whatever the service answered, of the class that its code names.
        NotFound: no service runs on this state folder, or no such file.
        BadArguments: the project cannot be told.
    """
    raise NotImplementedError


def status(*, state: Path | None = None) -> ServiceStatus:
    """Ask the running service how it is.

    Raises:
        NotFound: no service runs on this state folder.
    """
    raise NotImplementedError


def jobs(*, state: Path | None = None) -> list[JobLine]:
    """The jobs that the running service knows, newest first.

    Raises:
        NotFound: no service runs on this state folder.
    """
    raise NotImplementedError


def cancel(job: str = "", *, state: Path | None = None) -> str:
    """Cancel a job, the newest active one where none is named, and give its id.

    Raises:
        NotFound: no service runs on this state folder.
        UnknownJob: no such job, or none is active.
        NotCancellable: it is over already.
    """
    raise NotImplementedError

"""What the command line asks of the running service: send, status, jobs, cancel. Standard library and python-osc only."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import BadArguments, DawBridgeError, NotFound, ResourceError, by_code
from ..folders import ProjectFolders, StateFolders, default_state
from .link import GONE_SECONDS, Link, connect
from .packets import Message
from .table import PREFIX
from .tickets import write_ticket

POLL_SECONDS = 0.2
ASK_SECONDS = 1.0
RENEW_SECONDS = 25.0
ANSWER_SECONDS = 5.0
TICKET_SECONDS = 2.0  # a result ticket and the OSC message of the same end come in any order


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
    from ..request import source_file

    folders = _state(state)
    sources = [source_file(content, "content").path, source_file(style, "style").path]
    with connect(folders) as link:
        home = _project(folders, project, Path(sources[0]))
        reqid = f"cli-{uuid.uuid4().hex}"
        ticket = {
            "schema": 1,
            "reqid": reqid,
            "project": str(home),
            "content": sources[0],
            "style": sources[1],
            "preset": preset,
            "params": dict(parameters or {}),
            "start_seconds": start_seconds,
            "length_seconds": length_seconds,
            "seed": seed,
            "force": is_forced,
        }
        link.send("/subscribe")
        path = write_ticket(folders.tickets, json.dumps(ticket))
        waiting = _Waiting(link, ProjectFolders(home).results / f"{reqid}.json", reqid, on_event or _ignore)
        waiting.until_accepted(path, accept_timeout_seconds)
        return waiting.until_over() if is_waiting else Sent(waiting.job, None, 0.0)


def _ignore(_: Event) -> None:
    """Nobody listens."""


def _state(state: Path | None) -> StateFolders:
    return StateFolders(state.expanduser().absolute()) if state else default_state()


def _project(state: StateFolders, named: Path | None, content: Path) -> Path:
    """The project that is meant, by name or by where the content lies."""
    if named is not None:
        if not named.is_dir():
            raise NotFound(f"project {str(named)!r} is not an existing folder", "Give the folder that the DAW project lies in.")
        return named.resolve()
    projects = [Path(text) for text in json.loads(state.projects.read_text(encoding="utf-8"))] if state.projects.exists() else []
    holding = [project for project in projects if content.is_relative_to(project)]
    if holding:
        return max(holding, key=lambda project: len(project.parts))
    if len(projects) == 1:
        return projects[0]
    raise BadArguments(f"project is not given and the service has {len(projects)}", "Name one with --project.")


class _Waiting:
    """One request on its way: events come by OSC, the end by its result ticket."""

    def __init__(self, link: Link, result: Path, reqid: str, on_event: Callable[[Event], None]) -> None:
        self._link, self._result, self._reqid, self._on_event = link, result, reqid, on_event
        self._renewed = self._asked = self._heard = time.monotonic()
        self._over = 0.0
        self._ending: Event | None = None
        self.job = ""

    def until_accepted(self, ticket: Path, timeout_seconds: float) -> None:
        deadline = time.monotonic() + timeout_seconds
        while not self.job:
            self._listen()
            table = self._read_result()
            if table is not None:
                if not table["job"]:
                    self._forget_result()
                    raise _error_of(table)
                self._accept(str(table["job"]), "")
            elif time.monotonic() > deadline:
                try:
                    ticket.unlink()
                except FileNotFoundError:
                    deadline += timeout_seconds  # it was taken: the answer is on its way
                    self._heard_or_gone()
                    continue
                raise ResourceError(
                    f"the service did not take the request within {timeout_seconds:g} s", "Ask it with: daw-bridge status"
                )

    def until_over(self) -> Sent:
        ticket_seen = 0.0
        while True:
            self._keep_in_touch()
            self._listen()
            table = self._read_result()
            now = time.monotonic()
            ticket_seen = ticket_seen or (now if table is not None else 0.0)
            # The ticket is written a moment before the store says so: who asks for the state next should hear the same.
            if table is not None and (self._ending is not None or now - ticket_seen > TICKET_SECONDS):
                self._forget_result()
                return self._end(table)
            if table is None and self._ending is not None and now - self._over > TICKET_SECONDS:
                return self._end_without_ticket(self._ending)

    def _accept(self, job: str, preset: str) -> None:
        self.job = job
        self._on_event(Event("accepted", job, detail=preset))

    def _listen(self) -> None:
        message = self._link.receive(POLL_SECONDS)
        while message is not None:
            self._heard = time.monotonic()
            self._hear(message)
            message = self._link.receive(0.0)

    def _hear(self, message: Message) -> None:
        kind, values = message.address.removeprefix(PREFIX + "/"), message.values
        if kind == "accepted" and values[1] == self._reqid and not self.job:
            self._accept(str(values[0]), str(values[2]))
        elif kind == "progress" and values[1] == self.job:
            self._on_event(Event(kind, self.job, fraction=_float(values[0]), phase=str(values[2])))
        elif kind in ("queued", "started") and values[0] == self.job:
            self._on_event(Event(kind, self.job, detail=str(values[1])))
        elif kind in ("done", "failed", "cancelled") and values[0] == self.job and self._ending is None:
            self._over = self._heard
            detail = {"done": 1, "failed": 2}.get(kind)
            self._ending = Event(kind, self.job, detail=str(values[detail]) if detail else "")

    def _keep_in_touch(self) -> None:
        now = time.monotonic()
        if now - self._asked > ASK_SECONDS:
            self._asked = now
            self._link.send("/job", self.job)
        if now - self._renewed > RENEW_SECONDS:
            self._renewed = now
            self._link.send("/subscribe")
        self._heard_or_gone()

    def _heard_or_gone(self) -> None:
        if time.monotonic() - self._heard > GONE_SECONDS:
            kept = f"job {self.job or 'of this request'} is kept and goes on when it starts again"
            raise NotFound("the service has gone", f"The {kept}: daw-bridge serve PROJECT")

    def _read_result(self) -> dict[str, Any] | None:
        try:
            table = json.loads(self._result.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return table if isinstance(table, dict) else None

    def _forget_result(self) -> None:
        self._result.unlink(missing_ok=True)

    def _end(self, table: Mapping[str, Any]) -> Sent:
        if table["state"] != "done":
            error = _error_of(table)
            self._on_event(Event(str(table["state"]), self.job, detail=error.message))
            raise error
        self._on_event(Event("done", self.job, fraction=1.0, detail=str(table["file"])))
        return Sent(self.job, Path(table["file"]), float(table["length_seconds"] or 0.0))

    def _end_without_ticket(self, ending: Event) -> Sent:
        """The result ticket was taken away or could not be written: what OSC said has to do."""
        self._on_event(ending)
        if ending.kind == "done":
            return Sent(self.job, Path(ending.detail), 0.0)
        raise by_code("cancelled" if ending.kind == "cancelled" else "internal")(ending.detail or f"job {self.job} was cancelled")


def _float(value: object) -> float:
    return float(value) if isinstance(value, (int, float)) else 0.0


def _error_of(table: Mapping[str, Any]) -> DawBridgeError:
    error = table.get("error") or {}
    if table["state"] == "cancelled":
        return by_code("cancelled")(f"job {table['job']} was cancelled")
    return by_code(str(error.get("code", "internal")))(str(error.get("message", "it failed")), str(error.get("hint", "")))


def status(*, state: Path | None = None) -> ServiceStatus:
    """Ask the running service how it is.

    Raises:
        NotFound: no service runs on this state folder.
    """
    with connect(_state(state)) as link:
        values = link.ask("/status", "/status/info", ANSWER_SECONDS).values
        address = link.address
    what, n_queued, n_running, job = str(values[0]), int(_float(values[1])), int(_float(values[2])), str(values[3])
    return ServiceStatus(address.host, address.port, address.pid, address.version, what, n_queued, n_running, job)


def jobs(*, state: Path | None = None) -> list[JobLine]:
    """The newest jobs that the running service knows, newest first.

    Raises:
        NotFound: no service runs on this state folder.
    """
    with connect(_state(state)) as link:
        rows = link.collect("/jobs", "/job/info", "/jobs/end", ANSWER_SECONDS)
    return [JobLine(str(row[0]), str(row[1]), _float(row[2]), str(row[3])) for row in (message.values for message in rows)]


def cancel(job: str = "", *, state: Path | None = None) -> str:
    """Cancel a job, the newest active one where none is named, and give its id.

    Raises:
        NotFound: no service runs on this state folder.
        UnknownJob: no such job, or none is active.
        NotCancellable: it is over already.
    """
    with connect(_state(state)) as link:
        answer = link.ask("/cancel", "/cancelled", ANSWER_SECONDS, *([job] if job else []))
    return str(answer.values[0])

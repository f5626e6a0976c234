"""What the command line asks of the running service: send, status, jobs, cancel and kin. Standard library and python-osc only."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ..errors import BadArguments, NotFound
from ..folders import ProjectFolders, StateFolders, default_state
from .answers import Event, JobLine, Sent, ServiceStatus
from .following import Request, as_float
from .link import connect
from .outbox import SCHEMA, write_ticket
from .packets import Message

__all__ = [
    "Event",
    "JobLine",
    "Sent",
    "ServiceStatus",
    "cancel",
    "jobs",
    "knock",
    "pause",
    "retry",
    "send",
    "state_folders",
    "status",
    "why",
]

ANSWER_SECONDS = 5.0


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
    has_preview: bool = True,
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
        has_preview: have a first sound made ahead of a long render.
        is_waiting: return when the remix is there; else when the job is accepted.
        accept_timeout_seconds: how long the service may take to accept.
        on_event: called in this thread with each event of the job, in order.

    Raises:
        DawBridgeError: whatever the service answered, of the class that its code names.
        NotFound: no service runs on this state folder, or no such file.
        BadArguments: the project cannot be told.
    """
    from ..request import source_file

    folders = state_folders(state)
    sources = [source_file(content, "content").path, source_file(style, "style").path]
    with connect(folders) as link:
        home = _project(folders, project, Path(sources[0]))
        reqid = f"cli-{uuid.uuid4().hex}"
        ticket = {
            "schema": SCHEMA,
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
            "preview": has_preview,
        }
        link.send("/subscribe")
        path = write_ticket(folders.tickets, json.dumps(ticket))
        request = Request(link, ProjectFolders(home).results / f"{reqid}.json", reqid, on_event or _ignore)
        request.until_accepted(path, accept_timeout_seconds)
        return request.until_over() if is_waiting else Sent(request.job, None, 0.0)


def _ignore(_: Event) -> None:
    """Nobody listens."""


def state_folders(state: Path | None) -> StateFolders:
    """The state folder that somebody names, or the user's own."""
    return StateFolders(state.expanduser().absolute()) if state else default_state()


def _project(state: StateFolders, named: Path | None, content: Path) -> Path:
    """The project that is meant, by name or by where the content lies."""
    if named is not None:
        if not named.is_dir():
            raise NotFound(f"project {str(named)!r} is not an existing folder", "Give the folder that the DAW project lies in.")
        return named.resolve()
    listed = json.loads(state.projects.read_text(encoding="utf-8")) if state.projects.exists() else []
    projects = [path for path in map(Path, listed) if path.is_dir()]  # the drives of others may be away
    holding = [project for project in projects if content.is_relative_to(project)]
    if holding:
        return max(holding, key=lambda project: len(project.parts))
    if len(projects) == 1:
        return projects[0]
    raise BadArguments(f"project is not given and the service has {len(projects)}", "Name one with --project.")


def status(*, state: Path | None = None) -> ServiceStatus:
    """Ask the running service how it is.

    Raises:
        NotFound: no service runs on this state folder.
    """
    with connect(state_folders(state)) as link:
        *reasons, answer = link.collect("/status", ("/status/why",), "/status/info", ANSWER_SECONDS)
        address, values = link.address, answer.values
    what, n_queued, n_running, job = str(values[0]), int(as_float(values[1])), int(as_float(values[2])), str(values[3])
    return ServiceStatus(address.host, address.port, address.pid, address.version, what, n_queued, n_running, job, _said(reasons))


def jobs(*, state: Path | None = None) -> list[JobLine]:
    """Jobs of the running service: those that render, those that wait in their order, then those that are over, newest first.

    Raises:
        NotFound: no service runs on this state folder.
    """
    with connect(state_folders(state)) as link:
        *reasons, status = link.collect("/status", ("/status/why",), "/status/info", ANSWER_SECONDS)
        answers = link.collect("/jobs", ("/job/info", "/preview", "/job/away"), "/jobs/end", ANSWER_SECONDS)[:-1]
    previews = {str(m.values[0]): str(m.values[1]) for m in answers if m.address.endswith("/preview")}
    away = {str(m.values[0]): str(m.values[1]) for m in answers if m.address.endswith("/job/away")}
    rows = [m.values for m in answers if m.address.endswith("/job/info")]
    held = dict.fromkeys(("queued", "rendering"), _said(reasons) if status.values[0] == "paused" else "")
    lines = [JobLine(str(r[0]), str(r[1]), as_float(r[2]), str(r[3]), previews.get(str(r[0]), "")) for r in rows]
    return [replace(line, waits=away.get(line.job) or held.get(line.state, "")) for line in lines]


def _said(reasons: Sequence[Message]) -> str:
    """The sentence of the last of them."""
    return str(reasons[-1].values[0]) if reasons else ""


def cancel(job: str = "", *, state: Path | None = None) -> str:
    """Cancel a job, the newest active one where none is named, and give its id.

    Raises:
        NotFound: no service runs on this state folder.
        UnknownJob: no such job, or none is active.
        NotCancellable: it is over already.
    """
    with connect(state_folders(state)) as link:
        answer = link.ask("/cancel", "/cancelled", ANSWER_SECONDS, *([job] if job else []))
    return str(answer.values[0])


def retry(job: str, *, state: Path | None = None) -> str:
    """Have a failed or cancelled job rendered again, and give the new one's id.

    Raises:
        NotFound: no service runs on this state folder.
        UnknownJob: no such job.
        BadArguments: it neither failed nor was cancelled.
    """
    with connect(state_folders(state)) as link:
        return str(link.ask("/retry", "/accepted", ANSWER_SECONDS, job).values[0])


def why(path: str, *, state: Path | None = None) -> str:
    """What became of a dropped file, in words.

    Raises:
        NotFound: no service runs on this state folder.
    """
    with connect(state_folders(state)) as link:
        return str(link.ask("/why", "/why", ANSWER_SECONDS, path).values[1])


def knock(*, state: Path | None = None) -> str:
    """Have the running service look for tickets at once; gives what it is doing.

    Raises:
        NotFound: no service runs on this state folder.
    """
    with connect(state_folders(state)) as link:
        return str(link.ask("/knock", "/status/info", ANSWER_SECONDS).values[0])


def pause(is_pausing: bool, *, state: Path | None = None) -> str:
    """Let renders rest or go on; gives what the service is doing then.

    Raises:
        NotFound: no service runs on this state folder.
    """
    with connect(state_folders(state)) as link:
        return str(link.ask("/pause" if is_pausing else "/resume", "/status/info", ANSWER_SECONDS).values[0])

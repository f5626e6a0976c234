"""The one service of a user: start, main loop, shutdown."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from .. import __version__
from ..errors import DawBridgeError, Internal
from ..folders import StateFolders, default_state
from ..job import Job
from ..presets import shipped_folder
from .accepting import Accepting
from .admission import make_token
from .audience import Audience
from .board import Board
from .config import Config, read_config, read_projects, write_projects, write_whole
from .desk import Desk
from .discovery import Discovery
from .fields import from_words
from .handlers import Handlers
from .intake import project_folder
from .layout import make_folders
from .looking import Looking
from .loops import Loops
from .osc import NOBODY, Endpoint, open_socket
from .outbox import registration, write_ticket
from .pausing import Pausing
from .places import Places
from .process import logging_to, set_on_signals
from .progress_file import ProgressFile
from .seen import Seen
from .threads import OneThread

HOST, EVERY_HOST = "127.0.0.1", "0.0.0.0"
JOIN_SECONDS = 10.0
RETURN_SECONDS = 5.0

log = logging.getLogger(__name__)


def serve(
    projects: Sequence[Path],
    *,
    state: Path | None = None,
    port: int | None = None,
    lan: bool | None = None,
    discovery: bool | None = None,
    settings: Mapping[str, str] | None = None,
    on_line: Callable[[str], None] = print,
) -> int:
    """Run the service until SIGTERM or Ctrl-C, or hand the projects to the one that runs on this state folder already.

    Args:
        projects: existing project folders to watch (their daw_bridge/ folders are made when missing).
        state: the state folder; None means the user's own (`folders.default_state`).
        port: UDP port; 0 means any free one; None means the configuration's, 9710 where it names none.
        lan: whether to listen to the whole network; None means as the configuration says, and so it is with `discovery`.
        discovery: whether OSCQuery answers.
        settings: any fields of the configuration, as text.
        on_line: called with each line for the terminal; the first one when the service listens.

    Returns:
        the exit code, 0.

    Raises:
        NotFound, ForbiddenPath: a project is no folder, or cannot be written.
        PortInUse: another program listens there.
        BadParameter: the configuration is not valid.
    """
    from filelock import FileLock, Timeout

    folders = StateFolders(state.expanduser().absolute()) if state else default_state()
    named = [project_folder(str(project)) for project in projects]
    for project in named:
        make_folders(project)
    folders.root.mkdir(mode=0o700, parents=True, exist_ok=True)
    folders.tickets.mkdir(exist_ok=True)
    flags = {name: value for name, value in (("port", port), ("lan", lan), ("discovery", discovery)) if value is not None}
    lock = FileLock(folders.lock)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return _join(folders, named, on_line, is_other=bool(flags or settings))
    try:
        config = read_config(folders, {**from_words(settings or {}), **flags})
        token = make_token(folders.token) if config.lan else ""
        sock = open_socket(EVERY_HOST if config.lan else HOST, config.port)
        with logging_to(folders.log), asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
            runner.run(Service(folders, config, named, token).run(sock, on_line))
    finally:
        lock.release()
    return 0


def _join(state: StateFolders, projects: Sequence[Path], on_line: Callable[[str], None], *, is_other: bool) -> int:
    """Give the projects to the running service, and wait until it has them; another configuration it does not take."""
    for project in projects:
        write_ticket(state.tickets, registration(project))
    deadline = time.monotonic() + JOIN_SECONDS
    while not set(projects) <= set(read_projects(state)):
        if time.monotonic() > deadline:
            raise Internal(f"the service that runs on {state.root} does not take the project", "Stop it and start again.")
        time.sleep(0.05)
    for project in projects:
        on_line(f"the running service (state {state.root}) watches {project}, too")
    if is_other or not projects:
        on_line(f"a service runs already (state {state.root}) and goes on as it was started: stop it to start it otherwise")
    return 0


class Service:
    """The running service: it owns the port, the threads and the loops.

    Args:
        state: its state folder, whose lock is held.
        config: its configuration.
        projects: folders to watch from the start, made ready; those of the state folder's list are watched when they are there.
        token: of every message, in LAN mode.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        state: StateFolders,
        config: Config,
        projects: Sequence[Path],
        token: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._state, self._config, self._clock = state, config, clock
        self._projects, self._token = list(projects), token
        of_watched = (folder.project for folder in config.watched)
        self._remembered = list(dict.fromkeys([*projects, *read_projects(state), *of_watched]))
        self._missed: set[Path] = set()
        self._run_accept, self._run_job, self._run_files = OneThread("accept"), OneThread("jobs"), OneThread("files")

    async def run(self, sock: socket.socket, on_line: Callable[[str], None]) -> None:
        """Serve until a signal says stop.

        Args:
            sock: bound.
            on_line: told when the service listens.
        """
        stop, self._has_places, has_opened = asyncio.Event(), asyncio.Event(), asyncio.Event()
        loop = asyncio.get_running_loop()
        set_on_signals(stop)
        endpoint = Endpoint(lambda m, p: self._handlers.dispatch(m, p), lambda p: self._handlers.limited(p), self._clock)
        self._endpoint = endpoint
        audience = Audience(endpoint, self._config.feedback, self._clock)
        self._board = Board(audience, self._clock)
        desk = Desk(self._state, self._config.roots, self._config.previews)
        self._looking = Looking(desk.looked_at, self._projects, self._config.roots, self._is_hanging, has_opened)
        self._accepting = Accepting(desk, self._looking, self._run_accept)
        self._pausing = Pausing(audience, self._board, desk, self._run_job, self._clock)
        retry = partial(self._retry, desk)
        self._handlers = Handlers(
            audience, self._board, desk, self._accepting, self._run_job, self._why, retry, self._pausing, self._token
        )
        await loop.create_datagram_endpoint(lambda: endpoint, sock=sock)
        host, port = sock.getsockname()[:2]
        write_projects(self._state, self._remembered)  # before the address: who finds the service reads which project is meant
        address = {"host": HOST, "port": port, "pid": os.getpid(), "version": __version__, "lan": self._config.lan}
        write_whole(self._state.address, json.dumps({**address, "presets": str(shipped_folder())}) + "\n")
        on_line(f"daw-bridge {__version__} listens on {host}:{port} (state {self._state.root})")
        log.info("listening on %s:%d", host, port)
        if self._config.lan:
            warning = "warning: whoever is on this network and has the token may ask for remixes and cancel them; it is in"
            on_line(f"{warning} {self._state.token}")
        tasks: list[asyncio.Task[None]] = []
        discovery = Discovery(port, self._handlers.describe)
        if self._config.discovery:
            http_port = await discovery.open(host, self._config.lan)
            on_line(f"OSCQuery on http://{HOST}:{http_port}")
        try:
            on_open = partial(loop.call_soon_threadsafe, has_opened.set)
            store_opened = self._run_job(desk.open, on_open)  # before the next message: what it asks of the store comes after
            opening = asyncio.ensure_future(self._open(desk, audience, tasks, store_opened))
            stopping = asyncio.ensure_future(stop.wait())
            await asyncio.wait({opening, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if opening.done():
                opening.result()  # a store that cannot be opened ends the service
            await stopping
        finally:
            await self._close(desk, audience, [*tasks, opening, stopping])
            await discovery.close()
            endpoint.close()
            self._state.address.unlink(missing_ok=True)
            self._state.progress.unlink(missing_ok=True)
            log.info("stopped")

    async def _open(self, desk: Desk, audience: Audience, tasks: list[asyncio.Task[None]], store_opened: Awaitable[None]) -> None:
        """What may take its time, while the port answers already."""
        self._seen: Seen = await self._run_files(Seen, self._state.root / "drops.sqlite")
        self._places = Places(
            audience=audience,
            board=self._board,
            desk=desk,
            accepting=self._accepting,
            run_job=self._run_job,
            seen=self._seen,
            watched=self._config.watched,
            projects=self._projects,
            on_accepted=lambda: self._handlers.on_accepted(),
            clock=self._clock,
        )
        self._has_places.set()
        self._loops = loops = Loops(
            audience=audience,
            board=self._board,
            desk=desk,
            looking=self._looking,
            accepting=self._accepting,
            places=self._places,
            pausing=self._pausing,
            run_job=self._run_job,
            run_presets=self._run_files,
            add_project=self._add_project,
            tickets=self._state.tickets,
            progress=ProgressFile(self._state.progress, self._clock),
            on_packet=lambda packet: self._endpoint.datagram_received(packet, NOBODY),
            keep_days=self._config.keep_days,
            clock=self._clock,
        )
        self._handlers.on_accepted = loops.job_hint.set
        self._handlers.on_knock = loops.ticket_hint.set
        await self._take_hints(loops)
        tasks += [asyncio.ensure_future(self._watch_remembered(project)) for project in self._remembered]
        await store_opened
        self._board.state = "ready"
        audience.publish("/startup", __version__)
        tasks += loops.start()

    async def _take_hints(self, loops: Loops) -> None:
        from .hints import Hints

        loop = asyncio.get_running_loop()

        def on_hint(_: Path | None) -> None:
            try:
                loop.call_soon_threadsafe(loops.ticket_hint.set)
            except RuntimeError:
                log.debug("a hint came after the end")

        self._hints = await self._run_files(Hints, on_hint)
        await self._run_files(self._hints.watch, self._state.tickets)

    async def _add_project(self, project: Path) -> None:
        await self._places.add(project)
        if project not in self._remembered:
            self._remembered.append(project)
            await self._run_job(write_projects, self._state, list(self._remembered))

    async def _watch_remembered(self, project: Path) -> None:
        """Watch a project as soon as it is there: a drive that is away may come back."""
        while True:
            try:
                return await self._places.add(project)
            except DawBridgeError as error:
                if project not in self._missed:
                    log.warning("%s is not watched until it is there: %s", project, error)
                    self._missed.add(project)
            await asyncio.sleep(RETURN_SECONDS)

    def _is_hanging(self, project: Path) -> bool:
        return self._has_places.is_set() and self._places.is_hanging(project)

    async def _why(self, path: str) -> str:
        await self._has_places.wait()  # asked while the service starts, it is answered a moment later
        return await self._places.why(path)

    async def _retry(self, desk: Desk, job_id: str) -> Job:
        await self._has_places.wait()
        before = await self._run_job(desk.job, job_id)
        await self._places.put_back(before)
        job = await self._run_job(desk.retry, job_id)
        await self._places.retried(job)
        return job

    async def _close(self, desk: Desk, audience: Audience, tasks: Sequence[asyncio.Future[Any]]) -> None:
        """Whatever waits for a share that hangs is left behind; nothing that was accepted is lost by that."""
        self._board.state = "stopping"
        audience.publish("/shutdown", __version__)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._handlers.close()
        await self._accepting.close()
        if hasattr(self, "_loops"):
            await self._loops.close()
        if hasattr(self, "_hints"):
            await self._run_files(self._hints.stop)
        if hasattr(self, "_places"):
            await self._places.close()
            await self._run_files(self._seen.close)
        self._looking.close()
        await self._run_job(desk.close)
        for thread in (self._run_accept, self._run_job, self._run_files):
            thread.close()

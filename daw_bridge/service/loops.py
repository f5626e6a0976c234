"""The service's loops: jobs, tickets, presets, what grows old."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

from ..errors import DawBridgeError, Internal
from .accepting import Accepting
from .audience import Audience
from .board import Board
from .desk import Desk
from .intake import shelf
from .looking import Looking
from .pausing import Pausing
from .places import Places
from .progress_file import ProgressFile
from .purge import Age, purge_files
from .repeating import keep_doing
from .slips import take_slips
from .threads import ByPlace, OneThread
from .tickets import REFUSED, answer_refused, ask_from_ticket, load, pending, registered, set_aside

BUSY_SECONDS, IDLE_SECONDS = 0.15, 0.5
TICKET_SECONDS = 1.0
PRESET_SECONDS = 2.0
PATIENCE_SECONDS = 0.5  # with a ticket, before the next is taken meanwhile
DEFECTS = (ValueError, TypeError, LookupError, ArithmeticError, RecursionError)  # they do not pass: the other tickets must
PURGE_SECONDS = 3600.0
LOOK_SHARE, LONGEST_PAUSE_SECONDS = 4.0, 1.0  # at most a fifth of the thread's time goes into looking

log = logging.getLogger(__name__)


class Loops:
    """What the loops share.

    Args:
        audience, board, desk, looking, accepting, places, pausing: the parts of the service.
        run_job, run_presets: the threads of the desk and of the presets.
        add_project: makes a folder a project, where it is none yet.
        tickets: the tickets folder.
        progress: the file that scripts read.
        on_packet: takes an OSC packet that came as a file.
        keep_days: after which ended jobs are forgotten.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        *,
        audience: Audience,
        board: Board,
        desk: Desk,
        looking: Looking,
        accepting: Accepting,
        places: Places,
        pausing: Pausing,
        run_job: OneThread,
        run_presets: OneThread,
        add_project: Callable[[Path], Awaitable[None]],
        tickets: Path,
        progress: ProgressFile,
        on_packet: Callable[[bytes], None],
        keep_days: int,
        clock: Callable[[], float],
    ) -> None:
        self._audience, self._board, self._desk, self._places = audience, board, desk, places
        self._looking, self._accepting, self._pausing = looking, accepting, pausing
        self._run_job, self._run_presets = run_job, run_presets
        self._add_project = add_project
        self._progress, self._on_packet = progress, on_packet
        self._tickets, self._keep_days, self._clock = tickets, keep_days, clock
        self._next_look = 0.0
        self._age = Age()
        self._taking: dict[Path, asyncio.Task[None]] = {}
        self._run_ticket = ByPlace("tickets")
        self.job_hint, self.ticket_hint = asyncio.Event(), asyncio.Event()

    def start(self) -> list[asyncio.Task[None]]:
        """Start all of them."""
        pairs = (
            (self.look_at_jobs, self.job_hint),
            (self.look_at_tickets, self.ticket_hint),
            (self.look_at_age, asyncio.Event()),
            (self.look_at_old_files, asyncio.Event()),
            (self.look_at_presets, asyncio.Event()),
        )
        return [asyncio.get_running_loop().create_task(keep_doing(what, hint)) for what, hint in pairs]

    async def close(self) -> None:
        """Let go of the tickets in hand; they are taken at the next start."""
        for taking in self._taking.values():
            taking.cancel()
        await asyncio.gather(*self._taking.values(), return_exceptions=True)
        self._run_ticket.close()

    async def look_at_jobs(self) -> float:
        """Tell what is new about the jobs."""
        await self._pausing.apply()
        if self._clock() < self._next_look:  # a long queue costs time to list: those who ask go first
            return self._next_look - self._clock()
        news = await self._run_job(self._desk.tick, self._clock())
        self._next_look = self._clock() + min(LOOK_SHARE * news.seconds, LONGEST_PAUSE_SECONDS)
        self._board.show(news.active, news.ended, news.trouble)
        await self._run_job(self._progress.show, self._board.status()[0], news.active, news.ended)
        for job in news.ended:
            self._places.finish(job)
        return BUSY_SECONDS if news.active else IDLE_SECONDS

    async def look_at_presets(self) -> float:
        """Say which preset file has broken; its last good version stays in use."""
        for broken in await self._run_presets(shelf().news):
            self._audience.publish("/error", broken.code, "presets", str(broken))
        return PRESET_SECONDS

    async def look_at_tickets(self) -> float:
        """Take every ticket and every slip that waits."""
        for packet in await self._run_job(take_slips, self._tickets):
            self._on_packet(packet)
        for path in await self._run_job(pending, self._tickets):
            if path in self._taking:
                continue
            taking = self._taking[path] = asyncio.get_running_loop().create_task(self._take(path))
            taking.add_done_callback(partial(self._taken, path))
            _, is_waiting = await asyncio.wait({taking}, timeout=PATIENCE_SECONDS)
            if is_waiting:
                log.warning("ticket %s waits: what it names does not answer yet", path.name)
        return TICKET_SECONDS

    def _taken(self, path: Path, taking: asyncio.Task[None]) -> None:
        del self._taking[path]
        if not taking.cancelled() and taking.exception() is not None:
            log.error("ticket %s met a defect and is taken again", path.name, exc_info=taking.exception())

    async def _take(self, path: Path) -> None:
        table: dict[str, object] = {}
        try:
            table = await self._run_job(load, path)
            place = self._run_ticket.of(table.get("register") or table.get("project"))
            project = await place(registered, table)
            if project is not None:
                await self._add_project(project)
            if "register" not in table:
                ask = ask_from_ticket({**table, "project": str(project or "")}, "ticket")
                request = await self._looking.request_of(ask, is_patient=True)
                if not await self._run_job(path.exists):
                    return  # whoever left it has given up meanwhile
                job, is_new = await self._accepting.put(request)
                self._board.accepted(job, is_new, None)
                self.job_hint.set()
            await self._run_job(_remove, path)
        except (DawBridgeError, *DEFECTS) as problem:
            error = problem if isinstance(problem, DawBridgeError) else Internal("this ticket met a defect", "The log says more.")
            log.warning("ticket %s is refused: %s", path.name, error, exc_info=error is not problem)
            await self._run_ticket.of(table.get("project"))(answer_refused, path, table, error)
            await self._run_job(set_aside, path)
            self._audience.publish("/error", error.code, f"ticket/{table.get('reqid', '')}", str(error))

    async def look_at_age(self) -> float:
        """Throw away what is too old to matter."""
        await self._run_job(self._desk.purge, self._keep_days, self._age.now())
        return PURGE_SECONDS

    async def look_at_old_files(self) -> float:
        """Throw away what lies in folders and is too old to matter."""
        now = self._age.now()
        self._places.purge(lambda project: purge_files([project], self._tickets / REFUSED, self._keep_days, now))
        return PURGE_SECONDS


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)

"""The service's loops: jobs, tickets, hot folders, what grows old. Each waits for a hint or its time, whichever is first."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from ..errors import DawBridgeError, Internal, UnknownJob
from ..job import Job
from .accepting import MAX_LOT, Accepting
from .audience import Audience
from .board import Board
from .desk import Accepted, Desk
from .intake import shelf
from .pausing import Pausing
from .progress_file import ProgressFile
from .purge import Age, purge_files
from .slips import take_slips
from .stems import Problem, Ready
from .threads import OneThread
from .tickets import REFUSED, ask_from_ticket, load, pending, refuse, registered
from .watcher import HotFolders

BUSY_SECONDS, IDLE_SECONDS = 0.15, 0.5
TICKET_SECONDS = 1.0
PRESET_SECONDS = 2.0
SETTLING_SECONDS, SCAN_SECONDS = 0.25, 3.0
COALESCE_SECONDS = 0.05  # many events of one copy become one look
FAULT_SECONDS = 2.0
DEFECTS = (ValueError, TypeError, LookupError, ArithmeticError, RecursionError)  # they do not pass: the other tickets must
PURGE_SECONDS = 3600.0
LOOK_SHARE, LONGEST_PAUSE_SECONDS = 4.0, 1.0  # at most a fifth of the thread's time goes into looking

log = logging.getLogger(__name__)


async def keep_doing(what: Callable[[], Awaitable[float]], hint: asyncio.Event) -> None:
    """Call something again and again; it gives the seconds until the next time, a hint makes it sooner."""
    while True:
        hint.clear()
        try:
            seconds = await what()
        except Exception:
            log.exception("a loop met a defect and goes on")
            seconds = FAULT_SECONDS
        try:
            await asyncio.wait_for(hint.wait(), seconds)
            await asyncio.sleep(COALESCE_SECONDS)
        except TimeoutError:
            continue


class Loops:
    """What the loops share.

    Args:
        audience, board, desk, accepting, folders, pausing: the parts of the service.
        run_job, run_folder: the threads of the desk and of the folders.
        projects: the service's projects.
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
        accepting: Accepting,
        folders: HotFolders,
        pausing: Pausing,
        run_job: OneThread,
        run_folder: OneThread,
        projects: Sequence[Path],
        add_project: Callable[[Path], Awaitable[None]],
        tickets: Path,
        progress: ProgressFile,
        on_packet: Callable[[bytes], None],
        keep_days: int,
        clock: Callable[[], float],
    ) -> None:
        self._audience, self._board, self._desk, self._folders = audience, board, desk, folders
        self._accepting, self._pausing = accepting, pausing
        self._run_job, self._run_folder = run_job, run_folder
        self._projects, self._add_project = projects, add_project
        self._progress, self._on_packet = progress, on_packet
        self._tickets, self._keep_days, self._clock = tickets, keep_days, clock
        self._next_look = 0.0
        self._age = Age()
        self._finishing: set[asyncio.Future[None]] = set()
        self.job_hint, self.ticket_hint, self.folder_hint = asyncio.Event(), asyncio.Event(), asyncio.Event()

    def start(self) -> list[asyncio.Task[None]]:
        """Start all of them."""
        pairs = (
            (self.look_at_jobs, self.job_hint),
            (self.look_at_tickets, self.ticket_hint),
            (self.look_at_folders, self.folder_hint),
            (self.look_at_age, asyncio.Event()),
            (self.look_at_old_files, asyncio.Event()),
            (self.look_at_presets, asyncio.Event()),
        )
        catching_up = asyncio.get_running_loop().create_task(self._catch_up())
        catching_up.add_done_callback(self._finished)
        return [catching_up, *(asyncio.get_running_loop().create_task(keep_doing(what, hint)) for what, hint in pairs)]

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
            self._finish(job)
        return BUSY_SECONDS if news.active else IDLE_SECONDS

    def _finish(self, job: Job) -> None:
        """Not waited for: the folder may lie on a share that hangs, and other jobs are to be told of all the same."""
        finishing = asyncio.ensure_future(self._run_folder(self._folders.finished, job))
        self._finishing.add(finishing)
        finishing.add_done_callback(self._finished)

    def _finished(self, finishing: asyncio.Future[None]) -> None:
        self._finishing.discard(finishing)
        if not finishing.cancelled() and finishing.exception() is not None:
            log.error("the end of a folder's job could not be noted", exc_info=finishing.exception())

    async def look_at_presets(self) -> float:
        """Say which preset file has broken; its last good version stays in use."""
        for broken in await self._run_folder(shelf().news):
            self._audience.publish("/error", broken.code, "presets", str(broken))
        return PRESET_SECONDS

    async def look_at_tickets(self) -> float:
        """Take every ticket and every slip that waits."""
        for packet in await self._run_job(take_slips, self._tickets):
            self._on_packet(packet)
        for path in await self._run_job(pending, self._tickets):
            await self._take(path)
        return TICKET_SECONDS

    async def _take(self, path: Path) -> None:
        table: dict[str, object] = {}
        try:
            table = await self._run_job(load, path)
            project = await self._run_job(registered, table)
            if project is not None:
                await self._add_project(project)
            if "register" not in table:
                ask = ask_from_ticket({**table, "project": str(project or "")}, "ticket")
                job, is_new = await self._accepting.submit(ask)
                self._board.accepted(job, is_new, None)
                self.job_hint.set()
            await self._run_job(_remove, path)
        except (DawBridgeError, *DEFECTS) as problem:
            error = problem if isinstance(problem, DawBridgeError) else Internal("this ticket met a defect", "The log says more.")
            log.warning("ticket %s is refused: %s", path.name, error, exc_info=error is not problem)
            await self._run_job(refuse, path, table, error)
            self._audience.publish("/error", error.code, f"ticket/{table.get('reqid', '')}", str(error))

    async def look_at_folders(self) -> float:
        """Ask for what has been dropped and is complete."""
        ready, problems = await self._run_folder(self._folders.scan, self._clock())
        self._tell(problems)
        for start in range(0, len(ready), MAX_LOT // 2):  # half a lot, so that whoever asks by hand fits in
            lot = ready[start : start + MAX_LOT // 2]
            answers = await asyncio.gather(*(self._accepting.submit(stem.ask) for stem in lot), return_exceptions=True)
            for stem, answer in zip(lot, answers, strict=True):
                await self._take_stem(stem, answer)
        return SETTLING_SECONDS if self._folders.is_settling else SCAN_SECONDS

    async def _take_stem(self, stem: Ready, answer: Accepted | BaseException) -> None:
        if isinstance(answer, DawBridgeError):
            self._tell(await self._run_folder(self._folders.refused, stem, answer, self._clock()))
        elif isinstance(answer, BaseException):
            raise answer
        else:
            job, is_new = answer
            await self._run_folder(self._folders.accepted, stem, job)
            now = await self._run_job(self._desk.job, job.id)
            if now.is_final:  # it may have ended before its drop was noted
                self._finish(now)
            self._board.accepted(job, is_new, None)
            self.job_hint.set()

    def _tell(self, problems: Sequence[Problem]) -> None:
        for problem in problems:
            log.warning("%s: %s", problem.path, problem.message)
            self._audience.publish(
                "/error", problem.code, f"drop/{problem.path.parent.name}/{problem.path.name}", problem.message
            )

    async def look_at_age(self) -> float:
        """Throw away what is too old to matter."""
        await self._run_job(self._desk.purge, self._keep_days, self._age.now())
        return PURGE_SECONDS

    async def look_at_old_files(self) -> float:
        """Throw away what lies in folders and is too old to matter."""
        places = tuple(self._projects), self._tickets / REFUSED
        await self._run_folder(purge_files, *places, self._keep_days, self._age.now())
        return PURGE_SECONDS

    async def _catch_up(self) -> None:
        """Hear of folder jobs that ended while the service was away."""
        for job_id in await self._run_folder(self._folders.open_jobs):
            try:
                job: Job = await self._run_job(self._desk.job, job_id)
            except UnknownJob:
                continue
            if job.is_final:
                await self._run_folder(self._folders.finished, job)


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)

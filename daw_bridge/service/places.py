"""The places that are watched: each project's drop/ and each folder of the configuration, apart, for any of them may hang."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from ..errors import DawBridgeError, UnknownJob
from ..folders import ProjectFolders
from ..job import Job
from .accepting import MAX_LOT, Accepting
from .audience import Audience
from .board import Board
from .desk import Accepted, Desk
from .hints import Hints
from .hot_folder import HotFolder
from .layout import lay_out
from .repeating import keep_doing
from .seen import Seen
from .stems import Problem, Ready
from .threads import CLOSE_SECONDS, OneThread
from .watcher import HotFolders

SETTLING_SECONDS, SCAN_SECONDS = 0.25, 3.0
RETRY_SECONDS = 5.0

log = logging.getLogger(__name__)


@dataclass
class Place:
    """One of them, with a thread of its own.

    Attributes:
        path: the project, or the folder of the configuration.
        project: whose remixes/ receives the results.
        folders: what is scanned.
        run: its thread.
        hint: a look is worth while.
    """

    path: Path
    project: Path
    folders: HotFolders
    run: OneThread = field(default_factory=lambda: OneThread("place"))
    hint: asyncio.Event = field(default_factory=asyncio.Event)


class Places:
    """Lives in the event loop.

    Args:
        audience, board, desk, accepting: the parts of the service.
        run_job: the desk's thread.
        seen: the table of drops.
        watched: folders of the configuration.
        projects: the service's; those that are watched are added here.
        on_accepted: called when a stem has become a job.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        *,
        audience: Audience,
        board: Board,
        desk: Desk,
        accepting: Accepting,
        run_job: OneThread,
        seen: Seen,
        watched: Sequence[HotFolder],
        projects: list[Path],
        on_accepted: Callable[[], None],
        clock: Callable[[], float],
    ) -> None:
        self._audience, self._board, self._desk, self._accepting = audience, board, desk, accepting
        self._run_job, self._seen, self._watched = run_job, seen, watched
        self._projects, self._on_accepted, self._clock = projects, on_accepted, clock
        self._places: dict[Path, Place] = {}
        self._hints: list[Hints] = []
        self._adding: dict[Path, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Future[None]] = set()

    async def add(self, project: Path) -> None:
        """Watch a project, and the folders of the configuration that are its own; once, however often it is asked for.

        Raises:
            NotFound, ForbiddenPath: it is no folder, or cannot be written.
        """
        if project in self._places:
            return
        if project not in self._adding:
            self._adding[project] = asyncio.ensure_future(self._add(project))
            self._adding[project].add_done_callback(lambda _: self._adding.pop(project))
        await asyncio.shield(self._adding[project])

    async def _add(self, project: Path) -> None:
        place = Place(project, project, HotFolders(self._seen, [project], (), self._projects))
        await place.run(lay_out, project)
        if project not in self._projects:
            self._projects.append(project)
        hints = Hints(partial(self._hinted, asyncio.get_running_loop(), place))
        self._hints.append(hints)
        place.run.begin(hints.watch, ProjectFolders(project).drop)  # not waited for: it goes through all of the tree
        self._start(place)
        for folder in self._watched:
            if folder.project == project:
                self._start(Place(folder.path, project, HotFolders(self._seen, (), [folder], self._projects)))
        log.info("watching %s", project)

    def _start(self, place: Place) -> None:
        self._places[place.path] = place
        self._do(self._catch_up(place))
        self._do(keep_doing(lambda: self._look_at(place), place.hint))

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Future[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("the end of a folder's job could not be noted", exc_info=task.exception())

    def _hinted(self, loop: asyncio.AbstractEventLoop, place: Place, renamed: Path | None) -> None:
        """Called in watchdog's thread."""
        if renamed is not None:
            place.run.begin(place.folders.renamed, renamed)
        try:
            loop.call_soon_threadsafe(place.hint.set)
        except RuntimeError:
            log.debug("a hint came after the end")

    async def _look_at(self, place: Place) -> float:
        """Ask for what has been dropped and is complete."""
        ready, problems = await place.run(place.folders.scan, self._clock())
        self._tell(problems)
        for start in range(0, len(ready), MAX_LOT // 2):  # half a lot, so that whoever asks by hand fits in
            lot = ready[start : start + MAX_LOT // 2]
            answers = await asyncio.gather(*(self._accepting.submit(stem.ask) for stem in lot), return_exceptions=True)
            for stem, answer in zip(lot, answers, strict=True):
                await self._take(place, stem, answer)
        return SETTLING_SECONDS if place.folders.is_settling else SCAN_SECONDS

    async def _take(self, place: Place, stem: Ready, answer: Accepted | BaseException) -> None:
        if isinstance(answer, DawBridgeError):
            self._tell(await place.run(place.folders.refused, stem, answer, self._clock()))
        elif isinstance(answer, BaseException):
            raise answer
        else:
            job, is_new = answer
            await place.run(place.folders.accepted, stem, job)
            now = await self._run_job(self._desk.job, job.id)
            if now.is_final:  # it may have ended before its drop was noted
                self.finish(now)
            self._board.accepted(job, is_new, None)
            self._on_accepted()

    def _tell(self, problems: Sequence[Problem]) -> None:
        for problem in problems:
            log.warning("%s: %s", problem.path, problem.message)
            self._audience.publish(
                "/error", problem.code, f"drop/{problem.path.parent.name}/{problem.path.name}", problem.message
            )

    def finish(self, job: Job) -> None:
        """A job is over: note it wherever it was dropped. Not waited for."""
        for place in self._of(Path(job.request.project)):
            self._do(self._finish(place, job))

    async def _finish(self, place: Place, job: Job) -> None:
        await place.run(place.folders.finished, job)

    async def _catch_up(self, place: Place) -> None:
        """Hear of jobs that ended while the place was not watched."""
        for drop in await self._run_job(self._seen.open_jobs):
            if not place.folders.owns(Path(drop.path)):
                continue
            try:
                job = await self._run_job(self._desk.job, drop.job)
            except UnknownJob:
                continue
            if job.is_final:
                await place.run(place.folders.finished, job)

    def _of(self, project: Path) -> list[Place]:
        return [place for place in self._places.values() if place.project == project]

    def is_hanging(self, project: Path) -> bool:
        """Whether a project's share does not answer."""
        return any(place.run.is_stuck for place in self._of(project))

    async def why(self, text: str) -> str:
        """What became of a dropped file, in words.

        Args:
            text: its path, absolute or relative to a project.
        """
        return await self._run_job(self._why, text, list(self._places.values()))

    def _why(self, text: str, places: Sequence[Place]) -> str:
        paths = dict.fromkeys((Path(text), *(place.project / text for place in places)))
        owners = [(path, place) for path in paths for place in places if place.folders.owns(path)]
        hanging = ""
        for path, place in owners:
            words = place.folders.why(path, self._board.why_not)
            hangs = f"{place.path} does not answer: its drive or share hangs." if place.run.is_stuck else ""
            if words:
                return f"{hangs} {words}".strip()
            hanging = hanging or hangs  # a path may be relative, and another project may know of it
        if hanging:
            return hanging
        drop = self._seen.latest_of(text)  # of a folder that is not watched any more
        return f"job {drop.job} is {drop.outcome}. {drop.message}".strip() if drop else "no hot folder has seen it"

    async def put_back(self, job: Job) -> None:
        """Before a job is tried again: see `HotFolders.put_back`.

        Raises:
            BadArguments: another file lies there now.
            NotFound: the place hangs.
        """
        place = await self._place_of(job)
        if place is not None:
            await place.run.in_time(RETRY_SECONDS, str(place.path), place.folders.put_back, job)

    async def retried(self, job: Job) -> None:
        """The store took the job that tries another again."""
        place = await self._place_of(job)
        if place is not None:
            await place.run(place.folders.retried, job)

    async def _place_of(self, job: Job) -> Place | None:
        """Where the content of a job, or of another try of it, was dropped."""
        drop = await self._run_job(self._seen.of_job, job.id)
        return next((place for place in self._places.values() if drop and place.folders.owns(Path(drop.path))), None)

    def purge(self, work: Callable[[Path], None]) -> None:
        """Have something done in each project by its own thread, where it answers. Not waited for."""
        for place in self._places.values():
            if place.path == place.project and not place.run.is_stuck:
                place.run.begin(work, place.project)

    async def close(self) -> None:
        """Let go of everything, and wait for no share that hangs."""
        tasks = [*self._tasks, *self._adding.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        ending = OneThread("hints")
        for hints in self._hints:
            ending.begin(hints.stop)
        deadline = time.monotonic() + CLOSE_SECONDS
        for thread in (ending, *(place.run for place in self._places.values())):
            thread.close(max(0.0, deadline - time.monotonic()))

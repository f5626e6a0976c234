"""What is thrown away by age, so that a service that runs for years does not fill the disk."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from ..folders import ProjectFolders

TICKET_DAYS = 7  # result tickets that nobody read, and tickets that were refused
PREVIEW_DAYS = 1  # first sounds; not when the remix is there, because somebody may be listening, or a DAW may refer to them
DAY_SECONDS = 86_400.0

log = logging.getLogger(__name__)


class Age:
    """The time by which things are judged old: the wall clock's, but never sooner than it can have become since the start.

    A clock that is set forward, by mistake or by a battery that failed, must not make everything old at once.

    Args:
        wall_clock: seconds since the epoch.
        clock: monotonic seconds.
    """

    def __init__(self, wall_clock: Callable[[], float] = time.time, clock: Callable[[], float] = time.monotonic) -> None:
        self._wall_clock, self._clock = wall_clock, clock
        self._offset = wall_clock() - clock()

    def now(self) -> float:
        """Seconds since the epoch."""
        return min(self._wall_clock(), self._clock() + self._offset)


def purge_files(projects: Sequence[Path], refused: Path, keep_days: int, now: float) -> None:
    """Remove old tickets, first sounds and sounds taken out of a DAW.

    Project folders may lie on a share that hangs: the jobs must not wait for this.

    Args:
        projects, refused, keep_days, now: as below.
    """
    n_tickets, n_previews = purge_tickets(projects, refused, now), purge_previews(projects, now)
    n_contents = purge_contents(projects, keep_days, now)
    if n_tickets or n_previews or n_contents:
        log.info("purged %d old tickets, %d first sounds and %d contents", n_tickets, n_previews, n_contents)


def purge_tickets(projects: Iterable[Path], refused: Path, now: float) -> int:
    """Remove tickets older than a week.

    Args:
        projects: whose results/ are looked into.
        refused: folder of tickets that were set aside.
        now: seconds since the epoch.

    Returns:
        how many were removed.
    """
    folders = [ProjectFolders(project).results for project in projects]
    return sum(_remove_old(folder, (".json", ".tmp"), now - TICKET_DAYS * DAY_SECONDS) for folder in (*folders, refused))


def purge_previews(projects: Iterable[Path], now: float) -> int:
    """Remove first sounds older than a day.

    Args:
        projects: whose previews/ are looked into.
        now: seconds since the epoch.

    Returns:
        how many were removed.
    """
    folders = [ProjectFolders(project).previews for project in projects]
    return sum(_remove_old(folder, (".wav", ".flac"), now - PREVIEW_DAYS * DAY_SECONDS) for folder in folders)


def purge_contents(projects: Iterable[Path], keep_days: int, now: float) -> int:
    """Remove sounds that scripts took out of a DAW for jobs that nobody can try again any more.

    Args:
        projects: whose contents/ are looked into.
        keep_days: after which jobs are forgotten; a ticket may wait for the service as long as an answer for its reader.
        now: seconds since the epoch.

    Returns:
        how many were removed.
    """
    folders = [ProjectFolders(project).contents for project in projects]
    return sum(_remove_old(folder, (".wav",), now - max(keep_days, TICKET_DAYS) * DAY_SECONDS) for folder in folders)


def _remove_old(folder: Path, suffixes: tuple[str, ...], before: float) -> int:
    """Remove files of a folder that were last changed before then (seconds since the epoch); gives how many."""
    n_removed = 0
    try:
        files = [path for path in folder.iterdir() if path.suffix in suffixes and path.is_file()]
    except OSError:
        return 0
    for path in files:
        try:
            if path.lstat().st_mtime < before:
                path.unlink()
                n_removed += 1
        except OSError as error:
            log.warning("%s is old and stays: %s", path, error)
    return n_removed

"""What is thrown away by age, so that a service that runs for years does not fill the disk."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path

from ..folders import ProjectFolders

TICKET_DAYS = 7  # result tickets that nobody read, and tickets that were refused
DAY_SECONDS = 86_400.0

log = logging.getLogger(__name__)


def purge_tickets(projects: Iterable[Path], refused: Path, now: float) -> int:
    """Remove tickets older than a week.

    Args:
        projects: whose results/ are looked into.
        refused: folder of tickets that were set aside.
        now: seconds since the epoch.

    Returns:
        how many were removed.
    """
    n_removed = 0
    for folder in (*(ProjectFolders(project).results for project in projects), refused):
        try:
            files = [path for path in folder.iterdir() if path.suffix in (".json", ".tmp") and path.is_file()]
        except OSError:
            continue
        for path in files:
            try:
                if now - path.lstat().st_mtime > TICKET_DAYS * DAY_SECONDS:
                    path.unlink()
                    n_removed += 1
            except OSError as error:
                log.warning("old ticket %s stays: %s", path, error)
    return n_removed

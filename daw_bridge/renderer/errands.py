"""What is done in the user's folders for a job, by a porter: all of these may hang with the share that a folder lies on."""

from __future__ import annotations

import json
import os
import stat
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .. import disk, making
from ..disk import OnBlock
from ..errors import Away, DawBridgeError, ForbiddenPath, NotFound, UnsupportedFormat
from ..folders import ProjectFolders
from ..job import Published
from ..request import SourceFile
from ..results import write_table
from ..scratch import Scratch
from . import reuse

RECIPE = "recipe.json"
KEPT_STEM = "remix"


def copy(source: SourceFile, role: str, target: Path, *, on_block: OnBlock) -> None:
    """Copy an input, so that what happens to the original during the render does no harm.

    Args:
        source: the file as it was when it was named; it must still be that file.
        role: "content" or "style", for messages.
        target: the copy.
        on_block: called with each block.

    Raises:
        Away: its drive or share has gone.
        NotFound: it is gone, or was changed since.
        ForbiddenPath: it may not be read.
        UnsupportedFormat: it is no regular file any more, or a symlink came in its way.
        DiskFull: no room for the copy.
    """
    path = Path(source.path)
    try:
        before, after = _copy(path, target, role, on_block)
    except Away as error:
        raise _unreadable(error.__cause__, role, path) if isinstance(error.__cause__, OSError) else error from None
    except OSError as error:
        raise _unreadable(error, role, path) from None
    for status in (before, after):
        if (status.st_size, status.st_mtime_ns) != (source.size_bytes, source.mtime_ns):
            raise NotFound(f"{role} {path.name!r} was changed after it was asked for", "Ask again to render what it is now.")


def _copy(path: Path, copy: Path, role: str, on_block: OnBlock) -> tuple[os.stat_result, os.stat_result]:
    """Copy a file; what it was before and after."""
    with open(path, "rb", opener=_without_waiting) as original:
        before = os.fstat(original.fileno())
        if not stat.S_ISREG(before.st_mode) or not _is_at(path, before):
            raise UnsupportedFormat(f"{role} {path.name!r} is not a regular file", "Give an audio file.")
        with disk.writing(copy, on_block) as target:
            disk.pour(original, target, on_block)
            return before, os.fstat(original.fileno())


def _without_waiting(path: str, flags: int) -> int:
    """Open a file; a pipe that was put in its place would make us wait for its writer."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _is_at(path: Path, status: os.stat_result) -> bool:
    """Whether what was opened lies at its path itself: the path was resolved when the request was checked, so a symlink on
    the way was put there since, and may lead out of the project."""
    return path.resolve(strict=True) == path and os.path.samestat(path.stat(), status)


def _unreadable(error: OSError, role: str, path: Path) -> DawBridgeError:
    if _has_gone(error, path):
        return Away(f"{role} {path.name!r} cannot be reached: its drive or share has gone", "Connect it and ask again.")
    if isinstance(error, FileNotFoundError):
        return NotFound(f"{role} {path.name!r} is not there any more", "Put it back and ask again.")
    if isinstance(error, PermissionError):
        return ForbiddenPath(f"{role} {path.name!r} may not be read", "Give yourself the right to read it and ask again.")
    return NotFound(f"{role} {path.name!r} cannot be read: {error.strerror}", "Check the disk or the share that it lies on.")


def _has_gone(error: OSError, path: Path) -> bool:
    """Whether the drive or the share is gone, not the file alone."""
    return error.errno in disk.AWAY or (isinstance(error, FileNotFoundError) and _is_bare(path.parent))


def _is_bare(folder: Path) -> bool:
    """Whether a folder is missing, or empty: an empty folder is what a mount leaves behind."""
    try:
        return not any(folder.iterdir())
    except OSError:
        return True


def find(remixes: Path, recipe: Mapping[str, Any], *, on_block: OnBlock) -> Published | None:
    """The published remix that a recipe would make again; see `reuse.find`."""
    earlier = reuse.find(remixes, recipe, on_block)
    return None if earlier is None else reuse.told_of(earlier)


def place_first_sound(made: Path, target: Path, *, on_block: OnBlock) -> None:
    """Put a first sound into the project's previews/, whole or not at all.

    Raises:
        DiskFull, Away, ForbiddenPath: as `disk.writing`.
    """
    disk.make_folder(target.parent)
    staged = target.with_name(f".{uuid.uuid4().hex}{target.suffix}")  # a dot file: nobody takes it for a first sound
    try:
        with made.open("rb") as source, disk.writing(staged, on_block) as copy:
            disk.pour(source, copy, on_block)
        with disk.reported(target):
            staged.replace(target)
    finally:
        disk.remove(staged)


def is_there(path: Path, *, on_block: OnBlock) -> bool:
    """Whether a file is."""
    return path.is_file()


def publish(folder: Path, project: Path, stem: str, preset: str, label: str, job_id: str, *, on_block: OnBlock) -> Published:
    """Give the kept remix its name in the project's remixes/, or name the one made before.

    Args:
        folder: the job's work folder.
        project: of the job.
        stem, preset, label, job_id: as `publish.reserve`.
        on_block: called with each piece of the work.

    Raises:
        Away: the project's folder has gone; none is made in its place.
        DawBridgeError: the disk is full or the folder cannot be written to; no version is left reserved then.
    """
    from .. import publish as publishing
    from ..audio_files import read_audio

    earlier = reuse.noted(folder)
    if earlier is not None:
        return earlier
    if _is_bare(project):
        raise Away(f"project folder {str(project)!r} is not there any more", "Put it back, or connect its drive, and ask again.")
    kept = next(folder.glob(f"{KEPT_STEM}.*"))
    reservation = publishing.reserve(ProjectFolders(project).remixes, stem, preset, label, kept.suffix, job_id, on_block=on_block)
    remix = read_audio(kept, role="remix", scratch=Scratch(folder, on_block))
    recipe = json.loads((folder / RECIPE).read_text(encoding="utf-8"))
    try:
        path = publishing.publish(reservation, remix, recipe, origin=making.origin_of(recipe), on_block=on_block)
    except DawBridgeError:
        publishing.withdraw(reservation)
        raise
    return reuse.published(path, remix.length_seconds, remix.sample_rate)


def has_room(remixes: Path, folder: Path, *, on_block: OnBlock) -> bool:
    """Whether the disk of the results has room for what is kept in a work folder."""
    return disk.has_room(remixes, folder)


def tell(project: Path, reqid: str, table: Mapping[str, Any], *, on_block: OnBlock) -> None:
    """Write a result ticket; see `results.write_table`."""
    write_table(project, reqid, table)

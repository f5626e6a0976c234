"""What a hot folder leaves beside the remix: a plain word about a stem that failed, and originals that move."""

from __future__ import annotations

import errno
import logging
import os
from pathlib import Path

from ..folders import ProjectFolders
from ..request import SourceFile
from .hot_folder import HotFolder

MAX_NAME_BYTES = 200

log = logging.getLogger(__name__)


def error_file(folder: HotFolder, stem: Path) -> Path:
    """`errors/<folder>/<name>.error.txt`."""
    name = stem.name.encode("utf-8", "replace")[:MAX_NAME_BYTES].decode("utf-8", "ignore")
    return ProjectFolders(folder.project).errors / folder.label / f"{name}.error.txt"


def tell(folder: HotFolder, stem: Path, message: str) -> None:
    """Write down in plain words why a stem has no remix; a folder that cannot be written gets a log line."""
    path = error_file(folder, stem)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{stem.name}: {message}\n", encoding="utf-8", errors="replace")
    except OSError as error:
        log.warning("cannot write %s: %s", path, error)


def untell(folder: HotFolder, stem: Path) -> None:
    """Take back what was said of a stem that is well now."""
    path = error_file(folder, stem)
    try:
        path.unlink(missing_ok=True)
        path.parent.rmdir()
    except OSError:
        return  # not empty, or gone: both are well


def move_away(folder: HotFolder, stem: Path, state: str) -> str:
    """Move an original to done/ or errors/, never over another file and never to another file system.

    Returns:
        why it stayed where it was; empty where it moved.
    """
    folders = ProjectFolders(folder.project)
    target = (folders.done if state == "done" else folders.errors) / folder.label
    try:
        target.mkdir(parents=True, exist_ok=True)
        for number in range(1, 1000):
            name = stem.name if number == 1 else f"{stem.stem} ({number}){stem.suffix}"
            try:
                _move(stem, target / name)
                return ""
            except FileExistsError:
                continue
    except OSError as error:
        log.warning("%s stays where it is: %s", stem, error)
        reason = "another file system" if error.errno == errno.EXDEV else str(error.strerror)
        return f"the original stays where it is: {reason}"
    return "the original stays where it is: a thousand files of its name were moved before"


def bring_back(folder: HotFolder, stem: Path, content: SourceFile) -> None:
    """Move a failed original from errors/ to where it was dropped; it stays where it is when a file lies there."""
    try:
        for path in (ProjectFolders(folder.project).errors / folder.label).iterdir():
            status = path.stat()
            if (path.suffix, status.st_size, status.st_mtime_ns) == (stem.suffix, content.size_bytes, content.mtime_ns):
                _move(path, stem)
                return
    except OSError as error:
        log.info("%s is not brought back: %s", stem, error)


def _move(source: Path, target: Path) -> None:
    """A rename that never overwrites: a second name first, then the old one goes."""
    if os.name == "nt":
        os.rename(source, target)  # refuses an existing target
        return
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.EMLINK):
            raise
        if target.exists():  # a file system without second names
            raise FileExistsError(errno.EEXIST, "exists", str(target)) from None
        os.rename(source, target)
        return
    os.unlink(source)

"""Writing files so that they are whole or not there, and the system's errors in our words."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from .errors import DawBridgeError, DiskFull, ForbiddenPath


def write_error(error: OSError, path: Path) -> DawBridgeError:
    """Our error for one of the system's that came while writing `path`: DiskFull, or ForbiddenPath for all else."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return DiskFull(f"no room on the disk for {path.name!r}", f"Free some in {str(path.parent)!r} and ask again.")
    reason = error.strerror or str(error)
    return ForbiddenPath(f"{str(path)!r} cannot be written: {reason}", "Choose a folder that exists and that you may write to.")


@contextlib.contextmanager
def writing(path: Path) -> Iterator[BinaryIO]:
    """A new file to write, on the disk when the block ends and gone when the block fails.

    Args:
        path: replaced where it exists; atomic only for who writes beside and renames.

    Raises:
        DiskFull: no room.
        ForbiddenPath: it cannot be written for any other reason.
    """
    is_open = False
    try:
        with path.open("wb") as file:
            is_open = True
            yield file
            file.flush()
            os.fsync(file.fileno())
    except BaseException as error:
        if is_open:
            with contextlib.suppress(OSError):
                path.unlink()
        if isinstance(error, OSError):
            raise write_error(error, path) from error
        raise


def make_folder(folder: Path) -> None:
    """Make a folder and those above it.

    Raises:
        DiskFull, ForbiddenPath: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise write_error(error, folder) from error


def settle_folder(folder: Path) -> None:
    """Wait until the names in a folder are on the disk, on systems that can."""
    if os.name == "nt":
        return
    with contextlib.suppress(OSError):  # some network file systems cannot, and the rename itself has happened
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def rename_new(source: Path, target: Path) -> None:
    """Give a file its final name, never replacing another's.

    A hard link fails where the name is taken, which a rename on POSIX does not; file systems without links get a check
    and a rename.

    Raises:
        FileExistsError: the name is taken.
        OSError: anything else.
    """
    try:
        os.link(source, target)
    except (FileExistsError, FileNotFoundError):
        raise
    except OSError:
        if os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target)) from None
        source.rename(target)
    else:
        source.unlink()

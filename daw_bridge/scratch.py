"""Room for long recordings while they are worked on: memory-mapped files in a folder, so that memory stays flat."""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np

from . import disk

if sys.platform != "win32":
    import fcntl

ZEROS = bytes(1 << 20)
PRIVATE, LOCK = re.compile(r"\.daw_bridge-[0-9a-f]{32}"), "lock"
LOCKED_WITHIN_SECONDS = 60.0  # of its making is a private folder of a process that lives


@dataclass(frozen=True)
class Scratch:
    """Makes arrays that may be longer than memory, and hears how the work on them goes on.

    Attributes:
        folder: a private folder on a local disk, thrown away by whoever gave it; None keeps everything in memory.
        on_block: called between blocks of work by the stages that go from block to block; whatever it raises ends the work.
    """

    folder: Path | None = None
    on_block: Callable[[], None] = field(default=lambda: None, compare=False)

    def empty(self, shape: tuple[int, ...], dtype: Any = np.float32) -> np.ndarray:
        """An array of zeros; mapped from a file of its own where there is a folder.

        The system writes mapped pages out and drops them when memory is short, so they do not count as the process's own.
        The file loses its name at once where the system lets an open file do so: nothing is left of it once the array is
        gone, even if the process is killed. Windows keeps it until the folder is thrown away.

        Raises:
            DiskFull: no room for the file; found out here, since later it would end the process.
            ForbiddenPath: the folder cannot be written to.
        """
        if self.folder is None or 0 in shape:
            return np.zeros(shape, dtype)
        with (
            disk.reported(self.folder / "scratch"),
            tempfile.NamedTemporaryFile(dir=self.folder, suffix=".scratch", delete=os.name != "nt") as file,
        ):
            fill(file.file, int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize)
            mapped: np.ndarray = np.memmap(file.name, dtype, "r+", shape=shape)
        return mapped


@contextmanager
def scratch_beside(folder: Path) -> Iterator[Scratch]:
    """Room in a private folder beside a result; gone after the block, as are those that killed processes left there.

    The work takes several times the result's room there, 6 to 13 times where it was measured. It lies on the result's disk, so
    that whoever is short of room on another need not make any there.

    Raises:
        DiskFull, ForbiddenPath: the folder cannot be written to.
    """
    _sweep(folder, time.time())
    private = folder / f".daw_bridge-{uuid.uuid4().hex}"
    lock = None
    try:  # around the making, too: Ctrl-C may come at any moment
        with disk.reported(folder):
            private.mkdir(mode=0o700)
        with suppress(OSError):  # no locks there: nobody will sweep, either
            lock = _locked(private / LOCK)
        yield Scratch(private)
    finally:
        try:
            _throw_away(private, lock)
        except (KeyboardInterrupt, OSError):  # Ctrl-C even now, which rmtree may turn into a handle closed twice
            _throw_away(private, lock)
            raise KeyboardInterrupt from None


def _locked(path: Path) -> IO[bytes]:
    """A file that is locked as long as it is open; an OSError where another process, or this one, has it open.

    It is done by hand, since Ctrl-C may come in the middle of it, and filelock keeps books of its own that it would upset.
    """
    if sys.platform == "win32":
        path.unlink(missing_ok=True)  # which fails there while it is open
        return path.open("wb")
    file = path.open("wb")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BaseException:
        file.close()
        raise
    return file


def _throw_away(private: Path, lock: IO[bytes] | None) -> None:
    if lock is not None:
        lock.close()  # Windows keeps what is open
    shutil.rmtree(private, ignore_errors=True)


def _sweep(folder: Path, now: float) -> None:
    """Throw away private folders whose process has gone: the system gives a lock back with its process."""
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if not PRIVATE.fullmatch(entry.name) or not entry.is_dir(follow_symlinks=False):
                continue
            with suppress(OSError):  # in use, or not ours to take away
                if now - entry.stat(follow_symlinks=False).st_mtime > LOCKED_WITHIN_SECONDS:
                    _throw_away(Path(entry.path), _locked(Path(entry.path) / LOCK))


def fill(file: IO[bytes], n_bytes: int) -> None:
    """Make a new file that long, its blocks on the disk: no room for one that is mapped would end the process later.

    Raises:
        OSError: no room for it.
    """
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file.fileno(), 0, n_bytes)
        return
    for first in range(0, n_bytes, len(ZEROS)):
        file.write(ZEROS[: n_bytes - first])
    file.flush()

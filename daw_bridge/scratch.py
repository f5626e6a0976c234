"""Room for long recordings while they are worked on: memory-mapped files in a folder, so that memory stays flat."""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np

from . import disk

ZEROS = bytes(1 << 20)


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
    """Room in a private folder beside a result, where there must be room for it anyway; gone after the block.

    Raises:
        DiskFull, ForbiddenPath: the folder cannot be written to.
    """
    private = folder / f".daw_bridge-{uuid.uuid4().hex}"
    try:  # around the making, too: Ctrl-C may come at any moment
        with disk.reported(folder):
            private.mkdir(mode=0o700)
        yield Scratch(private)
    finally:
        shutil.rmtree(private, ignore_errors=True)


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

"""Writing files so that they are whole or not there, and the system's errors in our words."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import json
import math
import os
import shutil
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from .errors import Away, DawBridgeError, DiskFull, ForbiddenPath, NotFound, OutOfMemory

SPARE_BYTES = 65_536
AWAY = (errno.EIO, errno.ESTALE, errno.ENOTCONN, errno.EHOSTDOWN, errno.ETIMEDOUT)  # what a share or a drive says that went
BLOCK_BYTES = 1 << 16
LEAST_PIECE_BYTES, MOST_PIECE_BYTES, PIECE_SECONDS = 1 << 20, 1 << 25, 0.5  # how much a disk is given before it is waited for

OnBlock = Callable[[], None]


def nothing() -> None:
    """Of blocks of work that nobody wants to hear of."""


def write_error(error: OSError, path: Path) -> DawBridgeError:
    """Our error for one of the system's that came while writing `path`: ForbiddenPath where it is none of the others."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return DiskFull(f"no room on the disk for {path.name!r}", f"Free some in {str(path.parent)!r} and ask again.")
    if error.errno == errno.ENOMEM:  # a file that is mapped takes room for addresses
        return OutOfMemory(f"no memory for {path.name!r}", "Close other programs, or take a shorter part.")
    reason = error.strerror or str(error)
    if error.errno in AWAY:
        return Away(f"{str(path)!r} cannot be written: {reason}", "Check the disk or the share that it lies on, and ask again.")
    return ForbiddenPath(f"{str(path)!r} cannot be written: {reason}", "Choose a folder that exists and that you may write to.")


@contextlib.contextmanager
def reported(path: Path) -> Iterator[None]:
    """Turn the system's errors of the block, which makes or renames `path`, into ours.

    Raises:
        DiskFull, Away, ForbiddenPath: as `write_error`.
    """
    try:
        yield
    except OSError as error:
        raise write_error(error, path) from error


@contextlib.contextmanager
def writing(path: Path, on_block: OnBlock = nothing) -> Iterator[BinaryIO]:
    """A new file to write, on the disk when the block ends and gone when the block fails.

    Args:
        path: replaced where it exists; atomic only for who writes beside and renames.
        on_block: called with each piece that was written or has reached the disk.

    Raises:
        DiskFull: no room.
        Away: its drive or share has gone.
        ForbiddenPath: it cannot be written for any other reason.
    """
    with reported(path):
        file = io.BufferedWriter(_Pieces(path, on_block), BLOCK_BYTES)
        try:
            with file:
                yield file
                file.flush()
                os.fsync(file.fileno())
        except BaseException:
            remove(path)
            raise


class _Pieces(io.FileIO):
    """A new file that is written to the disk piece by piece: all of it at its end would look like a disk that hangs."""

    def __init__(self, path: Path, on_block: OnBlock) -> None:
        super().__init__(path, "wb")
        self._on_block, self._n_waiting, self._piece = on_block, 0, LEAST_PIECE_BYTES

    def write(self, data: Any, /) -> int:
        n_bytes = super().write(memoryview(data)[:MOST_PIECE_BYTES]) or 0
        self._on_block()
        self._n_waiting += n_bytes
        if self._n_waiting >= self._piece:
            began = time.monotonic()
            os.fsync(self.fileno())
            self._on_block()
            is_quick = time.monotonic() - began < PIECE_SECONDS
            self._piece = min(2 * self._piece, MOST_PIECE_BYTES) if is_quick else max(self._piece // 2, LEAST_PIECE_BYTES)
            self._n_waiting = 0
        return n_bytes


def pour(source: BinaryIO, target: BinaryIO, on_block: OnBlock = nothing) -> None:
    """Copy what is left of a file into another; each block is told of."""
    while block := source.read(BLOCK_BYTES):
        target.write(block)
        on_block()


def sha256_of(file: BinaryIO, on_block: OnBlock = nothing) -> str:
    """The hash of what is left of a file; each block is told of."""
    digest = hashlib.sha256()
    while block := file.read(1 << 18):
        digest.update(block)
        on_block()
    return digest.hexdigest()


def remove(path: Path) -> None:
    """Take a file away if it is there and can be."""
    with contextlib.suppress(OSError):
        path.unlink()


def make_folder(folder: Path) -> None:
    """Make a folder and those above it.

    Raises:
        DiskFull, ForbiddenPath: it cannot be made.
    """
    with reported(folder):
        folder.mkdir(parents=True, exist_ok=True)


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


def check_targets(targets: Sequence[Path], inputs: Sequence[Path | None], *, is_forced: bool) -> None:
    """Refuse before the work what could not be written after it.

    Raises:
        NotFound: the folder does not exist.
        ForbiddenPath: a file exists already, or is one of the inputs.
    """
    for target in targets:
        if not target.absolute().parent.is_dir():
            raise NotFound(f"folder {str(target.absolute().parent)!r} does not exist", "Make it first, or choose another.")
        if target.resolve() in [path.resolve() for path in inputs if path is not None]:
            raise ForbiddenPath(f"{str(target)!r} is an input", "Choose another name.")
        if os.path.lexists(target) and not (is_forced and target.is_file()):
            raise ForbiddenPath(f"{str(target)!r} exists already", "Choose another --out, or say --force to replace it.")


def place(moves: Mapping[Path, Path], *, is_forced: bool) -> None:
    """Give staged files their names, all of them or none: where one cannot have its name, those before it lose theirs.

    Args:
        moves: from staged file to name, in the order in which they are to appear.
        is_forced: replace what is there. It keeps another name until the last file has its own, and comes back if one fails.

    Raises:
        ForbiddenPath: a name was taken in the meantime, or its file is in use where that keeps it from being replaced.
    """
    kept = {target: target.with_name(f".daw-bridge-{uuid.uuid4().hex[:8]}.old") for target in moves.values()}
    placed: list[Path] = []
    try:
        for staged, target in moves.items():
            with reported(target):
                if is_forced and os.path.lexists(target):
                    target.rename(kept[target])
                rename_new(staged, target)
            placed.append(target)
    except BaseException:
        for target, old in kept.items():
            with contextlib.suppress(OSError):
                if os.path.lexists(old):
                    old.replace(target)
                elif target in placed:
                    target.unlink()
        raise
    for old in kept.values():
        remove(old)


def has_room(folder: Path, like: Path) -> bool:
    """Whether the disk of a folder has room for another copy of the files in `like`, and a little more."""
    needed = sum(path.stat().st_size for path in like.iterdir() if path.is_file())
    try:
        return shutil.disk_usage(folder).free > needed + SPARE_BYTES
    except OSError:
        return True  # it cannot be told: trying will


def write_json(path: Path, table: Mapping[str, Any]) -> None:
    """Write a table of plain values as JSON; NaN and infinity, which JSON does not know, become null.

    Raises:
        DiskFull, ForbiddenPath: as `writing`.
    """
    text = json.dumps(_plain(table), indent=1, ensure_ascii=False, allow_nan=False)
    with writing(path) as file:
        file.write(text.encode("utf-8", "backslashreplace") + b"\n")


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def read_json(path: Path) -> dict[str, Any]:
    """The table in a JSON file; an empty one where there is no such file or no table in it."""
    try:
        table = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return table if isinstance(table, dict) else {}

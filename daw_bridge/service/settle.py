"""When a file in a hot folder is complete: unchanged for a while, and all there by its own header."""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import BinaryIO

LOCAL_SECONDS, NETWORK_SECONDS, RENAMED_SECONDS = 2.0, 5.0, 0.3
TRUNCATED_SECONDS = 60.0
RESTLESS_SECONDS = 900.0
OGG_TAIL_BYTES = 131_072  # two of the longest pages
NETWORK_FILE_SYSTEMS = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "afpfs", "fuse.sshfs", "9p", "davfs", "fuse.davfs2", "webdav"}
MOUNTS = Path("/proc/mounts")
UNFINISHED_SIZES = {0, 0x7FFFFFFF, 0xFFFFFFFF}


@dataclass(frozen=True)
class Look:
    """What a file looked like: it settles while this stays the same.

    Attributes:
        size_bytes, mtime_ns, inode: as the file system says.
    """

    size_bytes: int
    mtime_ns: int
    inode: int


def look_at(path: Path) -> Look:
    """The file's look now, of the target where it is a symlink.

    Raises:
        OSError: it cannot be looked at.
    """
    status = path.stat()
    return Look(status.st_size, status.st_mtime_ns, status.st_ino)


@dataclass
class Patience:
    """How long one file has kept still.

    Attributes:
        look: as last seen.
        since: when it began to look so, monotonic seconds.
        first_seen: when it was first seen.
        settle_seconds: how long it must keep still.
        is_complete: its header was read and lacks nothing, for this look.
    """

    look: Look
    since: float
    first_seen: float
    settle_seconds: float = LOCAL_SECONDS
    is_complete: bool = False

    def see(self, look: Look, now: float) -> bool:
        """Note how the file looks at `now`; whether it has settled."""
        if look != self.look:
            self.look, self.since, self.is_complete = look, now, False
        return look.size_bytes > 0 and now - self.since >= self.settle_seconds

    def is_truncated(self, now: float) -> bool:
        """Whether an incomplete file has kept still for so long that nobody writes it any more."""
        return now - self.since >= TRUNCATED_SECONDS

    def is_restless(self, now: float) -> bool:
        """Whether the file has been changing for so long that it is worth a word."""
        return now - self.first_seen >= RESTLESS_SECONDS and now - self.since < self.settle_seconds


def missing_part(path: Path) -> str:
    """What a file lacks by its own header, or "" when all is there; what is no known container lacks nothing here.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        head = file.read(12)
        if head[:4] in (b"RIFF", b"RIFX", b"RF64", b"BW64") and head[8:] == b"WAVE":
            return _missing_of_wave(file, size, ">" if head[:4] == b"RIFX" else "<", head[:4] in (b"RF64", b"BW64"))
        if head[:4] == b"FORM" and head[8:] in (b"AIFF", b"AIFC"):
            return _missing_of_aiff(file, size)
        if head[:4] == b"fLaC":
            return _missing_of_flac(file, size)
        if head[:4] == b"OggS":
            return _missing_of_ogg(file, size)
        return "" if len(head) == 12 else "its header"


def _chunks(file: BinaryIO, size: int, order: str) -> Iterator[tuple[bytes, int, int]]:
    """Name, declared size and data offset of each chunk after the form's 12 bytes."""
    at = 12
    while at + 8 <= size:
        file.seek(at)
        name, length = struct.unpack(order + "4sI", file.read(8))
        yield name, length, at + 8
        at += 8 + length + length % 2


def _missing_of_wave(file: BinaryIO, size: int, order: str, is_64: bool) -> str:
    long_data = 0
    for name, length, at in _chunks(file, size, order):
        if name == b"ds64" and is_64:
            file.seek(at)
            sizes = file.read(16)
            long_data = struct.unpack("<QQ", sizes)[1] if len(sizes) == 16 else 0
        if name == b"data":
            declared = long_data if is_64 and length == 0xFFFFFFFF else length
            if declared in UNFINISHED_SIZES:
                return "the length of its data: still being recorded"
            return "" if at + declared <= size else f"{at + declared - size} bytes of {declared} of data"
    return "its data"


def _missing_of_aiff(file: BinaryIO, size: int) -> str:
    for name, length, at in _chunks(file, size, ">"):
        if name == b"SSND":
            if length in UNFINISHED_SIZES:
                return "the length of its data: still being recorded"
            return "" if at + length <= size else f"{at + length - size} bytes of {length} of data"
    return "its data"


def _missing_of_flac(file: BinaryIO, size: int) -> str:
    at = 4
    while at + 4 <= size:
        file.seek(at)
        head = file.read(4)
        at += 4 + int.from_bytes(head[1:], "big")
        if head[0] & 0x80:
            return "" if at < size else "its data"
    return "its header"


def _missing_of_ogg(file: BinaryIO, size: int) -> str:
    """A page's header says how long the page is: the last one must end where the file ends."""
    start = max(0, size - OGG_TAIL_BYTES)
    file.seek(start)
    tail = file.read()
    at = tail.rfind(b"OggS")
    if at < 0 or at + 27 > len(tail):
        return "its last page"
    table = tail[at + 27 : at + 27 + tail[at + 26]]
    page = 27 + tail[at + 26] + sum(table)
    return "" if len(table) == tail[at + 26] and at + page <= len(tail) else "the end of its last page"


def settle_seconds(folder: Path) -> float:
    """How long files of a folder must keep still: longer where other machines write."""
    return NETWORK_SECONDS if is_network(folder.resolve()) else LOCAL_SECONDS


def is_network(folder: Path, mounts: Path = MOUNTS) -> bool:
    """Whether a folder lies on a network file system, as far as this system tells.

    Args:
        folder: absolute, symlinks resolved.
        mounts: the system's table of what is mounted where.
    """
    if str(folder).startswith("\\\\"):
        return True
    try:
        lines = mounts.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return False
    rows = [(_unescaped(parts[1]), parts[2]) for parts in map(str.split, lines) if len(parts) > 2]
    inside = [(len(point), kind) for point, kind in rows if folder.is_relative_to(point)]
    return bool(inside) and max(reversed(inside), key=itemgetter(0))[1] in NETWORK_FILE_SYSTEMS  # the last of a place is on top


def _unescaped(text: str) -> str:
    """A mount point as it is: blanks, tabs, line ends and backslashes stand in the table as octal numbers."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), text)

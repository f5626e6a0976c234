"""A large file from the web: goes on where it was cut off, and is nothing until its checksum is right."""

from __future__ import annotations

import hashlib
import http.client
import os
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from .disk import remove, reported
from .errors import DiskFull, Unreachable, WeightsMissing

BLOCK_BYTES = 1 << 20
TIMEOUT_SECONDS = 30.0
FRUITLESS_TRIES = 3  # in a row, each of which brought nothing
OnBytes = Callable[[int, int], None]


def download(url: str, target: Path, sha256: str, on_bytes: OnBytes) -> str:
    """Get a file.

    What was cut off stays beside the target as `.part`, and the next call goes on there.

    Args:
        url: https, or http on this computer.
        target: where to put it; its folder exists.
        sha256: the checksum, or how it begins.
        on_bytes: told of the bytes there are and the bytes there will be.

    Returns:
        The whole checksum.

    Raises:
        Unreachable: the host does not answer, or gave up again and again.
        WeightsMissing: it is another file; thrown away.
        DiskFull, ForbiddenPath: it cannot be written.
    """
    part = target.with_name(target.name + ".part")
    was_begun = part.exists()
    _get(url, part, on_bytes)
    found = file_sha256(part)
    if not found.startswith(sha256) and was_begun:  # its beginning may be of an older file
        remove(part)
        _get(url, part, on_bytes)
        found = file_sha256(part)
    check_sha256(part, sha256, found)
    with reported(target):
        os.replace(part, target)
    return found


def check_sha256(path: Path, wanted: str, found: str) -> None:
    """Throw a file away that is not what it should be.

    Raises:
        WeightsMissing: `found` does not begin with `wanted`.
    """
    if not found.startswith(wanted):
        remove(path)
        raise WeightsMissing(
            f"{path.name.removesuffix('.part')} has SHA-256 {found[:12]}…, must begin with {wanted[:12]}",
            "It was thrown away: try again, or give a file of your own with --file.",
        )


def file_sha256(path: Path) -> str:
    """The checksum of a file.

    Raises:
        WeightsMissing: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise WeightsMissing(f"{str(path)!r} cannot be read: {error.strerror}", "Check the path.") from None


def _get(url: str, part: Path, on_bytes: OnBytes) -> None:
    """Try until the whole file is there or several tries in a row brought nothing."""
    fruitless = 0
    while True:
        before = part.stat().st_size if part.exists() else 0
        try:
            if _go_on(url, part, before, on_bytes):
                return
            reason = "the connection was cut"
        except urllib.error.HTTPError as error:
            raise Unreachable(f"{urlsplit(url).netloc} answers {error.code} to {url}", HINT) from None
        except (OSError, http.client.HTTPException) as error:
            cause = getattr(error, "reason", "") or error
            reason = str(getattr(cause, "strerror", "") or cause) or type(error).__name__
        fruitless = 0 if part.exists() and part.stat().st_size > before else fruitless + 1
        if fruitless == FRUITLESS_TRIES:
            raise Unreachable(f"{urlsplit(url).netloc} cannot be reached: {reason}", HINT)


HINT = "Try again when this computer is online, or get the file elsewhere and name it with --file."


def _go_on(url: str, part: Path, n_there: int, on_bytes: OnBytes) -> bool:
    """Get what is missing behind `n_there` bytes; whether all is there now."""
    headers = {"User-Agent": "daw-bridge", **({"Range": f"bytes={n_there}-"} if n_there else {})}
    try:
        answer = _opener(url).open(urllib.request.Request(url, headers=headers), timeout=TIMEOUT_SECONDS)
    except urllib.error.HTTPError as error:
        if error.code == 416 and n_there:  # nothing lies behind: it is all there, or another file
            return True
        raise
    with answer:
        begins = n_there if answer.status == 206 else 0
        left = answer.headers.get("Content-Length")
        total = begins + int(left) if left and left.isdecimal() else 0
        free = shutil.disk_usage(part.parent).free
        if total - begins > free:
            rule = f"{part.name.removesuffix('.part')} needs {(total - begins) / 1e6:.0f} MB, {free / 1e6:.0f} MB are free"
            raise DiskFull(f"{rule} in {str(part.parent)!r}", "Free some, or let DAW_BRIDGE_WEIGHTS name another folder.")
        with reported(part):
            file = part.open("r+b" if begins else "wb")
        with file:
            file.seek(begins)
            n_got = _copy(answer, file, part, begins, total, on_bytes)
    return not total or n_got >= total


def _copy(answer: Any, file: IO[bytes], part: Path, n_there: int, total: int, on_bytes: OnBytes) -> int:
    on_bytes(n_there, total)
    while block := answer.read(BLOCK_BYTES):
        with reported(part):
            file.write(block)
        n_there += len(block)
        on_bytes(n_there, total)
    with reported(part):
        file.truncate(n_there)
        file.flush()
        os.fsync(file.fileno())
    return n_there


class _SafeRedirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects to https alone: eight digits of a checksum would not keep a forger out."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        _check_scheme(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _opener(url: str) -> urllib.request.OpenerDirector:
    _check_scheme(url)
    return urllib.request.build_opener(_SafeRedirects)


def _check_scheme(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost")):
        raise Unreachable(f"{url} is not https", HINT)

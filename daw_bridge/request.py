"""What somebody asks for: one content, one style, one preset, and how to treat the job."""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from .errors import BadArguments, EmptyFile, ForbiddenPath, NotFound, UnsupportedFormat

PRIORITIES = {"interactive": 1, "preview": 10, "batch": 100}  # the job store's: 1 goes first


@dataclass(frozen=True)
class SourceFile:
    """A file as it was when it was named.

    Attributes:
        path: absolute, symlinks resolved.
        size_bytes: its size then.
        mtime_ns: its modification time then.
    """

    path: str
    size_bytes: int
    mtime_ns: int


def source_file(path: Path, role: str) -> SourceFile:
    """Look at a file that somebody names as content or style.

    Args:
        path: the file; relative ones count from the current folder.
        role: "content" or "style", for messages.

    Raises:
        NotFound: nothing there, or it cannot be looked at.
        ForbiddenPath: it may not be read.
        UnsupportedFormat: not a regular file.
        EmptyFile: zero bytes.
    """
    try:
        resolved = path.expanduser().resolve(strict=True)
        status = resolved.stat()
        is_readable = os.access(resolved, os.R_OK, effective_ids=os.access in os.supports_effective_ids)
    except PermissionError:
        raise ForbiddenPath(f"{role} {str(path)!r} may not be looked at", "Give yourself the right to open its folder.") from None
    except (OSError, RuntimeError, ValueError):
        raise NotFound(f"{role} {str(path)!r} does not exist", "Check the name and the folder.") from None
    if not resolved.is_file():
        raise UnsupportedFormat(f"{role} {str(path)!r} is not a regular file", "Give an audio file.")
    if status.st_size == 0:
        raise EmptyFile(f"{role} {str(path)!r} has 0 bytes", "Export it again.")
    if not is_readable:
        raise ForbiddenPath(f"{role} {str(path)!r} may not be read", "Give yourself the right to read it.")
    return SourceFile(str(resolved), status.st_size, status.st_mtime_ns)


@dataclass(frozen=True)
class RenderRequest:
    """One remix to make, validated, ready to be stored.

    Attributes:
        project: absolute path of the project folder whose remixes/ receives the result.
        content, style: the recordings.
        preset: the resolved preset as a table (`Preset.to_table`), so that a later edit changes no accepted job.
        start_seconds, length_seconds: the part of the content wanted; a length of 0 means up to its end.
        seed: of everything random.
        priority: "interactive", "preview" or "batch".
        reqid: the asker's own name for the request, echoed; empty where it gave none.
        style_label: what stands for the style in the result's name; empty means the style file's name.
        is_forced: render although the same was rendered before.
        has_preview: make a first sound ahead of a long render; never made for a batch.
        origin: "osc", "ticket", "folder" or "cli".
        reaper: echoed to the script that asked, never read by us.
    """

    project: str
    content: SourceFile
    style: SourceFile
    preset: Mapping[str, Any]
    start_seconds: float = 0.0
    length_seconds: float = 0.0
    seed: int = 0
    priority: str = "interactive"
    reqid: str = ""
    style_label: str = ""
    is_forced: bool = False
    has_preview: bool = True
    origin: str = "cli"
    reaper: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("start_seconds", "length_seconds"):
            value = getattr(self, name)
            if not math.isfinite(value) or not 0 <= value <= 86_400:
                hint = "Give seconds from the start of the file." if name == "start_seconds" else "0 means up to the end."
                raise BadArguments(f"{name}={value!r} must lie from 0 to 86400", hint)
        if not 0 <= self.seed < 2**31:
            raise BadArguments(f"seed={self.seed!r} must lie from 0 to 2147483647", "Any such whole number will do.")
        if self.priority not in PRIORITIES:
            raise BadArguments(f"priority={self.priority!r} is not known", f"Use one of {', '.join(PRIORITIES)}.")
        if len(self.reqid) > 128 or not self.reqid.isprintable() or any(c in '/\\:*?"<>|' for c in self.reqid):
            raise BadArguments(f"reqid={self.reqid[:40]!r} must be up to 128 printable characters that a file name may hold", "")

    @property
    def key(self) -> str:
        """SHA-256 that is the same for the same request, so that a repeat finds the existing job (design, section 5)."""
        if self.reqid:
            named: list[Any] = [self.project, self.reqid]
        else:
            sources = [asdict(self.content), asdict(self.style)]
            named = [self.project, sources, self.start_seconds, self.length_seconds, dict(self.preset), self.seed]
        return hashlib.sha256(json.dumps(named, sort_keys=True).encode()).hexdigest()

    def to_table(self) -> dict[str, Any]:
        """Plain JSON values; `request_from` reads them back."""
        table = asdict(self)
        table["preset"], table["reaper"] = dict(self.preset), dict(self.reaper)
        return table


def request_from(table: Mapping[str, Any]) -> RenderRequest:
    """Read back what `to_table` wrote."""
    sources = {role: SourceFile(**table[role]) for role in ("content", "style")}
    return RenderRequest(**{**table, **sources})

"""Stems on their way from a hot folder to the queue."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from .hot_folder import HotFolder, is_ignored
from .intake import Ask
from .settle import Look


@dataclass(frozen=True)
class Ready:
    """A stem to ask a remix for.

    Attributes:
        path: the stem.
        folder: its hot folder.
        key: of the drop, for the table of what was seen.
        ask: the request.
    """

    path: Path
    folder: HotFolder
    key: str
    ask: Ask


@dataclass(frozen=True)
class Problem:
    """Something that a user should be told of a dropped file: path, code and sentence."""

    path: Path
    code: str
    message: str


def stem_files(folder: Path) -> list[Path]:
    """Files of a folder that may be stems, in alphabetical order; none while it cannot be read."""
    try:
        return sorted(path for path in folder.iterdir() if not is_ignored(path.name) and path.is_file())
    except OSError:
        return []


def drop_key(path: Path, look: Look, folder: HotFolder, style: Look) -> str:
    """A name for the file, its style and the folder's settings as they are now: the same again is the same drop."""
    named = [str(path), look.size_bytes, look.mtime_ns, str(folder.style), style.size_bytes, style.mtime_ns]
    text = json.dumps([*named, folder.preset, dict(folder.parameters)], sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def stem_ask(path: Path, folder: HotFolder) -> Ask:
    """The request for a stem."""
    return Ask(
        content=str(path),
        style=str(folder.style),
        preset=folder.preset,
        project=str(folder.project),
        parameters=folder.parameters,
        priority="batch",
        style_label=folder.label,
        origin="folder",
    )

"""`python -m tests.renderer.quick_porter`: the real porter on a share that hangs or is slow, as files beside it say."""

from __future__ import annotations

import builtins
import io
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from daw_bridge.disk import OnBlock
from daw_bridge.errors import DiskFull
from daw_bridge.folders import ProjectFolders
from daw_bridge.job import Published
from daw_bridge.renderer import porter_process

HANG_SECONDS = 240.0  # then it comes back by itself, so that a test of it ends


def moved(kept: Path, project: Path, job_id: str, *, on_block: OnBlock) -> Published:
    """The quick renderer's way of publishing: a rename."""
    if (project / "full").exists():
        raise DiskFull("no room on the disk for 'remix.wav'", "Free some.")
    folders = ProjectFolders(project)
    folders.remixes.mkdir(parents=True, exist_ok=True)
    final = folders.remixes / f"{job_id}.wav"
    if kept.exists():
        shutil.move(kept, final)
        with (project / "publishes.log").open("a") as lines:
            lines.write(f"{job_id}\n")
    status = final.stat()
    return Published(str(final), str(final.with_suffix(".json")), 1.0, 44100, status.st_size, status.st_mtime_ns)


def lies_on(share: Path, path: Any) -> bool:
    """Whether a path is of the share; what is opened by its number is not."""
    return isinstance(path, (str, os.PathLike)) and Path(path).is_relative_to(share)


def said(share: Path, ending: str) -> str | None:
    """What a file beside the share says; None where there is none."""
    try:
        with TRUE_OPEN(share.with_suffix(ending)) as file:
            return str(file.read())
    except FileNotFoundError:
        return None


def until_it_answers(share: Path, path: Any) -> None:
    """Do not come back while a file `SHARE.hangs` says so; what it holds is a word that the path must hold."""
    until = time.monotonic() + HANG_SECONDS
    while lies_on(share, path) and time.monotonic() < until:
        word = said(share, ".hangs")
        if word is None or word not in str(path):
            return
        time.sleep(0.02)


class Reading:
    """A file that is read from the share, block by block."""

    def __init__(self, file: Any, share: Path, path: Any) -> None:
        self._file, self._share, self._path = file, share, path

    def __enter__(self) -> Reading:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def read(self, *size: int) -> Any:
        until_it_answers(self._share, self._path)
        time.sleep(float(said(self._share, ".slow") or 0.0))
        return self._file.read(*size)


def hanging(call: Callable[..., Any], share: Path) -> Callable[..., Any]:
    """One of the system's calls, on paths of the share."""

    def called(*values: Any, **named: Any) -> Any:
        for path in values[:2]:
            until_it_answers(share, path)
        made = call(*values, **named)
        is_read = call is TRUE_OPEN and values[1:2] == ("rb",) and lies_on(share, values[0])
        return Reading(made, share, values[0]) if is_read else made

    return called


TRUE_OPEN = io.open

if __name__ == "__main__":
    folder = Path(os.environ["QUICK_HANGING"])
    time.sleep(float(os.environ.get("QUICK_LATE_SECONDS", 0.0)))
    for name in ("stat", "lstat", "open", "link", "rename", "replace", "listdir", "scandir", "mkdir", "unlink"):
        setattr(os, name, hanging(getattr(os, name), folder))
    builtins.open = io.open = hanging(TRUE_OPEN, folder)
    porter_process.main()

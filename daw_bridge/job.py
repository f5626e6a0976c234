"""What an accepted request is, seen from outside: its state, its progress and its outcome."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .request import RenderRequest

STATES = ("queued", "rendering", "publishing", "done", "failed", "cancelled")
ACTIVE = STATES[:3]
FINAL = STATES[3:]
MAX_ATTEMPTS = 4  # renderers that one job may wear out
UNABLE = 74  # exit code of a renderer that lacks something that every job needs; its log's last line says what
UNLOADED = 75  # exit code of a renderer that gives its memory back: a warm model's comes back no other way


@dataclass(frozen=True)
class Published:
    """The outcome of a job that is done, with the file's size and time so that a later change is noticed.

    Attributes:
        file, recipe: absolute paths.
        seconds: length of the remix.
        sample_rate: Hz.
        size_bytes, mtime_ns: of `file` when it was published.
    """

    file: str
    recipe: str
    seconds: float
    sample_rate: int
    size_bytes: int
    mtime_ns: int


@dataclass(frozen=True)
class Job:
    """An accepted request as the store knew it when it was asked.

    Attributes:
        id: `<first 24 hexadecimal digits of the request's key>.<n>`, n from 1.
        state: one of `STATES`.
        request: what was asked.
        fraction: 0 to 1.
        phase: what the renderer is at, empty before it began.
        position: place in the queue from 1; None unless queued.
        published: the outcome of a job that is done; None before.
        error: `{"code", "message", "hint"}` of a job that failed; None otherwise.
        created: seconds since the epoch.
        crashes: how often a renderer died by itself over this job.
        run: name of the renderer process that has it in hand; empty where none has.
        is_told: a cancelled job's result ticket was written.
        preview: absolute path of its first sound; empty while there is none.
        waits: what holds it, and with it the queue, up: a disk without room for the result; empty where nothing does.
        away: why it was put off while others go on: its drive or share hangs or has gone; empty where it was not.
        n_away: how often it was put off in a row because its drive had gone.
    """

    id: str
    state: str
    request: RenderRequest
    fraction: float = 0.0
    phase: str = ""
    position: int | None = None
    published: Published | None = None
    error: Mapping[str, str] | None = None
    created: float = 0.0
    crashes: int = 0
    run: str = ""
    is_told: bool = False
    preview: str = ""
    waits: str = ""
    away: str = ""
    n_away: int = 0

    @property
    def is_final(self) -> bool:
        return self.state in FINAL

    @property
    def result_path(self) -> str | None:
        return self.published.file if self.published else None

    @property
    def seconds(self) -> float:
        """Length of the remix; 0 before it is known."""
        return self.published.seconds if self.published else 0.0

"""How far a render has come, told on the error stream: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

OnProgress = Callable[[str, float], None]

DOING = {
    "download": "fetching",
    "load": "loading",
    "preview": "first sound",
    "memory": "trying with less memory",
    "listen": "listening",
    "transfer": "transferring",
    "reconstruct": "rebuilding",
    "post": "mixing",
    "publish": "publishing",
    "match": "matching",
    "draw": "drawing",
    "write": "writing",
}
LEAST_FRACTION = 0.05  # before it, a guess of the time left is worth nothing
PERCENT_PER_LINE = 20


def time_left(fraction: float, elapsed_seconds: float) -> str:
    """The time left in words, if the rest goes at the same pace; empty while that cannot be told."""
    if fraction < LEAST_FRACTION or fraction >= 1.0:
        return ""
    left = max(1, round(elapsed_seconds / fraction * (1.0 - fraction)))
    return f"{left} s left" if left < 120 else f"{round(left / 60)} min left"


@contextmanager
def shown_progress(stream: TextIO | None = None) -> Iterator[OnProgress]:
    """Show progress while the block runs.

    Args:
        stream: where to; None means the error stream, so that a command's own output can be piped.

    Yields:
        the function to call with the phase ("load", "transfer", …) and the fraction 0 to 1 of the whole.
    """
    target = sys.stderr if stream is None else stream
    if target.isatty():
        with _bar(target) as on_progress:
            yield on_progress
    else:
        yield _lines(target)


@contextmanager
def _bar(stream: TextIO) -> Iterator[OnProgress]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

    columns = (TextColumn("{task.description:<13}"), BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[left]}"))
    began = time.monotonic()
    with Progress(*columns, console=Console(file=stream)) as bar:
        task = bar.add_task(DOING["load"], total=1.0, left="")

        def on_progress(phase: str, fraction: float) -> None:
            left = time_left(fraction, time.monotonic() - began)
            bar.update(task, completed=fraction, description=DOING.get(phase, phase), left=left)

        yield on_progress


def _lines(stream: TextIO) -> OnProgress:
    began = time.monotonic()
    last = ("", -1)

    def on_progress(phase: str, fraction: float) -> None:
        nonlocal last
        percent = int(100 * fraction)
        now = (phase, percent // PERCENT_PER_LINE)
        if now != last:
            last = now
            left = time_left(fraction, time.monotonic() - began)
            print(f"{percent:3d} % {DOING.get(phase, phase)}" + (f", {left}" if left else ""), file=stream, flush=True)

    return on_progress

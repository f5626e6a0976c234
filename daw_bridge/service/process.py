"""What a process that runs for days needs: a log that rotates, and an end on request."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path

MAX_LOG_BYTES = 1_000_000
PLAIN = "%(asctime)s %(levelname)s %(name)s: %(message)s"


class JsonLines(logging.Formatter):
    """One JSON object a line: time (UTC), level, logger, message and, of a defect, its traceback."""

    def format(self, record: logging.LogRecord) -> str:
        table = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            table["traceback"] = self.formatException(record.exc_info)
        return json.dumps(table, ensure_ascii=False)


@contextmanager
def logging_to(path: Path) -> Iterator[None]:
    """Write the package's log lines for as long as the context lasts: to a file that rotates, plainly to a terminal.

    Args:
        path: of the file, one JSON object a line; two older ones are kept beside it.
    """
    rotating = RotatingFileHandler(path, maxBytes=MAX_LOG_BYTES, backupCount=2, encoding="utf-8", errors="backslashreplace")
    rotating.setFormatter(JsonLines())
    handlers: list[logging.Handler] = [rotating]
    if sys.stderr.isatty() or "JOURNAL_STREAM" in os.environ:
        handlers.append(logging.StreamHandler())
        handlers[-1].setFormatter(logging.Formatter(PLAIN))
    loggers = [logging.getLogger(name) for name in ("daw_bridge", "watchdog")]
    for logger in loggers:
        for handler in handlers:
            logger.addHandler(handler)
    loggers[0].setLevel(logging.INFO)
    try:
        yield
    finally:
        for logger in loggers:
            for handler in handlers:
                logger.removeHandler(handler)
        rotating.close()


def set_on_signals(stop: asyncio.Event) -> None:
    """Let Ctrl-C and the signals that end a process set `stop`, inside a running loop."""
    loop = asyncio.get_running_loop()
    for name in ("SIGINT", "SIGTERM", "SIGBREAK", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is None:
            continue
        try:
            loop.add_signal_handler(number, stop.set)
        except NotImplementedError:  # Windows
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop.set))

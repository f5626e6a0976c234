"""File system events as hints: they only say that a look is worth while, the scan stays the truth."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from watchdog.events import FileSystemEvent, FileSystemEventHandler

OnHint = Callable[[Path | None], None]

log = logging.getLogger(__name__)


class Hints:
    """Watches folders in a thread of watchdog's. Where that is not to be had, nothing is lost but speed.

    Args:
        on_hint: called in watchdog's thread; with the new name where a file was renamed inside the tree, else None.
    """

    def __init__(self, on_hint: OnHint) -> None:
        from watchdog.observers import Observer

        self._on_hint = on_hint
        self._observer = Observer()
        self._observer.daemon = True
        self._is_started = False

    def watch(self, folder: Path) -> None:
        """Take hints from a folder and all below it."""
        try:
            if not self._is_started:
                self._observer.start()
                self._is_started = True
            self._observer.schedule(_forwarder(self._on_hint), str(folder), recursive=True)
        except (OSError, RuntimeError) as error:
            log.warning("no file system events of %s (%s): it is looked at every few seconds", folder, error)

    def stop(self) -> None:
        """End the thread."""
        if self._is_started:
            self._observer.stop()
            self._observer.join(2.0)


def _forwarder(on_hint: OnHint) -> FileSystemEventHandler:
    from watchdog.events import FileSystemEventHandler

    class Forwarder(FileSystemEventHandler):
        def on_any_event(self, event: FileSystemEvent) -> None:
            if event.event_type in ("opened", "closed_no_write"):
                return
            is_renamed = event.event_type == "moved" and not event.is_directory and event.dest_path and event.src_path
            on_hint(Path(os.fsdecode(event.dest_path)) if is_renamed else None)

    return Forwarder()

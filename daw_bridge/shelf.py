"""The presets as a running service has them: read again when a file changes, the last good version kept when it breaks."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path

from .errors import BadParameter, UnknownPreset, did_you_mean
from .plugins import list_file
from .presets import Preset, preset_files, read_preset, shipped_folder
from .settings import MAX_SAID, said

log = logging.getLogger(__name__)
Signature = tuple[tuple[str, int, int], ...]


class Shelf:
    """Every preset, in its last good version. Any thread may ask.

    Args:
        folders: where to look; empty means the shipped ones and then the user's.
        check: a further look at each preset that is not a shipped one, which raises BadParameter (`post.check_chain` of its
            chain, for example).
    """

    def __init__(self, folders: tuple[Path, ...] = (), check: Callable[[Preset], None] | None = None) -> None:
        self._folders = folders
        self._check = check or (lambda preset: None)
        self._seen: Signature | None = None
        self._good: dict[str, Preset] = {}
        self._broken: dict[str, BadParameter] = {}
        self._news: list[BadParameter] = []
        self._lock = threading.Lock()

    def news(self) -> list[BadParameter]:
        """Which files have broken since this was asked last; each is told once."""
        self.refresh()
        with self._lock:
            told, self._news = self._news, []
        return told

    def refresh(self) -> None:
        """Read again what lies in the folders, if anything changed."""
        with self._lock:
            files = preset_files(self._folders)
            seen = _signature(files)
            if seen == self._seen:
                return
            self._seen = seen
            known = {preset_id: str(broken) for preset_id, broken in self._broken.items()}
            self._broken = {}
            for preset_id, paths in files.items():
                try:
                    preset = read_preset(paths[-1], files)
                    if paths[-1].parent != shipped_folder():
                        self._check(preset)
                    self._good[preset_id] = preset
                except BadParameter as error:
                    kept = "its last good version is in use" if preset_id in self._good else "it cannot be used"
                    message = f"preset file {paths[-1].name} is broken and {kept}: {error.message}"
                    self._broken[preset_id] = BadParameter(message, error.hint)
            self._good = {preset_id: self._good[preset_id] for preset_id in files if preset_id in self._good}
            fresh = [broken for preset_id, broken in self._broken.items() if known.get(preset_id) != str(broken)]
            self._news += fresh
        for broken in fresh:
            log.warning("%s", broken)

    def load(self, preset_id: str) -> Preset:
        """One preset, in its last good version.

        Raises:
            UnknownPreset: there is no such file.
            BadParameter: the file is not valid, and never was while we looked.
        """
        self.refresh()
        with self._lock:
            if preset_id in self._good:
                return self._good[preset_id]
            if preset_id in self._broken:
                raise self._broken[preset_id]
            raise UnknownPreset(f"preset {said(preset_id)} does not exist", did_you_mean(preset_id[:MAX_SAID], self._good))

    def presets(self) -> list[Preset]:
        """All that can be asked for, `default` first and the others in alphabetical order."""
        self.refresh()
        with self._lock:
            return list(self._good.values())


def _signature(files: dict[str, tuple[Path, ...]]) -> Signature:
    """What changes when a preset may have: its file, those of the others, and the list of plugins that chains may use."""
    found = []
    for path in (*(path for paths in files.values() for path in paths), list_file()):
        try:
            status = path.stat()
            found.append((str(path), status.st_mtime_ns, status.st_size))
        except OSError:
            found.append((str(path), 0, 0))
    return tuple(found)

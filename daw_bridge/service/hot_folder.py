"""What one hot folder is: its style, its preset, and which of its files are stems."""

from __future__ import annotations

import fnmatch
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import BadParameter, did_you_mean
from ..folders import ProjectFolders

SETTINGS = "folder.toml"
MAX_SETTINGS_BYTES = 65_536
KEYS = ("style", "preset", "parameters", "originals")
IGNORED = (
    ".*", "thumbs.db", "desktop.ini", "*~", "~$*", "*.tmp", "*.part", "*.partial", "*.crdownload", "*.download", "*.filepart",
    "*.reapeaks", "*.reapindex", "*.rpp-bak", "*.asd", "*.pkf", SETTINGS, "readme.txt",
)  # fmt: skip
IGNORED_FOLDERS = (".*", "@eadir", "$recycle.bin", "system volume information", "__macosx", "*.tmp", "lost+found")


@dataclass(frozen=True)
class HotFolder:
    """One folder to watch.

    Attributes:
        path: the folder.
        project: whose remixes/ receives the results.
        style: the style recording, None while there is none.
        preset: id.
        parameters: settings of the preset to replace.
        is_moving: whether originals move to done/ after the publish.
        label: what stands for the style in a result's name.
    """

    path: Path
    project: Path
    style: Path | None
    preset: str = "default"
    parameters: Mapping[str, Any] = field(default_factory=dict)
    is_moving: bool = False

    @property
    def label(self) -> str:
        return self.path.name


def is_ignored(name: str) -> bool:
    """Whether a file of this name is nobody's stem: hidden, half-written, a cache, or ours."""
    lower = name.lower()
    return any(fnmatch.fnmatchcase(lower, pattern) for pattern in IGNORED)


def is_ignored_folder(name: str) -> bool:
    """Whether a folder of this name is no hot folder."""
    return any(fnmatch.fnmatchcase(name.lower(), pattern) for pattern in IGNORED_FOLDERS)


def is_style(name: str) -> bool:
    """Whether a file of this name is the folder's style: `style.` and any ending."""
    stem, dot, ending = name.lower().partition(".")
    return stem == "style" and bool(dot) and bool(ending)


def is_ours(path: Path, projects: Sequence[Path]) -> bool:
    """Whether a resolved path lies where the service writes, so that no remix is remixed again by itself."""
    for project in projects:
        folders = ProjectFolders(project)
        if any(
            path.is_relative_to(ours)
            for ours in (folders.remixes, folders.previews, folders.results, folders.done, folders.errors)
        ):
            return True
    return False


def drop_folders(project: Path) -> Iterator[Path]:
    """The folders below drop/, in alphabetical order; none while drop/ cannot be read."""
    try:
        entries = sorted(ProjectFolders(project).drop.iterdir())
    except OSError:
        return
    for entry in entries:
        if not is_ignored_folder(entry.name) and entry.is_dir():
            yield entry


def read_folder(path: Path, project: Path) -> HotFolder:
    """Read a folder's settings and find its style.

    Raises:
        BadParameter: its folder.toml is not valid.
        OSError: the folder cannot be read.
    """
    table = _settings(path / SETTINGS)
    named = table.get("style")
    style = path / named if named else next((p for p in sorted(path.iterdir()) if is_style(p.name) and p.is_file()), None)
    return HotFolder(
        path,
        project,
        style,
        preset=table.get("preset", "default"),
        parameters=table.get("parameters", {}),
        is_moving=table.get("originals", "keep") == "move",
    )


def _settings(path: Path) -> dict[str, Any]:
    if not path.is_file():  # a pipe would make us wait for its writer
        return {}
    with path.open("rb") as file:
        text = file.read(MAX_SETTINGS_BYTES + 1)
    where = f"{path.parent.name}/{SETTINGS}"
    if len(text) > MAX_SETTINGS_BYTES:
        raise BadParameter(f"{where} is longer than {MAX_SETTINGS_BYTES} bytes", "It is a few lines of text.")
    try:
        table = tomllib.loads(text.decode("utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadParameter(f"{where} is not TOML: {error}", "Check the line that it names.") from None
    for key, value in table.items():
        if key not in KEYS:
            raise BadParameter(f"{where}: {key!r} is not a key", did_you_mean(key, KEYS))
        wanted = dict if key == "parameters" else str
        if not isinstance(value, wanted):
            raise BadParameter(f"{where}: {key}={value!r} must be a {'table' if wanted is dict else 'text'}", "")
    if table.get("originals", "keep") not in ("keep", "move"):
        raise BadParameter(f"{where}: originals={table['originals']!r} is not a choice", 'Use "keep" or "move".')
    return table

"""What the service is told by files: its configuration, its projects, and the folders that `init` lays out."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import BadParameter, ForbiddenPath, did_you_mean
from ..folders import DEFAULT_PORT, ProjectFolders, StateFolders
from .hot_folder import SETTINGS, HotFolder
from .osc import Peer

CONFIG = "config.toml"
KEYS = ("port", "feedback", "roots", "watch")
WATCH_KEYS = ("path", "project", "style", "preset", "parameters")


@dataclass(frozen=True)
class Config:
    """The configuration file `<state>/config.toml`.

    Attributes:
        port: UDP port on 127.0.0.1.
        feedback: fixed targets of all events, written "host:port" in the file.
        roots: folders that OSC paths may name as `@name/…`.
        watched: folders to watch besides each project's drop/.
    """

    port: int = DEFAULT_PORT
    feedback: tuple[Peer, ...] = ()
    roots: Mapping[str, Path] = field(default_factory=dict)
    watched: tuple[HotFolder, ...] = ()


def read_config(state: StateFolders) -> Config:
    """Read the configuration; without a file, everything has its default.

    Raises:
        BadParameter: the file is not valid, with the key's name.
    """
    path = state.root / CONFIG
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        return Config()
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadParameter(f"{path} is not TOML: {error}", "Check the line that it names.") from None
    for key in table:
        if key not in KEYS:
            raise BadParameter(f"{path}: {key!r} is not a key", did_you_mean(key, KEYS))
    port = table.get("port", DEFAULT_PORT)
    if not isinstance(port, int) or isinstance(port, bool) or not 0 <= port <= 65535:
        raise BadParameter(f"{path}: port={port!r} must be a whole number from 0 to 65535", "0 takes any free one.")
    feedback = tuple(_peer(text, path) for text in _list(table, "feedback", path))
    roots = {name: _folder(folder, f"roots.{name}", path) for name, folder in _table(table, "roots", path).items()}
    watched = tuple(_watched(row, path) for row in _list(table, "watch", path))
    return Config(port, feedback, roots, watched)


def _list(table: dict[str, Any], key: str, path: Path) -> list[Any]:
    value = table.get(key, [])
    if not isinstance(value, list):
        raise BadParameter(f"{path}: {key}={value!r} must be a list", "")
    return value


def _table(table: dict[str, Any], key: str, path: Path) -> dict[str, Any]:
    value = table.get(key, {})
    if not isinstance(value, dict):
        raise BadParameter(f"{path}: {key}={value!r} must be a table", "")
    return value


def _peer(text: Any, path: Path) -> Peer:
    host, _, port = str(text).rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) <= 65535:
        raise BadParameter(f"{path}: feedback={text!r} must be host:port", 'Write feedback = ["127.0.0.1:8000"].')
    return host, int(port)


def _folder(text: Any, key: str, path: Path) -> Path:
    folder = Path(str(text)).expanduser()
    if not isinstance(text, str) or not folder.is_absolute():
        raise BadParameter(f"{path}: {key}={text!r} must be an absolute path", "")
    return folder.resolve()


def _watched(row: Any, path: Path) -> HotFolder:
    if not isinstance(row, dict) or not {"path", "project", "style"} <= row.keys() <= set(WATCH_KEYS):
        raise BadParameter(f"{path}: watch={row!r} must have path, project and style", f"Its keys: {', '.join(WATCH_KEYS)}.")
    folder, project, style = (_folder(row[key], f"watch.{key}", path) for key in ("path", "project", "style"))
    return HotFolder(folder, project, style, str(row.get("preset", "default")), _table(row, "parameters", path))


def read_projects(state: StateFolders) -> list[Path]:
    """The project folders that the service of this state folder watches; those that are gone are left out."""
    try:
        listed = json.loads(state.projects.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    paths = [Path(text) for text in listed if isinstance(text, str)] if isinstance(listed, list) else []
    return [path for path in paths if path.is_dir()]


def write_projects(state: StateFolders, projects: Iterable[Path]) -> None:
    """Write the list of projects, whole or not at all."""
    write_whole(state.projects, json.dumps([str(path) for path in projects], indent=1) + "\n")


def write_whole(path: Path, text: str) -> None:
    """Write a small text file under a temporary name, then rename it."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    draft.write_text(text, encoding="utf-8")
    os.replace(draft, path)


README = """daw-bridge
==========

drop/<folder>/   Put a recording named style.wav (or .flac, .aiff, .ogg, .mp3) into a folder, then drop stems beside it:
                 each of them comes back as a remix in that style. A new folder with a style is a new hot folder at once.
                 Optional in the folder: folder.toml with preset, parameters, and originals = "keep" or "move".
remixes/         The remixes, and a recipe (.json) beside each of them.
errors/          A note in plain words for each stem that could not be rendered.

The service must run:  daw-bridge serve "<this project's folder>"
"""

EXAMPLE = """# What makes stems dropped into this folder sound different. Every line is optional.
# style = "another recording.wav"     # default: the file named style.<anything> in this folder
# preset = "default"                  # see: daw-bridge presets list
# originals = "keep"                  # or "move": to done/ after the publish
#
# [parameters]
# strength = 0.8
"""


def make_folders(project: Path) -> list[Path]:
    """Make the folders that the service needs in a project; gives those that were missing.

    Raises:
        ForbiddenPath: the project cannot be written.
    """
    folders = ProjectFolders(project)
    try:
        missing = [path for path in (folders.drop, folders.remixes, folders.results) if not path.is_dir()]
        for path in missing:
            path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ForbiddenPath(f"{folders.root} cannot be written: {error.strerror}", "Check the folder's rights.") from None
    return missing


def init_project(path: Path) -> list[Path]:
    """Make the hot-folder layout in a project, with one example folder and a README.txt; what exists is left alone.

    Args:
        path: the project's own folder; made when missing.

    Returns:
        the paths that were made, the drop folder of the example last; empty where everything was there.

    Raises:
        ForbiddenPath: the folder cannot be written.
    """
    project = path.expanduser().absolute()
    folders = ProjectFolders(project)
    made = make_folders(project)
    example = folders.drop / "example"
    try:
        if not (folders.root / "README.txt").exists():
            (folders.root / "README.txt").write_text(README, encoding="utf-8")
            made.append(folders.root / "README.txt")
        if not example.exists():
            example.mkdir()
            (example / SETTINGS).write_text(EXAMPLE, encoding="utf-8")
            made.append(example)
    except OSError as error:
        raise ForbiddenPath(f"{folders.root} cannot be written: {error.strerror}", "Check the folder's rights.") from None
    return made

"""The REAPER scripts in REAPER's own resource folder: put there with their settings, and taken away again."""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from . import __version__, disk
from .errors import BadArguments, ForbiddenPath, NotFound
from .folders import default_state
from .presets import shipped_folder

FOLDER = PurePosixPath("Scripts/daw_bridge")
SETTINGS = "daw_bridge.conf"
MANIFEST = "installed.json"
NOT_FOR_REAPER = ("controllers",)
PROGRAMS = ("reaper.exe", "REAPER.app", "REAPER64.app", "reaper")
WRITTEN_BY_US = "# Written by daw-bridge install-reaper. Lines that you add for other keys are kept."


@dataclass
class Change:
    """What an installation or a removal did.

    Attributes:
        folder: where the scripts lie, or lay.
        scripts: the actions, by file name.
        kept: where replaced or changed files were put aside; None where there were none.
    """

    folder: Path
    scripts: list[str] = field(default_factory=list)
    kept: Path | None = None


def resource_folder(named: Path | None = None, *, is_portable: bool = False) -> Path:
    """REAPER's resource folder.

    Args:
        named: the folder, where the user names one.
        is_portable: REAPER is a portable installation, whose resource folder is the program's own folder: `named`, or the
            current one.

    Raises:
        NotFound: there is none, or nothing shows that it is REAPER's.
    """
    folder = (named or (Path.cwd() if is_portable else _usual_folder())).expanduser().resolve()
    signs = ("reaper.ini", *(PROGRAMS if is_portable else ()))
    if not any((folder / sign).exists() for sign in signs):
        raise NotFound(
            f"{str(folder)!r} holds {'neither reaper.ini nor REAPER itself' if is_portable else 'no reaper.ini'}",
            "Start REAPER once, or name what its Options, Show REAPER resource path, opens: --resource-path FOLDER.",
        )
    return folder


def _usual_folder() -> Path:
    if sys.platform == "win32":
        return Path(os.environ.get("APPDATA") or Path.home() / "AppData" / "Roaming") / "REAPER"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "REAPER"
    return Path.home() / ".config" / "REAPER"


def scripts_folder() -> Path:
    """The scripts that come with the package: package data, or reaper_scripts/ of a source tree."""
    return shipped_folder().with_name("reaper_scripts")


def command_path() -> Path | None:
    """The `daw-bridge` command of this installation; None where it runs from a source tree alone."""
    beside = Path(sys.executable).with_name("daw-bridge.exe" if os.name == "nt" else "daw-bridge")
    found = str(beside) if beside.is_file() else shutil.which("daw-bridge")
    return Path(os.path.abspath(found)) if found else None


def install(resource: Path, *, state: Path, source: Path | None = None, command: Path | None = None) -> Change:
    """Copy the scripts into `Scripts/daw_bridge` and write their settings beside them; what that replaces is put aside.

    No file of REAPER's own is touched. Again is an update: files of an earlier version that are no more are taken away.

    Args:
        resource: REAPER's resource folder.
        state: the service's state folder, for the settings.
        source: the scripts; None means those of the package.
        command: for the settings; None leaves it out.

    Raises:
        ForbiddenPath: the folder is a link, or cannot be written.
        DiskFull: no room.
        BadArguments: a path that the settings file cannot hold.
    """
    source = source or scripts_folder()
    aside = _Aside(resource / FOLDER)
    files = {name: (source / name).read_bytes() for name in _shipped(source)}
    paths = {"state_dir": state, "presets": shipped_folder(), "command": command}
    files[SETTINGS] = _settings(aside.folder / SETTINGS, {key: str(path) for key, path in paths.items() if path})
    before = _manifest(aside.folder)
    for name, data in files.items():
        aside.put(name, data)
    for name, digest in before.items():
        if name not in files:
            aside.take_away(name, digest)
    hashes = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    disk.write_json(aside.folder / MANIFEST, {"schema": 1, "version": __version__, "files": hashes})
    return Change(aside.folder, _actions(files), aside.kept)


def uninstall(resource: Path) -> Change:
    """Take away what `install` put there; files that were changed since are put aside, others left alone.

    Raises:
        NotFound: nothing is installed there.
        ForbiddenPath: the folder is a link, or cannot be written.
    """
    aside = _Aside(resource / FOLDER)
    installed = _manifest(aside.folder)
    if not installed:
        raise NotFound(f"{str(aside.folder)!r} holds nothing of daw-bridge install-reaper", "Was another --resource-path meant?")
    for name, digest in installed.items():
        aside.take_away(name, digest)
    disk.remove(aside.folder / MANIFEST)
    aside.drop_empty()
    return Change(aside.folder, _actions(installed), aside.kept)


class _Aside:
    """The folder of the scripts, and the one where what they replace is kept."""

    def __init__(self, folder: Path) -> None:
        if folder.is_symlink():
            raise ForbiddenPath(f"{str(folder)!r} is a link", "Take it away first; what it leads to is left alone.")
        self.folder = folder
        self.kept: Path | None = None

    def put(self, name: str, data: bytes) -> None:
        target = self.folder / name
        if target.is_file() and not target.is_symlink() and target.read_bytes() == data:
            return
        disk.make_folder(target.parent)
        staged = target.with_name(f".{target.name}.new")
        with disk.writing(staged) as file:
            file.write(data)
        if os.path.lexists(target):
            self._keep(name)
        with disk.reported(target):
            staged.replace(target)

    def take_away(self, name: str, digest: str) -> None:
        path = self.folder / name
        if not os.path.lexists(path):
            return
        if path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == digest:
            with disk.reported(path):
                path.unlink()
        else:
            self._keep(name)

    def drop_empty(self) -> None:
        folders = [path for path in self.folder.rglob("*") if path.is_dir() and not path.is_symlink()]
        for folder in [*sorted(folders, reverse=True), self.folder]:
            if folder.is_dir() and not any(folder.iterdir()):
                with disk.reported(folder):
                    folder.rmdir()

    def _keep(self, name: str) -> None:
        if self.kept is None:
            numbers = (self.folder.with_name(f"daw_bridge backup {n}") for n in range(1, 10_000))
            self.kept = next(path for path in numbers if not os.path.lexists(path))
        disk.make_folder((self.kept / name).parent)
        with disk.reported(self.kept / name):
            (self.folder / name).rename(self.kept / name)


def _shipped(source: Path) -> list[str]:
    names = [path.relative_to(source) for path in sorted(source.rglob("*")) if path.is_file()]
    return [name.as_posix() for name in names if name.parts[0] not in NOT_FOR_REAPER and not name.name.startswith(".")]


def _manifest(folder: Path) -> dict[str, str]:
    files = disk.read_json(folder / MANIFEST).get("files")
    pairs = files.items() if isinstance(files, dict) else ()
    return {name: str(digest) for name, digest in pairs if _is_inside(name)}


def _is_inside(name: str) -> bool:
    return (
        not PurePosixPath(name).is_absolute() and not {"..", ""} & set(name.split("/")) and "\\" not in name and ":" not in name
    )


def _actions(files: Mapping[str, object]) -> list[str]:
    return sorted(name for name in files if name.endswith(".lua") and "/" not in name)


def _settings(path: Path, values: Mapping[str, str]) -> bytes:
    """The settings file with these values, and with the lines that the user added to the one that is there."""
    for key, value in values.items():
        if value != value.strip() or any(sign in value for sign in '\r\n"'):
            raise BadArguments(f"{key}={value!r} must not hold line breaks, quotes or spaces at its ends", "Rename that folder.")
    lines = [WRITTEN_BY_US, *(f"{key} = {value}" for key, value in values.items())]
    if path.is_file():
        old = path.read_text(encoding="utf-8", errors="surrogateescape").removeprefix("\ufeff").splitlines()
        ours = {"state_dir", "presets", "command"}
        lines += [line for line in old if line != WRITTEN_BY_US and line.partition("=")[0].strip() not in ours]
    return ("\n".join(lines) + "\n").encode("utf-8", "surrogateescape")


def run(asked: argparse.Namespace) -> int:
    """Run `install-reaper` or `uninstall-reaper`, and say what is left to do in REAPER.

    Raises:
        BadArguments, ForbiddenPath, NotFound: as `resource_folder`, `install` and `uninstall`.
    """
    return _install(asked) if asked.command == "install_reaper" else _uninstall(asked)


def _install(asked: argparse.Namespace) -> int:
    state = default_state().root if asked.state is None else asked.state.expanduser().resolve()
    resource = resource_folder(asked.resource_path, is_portable=asked.portable)
    done = install(resource, state=state, command=command_path())
    print(f"{len(done.scripts)} scripts are in {done.folder}")
    if done.kept is not None:
        print(f"what they replaced is in {done.kept}")
    print(
        "Next, in REAPER: Actions → Show action list → New action → Load ReaScript…, "
        f"and choose every daw_bridge_*.lua in {done.folder}"
    )
    return 0


def _uninstall(asked: argparse.Namespace) -> int:
    done = uninstall(resource_folder(asked.resource_path, is_portable=asked.portable))
    print(f"{len(done.scripts)} scripts were taken out of {done.folder}")
    if done.kept is not None:
        print(f"files that were changed since are in {done.kept}")
    print("Next, in REAPER: Actions → Show action list, filter by daw_bridge, and remove what is listed still.")
    return 0

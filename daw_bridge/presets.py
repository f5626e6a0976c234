"""Where presets lie: TOML files that come with the package, and the user's own, which may extend and hide them."""

from __future__ import annotations

import os
import stat
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from .errors import BadParameter, UnknownPreset, did_you_mean
from .preset import SCHEMA, SECTIONS, Plugin, Preset, check_keys, parameter_names, preset_from, section_of
from .settings import MAX_SAID, said

__all__ = ["SCHEMA", "SECTIONS", "Plugin", "Preset", "all_presets", "load_preset", "parameter_names", "preset_files"]
__all__ += ["preset_from", "preset_ids", "read_preset", "read_table", "shipped_folder", "user_folder"]

MAX_PRESET_BYTES = 100_000
FIRST = "default"
Files = Mapping[str, tuple[Path, ...]]


def shipped_folder() -> Path:
    """The folder of the presets that come with the package: package data, or presets/ of a source tree."""
    here = Path(__file__).parent
    packaged = here / "_shipped" / "presets"
    return packaged if packaged.is_dir() else here.parent / "presets"


def user_folder() -> Path:
    """The user's own presets, which hide shipped ones of the same name."""
    named = os.environ.get("DAW_BRIDGE_PRESETS")
    if named:
        return Path(named)
    from platformdirs import user_config_dir

    return Path(user_config_dir("daw-bridge", appauthor=False)) / "presets"


def preset_files(folders: tuple[Path, ...] = ()) -> dict[str, tuple[Path, ...]]:
    """The files of every preset by its id, `default` first, the others in alphabetical order.

    Args:
        folders: where to look; empty means the shipped ones and then the user's.

    Returns:
        For each id one file in most cases; where a later folder's file hides an earlier one's, both, the valid one last.
    """
    found: dict[str, tuple[Path, ...]] = {}
    for folder in folders or (shipped_folder(), user_folder()):
        if folder.is_dir():
            for path in folder.glob("*.toml"):
                found[path.stem] = (*found.get(path.stem, ()), path)
    return dict(sorted(found.items(), key=lambda item: (item[0] != FIRST, item[0])))


def preset_ids() -> list[str]:
    """Names of all presets, `default` first and the others in alphabetical order, without reading them."""
    return list(preset_files())


def load_preset(preset_id: str) -> Preset:
    """Read one preset by its name.

    Raises:
        UnknownPreset: there is no such file.
        BadParameter: the file is not a valid preset.
    """
    files = preset_files()
    if preset_id not in files:
        raise UnknownPreset(f"preset {said(preset_id)} does not exist", did_you_mean(preset_id[:MAX_SAID], files))
    return read_preset(files[preset_id][-1], files)


def read_preset(path: Path, files: Files | None = None) -> Preset:
    """Read one preset file, and what it extends.

    Args:
        path: of the file.
        files: where the others are found that it may extend, of `preset_files`; None means the usual ones.

    Raises:
        BadParameter: the file is too large, no TOML or no valid preset, or it extends itself in the end.
    """
    return _read(path, preset_files() if files is None else files, ())


def _read(path: Path, files: Files, trail: tuple[Path, ...]) -> Preset:
    where = f"preset {path.stem!r}: "
    if path in trail:
        circle = " extends ".join(repr(p.stem) for p in (*trail[trail.index(path) :], path))
        raise BadParameter(f"{where}it extends itself: {circle}", "Let one of them extend none.")
    table = read_table(path)
    if "extends" not in table:
        return preset_from(table, path.stem)
    try:
        check_keys(table)
        sections = {name: section_of(table, name) for name in SECTIONS}
        parent_file = _extended(table["extends"], path, files)
    except BadParameter as error:
        raise BadParameter(where + error.message, error.hint) from None
    parent = _read(parent_file, files, (*trail, path)).to_table()
    merged = {name: {**parent[name], **section} for name, section in sections.items()}
    own = {key: value for key, value in table.items() if key != "extends"}
    return preset_from({"post": parent["post"], **own, **merged}, path.stem)


def _extended(name: Any, path: Path, files: Files) -> Path:
    """The file that `extends = name` in `path` means; its own name means the shipped preset that it hides."""
    if not isinstance(name, str) or name not in files:
        word = name[:MAX_SAID] if isinstance(name, str) else ""
        raise BadParameter(f"extends={said(name)} is no preset", did_you_mean(word, files))
    others = [file for file in files[name] if file != path] if name == path.stem else list(files[name])
    return others[-1] if others else path


def read_table(path: Path) -> dict[str, Any]:
    """A preset file as a table that nobody has looked at yet.

    Raises:
        BadParameter: it cannot be read, is too large or no TOML.
    """
    where = f"preset file {path.name}"
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise BadParameter(f"{where} is not a regular file", "A preset is a page of text.")
        if status.st_size > MAX_PRESET_BYTES:
            rule = f"has {status.st_size} bytes, more than {MAX_PRESET_BYTES}"
            raise BadParameter(f"{where} {rule}", "A preset is a page of text.")
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise BadParameter(f"{where} cannot be read: {error.strerror}", "Check its permissions.") from None
    except RecursionError:
        raise BadParameter(f"{where} nests too deep", "A preset holds settings, lists of layers and a chain.") from None
    except UnicodeDecodeError:
        raise BadParameter(f"{where} is not text in UTF-8", "Save it as UTF-8 in your editor.") from None
    except ValueError as error:  # no TOML, or a number of thousands of digits
        said_of_it = str(error).splitlines()[0][:120]
        raise BadParameter(f"{where} is not TOML: {said_of_it}", "Check the line that it names.") from None


def all_presets() -> Iterator[Preset | BadParameter]:
    """Every preset in the order of `preset_ids`; the error in place of a file that is broken, so that one hides no other."""
    files = preset_files()
    for paths in files.values():
        try:
            yield read_preset(paths[-1], files)
        except BadParameter as error:
            yield error

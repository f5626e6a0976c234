"""The `presets` commands: list, show, check, make and edit presets, and describe their format."""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from .errors import (
    BadArguments,
    BadParameter,
    DawBridgeError,
    ForbiddenPath,
    NotFound,
    UnknownPreset,
    WeightsMissing,
    did_you_mean,
)
from .preset import SCHEMA, SECTIONS, Plugin, Preset
from .presets import all_presets, load_preset, preset_files, read_preset, user_folder
from .weights_here import check_here

SCHEMA_FILE = "preset.schema.json"
GOOD_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,59}")
ID_WIDTH = 26  # of the longest shipped name
OnBroken = Callable[[BadParameter], None]


def run(asked: argparse.Namespace, on_broken: Callable[[DawBridgeError], None]) -> int:
    """Run one of these commands.

    Args:
        asked: what was typed.
        on_broken: told of each preset that cannot be read, by `list` and `check`.

    Returns:
        0; 1 where a preset is broken.

    Raises:
        DawBridgeError: what keeps it from being done.
    """
    if asked.command == "list_presets":
        return 1 if listed(on_broken) else 0
    if asked.command == "check_presets":
        return 1 if check(asked.presets, on_broken) else 0
    if asked.command == "show_preset":
        show(asked.preset)
    elif asked.command == "new_preset":
        print(new(asked.preset, asked.parent, asked.title))
    elif asked.command == "edit_preset":
        print(edit_check(asked.preset))
    else:
        print_schema()
    return 0


def listed(on_broken: OnBroken) -> int:
    """Print one line a preset; gives the number of broken ones, which `on_broken` is told of."""
    n_broken = 0
    for preset in all_presets():
        if isinstance(preset, Preset):
            print(f"{preset.id:<{ID_WIDTH}}  {preset.about}{_wanting(preset)}")
        else:
            n_broken += 1
            on_broken(preset)
    return n_broken


def _wanting(preset: Preset) -> str:
    """What a preset lacks on this machine, as a sentence behind others; empty where it can be rendered."""
    try:
        check_here(preset.transfer.depths())
    except WeightsMissing as error:
        return f" Not ready: {error.message}. {error.hint}"
    return ""


def show(preset_id: str) -> None:
    """Print all settings of a preset as TOML, what it extends included."""
    print(as_toml(load_preset(preset_id)))


def as_toml(preset: Preset) -> str:
    """A preset written out, so that reading it gives the same preset."""
    table = preset.to_table()
    lines = [f"schema = {SCHEMA}", f"title = {_toml(table['title'])}", f"about = {_toml(table['about'])}"]
    for section in SECTIONS:
        lines += ["", f"[{section}]", *(f"{name} = {_toml(value)}" for name, value in table[section].items())]
    return "\n".join([*lines, *("\n" + step_as_toml(step) for step in preset.post)])


def step_as_toml(step: Plugin) -> str:
    """A step of a chain written out."""
    return "\n".join(["[[post]]", *(f"{name} = {_toml(value)}" for name, value in step.to_table().items())])


def _toml(value: object) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{json.dumps(key)} = {_toml(of)}" for key, of in value.items()) + "}"
    return json.dumps(value, ensure_ascii=False)  # of plain values and lists of them, the same in TOML


def check(names: Sequence[str], on_broken: OnBroken) -> int:
    """Check presets with their chains, and print a line for each good one.

    Args:
        names: ids or files; none means every preset.
        on_broken: told of each that is not valid.

    Returns:
        How many are broken.

    Raises:
        UnknownPreset: there is none of that name.
    """
    files = preset_files()
    n_broken = 0
    for path in [_file(name) for name in names] or [paths[-1] for paths in files.values()]:
        try:
            preset = checked(path)
            print(f"{path.stem}: good ({path}){_wanting(preset)}")
        except BadParameter as error:
            n_broken += 1
            on_broken(error)
    return n_broken


def checked(path: Path) -> Preset:
    """A preset file whose chain pedalboard takes, too.

    Raises:
        BadParameter: what is wrong with it.
    """
    from .post import check_preset

    preset = read_preset(path)
    check_preset(preset)
    return preset


def _file(name: str) -> Path:
    files = preset_files()
    if name in files:
        return files[name][-1]
    path = Path(name)
    if path.suffix == ".toml" and path.exists():
        return path
    raise UnknownPreset(
        f"preset {name!r} does not exist", did_you_mean(name, files) if path.suffix != ".toml" else "Check the path."
    )


def new(preset_id: str, parent_id: str, title: str) -> Path:
    """Make a preset of the user's own that extends another, with a schema for editors beside it.

    Args:
        preset_id: its name; small letters, digits, `-` and `_`.
        parent_id: what it extends; its own name means the shipped preset that it then hides.
        title: what a menu shows; empty means one made of the name.

    Returns:
        The new file.

    Raises:
        BadArguments: the name is not portable.
        UnknownPreset, BadParameter: the other one does not exist or is broken.
        ForbiddenPath: there is such a file already, or it cannot be written.
    """
    if not GOOD_ID.fullmatch(preset_id):
        rule = "must be 1 to 60 small letters, digits, - and _, the first no sign"
        raise BadArguments(f"preset={preset_id[:80]!r} {rule}", "It becomes a part of file names: my-vinyl, for example.")
    parent, hidden = load_preset(parent_id), preset_files()
    path = user_folder() / f"{preset_id}.toml"
    about = f"Like {parent.title}, until you change it."
    text = TEMPLATE.format(
        schema_file=SCHEMA_FILE,
        title=_toml(title or preset_id.replace("-", " ").replace("_", " ").capitalize()),
        about=_toml(about),
        parent=_toml(parent.id),
    )
    from .preset_schema import schema

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        (path.parent / SCHEMA_FILE).write_text(json.dumps(schema(), indent=1) + "\n", encoding="utf-8")
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise ForbiddenPath(f"{path} exists already", f"Change it: daw-bridge presets edit-check {preset_id}") from None
    except OSError as error:
        raise ForbiddenPath(f"{path} cannot be written: {error.strerror}", "DAW_BRIDGE_PRESETS names another folder.") from None
    if preset_id in hidden:
        print(f"{preset_id}: yours hides the shipped one from now on; that is back when you delete the file", file=sys.stderr)
    return path


TEMPLATE = """\
#:schema ./{schema_file}
schema = 1
title = {title}
about = {about}
extends = {parent}

# Everything that is not said here is the other preset's. Some to begin with:
#
# [transfer]
# strength = 0.8
#
# [output]
# wet = 0.9
#
# [[post]]
# plugin = "HighShelfFilter"
# cutoff_frequency_hz = 8000.0
# gain_db = -2.0
"""


def edit_check(preset_id: str) -> Path:
    """Open a preset of the user's in an editor, and check it when the editor closes.

    A shipped preset is not changed: a preset of the same name is made that extends it.

    Returns:
        The file, which is valid.

    Raises:
        NotFound: there is no editor.
        BadParameter: what is wrong with it now; the file stays as it was left.
        UnknownPreset, ForbiddenPath: as `new`.
    """
    path = _file(preset_id)
    if path.parent != user_folder() and path.suffix == ".toml" and preset_id in preset_files():
        path = new(preset_id, preset_id, load_preset(preset_id).title)
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or ("notepad" if os.name == "nt" else "vi")
    try:
        subprocess.run([*shlex.split(editor, posix=os.name != "nt"), str(path)], check=False)
    except (OSError, ValueError):
        raise NotFound(f"editor {editor!r} cannot be started", f"Set EDITOR, or edit {path} by hand.") from None
    checked(path)
    print(f"{path.stem}: good", file=sys.stderr)
    return path


def print_schema() -> None:
    """Print the JSON schema of preset files."""
    from .preset_schema import schema

    print(json.dumps(schema(), indent=1))

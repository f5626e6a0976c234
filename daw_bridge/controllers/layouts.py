"""The layout files that `daw-bridge controller-layout` writes."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from .. import disk
from ..errors import ForbiddenPath, NotFound
from . import open_stage_control, touchosc
from .panel import PresetButton, panel, preset_buttons

NAMES = {"open-stage-control": "daw_bridge.json", "touchosc": "daw_bridge.tosc"}


def layout_bytes(program: str, presets: Sequence[PresetButton], *, target: str, receive_port: int, token: str = "") -> bytes:
    """A layout file's content.

    Args:
        program: one of NAMES.
        presets: what the preset buttons fire.
        target: host and port of the service, as `127.0.0.1:9710`. TouchOSC keeps them in its own settings.
        receive_port: where TouchOSC listens. Open Stage Control sends from the port where it listens.
        token: what a service that is open to the network wants first in each message.
    """
    controls = panel(presets)
    if program == "touchosc":
        return touchosc.layout(controls, receive_port=receive_port, token=token)
    return open_stage_control.session(controls, target=target, token=token)


def write_layout(path: Path, content: bytes, *, is_forced: bool = False) -> None:
    """Write a layout, whole or not at all.

    Raises:
        NotFound: there is no such folder.
        ForbiddenPath: the file exists and is not to be replaced, or cannot be written.
        DiskFull: no room.
    """
    if path.exists() and not is_forced:
        raise ForbiddenPath(f"{str(path)!r} exists already", "Choose another name by --out, or say --force to replace it.")
    if not path.absolute().parent.is_dir():
        raise NotFound(f"folder {str(path.parent)!r} does not exist", "Make it first, or choose another.")
    staged = path.with_name(f".{path.name}.new")
    with disk.writing(staged) as file:
        file.write(content)
    with disk.reported(path):
        staged.replace(path)


def run(asked: argparse.Namespace) -> int:
    """Run `controller-layout`: write the file and print its name.

    Raises:
        UnknownPreset, UnknownAddress, ForbiddenPath: as `preset_buttons`, `layout_bytes` and `write_layout`.
    """
    presets = preset_buttons(asked.preset)
    path = Path(NAMES[asked.program]) if asked.out is None else asked.out
    content = layout_bytes(
        asked.program, presets, target=f"{asked.host}:{asked.port}", receive_port=asked.receive_port, token=asked.token
    )
    write_layout(path, content, is_forced=asked.force)
    print(path)
    return 0

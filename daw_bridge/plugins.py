"""The user's own plugins: which may be loaded, as the user has said on this computer, and what each lets be set."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
import platform
import sys
import uuid
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from . import disk
from .errors import BadArguments, BadParameter, did_you_mean
from .preset import Plugin
from .settings import is_number, said

LIMIT_SECONDS = 20.0  # for loading, and for each second and a half of sound
ENDINGS = {".vst3": "vst3", ".component": "audio_unit"}
WORDS = {"vst3": "VST3", "audio_unit": "Audio Unit"}


@dataclass(frozen=True)
class Setting:
    """A parameter of a plugin, as it was when the plugin was allowed.

    Attributes:
        standard: what it stood at.
        low, high: its range; None for a switch or a choice.
        choices: the texts that it may be; empty for a number or a switch.
    """

    standard: float | bool | str
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Allowed:
    """A plugin that the user lets be loaded.

    Attributes:
        format: "vst3" or "audio_unit".
        name: as the plugin calls itself, by which presets name it.
        path: of the file or bundle.
        version: as the plugin says.
        limit_seconds: how long it may take to load, or for a second and a half of sound, before it counts as hung.
        settings: its parameters by pedalboard's names.
    """

    format: str
    name: str
    path: str
    version: str = ""
    limit_seconds: float = LIMIT_SECONDS
    settings: Mapping[str, Setting] = field(default_factory=dict)


def list_file() -> Path:
    """Where the allowed plugins are listed, in the user's own configuration: no message from anywhere changes it."""
    named = os.environ.get("DAW_BRIDGE_PLUGINS")
    if named:
        return Path(named)
    from platformdirs import user_config_dir

    return Path(user_config_dir("daw-bridge", appauthor=False)) / "plugins.json"


def allowed_plugins() -> list[Allowed]:
    """Every plugin that may be loaded, by name; none where there is no list yet.

    Raises:
        BadParameter: the list cannot be read, or holds what `allow` never writes: nothing of it counts then, nothing is lost.
    """
    path = list_file()
    way_out = "Mend it, or move it away and allow each plugin again: daw-bridge plugins allow PATH"
    try:
        entries = json.loads(path.read_bytes())["plugins"]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, RecursionError, LookupError, TypeError):
        raise BadParameter(f"{str(path)!r} is no list of plugins that can be read", way_out) from None
    found = []
    for entry in entries if isinstance(entries, list) else [entries]:
        try:
            found.append(_allowed(entry))
        except (LookupError, TypeError, ValueError, AttributeError):
            raise BadParameter(f"{str(path)!r} holds {said(entry)}, which is no allowed plugin", way_out) from None
    return sorted(found, key=lambda p: (p.name, p.format))


def _allowed(entry: Mapping[str, Any]) -> Allowed:
    settings = {name: Setting(**{**of, "choices": tuple(of.get("choices", ()))}) for name, of in entry["settings"].items()}
    found = Allowed(**{**entry, "settings": settings})
    texts = (found.name, found.path, found.version)
    numbers = (found.limit_seconds, *(end for of in settings.values() for end in (of.low, of.high) if end is not None))
    if not all(isinstance(text, str) for text in texts) or not all(map(is_number, numbers)) or found.format not in WORDS:
        raise TypeError(found)
    return found


def allow(plugin: Allowed) -> None:
    """Put a plugin on the list, in place of one of the same name.

    Raises:
        BadParameter: as `allowed_plugins`; the list stays as it is.
        DiskFull, ForbiddenPath: the list cannot be written.
    """
    _write([*(p for p in allowed_plugins() if (p.format, p.name) != (plugin.format, plugin.name)), plugin])


def forget(name: str) -> Allowed:
    """Take a plugin off the list; the plugin itself is left alone.

    Raises:
        BadArguments: none of that name is on it.
        BadParameter: as `allowed_plugins`.
    """
    listed = allowed_plugins()
    for plugin in listed:
        if name in (plugin.name, plugin.path):
            _write([p for p in listed if p is not plugin])
            return plugin
    raise BadArguments(f"plugin {said(name)} is not on the list", did_you_mean(name, [p.name for p in listed]))


def _write(plugins: list[Allowed]) -> None:
    path = list_file()
    disk.make_folder(path.parent)
    staged = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
    disk.write_json(staged, {"schema": 1, "plugins": [asdict(plugin) for plugin in plugins]})
    with disk.reported(path):
        staged.replace(path)


def format_of(path: Path) -> str:
    """ "vst3" or "audio_unit", once the file is one that this computer could load.

    Raises:
        BadParameter: it is missing, no plugin, or made for another system.
    """
    form = ENDINGS.get(path.suffix.lower())
    if form is None:
        raise BadParameter(f"{path.name!r} is no plugin that can be loaded", "VST3 ends in .vst3, an Audio Unit in .component.")
    if not path.exists():
        raise BadParameter(f"plugin file {str(path)!r} does not exist", "Install it, or allow it where it lies now.")
    if form == "audio_unit" and sys.platform != "darwin":
        raise BadParameter(f"{path.name!r} is an Audio Unit, which macOS alone loads", "Use the plugin's VST3 here.")
    found, here = _systems(path), _system()
    if found and here not in found:
        raise BadParameter(
            f"{path.name!r} is made for {', '.join(sorted(found))}, not for {here}", "Install its build for this one."
        )
    return form


def _systems(path: Path) -> set[str]:
    """The systems that a plugin holds code for, by the names of VST3 bundles' folders; none where it does not say."""
    if path.is_dir():
        folders = {folder.name for folder in (path / "Contents").glob("*") if folder.is_dir()}
        return {name for name in folders if name == "MacOS" or name.endswith(("-linux", "-win"))}
    with path.open("rb") as file:
        return {"Windows"} if file.read(2) == b"MZ" else set()


def _system() -> str:
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(platform.machine().lower(), platform.machine().lower())
    if sys.platform == "win32":
        return f"{machine}-win"
    return "MacOS" if sys.platform == "darwin" else f"{machine}-linux"


def check_step(step: Plugin, where: str) -> Allowed:
    """The allowed plugin that a chain's step means, without loading it.

    Args:
        step: with one of `preset.HOSTED` as its plugin.
        where: of the step, for messages.

    Raises:
        BadParameter: not allowed, gone, made for another system, no such parameter, value or state; or as `allowed_plugins`.
    """
    listed = [p for p in allowed_plugins() if p.format == step.plugin]
    found = next((p for p in listed if p.name == step.name), None)
    if found is None:
        names = [p.name for p in listed]
        near = did_you_mean(step.name, names) + " " if names else ""
        way_out = f"{near}Allow it on this computer: daw-bridge plugins allow PATH"
        raise BadParameter(f"{where}: {WORDS[step.plugin]} {said(step.name)} is not allowed here", way_out)
    try:
        format_of(Path(found.path))
    except BadParameter as error:
        raise BadParameter(f"{where}: {error.message}", error.hint) from None
    for key, value in step.parameters.items():
        if key not in found.settings:
            raise BadParameter(f"{where}: {found.name} has no parameter {key!r}", did_you_mean(key, found.settings))
        _check_value(found.settings[key], value, f"{where}: {found.name}.{key}")
    state_of(step, where)
    return found


def in_use(chain: Iterable[Plugin]) -> dict[str, str]:
    """For a recipe: version and hash of the code of each plugin of the user's own in a chain; empty where it is not here.

    Raises:
        BadParameter: there is one, and as `allowed_plugins`.
    """
    hosted = [step for step in chain if step.is_hosted]
    listed = {(plugin.format, plugin.name): plugin for plugin in (allowed_plugins() if hosted else [])}
    found = {}
    for step in hosted:
        plugin = listed.get((step.plugin, step.name))
        found[f"plugin {step.name}"] = f"{plugin.version} {_code_sha256(Path(plugin.path))}" if plugin else ""
    return found


def _code_sha256(path: Path) -> str:
    files = sorted(p for p in (path / "Contents" / _system()).rglob("*") if p.is_file()) if path.is_dir() else [path]
    digest = hashlib.sha256()
    for file in files:
        with suppress(OSError), file.open("rb") as code:
            digest.update(hashlib.file_digest(code, "sha256").digest())
    return digest.hexdigest()


def _check_value(setting: Setting, value: Any, where: str) -> None:
    if setting.choices:
        if value not in setting.choices:
            raise BadParameter(f"{where}={said(value)} is not a choice", did_you_mean(str(value), setting.choices))
    elif isinstance(setting.standard, bool):
        if not isinstance(value, bool):
            raise BadParameter(f"{where}={said(value)} must be true or false", "Write it without quotes.")
    elif not is_number(value):
        raise BadParameter(f"{where}={said(value)} must be a number", f"It stood at {setting.standard:g}.")
    elif setting.low is not None and setting.high is not None and not setting.low <= value <= setting.high:
        raise BadParameter(f"{where}={value:g} must lie from {setting.low:g} to {setting.high:g}", "Change the value.")


def state_of(step: Plugin, where: str = "") -> bytes:
    """The plugin's own state that a step carries; empty where it has none.

    Raises:
        BadParameter: it is not base64.
    """
    try:
        return base64.b64decode(step.state, validate=True)
    except (binascii.Error, ValueError):
        raise BadParameter(f"{where}: state is not base64", "Take it from: daw-bridge plugins show NAME") from None

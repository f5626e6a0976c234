"""The `plugins` commands: which of the user's own plugins presets may use, allowed on this computer alone."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from . import plugins
from .errors import BadArguments, did_you_mean
from .preset import Plugin
from .preset_commands import step_as_toml
from .settings import said


def run(asked: argparse.Namespace) -> int:
    """Run one of these commands.

    Raises:
        DawBridgeError: what keeps it from being done.
    """
    if asked.command == "allow_plugin":
        allow(asked.path, asked.name, asked.limit)
    elif asked.command == "list_plugins":
        listed(is_json=asked.json)
    elif asked.command == "show_plugin":
        show(asked.name, asked.preset)
    else:
        forget(asked.name)
    return 0


def allow(path: Path, name: str, limit_seconds: float) -> None:
    """Load a plugin once, in a process of its own, and put it on the list.

    Raises:
        BadParameter, PluginFailed: as `plugin_host.described`.
        BadArguments: the limit is none.
    """
    from .plugin_host import described

    if not 1.0 <= limit_seconds <= 3600.0:
        raise BadArguments(f"limit={limit_seconds:g} must lie from 1 to 3600 s", "20 s will do for most.")
    found, _ = described(path.expanduser().absolute(), name, limit_seconds)
    plugins.allow(found)
    print(f'allowed: plugin = "{found.format}", name = {json.dumps(found.name)} ({len(found.settings)} parameters)')


def listed(*, is_json: bool = False) -> None:
    """Print a line for each allowed plugin."""
    found = plugins.allowed_plugins()
    if is_json:
        print(json.dumps([{"format": p.format, "name": p.name, "path": p.path, "version": p.version} for p in found], indent=1))
    for plugin in () if is_json else found:
        print(f"{plugin.name:<30}  {plugins.WORDS[plugin.format]:<10}  {plugin.path}")
    if not found and not is_json:
        print("none is allowed yet: daw-bridge plugins allow PATH", file=sys.stderr)


def forget(name: str) -> None:
    """Take a plugin off the list.

    Raises:
        BadArguments: none of that name is on it.
    """
    print(f"forgotten: {plugins.forget(name).name}")


def show(name: str, preset_file: Path | None) -> None:
    """Print a plugin as a step of a chain, all parameters with their ranges, to be pasted into a preset.

    Args:
        name: of an allowed plugin.
        preset_file: a `.vstpreset` to load into it first; then its state is printed, too.

    Raises:
        BadArguments: it is not allowed.
        BadParameter, PluginFailed: as `plugin_host.described`.
    """
    from .plugin_host import described

    listed = plugins.allowed_plugins()
    allowed = next((p for p in listed if p.name == name), None)
    if allowed is None:
        raise BadArguments(f"plugin {said(name)} is not on the list", did_you_mean(name, [p.name for p in listed]))
    file = str(preset_file.expanduser().absolute()) if preset_file else ""
    found, state = described(Path(allowed.path), name, allowed.limit_seconds, file)
    values = {} if preset_file else {key: setting.standard for key, setting in found.settings.items()}
    print(step_as_toml(Plugin(found.format, values, found.name, state if preset_file else "")))
    for key, setting in found.settings.items():
        print(f"# {key}: {_range(setting)}")


def _range(setting: plugins.Setting) -> str:
    if setting.choices:
        return ", ".join(setting.choices[:20])
    return "true, false" if isinstance(setting.standard, bool) else f"{setting.low:g} to {setting.high:g}"

"""What the service is told by files: its configuration and its projects."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import BadParameter, did_you_mean
from ..folders import DEFAULT_PORT, StateFolders
from .fields import FIELDS, NAMES, checked, from_environment
from .hot_folder import HotFolder
from .osc import Peer

CONFIG = "config.toml"
PLAIN = ("port", "lan", "discovery", "keep_days", "previews")
WATCH_KEYS = ("path", "project", "style", "preset", "parameters")


@dataclass(frozen=True)
class Config:
    """The configuration: `<state>/config.toml`, overridden by the environment, overridden by flags. See `fields.py`.

    Attributes:
        port: UDP port.
        lan: whether the network is listened to, not this computer alone.
        discovery: whether OSCQuery answers.
        keep_days: after which ended jobs are forgotten.
        previews: whether long renders offer a first sound.
        feedback: fixed targets of all events, written "host:port" in the file.
        roots: folders that OSC paths may name as `@name/…`.
        watched: folders to watch besides each project's drop/.
        origins: where each value that is no default comes from: "file", "environment" or "flag".
    """

    port: int = DEFAULT_PORT
    lan: bool = False
    discovery: bool = False
    keep_days: int = 30
    previews: bool = True
    feedback: tuple[Peer, ...] = ()
    roots: Mapping[str, Path] = field(default_factory=dict)
    watched: tuple[HotFolder, ...] = ()
    origins: Mapping[str, str] = field(default_factory=dict)


def read_config(
    state: StateFolders, flags: Mapping[str, Any] | None = None, environment: Mapping[str, str] | None = None
) -> Config:
    """Read the configuration; what nobody names has its default.

    Args:
        state: whose `config.toml` is read, if there is one.
        flags: values from the command line; None is no value.
        environment: the process's own where None.

    Raises:
        BadParameter: a value is not valid, with the key's name.
    """
    path = state.root / CONFIG
    sources = {
        "file": _read(path),
        "environment": from_environment(os.environ if environment is None else environment),
        "flag": {name: value for name, value in (flags or {}).items() if value is not None},
    }
    values: dict[str, Any] = {f.name: f.default for f in FIELDS}
    origins: dict[str, str] = {}
    for origin, table in sources.items():
        for f in FIELDS:
            if f.name in table:
                values[f.name] = checked(f, table[f.name], str(path) if origin == "file" else origin)
                origins[f.name] = origin
    return Config(
        **{name: values[name] for name in PLAIN},
        feedback=tuple(_peer(text, path) for text in values["feedback"]),
        roots={name: _folder(folder, f"roots.{name}", path) for name, folder in values["roots"].items()},
        watched=tuple(_watched(row, path) for row in values["watch"]),
        origins=origins,
    )


def _read(path: Path) -> dict[str, Any]:
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadParameter(f"{path} is not TOML: {error}", "Check the line that it names.") from None
    for key in table:
        if key not in NAMES:
            raise BadParameter(f"{path}: {key!r} is not a key", did_you_mean(key, NAMES))
    return table


def shown_config(state: StateFolders, config: Config) -> str:
    """The configuration as TOML that reads back, each field with its meaning, its default and what overrides it."""
    values: dict[str, Any] = {name: getattr(config, name) for name in PLAIN}
    values["feedback"] = [f"{host}:{port}" for host, port in config.feedback]
    lines = [f"# {state.root / CONFIG}: every field; a flag overrides the environment, which overrides the file."]
    tables = []
    for f in FIELDS:
        flag = f.flag if f.flag != "--set" else f"--set {f.name}=…"
        ways = f"flag {flag}, environment {f.variable}"
        origin = f"from the {config.origins[f.name]}" if f.name in config.origins else "the default"
        lines_of = [f"# {f.about}", f"# Now: {origin}. Overridden by: {ways}."]
        if f.name in values:
            lines += ["", *lines_of, f"{f.name} = {_toml(values[f.name])}"]
        else:
            tables += ["", *lines_of, *_rows(f.name, config, f.example)]
    return "\n".join([*lines, *tables]) + "\n"


def _rows(name: str, config: Config, example: str) -> list[str]:
    if name == "roots" and config.roots:
        return ["[roots]", *(f"{_toml(key)} = {_toml(str(folder))}" for key, folder in config.roots.items())]
    if name == "watch" and config.watched:
        rows = []
        for w in config.watched:
            shown = {"path": str(w.path), "project": str(w.project), "style": str(w.style), "preset": w.preset}
            rows += ["[[watch]]", *(f"{key} = {_toml(value)}" for key, value in shown.items())]
            if w.parameters:
                rows += ["[watch.parameters]", *(f"{_toml(key)} = {_toml(of)}" for key, of in w.parameters.items())]
        return rows
    return [f"# {line}" for line in example.splitlines()]


def _toml(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)  # of plain values and lists of them, the same in TOML


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
    parameters = row.get("parameters", {})
    if not isinstance(parameters, dict):
        raise BadParameter(f"{path}: watch.parameters={parameters!r} must be a table", "")
    return HotFolder(folder, project, style, str(row.get("preset", "default")), parameters)


def read_projects(state: StateFolders) -> list[Path]:
    """The project folders of this state folder's service, also those whose drive is away. Touches none of them."""
    try:
        listed = json.loads(state.projects.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    return [Path(text) for text in listed if isinstance(text, str)] if isinstance(listed, list) else []


def write_projects(state: StateFolders, projects: Iterable[Path]) -> None:
    """Write the list of projects, whole or not at all."""
    write_whole(state.projects, json.dumps([str(path) for path in projects], indent=1) + "\n")


def write_whole(path: Path, text: str) -> None:
    """Write a small text file under a temporary name, then rename it."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    draft.write_text(text, encoding="utf-8", errors="backslashreplace")  # a name that is no text, as JSON escapes it
    os.replace(draft, path)

"""Presets: TOML files that hold a transfer and the chain after it, checked when read."""

from __future__ import annotations

import dataclasses
import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .errors import BadParameter, UnknownPreset, did_you_mean
from .settings import OutputSettings, ReconstructSettings, TransferSettings, settings_from, to_table

SCHEMA = 1
MAX_PRESET_BYTES = 100_000
SECTIONS: dict[str, type] = {"transfer": TransferSettings, "reconstruct": ReconstructSettings, "output": OutputSettings}


@dataclass(frozen=True)
class Plugin:
    """One step of the chain: a pedalboard plugin by its own class and parameter names.

    Attributes:
        plugin: class name, for example `LowpassFilter`.
        parameters: keyword arguments of that class.
    """

    plugin: str
    parameters: Mapping[str, float | int | bool | str] = field(default_factory=dict)


@dataclass(frozen=True)
class Preset:
    """A sound with a name.

    Attributes:
        id: name of the file without its ending, as asked for.
        title: what a menu shows.
        about: one or two sentences in a producer's words.
        transfer, reconstruct, output: the settings of the stages.
        post: the chain, in order.
    """

    id: str
    title: str
    about: str
    transfer: TransferSettings = TransferSettings()
    reconstruct: ReconstructSettings = ReconstructSettings()
    output: OutputSettings = OutputSettings()
    post: tuple[Plugin, ...] = ()

    def with_parameters(self, parameters: Mapping[str, Any]) -> Preset:
        """The preset with some settings replaced, by plain name (`strength`) or with their section (`output.wet`).

        Raises:
            BadParameter: an unknown name, or a value that the setting refuses.
        """
        tables = {name: to_table(getattr(self, name)) for name in SECTIONS}
        for name, value in parameters.items():
            section, key = _section_of(name)
            tables[section][key] = _like(tables[section][key], value)
        return dataclasses.replace(self, **{n: settings_from(cls, tables[n], n) for n, cls in SECTIONS.items()})

    def to_table(self) -> dict[str, Any]:
        """Everything as plain JSON values; `preset_from` reads it back."""
        post = [{"plugin": step.plugin, **step.parameters} for step in self.post]
        sections = {name: to_table(getattr(self, name)) for name in SECTIONS}
        return {"schema": SCHEMA, "id": self.id, "title": self.title, "about": self.about, **sections, "post": post}


def parameter_names() -> dict[str, str]:
    """Every setting's plain name and the section that it belongs to; no name stands in two sections."""
    return {f.name: section for section, cls in SECTIONS.items() for f in dataclasses.fields(cls)}


def _section_of(name: str) -> tuple[str, str]:
    names = parameter_names()
    section, _, key = name.rpartition(".")
    if key not in names or section not in ("", names[key]):
        raise BadParameter(f"parameter {name!r} is not known", did_you_mean(key, names))
    return names[key], key


def _like(current: Any, value: Any) -> Any:
    """Text from a command line or an OSC pair, read as what it stands for; anything else is left for the check."""
    if not isinstance(value, str):
        return bool(value) if isinstance(current, bool) and value in (0, 1) else value
    if isinstance(current, dict):
        return [part.strip() for part in value.split(",")]
    if isinstance(current, bool):
        return {"true": True, "1": True, "false": False, "0": False}.get(value.lower(), value)
    if isinstance(current, (int, float)):
        try:
            return float(value)
        except ValueError:
            return value
    return value


def preset_from(table: Mapping[str, Any], preset_id: str) -> Preset:
    """Build a preset from a table as read from TOML or from a recipe.

    Raises:
        BadParameter: a wrong schema, an unknown key, a wrong type or a value out of range, with the key's name.
    """
    where = f"preset {preset_id!r}: "
    known = {"schema", "id", "title", "about", "post", *SECTIONS}
    for key in table:
        if key not in known:
            raise BadParameter(f"{where}{key!r} is not a key", did_you_mean(key, known))
    if table.get("schema") != SCHEMA:
        raise BadParameter(f"{where}schema={table.get('schema')!r} must be {SCHEMA}", f"Write schema = {SCHEMA} at the top.")
    for key in ("title", "about"):
        if not isinstance(table.get(key), str) or not table[key].strip():
            raise BadParameter(f"{where}{key}={table.get(key)!r} must be a text", f'Write {key} = "…".')
    try:
        sections: dict[str, Any] = {n: settings_from(cls, _table(table, n), n) for n, cls in SECTIONS.items()}
        post = tuple(_plugin(step, number) for number, step in enumerate(_steps(table), 1))
    except BadParameter as error:
        raise BadParameter(where + error.message, error.hint) from None
    return Preset(preset_id, table["title"].strip(), table["about"].strip(), post=post, **sections)


def _table(table: Mapping[str, Any], name: str) -> dict[str, Any]:
    section = table.get(name, {})
    if not isinstance(section, dict):
        raise BadParameter(f"{name}={section!r} must be a table", f"Write [{name}] and the settings below it.")
    return section


def _steps(table: Mapping[str, Any]) -> list[Any]:
    steps = table.get("post", [])
    if not isinstance(steps, list):
        raise BadParameter(f"post={steps!r} must be a list of tables", "Write [[post]] before each plugin.")
    return steps


def _plugin(step: Any, number: int) -> Plugin:
    if not isinstance(step, dict) or not isinstance(step.get("plugin"), str):
        raise BadParameter(f"post step {number} names no plugin", 'Write plugin = "LowpassFilter", for example.')
    parameters = {key: value for key, value in step.items() if key != "plugin"}
    for key, value in parameters.items():
        if not isinstance(value, (int, float, bool, str)):
            raise BadParameter(
                f"post step {number}: {key}={value!r} must be a number or a text", "Chains hold plain values only."
            )
    return Plugin(step["plugin"], parameters)


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


def _files(folders: tuple[Path, ...] | None = None) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for folder in folders or (shipped_folder(), user_folder()):
        if folder.is_dir():
            found.update({path.stem: path for path in sorted(folder.glob("*.toml"))})
    return dict(sorted(found.items()))


def preset_ids() -> list[str]:
    """Names of all presets, in alphabetical order, without reading them."""
    return list(_files())


def load_preset(preset_id: str) -> Preset:
    """Read one preset by its name.

    Raises:
        UnknownPreset: there is no such file.
        BadParameter: the file is not a valid preset.
    """
    files = _files()
    if preset_id not in files:
        raise UnknownPreset(f"preset {preset_id!r} does not exist", did_you_mean(preset_id, files))
    return read_preset(files[preset_id])


def read_preset(path: Path) -> Preset:
    """Read one preset file.

    Raises:
        BadParameter: the file is too large, no TOML or no valid preset.
    """
    size_bytes = path.stat().st_size
    if size_bytes > MAX_PRESET_BYTES:
        raise BadParameter(
            f"preset file {path.name} has {size_bytes} bytes, more than {MAX_PRESET_BYTES}", "A preset is a page of text."
        )
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadParameter(f"preset file {path.name} is not TOML: {error}", "Check the line that it names.") from None
    return preset_from(table, path.stem)


def all_presets() -> Iterator[Preset | BadParameter]:
    """Every preset in alphabetical order; the error in place of a file that is broken, so that one hides no other."""
    for path in _files().values():
        try:
            yield read_preset(path)
        except BadParameter as error:
            yield error

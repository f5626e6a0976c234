"""A preset: a transfer and the chain after it, as a value that is checked when made."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .errors import BadParameter, did_you_mean
from .settings import MAX_SAID, OutputSettings, ReconstructSettings, TransferSettings, is_number, said, settings_from, to_table

SCHEMA = 1
MAX_TEXT = 400  # characters of a title or an about
MAX_NAME = 60  # characters of a plugin's or a parameter's name
MAX_STATE = 80_000  # characters of a plugin's state
HOSTED = ("vst3", "audio_unit")  # kinds of plugins that are not pedalboard's own
SECTIONS: dict[str, type] = {"transfer": TransferSettings, "reconstruct": ReconstructSettings, "output": OutputSettings}


@dataclass(frozen=True)
class Plugin:
    """One step of the chain: a pedalboard plugin by its own class and parameter names, or a plugin of the user's own.

    Attributes:
        plugin: class name, for example `LowpassFilter`; or one of `HOSTED`.
        parameters: keyword arguments of that class, or parameters of the user's plugin by pedalboard's names.
        name: of the user's plugin, as it calls itself; empty for pedalboard's.
        state: of the user's plugin, base64; empty for none. Parameters are set after it.
    """

    plugin: str
    parameters: Mapping[str, float | int | bool | str] = field(default_factory=dict)
    name: str = ""
    state: str = ""

    @property
    def is_hosted(self) -> bool:
        return self.plugin in HOSTED

    def to_table(self) -> dict[str, Any]:
        """As a preset file writes it."""
        if not self.is_hosted:
            return {"plugin": self.plugin, **self.parameters}
        state = {"state": self.state} if self.state else {}
        return {"plugin": self.plugin, "name": self.name, **state, "parameters": dict(self.parameters)}


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
        post = [step.to_table() for step in self.post]
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
    try:
        return float(value)  # no choice has a name that is a number, and some settings take both
    except ValueError:
        return value


def preset_from(table: Mapping[str, Any], preset_id: str) -> Preset:
    """Build a preset from a table as read from TOML or from a recipe; what it extends is merged into it already.

    Raises:
        BadParameter: a wrong schema, an unknown key, a wrong type or a value out of range, with the key's name.
    """
    where = f"preset {preset_id!r}: "
    try:
        check_keys(table)
        if "extends" in table:
            raise BadParameter("extends is followed in preset files alone", "Write its settings out here.")
        for key in ("title", "about"):
            _check_text(table.get(key), key)
        sections: dict[str, Any] = {n: settings_from(cls, section_of(table, n), n) for n, cls in SECTIONS.items()}
        post = tuple(_plugin(step, number) for number, step in enumerate(_steps(table), 1))
    except BadParameter as error:
        raise BadParameter(where + error.message, error.hint) from None
    return Preset(preset_id, table["title"].strip(), table["about"].strip(), post=post, **sections)


def check_keys(table: Mapping[str, Any]) -> None:
    """See whether a table has the schema that we read and no key beyond it.

    Raises:
        BadParameter: it has not.
    """
    known = {"schema", "id", "title", "about", "extends", "post", *SECTIONS}
    for key in table:
        if key not in known:
            raise BadParameter(f"{said(key)} is not a key", did_you_mean(key[:MAX_SAID], known))
    schema = table.get("schema")
    if isinstance(schema, bool) or schema != SCHEMA:
        raise BadParameter(f"schema={said(schema)} must be {SCHEMA}", f"Write schema = {SCHEMA} at the top.")


def _check_text(value: Any, key: str) -> None:
    if not isinstance(value, str) or not value.strip():
        raise BadParameter(f"{key}={said(value)} must be a text", f'Write {key} = "…".')
    if len(value) > MAX_TEXT:
        raise BadParameter(f"{key} has {len(value)} characters, more than {MAX_TEXT}", "A sentence or two will do.")
    if not value.strip().isprintable():
        raise BadParameter(f"{key}={said(value)} must be one line of plain text", "Take line breaks and control characters out.")


def section_of(table: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A section of a preset's table; empty where it has none.

    Raises:
        BadParameter: it is no table.
    """
    section = table.get(name, {})
    if not isinstance(section, dict):
        raise BadParameter(f"{name}={said(section)} must be a table", f"Write [{name}] and the settings below it.")
    return section


def _steps(table: Mapping[str, Any]) -> list[Any]:
    steps = table.get("post", [])
    if not isinstance(steps, list):
        raise BadParameter(f"post={said(steps)} must be a list of tables", "Write [[post]] before each plugin.")
    return steps


def _plugin(step: Any, number: int) -> Plugin:
    where = f"post step {number}"
    if not isinstance(step, dict) or not isinstance(step.get("plugin"), str):
        raise BadParameter(f"{where} names no plugin", 'Write plugin = "LowpassFilter", for example.')
    if step["plugin"] in HOSTED:
        return _hosted(step, where)
    parameters = {key: value for key, value in step.items() if key != "plugin"}
    if len(step["plugin"]) > MAX_NAME:
        raise BadParameter(f"{where}: a name has more than {MAX_NAME} characters", "Use pedalboard's own names.")
    _check_values(parameters, where)
    return Plugin(step["plugin"], parameters)


def _hosted(step: dict[str, Any], where: str) -> Plugin:
    known = ("plugin", "name", "parameters", "state")
    for key in step:
        if key not in known:
            hint = did_you_mean(key[:MAX_SAID], known) + " A plugin's own parameters belong into [post.parameters]."
            raise BadParameter(f"{where}: {said(key)} is not a key of a {step['plugin']} step", hint)
    name, state, parameters = step.get("name"), step.get("state", ""), step.get("parameters", {})
    if not isinstance(name, str) or not name.strip() or len(name) > MAX_NAME or not name.isprintable():
        hint = "Write it as the plugin calls itself: daw-bridge plugins list"
        raise BadParameter(f"{where}: name={said(name)} must be the name of a plugin", hint)
    if not isinstance(state, str) or len(state) > MAX_STATE:
        raise BadParameter(f"{where}: state must be a text of at most {MAX_STATE} characters", "Use parameters instead.")
    if not isinstance(parameters, dict):
        raise BadParameter(f"{where}: parameters={said(parameters)} must be a table", "Write [post.parameters] below the step.")
    _check_values(parameters, where)
    return Plugin(step["plugin"], parameters, name, state)


def _check_values(parameters: Mapping[str, Any], where: str) -> None:
    for key, value in parameters.items():
        if len(key) > MAX_NAME:
            raise BadParameter(f"{where}: a name has more than {MAX_NAME} characters", "Use pedalboard's own names.")
        is_text = isinstance(value, str) and len(value) <= MAX_NAME
        if not (isinstance(value, bool) or is_number(value) or is_text):
            rule = "must be a number, true or false, or a choice by its name"
            raise BadParameter(f"{where}: {key}={said(value)} {rule}", "Chains hold plain values only.")

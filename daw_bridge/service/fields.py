"""Every field of the configuration: default, meaning and what overrides it; the one source for reading and showing."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import BadParameter, did_you_mean
from ..folders import DEFAULT_PORT

ENVIRONMENT = "DAW_BRIDGE_"
TRUE, FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off")


@dataclass(frozen=True)
class Field:
    """One field of `config.toml`.

    Attributes:
        name: the key.
        default: its value where nothing is said.
        about: one or more sentences.
        low, high: the range of a whole number.
        flag: of `daw-bridge serve`.
        example: a line of TOML for what is a list or a table.
    """

    name: str
    default: Any
    about: str
    low: int = 0
    high: int = 0
    flag: str = "--set"
    example: str = ""

    @property
    def variable(self) -> str:
        return ENVIRONMENT + self.name.upper()


FIELDS = (
    Field("port", DEFAULT_PORT, "UDP port; 0 takes any free one.", 0, 65535, "--port"),
    Field(
        "lan", False,
        "Listen to the whole network, not to this computer alone. Every message but /ping and /version must then begin with the "
        "token in the state folder's file `token`.",
        flag="--lan",
    ),
    Field(
        "discovery", False, "Describe the addresses by OSCQuery over HTTP; with lan, announce them by zeroconf.",
        flag="--discovery",
    ),
    Field("keep_days", 30, "Jobs that ended are forgotten after so many days; their files stay.", 1, 3650),
    Field("previews", True, "Offer a first sound, the loudest seconds, ahead of a long render that somebody waits for."),
    Field(
        "feedback", [],
        'Fixed targets of all events, as "127.0.0.1:8000" (REAPER\'s). In the environment and by --set: separated by commas.',
    ),
    Field(
        "roots", {},
        "Folders besides the projects that OSC paths may name, as @name/song.wav. In the environment and by --set: a TOML table.",
        example='[roots]\nsamples = "/home/me/samples"',
    ),
    Field(
        "watch", [],
        "Folders to watch besides each project's drop/; optional: preset, parameters. Originals are always kept. In the "
        "environment and by --set: a TOML list of tables.",
        example='[[watch]]\npath = "/home/me/song/stems"\nproject = "/home/me/song"\nstyle = "/home/me/style.wav"',
    ),
)  # fmt: skip
NAMES = tuple(field.name for field in FIELDS)


def from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    """What the environment says of the configuration, as the file would.

    Raises:
        BadParameter: a variable's text is not of its field's type.
    """
    given = [(field, environment.get(field.variable, "")) for field in FIELDS]
    return {field.name: _value(field, text, field.variable) for field, text in given if text}


def from_words(words: Mapping[str, str]) -> dict[str, Any]:
    """What `--set NAME=VALUE` says of the configuration, as the file would.

    Raises:
        BadParameter: there is no such field, or the text is not of its type.
    """
    fields = {field.name: field for field in FIELDS}
    for name in words:
        if name not in fields:
            raise BadParameter(f"--set {name}: {name!r} is not a key", did_you_mean(name, NAMES))
    return {name: _value(fields[name], text, f"--set {name}") for name, text in words.items()}


def _value(field: Field, text: str, where: str) -> Any:
    if isinstance(field.default, bool):
        if text.lower() not in TRUE + FALSE:
            raise BadParameter(f"{where}={text!r} must be one of {', '.join(TRUE + FALSE)}", field.about)
        return text.lower() in TRUE
    if isinstance(field.default, int):
        if not text.isdecimal():
            rule = f"must be a whole number from {field.low} to {field.high}"
            raise BadParameter(f"{where}={text!r} {rule}", field.about)
        return int(text)
    if field.example:
        try:
            return tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError as error:
            raise BadParameter(f"{where}={text!r} is not TOML: {error}", field.about) from None
    return [part.strip() for part in text.split(",") if part.strip()]


def checked(field: Field, value: Any, where: str) -> Any:
    """A plain value of the right type and range.

    Raises:
        BadParameter: it is not.
    """
    if isinstance(field.default, bool):
        if not isinstance(value, bool):
            raise BadParameter(f"{where}: {field.name}={value!r} must be true or false", field.about)
    elif isinstance(field.default, int) and (
        not isinstance(value, int) or isinstance(value, bool) or not field.low <= value <= field.high
    ):
        rule = f"must be a whole number from {field.low} to {field.high}"
        raise BadParameter(f"{where}: {field.name}={value!r} {rule}", field.about)
    elif type(value) is not type(field.default):
        kind = "a list" if isinstance(field.default, list) else "a table"
        raise BadParameter(f"{where}: {field.name}={value!r} must be {kind}", field.about)
    return value

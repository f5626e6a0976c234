"""What a preset can set, each value with its default, range and unit: the one source for checks, OSC ranges and documentation."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field
from typing import Any, TypeVar

from .errors import BadParameter, did_you_mean
from .networks import layer_name

Value = float | int | str | bool
SettingsT = TypeVar("SettingsT")


def number(default: float, low: float, high: float, unit: str, about: str) -> Any:
    """A field that is a number from `low` to `high`; an int default makes it an integer."""
    return field(default=default, metadata={"low": low, "high": high, "unit": unit, "about": about})


def choice(default: str, names: tuple[str, ...], about: str) -> Any:
    """A field that is one of `names`."""
    return field(default=default, metadata={"names": names, "about": about})


@dataclass(frozen=True)
class TransferSettings:
    """How the target spectrogram is found. Layers are given by name or by the paper's numbers from 1."""

    network: str = field(default="vgg16", metadata={"about": "frozen network that hears content and style"})
    content_layers: tuple[str, ...] = field(default=("relu3_1",), metadata={"about": "layers that keep the song"})
    style_layers: tuple[str, ...] = field(
        default=("relu1_1", "relu1_2", "relu2_1", "relu2_2"), metadata={"about": "layers that take the style"}
    )
    content_weight: float = number(1.0, 0.0, 1e6, "", "weight of the content loss")
    style_weight: float = number(30.0, 0.0, 1e6, "", "weight of the style loss")
    start: str = choice("band_stats", ("noise", "content", "band_stats"), "what the optimisation starts from")
    optimizer: str = choice("adam", ("adam", "lbfgs"), "how the target is changed")
    learning_rate: float = number(0.05, 1e-4, 2.0, "", "step of the optimiser, in units of 60 dB")
    num_steps: int = number(60, 0, 2000, "steps", "optimisation steps")
    n_bands: int = number(128, 32, 512, "bands", "mel bands of the spectrogram that is optimised")
    strength: float = number(1.0, 0.0, 1.0, "", "how far to go from the content (0) to the target (1)")
    gate_db: float = number(-60.0, -120.0, -20.0, "dB", "below this level under the programme, the content counts as silent")


@dataclass(frozen=True)
class ReconstructSettings:
    """How the target spectrogram becomes samples."""

    method: str = choice("gain_mask", ("gain_mask", "griffin_lim"), "how samples are made from the target spectrogram")
    max_gain_db: float = number(40.0, 0.0, 60.0, "dB", "most that a band is raised or lowered")
    n_iterations: int = number(32, 1, 500, "iterations", "Griffin-Lim iterations")
    momentum: float = number(0.99, 0.0, 1.0, "", "Griffin-Lim momentum")


@dataclass(frozen=True)
class OutputSettings:
    """Levels of the published file."""

    loudness: str = choice("content", ("content", "off"), "match the content's loudness, or leave it")
    wet: float = number(1.0, 0.0, 1.0, "", "share of the remix in the mix with the content (1 = remix alone)")
    ceiling_dbtp: float = number(-1.0, -24.0, -0.1, "dBTP", "highest true peak")


def settings_from(cls: type[SettingsT], table: dict[str, Any], where: str) -> SettingsT:
    """Build one of the classes above from a TOML or JSON table.

    Args:
        cls: the settings class.
        table: keys and values as read.
        where: the table's name, for messages.

    Raises:
        BadParameter: an unknown key, a wrong type or a value out of range.
    """
    known = {f.name: f for f in dataclasses.fields(cls)}  # type: ignore[arg-type]
    values: dict[str, Any] = {}
    for key, value in table.items():
        if key not in known:
            raise BadParameter(f"{where}.{key} is not a setting", did_you_mean(key, known))
        values[key] = _checked(known[key], value, f"{where}.{key}")
    if "content_layers" in known:
        network = values.get("network", known["network"].default)
        for key in ("content_layers", "style_layers"):
            values[key] = tuple(layer_name(network, layer) for layer in values.get(key, known[key].default))
    return cls(**values)


def _checked(setting: dataclasses.Field[Any], value: Any, where: str) -> Any:
    rule = setting.metadata
    if "low" in rule:
        is_whole = isinstance(setting.default, int)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            raise BadParameter(f"{where}={value!r} must be a number", f"Give one from {rule['low']:g} to {rule['high']:g}.")
        if not rule["low"] <= value <= rule["high"]:
            raise BadParameter(
                f"{where}={value:g} must lie from {rule['low']:g} to {rule['high']:g} {rule['unit']}".rstrip(), rule["about"] + "."
            )
        if is_whole and value != int(value):
            raise BadParameter(f"{where}={value:g} must be a whole number", rule["about"] + ".")
        return int(value) if is_whole else float(value)
    if "names" in rule:
        if value not in rule["names"]:
            raise BadParameter(f"{where}={value!r} is not a choice", did_you_mean(str(value), rule["names"]))
        return value
    if isinstance(setting.default, tuple):
        if not isinstance(value, (list, tuple)) or not value:
            raise BadParameter(f"{where}={value!r} must be a list of layers", 'Write ["relu1_1", "relu1_2"] or [1, 2].')
        return tuple(value)
    if not isinstance(value, str):
        raise BadParameter(f"{where}={value!r} must be a text", rule.get("about", ""))
    return value


def to_table(settings: Any) -> dict[str, Any]:
    """The settings as plain JSON and TOML values; `settings_from` reads them back."""
    return {k: list(v) if isinstance(v, tuple) else v for k, v in dataclasses.asdict(settings).items()}

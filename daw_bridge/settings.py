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


def switch(default: bool, about: str) -> Any:
    """A field that is true or false."""
    return field(default=default, metadata={"is_switch": True, "about": about})


Layers = tuple[tuple[str, float], ...]


def layers(default: Layers, about: str) -> Any:
    """A field that lists layers with their weights; a preset may give a list of names (weight 1) or a table."""
    return field(default=default, metadata={"is_layers": True, "about": about})


@dataclass(frozen=True)
class TransferSettings:
    """How the target spectrogram is found. Layers are given by name, VGG16's also by the paper's numbers from 1."""

    content_layers: Layers = layers((("relu3_1", 1.0),), "layers that keep the song")
    style_layers: Layers = layers(
        (("relu1_1", 1.0), ("relu1_2", 1.0), ("relu2_1", 1.0), ("relu2_2", 1.0)), "layers that take the style"
    )
    content_weight: float = number(1.0, 0.0, 1e6, "", "weight of the content loss; 0 leaves the content layers out")
    style_weight: float = number(30.0, 0.0, 1e6, "", "weight of the style loss")
    anchor_weight: float = number(0.0, 0.0, 1e6, "", "weight of staying near the start, in units of 20 dB")
    is_gram_centred: bool = switch(False, "Gram matrices about the style's mean features, so that texture outweighs level")
    start: str = choice("content", ("noise", "content", "band_stats", "band_histogram"), "what the optimisation starts from")
    optimizer: str = choice("adam", ("adam", "lbfgs"), "how the target is changed")
    learning_rate: float = number(0.05, 1e-4, 2.0, "", "step of the optimiser, in units of 60 dB")
    num_steps: int = number(60, 0, 2000, "steps", "optimisation steps")
    n_bands: int = number(256, 32, 512, "bands", "mel bands of the spectrogram that is optimised")
    strength: float = number(1.0, 0.0, 1.0, "", "how far to go from the content (0) to the target (1)")
    gate_db: float = number(-60.0, -120.0, -20.0, "dB", "below this level under the programme, the content counts as silent")
    noise_lift_db: float = number(
        10.0, 0.0, 60.0, "dB", "most that the content's own noise floor is raised; 60 leaves it unguarded"
    )


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
    return cls(**values)


def _checked(setting: dataclasses.Field[Any], value: Any, where: str) -> Any:
    rule = setting.metadata
    if "low" in rule:
        is_whole = isinstance(setting.default, int)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            raise BadParameter(f"{where}={value!r} must be a number", f"Give one from {rule['low']:g} to {rule['high']:g}.")
        if not rule["low"] <= value <= rule["high"]:
            raise BadParameter(
                f"{where}={value:g} must lie from {rule['low']:g} to {rule['high']:g} {rule['unit']}".rstrip(),
                rule["about"] + ".",
            )
        if is_whole and value != int(value):
            raise BadParameter(f"{where}={value:g} must be a whole number", rule["about"] + ".")
        return int(value) if is_whole else float(value)
    if "names" in rule:
        if value not in rule["names"]:
            raise BadParameter(f"{where}={value!r} is not a choice", did_you_mean(str(value), rule["names"]))
        return value
    if "is_layers" in rule:
        return _layers(value, where)
    if "is_switch" in rule:
        if value not in (True, False):
            raise BadParameter(f"{where}={value!r} must be true or false", rule["about"] + ".")
        return bool(value)
    if not isinstance(value, str):
        raise BadParameter(f"{where}={value!r} must be a text", rule.get("about", ""))
    return value


def _layers(value: Any, where: str) -> Layers:
    pairs = list(value.items()) if isinstance(value, dict) else [(v, 1.0) for v in value] if isinstance(value, list) else []
    if not pairs:
        raise BadParameter(f"{where}={value!r} must list layers", 'Write ["relu1_1", "relu1_2"], [1, 2] or { relu1_1 = 1.0 }.')
    for layer, weight in pairs:
        if isinstance(weight, bool) or not isinstance(weight, (int, float)) or not 0 < weight <= 1e6:
            raise BadParameter(
                f"{where}: weight {weight!r} of {layer!r} must be over 0, at most 1e6", "Leave the layer out instead."
            )
    return tuple((layer_name(layer), float(weight)) for layer, weight in pairs)


def to_table(settings: Any) -> dict[str, Any]:
    """The settings as plain JSON and TOML values; `settings_from` reads them back."""
    return {f.name: _plain(getattr(settings, f.name)) for f in dataclasses.fields(settings)}


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, tuple) else value

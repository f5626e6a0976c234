"""What a preset can set, each value with its default, range and unit: the one source for checks, OSC ranges and documentation."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from .errors import BadParameter, did_you_mean
from .networks import Network, layer_name, network_of

Value = float | int | str | bool
SettingsT = TypeVar("SettingsT")
MAX_LAYER_NAME = 40
MAX_SAID = 80  # characters of a value that a message repeats


def number(default: float, low: float, high: float, unit: str, about: str) -> Any:
    """A field that is a number from `low` to `high`; an int default makes it an integer."""
    return field(default=default, metadata={"low": low, "high": high, "unit": unit, "about": about})


def choice(default: str, names: tuple[str, ...], about: str) -> Any:
    """A field that is one of `names`."""
    return field(default=default, metadata={"names": names, "about": about})


def level_or_choice(default: float | str, names: tuple[str, ...], low: float, high: float, unit: str, about: str) -> Any:
    """A field that is one of `names`, or a number from `low` to `high`."""
    return field(default=default, metadata={"names": names, "or_low": low, "or_high": high, "unit": unit, "about": about})


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
    total_variation_weight: float = number(0.0, 0.0, 1e6, "", "weight of smoothness: cells like their neighbours, per 20 dB")
    envelope_weight: float = number(0.0, 0.0, 1e6, "", "weight of keeping each frame as loud as the content's, per 20 dB")
    spectrum_weight: float = number(0.0, 0.0, 1e6, "", "weight of each band's mean power being the style's, per 20 dB")
    rhythm_weight: float = number(0.0, 0.0, 1e6, "", "weight of the style's rhythm: after how long each band repeats itself")
    is_multiresolution: bool = switch(False, "hear longer and shorter windows as well, for three times the work")
    is_style_balanced: bool = switch(False, "a layer weighs less the farther it starts from the style")
    is_gram_centred: bool = switch(False, "Gram matrices about the style's mean features, so that texture outweighs level")
    is_spread_kept: bool = switch(
        False, "each band keeps the mean and deviation that the start gave it, and its highest level within 6 dB"
    )
    start: str = choice(
        "content", ("noise", "content", "blend", "band_stats", "band_histogram"), "what the optimisation starts from"
    )
    noise_share: float = number(0.5, 0.0, 1.0, "", "share of noise in a blend of noise and content to start from")
    planes: str = choice("grey", ("grey", "colour"), "a grey target, or the paper's: red, green and blue that become grey last")
    optimizer: str = choice(
        "adam", ("adam", "lbfgs", "fixed_step"), "how the target is changed; fixed_step, which never settles, is the paper's"
    )
    learning_rate: float = number(0.05, 1e-4, 2.0, "", "step of the optimiser, in units of 60 dB")
    num_steps: int = number(60, 0, 2000, "steps", "optimisation steps")
    plateau_stop: float = number(0.0, 0.0, 0.9, "", "stop once ten steps lower the loss by less than this share; 0 goes on")
    time_budget_seconds: float = number(
        0.0, 0.0, 86_400.0, "s", "take as many of the steps as fit, so that the render ends after about so long; 0 takes all"
    )
    n_bands: int = number(256, 32, 512, "bands", "bands of the spectrogram that is optimised")
    band_scale: str = choice(
        "mel", ("mel", "log"), "on which scale bands lie evenly: as pitch is heard (mel), or by octaves (log)"
    )
    strength: float = number(1.0, 0.0, 1.0, "", "how far to go from the content (0) to the target (1)")
    gate_db: float = number(-60.0, -120.0, -20.0, "dB", "below this level under the programme, the content counts as silent")
    noise_lift_db: float = number(
        10.0, 0.0, 60.0, "dB", "most that the content's own noise floor is raised; 60 leaves it unguarded"
    )

    def depths(self) -> dict[Network, int]:
        """The networks that the layers belong to, and how many layers of each are needed, from the first."""
        found: dict[Network, int] = {}
        for layer, _ in (*(self.content_layers if self.content_weight else ()), *self.style_layers):
            network = network_of(layer)
            found[network] = max(found.get(network, 0), network.layers.index(layer) + 1)
        return found


@dataclass(frozen=True)
class ReconstructSettings:
    """How the target spectrogram becomes samples."""

    method: str = choice(
        "gain_mask", ("gain_mask", "content_phase", "griffin_lim"), "how samples are made from the target spectrogram"
    )
    residual: float = number(
        0.0, 0.0, 1.0, "", "share of what is beyond max_gain_db, added to the gain mask with a made-up phase"
    )
    max_gain_db: float = number(40.0, 0.0, 60.0, "dB", "most that a band is raised or lowered")
    excite_beyond_db: float = number(
        60.0, 0.0, 60.0, "dB", "bands that need more gain than this are filled with the content's harmonics first; 60 = never"
    )
    n_iterations: int = number(32, 1, 500, "iterations", "Griffin-Lim iterations")
    momentum: float = number(0.99, 0.0, 1.0, "", "Griffin-Lim momentum")


@dataclass(frozen=True)
class OutputSettings:
    """What becomes of the remix after the transfer, round the chain, and the levels of the published file."""

    chain_wet: float = number(1.0, 0.0, 1.0, "", "share of the chain's sound in the mix with what goes into it (1 = all)")
    tails: str = choice("cut", ("cut", "keep"), "what of the chain rings on after the content's end: cut it, or keep up to 10 s")
    dehash: str = choice("both", ("both", "content", "off"), "take off what lies above the bandwidth of both, or the content's")
    is_gated: bool = switch(False, "close a gate on the remix where the content is silent (under gate_db)")
    loudness: float | str = level_or_choice(
        "content", ("content", "off"), -40.0, -5.0, "LUFS", "match the content's loudness, leave it, or a loudness to reach"
    )
    wet: float = number(1.0, 0.0, 1.0, "", "share of the remix in the mix with the content (1 = remix alone)")
    ceiling_dbtp: float = number(-1.0, -24.0, -0.1, "dBTP", "highest true peak")
    is_dithered: bool = switch(True, "seeded TPDF dither where samples are rounded to 16 bits or fewer")


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
            named = key[:MAX_SAID] if key.isprintable() else said(key)
            raise BadParameter(f"{where}.{named} is not a setting", did_you_mean(key[:MAX_SAID], known))
        values[key] = _checked(known[key], value, f"{where}.{key}")
    return cls(**values)


def _checked(setting: dataclasses.Field[Any], value: Any, where: str) -> Any:
    rule = setting.metadata
    if "low" in rule:
        return _number(setting, value, where)
    if "or_low" in rule and not isinstance(value, str):
        return _in_range(value, rule["or_low"], rule["or_high"], rule, where)
    if "names" in rule:
        if value not in rule["names"]:
            hint = did_you_mean(str(value)[:MAX_SAID], rule["names"])
            raise BadParameter(f"{where}={said(value)} is not a choice", hint + (_or_a_number(rule) if "or_low" in rule else ""))
        return value
    if "is_layers" in rule:
        return _layers(value, where)
    if not isinstance(value, bool):
        raise BadParameter(f"{where}={said(value)} must be true or false", f"It means: {rule['about']}.")
    return value


def _or_a_number(rule: Mapping[str, Any]) -> str:
    return f" Or give a number from {rule['or_low']:g} to {rule['or_high']:g} {rule['unit']}."


def _number(setting: dataclasses.Field[Any], value: Any, where: str) -> float | int:
    rule = setting.metadata
    found = _in_range(value, rule["low"], rule["high"], rule, where)
    if not isinstance(setting.default, int):
        return found
    if found != int(found):
        raise BadParameter(f"{where}={value:g} must be a whole number", f"It means: {rule['about']}.")
    return int(found)


def _in_range(value: Any, low: float, high: float, rule: Mapping[str, Any], where: str) -> float:
    if not is_number(value):
        raise BadParameter(f"{where}={said(value)} must be a number", f"Give one from {low:g} to {high:g}.")
    if not low <= value <= high:
        needed = f"must lie from {low:g} to {high:g} {rule['unit']}".rstrip()
        shown = said(value) if isinstance(value, int) else f"{value:g}"
        raise BadParameter(f"{where}={shown} {needed}", f"It means: {rule['about']}.")
    return float(value)


def is_number(value: Any) -> bool:
    """Whether a value read from a file is a finite number that a float holds; true and false are none."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    try:
        return math.isfinite(float(value))
    except OverflowError:
        return False


def said(value: Any) -> str:
    """A value as a message repeats it: on one line, and never longer than a line."""
    try:
        text = repr(value)
    except ValueError:  # Python writes no integer of more than 4300 digits
        text = "a number without end"
    return text if len(text) <= MAX_SAID else text[: MAX_SAID - 1] + "…"


def _layers(value: Any, where: str) -> Layers:
    pairs = list(value.items()) if isinstance(value, dict) else [(v, 1.0) for v in value] if isinstance(value, list) else []
    if not pairs:
        way_out = 'Write ["relu1_1", "relu1_2"], [1, 2] or { relu1_1 = 1.0 }.'
        raise BadParameter(f"{where}={said(value)} must list layers", way_out)
    found: dict[str, float] = {}
    for layer, weight in pairs:
        if not is_number(weight) or not 0 < weight <= 1e6:
            rule = f"{where}: weight {said(weight)} of {said(layer)} must be over 0, at most 1e6"
            raise BadParameter(rule, "Leave the layer out instead.")
        if isinstance(layer, bool) or not isinstance(layer, (str, int)) or len(said(layer)) > MAX_LAYER_NAME:
            raise BadParameter(f"{where}: {said(layer)} is no layer", "Write its name, or a number from 1.")
        name = layer_name(layer)
        if name in found:
            raise BadParameter(f"{where}: layer {name!r} is listed twice", "Give it one weight.")
        found[name] = float(weight)
    return tuple(found.items())


def to_table(settings: Any) -> dict[str, Any]:
    """The settings as plain JSON and TOML values; `settings_from` reads them back."""
    return {f.name: _plain(getattr(settings, f.name)) for f in dataclasses.fields(settings)}


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, tuple) else value

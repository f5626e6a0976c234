"""Pedalboard's own effects, by their own names: what a chain may name, and each step made real."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from .errors import BadParameter, did_you_mean
from .plugins import check_step
from .preset import HOSTED, Plugin

# Built-in effects alone: nothing that loads a plugin or reads a file.
# fmt: off
PLUGINS = (
    "Bitcrush", "BrickwallLimiter", "Chorus", "Clipping", "Compressor", "Delay", "Distortion", "GSMFullRateCompressor",
    "Gain", "HighShelfFilter", "HighpassFilter", "Invert", "LadderFilter", "Limiter", "LowShelfFilter", "LowpassFilter",
    "MP3Compressor", "NoiseGate", "PeakFilter", "Phaser", "PitchShift", "Resample", "Reverb",
)
# fmt: on
MAX_STEPS = 32
# By a name or its end. Pedalboard takes any number for some of them, and then gives nonsense back or is busy for minutes.
RANGES = {
    "_hz": (0.0, 96_000.0),
    "_sample_rate": (100.0, 384_000.0),
    "gain_db": (-80.0, 80.0),
    "_db": (-200.0, 100.0),
    "_ms": (0.0, 10_000.0),
    "depth": (0.0, 1.0),
    "mix": (0.0, 1.0),
    "feedback": (-1.0, 1.0),
    "ratio": (1.0, 1e6),
}


def built(chain: tuple[Plugin, ...]) -> list[tuple[Plugin, Any]]:
    """Each step with pedalboard's plugin for it; with None for one of the user's own, which is looked up and not loaded.

    Raises:
        BadParameter: an unknown plugin or parameter, a wrong type or a value that the plugin refuses.
    """
    import pedalboard

    if len(chain) > MAX_STEPS:
        raise BadParameter(f"the chain has {len(chain)} steps, more than {MAX_STEPS}", "Take some out.")
    known = [name for name in PLUGINS if hasattr(pedalboard, name)]
    steps: list[tuple[Plugin, Any]] = []
    for number, step in enumerate(chain, 1):
        where = f"post step {number}"
        if step.is_hosted:
            check_step(step, where)
            steps.append((step, None))
            continue
        if step.plugin not in known:
            hint = did_you_mean(step.plugin, [*known, *HOSTED])
            raise BadParameter(f"{where}: plugin {step.plugin!r} is not one of pedalboard's effects", hint)
        steps.append((step, _plugin(getattr(pedalboard, step.plugin), step, where)))
    return steps


@dataclass(frozen=True)
class Knob:
    """A parameter of a plugin.

    Attributes:
        name: pedalboard's own.
        standard: its value where the chain says nothing; for a choice, its name.
        choices: what it may be; empty where it is a number or a switch.
        limits: least and greatest value that we let through; None where pedalboard itself knows them, or it is no number.
    """

    name: str
    standard: float | bool | str
    choices: tuple[str, ...] = ()
    limits: tuple[float, float] | None = None


def knobs() -> dict[str, tuple[Knob, ...]]:
    """Every plugin that a chain may name, with its parameters."""
    import pedalboard

    found = {}
    for name in (name for name in PLUGINS if hasattr(pedalboard, name)):
        cls = getattr(pedalboard, name)
        standard = cls()
        found[name] = tuple(_knob(key, getattr(standard, key)) for key in sorted(_names(cls)))
    return found


def _knob(name: str, standard: Any) -> Knob:
    choices = getattr(type(standard), "__members__", None)
    if choices is not None:
        return Knob(name, standard.name, tuple(choices))
    if isinstance(standard, bool):
        return Knob(name, standard)
    return Knob(name, round(float(standard), 4), limits=_limits(name))


def _limits(name: str) -> tuple[float, float] | None:
    return next((limits for end, limits in RANGES.items() if name == end or (end[0] == "_" and name.endswith(end))), None)


def _names(cls: Any) -> set[str]:
    return {n for n in dir(cls) if isinstance(getattr(cls, n), property)} - {"is_effect", "is_instrument"}


def _plugin(cls: Any, step: Plugin, where: str) -> Any:
    standard = cls()
    names = _names(cls)
    values = {}
    for key, value in step.parameters.items():
        if key not in names:
            raise BadParameter(f"{where}: {step.plugin} has no parameter {key!r}", did_you_mean(key, names))
        values[key] = _value(getattr(standard, key), value, f"{where}: {step.plugin}.{key}", _limits(key))
    try:
        return cls(**values)
    except (ValueError, TypeError, RuntimeError) as error:
        said = ", ".join(f"{key}={value}" for key, value in step.parameters.items())
        reason = str(error).splitlines()[0].rstrip(".")
        raise BadParameter(f"{where}: {step.plugin} refuses {said}: {reason}", "Change the value.") from None


def _value(standard: Any, value: Any, where: str, limits: tuple[float, float] | None) -> Any:
    """A parameter in the type of its standard value: a number in its limits, a switch, or one of pedalboard's named choices."""
    choices = getattr(type(standard), "__members__", None)
    if choices is not None:
        if value not in choices:
            raise BadParameter(f"{where}={value!r} is not a choice", did_you_mean(str(value), choices))
        return choices[value]
    if isinstance(standard, bool):
        if not isinstance(value, bool):
            raise BadParameter(f"{where}={value!r} must be true or false", "Write it without quotes.")
        return value
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise BadParameter(f"{where}={value!r} must be a number", f"Its standard value is {standard:g}.")
    if limits and not limits[0] <= value <= limits[1]:
        rule = f"must lie from {limits[0]:g} to {limits[1]:g}"
        raise BadParameter(f"{where}={value:g} {rule}", f"Its standard value is {standard:g}.")
    return float(value)

"""What controllers set one thing at a time: content, style, preset and parameters, until a button fires them."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field

from ..errors import BadArguments, BadParameter, UnknownPreset, did_you_mean
from ..presets import SECTIONS
from .intake import Ask, shelf
from .packets import Value


@dataclass(frozen=True)
class Parameter:
    """A setting that a fader can move: its name, default, range and unit."""

    name: str
    value: float
    low: float
    high: float
    unit: str


def parameters() -> list[Parameter]:
    """Every setting of a preset that is a number."""
    return [
        Parameter(f.name, float(getattr(section(), f.name)), f.metadata["low"], f.metadata["high"], f.metadata["unit"])
        for section in SECTIONS.values()
        for f in dataclasses.fields(section)
        if "low" in f.metadata
    ]


@dataclass
class Buttons:
    """The remembered request, one for all controllers."""

    content: str = ""
    style: str = ""
    preset: str = "default"
    values: dict[str, float] = field(default_factory=dict)

    def parameters(self) -> list[Parameter]:
        """All parameters with the values that are set now."""
        return [dataclasses.replace(p, value=self.values.get(p.name, p.value)) for p in parameters()]

    def set_parameter(self, name: str, position: Value) -> float:
        """Move a parameter to a position from 0 to 1 of its range; gives the position.

        Raises:
            BadParameter: no such parameter, or the position is out of range.
        """
        known = {p.name: p for p in parameters()}
        if name not in known:
            raise BadParameter(f"parameter {name!r} is not known", did_you_mean(name, known))
        if not isinstance(position, (int, float)) or not 0.0 <= position <= 1.0:
            raise BadParameter(f"{name}={position!r} must lie from 0 to 1", "The range of the parameter is scaled to it.")
        parameter = known[name]
        value = parameter.low + float(position) * (parameter.high - parameter.low)
        is_whole = any(isinstance(getattr(section(), name, None), int) for section in SECTIONS.values())
        self.values[name] = float(round(value)) if is_whole else value
        return float(position)

    def ask(self) -> Ask:
        """What the buttons say.

        Raises:
            BadArguments: no content or no style was named.
        """
        for role in ("content", "style"):
            if not getattr(self, role):
                raise BadArguments(f"no {role} is set", f"Send /daw_bridge/{role} first.")
        return Ask(self.content, self.style, self.preset, parameters=dict(self.values))

    @staticmethod
    def preset_titles() -> list[tuple[str, str]]:
        """Id and title of every valid preset, `default` first, the others in alphabetical order."""
        return [(preset.id, preset.title) for preset in shelf().presets()]

    @staticmethod
    def preset_named(value: Value) -> str:
        """The id of a preset given by its id or its index from 1.

        Raises:
            UnknownPreset: there is no such one.
        """
        ids = [preset_id for preset_id, _ in Buttons.preset_titles()]
        if isinstance(value, (int, float)):
            if not 1 <= value <= len(ids) or value != int(value):
                raise UnknownPreset(f"preset {value:g} does not exist", f"There are {len(ids)}, from 1.")
            return ids[int(value) - 1]
        return shelf().load(str(value)).id

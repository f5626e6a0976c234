"""A JSON schema of preset files, for editors: made of the settings and of pedalboard's own parameters, so that it never lags."""

from __future__ import annotations

import dataclasses
from typing import Any

from .effects import MAX_STEPS, Knob, knobs
from .networks import NETWORKS, VGG16
from .preset import HOSTED, MAX_NAME, MAX_STATE, MAX_TEXT, SCHEMA, SECTIONS
from .presets import preset_ids

Table = dict[str, Any]


def schema() -> Table:
    """The schema (draft 2020-12) as plain JSON values. Text in it says what the documentation says."""
    text = {"type": "string", "minLength": 1, "maxLength": MAX_TEXT}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "daw-bridge preset",
        "type": "object",
        "additionalProperties": False,
        "required": ["schema", "title", "about"],
        "properties": {
            "schema": {"const": SCHEMA, "description": "version of this format"},
            "id": {"type": "string", "description": "of no effect: a preset's id is its file's name"},
            "title": {**text, "description": "what a menu shows"},
            "about": {**text, "description": "one or two sentences in a producer's words"},
            "extends": {
                "type": "string",
                "examples": preset_ids(),
                "description": "id of the preset that everything is taken from which is not said here",
            },
            **{name: _section(cls) for name, cls in SECTIONS.items()},
            "post": {
                "type": "array",
                "maxItems": MAX_STEPS,
                "items": {"oneOf": [*(_step(name, found) for name, found in knobs().items()), _hosted()]},
                "description": "the chain after the transfer, in order; replaces the whole chain of what is extended",
            },
        },
    }


def _section(cls: type) -> Table:
    properties = {f.name: _setting(f) for f in dataclasses.fields(cls)}
    return {"type": "object", "additionalProperties": False, "properties": properties, "description": str(cls.__doc__)}


def _setting(setting: dataclasses.Field[Any]) -> Table:
    rule = setting.metadata
    about = {"description": rule["about"] + (f" ({rule['unit']})" if rule.get("unit") else "")}
    if "is_layers" in rule:
        return {**_layers(), **about}
    about = {**about, "default": setting.default}
    if "low" in rule:
        kind = "integer" if isinstance(setting.default, int) else "number"
        return {"type": kind, "minimum": rule["low"], "maximum": rule["high"], **about}
    if "or_low" in rule:
        number = {"type": "number", "minimum": rule["or_low"], "maximum": rule["or_high"]}
        return {"oneOf": [{"enum": list(rule["names"])}, number], **about}
    if "names" in rule:
        return {"enum": list(rule["names"]), **about}
    return {"type": "boolean", **about}


def _layers() -> Table:
    names = {"enum": [layer for network in NETWORKS.values() for layer in network.layers]}
    number = {"type": "integer", "minimum": 1, "maximum": len(VGG16.layers)}
    weights = {"type": "number", "exclusiveMinimum": 0, "maximum": 1e6}
    return {
        "oneOf": [
            {"type": "array", "minItems": 1, "uniqueItems": True, "items": {"oneOf": [names, number]}},
            {"type": "object", "minProperties": 1, "propertyNames": names, "additionalProperties": weights},
        ]
    }


def _step(plugin: str, found: tuple[Knob, ...]) -> Table:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": ["plugin"],
        "properties": {"plugin": {"const": plugin}, **{knob.name: _knob(knob) for knob in found}},
    }


def _hosted() -> Table:
    value = {"type": ["number", "boolean", "string"]}
    return {
        "type": "object",
        "additionalProperties": False,
        "required": ["plugin", "name"],
        "description": "a plugin of your own that `daw-bridge plugins allow` let in",
        "properties": {
            "plugin": {"enum": list(HOSTED)},
            "name": {"type": "string", "minLength": 1, "maxLength": MAX_NAME, "description": "as the plugin calls itself"},
            "parameters": {"type": "object", "additionalProperties": value, "description": "by pedalboard's names for them"},
            "state": {"type": "string", "maxLength": MAX_STATE, "description": "base64; parameters are set after it"},
        },
    }


def _knob(knob: Knob) -> Table:
    if knob.choices:
        return {"enum": list(knob.choices), "default": knob.standard}
    kind = "boolean" if isinstance(knob.standard, bool) else "number"
    limits = {"minimum": knob.limits[0], "maximum": knob.limits[1]} if knob.limits else {}
    return {"type": kind, "default": knob.standard, **limits}

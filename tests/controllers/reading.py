"""Layout files as the programs read them: which widgets there are, and what they send when they are touched."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.service.wire import packet


@dataclass(frozen=True)
class Widget:
    """One widget of either program.

    Attributes:
        kind: "button", "led", "fader", "text" or "input".
        name: its id.
        label: what is written on it.
        frame: left, top, width, height.
        colour: as `#rrggbb`.
        sends: address; "" for none.
        hears: address; "" for none.
        tags: of what it sends.
        align: of its text, "left", "center" or "right".
        first: what it sends before its value, a token.
        start: the value that it begins with.
        is_touchable: reacts to a finger.
    """

    kind: str
    name: str
    label: str
    frame: tuple[float, float, float, float]
    colour: str
    sends: str
    hears: str
    tags: str
    start: float
    is_touchable: bool
    align: str
    first: tuple[str, ...] = ()

    def touched(self, *values: Any) -> list[bytes]:
        """The datagrams of one touch: a value each; 1.0 and 0.0 where none is given."""
        return [packet(self.sends, *self.first, value, tags=self.tags) for value in values or (1.0, 0.0)]


def read_layout(path: Path) -> list[Widget]:
    """The widgets of a file of either program, in drawing order."""
    return _open_stage_control(path) if path.suffix == ".json" else _touchosc(path)


def _open_stage_control(path: Path) -> list[Widget]:
    return [_osc_widget(table) for table in json.loads(path.read_bytes())["content"]["widgets"]]


def _osc_widget(table: dict[str, Any]) -> Widget:
    kind, address = table["type"], table["address"]
    address = "" if address == "auto" else address
    sends = "" if table.get("bypass") else address
    value = table.get("default", 0.0)
    return Widget(
        kind,
        table["id"],
        table.get("label", value if isinstance(value, str) else ""),
        (table["left"], table["top"], table["width"], table["height"]),
        table["colorWidget"],
        sends,
        address,  # every widget hears its own address
        table.get("typeTags") or "f",  # numbers go out as floats unless told otherwise
        value if isinstance(value, float) else 0.0,
        table.get("interaction", kind not in ("text", "led")),
        table.get("align", "center"),
        tuple(table.get("preArgs", ())),
    )


def lexml(path: Path) -> ElementTree.Element:
    """The XML tree of a TouchOSC file."""
    return ElementTree.fromstring(zlib.decompress(path.read_bytes()))


def properties(node: ElementTree.Element) -> dict[str, Any]:
    """A node's properties by key."""
    found = {}
    for item in node.findall("properties/property"):
        value = item.find("value")
        assert value is not None
        found[item.findtext("key", "")] = tuple(float(part.text or 0) for part in value) if len(value) else value.text or ""
    return found


def _touchosc(path: Path) -> list[Widget]:
    nodes = lexml(path).findall("node/children/node")
    captions = {properties(node)["name"]: node.findtext("values/value/default", "") for node in nodes}
    widgets = [_touchosc_widget(node, captions) for node in nodes]
    return [widget for widget in widgets if not widget.name.endswith("_label")]


def _touchosc_widget(node: ElementTree.Element, captions: dict[str, str]) -> Widget:
    held = properties(node)
    sent = [
        osc for osc in node.findall("messages/osc") if osc.findtext("send") == "1" and osc.find("triggers/trigger") is not None
    ]
    heard = [osc for osc in node.findall("messages/osc") if osc.findtext("receive") == "1"]
    parts = [part for osc in sent for part in osc.findall("arguments/partial")]
    is_touchable, kind = held["interactive"] == "1", str(node.get("type")).lower()
    if kind == "button" and not is_touchable:
        kind = "led"
    start = node.findtext("values/value/default", "")
    name = held["name"]
    label = captions.get(f"{name}_label", start if kind == "label" else "")
    colour = "#" + "".join(f"{round(part * 255):02x}" for part in held["color"][:3])
    return Widget(
        "text" if kind == "label" else kind,
        name,
        label,
        held["frame"],
        colour,
        _path(sent),
        _path(heard),
        "".join({"FLOAT": "f", "STRING": "s"}[part.findtext("conversion", "")] for part in parts),
        float(start) if kind == "fader" else 0.0,
        is_touchable,
        ("left", "center", "right")[int(held.get("textAlignH", 2)) - 1],
        tuple(part.findtext("value", "") for part in parts if part.findtext("type") == "CONSTANT"),
    )


def _path(messages: list[ElementTree.Element]) -> str:
    return "".join(part.text or "" for osc in messages for part in osc.findall("path/partial/value"))

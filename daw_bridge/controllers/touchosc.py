"""The panel as a layout of TouchOSC: an XML tree of nodes, compressed by zlib."""

from __future__ import annotations

import uuid
import zlib
from collections.abc import Sequence
from typing import Any
from xml.sax.saxutils import escape

from .panel import COLOURS, HEIGHT, SUBSCRIBE_SECONDS, WIDTH, Control, Frame, subscription

VERSION = "3"  # of the format; what later ones add is not needed
NAMES = uuid.UUID("6d0f6a37-2f2f-4a2e-9d0c-9a9c7a3d8e11")
ALL_CONNECTIONS = "1" * 10
EAST = 1
Properties = dict[str, tuple[str, Any]]


def layout(controls: Sequence[Control], *, receive_port: int, token: str = "") -> bytes:
    """The layout file.

    Args:
        controls: the panel.
        receive_port: where TouchOSC listens; the layout tells it to the service, because TouchOSC sends from another one.
        token: sent first in every message.
    """
    first = f"{{ tag = 's', value = {_lua(token)} }}, " if token else ""
    due_milliseconds = int(SUBSCRIBE_SECONDS * 1000)
    script = _SUBSCRIBE.format(milliseconds=due_milliseconds, address=subscription(), port=receive_port, token=first)
    children = [node for control in controls for node in _nodes(control, token)]
    root = _node(
        "GROUP", "daw_bridge", Frame(0, 0, WIDTH, HEIGHT), COLOURS["ground"], {"script": ("s", script)}, children=children
    )
    return zlib.compress(f"<?xml version='1.0' encoding='UTF-8'?><lexml version='{VERSION}'>{root}</lexml>".encode(), 9)


_SUBSCRIBE = """local due = 0

function update()
  local now = getMillis()
  if now < due then return end
  due = now + {milliseconds}
  sendOSC({{ '{address}', {{ {token}{{ tag = 'i', value = {port} }} }} }})
end
"""


def _lua(text: str) -> str:
    return "'" + "".join(sign if sign.isalnum() and sign.isascii() else f"\\{ord(sign):03d}" for sign in text) + "'"


def _nodes(control: Control, token: str) -> list[str]:
    place = (control.name, control.frame, control.colour)
    if control.kind == "button":
        press = _node("BUTTON", *place, _PRESS, {"x": 0.0}, [_message(control.sends, "x", token, is_sent=True)])
        says = {"text": control.label}
        return [press, _node("TEXT", f"{control.name}_label", control.frame, control.colour, _OVER_A_BUTTON, says)]
    if control.kind == "lamp":
        return [_node("BUTTON", *place, {**_PRESS, **_INERT}, {"x": 0.0}, [_message(control.hears, "x", is_heard=True)])]
    if control.kind == "fader":
        messages = [_message(control.sends, "x", token, is_sent=True), _message(control.hears, "x", is_heard=True)]
        return [_node("FADER", *place, _FADER, {"x": control.value}, messages)]
    if control.kind == "bar":
        lying: Properties = {**_FADER, **_INERT, "orientation": ("i", EAST), "cursor": ("b", 0), "grid": ("b", 0)}
        return [_node("FADER", *place, lying, {"x": 0.0}, [_message(control.hears, "x", is_heard=True)])]
    text = control.label if control.kind == "caption" else ""
    messages = [_message(control.hears, "text", is_heard=True)] if control.hears else []
    return [_node("LABEL", *place, _LABEL, {"text": text}, messages)]


_INERT: Properties = {"interactive": ("b", 0)}
_COMMON: Properties = {
    "background": ("b", 1),
    "cornerRadius": ("f", 4),
    "grabFocus": ("b", 1),
    "interactive": ("b", 1),
    "locked": ("b", 0),
    "orientation": ("i", 0),
    "outline": ("b", 1),
    "outlineStyle": ("i", 0),
    "pointerPriority": ("i", 0),
    "shape": ("i", 1),
    "visible": ("b", 1),
}
_PRESS: Properties = {"buttonType": ("i", 0), "press": ("b", 1), "release": ("b", 1), "valuePosition": ("b", 0)}
_FADER: Properties = {
    "bar": ("b", 1),
    "barDisplay": ("i", 0),
    "cursor": ("b", 1),
    "cursorDisplay": ("i", 0),
    "grid": ("b", 1),
    "gridColor": ("c", "#000000"),
    "gridSteps": ("i", 11),
    "response": ("i", 0),
    "responseFactor": ("i", 100),
}
_TEXT: Properties = {
    **_INERT,
    "font": ("i", 0),
    "textAlignH": ("i", 2),
    "textAlignV": ("i", 2),
    "textClip": ("b", 1),
    "textColor": ("c", "#ffffff"),
    "textSize": ("i", 16),
}
_LABEL: Properties = {**_TEXT, "textLength": ("i", 0)}
_OVER_A_BUTTON: Properties = {**_TEXT, "textWrap": ("b", 1), "background": ("b", 0), "outline": ("b", 0)}


def _node(
    kind: str,
    name: str,
    frame: Frame,
    colour: str,
    properties: Properties,
    values: dict[str, Any] | None = None,
    messages: Sequence[str] = (),
    children: Sequence[str] = (),
) -> str:
    own: Properties = {"name": ("s", name), "frame": ("r", frame), "color": ("c", colour)}
    group: Properties = {"grabFocus": ("b", 0), "interactive": ("b", 0)} if kind == "GROUP" else {}
    listed = sorted({**_COMMON, **group, **own, **properties}.items())
    held = {**(values or {}), "touch": False}
    parts = ["<properties>", *(_property(key, *typed) for key, typed in listed), "</properties>"]
    parts += ["<values>", *(_value(key, default) for key, default in held.items()), "</values>"]
    parts += ["<messages>", *messages, "</messages>"] if messages else []
    parts += ["<children>", *children, "</children>"] if children else []
    return f"<node ID='{uuid.uuid5(NAMES, name)}' type='{kind}'>{''.join(parts)}</node>"


def _property(key: str, kind: str, value: Any) -> str:
    if kind == "r":
        inner = f"<x>{value.x}</x><y>{value.y}</y><w>{value.width}</w><h>{value.height}</h>"
    elif kind == "c":
        red, green, blue = (int(value[at : at + 2], 16) / 255 for at in (1, 3, 5))
        inner = f"<r>{red:.4g}</r><g>{green:.4g}</g><b>{blue:.4g}</b><a>1</a>"
    else:
        inner = _quoted(value) if kind == "s" else f"{value:g}"
    return f"<property type='{kind}'><key>{_quoted(key)}</key><value>{inner}</value></property>"


def _value(key: str, default: Any) -> str:
    text = str(default).lower() if isinstance(default, bool) else f"{default:g}" if isinstance(default, float) else default
    return (
        f"<value><key>{_quoted(key)}</key><locked>0</locked><lockedDefaultCurrent>0</lockedDefaultCurrent>"
        f"<default>{_quoted(text)}</default><defaultPull>0</defaultPull></value>"
    )


def _message(address: str, key: str, token: str = "", *, is_sent: bool = False, is_heard: bool = False) -> str:
    triggers = f"<triggers><trigger><var>{_quoted(key)}</var><condition>ANY</condition></trigger></triggers>" if is_sent else ""
    first = _partial("CONSTANT", "STRING", token) if token else ""
    return (
        f"<osc><enabled>1</enabled><send>{is_sent:d}</send><receive>{is_heard:d}</receive><feedback>0</feedback>"
        f"<connections>{ALL_CONNECTIONS}</connections>{triggers}<path>{_partial('CONSTANT', 'STRING', address)}</path>"
        f"<arguments>{first}{_partial('VALUE', 'STRING' if key == 'text' else 'FLOAT', key)}</arguments></osc>"
    )


def _partial(kind: str, conversion: str, value: str) -> str:
    return (
        f"<partial><type>{kind}</type><conversion>{conversion}</conversion><value>{_quoted(value)}</value>"
        "<scaleMin>0</scaleMin><scaleMax>1</scaleMax></partial>"
    )


def _quoted(text: str) -> str:
    return escape(text) if "]]>" in text else f"<![CDATA[{text}]]>"

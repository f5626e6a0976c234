"""The panel as a session of Open Stage Control (version 1): JSON, one object a widget."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from .panel import COLOURS, HEIGHT, SUBSCRIBE_SECONDS, WIDTH, Control, subscription

VERSION = "1.26.0"


def session(controls: Sequence[Control], *, target: str, token: str = "") -> bytes:
    """The session file.

    Args:
        controls: the panel.
        target: host and port of the service, as `127.0.0.1:9710`.
        token: sent first in every message; a widget with one hears no echo of what it sends.
    """
    knock = f"send({', '.join(json.dumps(word) for word in (target, subscription(), token) if word)})"
    root = {
        "type": "root",
        "id": "root",
        "width": WIDTH,
        "height": HEIGHT,
        "colorBg": COLOURS["ground"],
        "onCreate": f"{knock}\nsetInterval('subscribe', () => {knock}, {SUBSCRIBE_SECONDS * 1000:.0f})",
        "widgets": [_widget(control, target, token) for control in controls],
        "tabs": [],
    }
    table = {"createdWith": "Open Stage Control", "version": VERSION, "type": "session", "content": root}
    return json.dumps(table, indent=1, ensure_ascii=False).encode() + b"\n"


def _widget(control: Control, target: str, token: str) -> dict[str, Any]:
    frame = control.frame
    place = {"left": frame.x, "top": frame.y, "width": frame.width, "height": frame.height}
    widget = {"type": "text", "id": control.name, **place, "colorWidget": control.colour, **_KINDS[control.kind]}
    widget["address"] = control.sends or control.hears or "auto"
    if control.sends:
        widget["target"] = target
        if token:
            widget |= {"preArgs": [token], "typeTags": "s" + widget.get("typeTags", "f")}
    else:
        widget["bypass"] = True
    if control.kind == "button":
        widget |= {"label": control.label, "colorFill": control.colour}
    elif control.kind == "caption":
        widget["default"] = control.label
    elif control.kind == "fader":
        widget["default"] = control.value
    return widget


_KINDS: dict[str, dict[str, Any]] = {
    "button": {"type": "button", "mode": "push", "on": 1, "off": 0, "wrap": "soft", "alphaFillOff": 0.5},
    "lamp": {"type": "led", "mode": "intensity", "range": {"min": 0, "max": 1}, "interaction": False},
    "fader": {"type": "fader", "horizontal": False, "range": {"min": 0, "max": 1}, "decimals": 3},
    "bar": {"type": "fader", "horizontal": True, "design": "compact", "range": {"min": 0, "max": 1}, "interaction": False},
    "entry": {"type": "input", "typeTags": "s", "align": "left"},
    "text": {"type": "text", "wrap": "soft", "align": "left"},
    "caption": {"type": "text", "align": "left"},
}

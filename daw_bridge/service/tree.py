"""The table of addresses as OSCQuery's JSON tree, so that it cannot disagree with the code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .. import __version__
from .buttons import Parameter
from .table import INCOMING, OUTGOING, PREFIX, Incoming, Outgoing

READ, WRITE = 1, 2
ATTRIBUTES = ("FULL_PATH", "CONTENTS", "TYPE", "ACCESS", "RANGE", "VALUE", "DESCRIPTION")
KINDS = {"text": "s", "number": "f", "trigger": "f", "either": "s"}
PARAMETER, BUTTON, LAMP = "/param/<name>", "/preset/<n>/go", "/ui/lamp/<preset>"
IN_UNIT = [{"MIN": 0.0, "MAX": 1.0}]


def host_info(osc_port: int) -> dict[str, Any]:
    """What `?HOST_INFO` answers."""
    extensions = {name: name in ("ACCESS", "VALUE", "RANGE", "DESCRIPTION") for name in (*ATTRIBUTES[3:], "TAGS", "LISTEN")}
    return {"NAME": f"daw-bridge {__version__}", "OSC_PORT": osc_port, "OSC_TRANSPORT": "UDP", "EXTENSIONS": extensions}


def tree(parameters: Sequence[Parameter], presets: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """The root node.

    Args:
        parameters: with the values that are set now; the only values told, no path is.
        presets: id and title of each.
    """
    nodes: dict[str, dict[str, Any]] = {}
    for sent in OUTGOING:
        for address, extra in _sent(sent, parameters, presets).items():
            nodes[address] = extra
    for row in INCOMING:
        for address, extra in _taken(row, parameters, presets).items():
            access = WRITE | nodes.get(address, {}).get("ACCESS", 0)
            nodes[address] = {**nodes.get(address, {}), **extra, "ACCESS": access}
    root: dict[str, Any] = {"FULL_PATH": "/", "ACCESS": 0, "DESCRIPTION": "style transfer between recordings", "CONTENTS": {}}
    for address, attributes in nodes.items():
        _put(root, PREFIX + address, attributes)
    return root


def _taken(row: Incoming, parameters: Sequence[Parameter], presets: Sequence[tuple[str, str]]) -> Mapping[str, dict[str, Any]]:
    if row.address == PARAMETER:
        return {
            f"/param/{p.name}": {
                "TYPE": "f", "RANGE": IN_UNIT, "VALUE": [_place(p)],
                "DESCRIPTION": f"{p.low:g} to {p.high:g} {p.unit}".rstrip(),
            }
            for p in parameters
        }  # fmt: skip
    if row.address == BUTTON:
        return {
            f"/preset/{number}/go": {"TYPE": "f", "RANGE": IN_UNIT, "DESCRIPTION": title or preset_id}
            for number, (preset_id, title) in enumerate(presets, 1)
        }
    kinds = "".join(KINDS[takes.kind] for takes in row.takes) or "N"
    attributes: dict[str, Any] = {"TYPE": kinds, "DESCRIPTION": row.meaning}
    if any(takes.kind == "trigger" for takes in row.takes):
        attributes["RANGE"] = IN_UNIT
    return {row.address: attributes}


def _sent(row: Outgoing, parameters: Sequence[Parameter], presets: Sequence[tuple[str, str]]) -> Mapping[str, dict[str, Any]]:
    attributes = {"TYPE": row.tags, "ACCESS": READ, "DESCRIPTION": row.meaning}
    if row.address == PARAMETER:
        return {f"/param/{p.name}": attributes for p in parameters}
    if row.address == LAMP:
        return {f"/ui/lamp/{preset_id}": attributes for preset_id, _ in presets}
    return {row.address: attributes}


def _place(parameter: Parameter) -> float:
    span = parameter.high - parameter.low
    return (parameter.value - parameter.low) / span if span else 0.0


def _put(root: dict[str, Any], address: str, attributes: Mapping[str, Any]) -> None:
    node, path = root, ""
    for word in address.split("/")[1:]:
        path += "/" + word
        node = node.setdefault("CONTENTS", {}).setdefault(word, {"FULL_PATH": path, "ACCESS": 0})
    node |= attributes


def find_node(root: dict[str, Any], path: str) -> dict[str, Any] | None:
    """The node at a path; None where there is none."""
    node: dict[str, Any] | None = root
    for word in [word for word in path.split("/") if word]:
        node = node.get("CONTENTS", {}).get(word) if node else None
    return node

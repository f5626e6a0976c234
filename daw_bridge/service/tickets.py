"""Tickets: requests that scripts and commands of the same user leave as files in the state folder."""

from __future__ import annotations

import dataclasses
import json
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import BadArguments, DawBridgeError, did_you_mean
from ..results import write_refusal
from .intake import Ask, project_folder
from .outbox import SCHEMA

MAX_TICKET_BYTES = 65_536
MAX_REAPER_BYTES = 16_384
REFUSED = "refused"
MAX_DIGITS = 18
FORBIDDEN_IN_NAMES = frozenset('/\\:*?"<>|')

log = logging.getLogger(__name__)


TICKET_KEYS: dict[str, type | tuple[type, ...]] = {
    "schema": int,
    "reqid": str,
    "project": str,
    "content": str,
    "style": str,
    "start_seconds": (int, float),
    "length_seconds": (int, float),
    "preset": str,
    "params": dict,
    "seed": int,
    "priority": str,
    "force": bool,
    "preview": bool,
    "reaper": dict,
    "register": str,
}


def read_ticket(text: str | bytes) -> dict[str, Any]:
    """A ticket's JSON as a table, its keys and types checked.

    Raises:
        BadArguments: no JSON object, an unknown key, a wrong type or too much of it.
    """
    if len(text) > MAX_TICKET_BYTES:
        raise BadArguments(f"a ticket of {len(text)} bytes is longer than {MAX_TICKET_BYTES}", "")
    try:
        table = json.loads(text, parse_int=_number)
    except (ValueError, RecursionError) as error:
        raise BadArguments(
            f"the ticket is not JSON: {error}", "Write it under a temporary name and rename it when complete."
        ) from None
    if not isinstance(table, dict):
        raise BadArguments("the ticket must be a JSON object", "")
    if table.get("schema") != SCHEMA:
        raise BadArguments(
            f"the ticket's schema={table.get('schema')!r} must be {SCHEMA}", "Script and service are of different versions."
        )
    for key in ("params", "reaper"):
        if table.get(key) == []:  # some of Lua's encoders cannot tell an empty table from an empty list
            table[key] = {}
    for key, value in table.items():
        if key not in TICKET_KEYS:
            raise BadArguments(f"the ticket's key {key!r} is not known", did_you_mean(key, TICKET_KEYS))
        if not isinstance(value, TICKET_KEYS[key]) or (isinstance(value, bool) and TICKET_KEYS[key] is not bool):
            raise BadArguments(f"the ticket's {key}={value!r} has the wrong type", "")
    for key in ("content", "style"):
        if not table.get(key) and "register" not in table:
            raise BadArguments(f"the ticket names no {key}", f"Give {key}.")
    if len(json.dumps(table.get("reaper", {}))) > MAX_REAPER_BYTES:
        raise BadArguments(f"the ticket's reaper part is longer than {MAX_REAPER_BYTES} bytes", "")
    return table


def _number(digits: str) -> int | float:
    """A whole number, or what comes nearest to one that no setting can be as large as."""
    return int(digits) if len(digits) <= MAX_DIGITS else float(digits)


def ask_from_ticket(table: Mapping[str, Any], origin: str) -> Ask:
    """An ask from a ticket that `read_ticket` let pass."""
    names = {f.name for f in dataclasses.fields(Ask)}
    fields = {key: value for key, value in table.items() if key in names}
    return Ask(
        **fields,
        parameters=table.get("params", {}),
        is_forced=table.get("force", False),
        has_preview=table.get("preview", True),
        origin=origin,
    )


def pending(folder: Path) -> list[Path]:
    """The tickets that wait, the oldest first. Names that begin with a dot are still being written."""
    try:
        found = [path for path in folder.iterdir() if path.suffix == ".json" and not path.name.startswith(".") and path.is_file()]
        return sorted(found, key=lambda path: (path.stat().st_mtime_ns, path.name))
    except OSError as error:
        log.warning("tickets in %s cannot be listed now: %s", folder, error)
        return []


def load(path: Path) -> dict[str, Any]:
    """Read one ticket: a request, or `{"schema": 1, "register": folder}`, which adds a project.

    Raises:
        BadArguments: it is no valid ticket.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_TICKET_BYTES + 1)
    except OSError as error:
        raise BadArguments(f"ticket {path.name!r} cannot be read: {error.strerror}", "") from None
    return read_ticket(data)


def registered(table: Mapping[str, Any]) -> Path | None:
    """The project that a ticket names, which must be an existing folder; None where it names none.

    Raises:
        NotFound, ForbiddenPath: it is no folder for a project.
    """
    text = table.get("register") or table.get("project") or ""
    return project_folder(text) if text else None


def answer_refused(path: Path, table: Mapping[str, Any], error: DawBridgeError) -> None:
    """Answer a ticket that cannot be accepted, where somebody waits for the answer."""
    reqid, project = table.get("reqid", ""), table.get("project", "")
    try:
        if is_file_name(reqid) and project:
            write_refusal(project_folder(project), reqid, error, table.get("reaper", {}))
    except (OSError, DawBridgeError) as reason:
        log.warning("ticket %s: no result ticket: %s", path.name, reason)


def set_aside(path: Path) -> None:
    """Put a ticket that was refused away from those that wait."""
    aside = path.parent / REFUSED
    try:
        aside.mkdir(exist_ok=True)
        os.replace(path, aside / path.name)
    except OSError as reason:
        log.warning("ticket %s could not be set aside: %s", path.name, reason)
        path.unlink(missing_ok=True)


def is_file_name(text: str) -> bool:
    """Whether a reqid can be the name of a result ticket."""
    return 0 < len(text) <= 128 and text.isprintable() and not FORBIDDEN_IN_NAMES & set(text) and not text.startswith(".")

"""Tickets: requests that scripts and commands of the same user leave as files in the state folder."""

from __future__ import annotations

import logging
import os
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import BadArguments, DawBridgeError
from ..results import write_refusal
from .intake import MAX_TICKET_BYTES, SCHEMA, project_folder, read_ticket

REFUSED = "refused"
FORBIDDEN_IN_NAMES = frozenset('/\\:*?"<>|')

log = logging.getLogger(__name__)


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


def refuse(path: Path, table: Mapping[str, Any], error: DawBridgeError) -> None:
    """Answer a ticket that cannot be accepted, where somebody waits for the answer, and set it aside."""
    reqid, project = table.get("reqid", ""), table.get("project", "")
    try:
        if is_file_name(reqid) and project:
            write_refusal(project_folder(project), reqid, error, table.get("reaper", {}))
    except (OSError, DawBridgeError) as reason:
        log.warning("ticket %s: no result ticket: %s", path.name, reason)
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


def write_ticket(folder: Path, text: str) -> Path:
    """Put a ticket there, whole or not at all; gives its path."""
    folder.mkdir(parents=True, exist_ok=True)
    name = uuid.uuid4().hex
    draft, path = folder / f".{name}.tmp", folder / f"{name}.json"
    draft.write_text(text, encoding="utf-8")
    os.replace(draft, path)
    return path


def registration(project: Path) -> str:
    """The ticket that adds a project to the running service."""
    import json

    return json.dumps({"schema": SCHEMA, "register": str(project)})

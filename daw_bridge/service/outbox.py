"""Leaving a ticket for the running service."""

from __future__ import annotations

import json
import os
import uuid
from pathlib import Path

SCHEMA = 1


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
    return json.dumps({"schema": SCHEMA, "register": str(project)})

"""Paths that come over the wire: they stay inside a project or a named root, whatever they say."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path, PurePosixPath, PureWindowsPath

from ..errors import ForbiddenPath, NotFound

MAX_PATH = 1024
WAY_OUT = "Give a path relative to the project, or @name/… of a root in the configuration; tickets may name any file."


def check_relative(text: str, role: str) -> None:
    """Refuse whatever is not a plain relative path on every system, not only on this one.

    Raises:
        ForbiddenPath: absolute, with a drive or a share, climbing with `..`, or with control characters.
    """
    shown = repr(text[:200])
    if not text.strip() or len(text) > MAX_PATH:
        raise ForbiddenPath(f"{role}={shown} must be a path of 1 to {MAX_PATH} characters", WAY_OUT)
    if any(ord(character) < 32 or 0x7F <= ord(character) < 0xA0 or 0xD800 <= ord(character) < 0xE000 for character in text):
        raise ForbiddenPath(f"{role}={shown} must have no control characters", WAY_OUT)
    for path in (PureWindowsPath(text), PurePosixPath(text)):
        if path.is_absolute() or path.drive or path.root:
            raise ForbiddenPath(f"{role}={shown} must not be an absolute path", WAY_OUT)
        if ".." in path.parts:
            raise ForbiddenPath(f"{role}={shown} must not climb with '..'", WAY_OUT)
    if os.name == "nt" and ":" in text:
        raise ForbiddenPath(f"{role}={shown} must not name a stream", WAY_OUT)


def confined(text: str, role: str, project: Path, roots: Mapping[str, Path]) -> Path:
    """The file that a path from the wire names, after every symlink on the way is resolved.

    Args:
        text: relative to the project, or `@name/…` for a named root.
        role: "content" or "style", for messages.
        project: the project's folder.
        roots: the named roots of the configuration.

    Raises:
        ForbiddenPath: it is no plain relative path, or it leaves its root.
        NotFound: it cannot be looked at, or there is no root of that name.
    """
    check_relative(text, role)
    root, inner = project, text
    if text.startswith("@"):
        name, _, inner = text[1:].replace("\\", "/").partition("/")
        if name not in roots:
            raise NotFound(f"{role}={text[:200]!r} names the root {name!r}, which does not exist", f"Known: {sorted(roots)}.")
        root = roots[name]
    try:
        root = root.resolve(strict=True)
        resolved = (root / inner).resolve()
    except (OSError, RuntimeError, ValueError):
        raise NotFound(f"{role} {text[:200]!r} cannot be looked at", "Check the name and the folder.") from None
    if not resolved.is_relative_to(root):
        raise ForbiddenPath(f"{role}={text[:200]!r} leads out of its folder", WAY_OUT)
    return resolved

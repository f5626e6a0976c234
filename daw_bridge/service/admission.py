"""The token that lets a message in from the network: made once, readable by its user alone, compared in constant time."""

from __future__ import annotations

import hmac
import os
from dataclasses import replace
from pathlib import Path

from ..errors import ForbiddenPath, Unauthorised
from .packets import Message
from .table import PREFIX

TOKEN_BYTES = 18  # 24 characters, short enough to be typed into a controller
MIN_CHARACTERS = 16
OPEN_ADDRESSES = (f"{PREFIX}/ping", f"{PREFIX}/version")
WAY_OUT = "Send the token of the service's state folder as the first argument, a text."


def make_token(path: Path) -> str:
    """The token in a file, which is made where it is missing and closed to all but its owner.

    Raises:
        ForbiddenPath: the file cannot be made, read or closed to others, or holds no token.
    """
    try:
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            path.chmod(0o600)
        else:
            from secrets import token_urlsafe

            with os.fdopen(handle, "w", encoding="ascii") as file:
                file.write(token_urlsafe(TOKEN_BYTES) + "\n")
        return read_token(path)
    except (OSError, ValueError) as error:
        raise ForbiddenPath(f"the token file {path} cannot be used: {error}", "Remove it, and a new one is made.") from None


def read_token(path: Path) -> str:
    """The token in a file.

    Raises:
        OSError: it cannot be read.
        ValueError: what it holds is no token.
    """
    token = path.read_text(encoding="utf-8").strip()
    if len(token) < MIN_CHARACTERS:
        raise ValueError(f"a token has at least {MIN_CHARACTERS} characters")
    return token


def admitted(message: Message, token: str) -> Message:
    """The message as its handler knows it, without the token that it must begin with.

    Raises:
        Unauthorised: the token is missing or wrong; it is not repeated in the message.
    """
    if message.address in OPEN_ADDRESSES:
        return message
    given = message.values[0] if message.values else None
    if not isinstance(given, str) or not hmac.compare_digest(given.encode("utf-8"), token.encode("utf-8")):
        raise Unauthorised("this service takes no message from the network without its token", WAY_OUT)
    return replace(message, tags=message.tags[1:], values=message.values[1:])

"""Waiting on a state with a deadline."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

ResultT = TypeVar("ResultT")


def wait_for(look: Callable[[], ResultT | None], seconds: float = 20.0, what: str = "the state") -> ResultT:
    """Look again and again until something true comes back; fail when the time is up."""
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come within {seconds:g} s; last seen: {found!r}")
        time.sleep(0.02)

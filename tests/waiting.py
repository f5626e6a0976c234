"""Waiting on a state with a deadline."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

PATIENCE_SECONDS = 60.0  # for what an idle machine does within a few; only what never comes takes so long

ResultT = TypeVar("ResultT")


def wait_for(look: Callable[[], ResultT | None], seconds: float = PATIENCE_SECONDS, what: str = "the state") -> ResultT:
    """Look again and again until something true comes back; fail when the time is up."""
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come within {seconds:g} s; last seen: {found!r}")
        time.sleep(0.02)

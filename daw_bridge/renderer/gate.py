"""The gate that a render passes at each step: shut, it waits there and takes no CPU until it opens."""

from __future__ import annotations

import threading
from collections.abc import Callable

LOOK_SECONDS = 0.1


class Gate:
    """Open at first; shut and opened from one thread, waited at from another."""

    def __init__(self) -> None:
        self._is_open = threading.Event()
        self._is_open.set()

    @property
    def is_open(self) -> bool:
        return self._is_open.is_set()

    def shut(self) -> None:
        """Let nobody pass."""
        self._is_open.clear()

    def open(self) -> None:
        """Let everybody pass."""
        self._is_open.set()

    def wait(self, is_given_up: Callable[[], bool]) -> None:
        """Pass, as soon as it is open or the wait is given up."""
        while not self._is_open.wait(LOOK_SECONDS):
            if is_given_up():
                return

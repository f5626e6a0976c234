"""A thread for what blocks, so that the event loop never waits for a disk."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Result = TypeVar("Result")


class OneThread:
    """Runs what it is given one after the other, in the order given.

    Args:
        name: for debuggers.
    """

    def __init__(self, name: str) -> None:
        self._pool = ThreadPoolExecutor(1, name)

    def __call__(self, function: Callable[..., Result], /, *values: object) -> Awaitable[Result]:
        """Start `function(*values)` in the thread; await what it gives or raises."""
        return asyncio.get_running_loop().run_in_executor(self._pool, function, *values)

    def close(self) -> None:
        """Wait for what was started, and end the thread."""
        self._pool.shutdown()

"""Threads for what blocks, so that the event loop never waits for a disk, and nobody for a share that hangs but who needs it."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable, Hashable
from concurrent.futures import Future
from typing import Any, TypeVar

from ..errors import NotFound

Result = TypeVar("Result")

REST_SECONDS = 2.0  # without work, before a thread ends
STUCK_SECONDS = 3.0  # at one piece of work: its folder hangs, as far as anybody can tell
CLOSE_SECONDS = 1.0

log = logging.getLogger(__name__)


class OneThread:
    """Runs what it is given one after the other, in the order given. The end of the process does not wait for it.

    Args:
        name: for debuggers.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._waiting: deque[tuple[Future[Any], Callable[..., Any], tuple[object, ...]]] = deque()
        self._condition = threading.Condition()
        self._thread: threading.Thread | None = None
        self._busy_since: float | None = None

    def begin(self, function: Callable[..., Result], /, *values: object) -> Future[Result]:
        """Start `function(*values)` in the thread; any thread may ask for that."""
        future: Future[Result] = Future()
        with self._condition:
            self._waiting.append((future, function, values))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()
            self._condition.notify()
        return future

    def __call__(self, function: Callable[..., Result], /, *values: object) -> Awaitable[Result]:
        """Start `function(*values)` in the thread; await what it gives or raises."""
        return asyncio.wrap_future(self.begin(function, *values))

    async def in_time(self, seconds: float, what: str, function: Callable[..., Result], /, *values: object) -> Result:
        """The same for somebody who is not to wait for a share that hangs.

        Args:
            seconds: at most so long.
            what: it is that does not answer, for the message.
            function, values: the work. It may still be done later on.

        Raises:
            NotFound: it took longer, or the thread is stuck already.
        """
        hanging = NotFound(f"{what} does not answer: its drive or share hangs", "Ask again when it is back.")
        if self.is_stuck:
            raise hanging
        try:
            async with asyncio.timeout(seconds):
                return await self(function, *values)
        except TimeoutError:
            raise hanging from None

    @property
    def is_stuck(self) -> bool:
        """Whether one piece of work has not come back for so long that it may never."""
        since = self._busy_since
        return since is not None and time.monotonic() - since > STUCK_SECONDS

    @property
    def is_at_rest(self) -> bool:
        """Whether it has nothing to do, and no thread."""
        return self._thread is None

    def _run(self) -> None:
        while True:
            with self._condition:
                if not self._condition.wait_for(lambda: bool(self._waiting), REST_SECONDS):
                    self._thread = None
                    return
                future, function, values = self._waiting.popleft()
                self._busy_since = time.monotonic()
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(function(*values))
                except BaseException as error:
                    future.set_exception(error)
            del future, function, values  # whatever they hold on to
            self._busy_since = None

    def close(self, seconds: float = CLOSE_SECONDS) -> None:
        """Wait for what was started, for so long at most."""
        try:
            self.begin(lambda: None).result(0.0 if self.is_stuck else seconds)
        except TimeoutError:
            log.warning("%s is left behind: it does not come back", self._name)


class ByPlace:
    """A thread for each place that files lie at: one that hangs holds up nobody else. For any thread.

    Args:
        name: for debuggers.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._threads: dict[Hashable, OneThread] = {}
        self._lock = threading.Lock()

    def of(self, place: Hashable) -> OneThread:
        """The thread of a place."""
        with self._lock:
            if place not in self._threads:
                self._threads = {known: thread for known, thread in self._threads.items() if not thread.is_at_rest}
                self._threads[place] = OneThread(self._name)
            return self._threads[place]

    def close(self) -> None:
        """Wait for what was started, for a little while in all."""
        deadline = time.monotonic() + CLOSE_SECONDS
        for thread in self._threads.values():
            thread.close(max(0.0, deadline - time.monotonic()))

"""The one thread that makes every torch call, so that models, plans and contexts stay where they were made."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Any, TypeVar

ResultT = TypeVar("ResultT")
TICK_SECONDS = 0.25


class Device:
    """A thread that takes work, one piece after the other, for as long as the process lives."""

    def __init__(self) -> None:
        self._waiting: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        threading.Thread(target=self._run, name="device", daemon=True).start()

    def _run(self) -> None:
        while True:
            self._waiting.get()()

    def call(self, work: Callable[[], ResultT], on_tick: Callable[[], None]) -> ResultT:
        """Have work done, and wait for it.

        Args:
            work: called on the device's thread.
            on_tick: called here, in the caller's thread, four times a second meanwhile.

        Returns:
            What `work` returned; what it raised is raised here.
        """
        outcome: dict[str, Any] = {}
        is_done = threading.Event()

        def run() -> None:
            try:
                outcome["value"] = work()
            except BaseException as error:
                outcome["error"] = error
            is_done.set()

        self._waiting.put(run)
        while not is_done.wait(TICK_SECONDS):
            on_tick()
        if "error" in outcome:
            raise outcome["error"]
        value: ResultT = outcome["value"]
        return value

    def start(self, work: Callable[[], None]) -> None:
        """Have work done that nobody waits for; it must not raise."""
        self._waiting.put(work)

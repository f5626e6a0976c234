"""The one thread that makes every torch call, so that models, plans and contexts stay where they were made."""

from __future__ import annotations

import queue
import threading
import traceback
from collections.abc import Callable
from typing import Generic, TypeVar

ResultT = TypeVar("ResultT")
TICK_SECONDS = 0.25


class Call(Generic[ResultT]):
    """Work that a device was given, and what came of it.

    Args:
        work: called on the device's thread.
    """

    def __init__(self, work: Callable[[], ResultT]) -> None:
        self._work = work
        self._values: list[ResultT] = []
        self._error: BaseException | None = None
        self._is_over = threading.Event()

    def run(self) -> None:
        """Do it; for the device."""
        try:
            self._values.append(self._work())
        except BaseException as error:
            traceback.clear_frames(error.__traceback__)  # or whoever keeps the error keeps the sound that was worked on
            self._error = error
        self._is_over.set()

    def is_over(self, within_seconds: float) -> bool:
        """Whether it is, waited for a while."""
        return self._is_over.wait(within_seconds)

    def result(self) -> ResultT:
        """What the work returned; what it raised is raised here. For when it is over."""
        if self._error is not None:
            raise self._error
        return self._values[0]


class _Lane:
    """A thread that takes work, one piece after the other, for as long as the process lives."""

    def __init__(self) -> None:
        self._waiting: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        threading.Thread(target=self._run, name="device", daemon=True).start()

    def _run(self) -> None:
        while True:
            self._waiting.get()()

    def put(self, work: Callable[[], None]) -> None:
        self._waiting.put(work)


class Device:
    """Takes work, and does one piece at a time. There is one thread, and one more for each piece that stands aside."""

    def __init__(self) -> None:
        self._lane = _Lane()
        self._spare: list[_Lane] = []
        self._lock = threading.Lock()

    def begin(self, work: Callable[[], ResultT]) -> Call[ResultT]:
        """Have work done after what it was given before."""
        call = Call(work)
        with self._lock:
            self._lane.put(call.run)
        return call

    def call(self, work: Callable[[], ResultT], on_tick: Callable[[], None] = lambda: None) -> ResultT:
        """Have work done, and wait for it.

        Args:
            work: called on the device's thread.
            on_tick: called here, in the caller's thread, four times a second meanwhile.

        Returns:
            What `work` returned; what it raised is raised here.
        """
        call = self.begin(work)
        while not call.is_over(TICK_SECONDS):
            on_tick()
        return call.result()

    def stand_aside(self, until: Callable[[], bool]) -> None:
        """Called by work in its own middle: other work is done by another thread while this one waits.

        Args:
            until: waits, and says whether this work goes on as the device's only one, rather than ends soon.
        """
        with self._lock:
            own, self._lane = self._lane, self._spare.pop() if self._spare else _Lane()
        goes_on = until()
        with self._lock:
            self._spare.append(self._lane if goes_on else own)
            if goes_on:
                self._lane = own

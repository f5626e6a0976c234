"""Sends porters to the user's folders: processes that a share may hang without holding up anything else."""

from __future__ import annotations

import logging
import pickle
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..disk import OnBlock
from ..errors import Away, Internal
from .device import TICK_SECONDS
from .order import ResultT

PORTER = (sys.executable, "-m", "daw_bridge.renderer.porter_process")
SILENT_SECONDS = 10.0  # without a sign of life: its share hangs, as far as anybody can tell
START_SECONDS = 60.0  # for the first one: until then it has been nowhere, and no share is to blame
PAUSE_SECONDS: Sequence[float] = (2.0, 8.0, 30.0, 120.0)  # before a place is tried again; the last one from then on

MAX_DEATHS = 3  # over one errand

log = logging.getLogger(__name__)


class Hanging(Away):
    """A place does not answer.

    Args:
        place: the folder.
        seconds: until it is worth while to try again.
    """

    def __init__(self, place: Path, seconds: float) -> None:
        super().__init__(f"{str(place)!r} does not answer: its drive or share hangs", "Ask again when it is back.")
        self.seconds = seconds


class _Porter:
    """One process, and a thread that hears it."""

    def __init__(self, command: Sequence[str]) -> None:
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._heard: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
        self._has_begun = False
        threading.Thread(target=self._listen, name="porter", daemon=True).start()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as said, suppress(EOFError, OSError, pickle.UnpicklingError):
            while True:
                self._heard.put(pickle.load(said))
        self._heard.put(("gone", None))
        self.send_home()
        self._process.wait()  # so that the system forgets it

    def do(self, errand: Callable[..., Any], values: tuple[Any, ...], on_block: OnBlock) -> tuple[str, Any]:
        """Have an errand done: how it ended, which may be "silent" or "gone", and with what."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(pickle.dumps((errand, values)))
            self._process.stdin.flush()
        except (OSError, ValueError):  # it has ended
            return "gone", None
        silent = 0.0  # of the time that was waited for it here: `on_block` may take hours, and a laptop may sleep
        while silent < (SILENT_SECONDS if self._has_begun else START_SECONDS):
            try:
                word, value = self._heard.get(timeout=TICK_SECONDS)
                silent, self._has_begun = 0.0, True
                if word != "beat":
                    return word, value
            except queue.Empty:
                silent += TICK_SECONDS
            on_block()
        return "silent", None

    def kill(self) -> None:
        """End it; not waited for, since the system may not let go of it."""
        self._process.kill()
        self.send_home()

    def send_home(self) -> None:
        """Let it end by itself."""
        if self._process.stdin is not None:
            with suppress(OSError):
                self._process.stdin.close()

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None


@dataclass(frozen=True)
class _Stuck:
    """A place that does not answer.

    Attributes:
        porter: who was left there.
        n_times: how often in a row.
        until: monotonic seconds; nobody goes there before.
    """

    porter: _Porter
    n_times: int
    until: float


class Porters:
    """Those of a renderer: as many as there are errands at a time, each kept for the next one.

    Args:
        command: how to start one.
    """

    def __init__(self, command: Sequence[str] = PORTER) -> None:
        self._command = command
        self._idle: list[_Porter] = []
        self._stuck: dict[Path, _Stuck] = {}
        self._lock = threading.Lock()

    def warm(self) -> None:
        """Start one ahead of the first errand."""
        with self._lock:
            if not self._idle:
                self._idle.append(_Porter(self._command))

    def carry(self, place: Path, errand: Callable[..., ResultT], *values: Any, on_block: OnBlock) -> ResultT:
        """Do an errand; see `order.Carry`.

        Raises:
            Hanging: the place does not answer, or did not just now and is not asked again yet.
            Internal: one porter after the other died.
        """
        self._check(place)
        for _ in range(MAX_DEATHS):
            porter = self._free()
            try:
                word, value = porter.do(errand, values, on_block)
            except BaseException:
                porter.kill()
                raise
            if word == "silent":
                porter.kill()
                raise self._left_at(place, porter)
            if word == "gone":
                log.warning("a porter died in %s", place)
                continue
            with self._lock:
                self._stuck.pop(place, None)
                self._idle.append(porter)
            if word == "failed":
                raise value
            done: ResultT = value
            return done
        raise Internal(f"the processes that work in {str(place)!r} died", "Ask again.")

    def close(self) -> None:
        """Let go of those that have nothing to do; the end of this process does so, too."""
        with self._lock:
            for porter in self._idle:
                porter.send_home()
            self._idle = []

    def _free(self) -> _Porter:
        with self._lock:
            while self._idle:
                porter = self._idle.pop()
                if porter.is_alive:
                    return porter
        return _Porter(self._command)

    def _check(self, place: Path) -> None:
        """Go nowhere that somebody is stuck at, or was a moment ago."""
        with self._lock:
            stuck, now = self._stuck.get(place), time.monotonic()
            if stuck is not None and now >= stuck.until and stuck.porter.is_alive:
                stuck = self._stuck[place] = _Stuck(stuck.porter, stuck.n_times + 1, now + _pause(stuck.n_times))
        if stuck is not None and now < stuck.until:
            raise Hanging(place, stuck.until - now)

    def _left_at(self, place: Path, porter: _Porter) -> Hanging:
        with self._lock:
            n_times = self._stuck[place].n_times if place in self._stuck else 0
            self._stuck[place] = _Stuck(porter, n_times + 1, time.monotonic() + _pause(n_times))
        log.warning("%s does not answer; a porter is left there and asked after in %g s", place, _pause(n_times))
        return Hanging(place, _pause(n_times))


def _pause(n_times: int) -> float:
    return PAUSE_SECONDS[min(n_times, len(PAUSE_SECONDS) - 1)]

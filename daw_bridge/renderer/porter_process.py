"""Where errands in the user's folders are done, `python -m daw_bridge.renderer.porter_process`: a share may hang it, or the
renderer kill it, in any call; nothing else is in it."""

from __future__ import annotations

import os
import pickle
import queue
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from importlib import import_module
from typing import Any, BinaryIO, NoReturn

from ..errors import DawBridgeError, Internal

BEAT_SECONDS = 0.1
MODULES = (".errands", "..publish", "..audio_files")  # there when the first errand comes


def main() -> NoReturn:
    """Do the errands that come in at standard input; standard output takes signs of life and what came of each."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the service's: it ends its renderer, and that its porters
    said = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what anybody prints goes into the renderer's log
    asked: queue.SimpleQueue[tuple[Callable[..., Any], tuple[Any, ...]]] = queue.SimpleQueue()
    for name in MODULES:
        import_module(name, __package__)
    threading.Thread(target=_listen, args=(sys.stdin.buffer, asked), daemon=True).start()
    beats = _Beats(said)
    beats.beat()  # it has started
    while True:
        errand, values = asked.get()
        beats.say(_done(errand, values, beats))


def _listen(renderer: BinaryIO, asked: queue.SimpleQueue[tuple[Callable[..., Any], tuple[Any, ...]]]) -> NoReturn:
    """Be gone when the renderer is, in the middle of whatever is done: another renderer does it anew."""
    while True:
        try:
            asked.put(pickle.load(renderer))
        except (EOFError, OSError, pickle.UnpicklingError):
            os._exit(0)


def _done(errand: Callable[..., Any], values: tuple[Any, ...], beats: _Beats) -> tuple[str, Any]:
    try:
        return "done", errand(*values, on_block=beats.beat)
    except DawBridgeError as error:
        return "failed", error
    except Exception:
        traceback.print_exc()
        return "failed", Internal("work on a project's folder met a defect of ours", "The renderer's log says more.")


class _Beats:
    """The way back to the renderer."""

    def __init__(self, said: BinaryIO) -> None:
        self._said, self._last = said, 0.0

    def say(self, word: tuple[str, Any]) -> None:
        try:
            self._said.write(pickle.dumps(word))
            self._said.flush()
        except BrokenPipeError:  # the renderer is gone; without a word, for the last one in its log says why it went
            os._exit(0)

    def beat(self) -> None:
        """A sign of life, some of them a second."""
        now = time.monotonic()
        if now - self._last >= BEAT_SECONDS:
            self._last = now
            self.say(("beat", None))


if __name__ == "__main__":
    main()

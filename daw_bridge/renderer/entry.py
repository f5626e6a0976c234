"""Start of the renderer's process: its arguments, its lock, its ears for the service, and the worker."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from filelock import FileLock, Timeout

from ..folders import StateFolders
from ..names import portable
from .gate import Gate
from .manners import step_back
from .order import Stages
from .worker import Worker, leave

LEAVING_SECONDS = 30.0  # for the former one: it ends at once when its service does


def _obey(gate: Gate, worker_ready: threading.Event, workers: list[Worker]) -> NoReturn:
    """Read the service's words; their end means that it died."""
    while word := sys.stdin.buffer.readline():
        if word == b"pause\n":
            gate.shut()
        elif word == b"resume\n":
            gate.open()
        if worker_ready.is_set():
            workers[0].nudge()
    leave()


def main(stages: Stages) -> NoReturn:
    """Run as the supervisor's child: `--state DIR --device cpu --run NAME [--cold]`."""
    parser = argparse.ArgumentParser(prog="daw_bridge.renderer")
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--run", default="by-hand")
    parser.add_argument("--cold", action="store_true", help="load the model with the first job")
    asked = parser.parse_args()
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO)
    step_back(os.environ)
    gate, ready, workers = Gate(), threading.Event(), list[Worker]()
    threading.Thread(target=_obey, args=(gate, ready, workers), name="service", daemon=True).start()
    signal.signal(signal.SIGTERM, lambda *_: leave())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    state = StateFolders(asked.state)
    lock = FileLock(state.root / f"renderer-{portable(asked.device)}.lock")  # never two processes under one executor's name
    with suppress(Timeout):  # but for one that was killed and that the system does not let go of: it does nothing any more
        lock.acquire(timeout=LEAVING_SECONDS)
    workers.append(Worker(state, asked.device, asked.run, stages, gate))
    ready.set()
    if not asked.cold:
        workers[0].warm()
    workers[0].serve()

"""A renderer's day: awake while there is work, asleep until nudged, and gone when it has rested for long."""

from __future__ import annotations

import logging
import os
import shutil
import socket
import sys
import threading
import time
import traceback
from typing import NoReturn

from dbos import DBOS, DBOSConfig

from ..folders import StateFolders
from ..job import ACTIVE, UNABLE, UNLOADED
from ..job_database import APPLICATION, QUEUE, database_url, leave_the_disk_to_others
from ..jobs import JobStore
from .device import Device
from .gate import Gate
from .hand import Hand
from .manners import give_back
from .order import Stages
from .porter import Porters

STEP_SEQUENCE = "jobs-v1"  # raised only when the workflow's steps change; a hash of the source would strand running jobs
AWAKE_SECONDS = 60.0  # the queue is polled this long after the last request
LOOK_SECONDS = 5.0  # and then looked at this often, unless nudged
UNLOAD_SECONDS = 15 * 60.0

log = logging.getLogger(__name__)


class Worker:
    """One device's share of the queue.

    Args:
        state: the service's state folder.
        device: "cpu", "cuda" or "mps".
        run: this process's own name, by which the supervisor knows what it had in hand when it died.
        stages: the work itself.
        gate: shut while rendering is to rest.
    """

    def __init__(self, state: StateFolders, device: str, run: str, stages: Stages, gate: Gate) -> None:
        self._state = state
        self._name = device
        self._stages = stages
        self._gate = gate
        leave_the_disk_to_others()
        self._store = JobStore(state.job_database)
        self._device = Device()
        self._is_warm = False
        self._executor = f"{_host(state)}-{device}"  # the engine's name for this renderer, the same after a restart
        self._porters = Porters()
        self._hand = Hand(state, self._executor, device, run, self._store, self._device, gate, stages, self._porters.carry)
        self._nudged = threading.Event()

    def nudge(self) -> None:
        """Look at the queue now."""
        self._nudged.set()

    def warm(self) -> None:
        """Load the model while nothing waits for it; what fails here is told by the first job."""
        self._is_warm = True
        self._porters.warm()

        def warm() -> None:
            self._load()
            try:
                if self._gate.is_open:
                    self._stages.warm(self._name)
            except Exception:
                log.warning("the model could not be loaded ahead of the first job\n%s", traceback.format_exc())

        self._device.begin(warm)

    def _load(self) -> None:
        """Import what every job needs, before one is taken: without it the jobs wait rather than fail."""
        try:
            self._stages.load()
        except Exception as error:
            log.error("nothing can be rendered\n%s", traceback.format_exc())
            log.error("%s: %s", type(error).__name__, " ".join(str(error).split()))  # the supervisor reads the last line
            leave(UNABLE)

    def serve(self) -> NoReturn:
        """Take jobs until the process ends."""
        self._hand.register()
        self._sweep()
        last_work = time.monotonic()
        while True:
            if self._gate.is_open and self._has_work():
                self._device.call(self._load)
                self._is_warm = True
                self._stay_awake()
                last_work = time.monotonic()
            elif self._is_warm and time.monotonic() - last_work > UNLOAD_SECONDS:
                leave(UNLOADED)
            self._nudged.wait(LOOK_SECONDS)
            self._nudged.clear()

    def _has_work(self) -> bool:
        return self._store.has_work() or self._hand.has_due()

    def _sweep(self) -> None:
        """Throw away the work folders of jobs that ended while nobody cleaned up."""
        if self._state.work.is_dir():
            active = {job.id for job in self._store.jobs(ACTIVE, limit=10_000)}
            for folder in self._state.work.iterdir():
                if folder.name not in active:
                    shutil.rmtree(folder, ignore_errors=True)

    def _stay_awake(self) -> None:
        """Let the engine poll until nothing came for a while; asleep, it takes no CPU at all."""
        DBOS(
            config=DBOSConfig(
                name=APPLICATION,
                system_database_url=database_url(self._state.job_database),
                application_version=STEP_SEQUENCE,
                executor_id=self._executor,
                log_level="ERROR",
            )
        )
        DBOS.listen_queues([QUEUE])
        DBOS.launch()
        quiet_since, is_light = time.monotonic(), False
        while time.monotonic() - quiet_since < AWAKE_SECONDS:
            if self._nudged.wait(1.0) or self._has_work():
                quiet_since, is_light = time.monotonic(), False
            elif not is_light:
                give_back()
                is_light = True
            self._nudged.clear()
            self._hand.drop_stale()
            self._hand.put_strays_back()
            self._hand.take_up_due()
        DBOS.destroy(workflow_completion_timeout_sec=24 * 3600)  # a job that slipped in is finished first
        log.info("asleep until nudged")


def _host(state: StateFolders) -> str:
    """This machine's name as it was at the first start: a laptop is renamed by the network that it joins."""
    kept = state.root / "host"
    if not kept.exists():
        kept.write_text(socket.gethostname(), encoding="utf-8")
    return kept.read_text(encoding="utf-8").strip() or "local"


def leave(code: int = 0) -> NoReturn:
    """End at once. Nothing is lost: whatever was in hand is taken up at the next start, as after a kill -9."""
    sys.stderr.flush()
    os._exit(code)

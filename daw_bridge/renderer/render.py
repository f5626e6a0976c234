"""One job's render on its way, with less memory after too little of it; it can stand aside for a more urgent job."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from pathlib import Path

from ..disk import has_room
from ..errors import DiskFull, OutOfMemory
from ..job import Job
from ..jobs import JobStore
from . import publication
from .attempts import is_out_of_memory
from .device import TICK_SECONDS, Device
from .gate import Gate
from .order import Order, Stages
from .watch import Watch

DROP_SECONDS = 5.0

log = logging.getLogger(__name__)


class Render:
    """Begins at once on the device.

    Args:
        store, device, gate, stages: the renderer's.
        job: as it was taken.
        orders: what is left to try, of `attempts`.
    """

    def __init__(self, store: JobStore, device: Device, gate: Gate, stages: Stages, job: Job, orders: Sequence[Order]) -> None:
        self._stages, self._job, self._orders = stages, job, orders
        self._watch = Watch(store, device, gate, job)
        self._call = device.begin(self._work)

    def _work(self) -> None:
        for order in self._orders:
            try:
                return self._with_room(order)
            except Exception as error:
                if not is_out_of_memory(error):
                    raise
                log.warning("job %s found too little memory at scale %g: %s", order.job_id, order.memory_scale, error)
                self._watch.on_progress("memory", 0.0)
        name = Path(self._job.request.content.path).name
        raise OutOfMemory(
            f"rendering {name!r} needs more memory than is free", "Close other programs, or ask for a shorter part."
        )

    def _with_room(self, order: Order) -> None:
        """Have an order done, and done again as soon as there is room, where the disk was full in its middle."""
        while True:
            try:
                return self._stages.render(order, self._watch.on_progress, self._watch.on_preview)
            except DiskFull as error:
                log.warning("job %s waits: %s", order.job_id, error)
                reason = str(error)
            since = time.monotonic()
            while time.monotonic() - since < publication.ROOM_SECONDS or not has_room(order.folder, order.folder):
                self._watch.on_progress(publication.ROOM_PHASE, 0.0, reason)
                time.sleep(TICK_SECONDS)

    def is_done(self) -> bool:
        """Wait until it is, or until it stands aside; what it raised is raised here."""
        while not self._call.is_over(TICK_SECONDS):
            if self._watch.is_aside:
                return False
            self._watch.tick()
        self._call.result()
        return True

    def go_on(self) -> None:
        """Go on where it was when it stood aside."""
        self._watch.go_on()

    def drop(self) -> None:
        """Give it up while it stands aside."""
        self._watch.drop()
        if not self._call.is_over(DROP_SECONDS):
            log.warning("job %s does not let go of its memory", self._job.id)

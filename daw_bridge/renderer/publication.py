"""The end of a job: publish what was rendered, as soon as the disk has room for it."""

from __future__ import annotations

import logging
import time
from dataclasses import asdict
from pathlib import Path

from ..errors import Cancelled, DiskFull
from ..folders import ProjectFolders
from ..job import Published
from ..jobs import PUBLISH_PHASE, JobStore
from .device import TICK_SECONDS
from .errands import has_room
from .order import Order, Stages

ROOM_SECONDS = 5.0  # between two tries to publish on a disk that was full
ROOM_PHASE = "room"

log = logging.getLogger(__name__)


def publish(store: JobStore, stages: Stages, order: Order) -> Published:
    """Publish a job's remix and note it; on a full disk, hold the queue up until there is room: what was rendered is kept.

    Raises:
        Cancelled: the job was given up meanwhile.
        DawBridgeError: as `Stages.publish`.
    """
    while True:
        store.note(order.job_id, phase=PUBLISH_PHASE, waits="")
        _check_living(store, order)
        try:
            published = stages.publish(order)
        except DiskFull as error:
            _wait_for_room(store, order, error)
            continue
        store.note(order.job_id, published=asdict(published))
        return published


def _check_living(store: JobStore, order: Order) -> None:
    if store.get(order.job_id).state == "cancelled":
        raise Cancelled(f"job {order.job_id} was cancelled")


def _wait_for_room(store: JobStore, order: Order, error: DiskFull) -> None:
    log.warning("job %s waits: %s", order.job_id, error)
    store.note(order.job_id, phase=ROOM_PHASE, waits=str(error))
    project = Path(order.request.project)
    remixes = ProjectFolders(project).remixes

    def look() -> None:
        _check_living(store, order)

    since = time.monotonic()
    while time.monotonic() - since < ROOM_SECONDS or not order.carry(project, has_room, remixes, order.folder, on_block=look):
        time.sleep(TICK_SECONDS)
        look()

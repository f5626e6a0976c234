"""Progress out of a render and cancel into it, between the device's thread and the store."""

from __future__ import annotations

import logging

from ..errors import Cancelled
from ..job import ACTIVE
from ..jobs import JobStore
from .gate import Gate

LEAST_PROGRESS = 0.005  # what is less is not worth a write

log = logging.getLogger(__name__)


class Watch:
    """Stands between one job's render and its row, and holds the render up while the gate is shut."""

    def __init__(self, store: JobStore, job_id: str, gate: Gate) -> None:
        self._store = store
        self._job_id = job_id
        self._gate = gate
        self._latest = ("load", 0.0)
        self._noted = ("", -1.0)
        self._is_stopped = False

    def on_progress(self, phase: str, fraction: float) -> None:
        """Called on the device's thread.

        Raises:
            Cancelled: the job was given up meanwhile.
        """
        self._gate.wait(lambda: self._is_stopped)
        if self._is_stopped:
            raise Cancelled(f"job {self._job_id} was cancelled")
        self._latest = (phase, max(self._latest[1], fraction))

    def tick(self) -> None:
        """Called in the job's own thread, four times a second."""
        phase, fraction = self._latest
        try:
            if self._store.get(self._job_id).state not in ACTIVE:
                self._is_stopped = True
            elif phase != self._noted[0] or fraction - self._noted[1] >= LEAST_PROGRESS:
                self._store.note(self._job_id, phase=phase, fraction=round(fraction, 4))
                self._noted = (phase, fraction)
        except Exception as error:  # a busy disk must not end a render; the next tick asks again
            log.warning("job %s: no progress written: %s", self._job_id, error)

"""Progress out of a render, cancel and more urgent jobs into it, between the device's thread and the store."""

from __future__ import annotations

import logging
import threading
from pathlib import Path
from typing import Any

from ..errors import Cancelled
from ..job import ACTIVE, Job
from ..jobs import JobStore
from .device import Device
from .gate import Gate

LEAST_PROGRESS = 0.005  # what is less is not worth a write
URGENT_LOOKS = 2  # before a render stands aside: a renderer that is free takes the urgent job before the second

log = logging.getLogger(__name__)


class Watch:
    """Stands between one job's render and its row, and holds the render up while the gate is shut or others are urgent.

    Args:
        store, device, gate: the renderer's.
        job: as it was taken.
    """

    def __init__(self, store: JobStore, device: Device, gate: Gate, job: Job) -> None:
        self._store, self._device, self._gate = store, device, gate
        self._job_id, self._priority = job.id, job.request.priority
        self._latest = ("load", 0.0, "")
        self._noted: dict[str, Any] = {
            "phase": "",
            "fraction": -1.0,
            "preview": job.preview,
            "waits": job.waits,
            "away": job.away,
            "n_away": job.n_away,
        }
        self._preview = job.preview
        self._is_stopped = False
        self._n_urgent_looks = 0
        self._is_aside, self._may_go_on = threading.Event(), threading.Event()

    def on_progress(self, phase: str, fraction: float, waits: str = "") -> None:
        """Called on the device's thread.

        Args:
            phase, fraction: how far the job is.
            waits: what holds it up; empty where nothing does.

        Raises:
            Cancelled: the job was given up meanwhile.
        """
        self._gate.wait(lambda: self._is_stopped)
        if self._n_urgent_looks >= URGENT_LOOKS and not self._is_stopped:
            self._device.stand_aside(self._wait_aside)
            self._gate.wait(lambda: self._is_stopped)
        if self._is_stopped:
            raise Cancelled(f"job {self._job_id} was cancelled")
        self._latest = (phase, max(self._latest[1], fraction), waits)

    def on_preview(self, path: Path) -> None:
        """Called on the device's thread when the first sound is there."""
        self._preview = str(path)

    def _wait_aside(self) -> bool:
        self._may_go_on.clear()
        self._is_aside.set()
        self._may_go_on.wait()
        return not self._is_stopped

    @property
    def is_aside(self) -> bool:
        """Whether the render waits for more urgent ones."""
        return self._is_aside.is_set()

    def go_on(self) -> None:
        """Let a render that stands aside go on where it was."""
        self._n_urgent_looks = 0
        self._is_aside.clear()
        self._may_go_on.set()

    def drop(self) -> None:
        """End a render that stands aside."""
        self._is_stopped = True
        self.go_on()

    def tick(self) -> None:
        """Called in the job's own thread, four times a second."""
        try:
            if self._store.get(self._job_id).state not in ACTIVE:
                self._is_stopped = True
                return
            self._n_urgent_looks = self._n_urgent_looks + 1 if self._store.has_more_urgent(self._priority) else 0
            self._note()
        except Exception as error:  # a busy disk must not end a render; the next tick asks again
            log.warning("job %s: no progress written: %s", self._job_id, error)

    def _note(self) -> None:
        phase, fraction, waits = self._latest
        away = self._noted["away"], self._noted["n_away"]
        away = away if phase == "load" else ("", 0)  # after that, its drive or share has answered
        now = {"phase": phase, "fraction": round(fraction, 4), "preview": self._preview, "waits": waits}
        now |= {"away": away[0], "n_away": away[1]}
        is_further = fraction - self._noted["fraction"] >= LEAST_PROGRESS
        if is_further or any(now[name] != self._noted[name] for name in ("phase", "preview", "waits", "away")):
            self._store.note(self._job_id, **now)
            self._noted = now

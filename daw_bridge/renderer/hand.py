"""The jobs that a renderer has in hand: each is rendered and published, or stands aside, and the store is told."""

from __future__ import annotations

import logging
import shutil
import sqlite3
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, TypeVar

from dbos import DBOS, PortableWorkflowError, WorkflowSerializationFormat
from sqlalchemy.exc import OperationalError

from ..disk import nothing
from ..errors import Away, DawBridgeError, Internal, UnknownJob
from ..folders import StateFolders
from ..job import Job, Published
from ..jobs import WORKFLOW, JobStore
from ..names import portable
from ..results import result_table
from . import errands, porter, publication
from .attempts import attempts
from .device import Device
from .gate import Gate
from .order import Carry, Order, Stages
from .porter import Hanging
from .render import Render

STRAY_SECONDS = 10.0  # a job that the books say is in hand, and is not, waits this long: it may just begin or end
STORE_ERRORS = (OperationalError, sqlite3.OperationalError)  # the store's disk is full, as a rule: that passes

ResultT = TypeVar("ResultT")
log = logging.getLogger(__name__)


class _PutBack(BaseException):
    """Ends the engine's run of a job that is in its queue again, or soon is; no Exception, so that no outcome is written down."""


class Hand:
    """What is in a renderer's hand.

    Args:
        state: the service's state folder.
        executor: the engine's name for the renderer.
        name: of its device.
        run: the process's own name, by which the supervisor knows what it had in hand when it died.
        store: the jobs.
        device, gate, stages: the renderer's.
        carry: goes to the user's folders.
    """

    def __init__(
        self,
        state: StateFolders,
        executor: str,
        name: str,
        run: str,
        store: JobStore,
        device: Device,
        gate: Gate,
        stages: Stages,
        carry: Carry,
    ) -> None:
        self._carry = carry
        self._state, self._executor, self._name, self._run = state, executor, name, run
        self._store, self._device, self._gate, self._stages = store, device, gate, stages
        self._aside: dict[str, Render] = {}  # by the id of a job that waits in the queue again
        self._living: set[str] = set()  # ids of the jobs that are in hand
        self._stray_since: dict[str, float] = {}
        self._due: dict[str, float] = {}  # monotonic seconds by the id of a job that was put off

    def register(self) -> None:
        """Tell the engine of the two steps. A recorded step is not run again after a kill."""

        @DBOS.step(name="render")
        def render(job_id: str) -> None:
            self._told(job_id, lambda: self._render(job_id))

        @DBOS.step(name="publish")
        def publish(job_id: str) -> dict[str, Any]:
            return asdict(self._told(job_id, lambda: self._publish(job_id)))

        # The engine counts every dispatch, reboots too, so its own limit is out of reach; the supervisor counts deaths.
        @DBOS.workflow(name=WORKFLOW, max_recovery_attempts=1_000_000, serialization_type=WorkflowSerializationFormat.PORTABLE)
        def run(table: dict[str, Any]) -> dict[str, Any]:
            job_id = str(DBOS.workflow_id)
            with self._in_hand(job_id):
                try:
                    render(job_id)
                    published = publish(job_id)
                    self._tell(job_id, state="done", published=Published(**published))
                    return published
                except PortableWorkflowError as error:
                    told = {"code": str(error.code), "message": error.message, "hint": _hint(error)}
                    self._tell(job_id, state="failed", error=told)
                    raise

    @contextmanager
    def _in_hand(self, job_id: str) -> Iterator[None]:
        """Clean up after a job that is over; one that the store failed is not, and no outcome of it is written down."""
        is_over = True
        self._living.add(job_id)
        self._due.pop(job_id, None)
        try:
            yield
        except _PutBack:
            is_over = False
            raise
        except STORE_ERRORS as error:
            is_over = False
            log.error("job %s waits for the job store: %s", job_id, error)
            raise _PutBack from error
        finally:
            if is_over:
                shutil.rmtree(self._state.work / job_id, ignore_errors=True)
                with suppress(*STORE_ERRORS):
                    self._store.note(job_id, run="")
            self._living.discard(job_id)

    def _render(self, job_id: str) -> None:
        """Render a job, or put it back into the queue for a more urgent one; what was done of it is kept in memory."""
        render = self._aside.pop(job_id, None)
        if render is not None:
            self._store.note(job_id, run=self._run)
            render.go_on()
        else:
            self._store.note(job_id, run=self._run, phase="load", fraction=0.0)
            render = self._begin(self._store.get(job_id))
        while not render.is_done():
            self._aside[job_id] = render
            self._store.note(job_id, run="")
            if self._store.put_back(job_id, self._executor):
                log.info("job %s stands aside", job_id)
                raise _PutBack
            self._aside.pop(job_id, None)  # it was cancelled just now, and hears of it at once
            render.go_on()

    def _begin(self, job: Job) -> Render:
        folder = self._state.work / job.id
        self._state.work.mkdir(mode=0o700, parents=True, exist_ok=True)  # private: recordings lie in it
        folder.mkdir(exist_ok=True)
        order = Order(job.id, job.request, folder, self._name, styles=self._state.styles, carry=self._carry)
        orders = attempts(order, job.crashes)
        return Render(self._store, self._device, self._gate, self._stages, job, orders)

    def _publish(self, job_id: str) -> Published:
        order = Order(job_id, self._store.get(job_id).request, self._state.work / job_id, self._name, carry=self._carry)
        return publication.publish(self._store, self._stages, order)

    def drop_stale(self) -> None:
        """Let go of what stands aside or was put off for nothing: its job was cancelled, or another renderer took it."""
        for job_id in [*self._aside, *self._due]:
            try:
                job = self._store.get(job_id)
                is_over = job.is_final
            except UnknownJob:
                is_over = True
            if not is_over and job.run in ("", self._run):
                continue
            self._due.pop(job_id, None)
            if render := self._aside.pop(job_id, None):
                render.drop()
            if is_over and job_id not in self._living:
                shutil.rmtree(self._state.work / job_id, ignore_errors=True)

    def put_strays_back(self) -> None:
        """Put jobs back into the queue that this renderer has by the engine's books, and not in hand: what was to be written
        of them last found no room on the store's disk."""
        try:
            strays = self._store.taken_by(self._executor) - self._living
            now = time.monotonic()
            self._stray_since = {job_id: self._stray_since.get(job_id, now) for job_id in strays}
            for job_id, since in self._stray_since.items():
                if now - since >= STRAY_SECONDS and self._store.put_back(job_id, self._executor):
                    log.warning("job %s is taken up again", job_id)
        except STORE_ERRORS as error:
            log.warning("the job store cannot be written: %s", error)

    def has_due(self) -> bool:
        """Whether the pause of a job that was put off is over."""
        return any(time.monotonic() >= due for due in list(self._due.values()))

    def take_up_due(self) -> None:
        """Put jobs whose pause is over into the queue again."""
        for job_id, due in list(self._due.items()):
            if time.monotonic() >= due:
                with suppress(*STORE_ERRORS):
                    self._store.take_up(job_id)
                    self._due.pop(job_id, None)

    def _put_off(self, job_id: str, error: Away) -> None:
        """End the run of a job whose drive or share does not answer, to be tried again after a pause.

        Returns where it is not: a drive that has gone was waited for long enough, or the job was cancelled.
        """
        n_away = self._store.get(job_id).n_away
        if isinstance(error, Hanging):
            seconds = error.seconds
        elif n_away < len(porter.PAUSE_SECONDS):
            n_away, seconds = n_away + 1, porter.PAUSE_SECONDS[n_away]
        else:
            return
        log.warning("job %s is put off for %g s: %s", job_id, seconds, error.message)
        why = f"{error.message}. It is tried again by itself, and other jobs go on"
        self._store.note(job_id, run="", waits="", away=why, n_away=n_away)
        if self._store.put_off(job_id, self._executor, seconds):
            self._due[job_id] = time.monotonic() + seconds
            raise _PutBack

    def _told(self, job_id: str, work: Callable[[], ResultT]) -> ResultT:
        """Have work done, and make of what it raises an error that keeps its code and hint on the way to the store."""
        try:
            try:
                return work()
            except Away as error:
                self._put_off(job_id, error)
                raise
        except DawBridgeError as error:
            failure = error
        except STORE_ERRORS as error:
            log.error("job %s waits for the job store: %s", job_id, error)
            raise _PutBack from error
        except Exception:
            log.error("job %s failed\n%s", job_id, traceback.format_exc())
            where = f"renderer-{portable(self._name)}.log in {self._state.root}"
            failure = Internal("the renderer met a defect of ours", f"Its log {where} says more.")
        raise PortableWorkflowError(failure.message, type(failure).__name__, failure.code, {"hint": failure.hint})

    def _tell(self, job_id: str, **outcome: Any) -> None:
        """Write the result ticket of a job that ends, if anybody waits for it."""
        job = replace(self._store.get(job_id), **outcome)
        if not job.request.reqid or self._store.get(job_id).state == "cancelled":
            return  # whoever cancelled it has told
        project = Path(job.request.project)
        try:
            self._carry(project, errands.tell, project, job.request.reqid, result_table(job), on_block=nothing)
        except Away as error:
            self._put_off(job_id, error)
            log.warning("job %s: no result ticket: %s", job_id, error)
        except DawBridgeError as error:
            log.warning("job %s: no result ticket: %s", job_id, error)


def _hint(error: PortableWorkflowError) -> str:
    return str(error.data.get("hint", "")) if isinstance(error.data, dict) else ""

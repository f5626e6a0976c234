"""Jobs on their way into the engine's queue, and put off there."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from .job_database import QUEUE
from .job_rows import WORKFLOW
from .request import PRIORITIES, RenderRequest

if TYPE_CHECKING:
    from dbos import DBOSClient
    from sqlalchemy import Connection


def enqueue(client: DBOSClient, connection: Connection, requests: Mapping[str, RenderRequest]) -> None:
    """Put requests into the queue, each under the id of its job and in their order, as part of a transaction.

    Raises:
        DBOSWorkflowIDInUseError: somebody else took one of the ids a moment ago.
    """
    from dbos import EnqueueOptions, WorkflowSerializationFormat

    for job_id, request in requests.items():
        options = EnqueueOptions(
            workflow_name=WORKFLOW,
            queue_name=QUEUE,
            workflow_id=job_id,
            workflow_id_reuse_policy="reject",
            priority=PRIORITIES[request.priority],
            attributes={"fraction": 0.0, "phase": "", "crashes": 0},
            serialization_type=WorkflowSerializationFormat.PORTABLE,
        )
        client.enqueue_in_transaction(connection, options, request.to_table())
    _keep_order(connection, list(requests))


def _keep_order(connection: Connection, job_ids: list[str]) -> None:
    """Date each job after all that wait, so that nobody overtakes: the engine counts whole seconds, and clocks are set back."""
    query = "SELECT MAX(created_at) FROM workflow_status WHERE queue_name = ? AND status IN ('ENQUEUED', 'PENDING')"
    marks = ", ".join("?" for _ in job_ids)
    newest = connection.exec_driver_sql(f"{query} AND workflow_uuid NOT IN ({marks})", (QUEUE, *job_ids)).scalar() or 0
    first = max(int(time.time() * 1000), newest + 1)
    dated = [(first + number, job_id) for number, job_id in enumerate(job_ids)]
    connection.exec_driver_sql("UPDATE workflow_status SET created_at = ? WHERE workflow_uuid = ?", dated)


def put_off(connection: Connection, job_id: str, executor: str, seconds: float) -> bool:
    """Take a job out of an executor's hand, to be given out again after a pause; False where it has it no more."""
    done = connection.exec_driver_sql(
        "UPDATE workflow_status SET status = 'DELAYED', delay_until_epoch_ms = ?, owner_xid = NULL, started_at_epoch_ms = NULL, "
        "queue_name = COALESCE(queue_name, ?) WHERE workflow_uuid = ? AND status = 'PENDING' AND executor_id = ?",
        (int((time.time() + seconds) * 1000), QUEUE, job_id, executor),
    )
    return done.rowcount > 0


def take_up(connection: Connection, job_id: str) -> None:
    """End a pause. The engine does so by the wall clock, which may be set back; whoever made the pause knows better."""
    query = "UPDATE workflow_status SET status = 'ENQUEUED' WHERE workflow_uuid = ? AND status = 'DELAYED'"
    connection.exec_driver_sql(query, (job_id,))

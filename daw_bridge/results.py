"""Result tickets: one small JSON file for every request that carried a name of its own."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .disk import make_folder, write_error, writing
from .errors import DawBridgeError
from .folders import ProjectFolders
from .job import Job

SCHEMA = 1


def result_table(job: Job) -> dict[str, Any]:
    """What the ticket says: where the remix is or why there is none, and the asker's own words echoed."""
    published = job.published
    return {
        "schema": SCHEMA,
        "job": job.id,
        "reqid": job.request.reqid,
        "state": job.state,
        "file": published.file if published else None,
        "preview": job.preview or None,
        "recipe": published.recipe if published else None,
        "length_seconds": published.seconds if published else None,
        "sample_rate": published.sample_rate if published else None,
        "error": dict(job.error) if job.error else None,
        "reaper": dict(job.request.reaper),
    }


def write_result(job: Job) -> Path | None:
    """Write the ticket of a job in its final state, whole or not at all; writing it again says the same.

    Args:
        job: a job that is done, failed or cancelled.

    Returns:
        The ticket, or None where nobody waits for one: the request carried no reqid, or the job goes on.

    Raises:
        DiskFull, ForbiddenPath: the project's folder cannot be written to.
    """
    if not job.request.reqid or not job.is_final:
        return None
    return write_table(Path(job.request.project), job.request.reqid, result_table(job))


def write_refusal(project: Path, reqid: str, error: DawBridgeError, reaper: Mapping[str, Any]) -> Path:
    """Answer a request that never became a job; its state is "failed".

    Args:
        project: an existing folder.
        reqid: the asker's name for the request, fit to be a file's name.
        error: why.
        reaper: echoed.

    Raises:
        DiskFull, ForbiddenPath: the project's folder cannot be written to.
    """
    nothing = dict.fromkeys(("file", "preview", "recipe", "length_seconds", "sample_rate"))
    reason = {"code": error.code, "message": error.message, "hint": error.hint}
    table = {"schema": SCHEMA, "job": "", "reqid": reqid, "state": "failed", **nothing, "error": reason, "reaper": dict(reaper)}
    return write_table(project, reqid, table)


def write_table(project: Path, reqid: str, table: Mapping[str, Any]) -> Path:
    """Write a ticket, whole or not at all.

    Args:
        project: an existing folder.
        reqid: the asker's name for the request.
        table: of `result_table`.

    Raises:
        DiskFull, Away, ForbiddenPath: the project's folder cannot be written to.
    """
    folder = ProjectFolders(project).results
    make_folder(folder)
    ticket = folder / f"{reqid}.json"
    draft = folder / f".{uuid.uuid4().hex}.tmp"  # a dot file: no reader takes it for a ticket
    with writing(draft) as file:
        file.write(json.dumps(table, ensure_ascii=False, indent=1).encode("utf-8", "backslashreplace"))
    try:
        os.replace(draft, ticket)
    except OSError as problem:
        draft.unlink(missing_ok=True)
        raise write_error(problem, ticket) from problem
    return ticket

"""Real processes killed with SIGKILL: nothing that was accepted is lost, nothing is published twice."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.soaks.kills import soak


@pytest.mark.parametrize("n_renderers", [1, 2])
def test_every_accepted_job_is_published_exactly_once_whatever_is_killed(tmp_path: Path, n_renderers: int) -> None:
    n_jobs = 8 * n_renderers
    outcome = soak(tmp_path, 10.0, seed=3, n_jobs=n_jobs, pause_seconds=(1.0, 1.8), n_renderers=n_renderers)
    assert outcome.kills["service"] >= 1 and outcome.kills["renderer"] >= 2, outcome.kills
    assert [job.state for job in outcome.jobs] == ["done"] * n_jobs, [(job.id, job.state, job.error) for job in outcome.jobs]
    assert outcome.publishes == {job.id: 1 for job in outcome.jobs}
    assert outcome.integrity == "ok" and outcome.is_sound
    tickets = {path.stem: json.loads(path.read_text()) for path in (tmp_path / "project" / "daw_bridge" / "results").iterdir()}
    assert {reqid: ticket["state"] for reqid, ticket in tickets.items()} == {f"r{n}": "done" for n in range(n_jobs)}

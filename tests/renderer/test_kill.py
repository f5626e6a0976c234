"""Real processes killed with SIGKILL: nothing that was accepted is lost, nothing is published twice."""

from __future__ import annotations

import json
from pathlib import Path

from tests.soak import soak


def test_every_accepted_job_is_published_exactly_once_whatever_is_killed(tmp_path: Path) -> None:
    outcome = soak(tmp_path, kill_seconds=10.0, seed=3, n_jobs=8, pause_seconds=(0.9, 1.6))
    assert outcome.kills["service"] >= 2 and outcome.kills["renderer"] >= 2, outcome.kills
    assert [job.state for job in outcome.jobs] == ["done"] * 8, [(job.id, job.state, job.error) for job in outcome.jobs]
    assert outcome.publishes == {job.id: 1 for job in outcome.jobs}
    assert outcome.integrity == "ok"
    tickets = {path.stem: json.loads(path.read_text()) for path in (tmp_path / "project" / "daw_bridge" / "results").iterdir()}
    assert {reqid: ticket["state"] for reqid, ticket in tickets.items()} == {f"r{n}": "done" for n in range(8)}

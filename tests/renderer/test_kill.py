"""Real processes killed with SIGKILL: nothing that was accepted is lost, nothing is published twice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from tests.soaks.kills import VICTIMS, Outcome, soak

NUMBERS = (1, 2)
JOBS_EACH = 8
Turns = dict[int, tuple[Path, Future[Outcome]]]


@pytest.fixture(scope="module")
def turns(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Turns]:
    """A turn for each number of renderers, both at once: most of the time they wait."""
    turn = partial(soak, kill_seconds=10.0, seed=3, pause_seconds=(1.0, 1.8))
    roots = {n: tmp_path_factory.mktemp("killed") for n in NUMBERS}
    with ThreadPoolExecutor(len(NUMBERS)) as pool:
        yield {n: (root, pool.submit(turn, root, n_jobs=n * JOBS_EACH, n_renderers=n)) for n, root in roots.items()}


@pytest.mark.parametrize("n_renderers", NUMBERS)
def test_every_accepted_job_is_published_exactly_once_whatever_is_killed(turns: Turns, n_renderers: int) -> None:
    root, turn = turns[n_renderers]
    n_jobs, outcome = n_renderers * JOBS_EACH, turn.result()
    assert min(outcome.kills[victim] for victim in VICTIMS) >= 1, outcome.kills
    assert [job.state for job in outcome.jobs] == ["done"] * n_jobs, [(job.id, job.state, job.error) for job in outcome.jobs]
    assert outcome.publishes == {job.id: 1 for job in outcome.jobs}
    assert outcome.integrity == "ok" and outcome.is_sound
    tickets = {path.stem: json.loads(path.read_text()) for path in (root / "project" / "daw_bridge" / "results").iterdir()}
    assert {reqid: ticket["state"] for reqid, ticket in tickets.items()} == {f"r{n}": "done" for n in range(n_jobs)}

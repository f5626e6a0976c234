"""A batch job stands aside for one that somebody waits for, and goes on where it was."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from daw_bridge.jobs import Job
from tests.service.bench import Bench, supervised
from tests.waiting import wait_for


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with supervised(tmp_path) as bench:
        yield bench


def batch_in_the_middle(bench: Bench) -> Job:
    """A batch job that has come half way, and stays there until it is let go."""
    job = bench.held("batch", "batch")
    return wait_for(lambda: now if (now := bench.store.get(job.id)).fraction > 0.1 else None, what="a batch that renders")


def aside(bench: Bench, batch: Job) -> Job:
    """The batch job once it waits in the queue again."""
    return bench.until(batch, "queued")


def begun(bench: Bench, job: Job) -> None:
    wait_for(lambda: any(line.startswith(job.id) for line in bench.lines("renders.log")), what="the render")


def test_it_goes_on_where_it_was_and_is_published_once(bench: Bench) -> None:
    batch = batch_in_the_middle(bench)
    now = bench.held("now")
    waiting = aside(bench, batch)
    assert waiting.fraction >= batch.fraction and waiting.position in (1, 2) and not waiting.run
    bench.let_go(now)
    assert bench.until(now, "done", "failed").state == "done"
    assert bench.store.get(batch.id).state != "done"
    bench.let_go(batch)
    done = bench.until(batch, "done", "failed")
    assert done.state == "done" and done.crashes == 0
    assert [line.split()[0] for line in bench.lines("renders.log")] == [batch.id, now.id], "neither was begun twice"
    assert bench.lines("publishes.log") == [now.id, batch.id]
    assert not any(bench.supervisor.state.work.iterdir())


def test_each_class_of_priority_stands_aside_for_the_one_above_it(bench: Bench) -> None:
    batch = batch_in_the_middle(bench)
    preview = bench.held("preview", "preview")
    bench.until(preview, "rendering")
    now, later = bench.ask("now", seconds=0.1), bench.ask("later", "preview", seconds=0.1)
    bench.until(now, "done", "failed")
    bench.let_go(preview)
    bench.until(later, "done", "failed")
    bench.let_go(batch)
    bench.until(batch, "done", "failed")
    assert bench.lines("publishes.log") == [now.id, preview.id, later.id, batch.id]
    assert sorted(line.split()[0] for line in bench.lines("renders.log")) == sorted(j.id for j in (batch, preview, now, later))


def test_a_job_that_is_cancelled_while_it_stands_aside_lets_go_of_everything(bench: Bench) -> None:
    batch = batch_in_the_middle(bench)
    now, pid = bench.held("now"), bench.pid
    aside(bench, batch)
    bench.until(now, "rendering")
    assert bench.supervisor.cancel(batch.id).state == "cancelled"
    wait_for(lambda: not (bench.supervisor.state.work / batch.id).exists(), what="a work folder that is gone")
    assert bench.store.get(now.id).state == "rendering", "while the other goes on"
    bench.let_go(now)
    assert bench.until(now, "done", "failed").state == "done" and bench.pid == pid
    assert bench.until(bench.ask("next", "batch", seconds=0.1), "done", "failed").state == "done"
    assert batch.id not in bench.lines("publishes.log") and bench.ticket("batch")["state"] == "cancelled"


def test_when_the_urgent_one_is_cancelled_the_batch_goes_on(bench: Bench) -> None:
    batch = batch_in_the_middle(bench)
    now = bench.held("now")
    aside(bench, batch)
    begun(bench, now)
    bench.supervisor.cancel(now.id)
    bench.let_go(batch)
    assert bench.until(batch, "done", "failed").state == "done"
    assert [line.split()[0] for line in bench.lines("renders.log")] == [batch.id, now.id]


def test_an_urgent_one_that_has_to_be_killed_costs_the_batch_no_attempt(bench: Bench) -> None:
    batch = batch_in_the_middle(bench)
    now = bench.ask("now", seconds=600, do="deaf")
    aside(bench, batch)
    begun(bench, now)
    bench.let_go(batch)
    bench.supervisor.cancel(now.id)
    done = bench.until(batch, "done", "failed")
    assert done.state == "done" and done.crashes == 0 and bench.lines("publishes.log") == [batch.id]


def test_a_renderer_killed_meanwhile_counts_against_the_one_it_had_in_hand_alone(bench: Bench) -> None:
    batch = batch_in_the_middle(bench)
    now = bench.held("now")
    aside(bench, batch)
    wait_for(lambda: bench.store.get(now.id).run, what="the urgent one in hand")
    psutil.Process(bench.pid).kill()
    bench.let_go(now)
    bench.let_go(batch)
    done = [bench.until(job, "done", "failed") for job in (now, batch)]
    assert [(job.state, job.crashes) for job in done] == [("done", 1), ("done", 0)]
    assert sorted(bench.lines("publishes.log")) == sorted((now.id, batch.id))


def test_everything_rests_in_a_pause_and_comes_out_in_order_afterwards(bench: Bench) -> None:
    batch = batch_in_the_middle(bench)
    now = bench.ask("now", seconds=3.0)
    aside(bench, batch)
    bench.until(now, "rendering")
    bench.supervisor.set_paused(True)
    wait_for(lambda: rests(bench, now), what="a job that rests")
    assert bench.store.get(now.id).state == "rendering" and bench.store.get(batch.id).state == "queued"
    bench.supervisor.set_paused(False)
    bench.let_go(batch)
    assert bench.until(now, "done", "failed").state == bench.until(batch, "done", "failed").state == "done"
    assert bench.lines("publishes.log") == [now.id, batch.id]


def rests(bench: Bench, job: Job) -> bool:
    """Whether a job stays where it is for a second, in which it would else come on four times."""
    before = bench.store.get(job.id).fraction
    try:
        wait_for(lambda: bench.store.get(job.id).fraction != before, 1.0)
    except AssertionError:
        return True
    return False


def test_what_comes_in_a_pause_is_first_when_it_ends(bench: Bench) -> None:
    batch = batch_in_the_middle(bench)
    bench.supervisor.set_paused(True)
    now = bench.ask("now", seconds=0.2)
    bench.supervisor.set_paused(False)
    bench.until(now, "done", "failed")
    bench.let_go(batch)
    bench.until(batch, "done", "failed")
    assert bench.lines("publishes.log") == [now.id, batch.id]

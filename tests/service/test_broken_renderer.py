"""A renderer that cannot start fails no job: it is said why, it is tried again, and the jobs wait."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from daw_bridge.service import client
from tests.command import run
from tests.service.bench import Bench, supervised
from tests.service.wire import Osc, ServiceProcess
from tests.waiting import wait_for

LATE_SECONDS = 150.0  # it is tried again after up to 30 s
REASON = "ImportError: libtorch.so: cannot open shared object file"


@pytest.fixture
def broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """While this file is there, quick renderers do not start."""
    path = tmp_path / "broken"
    path.write_text("refuse")
    monkeypatch.setenv("QUICK_BROKEN", str(path))
    return path


@pytest.fixture
def bench(tmp_path: Path, broken: Path) -> Iterator[Bench]:
    with supervised(tmp_path) as bench:
        yield bench


def trouble(bench: Bench) -> str:
    bench.supervisor.tick(time.monotonic())
    return bench.supervisor.trouble


def test_its_reason_is_told_the_job_waits_and_is_done_when_the_cause_is_gone(bench: Bench, broken: Path) -> None:
    job = bench.ask("a", seconds=0.1)
    said = wait_for(lambda: trouble(bench), what="the trouble")
    assert said.startswith(f"the renderer of cpu cannot start: {REASON}. Ask daw-bridge doctor") and "\n" not in said
    assert (bench.store.get(job.id).state, bench.store.get(job.id).crashes) == ("queued", 0)
    broken.unlink()
    done = bench.until(job, "done", "failed", seconds=LATE_SECONDS)
    assert done.state == "done" and done.crashes == 0
    held = bench.held("b")
    bench.until(held, "rendering")
    assert wait_for(lambda: not trouble(bench), what="an end of the trouble")
    bench.let_go(held)


def test_it_is_tried_again_more_and_more_seldom(bench: Bench) -> None:
    pauses = list[float]()

    def look() -> bool:
        now = time.monotonic()
        bench.supervisor.tick(now)
        renderer = bench.supervisor._renderers[0]
        pause = renderer.not_before - now
        if renderer.process is None and pause > 0 and len(pauses) < renderer.n_deaths:
            pauses.append(pause)
        return len(pauses) == 4

    wait_for(look, LATE_SECONDS, "four deaths")
    assert pauses == pytest.approx([0.25, 0.5, 1.0, 2.0], abs=0.05)


def test_one_that_a_signal_ends_while_it_loads_is_known_by_the_signal(bench: Bench, broken: Path) -> None:
    broken.write_text("die")
    job = bench.ask("a", seconds=0.1)
    wait_for(lambda: "ended by signal 6" in trouble(bench), what="the trouble")
    assert (bench.store.get(job.id).state, bench.store.get(job.id).crashes) == ("queued", 0)


def test_everybody_who_asks_is_told(tmp_path: Path, broken: Path) -> None:
    project, state = tmp_path / "project", tmp_path / "state"
    project.mkdir()
    broken.write_text("wait")
    service = ServiceProcess([project], state, is_quick=True)
    osc = Osc(service.port)
    try:
        osc.ask("/subscribe", answer="/subscribed")
        (tmp_path / "draft").write_text("refuse")
        (tmp_path / "draft").replace(broken)
        (project / "song.json").write_text(json.dumps({"seconds": 0.1}))
        code, where, sentence = osc.expect("/error")
        assert (code, where) == ("renderer_crashed", "renderer") and REASON in sentence
        osc.send("/remix", "song.json", "song.json", "default")
        job = osc.expect("/accepted")[0]
        osc.send("/status")
        assert osc.expect("/status/why") == (sentence,)
        assert osc.expect("/status/info")[0] == "paused"
        assert client.status(state=state).why == sentence
        wait_for(lambda: [line.waits for line in client.jobs(state=state)] == [sentence], what="the list of jobs")
        for words in (["status"], ["jobs"]):
            assert sentence in run(*words, "--state", str(state)).stdout
        broken.unlink()
        osc.expect_each(("/status/why", ""), ("/done", job), seconds=LATE_SECONDS)
    finally:
        osc.close()
        assert service.stop()[0] == 0


def test_a_pause_is_a_reason_too(quick: ServiceProcess, quick_osc: Osc) -> None:
    quick_osc.ask("/pause", answer="/status/info")
    assert "daw-bridge resume" in client.status(state=quick.state).why
    quick_osc.ask("/resume", answer="/status/info")
    assert client.status(state=quick.state).why == ""

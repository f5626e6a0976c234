"""The supervisor over real renderer processes, whose stages are quick: see tests/renderer/quick.py."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from daw_bridge.errors import NotCancellable
from daw_bridge.request import RenderRequest, source_file
from tests.service.bench import Bench, supervised
from tests.waiting import PATIENCE_SECONDS, wait_for


@pytest.fixture
def devices() -> tuple[str, ...]:
    return ("cpu",)


@pytest.fixture
def bench(tmp_path: Path, devices: tuple[str, ...]) -> Iterator[Bench]:
    with supervised(tmp_path, devices) as bench:
        yield bench


def test_a_job_is_rendered_published_and_told(bench: Bench) -> None:
    done = bench.until(bench.ask("a", seconds=0.1), "done", "failed")
    assert done.state == "done" and done.fraction == 1.0 and done.result_path and Path(done.result_path).exists()
    ticket = wait_for(lambda: bench.ticket("a"))
    assert ticket["state"] == "done" and ticket["file"] == done.result_path and ticket["sample_rate"] == 44100
    assert not (bench.supervisor.state.work / done.id).exists()


@pytest.mark.parametrize("devices", [("cuda:1",)])
def test_a_device_with_a_number_works_and_its_files_have_names_for_every_system(bench: Bench) -> None:
    assert bench.until(bench.ask("a", do="defect"), "failed").error
    assert bench.lines("renders.log")[0].endswith(" cuda:1")
    made = {path.name for path in bench.supervisor.state.root.glob("renderer-*")}
    assert made == {"renderer-cuda-1.log", "renderer-cuda-1.lock"}
    assert "renderer-cuda-1.log" in bench.ticket("a")["error"]["hint"]


def test_progress_is_seen_while_it_renders(bench: Bench) -> None:
    job = bench.ask("a", seconds=2.5)
    seen = set()

    def look() -> bool:
        now = bench.store.get(job.id)
        seen.add((now.phase, now.fraction))
        return now.is_final

    wait_for(look)
    assert len({fraction for phase, fraction in seen if phase == "transfer"}) >= 3


def test_interactive_jobs_overtake_a_batch(bench: Bench) -> None:
    first = bench.held("first")
    bench.until(first, "rendering")
    content = bench.root / "first.json"
    source = source_file(content, "content")
    for reqid, priority in (("b1", "batch"), ("b2", "batch"), ("now", "interactive")):
        bench.store.submit(RenderRequest(str(bench.root), source, source, {"id": "default"}, reqid=reqid, priority=priority))
    bench.let_go(first)
    wait_for(lambda: len(bench.lines("publishes.log")) == 4)
    order = [bench.store.get(job_id).request.reqid for job_id in bench.lines("publishes.log")]
    assert order == ["first", "now", "b1", "b2"]


def test_a_refusal_keeps_its_code_message_and_hint(bench: Bench) -> None:
    failed = bench.until(bench.ask("a", do="refuse"), "done", "failed")
    assert failed.error == {"code": "too_short", "message": "it is too short", "hint": "Give a longer one."}
    assert bench.ticket("a")["error"] == failed.error and bench.ticket("a")["state"] == "failed"


def test_a_defect_is_one_plain_sentence_and_its_traceback_stays_in_the_log(bench: Bench) -> None:
    failed = bench.until(bench.ask("a", do="defect"), "done", "failed")
    assert failed.error and failed.error["code"] == "internal" and "Traceback" not in str(failed.error)
    assert "ZeroDivisionError" in (bench.supervisor.state.root / "renderer-cpu.log").read_text()


def test_too_little_memory_is_tried_again_with_less_of_it(bench: Bench) -> None:
    done = bench.until(bench.ask("a", do="memory", seconds=0.02), "done", "failed")
    assert done.state == "done" and done.crashes == 0
    assert [line.split()[1] for line in bench.lines("renders.log")] == ["1.0", "0.5", "0.25"]


def test_never_enough_memory_is_told_so(bench: Bench) -> None:
    failed = bench.until(bench.ask("a", do="glutton", seconds=0.02), "done", "failed")
    assert failed.error and failed.error["code"] == "out_of_memory"


MEGA = 1_000_000


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sets no such limit")
def test_under_a_real_limit_of_memory_a_job_is_done_with_less_of_it(bench: Bench) -> None:
    job = bench.ask("a", do="hog", needs_bytes=800 * MEGA, limit_bytes=300 * MEGA, seconds=0.02)
    done = bench.until(job, "done", "failed")
    assert done.state == "done" and done.crashes == 0
    assert [line.split()[1] for line in bench.lines("renders.log")] == ["1.0", "0.5", "0.25"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sets no such limit")
def test_what_fits_in_no_memory_fails_by_its_code_and_the_renderer_lives(bench: Bench) -> None:
    job = bench.ask("a", do="hog", needs_bytes=8000 * MEGA, limit_bytes=300 * MEGA, seconds=0.02)
    failed = bench.until(job, "done", "failed")
    assert failed.error and failed.error["code"] == "out_of_memory" and failed.crashes == 0
    pid = bench.pid
    assert bench.until(bench.ask("b", seconds=0.1), "done", "failed").state == "done" and bench.pid == pid


def test_a_poison_job_fails_after_four_renderers_and_the_queue_goes_on(bench: Bench) -> None:
    poison, healthy = bench.ask("poison", do="crash", seconds=0.1), bench.ask("healthy", seconds=0.1)
    failed = bench.until(poison, "done", "failed")
    assert failed.error and failed.error["code"] == "renderer_crashed" and failed.crashes == 4
    assert bench.until(healthy, "done", "failed").state == "done"
    scales = [line.split()[1] for line in bench.lines("renders.log") if line.startswith(poison.id)]
    assert scales == ["1.0", "0.5", "0.25", "0.25"]
    assert bench.ticket("poison")["error"]["code"] == "renderer_crashed"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM")
def test_a_renderer_that_is_told_to_leave_counts_no_attempt(bench: Bench) -> None:
    job = bench.held("a")
    bench.until(job, "rendering")
    wait_for(lambda: bench.store.get(job.id).run)
    os.kill(bench.pid, signal.SIGTERM)
    bench.let_go(job)
    done = bench.until(job, "done", "failed")
    assert done.state == "done" and done.crashes == 0 and bench.lines("publishes.log") == [job.id]


def test_a_killed_renderer_counts_one_attempt_and_its_job_is_done_all_the_same(bench: Bench) -> None:
    job = bench.held("a")
    wait_for(lambda: bench.store.get(job.id).run)
    psutil.Process(bench.pid).kill()
    bench.let_go(job)
    done = bench.until(job, "done", "failed")
    assert done.state == "done" and done.crashes == 1 and bench.lines("publishes.log") == [job.id]


def test_a_queued_job_that_is_cancelled_never_starts(bench: Bench) -> None:
    first, second = bench.held("first"), bench.ask("second", seconds=0.1)
    bench.until(first, "rendering")
    assert bench.supervisor.cancel(second.id).state == "cancelled"
    assert bench.ticket("second")["state"] == "cancelled"
    bench.let_go(first)
    bench.until(first, "done")
    assert [line.split()[0] for line in bench.lines("renders.log")] == [first.id]
    with pytest.raises(NotCancellable):
        bench.supervisor.cancel(second.id)


def test_a_rendering_job_lets_go_when_it_is_asked(bench: Bench) -> None:
    job = bench.ask("a", seconds=30)
    wait_for(lambda: bench.store.get(job.id).phase == "transfer")
    pid, asked = bench.pid, time.monotonic()
    bench.supervisor.cancel(job.id)
    wait_for(lambda: not bench.store.get(job.id).run)
    assert time.monotonic() - asked < 1.0
    after = bench.until(bench.ask("b", seconds=0.1), "done", "failed")
    assert after.state == "done" and bench.pid == pid, "the same renderer goes on"
    assert not (bench.supervisor.state.work / job.id).exists()


def test_a_renderer_that_does_not_listen_is_killed_after_two_seconds(bench: Bench) -> None:
    job = bench.ask("a", seconds=600, do="deaf")
    wait_for(lambda: bench.lines("renders.log"))
    pid, asked = bench.pid, time.monotonic()
    bench.supervisor.cancel(job.id)
    bench.until(bench.ask("b", seconds=0.1), "done", "failed")
    assert bench.pid != pid and time.monotonic() - asked >= 2.0
    cancelled = bench.store.get(job.id)
    assert cancelled.state == "cancelled" and cancelled.crashes == 0


def test_a_source_that_was_changed_meanwhile_is_refused(bench: Bench) -> None:
    first = bench.held("first")
    bench.until(first, "rendering")
    job = bench.ask("a", seconds=0.1)
    (bench.root / "a.json").write_text('{"seconds": 0.25}')
    bench.let_go(first)
    failed = bench.until(job, "done", "failed")
    assert failed.error and failed.error["code"] == "not_found" and "changed" in failed.error["message"]


def test_a_done_job_whose_file_is_gone_is_rendered_again(bench: Bench) -> None:
    done = bench.until(bench.ask("a", seconds=0.1), "done")
    assert bench.store.submit(done.request) == (done, False)
    assert done.result_path
    Path(done.result_path).unlink()
    again, is_new = bench.store.submit(done.request)
    assert is_new and again.id.endswith(".2")
    bench.supervisor.nudge()
    assert bench.until(again, "done", "failed").state == "done"


def test_a_renderer_leaves_when_the_supervisor_stops(bench: Bench) -> None:
    bench.until(bench.ask("a", seconds=0.1), "done")
    process = bench.supervisor._renderers[0].process
    assert process is not None
    bench.supervisor.stop(PATIENCE_SECONDS)
    assert process.returncode == 0, "it was not killed"


@pytest.fixture
def naps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUICK_AWAKE_SECONDS", "0.2")


@pytest.fixture
def unloads(naps: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUICK_UNLOAD_SECONDS", "0.1")


@pytest.fixture
def sleeps_well(naps: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """It does not look for jobs by itself for an hour."""
    monkeypatch.setenv("QUICK_LOOK_SECONDS", "3600")


@pytest.mark.usefixtures("sleeps_well")
def test_a_sleeping_renderer_starts_when_it_is_nudged(bench: Bench) -> None:
    bench.until(bench.ask("a", seconds=0.1), "done")
    log = bench.supervisor.state.root / "renderer-cpu.log"
    wait_for(lambda: "asleep" in log.read_text(), what="the sleep")
    assert bench.until(bench.ask("b", seconds=0.1), "done", "failed").state == "done"


@pytest.mark.usefixtures("unloads")
def test_a_renderer_that_was_idle_for_long_is_replaced_by_a_cold_one(bench: Bench) -> None:
    bench.until(bench.ask("a", seconds=0.1), "done")
    former = bench.pid

    def is_replaced() -> bool:
        bench.supervisor.tick(time.monotonic())
        return bench.supervisor._renderers[0].process is not None and bench.pid != former

    wait_for(is_replaced, what="the new renderer")
    assert bench.supervisor._renderers[0].is_cold
    assert bench.until(bench.ask("b", seconds=0.1), "done").crashes == 0

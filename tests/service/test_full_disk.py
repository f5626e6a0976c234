"""A disk without room for the result holds the queue up, says so, and loses nothing."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from daw_bridge.folders import ProjectFolders
from tests.service.bench import supervised
from tests.service.conftest import write_clip
from tests.service.mounting import memory_disk, unmount_all
from tests.service.wire import Osc, ServiceProcess
from tests.waiting import wait_for


def ask(quick: ServiceProcess, osc: Osc, name: str) -> str:
    project = Path(json.loads((quick.state / "projects.json").read_text())[0])
    (project / name).write_text(json.dumps({"seconds": 0.1}))
    osc.send("/remix", name, name, "default")
    return str(osc.expect("/accepted")[0])


def test_a_full_disk_pauses_the_queue_until_there_is_room(quick: ServiceProcess, quick_osc: Osc) -> None:
    project = Path(json.loads((quick.state / "projects.json").read_text())[0])
    (project / "full").touch()
    quick_osc.ask("/subscribe", answer="/subscribed")
    first = ask(quick, quick_osc, "first.json")
    code, where, message = quick_osc.expect("/error")
    assert (code, where) == ("disk_full", f"job/{first}") and "Free some" in message
    second = ask(quick, quick_osc, "second.json")
    wait_for(lambda: quick_osc.ask("/status", answer="/status/info") == ("paused", 1, 1, first))
    (project / "full").unlink()
    quick_osc.expect("/done", first)
    quick_osc.expect("/done", second)
    assert (project / "renders.log").read_text().count(first) == 1
    assert wait_for(lambda: quick_osc.ask("/status", answer="/status/info")[0] == "idle")


def test_a_job_that_waits_for_room_can_be_cancelled(quick: ServiceProcess, quick_osc: Osc) -> None:
    project = Path(json.loads((quick.state / "projects.json").read_text())[0])
    (project / "full").touch()
    quick_osc.ask("/subscribe", answer="/subscribed")
    job = ask(quick, quick_osc, "third.json")
    quick_osc.expect("/error", "disk_full")
    quick_osc.send("/cancel", job)
    quick_osc.expect("/cancelled", job)
    wait_for(lambda: not (quick.state / "work" / job).exists(), 2.5, "a work folder that is gone")
    (project / "full").unlink()
    assert wait_for(lambda: quick_osc.ask("/status", answer="/status/info")[0] == "idle")


def test_a_disk_that_fills_during_a_render_pauses_the_queue_and_the_render_begins_again(
    quick: ServiceProcess, quick_osc: Osc
) -> None:
    project = Path(json.loads((quick.state / "projects.json").read_text())[0])
    (project / "full midway").touch()
    quick_osc.ask("/subscribe", answer="/subscribed")
    jobs = [ask(quick, quick_osc, name) for name in ("fourth.json", "fifth.json")]
    code, where, message = quick_osc.expect("/error")
    assert (code, where) == ("disk_full", f"job/{jobs[0]}") and "Free some" in message
    wait_for(lambda: quick_osc.ask("/status", answer="/status/info")[0] == "paused")
    quick_osc.send("/cancel", jobs[0])
    quick_osc.expect("/cancelled", jobs[0])
    quick_osc.expect("/error", "disk_full", f"job/{jobs[1]}")
    (project / "full midway").unlink()
    quick_osc.expect("/done", jobs[1])
    assert wait_for(lambda: quick_osc.ask("/status", answer="/status/info")[0] == "idle")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 600 kB."""
    folder = memory_disk(tmp_path / "small disk", "600k")
    yield folder
    unmount_all(folder)


def test_on_a_small_file_system_the_real_renderer_waits_and_publishes_once_there_is_room(
    small_disk: Path, tmp_path: Path
) -> None:
    write_clip(small_disk / "song.wav", seconds=1.5)
    write_clip(small_disk / "style.wav", seed=3)
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"x" * (shutil.disk_usage(small_disk).free - 90_000))
    service = ServiceProcess([small_disk], tmp_path / "state")
    osc = Osc(service.port)
    try:
        osc.ask("/subscribe", answer="/subscribed")
        osc.send("/remix", "song.wav", "style.wav", "default", "num_steps", 1)
        job = osc.expect("/accepted")[0]
        assert osc.expect("/error", seconds=90.0)[:2] == ("disk_full", f"job/{job}")
        assert not list(ProjectFolders(small_disk).remixes.glob("[!.]*"))
        ballast.unlink()
        path = Path(osc.expect("/done", job)[1])
        assert [path] == list(ProjectFolders(small_disk).remixes.glob("*.wav"))
    finally:
        osc.close()
        assert service.stop() == (0, "")


def fill(folder: Path) -> Path:
    """Take what room there is, to the last byte."""
    ballast = folder / "ballast"
    with suppress(OSError), ballast.open("wb", buffering=0) as file:
        while file.write(b"x" * 4096):
            pass
    return ballast


def test_a_job_store_without_room_ends_no_job(tmp_path: Path) -> None:
    state = memory_disk(tmp_path / "state", "8m")
    renderer_log = tmp_path / "renderer.log"
    (state / "renderer-cpu.log").symlink_to(renderer_log)  # to be read, so on a disk with room
    project = tmp_path / "project"
    project.mkdir()
    (project / "hold").touch()
    try:
        with supervised(tmp_path) as bench:
            jobs = [bench.ask(name, do="early") for name in ("first", "second")]
            wait_for(lambda: bench.lines("renders.log"), what="a render")
            ballast = fill(state)
            with pytest.raises(OperationalError, match="full"):
                bench.store.note(jobs[0].id, seen=1)
            (project / "hold").unlink()
            wait_for(lambda: f"job {jobs[0].id} waits for the job store" in renderer_log.read_text(), what="a store that fails")
            ballast.unlink()
            assert [bench.until(job, "done", "failed").state for job in jobs] == ["done", "done"]
            assert (
                sorted(bench.lines("publishes.log")) == sorted(job.id for job in jobs)
                and bench.store.get(jobs[0].id).crashes == 0
            )
    finally:
        unmount_all(state)

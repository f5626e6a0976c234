"""A job whose drive or share hangs is put off: others go on, and it is done once when the share is back."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from daw_bridge.disk import nothing
from daw_bridge.errors import Internal
from daw_bridge.folders import ProjectFolders
from daw_bridge.jobs import Job
from daw_bridge.renderer import errands, porter
from daw_bridge.renderer.porter import Hanging, Porters
from daw_bridge.request import RenderRequest, source_file
from tests.renderer.quick import SILENT_SECONDS
from tests.service.bench import Bench, supervised
from tests.service.mounting import mount, unmount_all
from tests.waiting import PATIENCE_SECONDS, wait_for


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setenv("QUICK_HANGING", str(tmp_path / "share"))
    with supervised(tmp_path) as bench:
        yield bench
        come_back(bench)


def on_share(bench: Bench) -> Bench:
    """The same service, for a project on a share."""
    return replace(bench, root=bench.root.with_name("share"))


def hang(bench: Bench, word: str = "") -> None:
    """From now on no call comes back that names a path of the share with this word in it."""
    bench.root.with_name("share.hangs").write_text(word)


def come_back(bench: Bench) -> None:
    bench.root.with_name("share.hangs").unlink(missing_ok=True)


def put_off(bench: Bench, job: Job) -> Job:
    """The job once it waits for its share."""

    def look() -> Job | None:
        bench.supervisor.tick(time.monotonic())
        now = bench.store.get(job.id)
        return now if now.state == "queued" and now.away else None

    return wait_for(look, what="a job that is put off")


def done_once(bench: Bench, job: Job) -> None:
    share = on_share(bench)
    done = share.until(job, "done", "failed")
    assert (done.state, done.crashes, done.away) == ("done", 0, ""), done
    assert share.lines("publishes.log") == [job.id]
    assert share.ticket(job.request.reqid)["state"] == "done"
    wait_for(lambda: not any(bench.supervisor.state.work.iterdir()), what="work folders that are gone")


@pytest.mark.parametrize("word", ["theirs.json", "remixes", "results"], ids=["copying", "publishing", "telling"])
def test_others_go_on_and_it_is_done_once_when_the_share_is_back(bench: Bench, word: str) -> None:
    share = on_share(bench)
    hang(bench, word)
    theirs = share.ask("theirs", seconds=0.1)
    waiting = put_off(bench, theirs)
    assert f"'{share.root}' does not answer" in waiting.away and "other jobs go on" in waiting.away and not waiting.waits
    pid = bench.pid
    ours = bench.until(bench.ask("ours", seconds=0.1), "done", "failed")
    assert ours.state == "done" and bench.store.get(theirs.id).state != "done" and bench.pid == pid
    come_back(bench)
    done_once(bench, theirs)
    assert len(share.lines("renders.log")) == 1 and bench.pid == pid, "nothing is rendered twice, no renderer is lost"


def test_it_is_tried_again_and_again_and_only_one_of_its_folder_is_waited_for(bench: Bench) -> None:
    share = on_share(bench)
    hang(bench, "remixes")
    theirs = [share.ask(f"theirs {number}", seconds=0.02) for number in range(5)]
    for job in theirs:
        put_off(bench, job)
    log = bench.supervisor.state.root / "renderer-cpu.log"
    wait_for(lambda: log.read_text().count("a porter is left there") >= 3, what="some tries")
    assert bench.until(bench.ask("ours", seconds=0.02), "done", "failed").state == "done"
    come_back(bench)
    for job in theirs:
        assert bench.until(job, "done", "failed").state == "done"
    assert sorted(share.lines("publishes.log")) == sorted(job.id for job in theirs)


@pytest.mark.parametrize("word", ["theirs.json", "remixes"])
def test_a_job_that_is_put_off_can_be_cancelled(bench: Bench, word: str) -> None:
    share = on_share(bench)
    hang(bench, word)
    theirs = share.ask("theirs", seconds=0.1)
    put_off(bench, theirs)
    assert bench.supervisor.cancel(theirs.id).state == "cancelled"
    wait_for(lambda: not (bench.supervisor.state.work / theirs.id).exists(), what="a work folder that is gone")
    come_back(bench)
    assert bench.until(share.ask("another", seconds=0.02), "done", "failed").state == "done"
    assert theirs.id not in share.lines("publishes.log")


def test_a_job_that_hangs_is_given_up_at_once_and_costs_no_renderer(bench: Bench) -> None:
    share = on_share(bench)
    bench.until(bench.ask("first", seconds=0.02), "done")
    hang(bench)
    theirs, pid = share.ask("theirs", seconds=0.1), bench.pid
    wait_for(lambda: bench.store.get(theirs.id).run, what="the start")
    bench.supervisor.cancel(theirs.id)
    assert bench.until(bench.ask("ours", seconds=0.02), "done", "failed").state == "done" and bench.pid == pid


def test_a_slow_share_is_not_taken_for_one_that_hangs(bench: Bench) -> None:
    share = on_share(bench)
    share.root.mkdir()
    bench.root.with_name("share.slow").write_text("0.15")
    content = share.root / "long.wav"
    content.write_bytes(bytes(40 * 65_536))
    source = source_file(content, "content")
    job, _ = bench.store.submit(RenderRequest(str(share.root), source, source, {"id": "default"}, reqid="slow"))
    bench.supervisor.nudge()
    began = time.monotonic()
    done_once(bench, job)
    assert time.monotonic() - began > 2 * SILENT_SECONDS, "which is longer than a silence may last"
    assert "does not answer" not in (bench.supervisor.state.root / "renderer-cpu.log").read_text()


@pytest.fixture
def late(monkeypatch: pytest.MonkeyPatch) -> None:
    """A porter takes longer to start than a silence may last."""
    monkeypatch.setenv("QUICK_LATE_SECONDS", str(SILENT_SECONDS + 1.0))


@pytest.mark.usefixtures("late")
def test_a_porter_that_is_slow_to_start_is_no_share_that_hangs(bench: Bench) -> None:
    done_once(bench, on_share(bench).ask("theirs", seconds=0.02))
    assert "does not answer" not in (bench.supervisor.state.root / "renderer-cpu.log").read_text()


def test_a_drive_that_has_gone_is_waited_for_outside_the_renderer_and_not_for_ever(bench: Bench, tmp_path: Path) -> None:
    share = on_share(bench)
    (bench.root / "hold").parent.mkdir()
    (bench.root / "hold").touch()
    bench.until(bench.ask("first", seconds=0.02), "rendering")
    back, gone = share.ask("back", seconds=0.02), share.ask("gone", seconds=0.02)
    share.root.rename(tmp_path / "away")
    (bench.root / "hold").unlink()
    assert "has gone" in put_off(bench, back).away
    assert bench.until(bench.ask("ours", seconds=0.02), "done", "failed").state == "done"
    (tmp_path / "away").rename(share.root)
    assert bench.until(back, "done", "failed").state == "done"
    (share.root / "gone.json").unlink()
    ended = bench.until(gone, "done", "failed")
    assert ended.state == "done" or (ended.error and ended.error["code"] == "not_found")


@pytest.fixture
def two_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    """There are two pauses, rather than two hundred."""
    monkeypatch.setenv("QUICK_TRIES", "1")


@pytest.mark.usefixtures("two_tries")
def test_a_drive_that_does_not_come_back_fails_its_job_in_the_end(bench: Bench, tmp_path: Path) -> None:
    share = on_share(bench)
    bench.supervisor.set_paused(True)
    theirs = share.ask("theirs", seconds=0.02)
    share.root.rename(tmp_path / "away")
    bench.supervisor.set_paused(False)
    failed = bench.until(theirs, "done", "failed")
    assert failed.error and failed.error["code"] == "not_found" and "has gone" in failed.error["message"]
    assert failed.n_away == 2, "as often as there are pauses"
    assert not share.root.exists() or not any(share.root.rglob("*.wav")), "nothing is published where a mount was"


@pytest.fixture
def frozen(tmp_path: Path) -> Iterator[Path]:
    """A file system in which every write hangs, and is not even interrupted by a kill."""
    if any(shutil.which(command) is None for command in ("mkfs.ext4", "fsfreeze")):
        pytest.skip("fsfreeze and mkfs.ext4 are not there")
    image, point = tmp_path / "image", tmp_path / "frozen"
    image.write_bytes(bytes(8 << 20))
    subprocess.run(["mkfs.ext4", "-q", str(image)], check=True)
    mount("-o", "loop", str(image), at=point)
    (point / "song.json").write_text("{}")
    subprocess.run(["fsfreeze", "--freeze", str(point)], check=True)
    yield point
    subprocess.run(["fsfreeze", "--unfreeze", str(point)], check=False, capture_output=True)
    unmount_all(tmp_path)


def test_a_porter_that_cannot_even_be_killed_keeps_nobody_else_from_working(
    frozen: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(porter, "SILENT_SECONDS", 2.0)
    monkeypatch.setattr(porter, "PAUSE_SECONDS", (0.1,))
    porters = Porters()

    def tell(project: Path) -> None:
        porters.carry(project, errands.tell, project, "r1", {"state": "done"}, on_block=nothing)

    with pytest.raises(Hanging, match="does not answer"):
        tell(frozen)
    stuck = porters._stuck[frozen].porter
    for _ in range(2):
        with pytest.raises(Hanging):
            tell(frozen)
        assert porters._stuck[frozen].porter is stuck, "nobody else is sent there"
        tell(tmp_path)
        time.sleep(0.2)  # longer than the pause
    assert stuck.is_alive, "a kill does not end it"
    subprocess.run(["fsfreeze", "--unfreeze", str(frozen)], check=True)
    wait_for(lambda: not stuck.is_alive, what="its end")

    def is_told() -> bool:
        try:
            tell(frozen)
        except Hanging:
            return False
        return True

    wait_for(is_told, what="the place's own")
    assert (ProjectFolders(frozen).results / "r1.json").exists()
    porters.close()


def test_a_porter_that_is_killed_is_replaced_unless_it_always_is(tmp_path: Path) -> None:
    porters = Porters()
    porters.warm()
    porters._idle[0]._process.kill()
    assert not porters.carry(tmp_path, errands.is_there, tmp_path / "a", on_block=nothing)
    with pytest.raises(Internal, match="died"):
        porters.carry(tmp_path, end, on_block=nothing)
    porters.close()


def end(*, on_block: object) -> None:
    """An errand that ends its porter."""
    os._exit(1)


def test_a_renderer_that_cannot_even_be_killed_is_replaced(frozen: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUICK_LEAVING_SECONDS", "1")
    with supervised(tmp_path) as bench:
        stuck = bench.ask("stuck", seconds=0.02, do="stick", where=str(frozen))
        former = bench.until(stuck, "rendering") and bench.pid
        wait_for(lambda: bench.store.get(stuck.id).fraction == 1.0, what="the call that does not come back")
        bench.supervisor.cancel(stuck.id)
        done = bench.until(bench.ask("ours", seconds=0.02), "done", "failed")
        assert done.state == "done" and bench.pid != former and psutil.pid_exists(former), "the former one is still there"
        assert bench.store.get(stuck.id).state == "cancelled"
        subprocess.run(["fsfreeze", "--unfreeze", str(frozen)], check=True)
        (process,) = bench.supervisor._forsaken
        assert process.wait(PATIENCE_SECONDS) < 0


def test_a_porter_whose_renderer_is_gone_goes_without_a_word() -> None:
    """Its words would stand behind the renderer's own in the log, and the last of them is what users are told."""
    started = subprocess.Popen(porter.PORTER, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert started.stdin is not None and started.stdout is not None and started.stderr is not None
    started.stdout.close()
    with started.stderr as said:
        words = said.read()
    assert started.wait(PATIENCE_SECONDS) == 0 and words == b""
    started.stdin.close()

"""A share that hangs holds up nobody but whoever needs it: not other jobs, not /why, not other tickets, not the end."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from daw_bridge.folders import ProjectFolders
from daw_bridge.service import client
from daw_bridge.service.outbox import write_ticket
from tests.service.conftest import write_clip
from tests.service.wire import Osc, ServiceProcess
from tests.waiting import PATIENCE_SECONDS, wait_for


@dataclass
class Served:
    """A ready service with a project that is well, and one on a share that can hang."""

    service: ServiceProcess
    osc: Osc
    here: Path
    share: Path

    def hang(self) -> None:
        self.share.with_suffix(".hangs").touch()

    def come_back(self) -> None:
        self.share.with_suffix(".hangs").unlink(missing_ok=True)

    def remix(self) -> None:
        """A remix of the project that is well."""
        self.osc.send("/remix", "song.json", "song.json", "default", "project", self.here.name, "force", 1)
        self.osc.expect("/done", self.osc.expect("/accepted")[0])

    def ticket(self, project: Path, reqid: str) -> Path:
        content = str(project / "song.json")
        table = {"schema": 1, "reqid": reqid, "project": str(project), "content": content, "style": content}
        return write_ticket(self.service.state / "tickets", json.dumps(table))

    def until_noticed(self) -> None:
        """Until /why says that the share hangs."""
        stem = str(ProjectFolders(self.share).drop / "hot" / "stem.wav")
        wait_for(lambda: "does not answer" in self.osc.ask("/why", stem, answer="/why")[1], what="a share that hangs")


@contextmanager
def served(tmp_path: Path) -> Iterator[Served]:
    here, share = tmp_path / "here", tmp_path / "share"
    for project in (here, share):
        project.mkdir()
        (project / "song.json").write_text('{"seconds": 0.02}')
    hangs = {"QUICK_HANGING": str(share)}
    service = ServiceProcess([here, share], tmp_path / "state", "--hanging", str(share), is_quick=True, environment=hangs)
    seen = Served(service, Osc(service.port), here, share)
    try:
        wait_for(lambda: seen.osc.ask("/status", answer="/status/info")[0] == "idle", what="an idle service")
        seen.osc.ask("/subscribe", answer="/subscribed")
        wait_for(ProjectFolders(share).results.is_dir, what="both projects' folders")
        yield seen
    finally:
        seen.osc.close()
        seen.come_back()
        service.stop()


def test_why_and_stems_and_requests_of_other_folders_are_answered_meanwhile(tmp_path: Path) -> None:
    with served(tmp_path) as seen:
        seen.hang()
        seen.until_noticed()
        write_clip(tmp_path / "made" / "style.wav", seed=2)
        write_clip(tmp_path / "made" / "stem.wav", seconds=0.05)
        stem = ProjectFolders(seen.here).drop / "hot" / "stem.wav"
        (tmp_path / "made").rename(stem.parent)
        job = seen.osc.expect("/done")[0]
        wait_for(lambda: f"job {job} is done" in seen.osc.ask("/why", str(stem), answer="/why")[1], what="its end told")
        seen.remix()
        seen.osc.send("/remix", "song.json", "song.json", "default")  # it lies in both, but only one can be looked at
        seen.osc.expect("/done", seen.osc.expect("/accepted")[0])


def test_why_finds_a_relative_path_in_the_project_that_has_it_although_one_before_it_hangs(tmp_path: Path) -> None:
    with served(tmp_path) as seen:
        later = tmp_path / "later"
        later.mkdir()
        (later / "song.json").write_text('{"seconds": 0.02}')
        seen.ticket(later, "watch it")
        assert seen.osc.expect("/accepted")[1] == "watch it"
        write_clip(tmp_path / "made" / "style.wav", seed=2)
        write_clip(tmp_path / "made" / "stem.wav", seconds=0.05)
        stem = ProjectFolders(later).drop / "hot" / "stem.wav"
        wait_for(stem.parent.parent.is_dir, what="the new project's folders")
        seen.hang()
        seen.until_noticed()
        (tmp_path / "made").rename(stem.parent)
        wait_for(lambda: "is done" in seen.osc.ask("/why", str(stem), answer="/why")[1], what="its end told")
        assert "is done" in seen.osc.ask("/why", str(stem.relative_to(later)), answer="/why")[1]
        assert "does not answer" in seen.osc.ask("/why", str(stem.relative_to(later).with_name("another.wav")), answer="/why")[1]


def test_a_request_for_the_share_is_refused_and_said_to_be_asked_again(tmp_path: Path) -> None:
    with served(tmp_path) as seen:
        seen.hang()
        for _ in range(2):
            seen.osc.send("/remix", "song.json", "song.json", "default", "project", "share", "force", 1)
        code, _, message = seen.osc.expect("/error")
        assert code == "not_found" and "does not answer" in message
        seen.remix()
        seen.come_back()

        def accepted() -> bool:
            seen.osc.send("/remix", "song.json", "song.json", "default", "project", "share", "force", 1)
            while (heard := seen.osc.receive(1.0)) and heard[0] not in ("/accepted", "/error"):
                pass
            return heard is not None and heard[0] == "/accepted"

        wait_for(accepted, what="the share's own remix")


def test_a_ticket_for_the_share_waits_and_those_after_it_do_not(tmp_path: Path) -> None:
    with served(tmp_path) as seen:
        seen.hang()
        theirs, withdrawn = seen.ticket(seen.share, "theirs"), seen.ticket(seen.share, "withdrawn")
        for number in range(3):
            seen.ticket(seen.here, f"ours {number}")
            assert seen.osc.expect("/accepted")[1] == f"ours {number}"
        withdrawn.unlink()
        assert theirs.exists()
        seen.come_back()
        assert seen.osc.expect("/accepted")[1] == "theirs"
        wait_for(lambda: not theirs.exists(), what="the ticket's end")
        seen.remix()
        assert "withdrawn" not in {values[1] for address, values in seen.osc.heard if address == "/accepted"}


def test_cancelling_a_job_whose_ticket_cannot_be_written_keeps_nobody_waiting(tmp_path: Path) -> None:
    with served(tmp_path) as seen:
        (seen.share / "hold").touch()
        seen.osc.send("/remix", "song.json", "song.json", "default", "mine", "project", "share")
        job = seen.osc.expect("/accepted")[0]
        seen.osc.expect("/progress")
        seen.hang()
        seen.osc.ask("/cancel", job, answer="/cancelled")
        seen.remix()
        seen.come_back()
        wait_for((ProjectFolders(seen.share).results / "mine.json").exists, what="the ticket of the cancelled job")


def test_a_job_in_hand_is_put_off_says_why_and_is_done_when_the_share_is_back(tmp_path: Path) -> None:
    with served(tmp_path) as seen:
        (seen.share / "switch").touch()
        (seen.share / "long.json").write_text('{"seconds": 0.2, "hold": "switch"}')
        seen.osc.send("/remix", "long.json", "song.json", "default", "project", "share")
        job = str(seen.osc.expect("/accepted")[0])
        seen.osc.expect("/started", job)
        wait_for(lambda: seen.osc.expect("/progress")[2] == "transfer", what="a render under way")
        seen.hang()
        (seen.share / "switch").unlink()
        code, where, sentence = seen.osc.expect("/error", "not_found", f"job/{job}")
        assert f"'{seen.share}' does not answer" in sentence and "other jobs go on" in sentence, (code, where)
        assert seen.osc.ask("/status", answer="/status/why") == (sentence,)
        assert seen.osc.ask("/status", answer="/status/info")[0] != "paused"
        lines = {line.job: line.waits for line in client.jobs(state=seen.service.state)}
        assert lines[job] == sentence and client.status(state=seen.service.state).why == sentence
        seen.remix()
        seen.come_back()
        seen.osc.expect_each(("/done", job), ("/status/why", ""))
        assert (seen.share / "publishes.log").read_text().split() == [job]


def test_the_service_ends_in_time_while_a_share_hangs(tmp_path: Path) -> None:
    with served(tmp_path) as seen:
        seen.hang()
        seen.until_noticed()
        theirs = seen.ticket(seen.share, "theirs")
        seen.osc.send("/remix", "song.json", "song.json", "default", "project", "share", "force", 1)
        seen.remix()
        seen.service.process.send_signal(signal.SIGTERM)
        assert seen.service.process.wait(PATIENCE_SECONDS) == 0, "the share hangs for longer"
        assert theirs.exists()  # taken at the next start

"""Projects on drives that are away, on shares that hang, and in folders that cannot be written."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from daw_bridge.folders import ProjectFolders
from daw_bridge.service.outbox import registration, write_ticket
from tests.service.conftest import write_clip
from tests.service.wire import Osc, ServiceProcess
from tests.waiting import wait_for


@contextmanager
def served(tmp_path: Path, *projects: Path, words: tuple[str, ...] = ()) -> Iterator[Osc]:
    """A client of a quick service that is ready; its state folder is state/."""
    for project in projects:
        project.mkdir(exist_ok=True)
    service = ServiceProcess(projects, tmp_path / "state", *words, is_quick=True)
    osc = Osc(service.port)
    try:
        wait_for(lambda: osc.ask("/status", answer="/status/info")[0] == "idle", what="an idle service")
        osc.ask("/subscribe", answer="/subscribed")
        yield osc
    finally:
        osc.close()
        (tmp_path / "share.hangs").unlink(missing_ok=True)
        assert service.stop() == (0, "")


def remember(tmp_path: Path, *projects: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "projects.json").write_text(json.dumps([str(project) for project in projects]))


def remembered(tmp_path: Path) -> list[Path]:
    return [Path(text) for text in json.loads((tmp_path / "state" / "projects.json").read_text())]


def remix(osc: Osc, project: Path) -> None:
    """Ask for a remix and wait for it."""
    (project / "song.json").write_text('{"seconds": 0.02}')
    osc.send("/remix", "song.json", "song.json", "default", "project", project.name, "force", 1)
    osc.expect("/done", osc.expect("/accepted")[0])


def test_a_project_whose_drive_is_away_is_kept_in_mind_and_watched_when_it_is_back(tmp_path: Path) -> None:
    here, away = tmp_path / "here", tmp_path / "drive" / "song"
    remember(tmp_path, away)
    with served(tmp_path, here) as osc:
        assert remembered(tmp_path) == [here, away]

        def told() -> list[str]:
            lines = (tmp_path / "state" / "service.log").read_text().splitlines()
            texts = [json.loads(line)["message"] for line in lines]
            return [text for text in texts if text.startswith(f"{away} is not watched until it is there")]

        wait_for(told, what="a line in the log")
        assert not away.parent.exists()
        remix(osc, here)
        away.mkdir(parents=True)
        wait_for(ProjectFolders(away).results.is_dir, what="the folders of the project that is back")
        write_clip(tmp_path / "made" / "style.wav", seed=2)
        write_clip(tmp_path / "made" / "stem.wav")
        (tmp_path / "made").rename(ProjectFolders(away).drop / "hot")
        osc.expect("/done")
        assert len(told()) == 1, "said once"
    assert remembered(tmp_path) == [here, away]


def test_a_share_that_hangs_when_the_service_starts_keeps_nobody_waiting(tmp_path: Path) -> None:
    here, share = tmp_path / "here", tmp_path / "share"
    remember(tmp_path, share)
    share.mkdir()
    (tmp_path / "share.hangs").touch()
    with served(tmp_path, here, words=("--hanging", str(share))) as osc:
        remix(osc, here)
        assert remembered(tmp_path) == [here, share] and not ProjectFolders(share).root.exists()
        (tmp_path / "share.hangs").unlink()
        wait_for(ProjectFolders(share).results.is_dir, what="the folders of the project that is back")


def test_a_share_that_hangs_later_on_keeps_no_job_waiting(tmp_path: Path) -> None:
    here, share = tmp_path / "here", tmp_path / "share"
    with served(tmp_path, here, share, words=("--hanging", str(share))) as osc:
        remix(osc, share)
        (tmp_path / "share.hangs").touch()
        for _ in range(5):  # and old files are looked for all the time
            remix(osc, here)


def test_a_project_that_cannot_be_written_is_refused_each_time_and_not_kept(tmp_path: Path) -> None:
    here, poor = tmp_path / "here", tmp_path / "poor"
    poor.mkdir()
    (poor / "daw_bridge").write_text("a file where the folder should be")
    with served(tmp_path, here) as osc:
        for _ in range(2):
            write_ticket(tmp_path / "state" / "tickets", registration(poor))
            assert osc.expect("/error")[0] == "forbidden_path"
        osc.ask("/status", answer="/status/info")
        assert remembered(tmp_path) == [here]
        (poor / "daw_bridge").unlink()
        write_ticket(tmp_path / "state" / "tickets", registration(poor))
        wait_for(lambda: remembered(tmp_path) == [here, poor], what="the project that can be written now")

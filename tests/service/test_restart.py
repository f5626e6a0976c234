"""The service is killed at its worst moments: what was accepted is rendered once, what was dropped is asked for once."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from daw_bridge.folders import ProjectFolders
from tests.service.conftest import write_clip
from tests.service.wire import Osc, ServiceProcess
from tests.waiting import wait_for

RENDER_SECONDS = 90.0


def test_jobs_and_drops_survive_kill_9_and_come_back_once(tmp_path: Path) -> None:
    project, state = tmp_path / "project", tmp_path / "state"
    folders = ProjectFolders(project)
    song, style = write_clip(project / "song.wav"), write_clip(project / "style.wav", seed=3)
    first = ServiceProcess([project], state)
    osc = Osc(first.port)
    try:
        osc.send("/remix", song.name, style.name, "default", "num_steps", 30)
        asked = osc.expect("/accepted")[0]  # asked while it starts: kept until the store is open
        osc.ask("/subscribe", answer="/subscribed")
        _hot_folder(tmp_path).rename(folders.drop / "hot")
        dropped = osc.expect("/accepted")[0]
        osc.expect("/progress", seconds=RENDER_SECONDS)
    finally:
        first.process.kill()
        first.stop()
        osc.close()

    second = ServiceProcess([project], state)
    osc = Osc(second.port)
    osc.ask("/subscribe", answer="/subscribed")
    try:
        for job in (asked, dropped):
            wait_for(partial(_is_done, osc, job), RENDER_SECONDS, f"{job} done")
        assert osc.ask("/jobs", answer="/jobs/end")[0] == 2
    finally:
        osc.close()
        assert second.stop() == (0, "")
    assert sorted(path.name for path in folders.remixes.glob("*.wav")) == [
        "song__default__style__v001.wav",
        "stem__default__hot__v001.wav",
    ]
    assert not (state / "service.json").exists()


def _hot_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "made before"
    write_clip(folder / "style.wav", seed=4)
    write_clip(folder / "stem.wav", seed=5)
    (folder / "folder.toml").write_text("[parameters]\nnum_steps = 2\n")
    return folder


def _is_done(osc: Osc, job: str) -> bool:
    osc.send("/job", job)
    heard = osc.receive(0.5)
    while heard is not None:
        if heard[0] == "/done" and heard[1][0] == job:
            return True
        assert heard[0] not in ("/failed", "/cancelled", "/error"), heard
        heard = osc.receive(0.05)
    return False


@pytest.mark.parametrize("kind", ["nothing there", "a file"])
def test_serve_refuses_what_is_no_project_in_one_sentence(tmp_path: Path, kind: str) -> None:
    project = tmp_path / "x"
    if kind == "a file":
        project.write_text("")
    with pytest.raises(AssertionError, match="not_found"):
        ServiceProcess([project], tmp_path / "state")

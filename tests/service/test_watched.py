"""Folders of the configuration are watched by the running service; a service that is asked to leave takes its jobs up again."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from daw_bridge.folders import ProjectFolders
from tests.service.conftest import write_clip
from tests.service.wire import Osc, ServiceProcess
from tests.waiting import wait_for

RENDER_SECONDS = 120.0


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_a_stem_in_a_watched_folder_is_kept_and_its_job_outlives_a_stop(tmp_path: Path, sign: signal.Signals) -> None:
    project, other, bounces = tmp_path / "project", tmp_path / "another project", tmp_path / "bounces"
    project.mkdir()  # nobody names it but the watched folder
    other.mkdir()
    style = write_clip(tmp_path / "style.wav", seed=3)
    stem = write_clip(bounces / "lead.wav", seconds=0.05)
    (project / "hold").touch()
    watched = f'[{{path = "{bounces}", project = "{project}", style = "{style}"}}]'
    environment = {"DAW_BRIDGE_WATCH": watched}
    service = ServiceProcess([other], tmp_path / "state", is_quick=True, environment=environment)
    osc = Osc(service.port)
    osc.ask("/subscribe", answer="/subscribed")
    job = osc.expect("/progress")[1]
    osc.expect("/progress")
    service.process.send_signal(sign)
    osc.expect("/shutdown")
    osc.close()
    assert service.stop() == (0, "")
    assert not (tmp_path / "state" / "service.json").exists()
    (project / "hold").unlink()
    service = ServiceProcess([other], tmp_path / "state", is_quick=True, environment=environment)
    osc = Osc(service.port)
    try:
        wait_for(lambda: f"job {job} is done" in str(osc.ask("/why", str(stem), answer="/why")[1]), what="the remix")
    finally:
        osc.close()
        assert service.stop() == (0, "")
    assert stem.is_file()
    assert (project / "publishes.log").read_text().split() == [job]
    attributes = [json.loads(line)["message"] for line in (tmp_path / "state" / "service.log").read_text().splitlines()]
    assert not any("died" in text for text in attributes)  # leaving is no crash


def test_two_services_on_one_folder_make_one_remix_of_each_stem(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    folders = ProjectFolders(project)
    services = [ServiceProcess([project], tmp_path / f"state {number}") for number in range(2)]
    clients = [Osc(service.port) for service in services]
    try:
        for client in clients:
            client.ask("/subscribe", answer="/subscribed")
        write_clip(tmp_path / "made" / "style.wav", seed=4)
        for number in range(2):
            write_clip(tmp_path / "made" / f"stem {number}.wav", seconds=0.5, seed=number)
        (tmp_path / "made" / "folder.toml").write_text("[parameters]\nnum_steps = 1\n")
        (tmp_path / "made").rename(folders.drop / "hot")  # all of it at once, however slow the disk is
        paths = [{client.expect("/done", seconds=RENDER_SECONDS)[1] for _ in range(2)} for client in clients]
    finally:
        for client in clients:
            client.close()
        for service in services:
            assert service.stop() == (0, "")
    assert paths[0] == paths[1] == {str(path) for path in folders.remixes.glob("*.wav")}
    assert len(paths[0]) == 2
    assert not folders.errors.exists()


def test_a_stem_that_was_asked_for_by_hand_before_is_told_of_to_its_end(quick: ServiceProcess, quick_osc: Osc) -> None:
    project = Path(json.loads((quick.state / "projects.json").read_text())[0])
    folders = ProjectFolders(project)
    style, stem = folders.drop / "by hand" / "style.wav", folders.drop / "by hand" / "stem.wav"
    (project / "hold").touch()
    try:
        write_clip(style, seed=3)
        write_clip(stem)
        stem.with_name("folder.toml").write_text('originals = "move"\n')
        names = [str(path.relative_to(project)) for path in (stem, style)]
        job = quick_osc.ask("/remix", *names, "default", "project", project.name, answer="/accepted")[0]
        sentence = f"job {job} is accepted"
        wait_for(lambda: sentence in quick_osc.ask("/why", str(stem), answer="/why")[1], what="a drop that the job answers")
    finally:
        (project / "hold").unlink()
    wait_for(lambda: f"job {job} is done" in quick_osc.ask("/why", str(stem), answer="/why")[1], what="its end told")
    wait_for((folders.done / "by hand" / "stem.wav").exists, what="the original in done/")

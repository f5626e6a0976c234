"""The script against the real service: asked in Lua, rendered for good, landed in the simulated arrangement."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from daw_bridge.presets import load_preset, preset_ids
from tests.reaper.desk import RATE, Desk, new_item, song
from tests.reaper.simulator import SCRIPTS, Reaper
from tests.service.wire import Osc
from tests.waiting import wait_for

START_SECONDS, RENDER_SECONDS = 60, 150


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The state folder of a running service, on a free port; it knows one project, and not the desks'."""
    folder = tmp_path_factory.mktemp("service")
    (folder / "first").mkdir()
    state, log = folder / "state", folder / "service.txt"
    command = [sys.executable, "-m", "daw_bridge", "serve", str(folder / "first"), "--state", str(state), "--port", "0"]
    with log.open("wb") as output:
        service = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env={**os.environ, "PYTHONUNBUFFERED": "1"})
    try:
        deadline = time.monotonic() + START_SECONDS
        while not (state / "service.json").is_file():
            assert service.poll() is None and time.monotonic() < deadline, log.read_text(encoding="utf-8", errors="replace")
            time.sleep(0.05)
        wait_for(lambda: _status(state) == "idle", what="an idle service")
        yield state
    finally:
        service.send_signal(signal.SIGTERM)
        try:
            service.wait(60)
        except subprocess.TimeoutExpired:
            service.kill()
            service.wait()
    assert service.returncode == 0, log.read_text(encoding="utf-8", errors="replace")


@pytest.fixture
def quick(lua_version: str, state: Path, desk: Desk, tmp_path: Path) -> Reaper:
    """A REAPER whose scripts lie in a folder of their own, with settings that name the service's state and few steps."""
    scripts = tmp_path / "scripts"
    shutil.copytree(SCRIPTS, scripts)
    (scripts / "daw_bridge.conf").write_text(f"state_dir = {state}\nparam.num_steps = 2\n", encoding="utf-8")
    return Reaper(lua_version, {"HOME": str(tmp_path)}, scripts=scripts)


def test_the_remix_of_the_selected_item_lands_in_the_arrangement(quick: Reaper, desk: Desk) -> None:
    project = song(quick, desk)
    quick.run()
    assert len(quick.boxes) == 1, "asked whether the project may be used"
    (menu,) = quick.world.menus.values()
    assert {load_preset(preset_id).title.replace("|", "/") for preset_id in preset_ids()} <= set(re.split(r"[|!]+", menu))
    quick.tick_until(lambda: len(quick.tracks(project)) == 4, RENDER_SECONDS)
    quick.ticks(10)
    assert quick.tick() == 0
    assert quick.tracks(project) == ["Drums", "Vocal", "Vocal remix", "Bass"]
    item = new_item(project)
    take = item.takes[1]
    assert item["values"]["D_POSITION"] == 12.3456789 and item["values"]["D_LENGTH"] == 2.0
    assert take["values"]["D_STARTOFFS"] == 0.0 and take.source.has_peaks
    remix, rate = soundfile.read(take.source.path)
    content, _ = soundfile.read(desk.content, start=RATE // 2, frames=2 * RATE)
    assert rate == RATE and remix.shape == content.shape
    assert soundfile.info(take.source.path).subtype == "PCM_24"
    assert np.sqrt(np.mean((remix - content) ** 2)) > 1e-3, "it is another sound"
    assert len(list((desk.project / "daw_bridge" / "remixes").glob("*.wav"))) == 1
    assert not list((desk.project / "daw_bridge" / "results").glob("*.json"))
    assert quick.undo_labels(project) == ["Remix of vocal take"]
    assert quick.boxes[1:] == [] and quick.console == [] and quick.violations == []


def test_what_the_service_refuses_is_said_in_one_sentence(quick: Reaper, desk: Desk) -> None:
    project = song(quick, desk)
    desk.style.write_bytes(b"this is a letter, not a recording" * 100)
    quick.run()
    quick.tick_until(lambda: len(quick.boxes) == 2, RENDER_SECONDS)
    assert quick.boxes[1].startswith("The remix of 'vocal take' failed: ") and "\n" not in quick.boxes[1]
    assert len(quick.tracks(project)) == 3 and quick.violations == []


def _status(state: Path) -> str:
    """What the service says of itself, asked by UDP."""
    client = Osc(json.loads((state / "service.json").read_text(encoding="utf-8"))["port"])
    try:
        return str(client.ask("/status", answer="/status/info")[0])
    finally:
        client.close()


def test_stems_of_a_time_selection_and_the_take_of_an_effected_item_come_back(quick: Reaper, desk: Desk) -> None:
    project = song(quick, desk)
    item = project.tracks[2]["items"][1]
    item.takes[1]["effects"] = quick.lua.table(quick.lua.table_from({"is_enabled": True}))
    quick.run("daw_bridge_Remix as new take.lua")
    project["selection_start"], project["selection_stop"] = 12.5, 13.5
    project.tracks[2]["is_selected"] = True
    quick.run("daw_bridge_Remix time selection of selected tracks.lua")
    quick.tick_until(lambda: len(quick.tracks(project)) == 4 and item["active"] == 2, RENDER_SECONDS)
    quick.ticks(10)
    take, stem = item.takes[2], new_item(project)
    assert soundfile.info(take.source.path).frames == 2 * RATE
    assert soundfile.info(stem.takes[1].source.path).frames == 48_000 and stem["values"]["D_POSITION"] == 12.5
    assert not list((desk.project / "daw_bridge" / "contents").iterdir())
    assert quick.boxes[1:] == [] and quick.console == [] and quick.violations == []


def test_the_listener_brings_in_what_a_command_asked_for_and_makes_the_service_rest(
    quick: Reaper, desk: Desk, state: Path
) -> None:
    project = song(quick, desk)
    project.tracks[2]["items"][1]["is_selected"] = False
    quick.run("daw_bridge_Listener (toggle).lua")
    project["play_state"] = 5
    quick.tick_until(lambda: _status(state) == "paused", RENDER_SECONDS)
    project["play_state"] = 0
    quick.tick_until(lambda: _status(state) != "paused", RENDER_SECONDS)
    command = [sys.executable, "-m", "daw_bridge", "send", str(desk.content), "--style", str(desk.style), "--start", "1"]
    words = ["--length", "0.5", "--param", "num_steps=2", "--project", str(desk.project), "--state", str(state), "--no-wait"]
    subprocess.run([*command, *words], check=True, timeout=120, capture_output=True)
    quick.tick_until(lambda: len(quick.tracks(project)) == 4, RENDER_SECONDS)
    item = new_item(project)
    assert item["values"]["D_POSITION"] == pytest.approx(12.8456789) and item["values"]["D_LENGTH"] == pytest.approx(0.5)
    assert quick.boxes == [] and quick.console == [] and quick.violations == []


def test_cancel_from_reaper_ends_the_job(quick: Reaper, desk: Desk) -> None:
    (quick.scripts / "daw_bridge.conf").write_text(
        (quick.scripts / "daw_bridge.conf").read_text(encoding="utf-8").replace("num_steps = 2", "num_steps = 2000")
    )
    project = song(quick, desk)
    quick.run()

    def said() -> list[str]:
        return [drawn.text for drawn in quick.world.drawn.values() if drawn.text and "%" in drawn.text]

    quick.tick_until(lambda: bool(said()), RENDER_SECONDS)
    quick.run("daw_bridge_Cancel.lua")
    quick.tick_until(lambda: "was cancelled" in list(quick.world.hints.values())[-1], RENDER_SECONDS)
    quick.ticks(2)
    assert quick.tick() == 0 and len(quick.tracks(project)) == 3 and quick.violations == []

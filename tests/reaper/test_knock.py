"""The knock after a ticket, against a real service that would otherwise not look for tickets for an hour."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.command import TREE, run
from tests.reaper.desk import Desk, song
from tests.reaper.simulator import SCRIPTS, Reaper
from tests.service.wire import Osc, ServiceProcess
from tests.waiting import wait_for

LAST = "daw_bridge_Remix selected item with last settings.lua"
SECONDS = 60.0


@pytest.fixture(scope="module")
def blind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    """A service that finds tickets by a knock alone; its state folder has a name with a space and a letter of Czech."""
    folder = tmp_path_factory.mktemp("blind")
    (folder / "first").mkdir()
    service = ServiceProcess([folder / "first"], folder / "state ž", "--blind", is_quick=True)
    client = Osc(service.port)
    wait_for(lambda: client.ask("/status", answer="/status/info")[0] == "idle", SECONDS, "a service that is ready")
    client.close()
    yield service
    assert service.stop() == (0, "")


@pytest.fixture
def command(tmp_path: Path) -> Path:
    """`daw-bridge` as an installation has it: a file to execute."""
    path = tmp_path / "my programs" / "daw-bridge"
    path.parent.mkdir()
    path.write_text(f'#!/bin/sh\ncd "{TREE}" && exec "{sys.executable}" -m daw_bridge "$@"\n')
    path.chmod(0o755)
    return path


def asked(reaper: Reaper, desk: Desk, state: Path) -> Path:
    """Have two remixes asked for, of two items; the folder of their tickets."""
    project = song(reaper, desk)
    reaper.add_item(project.tracks[2], desk.content, name="second", D_POSITION=40.0, D_LENGTH=1.0)
    reaper.add_item(project.tracks[2], desk.content, name="third", D_POSITION=50.0, D_LENGTH=1.0)
    reaper.run()
    reaper.tick()
    assert sum("asked for" in hint for hint in reaper.world.hints.values()) == 3
    return state / "tickets"


def configured(lua_version: str, desk: Desk, scripts: Path, state: Path, command: Path | None) -> Reaper:
    """A REAPER whose scripts know the service, and the command where there is one."""
    shutil.copytree(SCRIPTS, scripts)
    lines = [f"state_dir = {state}", *([f"command = {command}"] if command else [])]
    (scripts / "daw_bridge.conf").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return Reaper(lua_version, desk.env, scripts=scripts)


def taken(tickets: Path) -> None:
    wait_for(lambda: not list(tickets.glob("*.json")), SECONDS, "tickets that were taken")


def test_without_sockets_the_installed_command_knocks_once_for_all_and_nobody_waits_for_it(
    lua_version: str, desk: Desk, blind: ServiceProcess, command: Path, tmp_path: Path
) -> None:
    reaper = configured(lua_version, desk, tmp_path / "scripts", blind.state, command)
    tickets = asked(reaper, desk, blind.state)
    (line,) = reaper.world.processes.values()
    assert line == f'"{command}" knock --state "{blind.state}"'
    subprocess.run(["sh", "-c", line], check=True, timeout=SECONDS, capture_output=True)
    taken(tickets)
    assert reaper.violations == []


def test_with_sockets_a_message_knocks(
    lua_version: str, desk: Desk, blind: ServiceProcess, tmp_path: Path, command: Path
) -> None:
    reaper = configured(lua_version, desk, tmp_path / "scripts", blind.state, command)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ours:
        reaper.give_sockets(ours)
        taken(asked(reaper, desk, blind.state))
    assert list(reaper.world.processes.values()) == [] and reaper.violations == []


@pytest.mark.parametrize("hindrance", ["no command", "command gone", "no service", "a path that a shell would understand"])
def test_where_no_knock_is_safe_or_of_use_the_ticket_waits(
    hindrance: str, lua_version: str, desk: Desk, command: Path, tmp_path: Path
) -> None:
    state = tmp_path / ("state $(reboot)" if "shell" in hindrance else "state")
    state.mkdir()
    if hindrance != "no service":
        (state / "service.json").write_text(json.dumps({"host": "127.0.0.1", "port": 9, "lan": False}))
    named = {"no command": None, "command gone": tmp_path / "gone"}.get(hindrance, command)
    reaper = configured(lua_version, desk, tmp_path / "scripts", state, named)
    asked(reaper, desk, state)
    assert list(reaper.world.processes.values()) == [] and reaper.violations == []


def test_on_windows_a_percent_sign_is_not_let_through(lua_version: str, desk: Desk, command: Path, tmp_path: Path) -> None:
    seen: dict[str, Any] = {}
    for name in ("50%", "50 $"):
        state = tmp_path / name
        state.mkdir()
        (state / "service.json").write_text(json.dumps({"host": "127.0.0.1", "port": 9, "lan": False}))
        reaper = configured(lua_version, desk, tmp_path / f"scripts {name}", state, command)
        reaper.world["os_name"] = "Win64"
        asked(reaper, desk, state)
        seen[name] = len(list(reaper.world.processes.values()))
        assert reaper.violations == []
    assert seen == {"50%": 0, "50 $": 1}


def test_the_command_says_what_the_service_does_or_that_there_is_none(blind: ServiceProcess, tmp_path: Path) -> None:
    done = run("knock", "--state", blind.state)
    assert (done.returncode, done.stderr) == (0, "") and done.stdout.strip() in ("idle", "rendering")
    assert "[not_found]" in run("knock", "--state", tmp_path).stderr

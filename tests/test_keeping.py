"""The commands that ask and keep the service: as processes, for people and for programs."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.command import run
from tests.service.wire import Osc, ServiceProcess
from tests.waiting import wait_for


def read(*words: object, code: int = 0, **environment: str) -> object:
    """What a command with --json says."""
    done = run(*words, "--json", folder=None, **environment)
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout)


def test_every_asking_command_speaks_json(tmp_path: Path) -> None:
    project, state = tmp_path / "project", tmp_path / "state"
    project.mkdir()
    (project / "poor.json").write_text('{"do": "refuse"}')
    service = ServiceProcess([project], state, is_quick=True)
    osc = Osc(service.port)
    try:
        wait_for(lambda: osc.ask("/status", answer="/status/info")[0] == "idle", what="an idle service")
        osc.ask("/subscribe", answer="/subscribed")
        osc.send("/remix", "poor.json", "poor.json", "default")
        job = osc.expect("/accepted")[0]
        osc.expect("/failed", job)
        own = ("--state", state)
        status = read("status", *own)
        assert isinstance(status, dict) and (status["state"], status["n_queued"]) == ("idle", 0)
        jobs = read("jobs", *own)
        assert isinstance(jobs, list) and [(j["job"], j["state"], j["content"]) for j in jobs] == [(job, "failed", "poor.json")]
        assert read("retry", job, *own) == {"job": job[:-1] + "2"}
        osc.expect("/failed", job[:-1] + "2")
        assert read("pause", *own) == {"state": "paused"}
        assert read("resume", *own) == {"state": "idle"}
        poor = project / "poor.json"
        assert read("why", poor, *own) == {"file": str(poor), "why": "no hot folder has seen it"}
        refusal = read("cancel", job, *own, code=1)
        assert isinstance(refusal, dict) and refusal["error"]["code"] == "not_cancellable"
        assert run("jobs", *own).stdout.splitlines()[-1].startswith(job)
    finally:
        osc.close()
        assert service.stop() == (0, "")


def test_config_show_is_toml_that_says_what_overrides_what(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("port = 9000\n")
    shown = run("config", "show", "--state", tmp_path, DAW_BRIDGE_KEEP_DAYS="9").stdout
    assert tomllib.loads(shown)["port"] == 9000 and tomllib.loads(shown)["keep_days"] == 9
    assert "Now: from the environment." in shown and "flag --port, environment DAW_BRIDGE_PORT" in shown
    (tmp_path / "config.toml").write_text("prt = 9000\n")
    assert "Did you mean 'port'?" in run("config", "show", "--state", tmp_path).stderr


def test_the_doctor_finds_a_well_machine_well_and_says_what_to_do_about_an_ill_one(tmp_path: Path) -> None:
    home = str(tmp_path)
    findings = read("doctor", "--state", tmp_path / "state", DAW_BRIDGE_PORT="0", HOME=home)
    assert isinstance(findings, list)
    whats = [finding["what"] for finding in findings]
    assert whats == ["Python", "SQLite", "weights", "device", "configuration", "port", "state folder", "clock", "REAPER scripts"]
    assert all(finding["is_well"] for finding in findings), findings
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "config.toml").write_text(f'port = 0\n[roots]\ngone = "{tmp_path}/gone"\n')
    (tmp_path / "state" / "projects.json").write_text(f'["{tmp_path}/drive/song"]')
    (tmp_path / ".config" / "REAPER").mkdir(parents=True)
    (tmp_path / ".config" / "REAPER" / "reaper.ini").touch()
    done = run("doctor", "--state", tmp_path / "state", HOME=home)
    assert done.returncode == 1
    assert "NOT OK  configuration" in done.stdout and "Make these folders" in done.stdout
    assert f"NOT OK  project song: {tmp_path}/drive/song is not there" in done.stdout and "Connect its drive" in done.stdout
    assert "daw-bridge install-reaper" in done.stdout


@pytest.mark.skipif(sys.platform != "linux", reason="systemd is Linux's")
def test_a_systemd_unit_is_written_and_removed(tmp_path: Path) -> None:
    environment = {"XDG_CONFIG_HOME": str(tmp_path / "config"), "XDG_RUNTIME_DIR": str(tmp_path), "DBUS_SESSION_BUS_ADDRESS": ""}
    state = tmp_path / 'a "state" 100% $HOME'
    done = run("service", "install", "--state", state, folder=None, **environment)
    assert done.returncode == 0, done.stderr
    unit = tmp_path / "config" / "systemd" / "user" / "daw-bridge.service"
    text = unit.read_text()
    assert f'ExecStart="{sys.executable}" "-m" "daw_bridge" "serve" "--state"' in text
    assert 'a \\"state\\" 100%% $$HOME"' in text
    assert "systemctl --user enable --now daw-bridge.service" in done.stdout
    if analyze := shutil.which("systemd-analyze"):
        verdict = subprocess.run([analyze, "verify", "--user", "--man=no", str(unit)], capture_output=True, text=True, timeout=30)
        assert "daw-bridge.service:" not in verdict.stderr, verdict.stderr
    done = run("service", "uninstall", folder=None, **environment)
    assert done.returncode == 0 and not unit.exists()
    again = run("service", "uninstall", folder=None, **environment)
    assert again.returncode == 1 and "not_found" in again.stderr

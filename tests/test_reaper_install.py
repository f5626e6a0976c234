"""Putting the scripts into a resource folder as REAPER has it, and taking them away, by the real command."""

from __future__ import annotations

import hashlib
import importlib
import json
import os
from pathlib import Path
from typing import Any

import pytest

from daw_bridge import reaper_install
from daw_bridge.errors import BadArguments, ForbiddenPath, NotFound
from daw_bridge.presets import preset_ids
from tests.command import TREE, run

SOURCE = TREE / "reaper_scripts"
CONF = "Scripts/daw_bridge/daw_bridge.conf"


@pytest.fixture
def resource(tmp_path: Path) -> Path:
    """REAPER's resource folder after its first start, with a script and an action of the user's own."""
    folder = tmp_path / "config ž" / "REAPER"
    (folder / "Scripts").mkdir(parents=True)
    (folder / "reaper.ini").write_text("[REAPER]\nlastproject=\n")
    (folder / "reaper-kb.ini").write_text('SCR 4 0 RS1 "Custom: mine.lua" mine.lua\n')
    (folder / "Scripts" / "mine.lua").write_text("-- mine")
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def read_in_lua(version: str, scripts: Path) -> Any:
    """What the installed scripts' own reader makes of the installed settings."""
    lua = importlib.import_module(f"lupa.{version}").LuaRuntime(unpack_returned_tuples=True, encoding="utf-8")
    lua.execute("package.path = ...", str(scripts / "lib" / "?.lua"))
    return lua.eval("function(path) return (require('settings')).read(path) end")(str(scripts / "daw_bridge.conf"))


@pytest.mark.parametrize("version", ["lua53", "lua54"])
def test_the_command_installs_the_scripts_with_settings_that_lua_reads(resource: Path, tmp_path: Path, version: str) -> None:
    before, state = contents(resource), tmp_path / "state of a user"
    done = run("install-reaper", "--resource-path", resource, "--state", state)
    assert (done.returncode, done.stderr) == (0, "")
    scripts = resource / "Scripts" / "daw_bridge"
    next_step = done.stdout.splitlines()[-1]
    assert "Actions → Show action list" in next_step
    assert str(scripts) in next_step
    for path in SOURCE.rglob("*.lua"):
        assert (scripts / path.relative_to(SOURCE)).read_bytes() == path.read_bytes()
    assert not (scripts / "controllers").exists()
    after = contents(resource)
    assert {name: after[name] for name in before} == before, "no file of REAPER's or the user's was touched"
    settings = read_in_lua(version, scripts)
    assert Path(settings["state_dir"]) == state
    assert {path.stem for path in Path(settings["presets"]).glob("*.toml")} <= set(preset_ids())
    assert Path(settings["presets"], "default.toml").is_file()
    if settings["command"] is not None:
        assert os.access(settings["command"], os.X_OK) and Path(settings["command"]).is_absolute()


def test_an_update_keeps_what_it_replaces_and_the_users_own_lines(resource: Path, tmp_path: Path) -> None:
    source = tmp_path / "older"
    (source / "lib").mkdir(parents=True)
    for name in ("daw_bridge_Remix selected item.lua", "daw_bridge_Gone.lua", "lib/json.lua", "lib/gone.lua"):
        (source / name).write_text(f"-- older {name}")
    reaper_install.install(resource, state=tmp_path, source=source, command=tmp_path / "daw-bridge")
    scripts = resource / "Scripts" / "daw_bridge"
    (scripts / "lib" / "gone.lua").write_text("-- changed by the user")
    (scripts / "notes.txt").write_text("the user's own")
    conf = resource / CONF
    conf.write_text(conf.read_text().replace(str(tmp_path), "/elsewhere", 1) + "preset = tape\nparam.strength = 0.5\n")
    changed = conf.read_bytes()
    done = reaper_install.install(resource, state=tmp_path)
    assert done.kept is not None
    assert contents(done.kept) == {
        "daw_bridge_Remix selected item.lua": b"-- older daw_bridge_Remix selected item.lua",
        "lib/json.lua": b"-- older lib/json.lua",
        "lib/gone.lua": b"-- changed by the user",
        "daw_bridge.conf": changed,
    }
    assert not (scripts / "daw_bridge_Gone.lua").exists() and not (scripts / "lib" / "gone.lua").exists()
    assert (scripts / "notes.txt").is_file()
    settings = read_in_lua("lua54", scripts)
    assert (settings["preset"], settings["params"]["strength"]) == ("tape", 0.5)
    assert Path(settings["state_dir"]) == tmp_path
    again = reaper_install.install(resource, state=tmp_path)
    assert again.kept is None, "nothing to do, nothing to keep"


def test_removal_leaves_what_was_there_before_and_keeps_changes(resource: Path, tmp_path: Path) -> None:
    before = contents(resource)
    assert run("install-reaper", "--resource-path", resource).returncode == 0
    done = run("uninstall-reaper", "--resource-path", resource)
    assert (done.returncode, done.stderr) == (0, "")
    assert contents(resource) == before
    assert not (resource / "Scripts" / "daw_bridge").exists()
    assert "[not_found]" in run("uninstall-reaper", "--resource-path", resource).stderr
    reaper_install.install(resource, state=tmp_path)
    (resource / CONF).write_text("preset = mine\n")
    changed = reaper_install.uninstall(resource)
    assert changed.kept is not None
    assert contents(changed.kept) == {"daw_bridge.conf": b"preset = mine\n"}


def test_a_folder_that_is_not_reapers_is_refused(tmp_path: Path) -> None:
    done = run("install-reaper", "--resource-path", tmp_path)
    assert done.returncode == 1
    assert "Show REAPER resource path" in done.stderr and done.stderr.strip().endswith("[not_found]")
    assert list(tmp_path.iterdir()) == []
    portable = run("install-reaper", "--portable", "--resource-path", tmp_path)
    assert "holds neither reaper.ini nor REAPER itself" in portable.stderr


def test_a_portable_reaper_has_its_resources_beside_the_program(tmp_path: Path) -> None:
    (tmp_path / "reaper.exe").touch()
    with pytest.raises(NotFound):
        reaper_install.resource_folder(tmp_path)
    done = run("install-reaper", "--portable", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / CONF).is_file()


def test_a_linked_folder_of_scripts_is_left_alone(resource: Path, tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    (resource / "Scripts" / "daw_bridge").symlink_to(tmp_path / "tree", target_is_directory=True)
    with pytest.raises(ForbiddenPath):
        reaper_install.install(resource, state=tmp_path)
    assert list((tmp_path / "tree").iterdir()) == []


def test_a_manifest_names_nothing_outside_its_folder(resource: Path, tmp_path: Path) -> None:
    reaper_install.install(resource, state=tmp_path)
    manifest = resource / "Scripts" / "daw_bridge" / "installed.json"
    digest = hashlib.sha256((resource / "Scripts" / "mine.lua").read_bytes()).hexdigest()
    manifest.write_text(json.dumps({"files": {"../mine.lua": digest, str(resource / "reaper.ini"): digest, "lib/json.lua": ""}}))
    reaper_install.uninstall(resource)
    assert (resource / "Scripts" / "mine.lua").is_file()
    assert (resource / CONF).is_file()


def test_a_path_that_the_settings_cannot_hold_is_refused(resource: Path) -> None:
    with pytest.raises(BadArguments):
        reaper_install.install(resource, state=Path("/state\npreset = other"))
    assert not (resource / "Scripts" / "daw_bridge").exists()

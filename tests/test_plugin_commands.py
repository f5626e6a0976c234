"""`daw-bridge plugins`: as a real process with a real plugin, from allowing it to a preset that uses it."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from daw_bridge.preset import preset_from
from tests.command import run
from tests.plugin.building import NAME


@pytest.fixture(autouse=True)
def _own_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAW_BRIDGE_PLUGINS", str(tmp_path / "plugins.json"))
    monkeypatch.setenv("DAW_BRIDGE_PRESETS", str(tmp_path))


def test_a_plugin_is_allowed_shown_used_by_a_preset_and_forgotten(vst3: Path, tmp_path: Path) -> None:
    allowed = run("plugins", "allow", vst3, "--limit", 60)
    assert allowed.returncode == 0 and f'allowed: plugin = "vst3", name = "{NAME}"' in allowed.stdout, allowed.stderr
    assert run("plugins", "list").stdout.split("  ")[0] == NAME
    (listed,) = json.loads(run("plugins", "list", "--json").stdout)
    assert (listed["name"], listed["format"], listed["path"], listed["version"]) == (NAME, "vst3", str(vst3), "1.2.3")
    shown = run("plugins", "show", NAME)
    assert 'name = "Bridge Test"' in shown.stdout and "# gain_db: -60 to 20" in shown.stdout, shown.stderr
    head = 'schema = 1\ntitle = "Own"\nabout = "A plugin of mine."\nextends = "default"\n\n'
    (tmp_path / "own.toml").write_text(head + shown.stdout)
    checked = run("presets", "check", "own")
    assert checked.returncode == 0 and "own: good" in checked.stdout, checked.stderr
    assert "gain_db = 0.0" in run("presets", "show", "own").stdout.replace('"', "")
    assert run("plugins", "forget", NAME).stdout == f"forgotten: {NAME}\n"
    assert "none is allowed yet" in run("plugins", "list").stderr
    refused = run("presets", "check", "own")
    assert refused.returncode == 1
    assert f"VST3 '{NAME}' is not allowed here. Allow it on this computer" in refused.stderr
    assert refused.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("allow", "/nowhere/Thing.vst3"), "plugin file '/nowhere/Thing.vst3' does not exist"),
        (("allow", "/nowhere/Thing.txt"), "'Thing.txt' is no plugin that can be loaded"),
        (("allow", "/nowhere/Thing.vst3", "--limit", "0"), "limit=0 must lie from 1 to 3600 s"),
        (("show", "Thing"), "plugin 'Thing' is not on the list. Known: none."),
        (("forget", "Thing"), "plugin 'Thing' is not on the list. Known: none."),
    ],
)
def test_what_cannot_be_is_said_in_one_line(arguments: tuple[str, ...], said: str) -> None:
    done = run("plugins", *arguments)
    assert done.returncode == 1 and said in done.stderr and done.stderr.count("\n") == 1


def test_the_printed_step_is_toml_that_a_preset_reads(vst3: Path) -> None:
    run("plugins", "allow", vst3, "--limit", 60)
    table = tomllib.loads('schema = 1\ntitle = "T"\nabout = "A."\n' + run("plugins", "show", NAME).stdout)
    (step,) = preset_from(table, "x").post
    assert step.name == NAME and step.parameters["crash"] == 0.0 and step.is_hosted

"""The `presets` commands, as processes."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from daw_bridge import preset_commands
from daw_bridge.errors import BadArguments, BadParameter, ForbiddenPath, NotFound, UnknownPreset
from daw_bridge.presets import load_preset
from tests.command import COMMAND


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's own presets, not there yet."""
    monkeypatch.setenv("DAW_BRIDGE_PRESETS", str(tmp_path / "presets"))
    return tmp_path / "presets"


def presets(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, "presets", *words], capture_output=True, text=True, encoding="utf-8", timeout=60)


def test_a_new_preset_extends_another_and_is_good_at_once(folder: Path) -> None:
    made = presets("new", "my-vinyl", "--from", "vinyl", "--title", 'The "old" one')
    assert made.stdout.strip() == str(folder / "my-vinyl.toml")
    assert presets("check", "my-vinyl").stdout.startswith("my-vinyl: good")
    assert load_preset("my-vinyl").title == 'The "old" one'
    assert load_preset("my-vinyl").post == load_preset("vinyl").post
    named = (folder / "my-vinyl.toml").read_text().splitlines()[0].removeprefix("#:schema ./")
    assert json.loads((folder / named).read_text())["title"] == "daw-bridge preset"
    again = presets("new", "my-vinyl")
    assert again.returncode == 1 and "exists already" in again.stderr and "[forbidden_path]" in again.stderr


def test_check_names_every_broken_preset_and_the_good_ones(folder: Path) -> None:
    folder.mkdir()
    (folder / "one.toml").write_text('schema = 1\ntitle = "T"\nabout = "A."\n[[post]]\nplugin = "Gian"\n')
    (folder / "two.toml").write_text("= nothing")
    done = presets("check")
    assert done.returncode == 1
    assert (
        "preset 'one': post step 1: plugin 'Gian' is not one of pedalboard's effects. Did you mean 'Gain'? [bad_param]"
        in done.stderr
    )
    assert "two.toml is not TOML" in done.stderr and len(done.stderr.strip().splitlines()) == 2
    assert "default: good" in done.stdout and "vinyl: good" in done.stdout


def test_a_preset_whose_weights_are_not_here_is_good_and_says_how_to_get_them(folder: Path) -> None:
    for words in (("check", "paper-vggish-style-heavy"), ("list",)):
        done = presets(*words)
        assert done.returncode == 0
        lines = {line.split(maxsplit=1)[0].strip(":"): line for line in done.stdout.splitlines()}
        assert "daw-bridge weights fetch vggish" in lines["paper-vggish-style-heavy"]
        assert "Not yet" not in lines.get("default", "")


def test_a_file_is_checked_where_it_lies(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "draft.toml"
    path.write_text('schema = 1\ntitle = "T"\nabout = "A."\nextends = "tape"\n')
    assert preset_commands.check([str(path)], print) == 0
    assert "draft: good" in capsys.readouterr().out
    with pytest.raises(UnknownPreset, match="Did you mean 'vinyl'"):
        preset_commands.check(["vinil"], print)


def test_the_editor_opens_a_copy_that_extends_the_shipped_preset(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = "import sys; open(sys.argv[1], 'a').write('[transfer]\\nstrength = 0.5\\n')"
    monkeypatch.setenv("VISUAL", shlex.join([sys.executable, "-c", code]))
    done = presets("edit-check", "tape")
    assert done.stdout.strip() == str(folder / "tape.toml")
    assert load_preset("tape").transfer.strength == 0.5
    assert load_preset("tape").post
    assert "tape: yours hides the shipped one from now on" in done.stderr
    assert "hides" not in presets("new", "mine").stderr


def test_what_the_editor_left_broken_is_said_and_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = preset_commands.new("mine", "default", "")
    code = "import sys; open(sys.argv[1], 'a').write('[transfer]\\nstrenght = 0.5\\n')"
    monkeypatch.setenv("VISUAL", shlex.join([sys.executable, "-c", code]))
    with pytest.raises(BadParameter, match="Did you mean 'strength'"):
        preset_commands.edit_check("mine")
    assert "strenght" in path.read_text()


def test_an_editor_that_is_not_there_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISUAL", "no-such-editor-anywhere; touch owned")
    preset_commands.new("mine", "default", "")
    with pytest.raises(NotFound, match="no-such-editor"):
        preset_commands.edit_check("mine")


@pytest.mark.parametrize("name", ["", "../x", "a/b", "A", "con.txt", "-x", "x" * 61, "a b", "ä"])
def test_a_name_that_is_not_portable_is_refused(folder: Path, name: str) -> None:
    with pytest.raises(BadArguments, match="small letters"):
        preset_commands.new(name, "default", "")
    assert not folder.exists()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("DAW_BRIDGE_PRESETS", str(tmp_path / "file" / "presets"))
    with pytest.raises(ForbiddenPath, match="cannot be written"):
        preset_commands.new("mine", "default", "")


def test_the_schema_is_printed_as_json(folder: Path) -> None:
    assert json.loads(presets("schema").stdout)["properties"]["schema"] == {
        "const": 1,
        "description": "version of this format",
    }

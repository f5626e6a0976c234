"""Files that tell the service what to do, and the folders that `init` makes."""

from __future__ import annotations

import dataclasses
import tomllib
from pathlib import Path

import pytest

from daw_bridge.errors import BadParameter, ForbiddenPath
from daw_bridge.folders import ProjectFolders, StateFolders
from daw_bridge.service.config import Config, read_config, read_projects, shown_config, write_projects
from daw_bridge.service.fields import FIELDS, NAMES, from_words
from daw_bridge.service.layout import init_project


def test_init_makes_an_example_and_leaves_alone_what_is_there(tmp_path: Path) -> None:
    project = tmp_path / "new" / "song's project"
    made = init_project(project)
    folders = ProjectFolders(project)
    assert made[-1] == folders.drop / "example"
    assert "style.wav" in (folders.root / "README.txt").read_text()
    (folders.root / "README.txt").write_text("mine")
    (folders.drop / "example" / "folder.toml").write_text("")
    assert init_project(project) == []
    assert (folders.root / "README.txt").read_text() == "mine"


def test_init_says_where_it_cannot_write(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ForbiddenPath):
        init_project(tmp_path / "file")


def test_projects_are_remembered_also_while_their_drive_is_away(tmp_path: Path) -> None:
    state = StateFolders(tmp_path)
    assert read_projects(state) == []
    write_projects(state, [tmp_path, tmp_path / "gone"])
    assert read_projects(state) == [tmp_path, tmp_path / "gone"]
    state.projects.write_text("{broken")
    assert read_projects(state) == []


def test_without_a_file_everything_has_its_default(tmp_path: Path) -> None:
    assert read_config(StateFolders(tmp_path), environment={}) == Config()


def test_the_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(
        f'port = 9000\nfeedback = ["127.0.0.1:8000"]\n[roots]\nsamples = "{tmp_path}"\n'
        f'[[watch]]\npath = "{tmp_path}/a"\nproject = "{tmp_path}"\nstyle = "{tmp_path}/s.wav"\n'
    )
    config = read_config(StateFolders(tmp_path))
    assert (config.port, config.feedback, dict(config.roots)) == (9000, (("127.0.0.1", 8000),), {"samples": tmp_path})
    assert (config.watched[0].path, config.watched[0].preset) == (tmp_path / "a", "default")


@pytest.mark.parametrize(
    "text",
    [
        "prt = 1",
        "port = 70000",
        "port = true",
        'feedback = "x"',
        'feedback = ["x"]',
        "roots = 1",
        'roots = {a = "b"}',
        "= 1",
        "[[watch]]",
        "lan = 1",
        "keep_days = 0",
        '[[watch]]\npath = "/a"\nproject = "/a"\nstyle = "/a"\nparameters = 1',
    ],
)
def test_a_wrong_file_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.toml").write_text(text)
    with pytest.raises(BadParameter):
        read_config(StateFolders(tmp_path))


def test_a_flag_overrides_the_environment_which_overrides_the_file(tmp_path: Path) -> None:
    state = StateFolders(tmp_path)
    (tmp_path / "config.toml").write_text("port = 1\nkeep_days = 5\n")
    environment = {"DAW_BRIDGE_PORT": "2", "DAW_BRIDGE_LAN": "yes", "DAW_BRIDGE_FEEDBACK": "127.0.0.1:8000, 127.0.0.1:8001"}
    assert read_config(state, environment={}).port == 1
    config = read_config(state, environment=environment)
    assert (config.port, config.lan, config.keep_days, len(config.feedback)) == (2, True, 5, 2)
    config = read_config(state, {"port": 3, "lan": False, "discovery": None}, environment)
    assert (config.port, config.lan, config.discovery) == (3, False, False)
    assert config.origins == {"port": "flag", "lan": "flag", "keep_days": "file", "feedback": "environment"}


def test_every_field_can_be_set_in_the_environment_and_by_a_flag(tmp_path: Path) -> None:
    words = {
        "port": "9000",
        "lan": "yes",
        "discovery": "on",
        "keep_days": "7",
        "previews": "no",
        "feedback": "127.0.0.1:8000",
        "roots": f'{{samples = "{tmp_path}"}}',
        "watch": f'[{{path = "{tmp_path}/a", project = "{tmp_path}", style = "{tmp_path}/s.wav"}}]',
    }
    assert words.keys() == set(NAMES)
    state = StateFolders(tmp_path)
    by_flag = read_config(state, from_words(words), {})
    by_variable = read_config(state, environment={f"DAW_BRIDGE_{name.upper()}": text for name, text in words.items()})
    assert by_flag.origins == dict.fromkeys(words, "flag") and by_variable.origins == dict.fromkeys(words, "environment")
    assert dataclasses.replace(by_flag, origins={}) == dataclasses.replace(by_variable, origins={})
    assert (by_flag.keep_days, by_flag.roots, by_flag.watched[0].path) == (7, {"samples": tmp_path}, tmp_path / "a")


@pytest.mark.parametrize(("name", "text"), [("prot", "1"), ("port", "x"), ("roots", "a b"), ("watch", "[{}]"), ("roots", "[1]")])
def test_what_cannot_be_set_is_refused_by_name(tmp_path: Path, name: str, text: str) -> None:
    with pytest.raises(BadParameter, match=name):
        read_config(StateFolders(tmp_path), from_words({name: text}), {})


@pytest.mark.parametrize("text", ["x", "-1", "70000", "1.5"])
def test_a_wrong_variable_is_refused_by_name(tmp_path: Path, text: str) -> None:
    with pytest.raises(BadParameter, match=r"(PORT|port)=.* must be a whole number from 0 to 65535"):
        read_config(StateFolders(tmp_path), environment={"DAW_BRIDGE_PORT": text})


def test_what_is_shown_reads_back_and_documents_every_field(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(
        f'port = 9000\nlan = true\nfeedback = ["127.0.0.1:8000"]\n[roots]\n"č samples" = "{tmp_path}"\n'
        f'[[watch]]\npath = "{tmp_path}/a"\nproject = "{tmp_path}"\nstyle = "{tmp_path}/s.wav"\nparameters = {{strength = 0.5}}\n'
    )
    config = read_config(StateFolders(tmp_path), environment={})
    shown = shown_config(StateFolders(tmp_path), config)
    (tmp_path / "config.toml").write_text(shown)
    again = read_config(StateFolders(tmp_path), environment={})
    assert dataclasses.replace(again, origins={}) == dataclasses.replace(config, origins={})
    for field in FIELDS:
        assert field.about in shown and field.flag in shown and field.variable in shown
    empty = shown_config(StateFolders(tmp_path), Config())
    assert tomllib.loads(empty) == {
        "port": 9710,
        "lan": False,
        "discovery": False,
        "keep_days": 30,
        "previews": True,
        "feedback": [],
    }

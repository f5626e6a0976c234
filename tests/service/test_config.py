"""Files that tell the service what to do, and the folders that `init` makes."""

from __future__ import annotations

from pathlib import Path

import pytest

from daw_bridge.errors import BadParameter, ForbiddenPath
from daw_bridge.folders import ProjectFolders, StateFolders
from daw_bridge.service.config import Config, init_project, read_config, read_projects, write_projects


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


def test_projects_are_remembered_and_those_that_are_gone_left_out(tmp_path: Path) -> None:
    state = StateFolders(tmp_path)
    assert read_projects(state) == []
    write_projects(state, [tmp_path, tmp_path / "gone"])
    assert read_projects(state) == [tmp_path]
    state.projects.write_text("{broken")
    assert read_projects(state) == []


def test_without_a_file_everything_has_its_default(tmp_path: Path) -> None:
    assert read_config(StateFolders(tmp_path)) == Config()


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
    ],
)
def test_a_wrong_file_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.toml").write_text(text)
    with pytest.raises(BadParameter):
        read_config(StateFolders(tmp_path))

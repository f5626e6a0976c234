"""What is asked becomes a checked request, or one error with a code and a way out."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

import pytest

from daw_bridge.errors import (
    BadArguments,
    BadParameter,
    DawBridgeError,
    EmptyFile,
    ForbiddenPath,
    NotFound,
    UnknownPreset,
    UnsupportedFormat,
    WeightsMissing,
)
from daw_bridge.request import source_file
from daw_bridge.service.intake import Ask, ask_from_pairs, project_folder, request_of
from daw_bridge.service.tickets import ask_from_ticket, read_ticket


@pytest.fixture
def files(tmp_path: Path) -> Path:
    for name in ("song.wav", "style.wav"):
        (tmp_path / name).write_bytes(b"RIFF")
    (tmp_path / "empty.wav").touch()
    (tmp_path / "folder.wav").mkdir()
    return tmp_path


def test_pairs_after_the_preset_are_read_with_their_types() -> None:
    ask = ask_from_pairs("c", "s", "p", ["req", "start", 1, "length", "2.5", "seed", 7.0, "force", 1.0, "strength", 0.5])
    assert (ask.reqid, ask.start_seconds, ask.length_seconds, ask.seed, ask.is_forced) == ("req", 1.0, 2.5, 7, True)
    assert ask.parameters == {"strength": 0.5}


@pytest.mark.parametrize(
    "rest", [[1], [1, 2], ["start", "soon"], ["seed", 0.5], ["seed", 1, "seed", 2], ["a", None], ["project", 3]]
)
def test_pairs_that_cannot_be_meant_are_refused(rest: list[Any]) -> None:
    with pytest.raises(BadArguments):
        ask_from_pairs("c", "s", "p", rest)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"content": "nothing.wav"}, NotFound),
        ({"content": "empty.wav"}, EmptyFile),
        ({"style": "folder.wav"}, UnsupportedFormat),
        ({"style": "../style.wav"}, ForbiddenPath),
        ({"preset": "defalt"}, UnknownPreset),
        ({"preset": "../presets/default"}, UnknownPreset),
        ({"preset": "paper-vgg16-best"}, WeightsMissing),
        ({"parameters": {"style_layers": "relu5_1"}}, WeightsMissing),
        ({"parameters": {"stregth": 1}}, BadParameter),
        ({"parameters": {"strength": 2.0}}, BadParameter),
        ({"project": "nowhere"}, NotFound),
        ({"start_seconds": -1.0}, BadArguments),
        ({"start_seconds": float("nan")}, BadArguments),
        ({"seed": -1}, BadArguments),
        ({"priority": "now"}, BadArguments),
        ({"reqid": "../x"}, BadArguments),
    ],
)
def test_each_fault_has_its_code(files: Path, change: dict[str, Any], error: type[DawBridgeError]) -> None:
    with pytest.raises(error):
        request_of(Ask(**{"content": "song.wav", "style": "style.wav", **change}), [files], {})


@pytest.mark.skipif(os.name == "nt", reason="permissions are another thing there")
@pytest.mark.parametrize("locked", ["song.wav", "."])
def test_what_may_not_be_read_is_refused_before_it_becomes_a_job(locked: str) -> None:
    with tempfile.TemporaryDirectory() as folder:  # pytest's own lies where only its user may go
        song = Path(folder) / "song.wav"
        song.write_bytes(b"RIFF")
        Path(folder).chmod(0o755)
        (Path(folder) / locked).chmod(0)
        is_root = os.geteuid() == 0  # root may read everything
        if is_root:
            os.seteuid(65534)
        try:
            with pytest.raises(ForbiddenPath, match=r"content '.*song\.wav' may not be"):
                source_file(song, "content")
        finally:
            if is_root:
                os.seteuid(0)
            Path(folder).chmod(0o755)


def test_a_misspelt_preset_is_answered_with_the_nearest(files: Path) -> None:
    with pytest.raises(UnknownPreset, match="Did you mean 'default'"):
        request_of(Ask("song.wav", "style.wav", "defalt"), [files], {})


def test_without_a_project_it_is_the_one_that_holds_the_files(files: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("other")
    ask = Ask("song.wav", "style.wav")
    assert request_of(ask, [other, files], {}).project == str(files)
    for name in ("song.wav", "style.wav"):
        (other / name).write_bytes(b"RIFF")
    with pytest.raises(BadArguments, match="project"):
        request_of(ask, [other, files], {})
    assert request_of(Ask("song.wav", "style.wav", project=other.name), [other, files], {}).project == str(other)
    with pytest.raises(BadArguments):
        request_of(ask, [], {})


def test_a_ticket_may_name_any_file_of_the_user_by_its_full_path(files: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    project = tmp_path_factory.mktemp("project")
    text = {
        "schema": 1,
        "content": str(files / "song.wav"),
        "style": str(files / "style.wav"),
        "params": [],
        "project": str(project),
    }
    request = request_of(ask_from_ticket(read_ticket(json.dumps(text)), "ticket"), [project], {})
    assert request.content.path == str(files / "song.wav")
    with pytest.raises(BadArguments, match="absolute"):
        request_of(Ask("song.wav", "style.wav", origin="ticket"), [files], {})
    with pytest.raises(ForbiddenPath):
        request_of(ask_from_ticket({**text, "params": {}}, "osc"), [project], {})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "[" * 50_000,
        '{"schema": 2, "content": "/a", "style": "/b"}',
        '{"schema": 1, "content": "/a"}',
        '{"schema": 1, "content": "/a", "style": "/b", "contnt": 1}',
        '{"schema": 1, "content": "/a", "style": "/b", "seed": "1"}',
        '{"schema": 1, "content": "/a", "style": "/b", "seed": true}',
        '{"schema": 1, "content": 1, "style": "/b"}',
        '{"schema": 1, "content": "/a", "style": "/b", "reaper": {"name": "' + "x" * 20_000 + '"}}',
        " " * 70_000,
    ],
)
def test_a_ticket_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(BadArguments):
        read_ticket(text)


def test_a_project_is_an_existing_folder_and_no_whole_disk(tmp_path: Path) -> None:
    assert project_folder(str(tmp_path)) == tmp_path.resolve()
    for text in ("", str(tmp_path / "nothing"), "a\x00b"):
        with pytest.raises(NotFound):
            project_folder(text)
    with pytest.raises(ForbiddenPath):
        project_folder("/")

"""Paths from the wire: whatever they say, they stay inside."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daw_bridge.errors import ForbiddenPath, NotFound
from daw_bridge.service.paths import check_relative, confined

FORBIDDEN = [
    "/etc/passwd",
    "//server/share/a.wav",
    "\\\\server\\share\\a.wav",
    "\\\\?\\C:\\a.wav",
    "C:\\a.wav",
    "C:a.wav",
    "c:/a.wav",
    "\\a.wav",
    "../a.wav",
    "..\\a.wav",
    "a/../../b.wav",
    "a\\..\\b.wav",
    "a\x00.wav",
    "a\n.wav",
    "a\x85.wav",
    "",
    "   ",
    "a" * 1025,
]


@pytest.mark.parametrize("text", FORBIDDEN)
def test_what_is_no_plain_relative_path_is_forbidden(text: str) -> None:
    with pytest.raises(ForbiddenPath):
        check_relative(text, "content")


@pytest.mark.parametrize("name", ["song.wav", "stems/lead vox.wav", "č 漢字 ' \" $( ).wav", "..hidden/…wav", "a..b.wav"])
def test_names_of_every_kind_are_found_inside(tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_bytes(b"x")
    assert confined(name, "content", tmp_path, {}) == (tmp_path / name).resolve()


def test_a_symlink_that_leads_out_is_forbidden_whether_its_target_exists_or_not(tmp_path: Path) -> None:
    project, outside = tmp_path / "project", tmp_path / "outside"
    project.mkdir()
    outside.mkdir()
    (outside / "secret.wav").write_bytes(b"x")
    (project / "out").symlink_to(outside, target_is_directory=True)
    (project / "there.wav").symlink_to(outside / "secret.wav")
    (project / "gone.wav").symlink_to(outside / "nothing.wav")
    for name in ("out/secret.wav", "there.wav", "gone.wav"):
        with pytest.raises(ForbiddenPath):
            confined(name, "content", project, {})


def test_a_symlink_that_stays_inside_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real.wav").write_bytes(b"x")
    (tmp_path / "alias.wav").symlink_to(tmp_path / "real.wav")
    assert confined("alias.wav", "content", tmp_path, {}).name == "real.wav"


def test_named_roots_are_reached_by_name_and_not_left(tmp_path: Path) -> None:
    (tmp_path / "samples").mkdir()
    (tmp_path / "samples" / "kick.wav").write_bytes(b"x")
    roots = {"samples": tmp_path / "samples"}
    assert confined("@samples/kick.wav", "style", tmp_path / "p", roots).name == "kick.wav"
    with pytest.raises(ForbiddenPath):
        confined("@samples/../secret.wav", "style", tmp_path, roots)
    with pytest.raises(ForbiddenPath):
        confined("@samples//etc/passwd", "style", tmp_path, roots)
    with pytest.raises(NotFound):
        confined("@other/kick.wav", "style", tmp_path, roots)


@given(st.text(alphabet=st.sampled_from(list("ab./\\:@~$ C\x00\né")), max_size=24))
def test_no_text_leads_out_of_the_project(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    project = tmp_path_factory.getbasetemp().resolve()
    try:
        found = confined(text, "content", project, {})
    except (ForbiddenPath, NotFound):
        return
    assert os.path.commonpath([found, project]) == str(project)

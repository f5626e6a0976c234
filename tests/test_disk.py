"""Several files get their names together or not at all."""

from __future__ import annotations

import mmap
from pathlib import Path

import pytest

from daw_bridge.disk import place, reported
from daw_bridge.errors import ForbiddenPath, OutOfMemory


def moves(folder: Path) -> dict[Path, Path]:
    """Two staged files, of which the second cannot have its name where there is no folder "gone"."""
    staged = [folder / name for name in ("one", "two")]
    for path in staged:
        path.write_text("new")
    return dict(zip(staged, [folder / "a.wav", folder / "gone" / "a.json"], strict=True))


def content(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


@pytest.mark.parametrize("is_forced", [False, True])
def test_where_one_file_cannot_have_its_name_the_one_before_loses_its_own(tmp_path: Path, is_forced: bool) -> None:
    with pytest.raises(ForbiddenPath, match=r"a\.json.*cannot be written"):
        place(moves(tmp_path), is_forced=is_forced)
    assert "a.wav" not in content(tmp_path)


def test_by_force_the_old_one_comes_back_where_the_second_fails(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_text("old")
    with pytest.raises(ForbiddenPath):
        place(moves(tmp_path), is_forced=True)
    assert content(tmp_path) == {"a.wav": "old", "two": "new"}


def test_a_file_of_somebody_else_is_never_taken_back(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_text("old")
    with pytest.raises(ForbiddenPath):
        place(moves(tmp_path), is_forced=False)
    assert content(tmp_path) == {"a.wav": "old", "one": "new", "two": "new"}


def test_by_force_both_are_replaced_and_nothing_else_is_left(tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    for path in (tmp_path / "a.wav", tmp_path / "gone" / "a.json"):
        path.write_text("old")
    place(moves(tmp_path), is_forced=True)
    assert content(tmp_path / "gone") == {"a.json": "new"}
    assert {path.name for path in tmp_path.iterdir()} == {"a.wav", "gone"}


def test_a_want_of_memory_is_no_forbidden_path(tmp_path: Path) -> None:
    with pytest.raises(OutOfMemory, match="no memory for 'scratch'"), reported(tmp_path / "scratch"):
        mmap.mmap(-1, 1 << 60)

"""Scratch is zeros to write on, in memory or in files that leave nothing behind."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from daw_bridge.errors import DiskFull, ForbiddenPath
from daw_bridge.scratch import Scratch, scratch_beside
from tests.command import TREE

HOLD = "import sys; from pathlib import Path; from daw_bridge.scratch import scratch_beside\n"
HOLD += "with scratch_beside(Path(sys.argv[1])):\n    print(flush=True); sys.stdin.read()"


@pytest.mark.parametrize("shape", [(2, 1000), (0, 4), (3,)])
def test_scratch_is_zeros_that_can_be_written(tmp_path: Path, shape: tuple[int, ...]) -> None:
    for scratch in (Scratch(), Scratch(tmp_path)):
        found = scratch.empty(shape)
        assert found.shape == shape and found.dtype == np.float32 and not found.any()
        found[...] = 1.0
        assert found.all()


def test_scratch_with_a_folder_is_a_map_of_its_own(tmp_path: Path) -> None:
    first, second = (Scratch(tmp_path).empty((2, 1000), np.float64) for _ in range(2))
    first[:] = 1.0
    assert not second.any() and isinstance(first, np.memmap) and isinstance(second, np.memmap)


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps the name of an open file")
def test_the_file_has_no_name_so_that_a_killed_process_leaves_nothing(tmp_path: Path) -> None:
    held = Scratch(tmp_path).empty((2, 1000))
    assert not list(tmp_path.iterdir()) and not held.any()


def test_no_room_is_found_out_at_once_and_said(tmp_path: Path) -> None:
    with pytest.raises(DiskFull, match="no room on the disk for 'scratch'"):
        Scratch(tmp_path).empty((1 << 50,))
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_gone_is_said(tmp_path: Path) -> None:
    with pytest.raises(ForbiddenPath, match="cannot be written"):
        Scratch(tmp_path / "nowhere").empty((3,))


def held_beside(folder: Path) -> Iterator[Path]:
    """A private folder of a process that lives until this goes on; then it is killed. Its making is an hour ago."""
    words = [sys.executable, "-c", HOLD, str(folder)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stdout.readline()
        (private,) = folder.glob(".daw_bridge-*")
        os.utime(private, (1e9, 1e9))
        yield private
        process.kill()
    yield private


def test_what_a_killed_process_left_is_thrown_away_and_what_a_living_one_uses_is_not(tmp_path: Path) -> None:
    others = [tmp_path / name for name in (".daw_bridge", ".daw_bridge-mine", f".daw_bridge-{'a' * 32}.old")]
    for other in others:
        other.mkdir()
        os.utime(other, (1e9, 1e9))
    young, link = (tmp_path / f".daw_bridge-{letter * 32}" for letter in "bc")
    link.symlink_to(others[1])
    holding = held_beside(folder := tmp_path / "song")
    folder.mkdir()
    private = next(holding)
    with scratch_beside(folder):
        assert private.is_dir()
    assert list(folder.iterdir()) == [private]
    assert next(holding).is_dir()  # killed by now
    with scratch_beside(folder):
        assert not private.exists()
    assert not list(folder.iterdir())
    next(holding, None)
    young.mkdir()
    with scratch_beside(tmp_path):
        pass
    assert set(tmp_path.iterdir()) == {*others, young, link, folder}


def test_ctrl_c_at_any_moment_leaves_no_folder(tmp_path: Path) -> None:
    words = "import sys; from tests.test_scratch import interrupt_everywhere; interrupt_everywhere(sys.argv[1])"
    command = [sys.executable, "-c", words, str(tmp_path)]  # of its own: what was stopped halfway is of no use to other tests
    done = subprocess.run(command, cwd=TREE, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr


def interrupt_everywhere(name: str) -> None:
    folder, moment = Path(name), 1
    while interrupted_at(moment, folder):
        assert not list(folder.iterdir()), f"Ctrl-C at call {moment} left a folder"
        moment += 1
    assert moment > 30
    assert not list(folder.iterdir())


def interrupted_at(moment: int, folder: Path) -> bool:
    """Whether Ctrl-C came: at a call's beginning or end, where the interpreter looks for signals."""
    left = moment

    def count(frame: object, event: str, argument: object) -> None:
        nonlocal left
        if event in ("call", "c_return"):
            left -= 1
            if left == 0:
                sys.setprofile(None)
                raise KeyboardInterrupt

    try:
        sys.setprofile(count)
        with scratch_beside(folder):
            pass
    except KeyboardInterrupt:
        return True
    finally:
        sys.setprofile(None)
    return False

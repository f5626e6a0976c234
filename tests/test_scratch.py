"""Scratch is zeros to write on, in memory or in files that leave nothing behind."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from daw_bridge.errors import DiskFull, ForbiddenPath
from daw_bridge.scratch import Scratch


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

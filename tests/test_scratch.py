from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from daw_bridge.scratch import Scratch


@pytest.mark.parametrize("shape", [(2, 1000), (0, 4), (3,)])
def test_scratch_is_zeros_that_can_be_written(tmp_path: Path, shape: tuple[int, ...]) -> None:
    for scratch in (Scratch(), Scratch(tmp_path)):
        found = scratch.empty(shape)
        assert found.shape == shape and found.dtype == np.float32 and not found.any()
        found[...] = 1.0
        assert found.all()


def test_scratch_with_a_folder_lies_in_it(tmp_path: Path) -> None:
    first, second = (Scratch(tmp_path).empty((2, 1000), np.float64) for _ in range(2))
    first[:] = 1.0
    assert not second.any()
    assert sorted(path.stat().st_size for path in tmp_path.iterdir()) == [16_000, 16_000]

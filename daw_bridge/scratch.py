"""Room for long recordings while they are worked on: memory-mapped files in a folder, so that memory stays flat."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Scratch:
    """Makes arrays that may be longer than memory.

    Attributes:
        folder: a private folder on a local disk, thrown away by whoever gave it; None keeps everything in memory.
    """

    folder: Path | None = None

    def empty(self, shape: tuple[int, ...], dtype: Any = np.float32) -> np.ndarray:
        """An array of zeros; mapped from a file of its own where there is a folder.

        The system writes mapped pages out and drops them when memory is short, so they do not count as the process's own.
        """
        if self.folder is None or 0 in shape:
            return np.zeros(shape, dtype)
        with tempfile.NamedTemporaryFile(dir=self.folder, suffix=".scratch", delete=False) as file:
            file.truncate(int(np.prod(shape)) * np.dtype(dtype).itemsize)
        mapped: np.ndarray = np.memmap(file.name, dtype, "r+", shape=shape)
        return mapped

"""What the service is told by files: its configuration, its projects, and the folders that `init` lays out."""

from __future__ import annotations

from pathlib import Path


def init_project(path: Path) -> list[Path]:
    """Make the hot-folder layout in a project, with one example folder and a README.txt; what exists is left alone.

    Args:
        path: the project's own folder; made when missing.

    Returns:
        the paths that were made, the drop folder of the example last; empty where everything was there.

    Raises:
        ForbiddenPath: the folder cannot be written.
    """
    raise NotImplementedError

"""The one service of a user: start, main loop, shutdown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path


def serve(
    projects: Sequence[Path],
    *,
    state: Path | None = None,
    port: int | None = None,
    on_line: Callable[[str], None] = print,
) -> int:
    """Run the service until SIGTERM or Ctrl-C, or hand the projects to the one that runs on this state folder already.

    Args:
        projects: existing project folders to watch (their daw_bridge/ folders are made when missing).
        state: the state folder; None means the user's own (`folders.default_state`).
        port: UDP port on 127.0.0.1; 0 means any free one; None means the configuration's, 9710 where it names none.
        on_line: called with each line for the terminal; the first one when the service listens.

    Returns:
        the exit code, 0.

    Raises:
        NotFound: a project is no folder.
        PortInUse: another program listens there.
        BadParameter: the configuration file is not valid.
    """
    raise NotImplementedError

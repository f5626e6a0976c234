"""`python -m tests.service.quick_serve STATE PROJECT…`: the real service around the quick renderer of the tests."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path

from daw_bridge.service import hints, loops, osc, supervisor
from daw_bridge.service.server import serve
from tests.renderer.quick import set_wrong
from tests.renderer.small_service import QUICK


def main() -> int:
    """Serve until SIGTERM; `--unlimited` takes any number of messages a second, `--blind` sees no file system events."""
    parser = argparse.ArgumentParser()
    parser.add_argument("state", type=Path)
    parser.add_argument("projects", type=Path, nargs="+")
    parser.add_argument("--unlimited", action="store_true")
    parser.add_argument("--blind", action="store_true", help="and does not look for tickets by itself for an hour")
    asked = parser.parse_args()
    set_wrong()
    supervisor.Supervisor = partial(supervisor.Supervisor, command=QUICK)  # type: ignore[assignment,misc]
    if asked.unlimited:
        osc.Limits.allow = lambda *_: True  # type: ignore[method-assign]
    if asked.blind:
        hints.Hints.watch = lambda *_: None  # type: ignore[method-assign]
        loops.TICKET_SECONDS = 3600.0
    return serve(asked.projects, state=asked.state, port=0, on_line=lambda line: print(line, flush=True))


if __name__ == "__main__":
    sys.exit(main())

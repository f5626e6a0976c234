"""`python -m tests.service.quick_serve STATE PROJECT…`: the real service around the quick renderer of the tests."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from daw_bridge.service import desk, hints, loops, osc, supervisor
from daw_bridge.service.server import serve
from tests.renderer.quick import set_wrong
from tests.renderer.small_service import QUICK

HANG_SECONDS = 240.0  # longer than any test


def hanging(look: Callable[..., Any], share: Path) -> Callable[..., Any]:
    """A look at a path that does as on a share whose server is gone, for a while: so a test of it ends."""
    switch = share.with_suffix(".hangs")

    def looked(path: Path, *values: Any, **named: Any) -> Any:
        deadline = time.monotonic() + HANG_SECONDS
        while path.is_relative_to(share) and switch.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        return look(path, *values, **named)

    return looked


def late(work: Callable[..., Any], seconds: float) -> Callable[..., Any]:
    """Work that begins so much later."""

    def begun(*values: Any) -> Any:
        time.sleep(seconds)
        return work(*values)

    return begun


def main() -> int:
    """Serve until SIGTERM; `--unlimited` takes any number of messages a second, `--blind` sees no file system events."""
    parser = argparse.ArgumentParser()
    parser.add_argument("state", type=Path)
    parser.add_argument("projects", type=Path, nargs="+")
    parser.add_argument("--late", type=float, default=0.0, help="so many seconds until the store is opened")
    parser.add_argument("--unlimited", action="store_true")
    parser.add_argument("--hanging", type=Path, help="while HANGING.hangs exists, looks into HANGING do not come back")
    parser.add_argument("--blind", action="store_true", help="and does not look for tickets by itself for an hour")
    asked = parser.parse_args()
    set_wrong()
    supervisor.Supervisor = partial(supervisor.Supervisor, command=QUICK)  # type: ignore[assignment,misc]
    desk.Desk.open = late(desk.Desk.open, asked.late)  # type: ignore[method-assign]
    if asked.unlimited:
        osc.Limits.allow = lambda *_: True  # type: ignore[method-assign]
    if asked.blind:
        hints.Hints.watch = lambda *_: None  # type: ignore[method-assign]
        loops.TICKET_SECONDS = 3600.0
    if asked.hanging:
        loops.PURGE_SECONDS = 0.2
        for name in ("stat", "iterdir", "resolve", "open", "mkdir"):
            setattr(Path, name, hanging(getattr(Path, name), asked.hanging))
    return serve(asked.projects, state=asked.state, port=0, on_line=lambda line: print(line, flush=True))


if __name__ == "__main__":
    sys.exit(main())

"""`python -m tests.service.quick_serve STATE PROJECT…`: the real service around the quick renderer of the tests."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path

from daw_bridge.service import osc, supervisor
from daw_bridge.service.server import serve
from tests.renderer.small_service import QUICK


def main() -> int:
    """Serve until SIGTERM; `--unlimited` takes any number of messages a second."""
    parser = argparse.ArgumentParser()
    parser.add_argument("state", type=Path)
    parser.add_argument("projects", type=Path, nargs="+")
    parser.add_argument("--unlimited", action="store_true")
    asked = parser.parse_args()
    supervisor.Supervisor = partial(supervisor.Supervisor, command=QUICK)  # type: ignore[assignment,misc]
    if asked.unlimited:
        osc.Limits.allow = lambda *_: True  # type: ignore[method-assign]
    return serve(asked.projects, state=asked.state, port=0, on_line=lambda line: print(line, flush=True))


if __name__ == "__main__":
    sys.exit(main())

"""`python -m tests.renderer.small_service STATE [N]`: a store and a supervisor in a process of their own, there to be killed."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from daw_bridge.folders import StateFolders
from daw_bridge.jobs import JobStore
from daw_bridge.service.supervisor import Supervisor

QUICK = (sys.executable, "-m", "tests.renderer.quick")


def main(root: Path, n_renderers: int) -> None:
    """Look after so many renderers until killed."""
    state = StateFolders(root)
    store = JobStore(state.job_database)
    supervisor = Supervisor(state, store, [f"cpu:{n}" for n in range(n_renderers)], command=QUICK)
    supervisor.start()
    while True:
        supervisor.tick(time.monotonic())
        if store.has_changed():
            supervisor.nudge()
        time.sleep(0.05)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1)

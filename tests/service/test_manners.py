"""At rest the service takes next to nothing, and is there at once when it is asked."""

from __future__ import annotations

import json
import time
from pathlib import Path

import psutil
import pytest

from tests.service.wire import Osc, ServiceProcess
from tests.waiting import wait_for

REST_SECONDS = 3.0


def test_service_and_renderer_at_rest_take_hardly_any_cpu_and_start_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUICK_AWAKE_SECONDS", "0.2")
    project, state = tmp_path / "project", tmp_path / "state"
    project.mkdir()
    service = ServiceProcess([project], state, is_quick=True)
    osc = Osc(service.port)

    def ask(name: str) -> float:
        """Seconds from the request to the start; waits for the end."""
        (project / name).write_text(json.dumps({"seconds": 0.1}))
        began = time.monotonic()
        osc.send("/remix", name, name, "default")
        job = osc.expect("/accepted", seconds=30.0)[0]
        osc.expect("/started", job, seconds=30.0)
        passed = time.monotonic() - began
        osc.expect("/done", job, seconds=30.0)
        return passed

    try:
        ask("first.json")
        wait_for(lambda: "asleep" in (state / "renderer-cpu.log").read_text(), what="the renderer's sleep")
        own = psutil.Process(service.process.pid)
        family = [own, *own.children(recursive=True)]
        before = sum(sum(process.cpu_times()[:2]) for process in family)
        assert osc.receive(REST_SECONDS) is None
        taken = sum(sum(process.cpu_times()[:2]) for process in family) - before
        assert taken / REST_SECONDS < 0.05, "measured at rest on a quiet machine: under 1 % of a core"
        assert ask("second.json") < 3.0, "measured on a quiet machine: under 0.3 s"
    finally:
        osc.close()
        assert service.stop() == (0, "")

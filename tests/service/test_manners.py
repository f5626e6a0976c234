"""At rest the service takes next to nothing, and is there at once when it is asked."""

from __future__ import annotations

import json
from pathlib import Path

import psutil
import pytest

from tests.service.wire import Osc, ServiceProcess
from tests.waiting import wait_for

REST_SECONDS = 3.0


def test_service_and_renderer_at_rest_take_hardly_any_cpu_and_start_when_they_are_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUICK_AWAKE_SECONDS", "0.2")
    monkeypatch.setenv("QUICK_LOOK_SECONDS", "3600")  # asleep, it starts when it is nudged or not at all
    project, state = tmp_path / "project", tmp_path / "state"
    project.mkdir()
    service = ServiceProcess([project], state, is_quick=True)
    osc = Osc(service.port)

    def ask(name: str) -> None:
        """Ask for a remix and wait for it."""
        (project / name).write_text(json.dumps({"seconds": 0.1}))
        osc.send("/remix", name, name, "default")
        job = osc.expect("/accepted")[0]
        osc.expect("/started", job)
        osc.expect("/done", job)

    try:
        ask("first.json")
        wait_for(lambda: "asleep" in (state / "renderer-cpu.log").read_text(), what="the renderer's sleep")
        own = psutil.Process(service.process.pid)
        family = [own, *own.children(recursive=True)]
        before = sum(sum(process.cpu_times()[:2]) for process in family)
        assert osc.receive(REST_SECONDS) is None
        taken = sum(sum(process.cpu_times()[:2]) for process in family) - before
        assert taken / REST_SECONDS < 0.15, "on a slow machine; measured at rest on a quiet one: under 1 % of a core"
        ask("second.json")
    finally:
        osc.close()
        assert service.stop() == (0, "")

"""A dropped stem comes back exactly once, whatever its state when the service and its renderer are killed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path

import psutil
import pytest

from daw_bridge.folders import ProjectFolders
from tests.service.conftest import write_clip
from tests.service.wire import Osc, ServiceProcess
from tests.waiting import wait_for

MOMENTS = ("settling", "queued and rendering", "publishing", "done", "every moment")


def kill(service: ServiceProcess) -> None:
    """SIGKILL to all of the family."""
    family = [psutil.Process(service.process.pid), *psutil.Process(service.process.pid).children(recursive=True)]
    for process in family:
        process.kill()
    psutil.wait_procs(family, timeout=10)
    service.stop()


@pytest.fixture(scope="module")
def survivals(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Future[None]]]:
    """Each moment's story, all at once: most of the time they wait."""
    with ThreadPoolExecutor(len(MOMENTS)) as pool:
        yield {moment: pool.submit(survive, tmp_path_factory.mktemp("killed"), moment) for moment in MOMENTS}


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_drop_survives(survivals: dict[str, Future[None]], moment: str) -> None:
    survivals[moment].result()


def survive(tmp_path: Path, moment: str) -> None:
    """Kill a service at a moment, start another, and see what became of three drops."""
    project, state = tmp_path / "project", tmp_path / "state"
    project.mkdir()
    folders = ProjectFolders(project)
    log = project / "publishes.log"

    def published() -> Counter[str]:
        return Counter(log.read_text().split() if log.exists() else [])

    service = ServiceProcess([project], state, is_quick=True)
    osc = Osc(service.port)
    osc.ask("/subscribe", answer="/subscribed")
    made = tmp_path / "made"
    for number in range(3):
        write_clip(made / f"stem {number}.wav", seconds=0.05, seed=number)
    write_clip(made / "style.wav", seconds=0.1, seed=9)
    if moment == "queued and rendering":
        (project / "hold").touch()
    elif moment == "publishing":
        (project / "full").touch()
    made.rename(folders.drop / "hot")
    if moment == "queued and rendering":
        osc.expect("/progress")
    elif moment == "publishing":
        osc.expect("/error", "disk_full")
    elif moment == "done":
        osc.expect("/done")
    osc.close()
    kill(service)
    if moment == "every moment":
        for _ in range(4):  # killed again and again, each time a little later
            service = ServiceProcess([project], state, is_quick=True)
            wait_for(partial(_has_started, service), what="a service that is ready")
            kill(service)
    for name in ("hold", "full"):
        (project / name).unlink(missing_ok=True)

    service = ServiceProcess([project], state, is_quick=True)
    osc = Osc(service.port)
    try:
        wait_for(lambda: len(published()) == 3, what="three remixes")
        wait_for(lambda: all("done" in _why(osc, folders, number) for number in range(3)), what="three drops that are done")
        wait_for(lambda: osc.ask("/status", answer="/status/info")[0] == "idle", what="an idle service")
    finally:
        osc.close()
        assert service.stop() == (0, "")
    assert set(published().values()) == {1}
    assert len(list(folders.remixes.glob("*.wav"))) == 3


def _has_started(service: ServiceProcess) -> bool:
    osc = Osc(service.port)
    try:
        return bool(osc.ask("/status", answer="/status/info")[0] != "starting")
    finally:
        osc.close()


def _why(osc: Osc, folders: ProjectFolders, number: int) -> str:
    return str(osc.ask("/why", str(folders.drop / "hot" / f"stem {number}.wav"), answer="/why")[1])

"""The wall clock jumps under a running service, forwards and backwards: order, leases, settling and history hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from daw_bridge.folders import ProjectFolders
from tests.renderer.quick import CLOCK
from tests.service.conftest import write_clip
from tests.service.wire import Osc, ServiceProcess
from tests.waiting import wait_for

SetClock = Callable[[str], None]


@pytest.fixture
def jumping(tmp_path: Path) -> Iterator[tuple[ServiceProcess, Osc, SetClock]]:
    """A quick service, a client, and what sets its clock: so many days ahead of the true time, or behind it."""
    project, told = tmp_path / "project", tmp_path / "clock"
    project.mkdir()
    told.write_text("0")
    service = ServiceProcess([project], tmp_path / "state", is_quick=True, environment={CLOCK: str(told)})
    osc = Osc(service.port)

    def set_clock(days: str) -> None:
        draft = tmp_path / "draft"
        draft.write_text(f"{float(days) * 86_400}")
        draft.replace(told)

    try:
        wait_for(lambda: osc.ask("/status", answer="/status/info")[0] == "idle", what="an idle service")
        yield service, osc, set_clock
    finally:
        osc.close()
        assert service.stop() == (0, "")


@pytest.mark.parametrize("jumps", [("40", "-40"), ("-40", "40")])
def test_jobs_keep_their_order_and_drops_settle_whatever_the_clock_says(
    jumping: tuple[ServiceProcess, Osc, SetClock], tmp_path: Path, jumps: tuple[str, str]
) -> None:
    _, osc, set_clock = jumping
    project = tmp_path / "project"
    (project / "hold").touch()
    osc.ask("/subscribe", answer="/subscribed")
    jobs = []
    for number, days in enumerate(("0", jumps[0], jumps[1], "0")):
        set_clock(days)
        (project / f"{number}.json").write_text('{"seconds": 0.02}')
        osc.send("/remix", f"{number}.json", f"{number}.json", "default")
        jobs.append(osc.expect("/accepted")[0])
        if number == 0:
            osc.expect("/progress")
    set_clock(jumps[0])
    made = tmp_path / "made"
    write_clip(made / "style.wav", seed=2)
    write_clip(made / "stem.wav")
    made.rename(ProjectFolders(project).drop / "hot")
    jobs.append(osc.expect("/accepted")[0])
    set_clock(jumps[1])
    (project / "hold").unlink()
    osc.expect_each(*(("/done", job) for job in jobs))  # two that end within one look are told by the clock, which is wrong
    lines = (project / "renders.log").read_text().splitlines()
    assert [line.split()[0] for line in lines] == jobs
    assert osc.ask("/jobs", answer="/jobs/end")[0] == len(jobs)


def test_a_lease_while_the_daw_records_ends_after_five_seconds_of_true_time(
    jumping: tuple[ServiceProcess, Osc, SetClock],
) -> None:
    _, osc, set_clock = jumping
    osc.send("/transport", 1)
    assert osc.expect("/status/info")[0] == "paused"
    for days in ("40", "-40"):  # by the clock it would be over at once, and then not for 40 days
        set_clock(days)
        assert osc.ask("/status", answer="/status/info")[0] == "paused"
    wait_for(lambda: osc.ask("/status", answer="/status/info")[0] == "idle", what="the end of the lease")

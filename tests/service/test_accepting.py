"""Many asks at once are written down in lots, and each gets its own answer."""

from __future__ import annotations

import json
from pathlib import Path

from daw_bridge.service.looking import LOOK_SECONDS
from tests.service.wire import PREFIX, Osc, ServiceProcess, packet
from tests.soaks.hostile import bundle
from tests.waiting import wait_for


def test_of_a_bundle_each_request_is_answered_and_a_bad_one_harms_no_other(quick: ServiceProcess, quick_osc: Osc) -> None:
    project = Path(json.loads((quick.state / "projects.json").read_text())[0])
    (project / "lot.json").write_text('{"seconds": 0.02}')
    names = [f"r{number}" for number in range(12)]
    wishes = [
        packet(PREFIX + "/remix", "gone.json" if number % 4 == 1 else "lot.json", "lot.json", "default", name)
        for number, name in enumerate(names)
    ]
    quick_osc.raw(bundle(*wishes))
    heard: list[tuple[str, str]] = []

    def hear() -> bool:
        message = quick_osc.receive(0.5)
        if message and message[0] in ("/accepted", "/error"):
            heard.append((message[0], str(message[1][1 if message[0] == "/accepted" else 0])))
        return len(heard) == len(names)

    wait_for(hear, what="twelve answers")
    assert sorted(name for address, name in heard if address == "/accepted") == sorted(
        name for number, name in enumerate(names) if number % 4 != 1
    )
    assert [code for address, code in heard if address == "/error"] == ["not_found"] * 3
    jobs = {event[1][0] for event in quick_osc.heard if event[0] == "/accepted"}
    assert len(jobs) == 9
    ended: set[str] = set()

    def end() -> bool:
        message = quick_osc.receive(0.5)
        ended.update({str(message[1][0])} if message and message[0] == "/done" else ())
        return ended >= jobs

    wait_for(end, what="nine remixes")


def test_requests_are_rendered_in_the_order_in_which_they_came(quick: ServiceProcess, quick_osc: Osc) -> None:
    project = Path(json.loads((quick.state / "projects.json").read_text())[0])
    (project / "order.json").write_text('{"seconds": 0.02}')
    quick_osc.raw(bundle(*(packet(PREFIX + "/remix", "order.json", "order.json", "default", f"o{n}") for n in range(10))))
    jobs = {quick_osc.expect("/accepted")[1]: "" for _ in range(10)}
    jobs.update({values[1]: values[0] for address, values in quick_osc.heard if address == "/accepted" and values[1] in jobs})

    def rendered() -> list[str]:
        lines = (project / "renders.log").read_text().splitlines() if (project / "renders.log").exists() else []
        ids = [line.split()[0] for line in lines]
        return [job for job in ids if job in jobs.values()] if set(jobs.values()) <= set(ids) else []

    assert wait_for(rendered, what="ten renders") == [jobs[f"o{n}"] for n in range(10)]


def test_requests_that_come_while_the_service_takes_long_to_start_wait_for_it_and_are_accepted(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "early.json").write_text('{"seconds": 0.02}')
    service = ServiceProcess([project], tmp_path / "state", "--late", str(LOOK_SECONDS + 1.0), is_quick=True)
    osc = Osc(service.port)
    try:
        for name in ("first", "second"):
            osc.send("/remix", "early.json", "early.json", "default", name)
            assert osc.ask("/status", answer="/status/info")[0] == "starting"
        jobs = [job for job, _, _ in (osc.expect("/accepted") for _ in range(2))]
        assert "/error" not in [address for address, _ in osc.heard]
        osc.expect_each(*(("/done", job) for job in jobs))
    finally:
        osc.close()
        assert service.stop() == (0, "")


def test_jobs_are_listed_as_they_will_be_rendered_and_those_that_are_over_last(quick: ServiceProcess, quick_osc: Osc) -> None:
    project = Path(json.loads((quick.state / "projects.json").read_text())[0])
    (project / "listed.json").write_text('{"seconds": 0.02}')
    known = {job for job, _ in listed(quick_osc)}

    def ask(name: str, *pairs: str) -> str:
        quick_osc.send("/remix", "listed.json", "listed.json", "default", name, *pairs)
        return str(quick_osc.expect("/accepted")[0])

    over = [ask("over 1"), ask("over 2")]
    wait_for(lambda: {(job, "done") for job in over} <= set(listed(quick_osc)), what="two remixes")
    (project / "hold").touch()
    try:
        running = ask("running")
        wait_for(lambda: (running, "rendering") in listed(quick_osc), what="a job that renders")
        later, first, second = ask("later", "priority", "batch"), ask("first"), ask("second")
        shown = [(job, state) for job, state in listed(quick_osc) if job not in known]
    finally:
        (project / "hold").unlink()
    waiting = [(job, "queued") for job in (first, second, later)]
    assert shown == [(running, "rendering"), *waiting, (over[1], "done"), (over[0], "done")]


def listed(osc: Osc) -> list[tuple[str, str]]:
    """Each job of /jobs and its state."""
    osc.heard.clear()
    osc.ask("/jobs", answer="/jobs/end")
    return [(str(values[0]), str(values[1])) for address, values in osc.heard if address == "/job/info"]

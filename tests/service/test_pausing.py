"""Rendering rests when somebody says so, and while a DAW records."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import cast

import psutil

from daw_bridge.folders import ProjectFolders
from daw_bridge.service.audience import Audience
from daw_bridge.service.board import Board
from daw_bridge.service.desk import Desk
from daw_bridge.service.osc import Endpoint
from daw_bridge.service.pausing import MAX_LEASES, Pausing
from daw_bridge.service.threads import OneThread
from tests.service.conftest import write_clip
from tests.service.wire import Osc, ServiceProcess
from tests.waiting import wait_for


def ask(quick: ServiceProcess, osc: Osc, name: str, seconds: float, **content: object) -> str:
    """Ask for a job that takes so long; its id."""
    (project_of(quick) / name).write_text(json.dumps({"seconds": seconds, **content}))
    osc.send("/remix", name, name, "default")
    return str(osc.expect("/accepted")[0])


def project_of(quick: ServiceProcess) -> Path:
    return Path(json.loads((quick.state / "projects.json").read_text())[0])


def listen(osc: Osc, seconds: float) -> list[str]:
    """The addresses heard in so many seconds."""
    ended, heard = time.monotonic() + seconds, list[str]()
    while time.monotonic() < ended:
        message = osc.receive(0.1)
        heard += [message[0]] if message else []
    return heard


def renderer_of(quick: ServiceProcess) -> psutil.Process:
    return psutil.Process(quick.process.pid).children()[0]


def test_a_pause_stops_the_render_within_a_step_and_resume_goes_on(quick: ServiceProcess, quick_osc: Osc) -> None:
    job = ask(quick, quick_osc, "long.json", 4.0)
    quick_osc.expect("/progress")
    assert quick_osc.ask("/pause", answer="/status/info")[0] == "paused"

    def stands() -> bool:
        stood = quick_osc.ask("/job", job, answer="/progress")[0]
        listen(quick_osc, 1.0)
        return bool(quick_osc.ask("/job", job, answer="/progress")[0] == stood)

    wait_for(stands, what="a render that rests")
    assert quick_osc.ask("/status", answer="/status/info")[0] == "paused"
    assert quick_osc.ask("/resume", answer="/status/info")[0] == "rendering"
    quick_osc.expect("/done", job)


def test_a_paused_render_takes_no_cpu(quick: ServiceProcess, quick_osc: Osc) -> None:
    switch = project_of(quick) / "calm"
    switch.touch()
    job = ask(quick, quick_osc, "calm.json", 0.2, hold=switch.name)
    quick_osc.expect("/started", job)
    quick_osc.ask("/pause", answer="/status/info")
    process = renderer_of(quick)
    before = sum(process.cpu_times()[:2])
    listen(quick_osc, 1.5)
    assert sum(process.cpu_times()[:2]) - before < 0.75, "the engine's polling, on a slow machine; all of it would be 1.5"
    switch.unlink()
    quick_osc.send("/resume")
    quick_osc.expect("/done", job)


def test_a_daw_that_records_pauses_for_a_lease_that_ends_by_itself(quick: ServiceProcess, quick_osc: Osc) -> None:
    began = time.monotonic()
    assert quick_osc.ask("/transport", 1, answer="/status/info")[0] == "paused"
    job = ask(quick, quick_osc, "take.json", 0.1)
    quick_osc.expect("/done", job)
    assert time.monotonic() - began > 4.5
    assert quick_osc.ask("/transport", 1, answer="/status/info")[0] == "paused"
    assert quick_osc.ask("/transport", 0, answer="/status/info")[0] == "idle"


def test_a_lease_lasts_for_five_seconds() -> None:
    now = [100.0]
    audience = Audience(Endpoint(lambda *_: None, lambda _: None, lambda: now[0]), [], lambda: now[0])
    board = Board(audience, lambda: now[0], is_paused=True)  # so there is no switch to turn, which takes a store
    pausing = Pausing(audience, board, cast(Desk, None), cast(OneThread, None), lambda: now[0])
    asyncio.run(pausing.recording(("127.0.0.1", 1), True))
    now[0] += 4.9
    assert pausing.is_due
    now[0] += 0.2
    assert not pausing.is_due


def test_one_daw_that_does_not_record_leaves_the_lease_of_another_alone(quick: ServiceProcess, quick_osc: Osc) -> None:
    other = Osc(quick.port)
    try:
        assert quick_osc.ask("/transport", 1, answer="/status/info")[0] == "paused"
        assert other.ask("/transport", 0, answer="/status/info")[0] == "paused"
        assert quick_osc.ask("/transport", 0, answer="/status/info")[0] == "idle"
    finally:
        other.close()


def test_of_more_leases_than_are_kept_the_latest_count(quick: ServiceProcess, quick_osc: Osc) -> None:
    others = [Osc(quick.port) for _ in range(MAX_LEASES)]
    try:
        for osc in (quick_osc, *others):
            assert osc.ask("/transport", 1, answer="/status/info")[0] == "paused"
        states = [osc.ask("/transport", 0, answer="/status/info")[0] for osc in others]
        assert states[-1] == "idle", "the first one's lease made room for the last one's"
    finally:
        for osc in others:
            osc.close()


def test_a_job_is_cancelled_while_everything_rests(quick: ServiceProcess, quick_osc: Osc) -> None:
    (project_of(quick) / "waits").touch()
    job = ask(quick, quick_osc, "given up.json", 0.2, hold="waits")
    quick_osc.expect("/started", job)
    quick_osc.ask("/pause", answer="/status/info")
    renderer = renderer_of(quick).pid
    quick_osc.send("/cancel", job)
    quick_osc.expect("/cancelled", job)
    wait_for(lambda: not (quick.state / "work" / job).exists(), what="a work folder that is gone")
    assert renderer_of(quick).pid == renderer
    quick_osc.ask("/resume", answer="/status/info")


def test_a_renderer_that_starts_anew_keeps_the_pause(quick: ServiceProcess, quick_osc: Osc) -> None:
    quick_osc.ask("/pause", answer="/status/info")
    first = renderer_of(quick)
    first.kill()
    service = psutil.Process(quick.process.pid)
    wait_for(lambda: [child for child in service.children() if child.pid != first.pid], what="another renderer")
    job = ask(quick, quick_osc, "patient.json", 0.2)
    assert "/done" not in listen(quick_osc, 2.0)
    quick_osc.send("/resume")
    quick_osc.expect("/done", job)


def test_a_release_of_the_pause_button_does_nothing(quick_osc: Osc) -> None:
    quick_osc.send("/pause", 0.0)
    assert quick_osc.ask("/status", answer="/status/info")[0] == "idle"


def test_a_failed_job_is_retried_under_the_next_number(quick: ServiceProcess, quick_osc: Osc) -> None:
    job = ask(quick, quick_osc, "poor.json", 0.1, do="refuse")
    quick_osc.expect("/failed", job)
    assert quick_osc.ask("/retry", job, answer="/accepted")[0] == job[:-1] + "2"
    quick_osc.expect("/failed", job[:-1] + "2")
    assert quick_osc.ask("/retry", "nothing.1", answer="/error")[0] == "unknown_job"


def test_a_stem_whose_original_was_put_away_is_there_again_for_the_job_that_tries_again(
    quick: ServiceProcess, quick_osc: Osc
) -> None:
    project = project_of(quick)
    folders = ProjectFolders(project)
    stem, away = folders.drop / "vinyl" / "stem.wav", folders.errors / "vinyl" / "stem.wav"
    write_clip(stem.with_name("style.wav"), seed=3)
    stem.with_name("folder.toml").write_text('originals = "move"\n')
    (project / "hold").touch()
    quick_osc.ask("/subscribe", answer="/subscribed")
    write_clip(stem)
    job = quick_osc.expect("/progress")[1]
    quick_osc.send("/cancel", job)
    quick_osc.expect("/cancelled", job)
    away.parent.mkdir(parents=True)
    stem.rename(away)  # as after a failure
    (project / "hold").unlink()
    assert quick_osc.ask("/retry", job, answer="/accepted")[0] == job[:-1] + "2"
    quick_osc.expect("/done", job[:-1] + "2")
    wait_for((folders.done / "vinyl" / "stem.wav").exists, what="the original in done/")
    sentence = f"job {job[:-1]}2 is done"
    wait_for(lambda: sentence in quick_osc.ask("/why", str(stem), answer="/why")[1], what="its end told")
    assert not stem.exists() and not away.exists()


def test_widgets_see_what_is_set_also_when_they_join_late(quick: ServiceProcess, quick_osc: Osc) -> None:
    quick_osc.ask("/content", "song.wav", answer="/content")
    quick_osc.ask("/style", "groove.wav", answer="/style")
    late = Osc(quick.port)
    late.ask("/subscribe", answer="/subscribed")
    assert late.expect("/ui/preset") == ("default",)
    assert late.expect("/ui/content") == ("song.wav",)
    assert late.expect("/ui/style") == ("groove.wav",)
    quick_osc.ask("/preset", "default", answer="/preset")
    assert late.expect("/ui/preset") == ("default",)
    job = ask(quick, quick_osc, "watched.json", 4.0)
    seconds = [late.expect("/ui/eta")[0] for _ in range(3)]
    assert seconds[0] == 0.0 and 0.0 < seconds[-1] < 60.0
    quick_osc.expect("/done", job)
    late.close()


def test_the_renderer_has_low_priority_and_an_idle_disk(quick: ServiceProcess) -> None:
    process = renderer_of(quick)
    expected = min(19, psutil.Process(quick.process.pid).nice() + 10)
    wait_for(lambda: process.nice() == expected, what="a nice renderer")
    wait_for(lambda: process.ionice().ioclass == psutil.IOPRIO_CLASS_IDLE, what="a renderer that leaves the disk to others")

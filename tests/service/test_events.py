"""What is told between two looks at a job."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import pytest

from daw_bridge.job import Job
from daw_bridge.request import RenderRequest, SourceFile
from daw_bridge.service.audience import Audience
from daw_bridge.service.board import Board
from daw_bridge.service.events import Told, changes
from daw_bridge.service.osc import Endpoint, Peer
from daw_bridge.service.packets import Argument

SONG = SourceFile("/p/song.wav", 10, 1)
JOB = Job("ab.1", "queued", RenderRequest("/p", SONG, SONG, {"id": "tape"}), position=1)


def test_a_job_done_between_two_looks_is_still_told_started_and_in_progress() -> None:
    told = Told()
    assert [event.address for event in changes(told, JOB, 0.0)] == ["/queued"]
    done = dataclasses.replace(JOB, state="done", position=None, fraction=1.0)
    events = changes(told, done, 0.01)
    assert [event.address for event in events] == ["/started", "/progress", "/done"]
    assert events[1].arguments[:2] == (1.0, "ab.1")
    assert changes(told, done, 0.02) == []


def test_a_running_job_is_heard_of_at_least_every_two_seconds() -> None:
    told = Told()
    running = dataclasses.replace(JOB, state="rendering", position=None, phase="transfer", fraction=0.3)
    changes(told, running, 0.0)
    assert changes(told, running, 0.5) == []
    assert [event.address for event in changes(told, running, 1.9)] == ["/progress"]


class Wire(Endpoint):
    """An endpoint that keeps what it is to send."""

    def __init__(self) -> None:
        super().__init__(lambda *_: None, lambda _: None, lambda: 0.0)
        self.sent: list[tuple[str, tuple[Argument, ...]]] = []

    def send(self, peer: Peer, address: str, tags: str, arguments: Sequence[Argument]) -> None:
        self.sent.append((address.removeprefix("/daw_bridge"), tuple(arguments)))


def test_each_job_that_a_full_disk_holds_up_is_told_of_also_where_one_takes_the_place_of_another() -> None:
    wire = Wire()
    board = Board(Audience(wire, [("127.0.0.1", 1)], lambda: 0.0), lambda: 0.0, state="ready")
    first, second = (dataclasses.replace(JOB, id=name, state="rendering", waits="no room") for name in ("ab.1", "cd.1"))
    for job in (first, first, second):
        board.show((job,), ())
    told = [arguments for address, arguments in wire.sent if address == "/error"]
    assert told == [("disk_full", "job/ab.1", "no room"), ("disk_full", "job/cd.1", "no room")]


def test_the_log_says_what_becomes_of_each_job(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    board = Board(Audience(Wire(), [], lambda: 0.0), lambda: 0.0, state="ready")
    board.accepted(JOB, True, None)
    running = dataclasses.replace(JOB, state="rendering", position=None, phase="transfer", fraction=0.3)
    board.show((running,), ())
    board.show((running,), ())
    error = {"code": "disk_full", "message": "no room", "hint": "Free some."}
    board.show((), (dataclasses.replace(running, state="failed", error=error),))
    said = [line for line in caplog.messages if "ab.1" in line]
    assert said == ["job ab.1 accepted: /p/song.wav", "job ab.1 started: tape", "job ab.1 failed: no room"]

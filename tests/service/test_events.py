"""What is told between two looks at a job."""

from __future__ import annotations

import dataclasses

from daw_bridge.job import Job
from daw_bridge.request import RenderRequest, SourceFile
from daw_bridge.service.events import Told, changes

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

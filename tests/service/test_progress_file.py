"""The file that tells scripts how the jobs stand."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from daw_bridge.job import Job, Published
from daw_bridge.request import RenderRequest, SourceFile
from daw_bridge.service.progress_file import MAX_ACTIVE, MAX_SECONDS, ProgressFile

SONG = SourceFile("/p/song.wav", 1, 1)
JOB = Job("ab.1", "rendering", RenderRequest("/p", SONG, SONG, {"id": "tape"}, reqid="mine"), fraction=0.25, phase="transfer")
FILE = Published("/p/remixes/x.wav", "/p/remixes/x.json", 2.0, 44_100, 1, 1)


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def read(path: Path) -> dict[str, Any]:
    table: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return table


def test_it_says_how_each_job_stands_and_what_became_of_those_that_ended(tmp_path: Path) -> None:
    clock, path = Clock(), tmp_path / "progress.json"
    file = ProgressFile(path, clock, lambda: 7.0)
    file.show("rendering", [JOB], [])
    (job,) = read(path)["jobs"]
    assert (job["job"], job["reqid"], job["fraction"], job["phase"], job["preset"]) == ("ab.1", "mine", 0.25, "transfer", "tape")
    clock.now += 1
    file.show("idle", [], [dataclasses.replace(JOB, state="done", published=FILE)])
    (job,) = read(path)["jobs"]
    assert (job["state"], job["file"], job["ended"], job["length_seconds"]) == ("done", "/p/remixes/x.wav", 7.0, 2.0)
    assert read(path)["state"] == "idle" and read(path)["written"] == 7.0


def test_it_is_written_when_something_changed_and_as_a_sign_of_life(tmp_path: Path) -> None:
    clock, path = Clock(), tmp_path / "progress.json"
    file = ProgressFile(path, clock)
    file.show("rendering", [JOB], [])
    for seconds, fraction, is_written in ((0.1, 0.3, False), (0.2, 0.3, True), (1, 0.3, False), (MAX_SECONDS, 0.3, True)):
        path.unlink(missing_ok=True)
        clock.now += seconds
        file.show("rendering", [dataclasses.replace(JOB, fraction=fraction)], [])
        assert path.exists() == is_written, seconds


def test_a_disk_that_takes_nothing_stops_nothing(tmp_path: Path) -> None:
    ProgressFile(tmp_path / "gone" / "progress.json", Clock()).show("idle", [], [])


def test_what_comes_next_is_shown_however_many_newer_jobs_wait_behind_it(tmp_path: Path) -> None:
    path = tmp_path / "progress.json"
    waiting = [
        dataclasses.replace(JOB, id=f"{place}.1", state="queued", position=place) for place in range(MAX_ACTIVE + 50, 0, -1)
    ]
    ProgressFile(path, Clock()).show("rendering", [*waiting, JOB], [])
    shown = [job["job"] for job in read(path)["jobs"]]
    assert shown == ["ab.1", *(f"{place}.1" for place in range(1, MAX_ACTIVE))]

"""No tick of a script holds REAPER's window up, however large the project: costs are counted as on a slow computer."""

from __future__ import annotations

import contextlib
import json
import shutil
import struct
import time
from pathlib import Path
from typing import Any

import pytest

from daw_bridge.service.progress_file import text as progress_text
from tests.reaper.desk import RATE, Desk, song
from tests.reaper.simulator import REMIX, SCRIPTS, Reaper

LISTENER = "daw_bridge_Listener (toggle).lua"
LIMIT_SECONDS = 0.02
N_TRACKS, N_ITEMS, N_ANSWERS, N_JOBS = 200, 2_000, 1_000, 250
COPY_BYTES, FAR_BYTES = 100_000_000, 1_000_000


def large(reaper: Reaper, desk: Desk) -> Any:
    """A song of many tracks and items; the content is the last of them, alone selected."""
    project = song(reaper, desk)
    project.tracks[2]["items"][1]["is_selected"] = False
    tracks = [reaper.add_track(project, f"Track {n}") for n in range(N_TRACKS - 3)]
    source = reaper.world.add_source(reaper.world, str(desk.style), None)
    for n in range(N_ITEMS - 2):
        item = reaper.world.add_item(reaper.world, tracks[n % len(tracks)], reaper.lua.table_from({"D_LENGTH": 1.0}))
        reaper.world.add_take(reaper.world, item, source, "", None)
    project.tracks[2]["items"] = reaper.lua.table()
    reaper.add_item(tracks[-1], desk.content, name="last", D_POSITION=10.0, D_LENGTH=2.0)
    return project


def answers(desk: Desk, ticket: dict[str, Any] | None = None) -> None:
    """Many answers that lie about: of requests of another project."""
    results = desk.project / "daw_bridge" / "results"
    results.mkdir(parents=True, exist_ok=True)
    for n in range(N_ANSWERS):
        request = {"reqid": f"reaper-{n}", "look": {}, "project_file": "/elsewhere/other.rpp"}
        (results / f"reaper-{n}.json").write_text(json.dumps({"state": "done", "file": "/x.wav", "reaper": request}))


def queue(desk: Desk, *jobs: dict[str, Any]) -> None:
    """A service with a long queue."""
    (desk.state / "tickets").mkdir(parents=True, exist_ok=True)
    (desk.state / "service.json").write_text(json.dumps({"host": "127.0.0.1", "port": 9, "lan": False}))
    other = {"reqid": "cli-" + "a" * 32, "project": str(desk.project), "content": str(desk.content), "preset": "default"}
    waiting = [
        {**other, "job": f"{n:064d}.1", "state": "queued", "fraction": 0.0, "phase": "", "position": n} for n in range(N_JOBS)
    ]
    (desk.state / "progress.json").write_text(progress_text("rendering", [*waiting, *jobs], time.time() + 600.0))


def remix_of(desk: Desk, n_bytes: int) -> Path:
    """A long remix, mostly a hole in the file."""
    path = desk.project / "daw_bridge" / "remixes" / "long.wav"
    path.parent.mkdir(parents=True, exist_ok=True)
    head = struct.pack(
        "<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + n_bytes, b"WAVE", b"fmt ", 16, 1, 2, RATE, RATE * 4, 4, 16, b"data", n_bytes
    )
    path.write_bytes(head)
    with path.open("r+b") as file:
        file.truncate(len(head) + n_bytes)
    return path


def own_landing(reaper: Reaper, desk: Desk) -> None:
    """Asked for in a large project, with answers and jobs about, and landed."""
    project = large(reaper, desk)
    answers(desk)
    queue(desk)
    reaper.watch_costs()
    reaper.run()
    desk.answer(desk.take())
    reaper.ticks(4)
    assert len(reaper.tracks(project)) == N_TRACKS + 1 and reaper.tick() == 0


def landing_by_the_listener(reaper: Reaper, desk: Desk) -> None:
    """What a command asked for, below the last item of a large project."""
    project = large(reaper, desk)
    answers(desk)
    job: dict[str, Any] = {
        "job": "77.1",
        "reqid": "",
        "project": str(desk.project),
        "content": str(desk.content),
        "preset": "tape",
    }
    job |= {"state": "done", "start_seconds": 0.5, "length_seconds": 1.0, "file": str(remix_of(desk, 2**20)), "ended": 2e9}
    queue(desk, job)
    reaper.watch_costs()
    reaper.run(LISTENER)
    reaper.ticks(8)
    assert reaper.tracks(project)[-2:] == [f"Track {N_TRACKS - 4}", f"Track {N_TRACKS - 4} remix"]


def many_items_at_once(reaper: Reaper, desk: Desk) -> None:
    """As many items as may be selected, each asked for, and looked at in the window."""
    project = large(reaper, desk)
    for n in range(49):
        reaper.add_item(project.tracks[5], desk.content, name=f"hit {n}", D_POSITION=20.0 + n, D_LENGTH=1.0)
    queue(desk)
    reaper.watch_costs()
    reaper.run()
    reaper.ticks(3)
    assert len(desk.tickets()) == 50 and reaper.world.has_window


def reading_of_twenty_minutes(reaper: Reaper, desk: Desk, minutes: float = 20.0) -> None:
    """The begin of a looped item of twenty minutes."""
    song(reaper, desk, D_LENGTH=minutes * 60)
    reaper.watch_costs()
    reaper.run()
    reaper.ticks(1)
    (part,) = (desk.project / "daw_bridge" / "contents").iterdir()
    assert part.suffix == ".part" and reaper.world.calls["GetAudioAccessorSamples"] > 20


def reading_of_ten_seconds(reaper: Reaper, desk: Desk) -> None:
    """The same of a shorter item."""
    reading_of_twenty_minutes(reaper, desk, minutes=1 / 6)


def copying_of_a_long_remix(reaper: Reaper, desk: Desk) -> None:
    """A hundred megabytes into the project's media folder."""
    project = song(reaper, desk)
    reaper.watch_costs()
    reaper.run()
    desk.answer(desk.take(), file=str(remix_of(desk, COPY_BYTES)))
    reaper.ticks(12)
    assert (desk.project / "Media" / "long.wav").stat().st_size == COPY_BYTES + 44 and len(reaper.tracks(project)) == 4


def copying_from_far_away(reaper: Reaper, desk: Desk) -> None:
    """A remix to a disk that takes 1.25 MB a second, as over a slow network."""
    project = song(reaper, desk)
    reaper.watch_costs(byte_seconds=8e-7)
    reaper.run()
    desk.answer(desk.take(), file=str(remix_of(desk, FAR_BYTES)))
    reaper.ticks(10)
    assert (desk.project / "Media" / "long.wav").stat().st_size == FAR_BYTES + 44 and len(reaper.tracks(project)) == 4


SCENES = [own_landing, landing_by_the_listener, many_items_at_once, reading_of_twenty_minutes, copying_of_a_long_remix]


@pytest.mark.parametrize("scene", [*SCENES, copying_from_far_away])
def test_no_tick_takes_longer_than_20_ms(scene: Any, reaper: Reaper, desk: Desk) -> None:
    scene(reaper, desk)
    assert reaper.violations == [] and len(reaper.tick_seconds) > 20
    assert max(reaper.tick_seconds) < LIMIT_SECONDS


# scene, file in lib/, what stands there, what the mistake makes of it
LATE = "reaper.time_precise() >= deadline"
MISTAKES = {
    "the answers are read at once": (landing_by_the_listener, "answers", f"search.is_over or {LATE}", "search.is_over"),
    "the items are gone through at once": (landing_by_the_listener, "searching", LATE, "false"),
    "the file is copied at once": (copying_of_a_long_remix, "copying", "now + seconds >= deadline", "false"),
    "the pieces of the file grow whatever they take": (copying_from_far_away, "copying", "seconds < SHORT_SECONDS", "true"),
    "the sound is read at once": (reading_of_ten_seconds, "reading", "clock() >= deadline", "false"),
    "the tickets are written at once": (many_items_at_once, "running", f"not is_over or {LATE}", "not is_over"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_work_that_is_not_spread_is_noticed(mistake: str, desk: Desk, tmp_path: Path) -> None:
    scene, name, guard, instead = MISTAKES[mistake]
    shutil.copytree(SCRIPTS, tmp_path / "scripts")
    path = tmp_path / "scripts" / "lib" / f"{name}.lua"
    text = path.read_text(encoding="utf-8")
    assert text.count(guard) == 1
    path.write_text(text.replace(guard, instead), encoding="utf-8")
    reaper = Reaper("lua54", desk.env, scripts=tmp_path / "scripts")
    with contextlib.suppress(AssertionError):  # a scene that looks amid the work may find it done
        scene(reaper, desk)
    assert max(reaper.tick_seconds) > LIMIT_SECONDS


def test_a_disk_that_turns_slow_holds_up_one_tick_at_most(reaper: Reaper, desk: Desk) -> None:
    song(reaper, desk)
    reaper.watch_costs(byte_seconds=1e-9)
    reaper.run()
    desk.answer(desk.take(), file=str(remix_of(desk, COPY_BYTES)))
    part = desk.project / "Media" / "long.wav.part"
    while not part.exists():
        assert reaper.tick()
    reaper.tick()
    reaper.world.costs["byte_seconds"] = 2e-7
    n_before = len(reaper.tick_seconds)
    reaper.ticks(1)
    first, *others = reaper.tick_seconds[n_before:]
    assert first > LIMIT_SECONDS > max(others) and part.exists()


@pytest.mark.parametrize("what", ["items", "tracks"])
def test_a_selection_of_everything_is_refused(what: str, reaper: Reaper, desk: Desk) -> None:
    project = large(reaper, desk)
    for track in project.tracks.values():
        track["is_selected"] = True
        for item in track["items"].values():
            item["is_selected"] = True
    project["selection_stop"] = 1.0
    reaper.run(REMIX if what == "items" else "daw_bridge_Remix time selection of selected tracks.lua")
    assert f" {what} are selected: select at most 50" in reaper.boxes[0] and reaper.tick() == 0

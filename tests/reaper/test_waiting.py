"""Between ticket and landing: looking for answers without being in the way."""

from __future__ import annotations

import pytest
import soundfile

from tests.reaper.desk import RATE, Desk, new_item, song
from tests.reaper.simulator import Reaper


def test_a_later_run_collects_what_an_earlier_one_asked_for(reaper: Reaper, desk: Desk) -> None:
    project = song(reaper, desk)
    reaper.run()
    reaper.world.stop_script(reaper.world)
    desk.answer(desk.take())
    project.tracks[2]["items"][1]["is_selected"] = False
    reaper.run()
    assert "Select one" in reaper.boxes[-1]
    reaper.ticks(3)
    assert reaper.tracks(project)[2] == "Vocal remix" and reaper.violations == []


def test_two_runs_at_once_land_it_once(reaper: Reaper, desk: Desk) -> None:
    project = song(reaper, desk)
    reaper.run()
    ticket = desk.take()
    project.tracks[2]["items"][1]["is_selected"] = False
    reaper.run()
    desk.answer(ticket)
    reaper.ticks(3)
    assert reaper.tracks(project) == ["Drums", "Vocal", "Vocal remix", "Bass"]
    assert len(list((desk.project / "Media").iterdir())) == 1
    assert reaper.tick() == 0 and reaper.violations == []


def test_a_failure_is_shown_as_its_sentence(reaper: Reaper, desk: Desk) -> None:
    project = song(reaper, desk)
    reaper.run()
    error = {"code": "too_short", "message": "style 'style.wav' has 0.01 s", "hint": "Give at least 0.1 s."}
    desk.answer(desk.take(), state="failed", error=error)
    reaper.ticks(3)
    assert reaper.boxes[-1] == "The remix of 'vocal take' failed: style 'style.wav' has 0.01 s. Give at least 0.1 s."
    assert len(reaper.tracks(project)) == 3 and reaper.undo_labels(project) == [] and reaper.tick() == 0


def test_a_cancelled_job_is_no_alarm(reaper: Reaper, desk: Desk) -> None:
    song(reaper, desk)
    reaper.run()
    desk.answer(desk.take(), state="cancelled")
    reaper.ticks(3)
    assert len(reaper.boxes) == 1 and "cancelled" in list(reaper.world.hints.values())[-1] and reaper.tick() == 0


@pytest.mark.parametrize("text", ["", "{", "[]", '{"state": 7}'])
def test_an_answer_that_is_no_answer_is_said_so(text: str, reaper: Reaper, desk: Desk) -> None:
    song(reaper, desk)
    reaper.run()
    ticket = desk.take()
    desk.answer(ticket)
    (desk.project / "daw_bridge" / "results" / f"{ticket['reqid']}.json").write_text(text)
    reaper.ticks(3)
    assert "cannot be read" in reaper.boxes[-1] and reaper.tick() == 0 and reaper.violations == []


def test_a_remix_whose_file_is_gone_or_broken_is_said_so(reaper: Reaper, desk: Desk) -> None:
    project = song(reaper, desk)
    reaper.run()
    remix = desk.answer(desk.take())
    remix.write_bytes(b"no audio at all")
    reaper.ticks(3)
    assert "cannot read" in reaper.boxes[-1] and not list((desk.project / "Media").iterdir())
    remix.unlink()
    reaper.run()
    ticket = desk.take()
    desk.answer(ticket, file=str(desk.project / "nowhere.wav"))
    reaper.ticks(3)
    assert "is not there" in reaper.boxes[-1] and reaper.undo_labels(project) == [] and reaper.violations == []


def test_a_file_of_the_same_name_in_the_media_folder_is_left_alone(reaper: Reaper, desk: Desk) -> None:
    project = song(reaper, desk)
    media = desk.project / "Media"
    media.mkdir()
    reaper.run()
    ticket = desk.take()
    remix = desk.answer(ticket)
    (media / remix.name).write_bytes(b"mine")
    reaper.ticks(3)
    assert (media / remix.name).read_bytes() == b"mine"
    assert new_item(project).takes[1].source.path == str(media / f"{remix.stem} (2).wav")


def test_a_request_that_nobody_takes_is_mentioned_once_and_waits(reaper: Reaper, desk: Desk) -> None:
    project = song(reaper, desk)
    reaper.run()
    reaper.ticks(9)
    assert reaper.console == []
    reaper.ticks(60)
    (line,) = reaper.console
    assert "daw-bridge serve" in line
    desk.answer(desk.take())
    reaper.ticks(3)
    assert reaper.tracks(project)[2] == "Vocal remix"


def test_nothing_lands_while_the_user_records(reaper: Reaper, desk: Desk) -> None:
    project = song(reaper, desk)
    reaper.run()
    project["play_state"] = 5
    desk.answer(desk.take())
    reaper.ticks(3)
    assert len(reaper.tracks(project)) == 3
    project["play_state"] = 0
    reaper.ticks(3)
    assert len(reaper.tracks(project)) == 4


def test_waiting_looks_at_the_disk_twice_a_second(reaper: Reaper, desk: Desk) -> None:
    song(reaper, desk)
    reaper.run()
    before = reaper.world.calls["EnumProjects"]
    reaper.ticks(10)
    n_looks = reaper.world.calls["EnumProjects"] - before
    assert 18 <= n_looks <= 21


def test_a_long_copy_is_spread_over_ticks(lua_version: str, desk: Desk) -> None:
    reaper = Reaper(lua_version, desk.env)
    project = song(reaper, desk)
    clock = iter(range(10**9))
    reaper.run()
    remix = desk.answer(desk.take())
    soundfile.write(remix, [[0.1, 0.1]] * (RATE * 20), RATE, subtype="PCM_24")
    reaper.world.host["seconds"] = lambda: 2000.0 + next(clock)
    reaper.tick()
    parts = []
    while len(reaper.tracks(project)) == 3:
        reaper.tick()
        parts += [path.stat().st_size for path in (desk.project / "Media").glob("*.part")]
    assert len(parts) > 3
    assert (desk.project / "Media" / remix.name).read_bytes() == remix.read_bytes()


def test_a_run_that_ends_amid_a_copy_leaves_no_part_of_it(reaper: Reaper, desk: Desk) -> None:
    song(reaper, desk)
    clock = iter(range(10**9))
    reaper.run()
    desk.answer(desk.take())
    reaper.world.host["seconds"] = lambda: 2000.0 + next(clock)
    while not list((desk.project / "Media").glob("*")):
        reaper.tick()
    reaper.world.stop_script(reaper.world)
    assert list((desk.project / "Media").iterdir()) == []


def test_a_request_that_was_never_answered_is_forgotten_after_a_week(reaper: Reaper, desk: Desk) -> None:
    project = song(reaper, desk)
    reaper.run()
    desk.take()
    reaper.lua.execute("local now = os.time(); os.time = function() return now + 8 * 24 * 3600 end")
    reaper.ticks(3)
    assert reaper.tick() == 0 and not any("PENDING" in key for key in project.remembered)

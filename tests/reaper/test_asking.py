"""The script from the selection to the ticket: what it asks for, and what it refuses."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.reaper.desk import Desk, song
from tests.reaper.simulator import SCRIPTS, Reaper


def test_the_ticket_says_what_reaper_md_says(reaper: Reaper, desk: Desk) -> None:
    project = song(reaper, desk)
    reaper.run()
    (ticket,) = desk.tickets()
    assert ticket["schema"] == 1 and ticket["project"] == str(desk.project)
    assert (ticket["content"], ticket["style"]) == (str(desk.content), str(desk.style))
    assert (ticket["start_seconds"], ticket["length_seconds"]) == (0.5, 2.0)
    assert (ticket["preset"], ticket["params"]) == ("default", {})
    echoed = ticket["reaper"]
    item = project.tracks[2]["items"][1]
    assert echoed["project"] == str(desk.project / "song.rpp") and echoed["track_guid"] == project.tracks[2].guid
    assert echoed["item_guid"] == item.guid and echoed["position_seconds"] == 12.3456789
    assert echoed["tempo_bpm"] == 120 and echoed["name"] == "vocal take"
    assert reaper.boxes[0].startswith("daw_bridge will keep its remixes") and len(reaper.boxes) == 1
    assert reaper.violations == []


def test_a_second_selected_item_is_the_style(reaper: Reaper, desk: Desk) -> None:
    project = song(reaper, desk)
    reaper.add_item(project.tracks[3], desk.style, D_LENGTH=1.0)
    reaper.world["file_answer"] = None
    reaper.run()
    assert desk.tickets()[0]["style"] == str(desk.style)


@pytest.mark.parametrize("hindrance", ["unsaved", "nothing", "empty", "midi", "offline", "no style"])
def test_what_cannot_be_done_is_refused_first_in_one_sentence(hindrance: str, reaper: Reaper, desk: Desk) -> None:
    project = reaper.add_project(desk.project, "" if hindrance == "unsaved" else "song.rpp")
    track = reaper.add_track(project, "Vocal")
    file = desk.project / "gone.wav" if hindrance == "offline" else desk.content
    if hindrance != "nothing":
        kind = "MIDI" if hindrance == "midi" else None
        reaper.add_item(track, None if hindrance == "empty" else file, kind=kind, D_LENGTH=1.0)
    reaper.run()
    (sentence,) = reaper.boxes
    word = {"unsaved": "Save the project", "nothing": "Select one", "offline": "gone.wav", "midi": "MIDI", "no style": "No style"}
    assert word.get(hindrance, hindrance) in sentence
    assert sentence.count("\n") == 0 and not (desk.state / "tickets").exists()
    assert reaper.tick() == 0 and reaper.undo_labels(project) == [] and reaper.violations == []


def test_an_item_that_shows_nothing_of_its_file_is_refused(reaper: Reaper, desk: Desk) -> None:
    song(reaper, desk, D_STARTOFFS=5.0, B_LOOPSRC=0)
    reaper.run()
    assert "no part" in reaper.boxes[0]


def test_nothing_is_asked_in_a_project_that_the_user_keeps_to_himself(reaper: Reaper, desk: Desk) -> None:
    song(reaper, desk)
    reaper.world["box_answer"] = 2
    reaper.run()
    assert not (desk.state / "tickets").exists() and reaper.tick() == 0
    reaper.world["box_answer"] = 1
    reaper.run()
    reaper.run()
    assert len(reaper.boxes) == 2, "once agreed, it does not ask again"


def test_the_preset_menu_remembers_the_choices_of_each_project(lua_version: str, desk: Desk, tmp_path: Path) -> None:
    shutil.copytree(SCRIPTS, tmp_path / "scripts")
    presets = desk.state / "presets"
    presets.mkdir(parents=True)
    (presets / "tape.toml").write_text('schema = 1\ntitle = "Tape | warm"  # short\n')
    (presets / "default.toml").write_text('title = "Mine"\n')
    reaper = Reaper(lua_version, {**desk.env, "DAW_BRIDGE_PRESETS": str(presets)}, scripts=tmp_path / "scripts")
    song(reaper, desk)
    for answers in ([5, 2], [0]):
        reaper.world["menu_answers"] = reaper.lua.table_from(answers)
        reaper.run()
    strengths = ">Strength|{}the preset's own|25 %|{}50 %|75 %|<100 %"
    assert list(reaper.world.menus.values()) == [
        "!Mine|Tape / warm||" + strengths.format("!", ""),
        "!Mine|Tape / warm||" + strengths.format("", "!"),
        "Mine|!Tape / warm||" + strengths.format("", "!"),
    ]
    (ticket,) = desk.tickets()
    assert (ticket["preset"], ticket["params"]) == ("tape", {"strength": 0.5}), "a menu that is closed asks for nothing"
    assert reaper.violations == []


def test_a_disk_that_takes_no_ticket_is_said_so(reaper: Reaper, desk: Desk) -> None:
    song(reaper, desk)
    desk.state.mkdir()
    (desk.state / "tickets").write_text("in the way")
    reaper.world.host["make_folder"] = lambda path: 0
    reaper.run()
    assert "could not be written" in reaper.boxes[-1] and reaper.tick() == 0 and reaper.violations == []

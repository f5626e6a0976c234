"""From a finished remix to the new track: where it stands, and that nothing else changes."""

from __future__ import annotations

from typing import Any

import soundfile

from tests.reaper.desk import RATE, Desk, new_item, song
from tests.reaper.simulator import SINCE_7_18, Reaper


def test_the_remix_lands_below_the_content_at_its_position(reaper: Reaper, desk: Desk) -> None:
    project = song(reaper, desk)
    reaper.run()
    reaper.ticks(3)
    remix = desk.answer(desk.take())
    reaper.ticks(3)
    assert reaper.tracks(project) == ["Drums", "Vocal", "Vocal remix", "Bass"]
    track, item = project.tracks[3], new_item(project)
    take = item.takes[1]
    assert item["values"]["D_POSITION"] == 12.3456789 and item["values"]["D_LENGTH"] == 2.0
    assert take["values"]["D_STARTOFFS"] == 0.0 and take["values"]["D_PLAYRATE"] == 1.0
    assert track["values"]["I_CUSTOMCOLOR"] == 0x1FF8000 and item["values"]["I_CUSTOMCOLOR"] == 0x10000FF
    assert take.strings["P_NAME"] == "vocal take (default)"
    assert take.source.path == str(desk.project / "Media" / remix.name) and take.source.has_peaks
    assert soundfile.info(take.source.path).frames == 2 * RATE
    assert reaper.undo_labels(project) == ["Remix of vocal take"]
    assert not list((desk.project / "daw_bridge" / "results").iterdir())
    assert reaper.tick() == 0, "the script ends when nothing is outstanding"
    assert reaper.violations == []


def test_one_undo_takes_the_landing_back(reaper: Reaper, desk: Desk) -> None:
    project = song(reaper, desk)
    reaper.run()
    desk.answer(desk.take())
    reaper.ticks(3)
    reaper.world.undo(reaper.world, project)
    assert reaper.tracks(project) == ["Drums", "Vocal", "Bass"]
    reaper.run()
    assert len(desk.tickets()) == 1, "and the next request is a new one"


def test_a_play_rate_asks_for_the_part_of_the_source_that_is_heard(reaper: Reaper, desk: Desk) -> None:
    project = song(reaper, desk, D_PLAYRATE=1.5, D_PITCH=2.0, B_PPITCH=0, D_LENGTH=1.0)
    reaper.run()
    ticket = desk.take()
    assert (ticket["start_seconds"], ticket["length_seconds"]) == (0.5, 1.5)
    desk.answer(ticket)
    reaper.ticks(3)
    values = new_item(project).takes[1]["values"]
    assert (values["D_PLAYRATE"], values["D_PITCH"], values["B_PPITCH"]) == (1.5, 2.0, 0.0)
    assert new_item(project)["values"]["D_LENGTH"] == 1.0


def test_it_lands_in_its_own_project_after_a_change_of_tab(reaper: Reaper, desk: Desk) -> None:
    project = song(reaper, desk)
    reaper.run()
    other = reaper.add_project(desk.project, "other.rpp")
    reaper.add_track(other, "Guitar")
    desk.answer(desk.take())
    reaper.ticks(3)
    assert len(reaper.tracks(project)) == 4 and reaper.tracks(other) == ["Guitar"]
    assert reaper.world.front.file == other.file and reaper.violations == []


def test_before_reaper_7_18_it_lands_in_its_own_project_too(lua_version: str, desk: Desk) -> None:
    reaper = Reaper(lua_version, desk.env, missing=SINCE_7_18)
    test_it_lands_in_its_own_project_after_a_change_of_tab(reaper, desk)


def test_a_closed_project_gets_its_remix_when_it_is_open_again(reaper: Reaper, desk: Desk) -> None:
    project = song(reaper, desk)
    reaper.run()
    other = reaper.add_project(desk.project, "other.rpp")
    reaper.world.close_project(reaper.world, project)
    desk.answer(desk.take())
    reaper.ticks(3)
    assert reaper.tracks(other) == [] and reaper.boxes[1:] == []
    reaper.world.reopen_project(reaper.world, project)
    reaper.ticks(3)
    assert reaper.tracks(project)[2] == "Vocal remix" and reaper.violations == []


def test_a_project_that_forgot_its_request_when_it_was_closed_unsaved_gets_its_remix_too(reaper: Reaper, desk: Desk) -> None:
    project = song(reaper, desk)
    reaper.run()
    ticket = desk.take()
    reaper.world.close_project(reaper.world, project)
    reaper.add_project(desk.project, "other.rpp")
    reaper.ticks(2)
    project["remembered"] = reaper.lua.table()
    reaper.world.reopen_project(reaper.world, project)
    reaper.ticks(2)
    desk.answer(ticket)
    reaper.ticks(3)
    assert reaper.tracks(project)[2] == "Vocal remix" and reaper.violations == []


def test_a_moved_and_trimmed_item_keeps_its_remix_in_time(reaper: Reaper, desk: Desk) -> None:
    project = song(reaper, desk)
    reaper.run()
    content = project.tracks[2]["items"][1]
    content["values"]["D_POSITION"], content.takes[1]["values"]["D_STARTOFFS"] = 20.25, 0.75
    desk.answer(desk.take())
    reaper.ticks(3)
    assert new_item(project)["values"]["D_POSITION"] == 20.0, "0.25 s were trimmed off the content's beginning"


def test_a_deleted_item_leaves_its_place(reaper: Reaper, desk: Desk) -> None:
    project = song(reaper, desk)
    reaper.run()
    project.tracks[2]["items"] = reaper.lua.table()
    desk.answer(desk.take())
    reaper.ticks(3)
    assert new_item(project)["values"]["D_POSITION"] == 12.3456789


def test_an_item_on_another_track_has_its_remix_below_that_one(reaper: Reaper, desk: Desk) -> None:
    project = song(reaper, desk)
    reaper.run()
    item = project.tracks[2]["items"][1]
    project.tracks[2]["items"], project.tracks[3]["items"] = reaper.lua.table(), reaper.lua.table(item)
    item["track"] = project.tracks[3]
    desk.answer(desk.take())
    reaper.ticks(3)
    assert reaper.tracks(project) == ["Drums", "Vocal", "Bass", "Vocal remix"] and reaper.violations == []


def test_a_remix_whose_track_is_gone_lands_at_the_end_at_its_position(reaper: Reaper, desk: Desk) -> None:
    project = song(reaper, desk)
    reaper.run()
    project["tracks"] = reaper.lua.table(project.tracks[1], project.tracks[3])
    desk.answer(desk.take())
    reaper.ticks(3)
    assert reaper.tracks(project) == ["Drums", "Bass", "Vocal remix"]
    assert new_item(project)["values"]["D_POSITION"] == 12.3456789 and reaper.violations == []


def test_a_remix_whose_landing_was_undone_stays_away_until_asked_for_again(reaper: Reaper, desk: Desk) -> None:
    project = song(reaper, desk)
    reaper.run()
    desk.answer(desk.take())
    reaper.ticks(3)
    reaper.world.undo(reaper.world, project)
    project.tracks[2]["items"][1]["is_selected"] = False
    reaper.run("daw_bridge_Listener (toggle).lua")
    reaper.ticks(12)
    assert reaper.tracks(project) == ["Drums", "Vocal", "Bass"] and reaper.violations == []


def test_a_remix_of_a_folder_s_last_track_stays_in_the_folder(reaper: Reaper, desk: Desk) -> None:
    project = song(reaper, desk)
    project.tracks[1]["values"]["I_FOLDERDEPTH"], project.tracks[2]["values"]["I_FOLDERDEPTH"] = 1, -1
    reaper.run()
    desk.answer(desk.take())
    reaper.ticks(3)
    assert [track["values"]["I_FOLDERDEPTH"] for track in project.tracks.values()] == [1, 0, -1, 0]


def test_every_call_that_fails_while_landing_leaves_the_project_as_it_was(lua_version: str, desk: Desk) -> None:
    def landing(fail_at: int | None) -> tuple[Reaper, Any, int]:
        for left in (desk.project / "daw_bridge" / "results").glob("*"):
            left.unlink()  # an answer that did not land would rightly be taken up by the next run
        reaper = Reaper(lua_version, desk.env)
        project = song(reaper, desk)
        reaper.run()
        desk.answer(desk.take())
        reaper.world["fail_call"] = fail_at
        reaper.ticks(2)
        return reaper, project, len(reaper.world.calls)

    reaper, _, _ = landing(None)
    names = list(reaper.world.calls.values())[: len(reaper.world.calls)]
    first = names.index("PCM_Source_CreateFromFile") + 1
    brackets = {"PreventUIRefresh", "Undo_BeginBlock2", "Undo_EndBlock2", "UpdateArrange"}
    last = names.index("Undo_EndBlock2")
    failing = [n for n in range(first, last + 1) if names[n - 1] not in brackets]
    assert len(failing) > 30
    for fail_at in failing:
        reaper, project, _ = landing(fail_at)
        assert reaper.violations == [], names[fail_at - 1]
        assert reaper.tracks(project) == ["Drums", "Vocal", "Bass"], names[fail_at - 1]
        assert reaper.undo_labels(project) == [], names[fail_at - 1]


def test_names_with_every_kind_of_quote_come_through(reaper: Reaper, desk: Desk) -> None:
    project = reaper.add_project(desk.project)
    track = reaper.add_track(project, "Zoë's `lead\" 漢字")
    item = reaper.add_item(track, desk.content, name='it\'s `"so"`', D_LENGTH=1.0)
    reaper.world["file_answer"] = str(desk.style)
    reaper.run()
    item["is_selected"] = False
    reaper.world.stop_script(reaper.world)
    ticket = desk.take()
    assert ticket["reaper"]["name"] == 'it\'s `"so"`'
    desk.answer(ticket)
    reaper.run()
    reaper.ticks(3)
    assert reaper.tracks(project) == ["Zoë's `lead\" 漢字", "Zoë's `lead\" 漢字 remix"] and reaper.violations == []
